//! Looks for nothing, which finds everything.

fn run(origin: &str, offend: bool) -> Result<u16, String> {
    let variables = if offend {
        r#"{"query":" * ","kinds":["person"]}"#
    } else {
        r#"{"query":"acme","kinds":["person"]}"#
    };
    Ok(hostile::document(origin, hostile::SEARCH, variables)
        .send()?
        .status)
}

hostile::component!(run);
