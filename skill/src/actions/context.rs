//! `context`: shows what sharing records would send, and what is left out and why. Nothing is sent.

use serde::{Deserialize, Serialize};

use crate::bindings::claw::crm::types::Intent;
use crate::bindings::claw::skill::types::Provenance;
use crate::bindings::exports::claw::crm::read::{
    ContextAnswer, ContextRequest, Layer, LayerKind, Omission,
};
use crate::context::Context;
use crate::failure::{self, Failure};
use crate::markdown::{MarkdownPage, count, escape};
use crate::tezit::envelope::{
    self, DealView, DisclosureLog, Envelope, FieldSelection, ShareableKind, SharedRef,
};
use crate::tezit::message::{self, LAYERS};
use crate::twenty::custom::Mapped;
use crate::twenty::rows::{Activity, Deal, Person};
use crate::twenty::values::{Connection, Task, full_name, named};
use crate::twenty::{self, Document, Errors, NOBODY, Query, documents, fetch_mapped, hidden};

/// Asks for records by their ids.
#[derive(Debug, Serialize)]
pub struct Records {
    people: Vec<String>,
    opportunities: Vec<String>,
    tasks: Vec<String>,
    activities: Vec<String>,
}

/// The answer to [`Records`].
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordsData {
    people: Option<Connection<Person>>,
    opportunities: Option<Connection<Deal>>,
    tasks: Option<Connection<Task>>,
    timeline_activities: Option<Connection<Activity>>,
}

impl Query for Records {
    const DOCUMENT: &'static Document = &documents::CONTEXT;
    type Answer = RecordsData;
}

/// A record to share.
#[derive(Debug)]
enum SharedRecord {
    Person(Person),
    Deal {
        deal: Deal,
        next_step: Option<String>,
    },
    Task(Task),
    Activity(Activity),
}

/// Records to share, in the order in which they were asked for.
#[derive(Debug)]
pub(super) struct SharedRecords {
    records: Vec<SharedRecord>,
    /// The records that were not found.
    pub(super) missing: Vec<SharedRef>,
}

/// Reads records: one request for all.
pub(super) fn read(ctx: &Context<'_>, refs: &[SharedRef]) -> Result<SharedRecords, Failure> {
    let ids = |wanted: ShareableKind| {
        let ids = refs.iter().filter(|(kind, _)| *kind == wanted);
        let ids: Vec<String> = ids.map(|(_, id)| id.clone()).collect();
        if ids.is_empty() {
            vec![NOBODY.to_owned()]
        } else {
            ids
        }
    };
    let query = Records {
        people: ids(ShareableKind::Contact),
        opportunities: ids(ShareableKind::Deal),
        tasks: ids(ShareableKind::Task),
        activities: ids(ShareableKind::Activity),
    };
    let (reply, mapped) = fetch_mapped(ctx, &query)?;
    let (data, errors) = (reply.data, &reply.errors);
    let asked = |kind: ShareableKind| refs.iter().any(|(known, _)| *known == kind);
    let mut records = Vec::new();
    records.extend(
        rows(errors, "people", data.people, asked(ShareableKind::Contact))?
            .map(SharedRecord::Person),
    );
    let deals = rows(
        errors,
        "opportunities",
        data.opportunities,
        asked(ShareableKind::Deal),
    )?;
    records.extend(deals.map(|deal| record_of_deal(deal, &mapped)));
    records.extend(
        rows(errors, "tasks", data.tasks, asked(ShareableKind::Task))?.map(SharedRecord::Task),
    );
    let activities = rows(
        errors,
        "timelineActivities",
        data.timeline_activities,
        asked(ShareableKind::Activity),
    )?;
    records.extend(activities.map(SharedRecord::Activity));
    let place = |record: &SharedRecord| {
        let (kind, id) = record.name();
        refs.iter()
            .position(|(known, wanted)| *known == kind && wanted == id)
    };
    records.retain(|record| place(record).is_some());
    records.sort_by_key(place);
    let missing = refs
        .iter()
        .filter(|(kind, id)| {
            !records
                .iter()
                .any(|record| record.name() == (*kind, id.as_str()))
        })
        .cloned()
        .collect();
    Ok(SharedRecords { records, missing })
}

