//! `search`: full text over people, companies, deals and tasks, with one line about each hit.

use serde::{Deserialize, Serialize};

use super::full_text::{self, MatchReason, SearchHit};
use super::input::within;
use super::render::parts;
use super::search_term::SearchTerm;
pub use crate::actions::full_text::{Search, SearchData};
use crate::bindings::claw::crm::types::Kind;
use crate::bindings::exports::claw::crm::read::{Hit, SearchAnswer, SearchRequest};
use crate::context::Context;
use crate::failure::{self, Failure};
use crate::markdown::{MarkdownPage, escape};
use crate::text::{Cutter, Text, words};
use crate::twenty::hidden::{self, hides};
use crate::twenty::kinds::object;
use crate::twenty::mend::Unreadable;
use crate::twenty::rows::{Employer, Phones};
use crate::twenty::values::{
    Colleague, Connection, Currency, FullName, Links, full_name, money, named,
};
use crate::twenty::{self, Document, NOBODY, Query, documents, fetch};

/// The most hits that are examined for the caller's own records, and the most that Twenty gives at
/// once.
const EXAMINED: u32 = 100;
/// The most hits that are examined otherwise: the record of just this name may stand behind many
/// that begin so.
const PAGE: u32 = 60;

/// The second request.
#[derive(Debug, Serialize)]
pub struct Details {
    people: Vec<String>,
    companies: Vec<String>,
    opportunities: Vec<String>,
    tasks: Vec<String>,
}

/// The answer to [`Details`].
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
    phones: Option<Phones>,
    company: Option<Employer>,
    #[serde(default, rename = "$unreadable")]
    unreadable: Unreadable,
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
    #[serde(default, rename = "$unreadable")]
    unreadable: Unreadable,
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
    #[serde(default, rename = "$unreadable")]
    unreadable: Unreadable,
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
    #[serde(default, rename = "$unreadable")]
    unreadable: Unreadable,
}

/// The details of one record.
struct Line {
    kind: Kind,
    id: String,
    label: String,
    details: String,
    mine: bool,
    /// A person's phone number with its calling code.
    phone: Option<String>,
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
    let asked = SearchTerm::parse(&query);
    let page = if me.is_some() { EXAMINED } else { PAGE };
    let all = full_text::find(ctx, &asked, &kinds, page)?;
    let mut found = all.found;
    let examined = u32::try_from(found.len()).unwrap_or(u32::MAX);
    // A hit is looked into where it is shown, or where that decides whether it is.
    let shown = usize::from(limit);
    let looked_into = match (&asked, &me) {
        (SearchTerm::Words(_) | SearchTerm::Domain(_), None) => shown,
        _ => found.len(),
    };
    let (lines, unread) = match found.get(..looked_into.min(found.len())) {
        None | Some([]) => (Vec::new(), Vec::new()),
        Some(found) => details(ctx, found)?,
    };
    let line = |one: &SearchHit| {
        let mut lines = lines.iter();
        lines.find(|line| line.id == one.id && line.kind == one.kind)
    };
    if let SearchTerm::Phone(number) = &asked {
        for hit in &mut found {
            let phone = line(hit).and_then(|line| line.phone.as_deref());
            if phone.is_some_and(|phone| number.is(phone)) {
                hit.matched = MatchReason::Phone;
            }
        }
        found.sort_by_key(|hit| hit.matched != MatchReason::Phone);
    }

    let mut hits: Vec<Hit> = Vec::new();
    let mut more = all.more;
    for one in found {
        let line = line(&one);
        // Of an id it is not known yet whether there is such a record.
        let absent = one.matched == MatchReason::Id && line.is_none();
        if absent || (me.is_some() && !line.is_some_and(|line| line.mine)) {
            continue;
        }
        if hits.len() == shown {
            more = true;
            break;
        }
        hits.push(hit(ctx, &one, line));
    }
    let mut missing: Vec<String> = all.lost.into_iter().collect();
    missing.extend(unread);
    Ok(SearchAnswer {
        markdown: hidden::with_note(
            ctx,
            markdown(
                &query,
                &asked,
                &hits,
                examined,
                more,
                me.is_some(),
                &missing,
            ),
        ),
        missing,
        hits,
        examined,
        more,
    })
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

/// Fetches the details of hits, and the reasons where those of a kind could not be read.
fn details(ctx: &Context<'_>, found: &[SearchHit]) -> Result<(Vec<Line>, Vec<String>), Failure> {
    let ids = |kind: Kind| {
        let ids: Vec<String> = found
            .iter()
            .filter(|one| one.kind == kind)
            .map(|one| one.id.clone())
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
    let mut lines = Vec::with_capacity(found.len());
    let data = reply.data;
    let mut unread = Vec::new();
    let roots = [
        (Kind::Person, "people", data.people.is_none()),
        (Kind::Company, "companies", data.companies.is_none()),
        (
            Kind::Opportunity,
            "opportunities",
            data.opportunities.is_none(),
        ),
        (Kind::Task, "tasks", data.tasks.is_none()),
    ];
    let asked = |kind: Kind| found.iter().any(|one| one.kind == kind);
    for (_, root, absent) in roots.into_iter().filter(|(kind, ..)| asked(*kind)) {
        let why = match absent {
            true => reply.errors.root::<()>(root, None).err(),
            false => None,
        };
        let why = why.map(|failure| failure::sentence(&failure).to_owned());
        unread.extend(
            why.or_else(|| reply.errors.lost(root))
                .map(|why| format!("{root}: {why}")),
        );
    }
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
    Ok((lines, unread))
}

fn person(row: PersonLine, email: &str) -> Line {
    let mut cutter = Cutter::default();
    let company = row.company.as_ref();
    Line {
        kind: Kind::Person,
        label: cutter.label(&full_name(row.name.as_ref())),
        details: parts([
            row.job_title
                .as_ref()
                .map(|title| cutter.label(title.as_str())),
            company
                .and_then(|company| company.name.as_ref())
                .map(|name| cutter.label(name.as_str())),
            row.unreadable.describe(),
        ]),
        mine: company
            .and_then(|company| company.account_owner.as_ref())
            .is_some_and(|owner| owner.is(email)),
        phone: Phones::number(row.phones.as_ref()),
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
        kind: Kind::Company,
        label: cutter.label(named(row.name.as_ref())),
        details: parts([
            domain.map(|domain| cutter.label(domain.as_str())),
            row.unreadable.describe(),
        ]),
        mine: row
            .account_owner
            .as_ref()
            .is_some_and(|owner| owner.is(email)),
        phone: None,
        id: row.id,
        updated_at: row.updated_at,
        truncated: cutter.cut,
    }
}

fn deal(ctx: &Context<'_>, row: DealLine, email: &str) -> Line {
    let mut cutter = Cutter::default();
    let owner = row.owner.as_ref();
    Line {
        kind: Kind::Opportunity,
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
                .map(|date| format!("closes {}", ctx.zone().due(date).day)),
            match owner {
                Some(owner) => Some(cutter.label(&owner.label())),
                None if row.unreadable.has("ownerId") => None,
                None if hides(ctx, "opportunity", "ownerId") => {
                    Some("owner not readable".to_owned())
                }
                None => Some("no owner".to_owned()),
            },
            row.unreadable.describe(),
        ]),
        mine: owner.is_some_and(|owner| owner.is(email)),
        phone: None,
        id: row.id,
        updated_at: row.updated_at,
        truncated: cutter.cut,
    }
}

