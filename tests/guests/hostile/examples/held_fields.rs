//! Makes the host hold as many header fields as it gets, each as large as it takes them.

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
            vec![b'a'; 15 << 10],
        )]));
    }
    drop(held);
    Ok(hostile::allowed(origin).send()?.status)
}

hostile::component!(run);
