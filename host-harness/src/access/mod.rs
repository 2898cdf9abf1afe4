//! Who may do what: each action, and each step of a plan by the record that it touches. Policies are Cedar's, in files that an
//! operator can read; what none permits is denied.

mod engine;
mod learned;
mod observe;
mod reads;
mod ruling;

pub use engine::{Access, AccessError, Texts};
pub use learned::{Held, Label};
pub use observe::{Attributes, Owner, RecordKey, Seen};
pub use reads::ObservedRead;
pub use ruling::{Approval, Audience, Deed, Ruling};
