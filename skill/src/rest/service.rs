//! A service with plain routes: its names, settings and advice.

use jiff::Timestamp;

use crate::bindings::claw::skill::types::Provenance;
use crate::context::Context;
use crate::failure::{self, Failure};
use crate::text;

/// A service.
#[derive(Debug, PartialEq, Eq)]
pub struct Service {
    /// Its name in answers and in the manifest, such as `tezit`.
    pub source: &'static str,
    /// The name at the start of a sentence, such as `The Tezit relay`.
    pub name: &'static str,
    /// The setting that holds its base URL.
    pub setting: &'static str,
    /// The variable by which the operator sets its address.
    pub address: &'static str,
    /// The variable by which the operator sets its token.
    pub token: &'static str,
    /// The next step for a caller whom the service denies something.
    pub permission: &'static str,
}

impl Service {
    /// Returns the service's base URL, with no slash at the end.
    ///
    /// # Errors
    /// `unavailable` where it is not set up.
    pub fn base_url(&self, ctx: &Context<'_>) -> Result<String, Failure> {
        ctx.setting(self.setting)
            .map(|url| url.trim_end_matches('/').to_owned())
            .ok_or_else(|| {
                failure::unavailable(
                    false,
                    format!("{} is not set up: no address is known for it.", self.name),
                    format!(
                        "Ask the operator to set {}, or the origin of \"{}\" in the operator file.",
                        self.address, self.source
                    ),
                )
            })
    }

    /// Returns the provenance of something in the service's answer.
    pub fn provenance(
        &self,
        ctx: &Context<'_>,
        object: &str,
        id: &str,
        updated_at: Option<Timestamp>,
    ) -> Provenance {
        Provenance {
            source: self.source.to_owned(),
            object: object.to_owned(),
            id: id.to_owned(),
            updated_at: updated_at.map(text::instant),
            fetched_at: ctx.fetched_at(),
        }
    }
}
