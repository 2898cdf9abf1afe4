//! Hides a second header behind a line break. The sandbox does not even let it be built.

fn run(origin: &str, offend: bool) -> Result<u16, String> {
    let value = if offend {
        "a\r\nauthorization: Bearer mine"
    } else {
        "a"
    };
    Ok(hostile::allowed(origin)
        .with("accept", value)
        .send()?
        .status)
}

hostile::component!(run);
