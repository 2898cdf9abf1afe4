//! `follow_up`: proposes a task linked to a person, a company or a deal. Two writes: in one request they would race, so the task
//! comes first; if it cannot be linked, it is deleted again.

use serde::{Deserialize, Serialize};

use super::given::{self, Member, reference};
use super::{is_uuid, object, parts, search, words};
use crate::bindings::claw::crm::types::Kind;
use crate::bindings::claw::skill::types::Candidate;
use crate::bindings::exports::claw::crm::propose::{FollowUpRequest, Plan};
use crate::context::Context;
use crate::day;
use crate::failure::{self, Failure};
use crate::plan::{Draft, Ids, caller, plan};
use crate::text::{self, Cutter, Text};
use crate::twenty::records::Emails;
use crate::twenty::values::{Address, Connection, FullName, JustName, Links, full_name, named};
use crate::twenty::{Document, NOBODY, Query, documents, fetch, mutations};

/// How many hits of a name are looked at.
const HITS: u32 = 20;
/// How many candidates are offered.
const CANDIDATES: usize = 10;

/// Asks what a follow-up can be about, and who is to do it.
#[derive(Debug, Serialize)]
pub struct Lookup {
    people: Vec<String>,
    companies: Vec<String>,
    opportunities: Vec<String>,
    assignee: String,
}

/// What it answers.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LookupData {
    people: Option<Connection<Person>>,
    companies: Option<Connection<Company>>,
    opportunities: Option<Connection<Deal>>,
    workspace_members: Option<Connection<Member>>,
}

impl Query for Lookup {
    const DOCUMENT: &'static Document = &documents::FOLLOW_UP;
    type Answer = LookupData;
}

