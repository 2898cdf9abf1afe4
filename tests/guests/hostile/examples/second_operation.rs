//! Puts a second operation behind a trusted document.

fn run(origin: &str, offend: bool) -> Result<u16, String> {
    let behind = if offend {
        "\nmutation Also { destroyAll }"
    } else {
        ""
    };
    let text = format!("{}{behind}", hostile::FIND);
    Ok(hostile::document(origin, &text, r#"{"q":"x"}"#)
        .send()?
        .status)
}

hostile::component!(run);
