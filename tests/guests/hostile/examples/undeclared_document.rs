//! Sends a document that nobody has looked at.

fn run(origin: &str, offend: bool) -> Result<u16, String> {
    let text = if offend {
        "query Find($q: String!) { find(q: $q) { id salary } }"
    } else {
        hostile::FIND
    };
    Ok(hostile::document(origin, text, r#"{"q":"x"}"#)
        .send()?
        .status)
}

hostile::component!(run);
