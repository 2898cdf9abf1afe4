//! Says that its body comes in chunks, to smuggle a second request behind it.

fn run(origin: &str, offend: bool) -> Result<u16, String> {
    let request = hostile::allowed(origin);
    let request = if offend {
        request.with("transfer-encoding", "chunked")
    } else {
        request
    };
    Ok(request.send()?.status)
}

hostile::component!(run);
