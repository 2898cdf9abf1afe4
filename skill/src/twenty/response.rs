//! Reads answers: their data, and the errors beside them.

use std::borrow::Cow;

use serde::Deserialize;

use super::documents::Query;
use super::errors::{self, GraphQlError};
use super::mend::Mended;
use crate::failure::{self, Failure};
use crate::transport::{Response, TransportError};

/// An answer: its data, and the errors beside them. Twenty gives both at once.
#[derive(Debug)]
pub struct Reply<A> {
    /// The data; a root that failed is none in it.
    pub data: A,
    /// The errors.
    pub errors: Errors,
}

/// The errors of an answer.
#[derive(Debug)]
pub struct Errors {
    reported: Vec<GraphQlError>,
    mended: Mended,
}

impl Errors {
    /// Checks that the CRM reported no error.
    pub fn is_empty(&self) -> bool {
        self.reported.is_empty()
    }

    /// Describes the rows of a root that could not be read and are missing from the answer.
    pub fn lost(&self, root: &str) -> Option<String> {
        self.mended.lost(root)
    }

    /// Returns a root of the answer.
    ///
    /// # Errors
    /// What Twenty reported about it, where it is missing.
    pub fn root<T>(&self, name: &str, root: Option<T>) -> Result<T, Failure> {
        root.ok_or_else(|| {
            match (
                self.mended.broken(name),
                errors::about(&self.reported, name),
            ) {
                (Some(failure), _) => failure.clone(),
                (None, Some(error)) => errors::failure(error),
                (None, None) => failure::schema_mismatch(
                    name,
                    format!("The CRM answered without \"{name}\" and without saying why."),
                ),
            }
        })
    }
}

#[derive(Deserialize)]
struct GraphQlResponse<A> {
    #[serde(default = "none")]
    data: Option<A>,
    #[serde(default)]
    errors: Vec<GraphQlError>,
}

fn none<A>() -> Option<A> {
    None
}

/// Reads the answer to a query. A value that cannot be read is taken out of its record; the others
/// stay.
///
/// # Errors
/// What the service reported, or `schema-mismatch` where the answer is not what was promised, or
/// `unavailable` where it is no answer at all.
pub fn decode<Q: Query>(
    answer: Result<Response, TransportError>,
) -> Result<Reply<Q::Answer>, Failure> {
    let response = answer.map_err(errors::transport)?;
    if response.status != 200 {
        return Err(errors::status(&response));
    }
    let mut mended = Mended::default();
    let mut body = Cow::Borrowed(response.body.as_slice());
    let envelope: GraphQlResponse<Q::Answer> = loop {
        match serde_json::from_slice(&body) {
            Ok(envelope) => break envelope,
            Err(error) if error.is_data() => {
                body = Cow::Owned(mended.mend(Q::DOCUMENT, &body, &error)?);
            }
            Err(_) => return Err(errors::no_json(&response)),
        }
    };
    match (envelope.data, envelope.errors) {
        (Some(data), reported) => Ok(Reply {
            data,
            errors: Errors { reported, mended },
        }),
        (None, errors) => Err(match errors.first() {
            Some(error) => errors::failure(error),
            None => errors::no_json(&response),
        }),
    }
}