/// Returns the rows of a root; none where nobody asked for it, whatever went wrong with it.
fn rows<T>(
    errors: &Errors,
    name: &str,
    root: Option<Connection<T>>,
    asked: bool,
) -> Result<impl Iterator<Item = T>, Failure> {
    let root = if asked {
        Some(errors.root(name, root)?)
    } else {
        None
    };
    Ok(root.into_iter().flat_map(Connection::rows))
}

fn record_of_deal(deal: Deal, mapped: &Mapped) -> SharedRecord {
    SharedRecord::Deal {
        next_step: mapped.text(&deal.id),
        deal,
    }
}

impl SharedRecord {
    fn name(&self) -> (ShareableKind, &str) {
        match self {
            Self::Person(person) => (ShareableKind::Contact, &person.id),
            Self::Deal { deal, .. } => (ShareableKind::Deal, &deal.id),
            Self::Task(task) => (ShareableKind::Task, &task.id),
            Self::Activity(activity) => (ShareableKind::Activity, &activity.id),
        }
    }

    /// Returns the label for whoever decides and, if its name is disclosed, for the message.
    fn label(&self) -> String {
        let label = match self {
            Self::Person(person) => full_name(person.name.as_ref()),
            Self::Deal { deal, .. } => named(deal.name.as_ref()).to_owned(),
            Self::Task(task) => named(task.title.as_ref()).to_owned(),
            Self::Activity(_) => String::new(),
        };
        let kind = self.name().0.spoken();
        if label.is_empty() {
            kind.to_owned()
        } else {
            let (label, _) = crate::text::line(&label, crate::text::LABEL);
            format!("{kind} \u{201c}{label}\u{201d}")
        }
    }

    fn envelope(
        &self,
        ctx: &Context<'_>,
        log: &mut DisclosureLog,
        wanted: FieldSelection<'_>,
    ) -> Envelope {
        match self {
            Self::Person(person) => envelope::contact(log, person, wanted),
            Self::Deal { deal, next_step } => {
                let view = DealView::from_row(deal, Some(next_step.clone()));
                envelope::deal(ctx, log, &view, wanted)
            }
            Self::Task(task) => envelope::task(log, task, wanted),
            Self::Activity(activity) => envelope::activity(log, activity, wanted),
        }
    }

    /// Derives a fact and advice.
    fn derived(&self, ctx: &Context<'_>) -> (Option<Layer>, Option<Layer>) {
        match self {
            Self::Deal { deal, next_step } => {
                let view = DealView::from_row(deal, Some(next_step.clone()));
                (
                    envelope::deal_fact(ctx, &view),
                    envelope::deal_advice(ctx, &view),
                )
            }
            Self::Task(task) => (envelope::task_fact(ctx, task), None),
            Self::Person(_) | Self::Activity(_) => (None, None),
        }
    }

    fn provenance(&self, ctx: &Context<'_>) -> Provenance {
        let (kind, id) = self.name();
        let updated_at = match self {
            Self::Person(person) => person.updated_at,
            Self::Deal { deal, .. } => deal.updated_at,
            Self::Task(task) => task.updated_at,
            Self::Activity(activity) => activity.updated_at,
        };
        twenty::provenance(ctx, kind.object(), id, updated_at)
    }
}

/// Records as a message carries them.
#[derive(Debug)]
pub(super) struct ContextLayers {
    /// All pieces of context.
    pub(super) layers: Vec<Layer>,
    /// The envelopes among them.
    pub(super) envelopes: Vec<Envelope>,
}

impl SharedRecords {
    /// Requires that all records were found.
    ///
    /// # Errors
    /// `not-found` that names the others.
    pub(super) fn require_all(self) -> Result<Self, Failure> {
        if self.missing.is_empty() {
            return Ok(self);
        }
        let missing: Vec<String> = self
            .missing
            .iter()
            .map(|(kind, id)| format!("{} {id}", kind.spoken()))
            .collect();
        Err(failure::not_found(
            format!(
                "Not in this CRM, deleted, or not readable: {}.",
                missing.join(", ")
            ),
            "Search for what is meant with crm_search, and leave out what is gone.",
        ))
    }

    /// Returns the records' labels for whoever decides.
    pub(super) fn labels(&self) -> Vec<String> {
        self.records.iter().map(SharedRecord::label).collect()
    }

