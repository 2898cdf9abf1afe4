//! A client for services with plain routes, the relay and PA Workspace: an answer holds `data`, or
//! an `error` with code and message, or anything at all if something else answers in their place.

pub mod errors;
mod part;

use jiff::Timestamp;
pub use part::{JsonCursor, ShapeError};
use serde_json::Value;

use crate::bindings::claw::skill::types::Provenance;
use crate::context::Context;
use crate::failure::{self, Failure};
use crate::text;
use crate::transport::{Outcome, Path, Request, TransportError};

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

    /// Creates a request that reads.
    ///
    /// # Errors
    /// `unavailable` where the service is not set up.
    pub fn get(&self, ctx: &Context<'_>, path: Path) -> Result<Request, Failure> {
        Ok(Request::get(self.base_url(ctx)?, path))
    }

    /// Sends one request that reads.
    ///
    /// # Errors
    /// Whatever kept it from giving data.
    pub fn ask(&'static self, ctx: &Context<'_>, path: Path) -> Result<Answer, Failure> {
        let request = self.get(ctx, path)?;
        let answer = ctx.transport.send_all(&[request]).pop();
        self.read(answer.unwrap_or(Err(TransportError::Refused)))
    }

    /// Reads an answer.
    ///
    /// # Errors
    /// What the service said, or `unavailable` where that is no answer at all.
    pub fn read(&'static self, answer: Outcome) -> Result<Answer, Failure> {
        let response = answer.map_err(|error| errors::transport(self.name, error))?;
        if !(200..300).contains(&response.status) {
            return Err(errors::failure(self, &response));
        }
        match json(&response.body) {
            Some(body) if body.get("data").is_some_and(|data| !data.is_null()) => Ok(Answer {
                service: self,
                body,
            }),
            _ => Err(errors::no_json(self.name, &response)),
        }
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

/// Parses JSON. There is one parser for all texts, because a generic one would be compiled for each
/// type.
pub(crate) fn json(text: &[u8]) -> Option<Value> {
    serde_json::from_slice(text).ok()
}

/// An answer that holds data.
#[derive(Debug)]
pub struct Answer {
    service: &'static Service,
    body: Value,
}

impl Answer {
    /// Returns the data.
    pub fn data(&self) -> JsonCursor<'_> {
        JsonCursor::new(self.service, self.body.get("data").unwrap_or(&Value::Null))
    }

    /// Returns the service's own word on further rows; not every relay gives it.
    pub fn has_more(&self) -> Option<bool> {
        self.body.pointer("/meta/hasMore")?.as_bool()
    }
}
