//! Loopback stand-ins for the services that the skill talks to, for tests and the demo.
//!
//! Each plays its service over HTTP on 127.0.0.1 with data in memory, shows tests what it was sent
//! and what it stores, and can be told to go wrong in many ways ([`faults`]), in process or over
//! `/stand-in/faults` on its own port.

#![warn(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

pub mod clock;
pub mod faults;
pub mod journal;
pub mod pa_workspace;
mod percent;
pub mod relay;
mod reply;
mod rest;
mod server;
pub mod tokens;
pub mod twenty;

pub use server::{Count, Running, StartError};
