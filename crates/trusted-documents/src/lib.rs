//! Reads the sources of the trusted documents. A source is GraphQL with directives for the host,
//! which a schema file declares; the text that is sent has none of them. The build of the skill and
//! `cargo xtask manifest` read with the same function, so that both speak of the same bytes.
//!
//! ```
//! use trusted_documents::Schema;
//! let schema = Schema::read(
//!     "directive @cacheable(seconds: Int!) on QUERY
//!      directive @field(setting: String!) repeatable on FIELD",
//! )
//! .unwrap();
//! let source = "query Moods @cacheable(seconds: 300) {
//!   notes @field(setting: \"mood-field\") {
//!     id
//!   }
//! }
//! ";
//! let document = schema.document(source).unwrap();
//! assert_eq!(document.directives[0].number("seconds"), Some(300));
//! // `@field` leaves a mark, by which `graphql_fields` extends the text.
//! assert_eq!(
//!     document.text,
//!     "query Moods {\n  notes {\n    id\n    # field: mood-field\n  }\n}\n",
//! );
//! ```
//!
//! A directive goes with the white space and the comments between it and what stands before it; the
//! brace that opens the selection then follows on the same line. Everything else stays to the byte.
//! What is not plainly so is an error: a directive that is not declared, or not for this place, or
//! with other arguments, and a comment that looks like a directive.

#![warn(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]
#![forbid(unsafe_code)]

mod directive;
mod error;
mod files;
mod schema;
mod strip;
mod syntax;

pub use directive::Directive;
pub use error::{Fault, SourceError};
pub use files::{FileError, Sources};
pub use schema::Schema;
pub use syntax::{parse, type_name};

/// A trusted document, as its source gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The text that is sent, where the operator has named no field of their own.
    pub text: String,
    /// The directives, in the order of the source.
    pub directives: Vec<Directive>,
}
