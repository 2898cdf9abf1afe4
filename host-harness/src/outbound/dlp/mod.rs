//! Data loss prevention: what one service has answered reaches another only as what a plan gives away.

pub mod disclosure;
pub mod guard;
pub(crate) mod provenance;
pub mod values;
