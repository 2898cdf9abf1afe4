//! The component: loading it, what it offers, and calling it.

pub mod call;
pub mod clock;
pub mod code_cache;
pub mod docs;
pub mod engine;
pub mod harness;
mod held;
pub mod json;
pub mod judge;
pub mod load;
mod metered;
pub(crate) mod recorded;
pub mod schema;
pub mod shape;
mod slim;
pub mod state;
pub mod tools;
