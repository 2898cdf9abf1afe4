//! Knowledge about single recordings that a replay needs: the changes that fit them to the sample,
//! the keys that they were made with, what their data decides, and why some are left out.

use crm_stand_in::twenty::keys::{NARROW_KEY, READ_ONLY_KEY, REVOKED_KEY};
use crm_stand_in::twenty::sample::{
    FORMER_PERSON, HEALTHY, ROBIN, ROBIN_EMAIL, company_id, deal_id, person_id, task_id,
};
use serde_json::{Value, json};

/// The replacement for a part of a recorded request.
pub(crate) enum To {
    /// This value.
    Is(Value),
    /// Ids of the sample's first so many deals.
    Deals(u32),
    /// The id of the link that this task has.
    LinkOf(u32),
    /// The value at this place in an earlier answer.
    From(&'static str, &'static str),
}

/// Changes of recorded requests: the recorded ids, addresses and search words are not in the
/// sample; these stand in the same relation to its data. `at` is a JSON pointer into the request
/// body, or `"query"` and the text to replace.
pub(crate) fn changes() -> Vec<(&'static str, At, To)> {
    use At::{Answered, Pointer, Text, Uuid};
    let id = |id: uuid::Uuid| To::Is(json!(id.to_string()));
    let text = |text: &str| To::Is(json!(text));
    let person_and_company = |id: uuid::Uuid| To::Is(json!(id.to_string()));
    vec![
        (
            "gql-blockers-4-roots",
            Pointer("/variables/id"),
            id(HEALTHY),
        ),
        ("gql-briefing-1of2", Pointer("/variables/me"), id(ROBIN)),
        (
            "gql-briefing-1of2",
            Pointer("/variables/since"),
            text("2026-10-21T20:00:00Z"),
        ),
        (
            "gql-briefing-2of2-openTasks-and-lastActivity-per-opportunity",
            Pointer("/variables/ids"),
            To::Deals(50),
        ),
        (
            "gql-create-upsert-changes-user-edit",
            Pointer("/variables/d/id"),
            id(task_id(2)),
        ),
        (
            "gql-cursor-null-sort-page2",
            Pointer("/variables/a"),
            To::From(
                "gql-cursor-null-sort-page1",
                "/data/opportunities/pageInfo/endCursor",
            ),
        ),
        (
            "gql-cursor-order-field-not-selected-page2",
            Pointer("/variables/a"),
            To::From(
                "gql-cursor-order-field-not-selected-page1",
                "/data/people/pageInfo/endCursor",
            ),
        ),
        (
            "gql-cursor-order-field-selected-page2",
            Pointer("/variables/a"),
            To::From(
                "gql-cursor-order-field-selected-page1",
                "/data/people/pageInfo/endCursor",
            ),
        ),
        (
            "gql-daily-briefing-4-roots-big-workspace",
            Pointer("/variables/me"),
            id(ROBIN),
        ),
        (
            "gql-daily-briefing-4-roots-big-workspace",
            Pointer("/variables/since"),
            text("2026-10-21T20:00:00Z"),
        ),
        (
            "gql-daily-briefing-one-request",
            Pointer("/variables/me"),
            id(ROBIN),
        ),
        (
            "gql-daily-briefing-one-request",
            Pointer("/variables/since"),
            text("2026-10-21T20:00:00Z"),
        ),
        ("gql-delete-soft", Pointer("/variables/id"), id(task_id(3))),
        ("gql-destroy", Pointer("/variables/i"), text(NEWCOMER)),
        (
            "gql-error-create-duplicate",
            Pointer("/variables/d/emails/primaryEmail"),
            text("marta.keller@acme.example"),
        ),
        (
            "gql-error-create-duplicate",
            Answered("/errors/0/extensions/conflictingRecordId"),
            id(person_id(1)),
        ),
        (
            "gql-error-create-duplicate-id",
            Pointer("/variables/d/id"),
            id(task_id(2)),
        ),
        (
            "gql-list-soft-deleted",
            Pointer("/variables/i"),
            id(FORMER_PERSON),
        ),
        (
            "gql-mutation-task-and-targets-retry",
            Pointer("/variables/t/id"),
            id(task_id(4)),
        ),
        (
            "gql-mutation-task-and-targets-retry",
            Pointer("/variables/t/assigneeId"),
            id(ROBIN),
        ),
        (
            "gql-mutation-task-and-targets-retry",
            Pointer("/variables/l/0/taskId"),
            id(task_id(4)),
        ),
        (
            "gql-mutation-task-and-targets-retry",
            Pointer("/variables/l/0/targetOpportunityId"),
            id(HEALTHY),
        ),
        (
            "gql-mutation-task-and-targets-retry",
            Pointer("/variables/l/1/taskId"),
            id(task_id(4)),
        ),
        (
            "gql-mutation-task-and-targets-retry",
            Pointer("/variables/l/1/targetPersonId"),
            id(person_id(25)),
        ),
        (
            "gql-neq-and-null",
            Pointer("/variables/i"),
            id(task_id(207)),
        ),
        (
            "gql-nested-args-filter",
            Pointer("/variables/i"),
            id(deal_id(4)),
        ),
        ("gql-nested-first-500", Pointer("/variables/i"), id(HEALTHY)),
        (
            "gql-opportunity-blockers-one-request",
            Pointer("/variables/id"),
            id(HEALTHY),
        ),
        (
            "gql-person-one",
            Pointer("/variables/f/id/eq"),
            id(person_id(25)),
        ),
        (
            "gql-readonly-key-search-included",
            Text("nakamura"),
            text("acme"),
        ),
        (
            "gql-relation-neq-null",
            Pointer("/variables/i"),
            id(deal_id(57)),
        ),
        (
            "gql-root-taskTargets-filter-through-relation",
            Pointer("/variables/i"),
            id(HEALTHY),
        ),
        ("gql-search", Pointer("/variables/q"), text("ac")),
        (
            "gql-search-email",
            Pointer("/variables/q"),
            text("marta.keller@acme.example"),
        ),
        (
            "gql-search-email-part",
            Pointer("/variables/q"),
            text("@acme"),
        ),
        (
            "gql-search-filter-updatedAt",
            Text("2026-11-22T19:58:00Z"),
            text("2026-08-22T19:58:00Z"),
        ),
        ("gql-search-not-throttled", Text("jeff"), text("marta")),
        ("gql-search-page1", Pointer("/variables/q"), text("a")),
        ("gql-search-page2", Pointer("/variables/q"), text("a")),
        (
            "gql-search-page2",
            Pointer("/variables/a"),
            To::From("gql-search-page1", "/data/search/pageInfo/endCursor"),
        ),
        (
            "gql-search-two-words-or",
            Pointer("/variables/q"),
            text("Declan Alba"),
        ),
        (
            "gql-taskTarget-of-soft-deleted-opportunity",
            Pointer("/variables/i"),
            To::LinkOf(216),
        ),
        (
            "gql-taskTarget-of-soft-deleted-opportunity-2",
            Pointer("/variables/i"),
            id(task_id(216)),
        ),
        (
            "gql-taskTargets-of-soft-deleted-task",
            Pointer("/variables/i"),
            id(deal_id(34)),
        ),
        (
            "gql-taskTargets-of-soft-deleted-task",
            Uuid,
            id(task_id(217)),
        ),
        (
            "gql-taskTargets-open-of-many-opportunities",
            Pointer("/variables/ids"),
            To::Deals(20),
        ),
        (
            "gql-timeline-or-targets",
            Pointer("/variables/o"),
            id(HEALTHY),
        ),
        (
            "gql-timeline-or-targets",
            Pointer("/variables/p"),
            person_and_company(person_id(25)),
        ),
        (
            "gql-timeline-or-targets",
            Pointer("/variables/c"),
            person_and_company(company_id(12)),
        ),
        (
            "gql-timelineActivitiesGroupBy-last-per-opportunity",
            Pointer("/variables/ids"),
            To::Deals(20),
        ),
        ("gql-update", Pointer("/variables/id"), id(task_id(5))),
        (
            "gql-updateNotes-with-filter",
            Pointer("/variables/f/title/eq"),
            text("Note 7"),
        ),
        (
            "gql-workspaceMembers-me-by-email",
            Text("tim@apple.dev"),
            text(ROBIN_EMAIL),
        ),
    ]
}

