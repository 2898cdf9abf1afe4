//! Reads source text for checks of this repository: [`source`] splits comments from code, and
//! [`layers`] finds the imports between the files of a crate.
#![forbid(unsafe_code)]

pub mod layers;
pub mod source;
