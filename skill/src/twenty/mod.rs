//! A client for Twenty CRM (2.21): trusted documents, typed answers, and translated errors.

pub mod client;
pub mod custom;
pub mod documents;
pub mod errors;
mod filters;
pub mod hidden;
mod json_path;
pub mod kinds;
pub mod members;
pub mod mend;
pub mod mutations;
pub mod notes;
mod provenance;
pub mod records;
mod request;
pub mod reread;
mod response;
pub mod rows;
pub mod values;

pub use client::{fetch, fetch_all, fetch_all_beside, fetch_deal, fetch_mapped};
pub use documents::{Document, Query};
pub use filters::{NOBODY, NOTHING, pattern};
pub use provenance::provenance;
pub use request::{Prepared, prepare};
pub use response::{Errors, Reply, decode};
