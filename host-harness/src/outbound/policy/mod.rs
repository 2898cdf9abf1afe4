//! Egress policy: the allowlist of destinations with their routes and documents, address checks,
//! and rate limits.

pub mod addresses;
pub mod cases;
mod decision;
mod destination;
pub mod documents;
pub mod origin;
pub mod rate;
mod request;
pub mod route;
pub mod write_route;

pub use decision::{Allowed, Policy, PolicyDecision};
pub use destination::{Destination, Route, Settings};
pub use request::Request;
