//! The component: loading it, what it offers, and calling it.

pub mod call;
pub(crate) mod call_audit;
pub mod code_cache;
pub mod docs;
pub mod engine;
mod host_memory;
pub mod json;
pub mod judge;
pub mod load;
mod metered;
pub mod schema;
pub mod shape;
mod slim;
pub mod state;
pub mod tools;
mod wasi_clocks;
