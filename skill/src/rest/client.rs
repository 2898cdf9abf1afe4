//! Sends requests to services with plain routes, and reads their answers.

use serde_json::Value;

use super::cursor::JsonCursor;
use super::errors;
use super::json::parse;
use super::service::Service;
use crate::context::Context;
use crate::failure::Failure;
use crate::transport::{Outcome, Path, Request, TransportError};

impl Service {
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
        match parse(&response.body) {
            Some(body) if body.get("data").is_some_and(|data| !data.is_null()) => Ok(Answer {
                service: self,
                body,
            }),
            _ => Err(errors::no_json(self.name, &response)),
        }
    }
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
