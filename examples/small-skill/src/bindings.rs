//! Generated from `wit/world.wit`: the types of the actions, and the imports.
#![allow(
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    clippy::allow_attributes_without_reason,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "generated code"
)]

use super::Notes;

wit_bindgen::generate!({ path: "wit", world: "notes", generate_all });
export!(Notes with_types_in self);
