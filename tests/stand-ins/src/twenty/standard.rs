//! The standard objects of a 2.21 workspace: their fields, and one custom field, `nextStep` on
//! opportunities.

use super::catalogue::FieldType::{
    Actor, Address, Currency, DateTime, Elsewhere, Emails, Files, FullName, Links, Many, Morph,
    Number, One, Phones, Position, RawJson, RichText, Select, Text, TsVector, Uuid,
};
use super::catalogue::{FieldSpec, FieldType, ObjectSpec};
use super::value::EnumType;

/// Stages of an opportunity; `CUSTOMER` is the closed one.
pub(super) static STAGE: EnumType = EnumType {
    name: "OpportunityStageEnum",
    db_name: "opportunity_stage_enum",
    options: &[
        ("NEW", "New", "red"),
        ("SCREENING", "Screening", "purple"),
        ("MEETING", "Meeting", "sky"),
        ("PROPOSAL", "Proposal", "turquoise"),
        ("CUSTOMER", "Customer", "yellow"),
    ],
};

/// Statuses of a task; a task may also have none.
pub(super) static TASK_STATUS: EnumType = EnumType {
    name: "TaskStatusEnum",
    db_name: "task_status_enum",
    options: &[
        ("TODO", "To do", "sky"),
        ("IN_PROGRESS", "In progress", "purple"),
        ("DONE", "Done", "green"),
    ],
};

/// The origin of a record.
pub(super) static ACTOR_SOURCE: EnumType = EnumType {
    name: "ActorSourceEnum",
    db_name: "actor_source_enum",
    options: &[
        ("EMAIL", "Email", "gray"),
        ("CALENDAR", "Calendar", "gray"),
        ("WORKFLOW", "Workflow", "gray"),
        ("AGENT", "Agent", "gray"),
        ("API", "API", "gray"),
        ("IMPORT", "Import", "gray"),
        ("MANUAL", "Manual", "gray"),
        ("SYSTEM", "System", "gray"),
        ("WEBHOOK", "Webhook", "gray"),
        ("APPLICATION", "Application", "gray"),
    ],
};

static DATE_FORMAT: EnumType = EnumType {
    name: "WorkspaceMemberDateFormatEnum",
    db_name: "workspaceMember_dateFormat_enum",
    options: &[
        ("SYSTEM", "System", "turquoise"),
        ("MONTH_FIRST", "Month First", "red"),
        ("DAY_FIRST", "Day First", "purple"),
        ("YEAR_FIRST", "Year First", "sky"),
    ],
};

static TIME_FORMAT: EnumType = EnumType {
    name: "WorkspaceMemberTimeFormatEnum",
    db_name: "workspaceMember_timeFormat_enum",
    options: &[
        ("SYSTEM", "System", "sky"),
        ("HOUR_24", "24HRS", "red"),
        ("HOUR_12", "12HRS", "purple"),
    ],
};

static NUMBER_FORMAT: EnumType = EnumType {
    name: "WorkspaceMemberNumberFormatEnum",
    db_name: "workspaceMember_numberFormat_enum",
    options: &[
        ("SYSTEM", "System", "turquoise"),
        ("COMMAS_AND_DOT", "Commas and dot", "blue"),
        ("SPACES_AND_COMMA", "Spaces and comma", "green"),
        ("DOTS_AND_COMMA", "Dots and comma", "orange"),
        ("APOSTROPHE_AND_DOT", "Apostrophe and dot", "purple"),
    ],
};

const fn must(name: &'static str, ty: FieldType) -> FieldSpec {
    FieldSpec {
        name,
        ty,
        nullable: false,
    }
}

const fn may(name: &'static str, ty: FieldType) -> FieldSpec {
    FieldSpec {
        name,
        ty,
        nullable: true,
    }
}

const ID: FieldSpec = must("id", Uuid);
const CREATED_AT: FieldSpec = must("createdAt", DateTime);
const UPDATED_AT: FieldSpec = must("updatedAt", DateTime);
const DELETED_AT: FieldSpec = may("deletedAt", DateTime);
const POSITION: FieldSpec = must("position", Position);
const CREATED_BY: FieldSpec = must("createdBy", Actor);
const UPDATED_BY: FieldSpec = must("updatedBy", Actor);
const SEARCH_VECTOR: FieldSpec = may("searchVector", TsVector);

/// Every object the stand-in keeps.
pub(super) static OBJECTS: &[ObjectSpec] = &[
    WORKSPACE_MEMBER,
    NOTE,
    TASK,
    TASK_TARGET,
    TIMELINE_ACTIVITY,
    NOTE_TARGET,
    COMPANY,
    OPPORTUNITY,
    PERSON,
    ATTACHMENT,
];

