//! `get`: one record with its default fields, open tasks, newest note and last activity, in one
//! request.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::render::{member, parts, some, task_line, task_row, unread};
use super::statuses::{self, OpenStatuses};
use crate::bindings::claw::crm::types::{Kind, Money};
use crate::bindings::exports::claw::crm::read::{
    CompanyFields, GetRequest, NoteHead, OpportunityFields, PersonFields, RecordFields, RecordView,
    TaskFields,
};
use crate::context::Context;
use crate::failure::{self, Failure};
use crate::ids::uuid;
use crate::markdown::{MarkdownPage, count, escape};
use crate::text::{self, Cutter, Text};
use crate::twenty::kinds::object;
use crate::twenty::mend::Unreadable;
use crate::twenty::records::EmployerLink;
use crate::twenty::rows::Phones;
use crate::twenty::values::{
    self, Colleague, Connection, Count, Counted, Currency, FullName, Links, Named, NamedPerson,
    RichText, full_name, money, named,
};
use crate::twenty::{self, Document, Errors, Query, documents, fetch, fetch_deal, hidden};

/// A link leads to a note, and the note is not there: the key may not read notes.
pub(super) const UNREADABLE_NOTE: &str = "a note is linked that may not be read";

/// The most open tasks that are shown.
const TASKS: usize = 10;

