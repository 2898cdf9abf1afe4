//! The generated Rust side of the world in wit/crm. The types serve natively too; skill/component
//! alone makes the exports.
#![allow(
    unsafe_code,
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    clippy::allow_attributes_without_reason,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::todo,
    clippy::unimplemented,
    clippy::unwrap_used,
    reason = "generated code"
)]

wit_bindgen::generate!({
    path: "../wit/crm",
    world: "crm",
    generate_all,
    pub_export_macro: true,
    default_bindings_module: "crm_skill::bindings",
});
