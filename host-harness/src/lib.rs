//! Runs skill components under a policy they cannot widen.

pub mod config;
pub mod nearest;
pub mod outbound;