/// The place of a change in a request.
pub(crate) enum At {
    Pointer(&'static str),
    /// This text within the query.
    Text(&'static str),
    /// The first UUID within the query.
    Uuid,
    /// Not at all; but what was answered at this place is another in the sample.
    Answered(&'static str),
}

/// A person that is there to be destroyed: one without a history.
pub(crate) const NEWCOMER: &str = "2c9e6b1a-4d7f-4a38-9b50-6f1e8d3c7a24";

/// The key that a recording was made with, where it is not one with every right.
pub(crate) const KEYS: &[(&str, &str)] = &[
    ("gql-error-bad-key", "a key that nobody gave out"),
    ("gql-error-revoked-key", REVOKED_KEY),
    ("gql-error-no-read-permission-partial", NARROW_KEY),
    ("gql-error-readonly-key-create", READ_ONLY_KEY),
    ("gql-readonly-key-metadata-objects", READ_ONLY_KEY),
    ("gql-readonly-key-search", READ_ONLY_KEY),
    ("gql-readonly-key-search-all", READ_ONLY_KEY),
    ("gql-readonly-key-search-included", READ_ONLY_KEY),
    ("gql-readonly-key-workspaceMembers", READ_ONLY_KEY),
];

/// Places where the recorded workspace's data, not the request, decided something that the
/// comparison would insist on.
pub(crate) const DATA_DECIDES: &[(&str, &str, &str)] = &[
    (
        "gql-daily-briefing-one-request",
        "/data/opportunities/edges/node/owner/id",
        "the filter says nothing of owners; only the member who asked had such deals",
    ),
    (
        "gql-person-null-when-soft-deleted",
        "/data/people/edges",
        "nobody was soft-deleted there; one person is here",
    ),
];

/// Recordings whose optional fields happen to be filled differently here; in all others null must
/// meet null.
pub(crate) const OTHER_DATA: &[&str] = &[
    "gql-blockers-4-roots",
    "gql-daily-briefing-4-roots-big-workspace",
    "gql-daily-briefing-one-request",
    "gql-opportunity-blockers-one-request",
    "gql-opps-with-nested-everything-60",
    "gql-tasks-orderby-nested-args",
    "gql-tasksGroupBy",
];

/// Root fields that the stand-in plays, beside the aliases and misspellings that some recordings
/// are about.
pub(crate) const PLAYED: &[&str] = &[
    "people",
    "person",
    "companies",
    "company",
    "opportunities",
    "opportunity",
    "tasks",
    "task",
    "notes",
    "note",
    "taskTargets",
    "taskTarget",
    "noteTargets",
    "noteTarget",
    "timelineActivities",
    "timelineActivity",
    "workspaceMembers",
    "workspaceMember",
    "attachments",
    "search",
    "__type",
    "objects",
    "nope",
    "createPerson",
    "createTask",
    "createTaskTargets",
    "updateTask",
    "updateNotes",
    "deleteTask",
    "destroyPerson",
];

/// A reason that a recording is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum LeftOut {
    /// Its root fields raced, and it went the other way than it always does here.
    Race,
    /// It asks for something that the stand-in does not play: the roots are named in the recording.
    OtherRoots,
    /// It asks for a custom field before it was made, or for one of choices; the sample workspace
    /// has made one, of text. The fixture `custom-field-by-its-own-name` shows both that one and
    /// one that nobody made.
    OtherCustomFields,
}

pub(crate) const BY_NAME: &[(&str, LeftOut)] = &[
    ("gql-custom-field-after", LeftOut::OtherCustomFields),
    ("gql-custom-field-before", LeftOut::OtherCustomFields),
    ("gql-mutation-fk-race", LeftOut::Race),
];
