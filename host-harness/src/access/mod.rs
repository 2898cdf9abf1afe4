//! Access control: each action, and each step of a plan by the record that it touches. Policies are
//! written in Cedar, in files that an operator can read; what no policy permits is denied.

mod decision;
mod engine;

pub use decision::{AccessRequest, Approval, Audience, Decision};
pub use engine::{Access, AccessError};
