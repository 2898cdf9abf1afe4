//! The sections of a briefing, made from what the requests gave.

use super::queries::{Deal, Risk};
use super::rows::{deal_row, person_row, task_row};
use super::{Bounds, Gathered};
use crate::bindings::exports::claw::crm::read::{BriefingRow, Section, SectionName, SectionStatus};
use crate::context::{Context, STALE_DAYS};
use crate::day::days_between;
use crate::failure::{self, Failure};
use crate::markdown::count;
use crate::twenty::fetch;
use crate::twenty::values::Counted;

/// The most rows of a section.
const ROWS: usize = 10;

/// A section, and the failure behind it where it failed.
pub(super) fn make(
    ctx: &Context<'_>,
    bounds: &Bounds,
    name: SectionName,
    gathered: &mut Gathered,
) -> (Section, Option<Failure>) {
    let made = match name {
        SectionName::Overdue => list(gathered.overdue.take(), |task| task_row(ctx, task)),
        SectionName::DueToday => list(gathered.today.take(), |task| task_row(ctx, task)),
        SectionName::ComingUp => list(gathered.coming.take(), |task| task_row(ctx, task)),
        SectionName::ClosingSoon => list(gathered.closing.take(), |deal| deal_row(ctx, deal, None)),
        SectionName::AtRisk => {
            asked(gathered.open.take()).and_then(|deals| at_risk(ctx, bounds, deals))
        }
        SectionName::NewPeople => list(gathered.people.take(), |person| person_row(ctx, person)),
        SectionName::Tez | SectionName::Calendar => {
            let why = Some("No such service is set up.".to_owned());
            return (
                Section {
                    status: SectionStatus::NotConfigured,
                    why,
                    ..section(name, Content::default())
                },
                None,
            );
        }
    };
    match made {
        Ok(content) => (section(name, content), None),
        Err(failure) => {
            let why = Some(failure::sentence(&failure).to_owned());
            (
                Section {
                    status: SectionStatus::Failed,
                    why,
                    ..section(name, Content::default())
                },
                Some(failure),
            )
        }
    }
}

/// What a section holds.
#[derive(Default)]
struct Content {
    rows: Vec<BriefingRow>,
    total: u32,
    examined: Option<u32>,
    why: Option<String>,
}

fn section(name: SectionName, content: Content) -> Section {
    Section {
        name,
        status: SectionStatus::Ok,
        why: content.why,
        rows: content.rows,
        total: content.total,
        examined: content.examined,
    }
}

fn asked<T>(part: Option<Result<T, Failure>>) -> Result<T, Failure> {
    part.unwrap_or_else(|| {
        Err(failure::unavailable(
            false,
            "It was not asked for.",
            "Call again.",
        ))
    })
}

/// A section that is a list with its own total.
fn list<T>(
    rows: Option<Result<Counted<T>, Failure>>,
    row: impl Fn(&T) -> BriefingRow,
) -> Result<Content, Failure> {
    let rows = asked(rows)?;
    Ok(Content {
        total: rows.total_count,
        rows: rows
            .edges
            .iter()
            .take(ROWS)
            .map(|edge| row(&edge.node))
            .collect(),
        ..Content::default()
    })
}

/// Open deals of the caller with no open task, or with no activity for two weeks. A deal without any activity on record
/// cannot be judged by that; how many there are is said.
fn at_risk(ctx: &Context<'_>, bounds: &Bounds, deals: Counted<Deal>) -> Result<Content, Failure> {
    let examined = u32::try_from(deals.edges.len()).unwrap_or(u32::MAX);
    let partial = (examined < deals.total_count).then_some(examined);
    if examined == 0 {
        return Ok(Content::default());
    }
    let ids: Vec<String> = deals
        .edges
        .iter()
        .map(|edge| edge.node.id.clone())
        .collect();
    let reply = fetch(
        ctx,
        &Risk {
            ids,
            groups: examined,
        },
    )?;
    let tasks = reply
        .errors
        .root("taskTargetsGroupBy", reply.data.task_targets_group_by)?;
    let activities = reply.errors.root(
        "timelineActivitiesGroupBy",
        reply.data.timeline_activities_group_by,
    )?;

    let mut content = Content {
        examined: partial,
        ..Content::default()
    };
    let mut unjudged = 0;
    for deal in deals.rows() {
        let is = |values: &[Option<String>]| {
            values
                .first()
                .is_some_and(|value| value.as_deref() == Some(deal.id.as_str()))
        };
        let has_task = tasks
            .iter()
            .any(|group| is(&group.group_by_dimension_values) && group.total_count > 0);
        let last = activities
            .iter()
            .find(|group| is(&group.group_by_dimension_values))
            .and_then(|group| group.max_happens_at);
        let quiet = last.map(|time| days_between(ctx.zone().date(time), bounds.day));
        let stale = quiet.filter(|&days| days > i32::from(STALE_DAYS));
        if last.is_none() && has_task {
            unjudged += 1;
        }
        let days = |days: i32| count(days.unsigned_abs(), "day", "days");
        let reason = match (has_task, stale) {
            (true, None) => continue,
            (true, Some(quiet)) => format!("quiet for {}", days(quiet)),
            (false, None) => "no open task".to_owned(),
            (false, Some(quiet)) => format!("no open task, quiet for {}", days(quiet)),
        };
        content.total += 1;
        if content.rows.len() < ROWS {
            content.rows.push(deal_row(ctx, &deal, Some(reason)));
        }
    }
    content.why = (unjudged > 0).then(|| {
        format!(
            "{} with open tasks but no activity on record: whether they are quiet is unknown.",
            count(unjudged, "deal", "deals")
        )
    });
    Ok(content)
}
