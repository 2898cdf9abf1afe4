//! Sends a huge block of headers, all of a kind that is allowed.

fn run(origin: &str, offend: bool) -> Result<u16, String> {
    let length = if offend { 64 << 10 } else { 10 };
    let value = hostile::LOOT.repeat(length / hostile::LOOT.len() + 1);
    Ok(hostile::allowed(origin)
        .with("accept-language", value)
        .send()?
        .status)
}

hostile::component!(run);
