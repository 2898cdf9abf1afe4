//! The fields of deals in this workspace.

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::failure::{self, Failure};
use crate::text::Text;
use crate::twenty::{Document, Query, documents, fetch};

/// Asks for the fields of deals.
#[derive(Debug, Serialize)]
pub struct DealFields {}

/// The answer to [`DealFields`].
#[derive(Debug, Deserialize)]
pub struct DealFieldsData {
    #[serde(rename = "__type")]
    deal_type: Option<DealType>,
}

#[derive(Debug, Deserialize)]
struct DealType {
    fields: Option<Vec<FieldName>>,
}

#[derive(Debug, Deserialize)]
struct FieldName {
    name: Text,
}

impl Query for DealFields {
    const DOCUMENT: &'static Document = &documents::DEAL_FIELDS;
    type Answer = DealFieldsData;
}

/// Checks whether deals have a field. The host answers this from its cache for some minutes.
///
/// # Errors
/// As `failure` says; a workspace without fields of deals is `schema-mismatch`.
pub(super) fn deals_have(ctx: &Context<'_>, field: &str) -> Result<bool, Failure> {
    let reply = fetch(ctx, &DealFields {})?;
    let fields = reply
        .data
        .deal_type
        .and_then(|deal| deal.fields)
        .unwrap_or_default();
    if fields.is_empty() {
        return Err(failure::schema_mismatch(
            "Opportunity",
            "This CRM does not say which fields its deals have.",
        ));
    }
    Ok(fields.iter().any(|known| known.name.as_str() == field))
}
