//! Facts about records and people that the services' own answers tell during a call. The component's word counts for nothing here.

mod learned;
pub mod places;
mod reads;
mod record;
mod records;

pub use learned::{Held, Label};
pub use reads::ObservedRead;
pub use record::{Attributes, Owner, RecordKey};
pub use records::Seen;