    /// Returns the records' default fields and `more`, with derived facts, constraints and advice.
    pub(super) fn layers(
        &self,
        ctx: &Context<'_>,
        log: &mut DisclosureLog,
        more: &[&'static str],
        intent: Intent,
    ) -> ContextLayers {
        let mut envelopes = Vec::new();
        let mut layers = Vec::new();
        let (mut facts, mut hints) = (Vec::new(), Vec::new());
        let mut kinds = Vec::new();
        for record in &self.records {
            let envelope = record.envelope(ctx, log, FieldSelection::Default(more));
            layers.push(envelope.layer(ctx));
            kinds.push(envelope.kind);
            envelopes.push(envelope);
            let (fact, hint) = record.derived(ctx);
            facts.extend(fact);
            hints.extend(hint);
        }
        layers.extend(facts);
        layers.extend(envelope::limits(&kinds));
        layers.extend(envelope::advice(intent));
        // Advice gives way where there is no room.
        hints.truncate(LAYERS.saturating_sub(layers.len()));
        layers.extend(hints);
        ContextLayers { layers, envelopes }
    }

    /// Returns an envelope of each record with just these fields; it may be empty.
    pub(super) fn envelopes_with(
        &self,
        ctx: &Context<'_>,
        log: &mut DisclosureLog,
        wanted: impl Fn(ShareableKind, &str) -> Vec<&'static str>,
    ) -> Vec<Envelope> {
        self.records
            .iter()
            .map(|record| {
                let (kind, id) = record.name();
                record.envelope(ctx, log, FieldSelection::Just(&wanted(kind, id)))
            })
            .collect()
    }
}

/// Runs the action: one request.
///
/// # Errors
/// As `failure` says; `not-found` names the records that are not there.
pub fn context(ctx: &Context<'_>, request: &ContextRequest) -> Result<ContextAnswer, Failure> {
    let refs = envelope::refs("refs", &request.refs)?;
    let kinds: Vec<ShareableKind> = refs.iter().map(|(kind, _)| *kind).collect();
    let more = envelope::fields("fields", &kinds, request.fields.as_deref().unwrap_or(&[]))?;
    let found = read(ctx, &refs)?.require_all()?;
    let mut log = DisclosureLog::default();
    let pieces = found.layers(ctx, &mut log, &more, request.intent);
    let omitted = pieces
        .envelopes
        .iter()
        .flat_map(|envelope| {
            envelope.omitted.iter().map(|&field| Omission {
                ref_: envelope.kind.reference(&envelope.id),
                field: field.to_owned(),
                why: if envelope.unreadable.contains(&field) {
                    "The CRM's value could not be read.".to_owned()
                } else {
                    "It is given on request only: name it in `fields`.".to_owned()
                },
            })
        })
        .collect();
    let redacted: Vec<String> = log.redacted().map(str::to_owned).collect();
    Ok(ContextAnswer {
        markdown: hidden::with_note(ctx, markdown(request.intent, &found, &pieces, &redacted)),
        layers: pieces.layers,
        omitted,
        redacted,
        provenance: found
            .records
            .iter()
            .map(|record| record.provenance(ctx))
            .collect(),
    })
}

fn markdown(
    intent: Intent,
    found: &SharedRecords,
    pieces: &ContextLayers,
    redacted: &[String],
) -> String {
    let number = u32::try_from(found.records.len()).unwrap_or(u32::MAX);
    let mut page = MarkdownPage::titled(&format!(
        "Context of {} for a message of the kind {}: nothing is sent",
        count(number, "record", "records"),
        message::intent(intent)
    ));
    for (label, envelope) in found.labels().iter().zip(&pieces.envelopes) {
        let given: Vec<&str> = envelope.fields.keys().map(String::as_str).collect();
        let mut line = format!("{} ({}): {}", escape(label), envelope.id, given.join(", "));
        if !envelope.omitted.is_empty() {
            line.push_str(&format!("; left out: {}", envelope.omitted.join(", ")));
        }
        page.bullet(&line);
    }
    for layer in &pieces.layers {
        if layer.kind != LayerKind::Artifact {
            page.bullet(&format!(
                "{}: {}",
                message::kind(layer.kind),
                escape(&layer.content)
            ));
        }
    }
    if !redacted.is_empty() {
        page.line(&format!("Taken out of texts: {}", redacted.join(", ")));
    }
    page.finish()
}
