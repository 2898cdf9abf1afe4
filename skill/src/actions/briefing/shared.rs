//! Writes a message about the caller's day: the numbers of the sections, and the tasks and deals
//! themselves, most pressing first. Messages and events of the caller are not looked at.

use super::bounds::Bounds;
use super::gather::{Gathered, PartialList, gather};
use super::report::{headline, title};
use super::sections;
use crate::actions::message_summary::{MessageSummary, shared_reference};
use crate::bindings::exports::claw::crm::read::{
    Layer, LayerKind, LayerSource, RowKind, Section, SectionName, SectionStatus,
};
use crate::context::Context;
use crate::failure::Failure;
use crate::tezit::envelope::{
    self, DealView, DisclosureLog, Envelope, FieldSelection, ShareableKind, advice, limits,
    prose_layer,
};
use crate::tezit::message::Message;
use crate::twenty::rows::Deal;
use crate::twenty::values::Task;

/// The sections that are shared, most pressing first.
const TOLD: [SectionName; 5] = [
    SectionName::Overdue,
    SectionName::DueToday,
    SectionName::ClosingSoon,
    SectionName::AtRisk,
    SectionName::ComingUp,
];
/// The most records that are shared.
const RECORDS: usize = 40;
/// The horizon in days.
const HORIZON: i32 = 7;

/// Fills a message with the caller's day: four requests.
///
/// # Errors
/// As [`super::briefing`].
pub(in crate::actions) fn share(
    ctx: &Context<'_>,
    message: &mut Message,
) -> Result<MessageSummary, Failure> {
    let me = ctx.caller_email("caller")?;
    let bounds = Bounds::new(ctx, ctx.zone().date(ctx.now), HORIZON);
    let mut gathered = gather(ctx, me, &bounds, &TOLD);
    let made: Vec<(Section, Option<Failure>)> = TOLD
        .iter()
        .map(|&name| sections::make(ctx, &bounds, name, &mut gathered))
        .collect();
    if made.iter().all(|(_, failure)| failure.is_some())
        && let Some(failure) = made.iter().find_map(|(_, failure)| failure.clone())
    {
        return Err(failure);
    }
    let sections: Vec<Section> = made.into_iter().map(|(section, _)| section).collect();
    let log = &mut message.log;
    let mut envelopes: Vec<Envelope> = Vec::new();
    let mut over = 0_usize;
    for row in sections.iter().flat_map(|section| &section.rows) {
        if envelopes.iter().any(|envelope| envelope.id == row.id) {
            continue;
        }
        if envelopes.len() == RECORDS {
            over = over.saturating_add(1);
            continue;
        }
        envelopes.extend(envelope(ctx, log, &gathered, row.kind, &row.id));
    }
    let mut layers: Vec<Layer> = envelopes
        .iter()
        .map(|envelope| envelope.layer(ctx))
        .collect();
    layers.extend(sections.iter().filter_map(count_layer));
    layers.extend(limits(&[ShareableKind::Task, ShareableKind::Deal]));
    layers.extend(advice(message.intent));
    message.layers = layers;
    message.say(&format!(
        "My day, {} ({}): {}",
        bounds.day,
        ctx.zone().name(),
        headline(&sections)
    ));
    let mut warnings = Vec::new();
    if sections
        .iter()
        .any(|section| section.status == SectionStatus::Failed)
    {
        warnings.push("Not all of the day could be read; crm_briefing says why.".to_owned());
    }
    if over > 0 {
        warnings.push(format!(
            "The message holds the {RECORDS} most pressing records; {over} more are only counted."
        ));
    }
    Ok(MessageSummary {
        words: "the caller's day".to_owned(),
        about: envelopes
            .iter()
            .map(|envelope| shared_reference(&(envelope.kind, envelope.id.clone())))
            .collect(),
        warnings,
    })
}

/// States the number of a section.
fn count_layer(section: &Section) -> Option<Layer> {
    if section.status != SectionStatus::Ok || section.total == 0 {
        return None;
    }
    let of = section.examined.map_or_else(String::new, |examined| {
        format!(" of {examined} that were looked at")
    });
    Some(prose_layer(
        LayerKind::Fact,
        format!("{}: {}{of}.", title(section.name), section.total),
        LayerSource::Verified,
        Some(100),
    ))
}

/// Makes the envelope of the record that a line is about.
fn envelope(
    ctx: &Context<'_>,
    log: &mut DisclosureLog,
    gathered: &Gathered,
    kind: RowKind,
    id: &str,
) -> Option<Envelope> {
    let wanted = FieldSelection::Default(&[]);
    match kind {
        RowKind::Task => {
            let lists = [&gathered.overdue, &gathered.today, &gathered.coming];
            let task = find_row(&lists, |task: &Task| task.id == id)?;
            Some(envelope::task(log, task, wanted))
        }
        RowKind::Opportunity => {
            let lists = [&gathered.closing, &gathered.open];
            let deal = find_row(&lists, |deal: &Deal| deal.id == id)?;
            Some(envelope::deal(
                ctx,
                log,
                &DealView::from_row(deal, None),
                wanted,
            ))
        }
        RowKind::Person | RowKind::Company | RowKind::Tez | RowKind::Event => None,
    }
}

fn find_row<'g, T>(
    lists: &[&'g Option<Result<PartialList<T>, Failure>>],
    is: impl Fn(&T) -> bool,
) -> Option<&'g T> {
    let lists = lists.iter().filter_map(|list| list.as_ref()?.as_ref().ok());
    let mut rows = lists
        .flat_map(|list| &list.rows.edges)
        .map(|edge| &edge.node);
    rows.find(|row| is(row))
}
