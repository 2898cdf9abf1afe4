//! The actions, one file each. Each is a plain function of a context and a request.

pub mod answer_request;
pub mod blockers;
pub mod briefing;
pub mod context;
pub mod coordinate;
pub mod deal_fields;
pub mod follow_up;
pub mod follow_ups;
pub mod get;
mod given;
mod handoff;
mod make_task;
pub(crate) mod names;
pub mod search;
pub mod share;
pub mod stages;
pub mod status;
pub mod statuses;
pub mod subject;
pub mod upsert;

use crate::bindings::claw::crm::types::{Kind, Member, Money, TaskRow};
use crate::context::Context;
use crate::failure::{self, Failure};
use crate::markdown::escape;
use crate::text::{Cutter, Text};
use crate::twenty;
use crate::twenty::mend::Unreadable;
use crate::twenty::values::{self, Colleague};

/// The longest query or name that a caller may give, in characters.
const LONGEST_NAME: usize = 200;

/// Returns Twenty's name of a kind.
pub(crate) fn object(kind: Kind) -> &'static str {
    match kind {
        Kind::Person => "person",
        Kind::Company => "company",
        Kind::Opportunity => "opportunity",
        Kind::Task => "task",
    }
}

/// Returns the kind of a name in Twenty.
pub(crate) fn kind(object: &str) -> Option<Kind> {
    [Kind::Person, Kind::Company, Kind::Opportunity, Kind::Task]
        .into_iter()
        .find(|&kind| self::object(kind) == object)
}

/// Checks an id, and returns it in lower case.
pub(crate) fn uuid(field: &str, text: &str) -> Result<String, Failure> {
    if is_uuid(text) {
        return Ok(text.to_ascii_lowercase());
    }
    Err(failure::invalid_input(
        field,
        "this is no record id",
        "Give the id (a UUID) that crm_search shows for the record.",
    ))
}

/// Checks for a UUID as Twenty writes one: hyphenated, 36 characters (RFC 9562).
pub(crate) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Cleans words from a caller, and refuses an empty or overlong text.
pub(crate) fn words(field: &str, text: &str) -> Result<String, Failure> {
    let text = crate::text::clean(text)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    if text.is_empty() {
        return Err(failure::invalid_input(
            field,
            "it is empty",
            "Give at least one word.",
        ));
    }
    // To the CRM's search signs alone are an empty query, and that finds everything.
    if !text.chars().any(char::is_alphanumeric) {
        return Err(failure::invalid_input(
            field,
            "it holds no letter and no digit",
            "Give at least one word of a name.",
        ));
    }
    if text.chars().count() > LONGEST_NAME {
        return Err(failure::invalid_input(
            field,
            format!("it is longer than {LONGEST_NAME} characters"),
            "Give fewer words.",
        ));
    }
    Ok(text)
}

/// Checks that a number is within its range.
pub(crate) fn within<N: PartialOrd + std::fmt::Display + Copy>(
    field: &str,
    given: Option<N>,
    default: N,
    range: std::ops::RangeInclusive<N>,
) -> Result<N, Failure> {
    let value = given.unwrap_or(default);
    if range.contains(&value) {
        return Ok(value);
    }
    let (low, high) = (range.start(), range.end());
    Err(failure::invalid_input(
        field,
        format!("{value} is out of range"),
        format!("Give a number from {low} to {high}."),
    ))
}

/// Converts a task to the form that answers use.
pub(crate) fn task_row(ctx: &Context<'_>, task: &values::Task) -> TaskRow {
    let mut cutter = Cutter::default();
    TaskRow {
        id: task.id.clone(),
        title: cutter.label(values::named(task.title.as_ref())),
        status: task
            .status
            .as_ref()
            .map(|status| cutter.label(status.as_str())),
        due: task.due_at.map(crate::text::instant),
        overdue: task
            .due_at
            .is_some_and(|due| ctx.zone().is_overdue(due, ctx.now)),
        assignee: member(task.assignee.as_ref(), &mut cutter),
        links: values::links(task.task_targets.as_ref(), &mut cutter),
        unreadable: task.unreadable.names(),
        truncated: cutter.cut,
        provenance: twenty::provenance(ctx, "task", &task.id, task.updated_at),
    }
}

/// Lists unreadable fields of a record as entries of `missing`.
pub(crate) fn unread(fields: &Unreadable) -> impl Iterator<Item = String> {
    let names = fields.names();
    names
        .into_iter()
        .map(|name| format!("{name}: not readable"))
}

/// Converts a member to the form that answers use.
pub(crate) fn member(colleague: Option<&Colleague>, cutter: &mut Cutter) -> Option<Member> {
    colleague.map(|colleague| colleague.member(cutter))
}

/// Joins the present parts of a line, in order.
pub(crate) fn parts(parts: impl IntoIterator<Item = Option<String>>) -> String {
    parts
        .into_iter()
        .flatten()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(", ")
}

/// Formats an amount: `12000.5 EUR`.
pub(crate) fn money(money: &Money) -> String {
    format!("{} {}", money.amount, money.currency)
        .trim_end()
        .to_owned()
}

/// Cuts a text that may be missing or empty.
pub(crate) fn some(text: Option<&Text>, cutter: &mut Cutter) -> Option<String> {
    text.filter(|text| !text.is_empty())
        .map(|text| cutter.label(text.as_str()))
}

/// Formats a task as one line of Markdown.
pub(crate) fn task_line(ctx: &Context<'_>, task: &values::Task, row: &TaskRow, id: bool) -> String {
    let due = task.due_at.map(|due| {
        let shown = ctx.zone().show_due(due);
        if row.overdue {
            format!("overdue since {shown}")
        } else {
            format!("due {shown}")
        }
    });
    let about = (!row.links.is_empty()).then(|| {
        let names: Vec<String> = row.links.iter().map(|link| escape(&link.label)).collect();
        format!("about {}", names.join(" and "))
    });
    let who = row.assignee.as_ref().map(|member| escape(&member.name));
    let details = parts([due, about, who, task.unreadable.describe()]);
    let gap = if details.is_empty() { "" } else { ": " };
    let id = if id {
        format!(" ({})", row.id)
    } else {
        String::new()
    };
    format!("{}{gap}{details}{id}", escape(&row.title))
}
