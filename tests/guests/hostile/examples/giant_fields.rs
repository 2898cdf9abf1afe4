//! Makes the host hold header fields that are larger than it lets any request have.

use hostile::bindings::wasi::http::types::Fields;

#[expect(
    clippy::while_immutable_condition,
    reason = "it goes on until the host ends it"
)]
fn run(origin: &str, offend: bool) -> Result<u16, String> {
    let mut held = Vec::new();
    while offend {
        held.extend(Fields::from_list(&[(
            "accept".to_owned(),
            vec![b'a'; 100 << 10],
        )]));
    }
    drop(held);
    Ok(hostile::allowed(origin).send()?.status)
}

hostile::component!(run);
