//! Computes and never ends.

use std::hint::black_box;

fn run(origin: &str, offend: bool) -> Result<u16, String> {
    let mut number = 0_u64;
    while offend || number < 1000 {
        number = black_box(number.wrapping_add(1));
    }
    Ok(hostile::allowed(origin).send()?.status)
}

hostile::component!(run);