const WORKSPACE_MEMBER: ObjectSpec = ObjectSpec {
    singular: "workspaceMember",
    plural: "workspaceMembers",
    type_name: "WorkspaceMember",
    label: "Workspace Member",
    label_plural: "Workspace Members",
    system: true,
    fields: &[
        ID,
        CREATED_AT,
        UPDATED_AT,
        DELETED_AT,
        POSITION,
        must("name", FullName),
        must("colorScheme", Text),
        must("locale", Text),
        may("avatarUrl", Text),
        may("userEmail", Text),
        may("jobTitle", Text),
        must("calendarStartDay", Number),
        must("userId", Uuid),
        must("timeZone", Text),
        must("dateFormat", Select(&DATE_FORMAT)),
        must("timeFormat", Select(&TIME_FORMAT)),
        must("numberFormat", Select(&NUMBER_FORMAT)),
        SEARCH_VECTOR,
        CREATED_BY,
        UPDATED_BY,
        must("blocklist", Elsewhere),
        must("calendarEventParticipants", Elsewhere),
        must(
            "accountOwnerForCompanies",
            Many("company", "accountOwnerId"),
        ),
        must("messageParticipants", Elsewhere),
        must("ownedOpportunities", Many("opportunity", "ownerId")),
        must("assignedTasks", Many("task", "assigneeId")),
        may(
            "timelineActivities",
            Many("timelineActivity", "workspaceMemberId"),
        ),
    ],
    searched: &["name.firstName", "name.lastName", "userEmail"],
    label_columns: &["name.firstName", "name.lastName"],
    timed: &[],
};

const NOTE: ObjectSpec = ObjectSpec {
    singular: "note",
    plural: "notes",
    type_name: "Note",
    label: "Note",
    label_plural: "Notes",
    system: false,
    fields: &[
        ID,
        CREATED_AT,
        UPDATED_AT,
        DELETED_AT,
        POSITION,
        may("title", Text),
        may("bodyV2", RichText),
        CREATED_BY,
        UPDATED_BY,
        SEARCH_VECTOR,
        may("attachments", Many("attachment", "targetNoteId")),
        may("noteTargets", Many("noteTarget", "noteId")),
        may(
            "timelineActivities",
            Many("timelineActivity", "targetNoteId"),
        ),
    ],
    searched: &["title", "bodyV2.markdown"],
    label_columns: &["title"],
    timed: &["createdAt"],
};

const TASK: ObjectSpec = ObjectSpec {
    singular: "task",
    plural: "tasks",
    type_name: "Task",
    label: "Task",
    label_plural: "Tasks",
    system: false,
    fields: &[
        ID,
        CREATED_AT,
        UPDATED_AT,
        DELETED_AT,
        POSITION,
        may("title", Text),
        may("bodyV2", RichText),
        may("dueAt", DateTime),
        may("status", Select(&TASK_STATUS)),
        CREATED_BY,
        UPDATED_BY,
        SEARCH_VECTOR,
        may("attachments", Many("attachment", "targetTaskId")),
        may("taskTargets", Many("taskTarget", "taskId")),
        may("assignee", One("workspaceMember")),
        may(
            "timelineActivities",
            Many("timelineActivity", "targetTaskId"),
        ),
    ],
    searched: &["title", "bodyV2.markdown"],
    label_columns: &["title"],
    timed: &["dueAt", "createdAt"],
};

const TASK_TARGET: ObjectSpec = ObjectSpec {
    singular: "taskTarget",
    plural: "taskTargets",
    type_name: "TaskTarget",
    label: "Task Target",
    label_plural: "Task Targets",
    system: true,
    fields: &[
        ID,
        CREATED_AT,
        UPDATED_AT,
        DELETED_AT,
        CREATED_BY,
        UPDATED_BY,
        POSITION,
        SEARCH_VECTOR,
        may("task", One("task")),
        may("target", Morph(&["company", "opportunity", "person"])),
    ],
    searched: &[],
    label_columns: &[],
    timed: &["createdAt"],
};

const NOTE_TARGET: ObjectSpec = ObjectSpec {
    singular: "noteTarget",
    plural: "noteTargets",
    type_name: "NoteTarget",
    label: "Note Target",
    label_plural: "Note Targets",
    system: true,
    fields: &[
        ID,
        CREATED_AT,
        UPDATED_AT,
        DELETED_AT,
        CREATED_BY,
        UPDATED_BY,
        POSITION,
        SEARCH_VECTOR,
        may("note", One("note")),
        may("target", Morph(&["company", "opportunity", "person"])),
    ],
    searched: &[],
    label_columns: &[],
    timed: &["createdAt"],
};

const TIMELINE_ACTIVITY: ObjectSpec = ObjectSpec {
    singular: "timelineActivity",
    plural: "timelineActivities",
    type_name: "TimelineActivity",
    label: "Timeline Activity",
    label_plural: "Timeline Activities",
    system: true,
    fields: &[
        ID,
        CREATED_AT,
        UPDATED_AT,
        DELETED_AT,
        may("properties", RawJson),
        CREATED_BY,
        UPDATED_BY,
        POSITION,
        must("happensAt", DateTime),
        may("name", Text),
        may("linkedRecordCachedName", Text),
        may("linkedRecordId", Uuid),
        may("linkedObjectMetadataId", Uuid),
        SEARCH_VECTOR,
        may("workspaceMember", One("workspaceMember")),
        may(
            "target",
            Morph(&["company", "note", "opportunity", "person", "task"]),
        ),
    ],
    searched: &[],
    label_columns: &[],
    timed: &["happensAt"],
};

