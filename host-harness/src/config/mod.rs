//! Configuration: what the skill asks for, what the operator grants, and what follows from both.

mod call_setup;
pub mod caller;
pub mod draft;
mod environment;
pub mod error;
mod given;
mod lines;
pub mod lint;
pub mod manifest;
pub mod operator;
mod pins;
mod policy_texts;
pub mod schema;
mod scope;
pub mod settings;
mod setup;
pub mod tokens;

pub use caller::Caller;
pub use environment::{Environment, Flags};
pub use error::ConfigError;
pub use given::IgnoredVariable;
pub use manifest::{Limits, Manifest};
pub use operator::Operator;
pub use pins::{Pins, Trust, Untrusted};
pub use policy_texts::PolicyTexts;
pub use scope::Scope;
pub use setup::Setup;
pub use tokens::Tokens;
