//! The trusted documents: the only requests that this skill makes or proposes. What the queries
//! select is all that it can read.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A trusted document. The harness lets it through because it knows the SHA-256 of its text.
#[derive(Debug, PartialEq, Eq)]
pub struct Document {
    /// Its name: the file's name in `graphql/queries` or `graphql/mutations`.
    pub name: &'static str,
    /// The path of the endpoint.
    pub path: &'static str,
    /// The cost in Twenty's rate limit: its root fields, except for `search`, `__type` and all of
    /// `/metadata`.
    pub roots: u32,
    /// Its text: the file without its directives, which are for the harness. Where it has a place
    /// for a field that the operator names, it is extended before it is sent (`graphql_fields`).
    pub text: &'static str,
}

/// A document with its variables. Each one is sent: Twenty takes a missing variable for no filter
/// at all.
pub trait Query: Serialize {
    /// The document.
    const DOCUMENT: &'static Document;
    /// The answer, root by root; a root that failed is none.
    type Answer: DeserializeOwned;
}

macro_rules! documents {
    ($(#[$all_doc:meta])* $all:ident from $folder:literal;
     $($(#[$doc:meta])* $constant:ident = $name:literal, $path:literal, $roots:literal;)*) => {
        $(
            $(#[$doc])*
            pub static $constant: Document = Document {
                name: $name,
                path: $path,
                roots: $roots,
                // The build script has written it.
                text: include_str!(concat!(
                    env!("OUT_DIR"),
                    "/",
                    $folder,
                    "/",
                    $name,
                    ".graphql"
                )),
            };
        )*

        $(#[$all_doc])*
        pub static $all: &[&Document] = &[$(&$constant),*];
    };
}

documents! {
    /// All queries.
    ALL from "queries";
    /// The objects that the key may read.
    ACCESS = "access", "/graphql", 9;
    /// The data for the rules about a deal.
    BLOCKERS = "blockers", "/graphql", 6;
    /// Deals by name.
    BLOCKERS_FIND = "blockers_find", "/graphql", 1;
    /// Activity around a deal.
    BLOCKERS_WIDEN = "blockers_widen", "/graphql", 3;
    /// Tasks that come up, and new people.
    BRIEFING_COMING = "briefing_coming", "/graphql", 2;
    /// Overdue tasks, and deals that close soon.
    BRIEFING_OVERDUE = "briefing_overdue", "/graphql", 2;
    /// Open tasks and last activity by deal.
    BRIEFING_RISK = "briefing_risk", "/graphql", 2;
    /// Tasks due today, and open deals.
    BRIEFING_TODAY = "briefing_today", "/graphql", 2;
    /// Records to share.
    CONTEXT = "context", "/graphql", 4;
    /// The fields of deals.
    DEAL_FIELDS = "deal_fields", "/graphql", 0;
    /// The first deals of a filter, largest first.
    DEALS_BY_AMOUNT = "deals_by_amount", "/graphql", 1;
    /// The first deals of a filter, changed last first.
    DEALS_BY_CHANGE = "deals_by_change", "/graphql", 1;
    /// The first deals of a filter, soonest to close first.
    DEALS_BY_CLOSE = "deals_by_close", "/graphql", 1;
    /// The first deals of a filter, by name.
    DEALS_BY_NAME = "deals_by_name", "/graphql", 1;
    /// The first deals of a filter, by stage.
    DEALS_BY_STAGE = "deals_by_stage", "/graphql", 1;
    /// The companies of people.
    EMPLOYMENT = "employment", "/graphql", 1;
    /// The fields of records, with their types.
    FIELD_TYPES = "field_types", "/metadata", 0;
    /// The subject of a follow-up, and the assignee.
    FOLLOW_UP = "follow_up", "/graphql", 4;
    /// Somebody's follow-ups.
    FOLLOW_UPS = "follow_ups", "/graphql", 2;
    /// Follow-ups about a record.
    FOLLOW_UPS_ABOUT = "follow_ups_about", "/graphql", 1;
    /// Everybody's follow-ups.
    FOLLOW_UPS_ANYONE = "follow_ups_anyone", "/graphql", 2;
    /// Everybody's follow-ups, a further page.
    FOLLOW_UPS_ANYONE_NEXT = "follow_ups_anyone_next", "/graphql", 2;
    /// Somebody's follow-ups, a further page.
    FOLLOW_UPS_NEXT = "follow_ups_next", "/graphql", 2;
    /// A company.
    GET_COMPANY = "get_company", "/graphql", 4;
    /// A deal.
    GET_OPPORTUNITY = "get_opportunity", "/graphql", 4;
    /// A person.
    GET_PERSON = "get_person", "/graphql", 4;
    /// A task.
    GET_TASK = "get_task", "/graphql", 2;
    /// The workspace's members.
    MEMBERS = "members", "/graphql", 1;
    /// A member by address.
    MEMBER_BY_EMAIL = "member_by_email", "/graphql", 1;
    /// Members by their ids.
    MEMBERS_BY_ID = "members_by_id", "/graphql", 1;
    /// The workspace's objects and fields.
    METADATA = "metadata", "/metadata", 0;
    /// The sums of deals by month.
    PIPELINE_BY_MONTH = "pipeline_by_month", "/graphql", 1;
    /// The sums of deals by owner.
    PIPELINE_BY_OWNER = "pipeline_by_owner", "/graphql", 1;
    /// The sums of deals by stage.
    PIPELINE_BY_STAGE = "pipeline_by_stage", "/graphql", 1;
    /// A company, read again.
    REREAD_COMPANY = "reread_company", "/graphql", 2;
    /// A task's link, read again.
    REREAD_LINK = "reread_link", "/graphql", 2;
    /// A note, read again.
    REREAD_NOTE = "reread_note", "/graphql", 2;
    /// A note's link, read again.
    REREAD_NOTE_LINK = "reread_note_link", "/graphql", 2;
    /// A deal, read again.
    REREAD_OPPORTUNITY = "reread_opportunity", "/graphql", 2;
    /// A person, read again.
    REREAD_PERSON = "reread_person", "/graphql", 2;
    /// A task, read again.
    REREAD_TASK = "reread_task", "/graphql", 2;
    /// Full text.
    SEARCH = "search", "/graphql", 0;
    /// Details of hits.
    SEARCH_DETAILS = "search_details", "/graphql", 4;
    /// The stages of deals.
    STAGES = "stages", "/graphql", 0;
    /// The statuses of tasks.
    TASK_STATUSES = "task_statuses", "/graphql", 0;
    /// Lookup of a company.
    UPSERT_COMPANY = "upsert_company", "/graphql", 2;
    /// Lookup of a deal.
    UPSERT_OPPORTUNITY = "upsert_opportunity", "/graphql", 4;
    /// Lookup of a person.
    UPSERT_PERSON = "upsert_person", "/graphql", 2;
    /// Lookup of a task.
    UPSERT_TASK = "upsert_task", "/graphql", 2;
}

documents! {
    /// All mutations. The skill puts them into plans and never sends them.
    MUTATIONS from "mutations";
    /// Makes a company.
    CREATE_COMPANY = "create_company", "/graphql", 1;
    /// Makes a note.
    CREATE_NOTE = "create_note", "/graphql", 1;
    /// Makes a deal.
    CREATE_OPPORTUNITY = "create_opportunity", "/graphql", 1;
    /// Makes a person.
    CREATE_PERSON = "create_person", "/graphql", 1;
    /// Makes a follow-up's task.
    CREATE_TASK = "create_task", "/graphql", 1;
    /// Makes a task of any fields.
    CREATE_TASK_FROM_FIELDS = "create_task_from_fields", "/graphql", 1;
    /// Makes a follow-up's task with a text.
    CREATE_TASK_WITH_NOTE = "create_task_with_note", "/graphql", 1;
    /// Deletes a note, softly.
    DELETE_NOTE = "delete_note", "/graphql", 1;
    /// Deletes a task, softly.
    DELETE_TASK = "delete_task", "/graphql", 1;
    /// Links a note to a company.
    LINK_NOTE_TO_COMPANY = "link_note_to_company", "/graphql", 1;
    /// Links a note to a deal.
    LINK_NOTE_TO_OPPORTUNITY = "link_note_to_opportunity", "/graphql", 1;
    /// Links a note to a person.
    LINK_NOTE_TO_PERSON = "link_note_to_person", "/graphql", 1;
    /// Links a task to a company.
    LINK_TASK_TO_COMPANY = "link_task_to_company", "/graphql", 1;
    /// Links a task to a deal.
    LINK_TASK_TO_OPPORTUNITY = "link_task_to_opportunity", "/graphql", 1;
    /// Links a task to a person.
    LINK_TASK_TO_PERSON = "link_task_to_person", "/graphql", 1;
    /// Changes a company.
    UPDATE_COMPANY = "update_company", "/graphql", 1;
    /// Changes a deal.
    UPDATE_OPPORTUNITY = "update_opportunity", "/graphql", 1;
    /// Changes a person.
    UPDATE_PERSON = "update_person", "/graphql", 1;
    /// Changes a task.
    UPDATE_TASK = "update_task", "/graphql", 1;
}
