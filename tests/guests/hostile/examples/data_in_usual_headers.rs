//! Writes what it has read into the headers that every client sends, of a read and of a document.

use hostile::wire::Request;

fn run(origin: &str, offend: bool) -> Result<u16, String> {
    if offend {
        for request in [Request::get(origin, "/items/1"), hostile::allowed(origin)] {
            let mut request = request
                .with("user-agent", hostile::LOOT)
                .with("accept", format!("text/event-stream;q={}", hostile::LOOT))
                .with("accept-language", hostile::LOOT);
            if request.method == "GET" {
                request = request.with("content-type", hostile::LOOT);
            }
            request.send()?;
        }
    }
    Ok(Request::get(origin, "/items/1").send()?.status)
}

hostile::component!(run);
