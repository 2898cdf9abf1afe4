//! Parts of answers that several actions share.

use crate::bindings::claw::crm::types::{Member, TaskRow};
use crate::context::Context;
use crate::markdown::escape;
use crate::text::{self, Cutter, Text};
use crate::twenty;
use crate::twenty::mend::Unreadable;
use crate::twenty::values::{self, Colleague};

/// Converts a task to the form that answers use.
pub(super) fn task_row(ctx: &Context<'_>, task: &values::Task) -> TaskRow {
    let mut cutter = Cutter::default();
    TaskRow {
        id: task.id.clone(),
        title: cutter.label(values::named(task.title.as_ref())),
        status: task
            .status
            .as_ref()
            .map(|status| cutter.label(status.as_str())),
        due: task.due_at.map(text::instant),
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

/// Formats a task as one line of Markdown.
pub(super) fn task_line(ctx: &Context<'_>, task: &values::Task, row: &TaskRow, id: bool) -> String {
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

/// Lists unreadable fields of a record as entries of `missing`.
pub(super) fn unread(fields: &Unreadable) -> impl Iterator<Item = String> {
    let names = fields.names();
    names
        .into_iter()
        .map(|name| format!("{name}: not readable"))
}

/// Converts a member to the form that answers use.
pub(super) fn member(colleague: Option<&Colleague>, cutter: &mut Cutter) -> Option<Member> {
    colleague.map(|colleague| colleague.member(cutter))
}

/// Joins the present parts of a line, in order.
pub(super) fn parts(parts: impl IntoIterator<Item = Option<String>>) -> String {
    parts
        .into_iter()
        .flatten()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(", ")
}

/// Cuts a text that may be missing or empty.
pub(super) fn some(text: Option<&Text>, cutter: &mut Cutter) -> Option<String> {
    text.filter(|text| !text.is_empty())
        .map(|text| cutter.label(text.as_str()))
}