#[derive(Debug, Deserialize)]
struct Person {
    id: String,
    name: Option<FullName>,
    emails: Option<Emails>,
    company: Option<Employer>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Employer {
    name: Option<Text>,
    #[expect(dead_code, reason = "selected for the harness: it decides by owners")]
    account_owner: Option<Address>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Company {
    id: String,
    name: Option<Text>,
    domain_name: Option<Links>,
    #[expect(dead_code, reason = "selected for the harness: it decides by owners")]
    account_owner: Option<Address>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Deal {
    id: String,
    name: Option<Text>,
    stage: Text,
    close_date: Option<jiff::Timestamp>,
    company: Option<JustName>,
    #[expect(dead_code, reason = "selected for the harness: it decides by owners")]
    owner: Option<Address>,
}

/// A record that the follow-up may be about.
#[derive(Debug)]
struct Subject {
    kind: Kind,
    id: String,
    label: String,
    details: String,
    /// By what else than its name it may be meant: an address, a domain.
    alias: String,
}

/// What is asked, as it counts for ids.
#[derive(Serialize)]
struct Asked<'a> {
    about: &'a str,
    title: &'a str,
    note: Option<&'a str>,
    due: &'a str,
    assignee: &'a str,
}

/// Runs the action. Nothing is written.
///
/// # Errors
/// As `failure` says: `not-found` and `ambiguous` speak of what the follow-up is about.
pub fn follow_up(ctx: &Context<'_>, request: &FollowUpRequest) -> Result<Plan, Failure> {
    caller(ctx)?;
    let about = words("about", &request.about)?;
    let title = given::line("title", &request.title)?;
    let note = request
        .note
        .as_deref()
        .map(|note| given::note("note", note))
        .transpose()?
        .flatten();
    let deadline = day::deadline(ctx.zone(), "due", &request.due)?;
    let assignee = request.assignee.as_deref().unwrap_or("me");
    let address = given::member_address(ctx, "assignee", assignee)?;

    let (subject, member) = look_up(ctx, &about, &address)?;
    let due = text::instant(deadline);
    let asked = Asked {
        about: &subject.id,
        title: &title,
        note: note.as_deref(),
        due: &due,
        assignee: &member.id,
    };
    let ids = Ids::new(ctx, "follow-up", request.idempotency_key.as_deref(), &asked)?;
    let task = ids.id("task");

    let shown = ctx.zone().show(deadline);
    let whom = format!("{} \u{201c}{}\u{201d}", spoken(subject.kind), subject.label);
    let who = member.label();
    let mut warnings = Vec::new();
    if deadline < ctx.now {
        warnings.push(format!("The task is due in the past ({shown})."));
    }
    let steps = vec![
        make(&task, &asked, &shown, &who)?,
        link(&ids, &task, &subject, &whom)?,
        Draft::new(
            "delete-task",
            &documents::DELETE_TASK,
            &serde_json::json!({ "id": task }),
            format!(
                "Delete the task \u{201c}{title}\u{201d} again, because it could not be linked."
            ),
        )?
        .compensating("link-task"),
    ];
    Ok(plan(
        &ids,
        format!("Make a task \u{201c}{title}\u{201d} for {who}, due {shown}, about the {whom}."),
        vec![reference(subject.kind, &subject.id)],
        warnings,
        steps,
    ))
}

fn make(task: &str, asked: &Asked<'_>, due: &str, who: &str) -> Result<Draft, Failure> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Variables<'a> {
        id: &'a str,
        title: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        markdown: Option<&'a str>,
        due_at: &'a str,
        assignee_id: &'a str,
    }
    let document = if asked.note.is_some() {
        &documents::CREATE_TASK_WITH_NOTE
    } else {
        &documents::CREATE_TASK
    };
    Draft::new(
        "create-task",
        document,
        &Variables {
            id: task,
            title: asked.title,
            markdown: asked.note,
            due_at: asked.due,
            assignee_id: asked.assignee,
        },
        format!(
            "Make the task \u{201c}{}\u{201d} for {who}, due {due}.",
            asked.title
        ),
    )
}

fn link(ids: &Ids, task: &str, subject: &Subject, whom: &str) -> Result<Draft, Failure> {
    let (document, target) = mutations::link(subject.kind).ok_or_else(|| {
        failure::invalid_input(
            "about",
            "a task cannot be linked to a task",
            "Name a person, a company or a deal.",
        )
    })?;
    let variables = serde_json::json!({ "id": ids.id("link"), "taskId": task, target: subject.id });
    Draft::new(
        "link-task",
        document,
        &variables,
        format!("Link it to the {whom}."),
    )
}

fn spoken(kind: Kind) -> &'static str {
    match kind {
        Kind::Opportunity => "deal",
        other => object(other),
    }
}

/// The record that is meant and the member who is to do it: one request for an id, two for a name.
fn look_up(ctx: &Context<'_>, about: &str, address: &str) -> Result<(Subject, Member), Failure> {
    let by_id = is_uuid(about);
    let hits = if by_id {
        Vec::new()
    } else {
        let kinds = [Kind::Person, Kind::Company, Kind::Opportunity];
        let hits = search::ids(ctx, about, &kinds, HITS)?;
        if hits.is_empty() {
            return Err(missing(about));
        }
        hits
    };
    let ids = |wanted: Kind| {
        if by_id {
            return vec![about.to_ascii_lowercase()];
        }
        let ids: Vec<String> = hits
            .iter()
            .filter(|(kind, _)| *kind == wanted)
            .map(|(_, id)| id.clone())
            .collect();
        if ids.is_empty() {
            vec![NOBODY.to_owned()]
        } else {
            ids
        }
    };
    let reply = fetch(
        ctx,
        &Lookup {
            people: ids(Kind::Person),
            companies: ids(Kind::Company),
            opportunities: ids(Kind::Opportunity),
            assignee: given::member_pattern(Some(address)),
        },
    )?;
    let (data, errors) = (reply.data, &reply.errors);
    let members = errors.root("workspaceMembers", data.workspace_members)?;
    let mut subjects: Vec<Subject> = Vec::new();
    subjects.extend(errors.root("people", data.people)?.rows().map(person));
    subjects.extend(
        errors
            .root("companies", data.companies)?
            .rows()
            .map(company),
    );
    subjects.extend(
        errors
            .root("opportunities", data.opportunities)?
            .rows()
            .map(|row| deal(ctx, row)),
    );
    // In the order of the hits: best first.
    subjects.sort_by_key(|subject| hits.iter().position(|(_, id)| *id == subject.id));
    let subject = if by_id {
        subjects.into_iter().next().ok_or_else(|| missing(about))
    } else {
        meant(about, subjects)
    }?;
    let member = given::member(ctx, "assignee", address, members.rows())?;
    Ok((subject, member))
}

fn missing(about: &str) -> Failure {
    failure::not_found(
        format!("There is no person, company or deal \"{about}\", or it was deleted."),
        "Search for it with crm_search and give its id as `about`.",
    )
}

/// The record that a name means: the one of that name or address, else the only one that has every word of it. A hit with some of
/// the words only is offered, never taken.
fn meant(name: &str, mut subjects: Vec<Subject>) -> Result<Subject, Failure> {
    let wanted = name.to_lowercase();
    let exact = |subject: &Subject| {
        subject.label.to_lowercase() == wanted
            || (!subject.alias.is_empty() && subject.alias == wanted)
    };
    let all_words = |subject: &Subject| {
        let text = format!("{} {}", subject.label, subject.alias).to_lowercase();
        wanted.split(' ').all(|word| text.contains(word))
    };
    let one = |fits: &dyn Fn(&Subject) -> bool| {
        let mut fitting = (0..).zip(&subjects).filter(|(_, subject)| fits(subject));
        match (fitting.next(), fitting.next()) {
            (Some((at, _)), None) => Some(at),
            _ => None,
        }
    };
    let several_exact = subjects.iter().filter(|subject| exact(subject)).count() > 1;
    let at = one(&exact).or_else(|| if several_exact { None } else { one(&all_words) });
    if let Some(at) = at {
        return Ok(subjects.swap_remove(at));
    }
    if subjects.is_empty() {
        return Err(missing(name));
    }
    if several_exact {
        subjects.retain(exact);
    }
    let candidates = subjects
        .into_iter()
        .take(CANDIDATES)
        .map(|subject| Candidate {
            ref_: reference(subject.kind, &subject.id),
            label: subject.label,
            details: subject.details,
        })
        .collect();
    Err(failure::ambiguous(
        "about",
        format!("\"{name}\" does not say which record is meant."),
        candidates,
    ))
}

fn person(row: Person) -> Subject {
    let mut cutter = Cutter::default();
    let company = row.company.and_then(|company| company.name);
    let email = row.emails.and_then(|emails| emails.primary_email);
    let email = email.map(|email| cutter.label(email.as_str()));
    Subject {
        kind: Kind::Person,
        id: row.id,
        label: cutter.label(&full_name(row.name.as_ref())),
        details: parts([
            company.map(|company| cutter.label(company.as_str())),
            email.clone(),
        ]),
        alias: email.unwrap_or_default().to_lowercase(),
    }
}

fn company(row: Company) -> Subject {
    let mut cutter = Cutter::default();
    let link = row.domain_name.and_then(|domain| domain.primary_link_url);
    let domain = link.map(|link| crate::twenty::records::domain(link.as_str()));
    let domain = domain.map(|domain| cutter.label(&domain));
    Subject {
        kind: Kind::Company,
        id: row.id,
        label: cutter.label(named(row.name.as_ref())),
        details: parts([domain.clone()]),
        alias: domain.unwrap_or_default(),
    }
}

fn deal(ctx: &Context<'_>, row: Deal) -> Subject {
    let mut cutter = Cutter::default();
    let company = row.company.and_then(|company| company.name);
    Subject {
        kind: Kind::Opportunity,
        id: row.id,
        label: cutter.label(named(row.name.as_ref())),
        details: parts([
            Some(cutter.label(row.stage.as_str())),
            row.close_date
                .map(|date| format!("closes {}", ctx.zone().date(date))),
            company.map(|name| cutter.label(name.as_str())),
        ]),
        alias: String::new(),
    }
}
