//! Keeps an answer open and waits for ages.

use hostile::bindings::wasi::clocks::monotonic_clock;

fn run(origin: &str, offend: bool) -> Result<u16, String> {
    let response = hostile::allowed(origin).start()?;
    let nanoseconds = if offend { u64::MAX / 4 } else { 1000 };
    monotonic_clock::subscribe_duration(nanoseconds).block();
    Ok(response.status())
}

hostile::component!(run);
