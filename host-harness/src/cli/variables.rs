//! Variables that replace those of the environment.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

/// Variables that replace those of the environment; wiped when they are dropped.
pub(super) type Variables = BTreeMap<String, Zeroizing<String>>;
