//! Sends a huge block of headers, all of a kind that is allowed.

fn run(origin: &str, offend: bool) -> Result<u16, String> {
    let value = if offend {
        hostile::LOOT.repeat(1 << 12)
    } else {
        "en".to_owned()
    };
    Ok(hostile::allowed(origin)
        .with("accept-language", value)
        .send()?
        .status)
}

hostile::component!(run);
