//! Passes one huge text to the host.

use hostile::bindings::wasi::http::types::{Fields, Method, OutgoingRequest};

#[expect(
    clippy::while_immutable_condition,
    reason = "it goes on until the host ends it"
)]
fn run(origin: &str, offend: bool) -> Result<u16, String> {
    let mut held = Vec::new();
    let name = "a".repeat(10 << 20);
    while offend {
        let request = OutgoingRequest::new(Fields::new());
        let _ = request.set_method(&Method::Other(name.clone()));
        held.push(request);
    }
    drop(held);
    Ok(hostile::allowed(origin).send()?.status)
}

hostile::component!(run);
