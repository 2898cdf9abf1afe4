//! The queries of the pipeline, and their typed answers.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::text::Text;
use crate::twenty::mend::Unreadable;
use crate::twenty::values::{Colleague, Counted, Currency, Micros, Named};
use crate::twenty::{Document, Query, documents};

/// The filter that all these queries have. Every part is always sent: a missing variable would be
/// no filter at all.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DealFilter {
    pub(super) stages: Vec<String>,
    pub(super) changed_since: String,
    pub(super) closes_from: String,
    pub(super) closes_until: String,
    /// Times before that instant which stand for a whole day after it.
    pub(super) closes_after: Vec<String>,
    /// Times before the first instant which stand for a whole day after it.
    pub(super) closes_on: Vec<String>,
    pub(super) any_close: String,
    pub(super) owners: Vec<String>,
    pub(super) no_owner: String,
    pub(super) any_owner: String,
    pub(super) companies: Vec<String>,
    pub(super) any_company: String,
    pub(super) amount_from: i64,
    pub(super) amount_to: i64,
    pub(super) no_amount: String,
    pub(super) any_amount: String,
}

/// The first deals.
#[derive(Debug, Deserialize)]
pub struct ListData {
    pub(super) opportunities: Option<Counted<ListedDeal>>,
}

/// A deal.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListedDeal {
    pub(super) id: String,
    pub(super) updated_at: Option<Timestamp>,
    pub(super) name: Option<Text>,
    pub(super) stage: Text,
    pub(super) amount: Option<Currency>,
    pub(super) close_date: Option<Timestamp>,
    #[serde(rename = "ownerId")]
    pub(super) owner: Option<Colleague>,
    pub(super) company: Option<Named>,
    #[serde(default, rename = "$unreadable")]
    pub(super) unreadable: Unreadable,
}

/// The groups.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupsData {
    pub(super) opportunities_group_by: Option<Vec<Group>>,
}

/// The deals of one key and one currency.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Group {
    /// The key, and the currency.
    pub(super) group_by_dimension_values: Vec<Option<Text>>,
    pub(super) total_count: u32,
    pub(super) sum_amount_amount_micros: Option<Micros>,
}

macro_rules! queries {
    ($($(#[$doc:meta])* $query:ident = $document:ident { $($variable:ident: $ty:ty)? } => $data:ident;)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Serialize)]
            #[serde(rename_all = "camelCase")]
            pub struct $query {
                #[serde(flatten)]
                pub(super) filter: DealFilter,
                $(pub(super) $variable: $ty,)?
            }

            impl Query for $query {
                const DOCUMENT: &'static Document = &documents::$document;
                type Answer = $data;
            }
        )*
    };
}

queries! {
    /// The first deals, largest first.
    DealsByAmount = DEALS_BY_AMOUNT { limit: u8 } => ListData;
    /// The first deals, changed last first.
    DealsByChange = DEALS_BY_CHANGE { limit: u8 } => ListData;
    /// The first deals, soonest to close first.
    DealsByClose = DEALS_BY_CLOSE { limit: u8 } => ListData;
    /// The first deals, by name.
    DealsByName = DEALS_BY_NAME { limit: u8 } => ListData;
    /// The first deals, in the order of the stages.
    DealsByStage = DEALS_BY_STAGE { limit: u8 } => ListData;
    /// Sums by the month of the close date.
    PipelineByMonth = PIPELINE_BY_MONTH { zone: String } => GroupsData;
    /// Sums by owner.
    PipelineByOwner = PIPELINE_BY_OWNER { } => GroupsData;
    /// Sums by stage.
    PipelineByStage = PIPELINE_BY_STAGE { } => GroupsData;
}
