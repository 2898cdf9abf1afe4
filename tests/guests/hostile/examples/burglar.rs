//! Imports something that no skill gets. It does nothing with it; asking is enough.
#![allow(
    unsafe_code,
    reason = "the generated bindings of an import declare symbols"
)]

#[cfg(target_family = "wasm")]
mod door {
    //! Generated.
    #![allow(
        missing_docs,
        unused_qualifications,
        clippy::all,
        clippy::allow_attributes_without_reason,
        reason = "generated code"
    )]
    wit_bindgen::generate!({
        inline: "package test:burglar; world door { import wasi:random/random@0.2.12; }",
        path: "wit",
        world: "test:burglar/door",
        generate_all,
    });
}

fn run(origin: &str, offend: bool) -> Result<u16, String> {
    #[cfg(target_family = "wasm")]
    if offend && door::wasi::random::random::get_random_u64() == 0 {
        return Err("luck".to_owned());
    }
    let _ = offend;
    Ok(hostile::allowed(origin).send()?.status)
}

hostile::component!(run);
