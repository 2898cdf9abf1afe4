//! Calls itself without an end.

/// Needs the second result for the first, so that no compiler makes a loop of it; what it holds
/// stands in no memory.
#[inline(never)]
fn deep(depth: u64) -> u64 {
    if depth == u64::MAX {
        return depth;
    }
    deep(depth + 1) ^ deep(depth + 2).rotate_left(3)
}

fn run(origin: &str, offend: bool) -> Result<u16, String> {
    if offend && deep(origin.len() as u64) == 0 {
        return Err("it came back".to_owned());
    }
    Ok(hostile::allowed(origin).send()?.status)
}

hostile::component!(run);