macro_rules! get_query {
    ($(#[$doc:meta])* $query:ident, $data:ident { $root:ident: $record:ident }, $document:ident) => {
        $(#[$doc])*
        #[derive(Debug, Serialize)]
        pub struct $query {
            id: String,
            open: Vec<String>,
        }

        #[doc = concat!("The answer to [`", stringify!($query), "`].")]
        #[derive(Debug, Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub struct $data {
            $root: Option<$record>,
            task_targets: Option<Counted<OpenTask>>,
            note_targets: Option<Connection<LatestNoteLink>>,
            timeline_activities: Option<Connection<LatestActivity>>,
        }

        impl Query for $query {
            const DOCUMENT: &'static Document = &documents::$document;
            type Answer = $data;
        }

        impl $data {
            /// Splits the answer into the record and its related records.
            fn parts(self, errors: &Errors, open: &OpenStatuses) -> Result<($record, RelatedRecords), Failure> {
                let record = errors.root(stringify!($root), self.$root)?;
                let around =
                    RelatedRecords::read(errors, open, self.task_targets, self.note_targets, self.timeline_activities);
                Ok((record, around))
            }
        }
    };
}

get_query!(
    /// Asks for a person.
    GetPerson, PersonData { person: PersonView }, GET_PERSON
);
get_query!(
    /// Asks for a company.
    GetCompany, CompanyData { company: CompanyView }, GET_COMPANY
);
get_query!(
    /// Asks for a deal.
    GetOpportunity, OpportunityData { opportunity: OpportunityView }, GET_OPPORTUNITY
);

/// Asks for a task.
#[derive(Debug, Serialize)]
pub struct GetTask {
    id: String,
}

/// The answer to [`GetTask`].
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskData {
    task: Option<TaskView>,
    timeline_activities: Option<Connection<LatestActivity>>,
}

impl Query for GetTask {
    const DOCUMENT: &'static Document = &documents::GET_TASK;
    type Answer = TaskData;
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PersonView {
    id: String,
    updated_at: Option<Timestamp>,
    name: Option<FullName>,
    job_title: Option<Text>,
    emails: Option<PrimaryEmail>,
    phones: Option<Phones>,
    company: Option<EmployerLink>,
    #[serde(default, rename = "$unreadable")]
    unreadable: Unreadable,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PrimaryEmail {
    primary_email: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CompanyView {
    id: String,
    updated_at: Option<Timestamp>,
    name: Option<Text>,
    domain_name: Option<Links>,
    #[serde(rename = "accountOwnerId")]
    account_owner: Option<Colleague>,
    people: Option<Count>,
    #[serde(default, rename = "$unreadable")]
    unreadable: Unreadable,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OpportunityView {
    id: String,
    updated_at: Option<Timestamp>,
    name: Option<Text>,
    stage: Text,
    amount: Option<Currency>,
    close_date: Option<Timestamp>,
    #[serde(rename = "ownerId")]
    owner: Option<Colleague>,
    company: Option<Named>,
    point_of_contact: Option<NamedPerson>,
    #[serde(default, rename = "$unreadable")]
    unreadable: Unreadable,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct TaskView {
    id: String,
    updated_at: Option<Timestamp>,
    title: Option<Text>,
    body_v2: Option<RichText>,
    status: Option<Text>,
    due_at: Option<Timestamp>,
    #[serde(rename = "assigneeId")]
    assignee: Option<Colleague>,
    task_targets: Option<Connection<values::Target>>,
    #[serde(default, rename = "$unreadable")]
    unreadable: Unreadable,
}

#[derive(Debug, Deserialize)]
struct OpenTask {
    task: Option<values::Task>,
}

#[derive(Debug, Deserialize)]
struct LatestNoteLink {
    note: Option<LatestNote>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LatestNote {
    id: String,
    title: Option<Text>,
    created_at: Option<Timestamp>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LatestActivity {
    happens_at: Timestamp,
}

/// The tasks, notes and activity of a record.
#[derive(Default)]
struct RelatedRecords {
    tasks: Vec<values::Task>,
    total: Option<u32>,
    note: Option<NoteHead>,
    activity: Option<Timestamp>,
    missing: Vec<String>,
    cutter: Cutter,
}

impl RelatedRecords {
    fn read(
        errors: &Errors,
        open: &OpenStatuses,
        tasks: Option<Counted<OpenTask>>,
        notes: Option<Connection<LatestNoteLink>>,
        activities: Option<Connection<LatestActivity>>,
    ) -> Self {
        let mut around = Self::default();
        match open.validate(errors.root("taskTargets", tasks)) {
            Ok(tasks) => {
                let linked = tasks.total_count;
                let rows = tasks.edges.len();
                around.tasks =
                    values::unique(tasks.rows().filter_map(|row| row.task), |task| &task.id);
                // Links that point twice to one task are no two tasks; what lies beyond the page is
                // counted as it is linked.
                let doubled = rows.saturating_sub(around.tasks.len());
                around.lost(errors, "taskTargets", "open tasks");
                around.total =
                    Some(linked.saturating_sub(u32::try_from(doubled).unwrap_or(u32::MAX)));
            }
            Err(failure) => around
                .missing
                .push(format!("open tasks: {}", failure::sentence(&failure))),
        }
        match errors.root("noteTargets", notes) {
            Ok(notes) => {
                let linked = !notes.edges.is_empty();
                around.note = notes
                    .rows()
                    .find_map(|link| link.note)
                    .map(|note| NoteHead {
                        id: note.id,
                        title: around.cutter.label(named(note.title.as_ref())),
                        created_at: note.created_at.map(text::instant).unwrap_or_default(),
                    });
                around.lost(errors, "noteTargets", "notes");
                if linked && around.note.is_none() {
                    around.missing.push(format!("notes: {UNREADABLE_NOTE}"));
                }
            }
            Err(failure) => around
                .missing
                .push(format!("notes: {}", failure::sentence(&failure))),
        }
        around.last(errors, activities);
        around
    }

    /// Notes that rows of a root were left out.
    fn lost(&mut self, errors: &Errors, root: &str, what: &str) {
        if let Some(lost) = errors.lost(root) {
            self.missing.push(format!("{what}: {lost}"));
        }
    }

    fn last(&mut self, errors: &Errors, activities: Option<Connection<LatestActivity>>) {
        match errors.root("timelineActivities", activities) {
            Ok(activities) => {
                self.activity = activities.rows().next().map(|activity| activity.happens_at);
                self.lost(errors, "timelineActivities", "activity");
            }
            Err(failure) => self
                .missing
                .push(format!("activity: {}", failure::sentence(&failure))),
        }
    }
}

/// Runs the action.
///
/// # Errors
/// As `failure` says; what stands around the record is named in `missing` where it could not be
/// read.
pub fn get(ctx: &Context<'_>, request: &GetRequest) -> Result<RecordView, Failure> {
    let id = uuid("id", &request.id)?;
    match request.kind {
        Kind::Person => person(ctx, id),
        Kind::Company => company(ctx, id),
        Kind::Opportunity => opportunity(ctx, id),
        Kind::Task => task(ctx, id),
    }
}

fn person(ctx: &Context<'_>, id: String) -> Result<RecordView, Failure> {
    let open = statuses::open(ctx);
    let query = GetPerson {
        id,
        open: open.statuses.clone(),
    };
    let reply = fetch(ctx, &query)?;
    let (record, mut around) = reply.data.parts(&reply.errors, &open)?;
    around.missing.extend(unread(&record.unreadable));
    let cutter = &mut around.cutter;
    let fields = PersonFields {
        name: cutter.label(&full_name(record.name.as_ref())),
        job_title: some(record.job_title.as_ref(), cutter),
        email: record
            .emails
            .as_ref()
            .and_then(|emails| some(emails.primary_email.as_ref(), cutter)),
        phone: Phones::number(record.phones.as_ref()).map(|number| cutter.label(&number)),
        company: record
            .company
            .map(|EmployerLink { id, name, .. }| Named { id, name }.link(Kind::Company, cutter)),
    };
    let line = parts([
        fields.job_title.clone(),
        fields.company.as_ref().map(|company| company.label.clone()),
        fields.email.clone(),
        fields.phone.clone(),
    ]);
    let label = fields.name.clone();
    Ok(view(
        ctx,
        Kind::Person,
        record.id,
        label,
        &line,
        RecordFields::Person(fields),
        record.updated_at,
        around,
    ))
}

fn company(ctx: &Context<'_>, id: String) -> Result<RecordView, Failure> {
    let open = statuses::open(ctx);
    let query = GetCompany {
        id,
        open: open.statuses.clone(),
    };
    let reply = fetch(ctx, &query)?;
    let (record, mut around) = reply.data.parts(&reply.errors, &open)?;
    around.missing.extend(unread(&record.unreadable));
    let cutter = &mut around.cutter;
    let fields = CompanyFields {
        name: cutter.label(named(record.name.as_ref())),
        domain: record
            .domain_name
            .as_ref()
            .and_then(|links| some(links.primary_link_url.as_ref(), cutter)),
        owner: member(record.account_owner.as_ref(), cutter),
        people: record.people.map(|people| people.total_count),
    };
    let line = parts([
        fields.domain.clone(),
        fields
            .owner
            .as_ref()
            .map(|owner| format!("owner {}", owner.name)),
        fields
            .people
            .map(|people| count(people, "person", "people")),
    ]);
    let label = fields.name.clone();
    Ok(view(
        ctx,
        Kind::Company,
        record.id,
        label,
        &line,
        RecordFields::Company(fields),
        record.updated_at,
        around,
    ))
}

fn opportunity(ctx: &Context<'_>, id: String) -> Result<RecordView, Failure> {
    let open = statuses::open(ctx);
    let query = GetOpportunity {
        id,
        open: open.statuses.clone(),
    };
    let (reply, next_step) = fetch_deal(ctx, &query)?;
    let (record, mut around) = reply.data.parts(&reply.errors, &open)?;
    around.missing.extend(unread(&record.unreadable));
    let cutter = &mut around.cutter;
    let fields = OpportunityFields {
        name: cutter.label(named(record.name.as_ref())),
        stage: cutter.label(record.stage.as_str()),
        amount: Currency::money(record.amount.as_ref(), cutter),
        close_date: record.close_date.map(text::instant),
        owner: member(record.owner.as_ref(), cutter),
        company: record
            .company
            .as_ref()
            .map(|company| company.link(Kind::Company, cutter)),
        contact: record
            .point_of_contact
            .as_ref()
            .map(|person| person.link(cutter)),
        next_step: next_step.text().map(|text| cutter.label(text)),
    };
    let line = deal_line(ctx, &fields, record.close_date);
    let label = fields.name.clone();
    Ok(view(
        ctx,
        Kind::Opportunity,
        record.id,
        label,
        &line,
        RecordFields::Opportunity(fields),
        record.updated_at,
        around,
    ))
}

/// A deal's fields in one line.
pub(crate) fn deal_line(
    ctx: &Context<'_>,
    fields: &OpportunityFields,
    close_date: Option<Timestamp>,
) -> String {
    parts([
        Some(format!("stage {}", fields.stage)),
        fields.amount.as_ref().map(|amount: &Money| money(amount)),
        close_date.map(|date| format!("closes {}", ctx.zone().due(date).day)),
        fields
            .owner
            .as_ref()
            .map(|owner| format!("owner {}", owner.name)),
        fields.company.as_ref().map(|company| company.label.clone()),
        fields
            .contact
            .as_ref()
            .map(|contact| format!("contact {}", contact.label)),
        fields
            .next_step
            .as_ref()
            .map(|step| format!("next step: {step}")),
    ])
}

fn task(ctx: &Context<'_>, id: String) -> Result<RecordView, Failure> {
    let reply = fetch(ctx, &GetTask { id })?;
    let record = reply.errors.root("task", reply.data.task)?;
    let mut around = RelatedRecords {
        total: Some(0),
        ..RelatedRecords::default()
    };
    around.last(&reply.errors, reply.data.timeline_activities);
    around.missing.extend(unread(&record.unreadable));
    let status = record.status.as_ref();
    let open = status.is_none_or(|status| !ctx.is_done(status.as_str()))
        && !record.unreadable.has("status");
    let cutter = &mut around.cutter;
    let fields = TaskFields {
        title: cutter.label(named(record.title.as_ref())),
        body: RichText::text(record.body_v2.as_ref()).map(|body| cutter.body(body)),
        status: some(record.status.as_ref(), cutter),
        due: record.due_at.map(text::instant),
        overdue: open
            && record
                .due_at
                .is_some_and(|due| ctx.zone().is_overdue(due, ctx.now)),
        assignee: member(record.assignee.as_ref(), cutter),
        links: values::links(record.task_targets.as_ref(), cutter),
    };
    let line = parts([
        Some(fields.status.clone().unwrap_or_else(|| "open".to_owned())),
        record.due_at.map(|due| {
            let shown = ctx.zone().show_due(due);
            if fields.overdue {
                format!("overdue since {shown}")
            } else {
                format!("due {shown}")
            }
        }),
        fields.assignee.as_ref().map(|member| member.name.clone()),
        (!fields.links.is_empty()).then(|| {
            let labels: Vec<&str> = fields
                .links
                .iter()
                .map(|link| link.label.as_str())
                .collect();
            format!("about {}", labels.join(" and "))
        }),
    ]);
    let label = fields.title.clone();
    Ok(view(
        ctx,
        Kind::Task,
        record.id,
        label,
        &line,
        RecordFields::Task(fields),
        record.updated_at,
        around,
    ))
}

#[expect(
    clippy::too_many_arguments,
    reason = "the one place where a record's parts meet"
)]
fn view(
    ctx: &Context<'_>,
    kind: Kind,
    id: String,
    label: String,
    line: &str,
    fields: RecordFields,
    updated_at: Option<Timestamp>,
    mut around: RelatedRecords,
) -> RecordView {
    if let Some(unread) = hidden::sentence(ctx) {
        around.missing.push(format!("fields: {unread}"));
    }
    let mut page = MarkdownPage::titled(&format!("{} {}", object(kind), escape(&label)));
    page.line(&escape(line));
    let shown: Vec<_> = around
        .tasks
        .iter()
        .take(TASKS)
        .map(|task| (task, task_row(ctx, task)))
        .collect();
    if let Some(total @ 1..) = around.total {
        page.heading(&count(total, "open task", "open tasks"));
        for (task, row) in &shown {
            page.bullet(&task_line(ctx, task, row, true));
        }
    }
    if around.note.is_some() || around.activity.is_some() || !around.missing.is_empty() {
        page.line("");
    }
    if let Some(note) = &around.note {
        page.line(&format!("Newest note: {}", escape(&note.title)));
    }
    if let Some(time) = around.activity {
        page.line(&format!("Last activity: {}", ctx.zone().show(time)));
    }
    for missing in &around.missing {
        page.line(&format!("Not shown, {}", escape(missing)));
    }
    let open_tasks: Vec<_> = shown.into_iter().map(|(_, row)| row).collect();
    RecordView {
        markdown: page.finish(),
        kind,
        provenance: twenty::provenance(ctx, object(kind), &id, updated_at),
        id,
        label,
        fields,
        truncated: around.cutter.cut || open_tasks.iter().any(|row| row.truncated),
        open_tasks,
        open_task_total: around.total,
        latest_note: around.note,
        last_activity: around.activity.map(text::instant),
        missing: around.missing,
    }
}
