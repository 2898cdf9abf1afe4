//! Does nothing wrong; the service behind its name moves instead (DNS rebinding), or there is
//! nothing behind its door.

fn run(origin: &str, _offend: bool) -> Result<u16, String> {
    Ok(hostile::allowed(origin).send()?.status)
}

hostile::component!(run);
