//! Sends an object where a text was declared: a filter of its own.

fn run(origin: &str, offend: bool) -> Result<u16, String> {
    let variables = if offend {
        r#"{"q":{"like":"%"}}"#
    } else {
        r#"{"q":"x"}"#
    };
    Ok(hostile::document(origin, hostile::FIND, variables)
        .send()?
        .status)
}

hostile::component!(run);
