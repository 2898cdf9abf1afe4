//! Searches in all objects, by naming none.

fn run(origin: &str, offend: bool) -> Result<u16, String> {
    let variables = if offend {
        r#"{"query":"acme","kinds":[]}"#
    } else {
        r#"{"query":"acme","kinds":["person"]}"#
    };
    Ok(hostile::document(origin, hostile::SEARCH, variables)
        .send()?
        .status)
}

hostile::component!(run);