fn task(ctx: &Context<'_>, row: TaskLine, email: &str) -> Line {
    let mut cutter = Cutter::default();
    let assignee = row.assignee.as_ref();
    Line {
        kind: Kind::Task,
        label: cutter.label(named(row.title.as_ref())),
        details: parts([
            Some(
                row.status
                    .as_ref()
                    .map_or_else(|| "open".to_owned(), |status| cutter.label(status.as_str())),
            ),
            row.due_at
                .map(|due| format!("due {}", ctx.zone().show_due(due))),
            match assignee {
                Some(who) => Some(cutter.label(&who.label())),
                None if row.unreadable.has("assigneeId") => None,
                None if hides(ctx, "task", "assigneeId") => {
                    Some("assignee not readable".to_owned())
                }
                None => Some("unassigned".to_owned()),
            },
            row.unreadable.describe(),
        ]),
        mine: assignee.is_some_and(|who| who.is(email)),
        phone: None,
        id: row.id,
        updated_at: row.updated_at,
        truncated: cutter.cut,
    }
}

fn hit(ctx: &Context<'_>, one: &SearchHit, line: Option<&Line>) -> Hit {
    let mut cutter = Cutter::default();
    Hit {
        kind: one.kind,
        id: one.id.clone(),
        label: line.map_or_else(
            || cutter.label(named(one.label.as_ref())),
            |line| line.label.clone(),
        ),
        details: line.map_or_else(
            || "details could not be read".to_owned(),
            |line| line.details.clone(),
        ),
        matched: one.matched.describe().to_owned(),
        rank: one.rank,
        truncated: cutter.cut || line.is_some_and(|line| line.truncated),
        provenance: twenty::provenance(
            ctx,
            object(one.kind),
            &one.id,
            line.and_then(|line| line.updated_at),
        ),
    }
}

/// Suggests a next try where nothing was found.
fn hint(asked: &SearchTerm) -> &'static str {
    match asked {
        SearchTerm::Id(..) => " There is no such record, or it was deleted.",
        SearchTerm::Phone(_) => " No person has this number, and no text begins with it.",
        SearchTerm::Domain(_) => " No company has this domain; try the company's name.",
        SearchTerm::Words(_) => {
            " No name is written nearly so either: try fewer words, or another spelling of their beginning."
        }
    }
}

fn markdown(
    query: &str,
    asked: &SearchTerm,
    hits: &[Hit],
    examined: u32,
    more: bool,
    mine: bool,
    missing: &[String],
) -> String {
    let query = escape(query);
    let whose = if mine { " of yours" } else { "" };
    if hits.is_empty() {
        return match (mine, examined) {
            (true, 1..) => format!(
                "Nothing{whose} found for \u{201c}{query}\u{201d} among the first {examined} hits."
            ),
            _ => {
                let mut page = MarkdownPage::default();
                page.line(&format!(
                    "Nothing{whose} found for \u{201c}{query}\u{201d}.{}",
                    hint(asked)
                ));
                for missing in missing {
                    page.line(&format!("{}.", escape(missing)));
                }
                page.finish()
            }
        };
    }
    let found =
        crate::markdown::count(u32::try_from(hits.len()).unwrap_or(u32::MAX), "hit", "hits");
    let mut page = MarkdownPage::titled(&format!(
        "{found}{whose} for \u{201c}{query}\u{201d}{}",
        if more { ", there may be more" } else { "" }
    ));
    for hit in hits {
        let gap = if hit.details.is_empty() { "" } else { ": " };
        let matched = match hit.matched.as_str() {
            "name" | "id" => String::new(),
            other => format!(", matched by {other}"),
        };
        page.bullet(&format!(
            "{} {}{gap}{}{matched} ({})",
            object(hit.kind),
            escape(&hit.label),
            escape(&hit.details),
            hit.id
        ));
    }
    for missing in missing {
        page.line(&format!("{}.", escape(missing)));
    }
    page.finish()
}
