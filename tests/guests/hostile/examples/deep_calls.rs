//! Calls itself without an end.

fn deep(depth: u64) -> u64 {
    std::hint::black_box([depth; 64]);
    if depth == u64::MAX {
        depth
    } else {
        deep(std::hint::black_box(depth + 1)) + 1
    }
}

fn run(origin: &str, offend: bool) -> Result<u16, String> {
    if offend && deep(0) == 0 {
        return Err("it came back".to_owned());
    }
    Ok(hostile::allowed(origin).send()?.status)
}

hostile::component!(run);
