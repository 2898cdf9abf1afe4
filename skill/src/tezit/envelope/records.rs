//! Fills envelopes for each kind of record.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::builder::{Envelope, EnvelopeBuilder, FieldSelection};
use super::disclosure_log::DisclosureLog;
use super::kinds::ShareableKind;
use super::words::{closing, value_band};
use crate::bindings::claw::crm::types::{Kind, Link};
use crate::context::Context;
use crate::text::{self, Cutter, Text};
use crate::twenty::kinds::object;
use crate::twenty::mend::Unreadable;
use crate::twenty::rows::{Activity, Deal, Person, Phones};
use crate::twenty::values::{self, Currency, FullName, RichText, full_name, money};

fn some(text: Option<&Text>) -> Option<&str> {
    text.filter(|text| !text.is_empty()).map(Text::as_str)
}

/// Joins a name, where there is one.
fn name(name: Option<&FullName>) -> Option<String> {
    let parts = name.map(|name| {
        [
            some(name.first_name.as_ref()),
            some(name.last_name.as_ref()),
        ]
    })?;
    parts.iter().any(Option::is_some).then(|| full_name(name))
}

/// Fills a person's envelope.
pub fn contact(log: &mut DisclosureLog, person: &Person, wanted: FieldSelection<'_>) -> Envelope {
    let email = person.emails.as_ref();
    let email = email.and_then(|emails| some(emails.primary_email.as_ref()));
    let phone = Phones::number(person.phones.as_ref());
    let company = person.company.as_ref();
    let channels: Vec<&str> = [
        email.is_some().then_some("email"),
        phone.is_some().then_some("phone"),
    ]
    .into_iter()
    .flatten()
    .collect();
    let mut builder = EnvelopeBuilder::new(log, ShareableKind::Contact, &person.id, wanted);
    builder.text("name", name(person.name.as_ref()).as_deref());
    builder.text("role", some(person.job_title.as_ref()));
    builder.text(
        "company",
        company.and_then(|company| some(company.name.as_ref())),
    );
    builder.exact("channels", (!channels.is_empty()).then_some(channels));
    builder.exact("email", email);
    builder.exact("phone", phone);
    let unreadable = &person.unreadable;
    builder.unless(unreadable.has("name"), "name");
    builder.unless(unreadable.has("jobTitle"), "role");
    builder.unless(unreadable.has("company"), "company");
    builder.unless(unreadable.has("emails"), "email");
    builder.unless(unreadable.has("phones"), "phone");
    builder.done(person.updated_at)
}

/// A deal's shareable fields, from whichever document it came.
#[derive(Debug)]
pub struct DealView<'a> {
    /// Id.
    pub id: &'a str,
    /// The time of the last change.
    pub updated_at: Option<Timestamp>,
    /// Name.
    pub name: Option<&'a Text>,
    /// Stage, as stored.
    pub stage: &'a Text,
    /// Amount.
    pub amount: Option<&'a Currency>,
    /// The close date.
    pub close_date: Option<Timestamp>,
    /// Its owner's name.
    pub owner: Option<&'a FullName>,
    /// Its contact's name.
    pub contact: Option<&'a FullName>,
    /// The content of the next-step field; none where that was not read.
    pub next_step: Option<Option<String>>,
    /// The fields that could not be read.
    pub unreadable: &'a Unreadable,
}

impl<'a> DealView<'a> {
    /// Takes the fields from a row.
    pub fn from_row(deal: &'a Deal, next_step: Option<Option<String>>) -> Self {
        Self {
            id: &deal.id,
            updated_at: deal.updated_at,
            name: deal.name.as_ref(),
            stage: &deal.stage,
            amount: deal.amount.as_ref(),
            close_date: deal.close_date,
            owner: deal.owner.as_ref().and_then(|owner| owner.name.as_ref()),
            contact: deal
                .point_of_contact
                .as_ref()
                .and_then(|contact| contact.name.as_ref()),
            next_step,
            unreadable: &deal.unreadable,
        }
    }

    /// Checks whether its stage ends it.
    pub fn closed(&self, ctx: &Context<'_>) -> bool {
        let closed = ctx.closed_stages();
        closed.iter().any(|stage| stage == self.stage.as_str())
    }
}

/// Fills a deal's envelope.
pub fn deal(
    ctx: &Context<'_>,
    log: &mut DisclosureLog,
    deal: &DealView<'_>,
    wanted: FieldSelection<'_>,
) -> Envelope {
    let mut cutter = Cutter::default();
    let amount = Currency::money(deal.amount, &mut cutter);
    let band = Currency::micros(deal.amount).map(|micros| {
        let currency = amount.as_ref().map_or("", |money| &money.currency);
        value_band(micros.0, currency)
    });
    let date = deal.close_date.map(|date| ctx.zone().due(date).day);
    let closes = date
        .filter(|_| !deal.closed(ctx))
        .map(|date| closing(ctx.zone().date(ctx.now), date));
    let mut builder = EnvelopeBuilder::new(log, ShareableKind::Deal, deal.id, wanted);
    builder.text("name", some(deal.name));
    let stage = (!deal.unreadable.has("stage")).then_some(deal.stage);
    builder.text("stage", some(stage));
    builder.exact("valueBand", band);
    builder.text("owner", name(deal.owner).as_deref());
    match &deal.next_step {
        Some(says) => builder.text("nextStep", says.as_deref()),
        None => builder.unread("nextStep"),
    }
    builder.exact("closeDate", date.map(|date| date.to_string()));
    builder.exact("closing", closes);
    builder.exact("amount", amount.as_ref().map(money));
    builder.text("contact", name(deal.contact).as_deref());
    let unreadable = deal.unreadable;
    builder.unless(unreadable.has("name"), "name");
    builder.unless(unreadable.has("stage"), "stage");
    builder.unless(unreadable.has("amount"), "valueBand");
    builder.unless(unreadable.has("ownerId"), "owner");
    builder.unless(unreadable.has("closeDate"), "closeDate");
    builder.unless(unreadable.has("closeDate"), "closing");
    builder.unless(unreadable.has("amount"), "amount");
    builder.unless(unreadable.has("pointOfContact"), "contact");
    builder.done(deal.updated_at)
}

