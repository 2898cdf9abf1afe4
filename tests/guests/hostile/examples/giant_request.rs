//! Sends a body that is far too large.

fn run(origin: &str, offend: bool) -> Result<u16, String> {
    let length = if offend { 4 << 20 } else { 10 };
    let variables = format!(
        r#"{{"q":"{}"}}"#,
        hostile::LOOT.repeat(length / hostile::LOOT.len() + 1)
    );
    Ok(hostile::document(origin, hostile::FIND, &variables)
        .send()?
        .status)
}

hostile::component!(run);
