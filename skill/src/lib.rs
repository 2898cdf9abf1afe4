//! The CRM actions as plain Rust.

pub mod bindings;
