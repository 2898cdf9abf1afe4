//! The runtime: loads a component, describes its actions as tools, and calls them.

pub(crate) mod answer_audit;
pub mod call;
pub mod code_cache;
pub mod engine;
mod host_memory;
mod judge;
mod judge_exports;
pub mod load;
mod metered;
pub(crate) mod run;
mod slim;
pub mod state;
pub mod tools;
mod wasi_clocks;
mod wit_version;
