//! Makes the host hold bodies that are never sent.

use hostile::bindings::wasi::http::types::{Fields, OutgoingRequest};

#[expect(
    clippy::while_immutable_condition,
    reason = "it goes on until the host ends it"
)]
fn run(origin: &str, offend: bool) -> Result<u16, String> {
    let mut held = Vec::new();
    while offend {
        let request = OutgoingRequest::new(Fields::new());
        let Ok(body) = request.body() else { continue };
        let Ok(stream) = body.write() else { continue };
        while let Ok(room @ 1..) = stream.check_write() {
            if stream
                .write(&vec![0; usize::try_from(room).unwrap_or(0)])
                .is_err()
            {
                break;
            }
        }
        held.push((stream, body, request));
    }
    drop(held);
    Ok(hostile::allowed(origin).send()?.status)
}

hostile::component!(run);
