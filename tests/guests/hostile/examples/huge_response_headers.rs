//! Asks for an answer with a huge block of headers.

use hostile::wire::Request;

fn run(origin: &str, offend: bool) -> Result<u16, String> {
    let path = if offend { "/items/headers" } else { "/items/1" };
    Ok(Request::get(origin, path).send()?.status)
}

hostile::component!(run);
