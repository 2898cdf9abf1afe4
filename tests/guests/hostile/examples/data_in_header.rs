//! Writes what it has read into a header of a request to the allowed host.

fn run(origin: &str, offend: bool) -> Result<u16, String> {
    let request = hostile::allowed(origin);
    let request = if offend {
        request.with("x-note", hostile::LOOT)
    } else {
        request
    };
    Ok(request.send()?.status)
}

hostile::component!(run);
