//! JSON Schemas of `skill.toml` and of the operator file, for editors (JSON Schema 2020-12).
//!
//! They are derived from the types that the files are read into, so that keys, texts and ranges
//! cannot differ. An editor that accepts a file has not checked it: what refers to another key,
//! such as the setting that a route is bound to, is checked when the files are read.

use schemars::{JsonSchema, SchemaGenerator};
use serde_json::Value;

use super::{Manifest, Operator};

/// Returns the schema of `skill.toml`.
#[must_use]
pub fn manifest_schema() -> Value {
    schema::<Manifest>("skill.toml")
}

/// Returns the schema of the operator file.
#[must_use]
pub fn operator_schema() -> Value {
    schema::<Operator>("operator.toml")
}

fn schema<T: JsonSchema>(title: &str) -> Value {
    let mut schema = SchemaGenerator::default().into_root_schema_for::<T>();
    schema.insert("title".to_owned(), title.into());
    schema.to_value()
}
