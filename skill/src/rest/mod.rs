//! A client for services with plain routes, the relay and PA Workspace: an answer holds `data`, or
//! an `error` with code and message, or anything at all if something else answers in their place.

mod client;
mod cursor;
pub mod errors;
pub(crate) mod json;
mod service;

pub use client::Answer;
pub use cursor::{JsonCursor, ShapeError};
pub use service::Service;
