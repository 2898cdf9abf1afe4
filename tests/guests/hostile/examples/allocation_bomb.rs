//! Takes memory until there is none.

use std::hint::black_box;

fn run(origin: &str, offend: bool) -> Result<u16, String> {
    let mut taken: Vec<Vec<u8>> = Vec::new();
    while offend || taken.is_empty() {
        taken.push(black_box(vec![1; 1 << 20]));
    }
    Ok(hostile::allowed(origin).send()?.status)
}

hostile::component!(run);
