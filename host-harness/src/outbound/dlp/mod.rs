//! Data loss prevention: a value of one service reaches another only as part of a disclosure.
//!
//! | module | rule |
//! |---|---|
//! | `values` | finds values of one service in a request to another |
//! | `provenance` | restricts a read to values with a known source |
//! | `disclosure` | lists the fields of records that may leave |

pub mod disclosure;
pub mod guard;
pub(crate) mod provenance;
pub mod values;