const COMPANY: ObjectSpec = ObjectSpec {
    singular: "company",
    plural: "companies",
    type_name: "Company",
    label: "Company",
    label_plural: "Companies",
    system: false,
    fields: &[
        ID,
        CREATED_AT,
        UPDATED_AT,
        DELETED_AT,
        may("name", Text),
        may("domainName", Links),
        may("address", Address),
        may("linkedinLink", Links),
        may("annualRevenue", Currency),
        POSITION,
        CREATED_BY,
        UPDATED_BY,
        SEARCH_VECTOR,
        may("attachments", Many("attachment", "targetCompanyId")),
        may("people", Many("person", "companyId")),
        may("accountOwner", One("workspaceMember")),
        may("taskTargets", Many("taskTarget", "targetCompanyId")),
        may("noteTargets", Many("noteTarget", "targetCompanyId")),
        may("opportunities", Many("opportunity", "companyId")),
        may(
            "timelineActivities",
            Many("timelineActivity", "targetCompanyId"),
        ),
    ],
    searched: &["name", "domainName.primaryLinkUrl"],
    label_columns: &["name"],
    timed: &["createdAt"],
};

const OPPORTUNITY: ObjectSpec = ObjectSpec {
    singular: "opportunity",
    plural: "opportunities",
    type_name: "Opportunity",
    label: "Opportunity",
    label_plural: "Opportunities",
    system: false,
    fields: &[
        ID,
        CREATED_AT,
        UPDATED_AT,
        DELETED_AT,
        may("name", Text),
        may("amount", Currency),
        may("closeDate", DateTime),
        must("stage", Select(&STAGE)),
        POSITION,
        CREATED_BY,
        UPDATED_BY,
        SEARCH_VECTOR,
        may("attachments", Many("attachment", "targetOpportunityId")),
        may("company", One("company")),
        may("noteTargets", Many("noteTarget", "targetOpportunityId")),
        may("pointOfContact", One("person")),
        may("taskTargets", Many("taskTarget", "targetOpportunityId")),
        may(
            "timelineActivities",
            Many("timelineActivity", "targetOpportunityId"),
        ),
        may("owner", One("workspaceMember")),
        // The sample workspace's own custom field.
        may("nextStep", Text),
    ],
    searched: &["name"],
    label_columns: &["name"],
    timed: &["closeDate", "createdAt"],
};

const PERSON: ObjectSpec = ObjectSpec {
    singular: "person",
    plural: "people",
    type_name: "Person",
    label: "Person",
    label_plural: "People",
    system: false,
    fields: &[
        ID,
        CREATED_AT,
        UPDATED_AT,
        DELETED_AT,
        may("name", FullName),
        may("emails", Emails),
        may("linkedinLink", Links),
        may("jobTitle", Text),
        may("phones", Phones),
        may("avatarUrl", Text),
        may("avatarFile", Files),
        POSITION,
        CREATED_BY,
        UPDATED_BY,
        SEARCH_VECTOR,
        may("attachments", Many("attachment", "targetPersonId")),
        may("calendarEventParticipants", Elsewhere),
        may("company", One("company")),
        may("listMemberships", Elsewhere),
        may("messageParticipants", Elsewhere),
        may("noteTargets", Many("noteTarget", "targetPersonId")),
        may(
            "pointOfContactForOpportunities",
            Many("opportunity", "pointOfContactId"),
        ),
        may("taskTargets", Many("taskTarget", "targetPersonId")),
        may(
            "timelineActivities",
            Many("timelineActivity", "targetPersonId"),
        ),
    ],
    searched: &[
        "name.firstName",
        "name.lastName",
        "emails.primaryEmail",
        "emails.additionalEmails",
        "phones.primaryPhoneNumber",
        "jobTitle",
    ],
    label_columns: &["name.firstName", "name.lastName"],
    timed: &["createdAt"],
};

const ATTACHMENT: ObjectSpec = ObjectSpec {
    singular: "attachment",
    plural: "attachments",
    type_name: "Attachment",
    label: "Attachment",
    label_plural: "Attachments",
    system: true,
    fields: &[
        ID,
        CREATED_AT,
        UPDATED_AT,
        DELETED_AT,
        may("name", Text),
        CREATED_BY,
        UPDATED_BY,
        POSITION,
        SEARCH_VECTOR,
        may(
            "target",
            Morph(&["company", "note", "opportunity", "person", "task"]),
        ),
    ],
    searched: &[],
    label_columns: &[],
    timed: &[],
};
