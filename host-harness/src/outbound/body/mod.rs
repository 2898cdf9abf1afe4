//! Request bodies: the shapes that a manifest lists, and the types of the values in them.

mod contents;
mod envelope;
mod error;
pub mod json_input;
mod shape;
mod texts;
mod tree;
mod types;
pub mod variables;

pub use contents::Contents;
pub use envelope::{Envelope, Held, Provenance};
pub use error::{BodyShapeError, Unfit, Why};
pub use shape::BodyShape;
pub use texts::{Part, Redactions, Text};
