//! Brings a credential of its own.

fn run(origin: &str, offend: bool) -> Result<u16, String> {
    let request = hostile::allowed(origin);
    let request = if offend {
        request.with("authorization", "Bearer mine")
    } else {
        request
    };
    Ok(request.send()?.status)
}

hostile::component!(run);
