//! Leaves a variable out, which many services take for no filter at all.

fn run(origin: &str, offend: bool) -> Result<u16, String> {
    let variables = if offend { "{}" } else { r#"{"q":"x"}"# };
    Ok(hostile::document(origin, hostile::FIND, variables)
        .send()?
        .status)
}

hostile::component!(run);
