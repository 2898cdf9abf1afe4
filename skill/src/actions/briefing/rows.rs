//! The lines of a briefing.

use super::queries::NewPerson;
use crate::actions::render::{parts, some};
use crate::bindings::exports::claw::crm::read::{BriefingRow, RowKind};
use crate::context::Context;
use crate::text::{self, Cutter};
use crate::twenty;
use crate::twenty::rows::Deal;
use crate::twenty::values::{self, Currency, Task, full_name, money, named};

pub(super) fn task_row(ctx: &Context<'_>, task: &Task) -> BriefingRow {
    let mut cutter = Cutter::default();
    let links = values::links(task.task_targets.as_ref(), &mut cutter);
    let about = (!links.is_empty()).then(|| {
        let labels: Vec<&str> = links.iter().map(|link| link.label.as_str()).collect();
        format!("about {}", labels.join(" and "))
    });
    BriefingRow {
        kind: RowKind::Task,
        id: task.id.clone(),
        label: cutter.label(named(task.title.as_ref())),
        details: parts([
            task.due_at
                .map(|due| format!("due {}", ctx.zone().show_due(due))),
            about,
            some(task.status.as_ref(), &mut cutter).filter(|status| status != "TODO"),
            task.unreadable.describe(),
        ]),
        date: task.due_at.map(text::instant),
        truncated: cutter.cut,
        provenance: twenty::provenance(ctx, "task", &task.id, task.updated_at),
    }
}

/// Formats a deal; with a reason it is listed for that and not for its close date.
pub(super) fn deal_row(ctx: &Context<'_>, deal: &Deal, reason: Option<String>) -> BriefingRow {
    let mut cutter = Cutter::default();
    let company = deal
        .company
        .as_ref()
        .and_then(|company| some(company.name.as_ref(), &mut cutter));
    BriefingRow {
        kind: RowKind::Opportunity,
        id: deal.id.clone(),
        label: cutter.label(named(deal.name.as_ref())),
        details: parts([
            reason,
            deal.close_date
                .map(|date| format!("closes {}", ctx.zone().due(date).day)),
            Some(cutter.label(deal.stage.as_str())),
            Currency::money(deal.amount.as_ref(), &mut cutter)
                .as_ref()
                .map(money),
            company,
            deal.unreadable.describe(),
        ]),
        date: deal.close_date.map(text::instant),
        truncated: cutter.cut,
        provenance: twenty::provenance(ctx, "opportunity", &deal.id, deal.updated_at),
    }
}

pub(super) fn person_row(ctx: &Context<'_>, person: &NewPerson) -> BriefingRow {
    let mut cutter = Cutter::default();
    let company = person
        .company
        .as_ref()
        .and_then(|company| some(company.name.as_ref(), &mut cutter));
    BriefingRow {
        kind: RowKind::Person,
        id: person.id.clone(),
        label: cutter.label(&full_name(person.name.as_ref())),
        details: parts([
            some(person.job_title.as_ref(), &mut cutter),
            company,
            person
                .created_at
                .map(|time| format!("added {}", ctx.zone().date(time))),
            person.unreadable.describe(),
        ]),
        date: person.created_at.map(text::instant),
        truncated: cutter.cut,
        provenance: twenty::provenance(ctx, "person", &person.id, person.updated_at),
    }
}
