//! The CRM actions as plain Rust: the logic of the sandboxed component, without the sandbox.
//!
//! An action is a function of a [`context::Context`] (the way out, the settings, the time) and a
//! request, and answers with a report or a [`failure::Failure`]. The component in `skill/component`
//! exports them; tests and benchmarks call them natively.

#![warn(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

pub mod actions;
pub mod bindings;
pub mod context;
pub mod day;
pub mod failure;
pub mod hidden_fields;
pub mod ids;
pub mod judge;
pub mod markdown;
pub mod names;
pub mod plan;
pub mod rest;
pub mod text;
pub mod tezit;
pub mod transport;
pub mod twenty;
#[cfg(target_family = "wasm")]
pub mod wasi;
pub mod workspace;
