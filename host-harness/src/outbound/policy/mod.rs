//! Policy: where requests may go, by which routes, and with which documents.

pub mod addresses;
pub mod cases;
mod decision;
mod destination;
pub mod documents;
pub mod origin;
pub mod rate;
pub mod route;
pub mod write_route;

pub use decision::{Allowed, Decision, Policy, Request};
pub use destination::{Destination, Route, Settings};
