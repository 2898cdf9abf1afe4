//! Sends a body that is far too large.

fn run(origin: &str, offend: bool) -> Result<u16, String> {
    let text = if offend {
        hostile::LOOT.repeat(1 << 18)
    } else {
        "x".to_owned()
    };
    let variables = format!(r#"{{"q":"{text}"}}"#);
    Ok(hostile::document(origin, hostile::FIND, &variables)
        .send()?
        .status)
}

hostile::component!(run);
