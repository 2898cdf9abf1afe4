//! The queries of the rules about a deal, and their typed answers.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::text::Text;
use crate::twenty::mend::Unreadable;
use crate::twenty::values::{Colleague, Connection, Counted, Currency, Id, NamedPerson, RichText};
use crate::twenty::{Document, Query, documents};

/// Asks for all that the rules look at.
#[derive(Debug, Serialize)]
pub struct Blockers {
    pub(super) id: String,
    pub(super) open: Vec<String>,
}

/// The answer to [`Blockers`].
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BlockersData {
    pub(super) opportunity: Option<BlockersDeal>,
    pub(super) opportunities: Option<Connection<WithContact>>,
    pub(super) task_targets: Option<Counted<BlockersTaskLink>>,
    pub(super) note_targets: Option<Connection<BlockersNoteLink>>,
    pub(super) timeline_activities: Option<Counted<BlockersActivity>>,
    pub(super) task_targets_group_by: Option<Vec<LinkedGroup>>,
}

impl Query for Blockers {
    const DOCUMENT: &'static Document = &documents::BLOCKERS;
    type Answer = BlockersData;
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BlockersDeal {
    pub(super) id: String,
    pub(super) created_at: Option<Timestamp>,
    pub(super) updated_at: Option<Timestamp>,
    pub(super) name: Option<Text>,
    pub(super) stage: Text,
    pub(super) amount: Option<Currency>,
    pub(super) close_date: Option<Timestamp>,
    #[serde(rename = "ownerId")]
    pub(super) owner: Option<Colleague>,
    pub(super) company: Option<DealCompany>,
    pub(super) point_of_contact_id: Option<String>,
    /// Read beside the deal.
    #[serde(skip)]
    pub(super) point_of_contact: Option<NamedPerson>,
    #[serde(default, rename = "$unreadable")]
    pub(super) unreadable: Unreadable,
}

/// The deal's contact.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WithContact {
    #[expect(dead_code, reason = "the request says which deal it is")]
    id: String,
    pub(super) point_of_contact: Option<NamedPerson>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DealCompany {
    #[expect(
        dead_code,
        reason = "selected so that what is nested in it is not lost"
    )]
    deleted_at: Option<Timestamp>,
    pub(super) id: String,
    pub(super) name: Option<Text>,
    pub(super) people: Option<Counted<Id>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct BlockersTaskLink {
    pub(super) task: Option<BlockersTask>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BlockersTask {
    pub(super) id: String,
    pub(super) created_at: Option<Timestamp>,
    pub(super) updated_at: Option<Timestamp>,
    pub(super) title: Option<Text>,
    pub(super) due_at: Option<Timestamp>,
    pub(super) body_v2: Option<RichText>,
    #[serde(rename = "assigneeId")]
    pub(super) assignee: Option<Colleague>,
    #[serde(default, rename = "$unreadable")]
    pub(super) unreadable: Unreadable,
}

#[derive(Debug, Deserialize)]
pub(super) struct BlockersNoteLink {
    pub(super) note: Option<BlockersNote>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BlockersNote {
    pub(super) id: String,
    pub(super) created_at: Option<Timestamp>,
    pub(super) updated_at: Option<Timestamp>,
    pub(super) title: Option<Text>,
    pub(super) body_v2: Option<RichText>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BlockersActivity {
    pub(super) id: String,
    pub(super) happens_at: Timestamp,
    pub(super) updated_at: Option<Timestamp>,
    /// The changes; free-form, so anything unexpected counts as no change.
    #[serde(default, deserialize_with = "lenient")]
    pub(super) properties: Properties,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Properties {
    #[serde(default)]
    pub(super) diff: Diff,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Diff {
    pub(super) stage: Option<HistoryChange<Text>>,
    pub(super) close_date: Option<HistoryChange<Timestamp>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct HistoryChange<T> {
    pub(super) before: Option<T>,
    pub(super) after: Option<T>,
}

fn lenient<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Properties, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Lenient {
        Known(Properties),
        Other(serde::de::IgnoredAny),
    }
    Ok(match Lenient::deserialize(deserializer)? {
        Lenient::Known(properties) => properties,
        Lenient::Other(_) => Properties::default(),
    })
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LinkedGroup {
    pub(super) max_created_at: Option<Timestamp>,
}

/// Asks for activity of a deal's contact and company.
#[derive(Debug, Serialize)]
pub struct NearbyActivity {
    pub(super) person: String,
    pub(super) company: String,
}

/// The answer to [`NearbyActivity`].
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NearbyActivityData {
    pub(super) timeline_activities: Option<Connection<NearbyEntry>>,
    pub(super) task_targets: Option<Connection<NearbyTask>>,
    pub(super) note_targets: Option<Connection<NearbyNote>>,
}

impl Query for NearbyActivity {
    const DOCUMENT: &'static Document = &documents::BLOCKERS_WIDEN;
    type Answer = NearbyActivityData;
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NearbyEntry {
    pub(super) id: String,
    pub(super) happens_at: Timestamp,
    pub(super) updated_at: Option<Timestamp>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NearbyTask {
    pub(super) created_at: Option<Timestamp>,
    pub(super) task: Option<Touched>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NearbyNote {
    pub(super) created_at: Option<Timestamp>,
    pub(super) note: Option<Touched>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Touched {
    pub(super) id: String,
    pub(super) updated_at: Option<Timestamp>,
}
