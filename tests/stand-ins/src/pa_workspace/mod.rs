//! A stand-in for MyPA's PA Workspace over data in memory: mail and calendar of the address that an
//! assistant (PA) has for itself, and the log of what it did.
//!
//! A PA's mail and shared calendar are there once it is ready, and its owner's or the service's
//! alone. Before that, or where nobody knows the address, reading and sending are refused; logging
//! what was done is not, which nobody checks either where the address is unknown. Mail that is sent
//! goes nowhere; it is kept, and logged as an action, as the service does.
//!
//! Not played: setting up and provisioning, processing of mail, Tez by mail, Google Voice,
//! availability, and what follows a body that is too long or not JSON (501). An unknown route is a
//! 404 in words of this stand-in's own.

mod calendar;
mod mail;
pub mod sample;
mod service;
mod state;
mod store;

pub use service::{Options, WorkspaceStandIn};

/// The token of services, unless a stand-in is started with another: it passes everywhere, whoever
/// the owner is.
pub const SERVICE_TOKEN: &str = "stand-in-service-token";

pub use crate::rest::Seed;
pub use crate::tokens::token;
