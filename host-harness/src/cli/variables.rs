//! Variables that are handed over instead of the environment's.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

/// Variables that stand for the environment's; wiped when they are dropped.
pub(super) type Variables = BTreeMap<String, Zeroizing<String>>;
