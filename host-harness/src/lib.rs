//! Runs skill components under a policy they cannot widen.
//!
//! A component reaches nothing but the egress gate in [`outbound`], which allows what the skill's
//! manifest asks for and the operator grants. [`Harness`] puts the parts together.
//!
//! Modules import what is below them, never above: `server` and the command line, [`harness`], then
//! [`plans`], [`runtime`] and [`trust`] side by side, [`access`], [`config`], [`outbound`], and
//! facts such as [`events`] and [`digest`].

#![warn(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

pub mod access;
pub mod audit;
pub mod clock;
pub mod config;
mod database;
pub mod denial;
pub mod digest;
pub mod events;
pub mod failure;
pub mod harness;
pub mod json_path;
pub mod judge;
pub mod observed;
pub mod outbound;
pub mod plans;
pub mod proposal;
pub mod runtime;
pub mod server;
pub mod storage;
pub mod text;
pub mod trust;
pub mod words;

pub use config::{Caller, ConfigError, Setup};
pub use failure::Failure;
pub use harness::{CallError, CallOutcome, Harness, Invocation, Parts, Reply, StartError};
pub use runtime::call::{RunError, Timings};
pub use runtime::load::{LoadError, Skill};
pub use runtime::tools::Tool;
