//! `follow-ups`: open tasks with a due date, soonest first, a page at a time.

use serde::{Deserialize, Serialize};

use super::render::{task_line, task_row};
use super::statuses;
use crate::bindings::claw::crm::types::{Kind, TaskRow};
use crate::bindings::claw::skill::types::RecordRef;
use crate::bindings::exports::claw::crm::read::{FollowUpsPage, FollowUpsRequest};
use crate::context::Context;
use crate::day::{self, OverdueFilter};
use crate::failure::{self, Failure};
use crate::ids::uuid;
use crate::markdown::{MarkdownPage, count, escape};
use crate::text;
use crate::twenty::kinds::kind;
use crate::twenty::values::{
    self, Connection, Count, Counted, Edge, Named, NamedPerson, PageInfo, Target,
};
use crate::twenty::{Document, NOBODY, Query, documents, fetch, hidden};

/// Rows of a page.
const PAGE: u32 = 25;
/// Rows that are looked at for one record.
const ABOUT: u32 = 60;
/// Later than any due date.
const NEVER: &str = "9999-01-01T00:00:00Z";

/// The first page of somebody's tasks.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FollowUps {
    assignee: String,
    until: String,
    limit: u32,
    open: Vec<String>,
    before: String,
    whole_days: Vec<String>,
}

/// A further page of somebody's tasks.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FollowUpsNext {
    assignee: String,
    until: String,
    limit: u32,
    after: String,
    open: Vec<String>,
    before: String,
    whole_days: Vec<String>,
}

/// The first page of everybody's tasks.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FollowUpsAnyone {
    until: String,
    limit: u32,
    open: Vec<String>,
    before: String,
    whole_days: Vec<String>,
}

/// A further page of everybody's tasks.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FollowUpsAnyoneNext {
    until: String,
    limit: u32,
    after: String,
    open: Vec<String>,
    before: String,
    whole_days: Vec<String>,
}

/// A page of tasks, and how many of all are overdue, by status.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TasksData {
    tasks: Option<TasksPage>,
    tasks_group_by: Option<Vec<Count>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct TasksPage {
    total_count: u32,
    page_info: PageInfo,
    edges: Vec<Edge<values::Task>>,
}

macro_rules! page_query {
    ($($query:ident = $document:ident;)*) => {
        $(impl Query for $query {
            const DOCUMENT: &'static Document = &documents::$document;
            type Answer = TasksData;
        })*
    };
}

page_query! {
    FollowUps = FOLLOW_UPS;
    FollowUpsNext = FOLLOW_UPS_NEXT;
    FollowUpsAnyone = FOLLOW_UPS_ANYONE;
    FollowUpsAnyoneNext = FOLLOW_UPS_ANYONE_NEXT;
}

/// Tasks about one record.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FollowUpsAbout {
    person: String,
    company: String,
    opportunity: String,
    until: String,
    open: Vec<String>,
}

