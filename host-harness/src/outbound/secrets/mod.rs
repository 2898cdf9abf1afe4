//! Secrets: where they come from, to which destination each belongs, and how one is found in what comes back.

pub mod credentials;
pub mod scan;
pub mod secret;
