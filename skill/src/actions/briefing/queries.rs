//! The queries of a briefing: three requests side by side, then one about the deals that they
//! found.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::text::Text;
use crate::twenty::mend::Unreadable;
use crate::twenty::rows::Deal;
use crate::twenty::values::{Counted, FullName, JustName, Task};
use crate::twenty::{Document, Query, documents};

/// Overdue tasks, and deals that close soon.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BriefingOverdue {
    pub(super) me: String,
    pub(super) before: String,
    pub(super) whole_days: Vec<String>,
    pub(super) open: Vec<String>,
    pub(super) stages: Vec<String>,
    pub(super) closes_from: String,
    pub(super) closes_until: String,
    pub(super) closes_after: Vec<String>,
    pub(super) closes_on: Vec<String>,
}

/// Tasks due on the day, and open deals.
#[derive(Debug, Serialize)]
pub struct BriefingToday {
    pub(super) me: String,
    pub(super) from: String,
    pub(super) until: String,
    pub(super) after: Vec<String>,
    pub(super) on: Vec<String>,
    pub(super) open: Vec<String>,
    pub(super) stages: Vec<String>,
}

/// Tasks after the day, and new people.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BriefingComing {
    pub(super) me: String,
    pub(super) from: String,
    pub(super) until: String,
    pub(super) after: Vec<String>,
    pub(super) on: Vec<String>,
    pub(super) open: Vec<String>,
    pub(super) people_since: String,
}

/// Open tasks and last activity of deals.
#[derive(Debug, Serialize)]
pub struct BriefingRisk {
    pub(super) ids: Vec<String>,
    pub(super) groups: u32,
    pub(super) open: Vec<String>,
}

/// Tasks and deals.
#[derive(Debug, Deserialize)]
pub struct TasksAndDeals {
    pub(super) tasks: Option<Counted<Task>>,
    pub(super) opportunities: Option<Counted<Deal>>,
}

/// Tasks and people.
#[derive(Debug, Deserialize)]
pub struct TasksAndPeople {
    pub(super) tasks: Option<Counted<Task>>,
    pub(super) people: Option<Counted<NewPerson>>,
}

/// Tasks and activity of deals, grouped by deal.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BriefingRiskData {
    pub(super) task_targets_group_by: Option<Vec<TaskGroup>>,
    pub(super) timeline_activities_group_by: Option<Vec<ActivityGroup>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TaskGroup {
    pub(super) group_by_dimension_values: Vec<Option<String>>,
    pub(super) total_count: u32,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ActivityGroup {
    pub(super) group_by_dimension_values: Vec<Option<String>>,
    pub(super) max_happens_at: Option<Timestamp>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewPerson {
    pub(super) id: String,
    pub(super) created_at: Option<Timestamp>,
    pub(super) updated_at: Option<Timestamp>,
    pub(super) name: Option<FullName>,
    pub(super) job_title: Option<Text>,
    pub(super) company: Option<JustName>,
    #[serde(default, rename = "$unreadable")]
    pub(super) unreadable: Unreadable,
}

impl Query for BriefingOverdue {
    const DOCUMENT: &'static Document = &documents::BRIEFING_OVERDUE;
    type Answer = TasksAndDeals;
}

impl Query for BriefingToday {
    const DOCUMENT: &'static Document = &documents::BRIEFING_TODAY;
    type Answer = TasksAndDeals;
}

impl Query for BriefingComing {
    const DOCUMENT: &'static Document = &documents::BRIEFING_COMING;
    type Answer = TasksAndPeople;
}

impl Query for BriefingRisk {
    const DOCUMENT: &'static Document = &documents::BRIEFING_RISK;
    type Answer = BriefingRiskData;
}
