//! Derives layers from records: facts, constraints and advice. They hold no text from the CRM: a
//! record is named by its kind and id.

use super::builder::prose_layer;
use super::kinds::{ShareableKind, askable};
use super::records::{DealView, is_open};
use super::words::{closing, days};
use crate::bindings::claw::crm::types::Intent;
use crate::bindings::exports::claw::crm::read::{Layer, LayerKind, LayerSource};
use crate::context::Context;
use crate::day::days_between;
use crate::twenty::values::Task;

/// A deal that closes within this many days closes soon.
const SOON: i32 = 7;
/// The confidence of a fact that was computed from fields.
const CERTAIN: u8 = 100;
/// The confidence of a guess.
const GUESS: u8 = 50;

/// States that an open deal closes soon, or should have closed.
pub fn deal_fact(ctx: &Context<'_>, deal: &DealView<'_>) -> Option<Layer> {
    let today = ctx.zone().date(ctx.now);
    let date = ctx.zone().due(deal.close_date?).day;
    if deal.closed(ctx) || days_between(today, date) > SOON {
        return None;
    }
    let words = closing(today, date);
    let statement = if date < today {
        format!("its close date {words}")
    } else {
        format!("it {words}")
    };
    Some(fact(ShareableKind::Deal, deal.id, &statement))
}

/// States that an open task is overdue.
pub fn task_fact(ctx: &Context<'_>, task: &Task) -> Option<Layer> {
    let zone = ctx.zone();
    let due = task
        .due_at
        .filter(|&due| zone.is_overdue(due, ctx.now) && is_open(ctx, task))?;
    let late = days_between(zone.due(due).day, zone.date(ctx.now));
    let since = match late {
        0 => "since today".to_owned(),
        late => format!("for {}", days(late)),
    };
    Some(fact(
        ShareableKind::Task,
        &task.id,
        &format!("it is overdue {since}"),
    ))
}

fn fact(kind: ShareableKind, id: &str, statement: &str) -> Layer {
    prose_layer(
        LayerKind::Fact,
        format!("{} {id}: {statement}.", kind.name()),
        LayerSource::Verified,
        Some(CERTAIN),
    )
}

/// Advises to agree on a next step for an open deal that has none on record. Tasks are not looked
/// at, so this is a guess.
pub fn deal_advice(ctx: &Context<'_>, deal: &DealView<'_>) -> Option<Layer> {
    if deal.closed(ctx) || deal.next_step != Some(None) {
        return None;
    }
    Some(prose_layer(
        LayerKind::Hint,
        format!(
            "{} {}: no next step is written down; agree on one.",
            ShareableKind::Deal.name(),
            deal.id
        ),
        LayerSource::Inferred,
        Some(GUESS),
    ))
}

/// Says which omitted fields can be asked for.
pub fn limits(kinds: &[ShareableKind]) -> Option<Layer> {
    let on_request = kinds.iter().any(|kind| !kind.on_request().is_empty());
    on_request.then(|| {
        prose_layer(
            LayerKind::Constraint,
            format!(
                "This is how the records were when they were fetched. What is omitted can be asked of the sender with a context.request, and may be refused: {}. Nothing else is given.",
                askable(kinds)
            ),
            LayerSource::Stated,
            None,
        )
    })
}

/// Advises the recipient of a message of this intent.
pub fn advice(intent: Intent) -> Option<Layer> {
    let advice = match intent {
        Intent::Handoff => {
            "Say whether you take it over: this message changes nothing in the CRM by itself."
        }
        Intent::Decision => {
            "Tell the sender what you decide: this message changes nothing in the CRM by itself."
        }
        Intent::Question => "Answer the sender with a message of your own.",
        Intent::Update => return None,
    };
    Some(prose_layer(
        LayerKind::Hint,
        advice.to_owned(),
        LayerSource::Stated,
        None,
    ))
}
