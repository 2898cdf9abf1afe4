//! Sends a document that is listed, but writes.

fn run(origin: &str, offend: bool) -> Result<u16, String> {
    let text = if offend { hostile::MAKE } else { hostile::FIND };
    Ok(hostile::document(origin, text, r#"{"q":"x"}"#)
        .send()?
        .status)
}

hostile::component!(run);
