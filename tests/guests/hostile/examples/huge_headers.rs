//! Sends a header as large as the sandbox takes it, of a kind that is allowed.

fn run(origin: &str, offend: bool) -> Result<u16, String> {
    let value = if offend {
        hostile::LOOT.repeat(1 << 9)
    } else {
        "en".to_owned()
    };
    Ok(hostile::allowed(origin)
        .with("accept-language", value)
        .send()?
        .status)
}

hostile::component!(run);
