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
pub use envelope::{BodyContents, Envelope, RecordProvenance};
pub use error::{BodyMisfit, BodyShapeError, Why};
pub use shape::BodyShape;
pub use texts::{Part, Redactions, Text};
