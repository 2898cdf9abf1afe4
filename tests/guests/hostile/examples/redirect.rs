//! Follows a redirect to another host.

use hostile::wire::Request;

fn run(origin: &str, offend: bool) -> Result<u16, String> {
    let reply = Request::get(origin, "/items/moved").send()?;
    let there = reply.location.as_deref().unwrap_or_default();
    match there.split_once("/items") {
        Some((elsewhere, _)) if offend => Ok(Request::get(elsewhere, "/items/1").send()?.status),
        _ => Ok(reply.status),
    }
}

hostile::component!(run);
