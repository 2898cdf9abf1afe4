//! `search`: full text over people, companies, deals and tasks, with one line about each hit.

use serde::{Deserialize, Serialize};

use super::{kind, money, object, parts, within, words};
use crate::bindings::claw::crm::types::Kind;
use crate::bindings::exports::claw::crm::read::{Hit, SearchAnswer, SearchRequest};
use crate::context::Context;
use crate::failure::{self, Failure};
use crate::markdown::{Page, escape};
use crate::text::{Cutter, Text};
use crate::twenty::hidden::{self, hides};
use crate::twenty::values::{Colleague, Connection, Currency, FullName, Links, full_name, named};
use crate::twenty::{self, Document, NOBODY, Query, documents, fetch};

/// How many hits are looked at where only the caller's own are wanted: the most that Twenty gives at once.
const EXAMINED: u32 = 100;

/// The first request.
#[derive(Debug, Serialize)]
pub struct Search {
    query: String,
    kinds: Vec<&'static str>,
    limit: u32,
}

/// What it answers.
#[derive(Debug, Deserialize)]
pub struct SearchData {
    search: Option<Found>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    edges: Vec<FoundEdge>,
    page_info: Continuation,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Continuation {
    has_next_page: bool,
}

#[derive(Debug, Deserialize)]
struct FoundEdge {
    node: FoundRecord,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FoundRecord {
    record_id: String,
    object_name_singular: String,
    label: Option<Text>,
    ts_rank: Option<f32>,
    #[serde(rename = "tsRankCD")]
    ts_rank_cd: Option<f32>,
}

impl Query for Search {
    const DOCUMENT: &'static Document = &documents::SEARCH;
    type Answer = SearchData;
}

/// The second request.
#[derive(Debug, Serialize)]
pub struct Details {
    people: Vec<String>,
    companies: Vec<String>,
    opportunities: Vec<String>,
    tasks: Vec<String>,
}

/// What it answers.
#[derive(Debug, Deserialize)]
pub struct DetailsData {
    people: Option<Connection<PersonLine>>,
    companies: Option<Connection<CompanyLine>>,
    opportunities: Option<Connection<DealLine>>,
    tasks: Option<Connection<TaskLine>>,
}

impl Query for Details {
    const DOCUMENT: &'static Document = &documents::SEARCH_DETAILS;
    type Answer = DetailsData;
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PersonLine {
    id: String,
    updated_at: Option<jiff::Timestamp>,
    name: Option<FullName>,
    job_title: Option<Text>,
    company: Option<Employer>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Employer {
    #[expect(
        dead_code,
        reason = "selected so that what is nested in it is not lost"
    )]
    deleted_at: Option<jiff::Timestamp>,
    name: Option<Text>,
    #[serde(rename = "accountOwnerId")]
    account_owner: Option<Colleague>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CompanyLine {
    id: String,
    updated_at: Option<jiff::Timestamp>,
    name: Option<Text>,
    domain_name: Option<Links>,
    #[serde(rename = "accountOwnerId")]
    account_owner: Option<Colleague>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DealLine {
    id: String,
    updated_at: Option<jiff::Timestamp>,
    name: Option<Text>,
    stage: Text,
    amount: Option<Currency>,
    close_date: Option<jiff::Timestamp>,
    #[serde(rename = "ownerId")]
    owner: Option<Colleague>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct TaskLine {
    id: String,
    updated_at: Option<jiff::Timestamp>,
    title: Option<Text>,
    status: Option<Text>,
    due_at: Option<jiff::Timestamp>,
    #[serde(rename = "assigneeId")]
    assignee: Option<Colleague>,
}

/// What the details request told about one record.
struct Line {
    id: String,
    label: String,
    details: String,
    mine: bool,
    updated_at: Option<jiff::Timestamp>,
    truncated: bool,
}

/// Runs the action.
///
/// # Errors
/// As `failure` says; nothing found is an empty list and no error.
pub fn search(ctx: &Context<'_>, request: &SearchRequest) -> Result<SearchAnswer, Failure> {
    let query = words("query", &request.query)?;
    let limit = within("limit", request.limit, 10, 1..=25)?;
    let kinds = wanted(request.kinds.as_deref())?;
    let me = request
        .mine
        .unwrap_or(false)
        .then(|| ctx.caller_email("mine"))
        .transpose()?;
    let asked = if me.is_some() {
        EXAMINED
    } else {
        u32::from(limit)
    };

    let reply = fetch(
        ctx,
        &Search {
            query: query.clone(),
            kinds: kinds.iter().map(|&kind| object(kind)).collect(),
            limit: asked,
        },
    )?;
    let found = reply.errors.root("search", reply.data.search)?;
    let examined = u32::try_from(found.edges.len()).unwrap_or(u32::MAX);
    let lines = if found.edges.is_empty() {
        Vec::new()
    } else {
        details(ctx, &found)?
    };

    let mut hits: Vec<Hit> = Vec::new();
    let mut more = found.page_info.has_next_page;
    for record in found.edges.into_iter().map(|edge| edge.node) {
        let Some(kind) = kind(&record.object_name_singular) else {
            continue;
        };
        let line = lines.iter().find(|line| line.id == record.record_id);
        if me.is_some() && !line.is_some_and(|line| line.mine) {
            continue;
        }
        if hits.len() == usize::from(limit) {
            more = true;
            break;
        }
        hits.push(hit(ctx, kind, &record, line));
    }
    Ok(SearchAnswer {
        markdown: hidden::said_below(ctx, markdown(&query, &hits, examined, more, me.is_some())),
        hits,
        examined,
        more,
    })
}

/// Kind and id of the best hits for some words, best first.
///
/// # Errors
/// As `failure` says; nothing found is an empty list.
pub(super) fn ids(
    ctx: &Context<'_>,
    words: &str,
    kinds: &[Kind],
    limit: u32,
) -> Result<Vec<(Kind, String)>, Failure> {
    let reply = fetch(
        ctx,
        &Search {
            query: words.to_owned(),
            kinds: kinds.iter().map(|&kind| object(kind)).collect(),
            limit,
        },
    )?;
    let found = reply.errors.root("search", reply.data.search)?;
    let records = found.edges.into_iter().map(|edge| edge.node);
    Ok(records
        .filter_map(|record| Some((kind(&record.object_name_singular)?, record.record_id)))
        .collect())
}

fn wanted(kinds: Option<&[Kind]>) -> Result<Vec<Kind>, Failure> {
    let Some(kinds) = kinds else {
        return Ok(vec![
            Kind::Person,
            Kind::Company,
            Kind::Opportunity,
            Kind::Task,
        ]);
    };
    let mut unique: Vec<Kind> = Vec::new();
    for &kind in kinds {
        if !unique.contains(&kind) {
            unique.push(kind);
        }
    }
    if unique.is_empty() {
        return Err(failure::invalid_input(
            "kinds",
            "the list is empty",
            "Name at least one kind, or leave it out for all.",
        ));
    }
    Ok(unique)
}

fn details(ctx: &Context<'_>, found: &Found) -> Result<Vec<Line>, Failure> {
    let ids = |kind: Kind| {
        let ids: Vec<String> = found
            .edges
            .iter()
            .filter(|edge| edge.node.object_name_singular == object(kind))
            .map(|edge| edge.node.record_id.clone())
            .collect();
        if ids.is_empty() {
            vec![NOBODY.to_owned()]
        } else {
            ids
        }
    };
    let reply = fetch(
        ctx,
        &Details {
            people: ids(Kind::Person),
            companies: ids(Kind::Company),
            opportunities: ids(Kind::Opportunity),
            tasks: ids(Kind::Task),
        },
    )?;
    // A kind that could not be read leaves its hits without details: the hits themselves are known.
    let email = ctx.setting("caller.email").unwrap_or_default();
    let mut lines = Vec::with_capacity(found.edges.len());
    let data = reply.data;
    lines.extend(
        data.people
            .into_iter()
            .flat_map(Connection::rows)
            .map(|row| person(row, &email)),
    );
    lines.extend(
        data.companies
            .into_iter()
            .flat_map(Connection::rows)
            .map(|row| company(row, &email)),
    );
    lines.extend(
        data.opportunities
            .into_iter()
            .flat_map(Connection::rows)
            .map(|row| deal(ctx, row, &email)),
    );
    lines.extend(
        data.tasks
            .into_iter()
            .flat_map(Connection::rows)
            .map(|row| task(ctx, row, &email)),
    );
    Ok(lines)
}

fn person(row: PersonLine, email: &str) -> Line {
    let mut cutter = Cutter::default();
    let company = row.company.as_ref();
    Line {
        label: cutter.label(&full_name(row.name.as_ref())),
        details: parts([
            row.job_title
                .as_ref()
                .map(|title| cutter.label(title.as_str())),
            company
                .and_then(|company| company.name.as_ref())
                .map(|name| cutter.label(name.as_str())),
        ]),
        mine: company
            .and_then(|company| company.account_owner.as_ref())
            .is_some_and(|owner| owner.is(email)),
        id: row.id,
        updated_at: row.updated_at,
        truncated: cutter.cut,
    }
}

fn company(row: CompanyLine, email: &str) -> Line {
    let mut cutter = Cutter::default();
    let domain = row
        .domain_name
        .as_ref()
        .and_then(|domain| domain.primary_link_url.as_ref());
    Line {
        label: cutter.label(named(row.name.as_ref())),
        details: parts([domain.map(|domain| cutter.label(domain.as_str()))]),
        mine: row
            .account_owner
            .as_ref()
            .is_some_and(|owner| owner.is(email)),
        id: row.id,
        updated_at: row.updated_at,
        truncated: cutter.cut,
    }
}

fn deal(ctx: &Context<'_>, row: DealLine, email: &str) -> Line {
    let mut cutter = Cutter::default();
    let owner = row.owner.as_ref();
    Line {
        label: cutter.label(named(row.name.as_ref())),
        details: parts([
            Some(cutter.label(row.stage.as_str())),
            match hides(ctx, "opportunity", "amount") {
                true => Some("amount not readable".to_owned()),
                false => Currency::money(row.amount.as_ref(), &mut cutter)
                    .as_ref()
                    .map(money),
            },
            row.close_date
                .map(|date| format!("closes {}", ctx.zone().date(date))),
            Some(owner.map_or_else(
                || match hides(ctx, "opportunity", "ownerId") {
                    true => "owner not readable".to_owned(),
                    false => "no owner".to_owned(),
                },
                |owner| cutter.label(&owner.label()),
            )),
        ]),
        mine: owner.is_some_and(|owner| owner.is(email)),
        id: row.id,
        updated_at: row.updated_at,
        truncated: cutter.cut,
    }
}

fn task(ctx: &Context<'_>, row: TaskLine, email: &str) -> Line {
    let mut cutter = Cutter::default();
    let assignee = row.assignee.as_ref();
    Line {
        label: cutter.label(named(row.title.as_ref())),
        details: parts([
            Some(
                row.status
                    .as_ref()
                    .map_or_else(|| "open".to_owned(), |status| cutter.label(status.as_str())),
            ),
            row.due_at
                .map(|due| format!("due {}", ctx.zone().show(due))),
            Some(assignee.map_or_else(
                || match hides(ctx, "task", "assigneeId") {
                    true => "assignee not readable".to_owned(),
                    false => "unassigned".to_owned(),
                },
                |who| cutter.label(&who.label()),
            )),
        ]),
        mine: assignee.is_some_and(|who| who.is(email)),
        id: row.id,
        updated_at: row.updated_at,
        truncated: cutter.cut,
    }
}

fn hit(ctx: &Context<'_>, kind: Kind, record: &FoundRecord, line: Option<&Line>) -> Hit {
    let mut cutter = Cutter::default();
    Hit {
        kind,
        id: record.record_id.clone(),
        label: line.map_or_else(
            || cutter.label(named(record.label.as_ref())),
            |line| line.label.clone(),
        ),
        details: line.map_or_else(
            || "details could not be read".to_owned(),
            |line| line.details.clone(),
        ),
        rank: record
            .ts_rank_cd
            .or(record.ts_rank)
            .filter(|rank| rank.is_finite())
            .unwrap_or(0.0),
        truncated: cutter.cut || line.is_some_and(|line| line.truncated),
        provenance: twenty::provenance(
            ctx,
            object(kind),
            &record.record_id,
            line.and_then(|line| line.updated_at),
        ),
    }
}

fn markdown(query: &str, hits: &[Hit], examined: u32, more: bool, mine: bool) -> String {
    let query = escape(query);
    let whose = if mine { " of yours" } else { "" };
    if hits.is_empty() {
        return match (mine, examined) {
            (true, 1..) => format!(
                "Nothing{whose} found for \u{201c}{query}\u{201d} among the first {examined} hits."
            ),
            _ => format!("Nothing found for \u{201c}{query}\u{201d}."),
        };
    }
    let found =
        crate::markdown::count(u32::try_from(hits.len()).unwrap_or(u32::MAX), "hit", "hits");
    let mut page = Page::titled(&format!(
        "{found}{whose} for \u{201c}{query}\u{201d}{}",
        if more { ", there may be more" } else { "" }
    ));
    for hit in hits {
        let gap = if hit.details.is_empty() { "" } else { ": " };
        page.bullet(&format!(
            "{} {}{gap}{} ({})",
            object(hit.kind),
            escape(&hit.label),
            escape(&hit.details),
            hit.id
        ));
    }
    page.finish()
}
