//! Where compiled code is kept. Who can write there can run code outside the sandbox: the directory must be the user's alone
//! (see [`crate::storage::private_directory`]).

use std::path::PathBuf;

use etcetera::BaseStrategy;

/// The user's cache directory for this program, if the system has a place for such.
#[must_use]
pub fn default_directory() -> Option<PathBuf> {
    etcetera::choose_base_strategy()
        .ok()
        .map(|base| base.cache_dir().join("crm-harness"))
}
