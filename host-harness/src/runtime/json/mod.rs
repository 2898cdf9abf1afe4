//! Converts JSON to component values and back, by shape.
//!
//! All input of a component is validated: unknown fields, types, ranges, sizes. Errors name the
//! path of the field and the nearest known name.

mod answers;
mod arguments;
mod error;
mod size;

pub use answers::from_component;
pub use arguments::to_component;
pub(crate) use arguments::{nothing_to_component, record_to_component};
pub use error::{BadAnswer, BadArgument};
pub use size::{ARGUMENTS_MAX, DEPTH_MAX, TEXT_MAX, measure};
