//! Runs skill components under a policy they cannot widen.
//!
//! A component proposes, the host disposes: it reaches nothing but the gate in [`outbound`], which lets through what the
//! skill's manifest asks for and the operator grants. [`Harness`] puts the two together.

pub mod access;
pub mod audit;
pub mod config;
mod database;
pub mod front;
pub mod nearest;
pub mod outbound;
pub mod plan;
pub mod skill;
mod steps;
pub mod storage;
pub mod text;
pub mod trust;
pub mod words;

pub use config::{Caller, ConfigError, Setup};
pub use skill::call::CallError;
pub use skill::harness::{Harness, Invocation, Outcome, Parts, Timings};
pub use skill::load::{LoadError, Skill};
pub use skill::tools::Tool;
