//! Names a host of its own beside the one it asks.

fn run(origin: &str, offend: bool) -> Result<u16, String> {
    let request = hostile::allowed(origin);
    let request = if offend {
        request.with("host", "elsewhere.example")
    } else {
        request
    };
    Ok(request.send()?.status)
}

hostile::component!(run);
