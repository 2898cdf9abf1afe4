//! Facts about records and people, taken from the services' own responses during a call. Nothing
//! that the component claims is used.

mod learned;
pub mod places;
mod reads;
mod record;
mod records;

pub use learned::{FieldValue, Label};
pub use reads::ObservedRead;
pub use record::{Attributes, Owner, RecordKey};
pub use records::ObservedRecords;
