//! The CRM actions as plain Rust.
