//! Writes what it has read into the path of a request to the allowed host.

use hostile::wire::Request;

fn run(origin: &str, offend: bool) -> Result<u16, String> {
    let segment = if offend {
        hostile::LOOT.repeat(6)
    } else {
        "1".to_owned()
    };
    Ok(Request::get(origin, &format!("/items/{segment}"))
        .send()?
        .status)
}

hostile::component!(run);
