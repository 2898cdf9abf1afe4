//! Makes the host hold as many header fields as it gets.

use hostile::bindings::wasi::http::types::Fields;

fn run(origin: &str, offend: bool) -> Result<u16, String> {
    let mut held = Vec::new();
    while offend {
        // Of 100 KB first, and of what is taken after that.
        for length in [100 << 10, 15 << 10] {
            let fields = Fields::from_list(&[("accept".to_owned(), vec![b'a'; length])]);
            held.extend(fields);
        }
    }
    drop(held);
    Ok(hostile::allowed(origin).send()?.status)
}

hostile::component!(run);
