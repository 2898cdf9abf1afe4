//! Rules about a deal's close date and the times of its activity.

use super::super::facts::{Facts, NEAR_DAYS};
use super::super::queries::HistoryChange;
use super::outcome::{EVIDENCE, RuleOutcome, days, fires, stage, unknown};
use super::tasks::{NextStepStatus, empty_field, next_step};
use crate::bindings::exports::claw::crm::read::{Evidence, Severity};
use crate::twenty;

/// A deal quiet for more days than this is in trouble.
const LONG_STALE_DAYS: i32 = 30;

/// A deal in its stage for more days than this has stalled.
const STALLED_DAYS: i32 = 30;

/// A close date moved later this often is a pattern.
const PUSHES: usize = 2;

/// The close date is before today and the deal is open.
pub(super) fn close_date_passed(facts: &Facts<'_>) -> RuleOutcome {
    let Some(date) = facts.close_day() else {
        return unknown("It has no close date.");
    };
    if facts.closed || date >= facts.today {
        return RuleOutcome::Clear;
    }
    let late = crate::day::days_between(date, facts.today);
    fires(
        Severity::High,
        format!(
            "Its close date, {date}, passed {} ago and it is still in {}.",
            days(late),
            stage(facts)
        ),
        vec![facts.of_deal("close date", date.to_string())],
        "Close the deal, or set a close date that the customer has agreed to.",
    )
}

/// It closes within 7 days and has no next step or is in one of the first two stages.
pub(super) fn close_date_near(facts: &Facts<'_>) -> RuleOutcome {
    let Some(date) = facts.close_day() else {
        return unknown("It has no close date.");
    };
    let left = crate::day::days_between(facts.today, date);
    if facts.closed || !(0..=NEAR_DAYS).contains(&left) {
        return RuleOutcome::Clear;
    }
    let step = next_step(facts);
    let early = facts.stages.as_ref().map(|stages| {
        stages
            .iter()
            .take(2)
            .any(|stage| stage == facts.deal.stage.as_str())
    });
    let why = match (&step, &early) {
        (NextStepStatus::None, Ok(true)) => {
            format!("nothing is planned and it is still in {}", stage(facts))
        }
        (NextStepStatus::None, _) => "nothing is planned".to_owned(),
        (_, Ok(true)) => format!("it is still in {}", stage(facts)),
        (NextStepStatus::Unknown(why), Ok(false)) => return unknown(why.clone()),
        (_, Err(why)) => {
            return unknown(format!("The workspace's stages could not be read: {why}"));
        }
        (NextStepStatus::Planned, Ok(false)) => return RuleOutcome::Clear,
    };
    let when = if left == 0 {
        "today".to_owned()
    } else {
        format!("in {}", days(left))
    };
    let mut evidence = vec![
        facts.of_deal("close date", date.to_string()),
        facts.of_deal("stage", stage(facts)),
    ];
    if matches!(step, NextStepStatus::None) {
        evidence.extend(empty_field(facts));
    }
    fires(
        Severity::Medium,
        format!("It is to close {when}, on {date}, but {why}."),
        evidence,
        "Agree with the customer on what is left to do, or move the close date.",
    )
}

/// Nothing has happened for longer than the caller allows: high over 30 days, else medium.
pub(super) fn stale(facts: &Facts<'_>) -> RuleOutcome {
    if facts.closed {
        return RuleOutcome::Clear;
    }
    let last = &facts.last_activity;
    let unread = last
        .unread
        .first()
        .map(|why| format!("Not all of its activity could be read: {why}"));
    let Some((time, evidence)) = last.newest() else {
        return unknown(
            unread.unwrap_or_else(|| "No activity, note or task is on record.".to_owned()),
        );
    };
    let quiet = facts.days_since(*time);
    if quiet <= i32::from(facts.stale_days) {
        return RuleOutcome::Clear;
    }
    if let Some(why) = unread {
        return unknown(why);
    }
    let severity = if quiet > LONG_STALE_DAYS {
        Severity::High
    } else {
        Severity::Medium
    };
    fires(
        severity,
        format!("Nothing has happened for {}.", days(quiet)),
        vec![evidence.clone()],
        "Get in touch with the contact and note what they say.",
    )
}

/// In its stage for over 30 days, by its history.
pub(super) fn stalled_stage(facts: &Facts<'_>) -> RuleOutcome {
    if facts.closed {
        return RuleOutcome::Clear;
    }
    if facts
        .deal
        .created_at
        .is_some_and(|created| facts.days_since(created) <= STALLED_DAYS)
    {
        return RuleOutcome::Clear;
    }
    let history = match &facts.history {
        Ok(history) => history,
        Err(why) => return unknown(format!("Its history could not be read: {why}")),
    };
    let change = history
        .entries
        .iter()
        .find(|entry| entry.properties.diff.stage.as_ref().is_some_and(moved));
    let (since, evidence) = match (change, facts.deal.created_at) {
        (Some(entry), _) => {
            let shown = facts.ctx.zone().show(entry.happens_at);
            let provenance =
                twenty::provenance(facts.ctx, "timelineActivity", &entry.id, entry.updated_at);
            (
                entry.happens_at,
                Evidence {
                    what: "stage changed".to_owned(),
                    value: shown,
                    provenance,
                },
            )
        }
        (None, Some(created)) if history.whole => (
            created,
            facts.of_deal("created", facts.ctx.zone().show(created)),
        ),
        (None, _) => {
            return unknown("Its history does not say since when it has been in its stage.");
        }
    };
    let age = facts.days_since(since);
    if age <= STALLED_DAYS {
        return RuleOutcome::Clear;
    }
    fires(
        Severity::Medium,
        format!("It has been in {} for {}.", stage(facts), days(age)),
        vec![evidence, facts.of_deal("stage", stage(facts))],
        "Find out what keeps it from the next stage, or give it up.",
    )
}

fn moved<T: PartialEq>(change: &HistoryChange<T>) -> bool {
    change.before != change.after
}

/// The close date was moved later twice or more, by its history.
pub(super) fn close_date_pushed(facts: &Facts<'_>) -> RuleOutcome {
    let history = match &facts.history {
        Ok(history) => history,
        Err(why) => return unknown(format!("Its history could not be read: {why}")),
    };
    let pushes: Vec<_> = history
        .entries
        .iter()
        .filter_map(|entry| {
            let change = entry.properties.diff.close_date.as_ref()?;
            let (before, after) = (change.before?, change.after?);
            (after > before).then_some((entry, before, after))
        })
        .collect();
    if pushes.len() < PUSHES {
        return match (history.entries.is_empty(), history.whole) {
            (false, true) => RuleOutcome::Clear,
            (true, _) => unknown("It has no history."),
            (false, false) => unknown("Its history does not go back to its creation."),
        };
    }
    let zone = facts.ctx.zone();
    let evidence = pushes
        .iter()
        .take(EVIDENCE)
        .map(|(entry, before, after)| Evidence {
            what: "close date moved".to_owned(),
            value: format!("{} to {}", zone.date(*before), zone.date(*after)),
            provenance: twenty::provenance(
                facts.ctx,
                "timelineActivity",
                &entry.id,
                entry.updated_at,
            ),
        })
        .collect();
    fires(
        Severity::Medium,
        format!("Its close date was moved later {} times.", pushes.len()),
        evidence,
        "Ask what the customer's own deadline is, and set a date that both believe in.",
    )
}
