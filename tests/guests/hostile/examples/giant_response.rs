//! Asks for an answer that is far too large.

use hostile::wire::Request;

fn run(origin: &str, offend: bool) -> Result<u16, String> {
    let path = if offend { "/items/giant" } else { "/items/1" };
    Ok(Request::get(origin, path).send()?.status)
}

hostile::component!(run);
