//! Reads source text for checks of this repository: [`source`] splits comments from code, and
//! [`layers`] finds the imports between the files of a crate.

#![warn(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]
#![forbid(unsafe_code)]

pub mod layers;
pub mod source;
