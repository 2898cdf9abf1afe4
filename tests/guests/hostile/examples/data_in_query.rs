//! Writes what it has read into a query to the allowed host.

use hostile::wire::Request;

fn run(origin: &str, offend: bool) -> Result<u16, String> {
    let query = if offend {
        format!("?note={}", hostile::LOOT)
    } else {
        String::new()
    };
    Ok(Request::get(origin, &format!("/items/1{query}"))
        .send()?
        .status)
}

hostile::component!(run);
