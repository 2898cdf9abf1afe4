//! The rules. Each is a function of the facts; one whose data is missing says `unknown`, never that all is well.

use jiff::Timestamp;

use super::facts::{Facts, Known, OpenTasks};
use super::queries::Task;
use super::words;
use crate::bindings::exports::claw::crm::read::{BlockerCode, Certainty, Evidence, Severity};
use crate::markdown::count;
use crate::text;
use crate::twenty;
use crate::twenty::values::{Currency, RichText, named};

/// What a rule found.
pub(super) enum Outcome {
    Fires(Fired),
    Clear,
    Unknown(String),
}

/// A finding before it has its code.
pub(super) struct Fired {
    pub(super) severity: Severity,
    pub(super) certainty: Certainty,
    pub(super) sentence: String,
    pub(super) evidence: Vec<Evidence>,
    pub(super) next_step: String,
}

type Rule = fn(&Facts<'_>) -> Outcome;

/// All rules, in the order in which equals are shown.
pub(super) const RULES: &[(BlockerCode, Rule)] = &[
    (BlockerCode::OverdueTask, overdue_task),
    (BlockerCode::NoNextStep, no_next_step),
    (BlockerCode::CloseDatePassed, close_date_passed),
    (BlockerCode::CloseDateNear, close_date_near),
    (BlockerCode::Stale, stale),
    (BlockerCode::StalledStage, stalled_stage),
    (BlockerCode::CloseDatePushed, close_date_pushed),
    (BlockerCode::NoOwner, no_owner),
    (BlockerCode::NoContact, no_contact),
    (BlockerCode::SingleThreaded, single_threaded),
    (BlockerCode::NoAmount, no_amount),
    (BlockerCode::UnassignedTask, unassigned_task),
    (BlockerCode::NotedBlocker, noted_blocker),
];

/// A deal that closes within this many days is near.
pub(super) const NEAR_DAYS: i32 = 7;
/// A task overdue for more days than this is pressing.
const LONG_OVERDUE_DAYS: i32 = 7;
/// A deal quiet for more days than this is in trouble.
const LONG_STALE_DAYS: i32 = 30;
/// A deal in its stage for more days than this has stalled.
const STALLED_DAYS: i32 = 30;
/// A close date moved later this often is a pattern.
const PUSHES: usize = 2;
/// Notes and tasks older than this many days are not recent.
const RECENT_DAYS: i32 = 30;
/// How many records are named as evidence.
const EVIDENCE: usize = 5;

/// A rule's code, as the WIT spells it.
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

fn fires(
    severity: Severity,
    sentence: impl Into<String>,
    evidence: Vec<Evidence>,
    next_step: &str,
) -> Outcome {
    Outcome::Fires(Fired {
        severity,
        certainty: Certainty::Verified,
        sentence: sentence.into(),
        evidence,
        next_step: next_step.to_owned(),
    })
}

fn unknown(reason: impl Into<String>) -> Outcome {
    Outcome::Unknown(reason.into())
}

fn days(days: i32) -> String {
    count(days.unsigned_abs(), "day", "days")
}

fn tasks<'f>(facts: &'f Facts<'_>) -> Known<&'f OpenTasks> {
    facts
        .tasks
        .as_ref()
        .map_err(|why| format!("Its tasks could not be read: {why}"))
}

fn title(task: &Task) -> String {
    text::line(named(task.title.as_ref()), text::LABEL).0
}

/// An open task is past due: high over 7 days, else medium. Undated tasks alone leave it open whether any is late.
fn overdue_task(facts: &Facts<'_>) -> Outcome {
    let tasks = match tasks(facts) {
        Ok(tasks) => tasks,
        Err(why) => return unknown(why),
    };
    let late: Vec<(&Task, Timestamp)> = tasks
        .rows
        .iter()
        .filter_map(|task| Some((task, task.due_at?)))
        .filter(|&(_, due)| due < facts.ctx.now)
        .collect();
    let Some(&(first, oldest)) = late.iter().min_by_key(|&&(_, due)| due) else {
        let undated = tasks.rows.iter().all(|task| task.due_at.is_none());
        return match (tasks.rows.is_empty(), undated) {
            (false, true) => unknown("None of its open tasks has a due date."),
            _ => Outcome::Clear,
        };
    };
    let age = facts.days_since(oldest);
    let severity = if age > LONG_OVERDUE_DAYS {
        Severity::High
    } else {
        Severity::Medium
    };
    let since = if age == 0 {
        "since today".to_owned()
    } else {
        format!("for {}", days(age))
    };
    let sentence = match late.len() {
        1 => format!("The task \"{}\" is overdue {since}.", title(first)),
        number => format!(
            "{number} open tasks are overdue, the oldest, \"{}\", {since}.",
            title(first)
        ),
    };
    let evidence = late
        .iter()
        .take(EVIDENCE)
        .map(|(task, due)| facts.of_task(task, "task due", facts.ctx.zone().show(*due)))
        .collect();
    fires(
        severity,
        sentence,
        evidence,
        "Do the task, or agree on a new date with who is waiting for it.",
    )
}

/// Whether something is planned: an open task due today or later.
enum NextStep {
    Planned,
    None,
    Unknown(String),
}

fn next_step(facts: &Facts<'_>) -> NextStep {
    let tasks = match tasks(facts) {
        Ok(tasks) => tasks,
        Err(why) => return NextStep::Unknown(why),
    };
    let today = facts.ctx.zone().start(facts.today);
    if tasks
        .rows
        .iter()
        .any(|task| task.due_at.is_some_and(|due| due >= today))
    {
        return NextStep::Planned;
    }
    if tasks.more {
        return NextStep::Unknown("It has more open tasks than were read.".to_owned());
    }
    if tasks.rows.iter().any(|task| task.due_at.is_none()) {
        return NextStep::Unknown(
            "It has an open task without a due date, so nobody can say whether it is a next step."
                .to_owned(),
        );
    }
    NextStep::None
}

/// No open task due today or later. A closed deal needs none.
fn no_next_step(facts: &Facts<'_>) -> Outcome {
    if facts.closed {
        return Outcome::Clear;
    }
    match next_step(facts) {
        NextStep::Planned => Outcome::Clear,
        NextStep::Unknown(why) => unknown(why),
        NextStep::None => {
            let number = facts.tasks.as_ref().map_or(0, |tasks| tasks.rows.len());
            fires(
                Severity::High,
                "Nothing is planned: no open task is due today or later.",
                vec![facts.of_deal("open tasks due today or later", format!("0 of {number}"))],
                "Plan the next step: create a follow-up with a date and an assignee.",
            )
        }
    }
}

/// The close date is before today and the deal is open.
fn close_date_passed(facts: &Facts<'_>) -> Outcome {
    let Some(date) = facts.close_day() else {
        return unknown("It has no close date.");
    };
    if facts.closed || date >= facts.today {
        return Outcome::Clear;
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
fn close_date_near(facts: &Facts<'_>) -> Outcome {
    let Some(date) = facts.close_day() else {
        return unknown("It has no close date.");
    };
    let left = crate::day::days_between(facts.today, date);
    if facts.closed || !(0..=NEAR_DAYS).contains(&left) {
        return Outcome::Clear;
    }
    let step = next_step(facts);
    let early = facts.stages.as_ref().map(|stages| {
        stages
            .iter()
            .take(2)
            .any(|stage| stage == facts.deal.stage.as_str())
    });
    let why = match (&step, &early) {
        (NextStep::None, Ok(true)) => {
            format!("nothing is planned and it is still in {}", stage(facts))
        }
        (NextStep::None, _) => "nothing is planned".to_owned(),
        (_, Ok(true)) => format!("it is still in {}", stage(facts)),
        (NextStep::Unknown(why), Ok(false)) => return unknown(why.clone()),
        (_, Err(why)) => {
            return unknown(format!("The workspace's stages could not be read: {why}"));
        }
        (NextStep::Planned, Ok(false)) => return Outcome::Clear,
    };
    let when = if left == 0 {
        "today".to_owned()
    } else {
        format!("in {}", days(left))
    };
    fires(
        Severity::Medium,
        format!("It is to close {when}, on {date}, but {why}."),
        vec![
            facts.of_deal("close date", date.to_string()),
            facts.of_deal("stage", stage(facts)),
        ],
        "Agree with the customer on what is left to do, or move the close date.",
    )
}

/// Nothing has happened for longer than the caller allows: high over 30 days, else medium.
fn stale(facts: &Facts<'_>) -> Outcome {
    if facts.closed {
        return Outcome::Clear;
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
        return Outcome::Clear;
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
fn stalled_stage(facts: &Facts<'_>) -> Outcome {
    if facts.closed {
        return Outcome::Clear;
    }
    if facts
        .deal
        .created_at
        .is_some_and(|created| facts.days_since(created) <= STALLED_DAYS)
    {
        return Outcome::Clear;
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
        return Outcome::Clear;
    }
    fires(
        Severity::Medium,
        format!("It has been in {} for {}.", stage(facts), days(age)),
        vec![evidence, facts.of_deal("stage", stage(facts))],
        "Find out what keeps it from the next stage, or give it up.",
    )
}

fn moved<T: PartialEq>(change: &super::queries::Change<T>) -> bool {
    change.before != change.after
}

/// The close date was moved later twice or more, by its history.
fn close_date_pushed(facts: &Facts<'_>) -> Outcome {
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
            (false, true) => Outcome::Clear,
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

/// Nobody owns it.
fn no_owner(facts: &Facts<'_>) -> Outcome {
    match (&facts.deal.owner_id, &facts.deal.owner) {
        (_, Some(_)) => Outcome::Clear,
        (Some(_), None) => unknown("Its owner is no member any more, or may not be read."),
        (None, None) => fires(
            Severity::High,
            "Nobody owns it.",
            vec![facts.of_deal("owner", "none")],
            "Give it an owner.",
        ),
    }
}

/// It has no point of contact.
fn no_contact(facts: &Facts<'_>) -> Outcome {
    match (
        &facts.deal.point_of_contact_id,
        &facts.deal.point_of_contact,
    ) {
        (_, Some(_)) => Outcome::Clear,
        (Some(_), None) => unknown("Its point of contact was deleted, or may not be read."),
        (None, None) => fires(
            Severity::Medium,
            "It has no point of contact.",
            vec![facts.of_deal("point of contact", "none")],
            "Find out who decides there and set that person as point of contact.",
        ),
    }
}

/// One known contact (the point of contact and the company's people) and an amount at or over the threshold.
fn single_threaded(facts: &Facts<'_>) -> Outcome {
    let micros = match Currency::micros(facts.deal.amount.as_ref()) {
        Some(micros @ 1..) => micros,
        _ => return unknown("It has no amount, so nobody can say how much hangs on its contacts."),
    };
    if micros < i64::from(facts.ctx.single_threaded_amount()) * 1_000_000 {
        return Outcome::Clear;
    }
    let contact = facts.deal.point_of_contact.as_ref();
    if contact.is_none() && facts.deal.point_of_contact_id.is_some() {
        return unknown("Its point of contact was deleted, or may not be read.");
    }
    let contacts = match &facts.deal.company {
        None => u32::from(contact.is_some()),
        Some(company) => match &company.people {
            None => return unknown("The people of its company could not be read."),
            Some(people) => {
                let counted = contact.is_none_or(|contact| {
                    people.edges.iter().any(|edge| edge.node.id == contact.id)
                });
                people.total_count + u32::from(!counted)
            }
        },
    };
    if contacts != 1 {
        return Outcome::Clear;
    }
    fires(
        Severity::Low,
        "Only one contact is known for an amount of this size.",
        vec![
            facts.of_deal("known contacts", "1"),
            facts.of_deal("amount", twenty::values::Micros(micros).decimal()),
        ],
        "Get to know a second person there.",
    )
}

/// It has no amount.
fn no_amount(facts: &Facts<'_>) -> Outcome {
    match Currency::micros(facts.deal.amount.as_ref()) {
        None => fires(
            Severity::Low,
            "It has no amount.",
            vec![facts.of_deal("amount", "none")],
            "Estimate what it is worth.",
        ),
        Some(0) => unknown("Its amount is 0, which may mean that nobody has set it."),
        Some(_) => Outcome::Clear,
    }
}

/// An open task without assignee.
fn unassigned_task(facts: &Facts<'_>) -> Outcome {
    let tasks = match tasks(facts) {
        Ok(tasks) => tasks,
        Err(why) => return unknown(why),
    };
    let nobodys: Vec<&Task> = tasks
        .rows
        .iter()
        .filter(|task| task.assignee_id.is_none() && task.assignee.is_none())
        .collect();
    if let Some(first) = nobodys.first() {
        let sentence = match nobodys.len() {
            1 => format!("The task \"{}\" is nobody's.", title(first)),
            number => format!(
                "{number} open tasks are nobody's, such as \"{}\".",
                title(first)
            ),
        };
        let evidence = nobodys
            .iter()
            .take(EVIDENCE)
            .map(|task| facts.of_task(task, "task without assignee", title(task)))
            .collect();
        return fires(Severity::Low, sentence, evidence, "Assign it to somebody.");
    }
    if tasks.more {
        return unknown("It has more open tasks than were read.");
    }
    match tasks.rows.iter().any(|task| task.assignee.is_none()) {
        true => unknown(
            "An open task is assigned to somebody who is no member any more, or may not be read.",
        ),
        false => Outcome::Clear,
    }
}

/// A recent note or open task says that something is blocked. Guessed from words, so `inferred`.
fn noted_blocker(facts: &Facts<'_>) -> Outcome {
    let recent = |created: Option<Timestamp>| {
        created.is_none_or(|created| facts.days_since(created) <= RECENT_DAYS)
    };
    let mut evidence = Vec::new();
    let mut read = false;
    for note in facts.notes.iter().flatten() {
        read = true;
        let texts = [
            note.title.as_ref().map(|title| title.as_str()),
            RichText::text(note.body_v2.as_ref()),
        ];
        if let Some(quote) = texts
            .into_iter()
            .flatten()
            .find_map(words::quote)
            .filter(|_| recent(note.created_at))
        {
            let provenance = twenty::provenance(facts.ctx, "note", &note.id, note.updated_at);
            evidence.push(Evidence {
                what: "note".to_owned(),
                value: quote,
                provenance,
            });
        }
    }
    for task in facts.tasks.iter().flat_map(|tasks| &tasks.rows) {
        read = true;
        let texts = [
            task.title.as_ref().map(|title| title.as_str()),
            RichText::text(task.body_v2.as_ref()),
        ];
        if let Some(quote) = texts
            .into_iter()
            .flatten()
            .find_map(words::quote)
            .filter(|_| recent(task.created_at))
        {
            evidence.push(facts.of_task(task, "task", quote));
        }
    }
    if let Some(first) = evidence.first() {
        let sentence = format!("A recent {} reads: \"{}\"", first.what, first.value);
        evidence.truncate(EVIDENCE);
        return Outcome::Fires(Fired {
            severity: Severity::Medium,
            certainty: Certainty::Inferred,
            sentence,
            evidence,
            next_step: "Read it, and ask whoever wrote it whether that still holds.".to_owned(),
        });
    }
    match (&facts.notes, &facts.tasks, read) {
        (Err(why), _, _) => unknown(format!("Its notes could not be read: {why}")),
        (_, Err(why), _) => unknown(format!("Its tasks could not be read: {why}")),
        (Ok(_), Ok(_), false) => unknown("It has neither notes nor open tasks to read."),
        (Ok(_), Ok(_), true) => Outcome::Clear,
    }
}

fn stage(facts: &Facts<'_>) -> String {
    text::line(facts.deal.stage.as_str(), text::LABEL).0
}
