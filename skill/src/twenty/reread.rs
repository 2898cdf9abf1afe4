//! Rereads the record or link that a step is about, in one request, including whether it was
//! deleted.

use serde::{Deserialize, Serialize};

use super::client::{fetch, fetch_mapped};
use super::documents::{self, Document, Query};
use super::filters::NOBODY;
use super::records::{CompanyRecord, OpportunityRecord, PersonRecord, Record, TaskRecord};
use super::response::Errors;
use super::values::{Connection, Id};
use crate::bindings::claw::crm::types::Kind;
use crate::context::Context;
use crate::failure::Failure;

/// A deleted record, if there is one.
type Deleted = Option<Connection<Id>>;

macro_rules! reread {
    ($(#[$doc:meta])* $query:ident, $data:ident, $kind:ident, $record:ident, $document:ident { $one:ident: $root:literal, $many:ident: $roots:literal }) => {
        $(#[$doc])*
        #[derive(Debug, Serialize)]
        pub struct $query {
            id: String,
        }

        #[doc = concat!("The answer to [`", stringify!($query), "`].")]
        #[derive(Debug, Deserialize)]
        pub struct $data {
            $one: Option<$record>,
            $many: Deleted,
        }

        impl Query for $query {
            const DOCUMENT: &'static Document = &documents::$document;
            type Answer = $data;
        }

        impl $query {
            fn now(ctx: &Context<'_>, id: &str) -> Result<RecordState, Failure> {
                let (reply, mapped) = fetch_mapped(ctx, &Self { id: id.to_owned() })?;
                let live = reply.data.$one.map(Record::$kind);
                let live = live.map(|record| record.with_mapped(&mapped).masked(ctx));
                RecordState::read(&reply.errors, $root, live, $roots, reply.data.$many)
            }
        }
    };
}

reread!(
    /// Reads a person again.
    RereadPerson, RereadPersonData, Person, PersonRecord, REREAD_PERSON { person: "person", people: "people" }
);
reread!(
    /// Reads a company again.
    RereadCompany, RereadCompanyData, Company, CompanyRecord, REREAD_COMPANY { company: "company", companies: "companies" }
);
reread!(
    /// Reads a deal again.
    RereadOpportunity, RereadOpportunityData, Opportunity, OpportunityRecord, REREAD_OPPORTUNITY { opportunity: "opportunity", opportunities: "opportunities" }
);
reread!(
    /// Reads a task again.
    RereadTask, RereadTaskData, Task, TaskRecord, REREAD_TASK { task: "task", tasks: "tasks" }
);

/// The state of a record.
#[derive(Debug)]
pub enum RecordState {
    /// It is there.
    Live(Box<Record>),
    /// It was deleted.
    Deleted,
    /// There never was one, as far as the CRM knows.
    Absent,
}

impl RecordState {
    fn read(
        errors: &Errors,
        root: &str,
        live: Option<Record>,
        roots: &str,
        deleted: Deleted,
    ) -> Result<Self, Failure> {
        if let Some(record) = live {
            return Ok(Self::Live(Box::new(record)));
        }
        // Only where the list of deleted records was answered do the errors speak of the record
        // itself.
        let deleted = errors.root(roots, deleted)?;
        if !deleted.edges.is_empty() {
            return Ok(Self::Deleted);
        }
        if is_absent(errors, root) {
            return Ok(Self::Absent);
        }
        errors.root(root, None)
    }
}

/// Rereads a record by its id, in one request.
///
/// # Errors
/// As `failure` says, where it cannot be told.
pub fn reread(ctx: &Context<'_>, kind: Kind, id: &str) -> Result<RecordState, Failure> {
    match kind {
        Kind::Person => RereadPerson::now(ctx, id),
        Kind::Company => RereadCompany::now(ctx, id),
        Kind::Opportunity => RereadOpportunity::now(ctx, id),
        Kind::Task => RereadTask::now(ctx, id),
    }
}

/// Reads a task's link again.
#[derive(Debug, Serialize)]
pub struct RereadLink {
    id: String,
    #[serde(rename = "taskId")]
    task_id: String,
    person: String,
    company: String,
    opportunity: String,
}

/// The answer to [`RereadLink`].
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RereadLinkData {
    task_targets: Option<Connection<LinkRow>>,
    task_target: Option<Id>,
}

/// A link of a task.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LinkRow {
    id: String,
    task_id: Option<String>,
    target_person_id: Option<String>,
    target_company_id: Option<String>,
    target_opportunity_id: Option<String>,
}

impl Query for RereadLink {
    const DOCUMENT: &'static Document = &documents::REREAD_LINK;
    type Answer = RereadLinkData;
}

/// The state of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkState {
    /// The task or note is linked to the record.
    Linked,
    /// The link's id links something else.
    Other,
    /// It was deleted.
    Deleted,
    /// There is none.
    Absent,
}

/// Rereads the link between a task and a record, in one request.
///
/// # Errors
/// As `failure` says, where it cannot be told.
pub fn reread_link(
    ctx: &Context<'_>,
    id: &str,
    task: &str,
    kind: Kind,
    target: &str,
) -> Result<LinkState, Failure> {
    let only = |wanted: Kind| if wanted == kind { target } else { NOBODY }.to_owned();
    let reply = fetch(
        ctx,
        &RereadLink {
            id: id.to_owned(),
            task_id: task.to_owned(),
            person: only(Kind::Person),
            company: only(Kind::Company),
            opportunity: only(Kind::Opportunity),
        },
    )?;
    let rows = reply.errors.root("taskTargets", reply.data.task_targets)?;
    let links = rows.rows().map(|row| ShownLink {
        id: row.id,
        from: row.task_id,
        person: row.target_person_id,
        company: row.target_company_id,
        opportunity: row.target_opportunity_id,
    });
    let deleted = ("taskTarget", reply.data.task_target);
    link_state(links, (id, task, kind, target), &reply.errors, deleted)
}

/// A link of a task or a note, as an answer shows it.
pub(super) struct ShownLink {
    pub(super) id: String,
    /// The task or note.
    pub(super) from: Option<String>,
    pub(super) person: Option<String>,
    pub(super) company: Option<String>,
    pub(super) opportunity: Option<String>,
}

/// Finds the state of the link of this id, from this task or note to a record, in an answer: links
/// that are there, and the root that shows a deleted one.
pub(super) fn link_state(
    links: impl Iterator<Item = ShownLink>,
    (id, from, kind, target): (&str, &str, Kind, &str),
    errors: &Errors,
    (root, deleted): (&str, Option<Id>),
) -> Result<LinkState, Failure> {
    let is = |held: &Option<String>, wanted: &str| {
        held.as_ref()
            .is_some_and(|held| held.eq_ignore_ascii_case(wanted))
    };
    let mut other = false;
    for link in links {
        let linked = match kind {
            Kind::Person => &link.person,
            Kind::Company => &link.company,
            Kind::Opportunity => &link.opportunity,
            Kind::Task => &None,
        };
        if is(&link.from, from) && is(linked, target) {
            return Ok(LinkState::Linked);
        }
        other |= link.id.eq_ignore_ascii_case(id);
    }
    if other {
        return Ok(LinkState::Other);
    }
    if deleted.is_none() && is_absent(errors, root) {
        return Ok(LinkState::Absent);
    }
    errors.root(root, deleted).map(|_| LinkState::Deleted)
}

/// Checks whether a missing root means that there is no such record: the CRM says so, or gives null
/// without an error.
pub(super) fn is_absent(errors: &Errors, root: &str) -> bool {
    errors.is_empty() || matches!(errors.root::<()>(root, None), Err(Failure::NotFound(_)))
}
