//! The rules. Each is a function of the facts; one whose data is missing says `unknown`, never that
//! all is well.

mod dates;
mod fields;
mod noted;
pub(super) mod outcome;
mod tasks;

use outcome::RuleOutcome;

use super::facts::Facts;
use crate::bindings::exports::claw::crm::read::BlockerCode;
use crate::context::Context;
use crate::hidden_fields::spoken;
use crate::twenty::hidden::hides;

/// Checks whether a rule is about closing an open deal. A task that is late or has no assignee
/// counts even after the deal is closed.
pub(super) fn is_about_open_deals(code: BlockerCode) -> bool {
    !matches!(code, BlockerCode::OverdueTask | BlockerCode::UnassignedTask)
}

/// Returns the reason why a rule cannot be judged: a field of the deal that it needs is there and
/// could not be read.
pub(super) fn unreadable(facts: &Facts<'_>, code: BlockerCode) -> Option<String> {
    let fields: &[&str] = match code {
        BlockerCode::OverdueTask | BlockerCode::UnassignedTask | BlockerCode::NotedBlocker => &[],
        BlockerCode::NoNextStep => &["stage"],
        BlockerCode::CloseDatePassed | BlockerCode::CloseDateNear => &["stage", "closeDate"],
        BlockerCode::Stale | BlockerCode::StalledStage => &["stage", "createdAt"],
        BlockerCode::CloseDatePushed => &["createdAt"],
        BlockerCode::NoOwner => &["owner", "ownerId"],
        BlockerCode::NoContact => &["pointOfContact", "pointOfContactId"],
        BlockerCode::SingleThreaded => &["amount", "company", "pointOfContact", "pointOfContactId"],
        BlockerCode::NoAmount => &["amount"],
    };
    let unreadable = &facts.deal.unreadable;
    fields.iter().any(|field| unreadable.has(field)).then(|| {
        format!(
            "Of the deal, {} could not be read.",
            unreadable.names().join(" and ")
        )
    })
}

type Rule = fn(&Facts<'_>) -> RuleOutcome;

/// All rules, in the order in which equals are shown.
pub(super) const RULES: &[(BlockerCode, Rule)] = &[
    (BlockerCode::OverdueTask, tasks::overdue_task),
    (BlockerCode::NoNextStep, tasks::no_next_step),
    (BlockerCode::CloseDatePassed, dates::close_date_passed),
    (BlockerCode::CloseDateNear, dates::close_date_near),
    (BlockerCode::Stale, dates::stale),
    (BlockerCode::StalledStage, dates::stalled_stage),
    (BlockerCode::CloseDatePushed, dates::close_date_pushed),
    (BlockerCode::NoOwner, fields::no_owner),
    (BlockerCode::NoContact, fields::no_contact),
    (BlockerCode::SingleThreaded, fields::single_threaded),
    (BlockerCode::NoAmount, fields::no_amount),
    (BlockerCode::UnassignedTask, tasks::unassigned_task),
    (BlockerCode::NotedBlocker, noted::noted_blocker),
];

/// The fields that each rule needs and a key may hide, by object and name.
const FIELDS: &[(BlockerCode, &[(&str, &str)])] = &[
    (BlockerCode::OverdueTask, &[("task", "dueAt")]),
    (BlockerCode::NoNextStep, &[("task", "dueAt")]),
    (
        BlockerCode::CloseDatePassed,
        &[("opportunity", "closeDate")],
    ),
    (BlockerCode::CloseDateNear, &[("opportunity", "closeDate")]),
    (
        BlockerCode::StalledStage,
        &[("timelineActivity", "properties")],
    ),
    (
        BlockerCode::CloseDatePushed,
        &[("timelineActivity", "properties")],
    ),
    (BlockerCode::NoOwner, &[("opportunity", "owner")]),
    (BlockerCode::NoContact, &[("opportunity", "pointOfContact")]),
    (
        BlockerCode::SingleThreaded,
        &[
            ("opportunity", "amount"),
            ("opportunity", "pointOfContact"),
            ("opportunity", "company"),
            ("company", "people"),
        ],
    ),
    (BlockerCode::NoAmount, &[("opportunity", "amount")]),
    (BlockerCode::UnassignedTask, &[("task", "assignee")]),
    (
        BlockerCode::NotedBlocker,
        &[("note", "bodyV2"), ("task", "bodyV2")],
    ),
];

/// Returns the reason why a rule cannot be judged with this key, if it cannot.
pub(super) fn unread(ctx: &Context<'_>, code: BlockerCode) -> Option<String> {
    let (_, fields) = FIELDS.iter().find(|(of, _)| *of == code)?;
    let (object, name) = fields
        .iter()
        .find(|(object, name)| hides(ctx, object, name))?;
    Some(format!(
        "The CRM key may not read {name} of {}.",
        spoken(object)
    ))
}

/// Returns a rule's code as the WIT spells it.
pub(super) fn name(code: BlockerCode) -> &'static str {
    match code {
        BlockerCode::OverdueTask => "overdue-task",
        BlockerCode::NoNextStep => "no-next-step",
        BlockerCode::CloseDatePassed => "close-date-passed",
        BlockerCode::CloseDateNear => "close-date-near",
        BlockerCode::Stale => "stale",
        BlockerCode::StalledStage => "stalled-stage",
        BlockerCode::CloseDatePushed => "close-date-pushed",
        BlockerCode::NoOwner => "no-owner",
        BlockerCode::NoContact => "no-contact",
        BlockerCode::SingleThreaded => "single-threaded",
        BlockerCode::NoAmount => "no-amount",
        BlockerCode::UnassignedTask => "unassigned-task",
        BlockerCode::NotedBlocker => "noted-blocker",
    }
}
