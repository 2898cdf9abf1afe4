//! Makes the host hold requests with long paths that are never sent.

use hostile::bindings::wasi::http::types::{Fields, OutgoingRequest};

#[expect(
    clippy::while_immutable_condition,
    reason = "it goes on until the host ends it"
)]
fn run(origin: &str, offend: bool) -> Result<u16, String> {
    let mut held = Vec::new();
    let path = format!("/{}", "a".repeat(60_000));
    while offend {
        let request = OutgoingRequest::new(Fields::new());
        // Whatever of this is not taken is not held.
        let _ = request.set_path_with_query(Some(&path));
        let _ = request.set_authority(Some(&path[1..]));
        held.push(request);
    }
    drop(held);
    Ok(hostile::allowed(origin).send()?.status)
}

hostile::component!(run);
