//! The stages of deals, as this workspace has them.

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::failure::{self, Failure};
use crate::twenty::values::EnumType;
use crate::twenty::{Document, Query, documents, fetch};

/// Asks for the stages.
#[derive(Debug, Serialize)]
pub struct Stages {}

/// The answer to [`Stages`].
#[derive(Debug, Deserialize)]
pub struct StagesData {
    #[serde(rename = "__type")]
    stage_type: Option<EnumType>,
}

impl Query for Stages {
    const DOCUMENT: &'static Document = &documents::STAGES;
    type Answer = StagesData;
}

/// Returns the stages in order, as stored. The host answers this from its cache for some minutes.
///
/// # Errors
/// As `failure` says; a workspace without stages is `schema-mismatch`.
pub fn stages(ctx: &Context<'_>) -> Result<Vec<String>, Failure> {
    let reply = fetch(ctx, &Stages {})?;
    let values = reply
        .data
        .stage_type
        .and_then(|stages| stages.enum_values)
        .unwrap_or_default();
    if values.is_empty() {
        return Err(failure::schema_mismatch(
            "OpportunityStageEnum",
            "This CRM's deals have no stages.",
        ));
    }
    Ok(values
        .into_iter()
        .map(|value| value.name.as_str().to_owned())
        .collect())
}