/// Checks whether a task is unfinished. A task without status is.
pub fn is_open(ctx: &Context<'_>, task: &values::Task) -> bool {
    some(task.status.as_ref()).is_none_or(|status| !ctx.is_done(status))
}

/// Fills a task's envelope.
pub fn task(log: &mut DisclosureLog, task: &values::Task, wanted: FieldSelection<'_>) -> Envelope {
    let owner = task.assignee.as_ref().and_then(|who| who.name.as_ref());
    let links = values::links(task.task_targets.as_ref(), &mut Cutter::default());
    let body = RichText::text(task.body_v2.as_ref());
    let mut builder = EnvelopeBuilder::new(log, ShareableKind::Task, &task.id, wanted);
    builder.text("title", some(task.title.as_ref()));
    builder.text("owner", name(owner).as_deref());
    builder.exact("due", task.due_at.map(text::instant));
    builder.text("status", some(task.status.as_ref()));
    builder.dependency(&links, true);
    builder.body("body", body);
    let unreadable = &task.unreadable;
    builder.unless(unreadable.has("title"), "title");
    builder.unless(unreadable.has("assigneeId"), "owner");
    builder.unless(unreadable.has("dueAt"), "due");
    builder.unless(unreadable.has("status"), "status");
    builder.unless(unreadable.has("taskTargets"), "dependency");
    builder.unless(unreadable.has("bodyV2"), "body");
    builder.done(task.updated_at)
}

/// A task that the plan makes.
#[derive(Debug)]
pub struct NewTask<'a> {
    /// The id that it will have.
    pub id: &'a str,
    /// The title.
    pub title: &'a str,
    /// The due time.
    pub due: &'a str,
    /// The assignee, where the message may name them.
    pub owner: Option<String>,
    /// The record that the task will be linked to.
    pub about: &'a Link,
}

/// Fills the envelope of a task that the plan makes. A company's name is no shared field, so it
/// stays out.
pub fn new_task(log: &mut DisclosureLog, task: &NewTask<'_>) -> Envelope {
    let mut builder = EnvelopeBuilder::new(
        log,
        ShareableKind::Task,
        task.id,
        FieldSelection::Default(&[]),
    );
    builder.text("title", Some(task.title));
    match &task.owner {
        Some(owner) => builder.text("owner", Some(owner)),
        None => builder.unread("owner"),
    }
    builder.exact("due", Some(task.due));
    builder.unread("status");
    builder.dependency(
        std::slice::from_ref(task.about),
        task.about.kind != Kind::Company,
    );
    builder.unread("body");
    Envelope {
        created: true,
        ..builder.done(None)
    }
}

/// Fills an activity's envelope.
pub fn activity(
    log: &mut DisclosureLog,
    activity: &Activity,
    wanted: FieldSelection<'_>,
) -> Envelope {
    let kind = some(activity.name.as_ref());
    let linked = some(activity.linked_record_cached_name.as_ref());
    let summary = match (happened(kind.unwrap_or_default()), linked) {
        (what, Some(linked)) => format!("{what}: {linked}"),
        (what, None) => what.to_owned(),
    };
    let mut builder = EnvelopeBuilder::new(log, ShareableKind::Activity, &activity.id, wanted);
    builder.exact("timestamp", Some(text::instant(activity.happens_at)));
    builder.text("kind", kind);
    builder.text("summary", Some(&summary));
    builder.exact("source", Some("CRM timeline"));
    builder.unless(activity.unreadable.has("name"), "kind");
    builder.done(activity.updated_at)
}

/// Puts a timeline entry's name into words.
fn happened(name: &str) -> &'static str {
    match name.split_once('.').unwrap_or((name, "")) {
        ("linked-task", "created") => "A task was linked",
        ("linked-note", "created") => "A note was linked",
        (_, "created") => "Something was made",
        (_, "updated") => "Something was changed",
        (_, "deleted") => "Something was deleted",
        _ => "Something happened",
    }
}

impl EnvelopeBuilder<'_> {
    /// Adds the records that a task is linked to, with kind, id and, if they may be told, names.
    fn dependency(&mut self, links: &[Link], named: bool) {
        let about = |log: &mut DisclosureLog, link: &Link| {
            let mut about = Map::new();
            let kind =
                ShareableKind::named(object(link.kind)).map_or("crm.company", ShareableKind::name);
            about.insert("kind".to_owned(), Value::from(kind));
            about.insert("id".to_owned(), Value::from(link.id.as_str()));
            if named {
                about.insert("name".to_owned(), Value::from(log.redact_line(&link.label)));
            }
            Value::Object(about)
        };
        self.put("dependency", |log| {
            let links: Vec<Value> = links.iter().map(|link| about(log, link)).collect();
            (!links.is_empty()).then_some(Value::Array(links))
        });
    }
}
