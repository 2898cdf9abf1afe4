//! Converts the values of component functions to JSON and back, and describes their types as JSON
//! Schema.
//!
//! A [`Shape`](shape::Shape) is a WIT type as far as JSON can represent it, with its documentation.
//! It is read once from a component, and then serves the schema, the arguments and the answers:
//!
//! - [`schema()`] describes it as JSON Schema (draft 2020-12),
//! - [`to_component`] turns JSON into a value of it; all input is checked: unknown fields, types,
//!   ranges, sizes, and errors name the path of the field and the nearest known name,
//! - [`from_component`] turns a value into JSON.
//!
//! Names are camelCase in JSON. An option that is `none` is left out of a record, a variant is an
//! object with `case`, and integers beyond 2^53 may also be texts. A resource, a stream and a
//! future have no JSON.

#![warn(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod answers;
mod arguments;
pub mod docs;
mod error;
pub mod nearest;
pub mod schema;
pub mod shape;
mod size;

pub use answers::from_component;
pub use arguments::{nothing_to_component, record_to_component, to_component};
pub use error::{BadAnswer, BadArgument};
pub use schema::schema;
pub use size::{ARGUMENTS_MAX, DEPTH_MAX, TEXT_MAX, measure};
