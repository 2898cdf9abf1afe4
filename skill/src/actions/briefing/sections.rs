//! Makes the sections of a briefing from the answers.

use super::bounds::{Bounds, is_elsewhere};
use super::calendar;
use super::content::{Content, ROWS};
use super::gather::{Gathered, PartialList};
use super::queries::BriefingRisk;
use super::rows::{deal_row, person_row, task_row};
use crate::actions::render::parts;
use crate::actions::statuses;
use crate::bindings::exports::claw::crm::read::{BriefingRow, Section, SectionName, SectionStatus};
use crate::context::{Context, STALE_DAYS};
use crate::day::days_between;
use crate::failure::{self, Failure};
use crate::markdown::count;
use crate::tezit::RELAY;
use crate::twenty::fetch;
use crate::twenty::rows::Deal;
use crate::workspace::{self, WORKSPACE};

/// Makes a section, and returns the failure behind it where it failed.
pub(super) fn make(
    ctx: &Context<'_>,
    bounds: &Bounds,
    name: SectionName,
    gathered: &mut Gathered,
) -> (Section, Option<Failure>) {
    if let Some(failure) = unset(ctx, name) {
        let section = Section {
            status: SectionStatus::NotConfigured,
            why: Some(failure::explain(&failure)),
            ..section(name, Content::default())
        };
        return (section, None);
    }
    let made = match name {
        SectionName::Overdue => list(&gathered.overdue, |task| task_row(ctx, task)),
        SectionName::DueToday => list(&gathered.today, |task| task_row(ctx, task)),
        SectionName::ComingUp => list(&gathered.coming, |task| task_row(ctx, task)),
        SectionName::ClosingSoon => list(&gathered.closing, |deal| deal_row(ctx, deal, None)),
        SectionName::AtRisk => {
            gathered_part(&gathered.open).and_then(|deals| at_risk(ctx, bounds, deals))
        }
        SectionName::NewPeople => list(&gathered.people, |person| person_row(ctx, person)),
        SectionName::Tez => {
            take_part(gathered.messages.take()).and_then(|first| first.content(ctx))
        }
        SectionName::Calendar => {
            take_part(gathered.events.take()).map(|events| calendar::content(ctx, bounds, events))
        }
    };
    match made {
        Ok(content) => (section(name, content), None),
        Err(failure) => {
            let why = if is_elsewhere(name) {
                failure::explain(&failure)
            } else {
                failure::sentence(&failure).to_owned()
            };
            (
                Section {
                    status: SectionStatus::Failed,
                    why: Some(why),
                    ..section(name, Content::default())
                },
                Some(failure),
            )
        }
    }
}

/// Returns the failure of a section whose service is not set up.
fn unset(ctx: &Context<'_>, name: SectionName) -> Option<Failure> {
    match name {
        SectionName::Tez => RELAY.base_url(ctx).err(),
        SectionName::Calendar => WORKSPACE
            .base_url(ctx)
            .err()
            .or_else(|| workspace::pa_email(ctx).err()),
        _ => None,
    }
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

fn gathered_part<T>(part: &Option<Result<T, Failure>>) -> Result<&T, Failure> {
    match part {
        Some(part) => part.as_ref().map_err(Clone::clone),
        None => Err(not_asked()),
    }
}

fn take_part<T>(part: Option<Result<T, Failure>>) -> Result<T, Failure> {
    part.unwrap_or_else(|| Err(not_asked()))
}

fn not_asked() -> Failure {
    failure::unavailable(false, "It was not asked for.", "Call again.")
}

/// Makes a section from a list with its own total.
fn list<T>(
    list: &Option<Result<PartialList<T>, Failure>>,
    row: impl Fn(&T) -> BriefingRow,
) -> Result<Content, Failure> {
    let PartialList { rows, lost } = gathered_part(list)?;
    Ok(Content {
        why: lost.as_ref().map(|lost| format!("{lost}.")),
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

/// Finds open deals of the caller whose close date has passed, with no open task, or with no
/// activity for two weeks. A deal without any activity on record cannot be judged by that; their
/// number is given.
fn at_risk(
    ctx: &Context<'_>,
    bounds: &Bounds,
    deals: &PartialList<Deal>,
) -> Result<Content, Failure> {
    let PartialList { rows: deals, lost } = deals;
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
    let open = statuses::open(ctx);
    let reply = fetch(
        ctx,
        &BriefingRisk {
            ids,
            groups: examined,
            open: open.statuses.clone(),
        },
    )?;
    // Groups that could not be read may be of any deal.
    let lost_tasks = reply.errors.lost("taskTargetsGroupBy").is_some();
    let lost_activities = reply.errors.lost("timelineActivitiesGroupBy").is_some();
    let tasks = open.validate(
        reply
            .errors
            .root("taskTargetsGroupBy", reply.data.task_targets_group_by),
    )?;
    let activities = reply.errors.root(
        "timelineActivitiesGroupBy",
        reply.data.timeline_activities_group_by,
    )?;

    let mut content = Content {
        examined: partial,
        ..Content::default()
    };
    let mut unjudged = 0;
    let mut unread = 0;
    for deal in deals.edges.iter().map(|edge| &edge.node) {
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
        if !has_task && lost_tasks || last.is_none() && lost_activities {
            unread += 1;
        }
        let has_task = has_task || lost_tasks;
        if last.is_none() && has_task {
            unjudged += 1;
        }
        let days = |days: i32| count(days.unsigned_abs(), "day", "days");
        let late = deal
            .close_date
            .map(|date| days_between(ctx.zone().due(date).day, bounds.day))
            .filter(|&late| late > 0);
        let reason = parts([
            late.map(|late| format!("close date passed {} ago", days(late))),
            (!has_task).then(|| "no open task".to_owned()),
            stale.map(|quiet| format!("quiet for {}", days(quiet))),
        ]);
        if reason.is_empty() {
            continue;
        }
        content.total += 1;
        if content.rows.len() < ROWS {
            content.rows.push(deal_row(ctx, deal, Some(reason)));
        }
    }
    let unjudged = (unjudged > 0).then(|| {
        format!(
            "{} with open tasks but no activity on record: whether they are quiet is unknown.",
            count(unjudged, "deal", "deals")
        )
    });
    let lost = lost.as_ref().map(|lost| format!("{lost}."));
    let unread = (unread > 0).then(|| {
        format!(
            "Of {} the tasks or activity could not be read.",
            count(unread, "deal", "deals")
        )
    });
    let why: Vec<String> = [unjudged, unread, lost].into_iter().flatten().collect();
    content.why = (!why.is_empty()).then(|| why.join(" "));
    Ok(content)
}
