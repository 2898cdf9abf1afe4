//! Asks ten thousand times.

fn run(origin: &str, offend: bool) -> Result<u16, String> {
    let times = if offend { 10_000 } else { 3 };
    let mut last = Err("nothing was sent".to_owned());
    for _ in 0..times {
        last = hostile::allowed(origin).send();
    }
    Ok(last?.status)
}

hostile::component!(run);