/// The answer to [`FollowUpsAbout`].
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AboutData {
    task_targets: Option<Counted<LinkedTask>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LinkedTask {
    task: Option<values::Task>,
    target_person: Option<NamedPerson>,
    target_company: Option<Named>,
    target_opportunity: Option<Named>,
}

impl Query for FollowUpsAbout {
    const DOCUMENT: &'static Document = &documents::FOLLOW_UPS_ABOUT;
    type Answer = AboutData;
}

/// A filter by assignee.
enum AssigneeFilter {
    Member(String),
    Anyone,
}

/// Runs the action.
///
/// # Errors
/// As `failure` says.
pub fn follow_ups(ctx: &Context<'_>, request: &FollowUpsRequest) -> Result<FollowUpsPage, Failure> {
    let whose = whose(ctx, request.assignee.as_deref())?;
    let until = match &request.until {
        Some(date) => text::instant(
            ctx.zone()
                .start(day::plus_days(day::parse("until", date)?, 1)),
        ),
        None => NEVER.to_owned(),
    };
    match (&request.about, &request.cursor) {
        (None, cursor) => page(ctx, whose, until, cursor.as_deref()),
        (Some(about), None) => about_one(ctx, &whose, until, about),
        (Some(_), Some(_)) => Err(failure::invalid_input(
            "cursor",
            "with \"about\" there is one page only",
            "Leave out the cursor, or narrow the list with \"until\".",
        )),
    }
}

fn whose(ctx: &Context<'_>, assignee: Option<&str>) -> Result<AssigneeFilter, Failure> {
    match assignee.map(str::trim).unwrap_or("me") {
        "me" => Ok(AssigneeFilter::Member(ctx.caller_email("assignee")?)),
        "anyone" => Ok(AssigneeFilter::Anyone),
        email if email.contains('@') && email.len() <= 254 => {
            Ok(AssigneeFilter::Member(text::clean(email).to_lowercase()))
        }
        _ => Err(failure::invalid_input(
            "assignee",
            "this is neither \"me\" nor \"anyone\" nor an e-mail address",
            "Give a colleague's e-mail address as the CRM has it.",
        )),
    }
}

fn page(
    ctx: &Context<'_>,
    whose: AssigneeFilter,
    until: String,
    cursor: Option<&str>,
) -> Result<FollowUpsPage, Failure> {
    let limit = PAGE;
    let after = cursor.map(safe_cursor).transpose()?;
    let open = statuses::open(ctx);
    if let Some(failure) = open.unknown {
        return Err(failure);
    }
    let open = open.statuses;
    let late = OverdueFilter::at(ctx.zone(), ctx.now);
    let (before, whole_days) = (late.before, late.whole_days);
    let reply = match (&whose, after) {
        (AssigneeFilter::Member(assignee), None) => fetch(
            ctx,
            &FollowUps {
                assignee: assignee.clone(),
                until,
                limit,
                open,
                before,
                whole_days,
            },
        ),
        (AssigneeFilter::Member(assignee), Some(after)) => fetch(
            ctx,
            &FollowUpsNext {
                assignee: assignee.clone(),
                until,
                limit,
                after,
                open,
                before,
                whole_days,
            },
        ),
        (AssigneeFilter::Anyone, None) => fetch(
            ctx,
            &FollowUpsAnyone {
                until,
                limit,
                open,
                before,
                whole_days,
            },
        ),
        (AssigneeFilter::Anyone, Some(after)) => fetch(
            ctx,
            &FollowUpsAnyoneNext {
                until,
                limit,
                after,
                open,
                before,
                whole_days,
            },
        ),
    };
    // The cursor is all of the request that a caller can break.
    let reply = reply.map_err(|failure| bad_cursor(cursor, failure))?;
    let tasks = reply
        .errors
        .root("tasks", reply.data.tasks)
        .map_err(|failure| bad_cursor(cursor, failure))?;
    let next = tasks
        .page_info
        .end_cursor
        .filter(|_| tasks.page_info.has_next_page);
    let rows: Vec<values::Task> = tasks.edges.into_iter().map(|edge| edge.node).collect();
    let overdue = reply
        .errors
        .root("tasksGroupBy", reply.data.tasks_group_by)?
        .iter()
        .fold(0_u32, |sum, group| sum.saturating_add(group.total_count));
    let listed = ListSummary {
        total: tasks.total_count,
        overdue,
        examined: false,
        cursor: next,
        lost: reply.errors.lost("tasks"),
    };
    Ok(answer(ctx, &rows, listed))
}

/// Accepts a cursor of Twenty's form (base64); anything else would be refused there or, worse,
/// ignored.
fn safe_cursor(cursor: &str) -> Result<String, Failure> {
    let base64 = cursor
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='));
    if base64 && (1..=1000).contains(&cursor.len()) {
        return Ok(cursor.to_owned());
    }
    Err(failure::invalid_input(
        "cursor",
        "this is no cursor",
        "Pass the cursor of the page before, unchanged, or none.",
    ))
}

fn bad_cursor(cursor: Option<&str>, failure: Failure) -> Failure {
    match failure {
        Failure::SchemaMismatch(mismatch) if cursor.is_some() => failure::invalid_input(
            "cursor",
            format!("the CRM does not take it ({})", mismatch.reason),
            "Pass the cursor of the page before, unchanged and with the same arguments, or none.",
        ),
        other => other,
    }
}

fn about_one(
    ctx: &Context<'_>,
    whose: &AssigneeFilter,
    until: String,
    about: &RecordRef,
) -> Result<FollowUpsPage, Failure> {
    let id = uuid("about.id", &about.id)?;
    let of = |wanted: Kind| {
        if kind(&about.kind) == Some(wanted) {
            id.clone()
        } else {
            NOBODY.to_owned()
        }
    };
    if !matches!(
        kind(&about.kind),
        Some(Kind::Person | Kind::Company | Kind::Opportunity)
    ) {
        return Err(failure::invalid_input(
            "about.kind",
            "tasks are linked to people, companies and deals",
            "Give person, company or opportunity.",
        ));
    }
    let open = statuses::open(ctx);
    if let Some(failure) = open.unknown {
        return Err(failure);
    }
    let query = FollowUpsAbout {
        person: of(Kind::Person),
        company: of(Kind::Company),
        opportunity: of(Kind::Opportunity),
        until,
        open: open.statuses,
    };
    let reply = fetch(ctx, &query)?;
    let targets = reply.errors.root("taskTargets", reply.data.task_targets)?;
    let linked = targets.total_count;
    let seen = targets.edges.len();
    let rows = targets.rows().filter_map(|row| {
        let mut task = row.task?;
        let target = Target {
            target_person: row.target_person,
            target_company: row.target_company,
            target_opportunity: row.target_opportunity,
        };
        task.task_targets = Some(Connection {
            edges: vec![Edge { node: target }],
        });
        Some(task)
    });
    let mine = |task: &values::Task| match whose {
        AssigneeFilter::Anyone => true,
        AssigneeFilter::Member(email) => task
            .assignee
            .as_ref()
            .is_some_and(|assignee| assignee.is(email)),
    };
    let rows = values::unique(rows.filter(mine), |task| &task.id);
    let cut = u32::try_from(seen).is_ok_and(|seen| seen < linked) && linked > ABOUT;
    let late = |task: &&values::Task| {
        task.due_at
            .is_some_and(|due| ctx.zone().is_overdue(due, ctx.now))
    };
    let number = |rows: usize| u32::try_from(rows).unwrap_or(u32::MAX);
    let listed = ListSummary {
        total: number(rows.len()),
        overdue: number(rows.iter().filter(late).count()),
        examined: cut,
        cursor: None,
        lost: reply.errors.lost("taskTargets"),
    };
    Ok(answer(ctx, &rows, listed))
}

/// A list's summary beside its rows.
struct ListSummary {
    total: u32,
    /// Number of overdue tasks among all.
    overdue: u32,
    /// Set if the numbers count only the rows that were examined.
    examined: bool,
    cursor: Option<String>,
    /// A note about rows that could not be read.
    lost: Option<String>,
}

fn answer(ctx: &Context<'_>, tasks: &[values::Task], listed: ListSummary) -> FollowUpsPage {
    let ListSummary {
        total,
        overdue,
        examined,
        cursor,
        lost,
    } = listed;
    let rows: Vec<TaskRow> = tasks.iter().map(|task| task_row(ctx, task)).collect();
    let mut page = match total {
        0 => MarkdownPage::titled("No follow-ups"),
        _ => MarkdownPage::titled(&count(total, "follow-up", "follow-ups")),
    };
    if overdue > 0 {
        page.line(&format!("{overdue} of these overdue."));
    }
    for (task, row) in tasks.iter().zip(&rows) {
        page.bullet(&task_line(ctx, task, row, true));
    }
    if let Some(lost) = &lost {
        page.line(&format!("{lost}."));
    }
    if examined {
        page.line(&format!(
            "Only the first {ABOUT} linked tasks were looked at."
        ));
    }
    if let Some(cursor) = &cursor {
        page.line(&format!("There is more: cursor {}", escape(cursor)));
    }
    FollowUpsPage {
        markdown: hidden::with_note(ctx, page.finish()),
        tasks: rows,
        missing: lost.into_iter().collect(),
        overdue,
        total,
        total_is_examined: examined,
        cursor,
    }
}
