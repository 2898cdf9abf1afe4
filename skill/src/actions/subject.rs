//! Resolves the subject of a proposal: the person, company or deal with an id or a name.

use serde::{Deserialize, Serialize};

use super::full_text::{self, MatchReason, SearchHit};
use super::input::{self, WorkspaceMember, reference};
use super::render::{parts, some};
use super::search_term::SearchTerm;
use crate::bindings::claw::crm::types::{Kind, Link};
use crate::bindings::claw::skill::types::Candidate;
use crate::context::Context;
use crate::failure::{self, Failure};
use crate::names::{self, Choice, Likeness};
use crate::text::{Cutter, Text};
use crate::tezit::envelope::{self, DealView, DisclosureLog, Envelope, FieldSelection};
use crate::twenty::custom::Mapped;
use crate::twenty::kinds::{object, spoken};
use crate::twenty::mend::Unreadable;
use crate::twenty::rows::{Deal, Emails, Person, Phones};
use crate::twenty::values::{Colleague, Connection, Links, full_name, named};
use crate::twenty::{Document, NOBODY, Query, documents, fetch_mapped};

/// The most hits of a name that are examined.
const HITS: u32 = 60;
/// The most candidates that are offered.
const CANDIDATES: usize = 10;

/// Asks for possible subjects of a proposal, and for the assignee.
#[derive(Debug, Serialize)]
pub struct Lookup {
    people: Vec<String>,
    companies: Vec<String>,
    opportunities: Vec<String>,
    assignee: String,
}

/// The answer to [`Lookup`].
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LookupData {
    people: Option<Connection<Person>>,
    companies: Option<Connection<CompanyCandidate>>,
    opportunities: Option<Connection<Deal>>,
    workspace_members: Option<Connection<WorkspaceMember>>,
}

impl Query for Lookup {
    const DOCUMENT: &'static Document = &documents::FOLLOW_UP;
    type Answer = LookupData;
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CompanyCandidate {
    id: String,
    name: Option<Text>,
    domain_name: Option<Links>,
    #[expect(dead_code, reason = "selected for the harness: it decides by owners")]
    #[serde(rename = "accountOwnerId")]
    account_owner: Option<Colleague>,
    #[serde(default, rename = "$unreadable")]
    unreadable: Unreadable,
}

/// A record that a proposal may be about.
#[derive(Debug)]
pub(super) struct Subject {
    /// The kind of record.
    pub(super) kind: Kind,
    /// Its id.
    pub(super) id: String,
    /// Its name.
    pub(super) label: String,
    details: String,
    /// Other names: addresses, a domain.
    aliases: Vec<String>,
    /// A person's phone number.
    phone: Option<String>,
    row: SubjectRow,
}

#[derive(Debug)]
enum SubjectRow {
    Person(Person),
    Company,
    Deal {
        deal: Deal,
        next_step: Option<String>,
    },
}

impl Subject {
    /// Returns kind and name for whoever decides: `deal “Acme”`.
    pub(super) fn shown(&self) -> String {
        format!("{} \u{201c}{}\u{201d}", self.spoken(), self.label)
    }

    /// Returns the kind for people.
    pub(super) fn spoken(&self) -> &'static str {
        spoken(self.kind)
    }

    /// Returns a link to the record.
    pub(super) fn link(&self) -> Link {
        Link {
            kind: self.kind,
            id: self.id.clone(),
            label: self.label.clone(),
        }
    }

    /// Returns the owner's name, if the owner is this member.
    pub(super) fn owned_by(&self, member: &str) -> Option<String> {
        let SubjectRow::Deal { deal, .. } = &self.row else {
            return None;
        };
        let owner = deal.owner.as_ref().filter(|owner| owner.id == member)?;
        owner.name.as_ref().map(|name| name.text())
    }

    /// Returns the envelope with default fields; a company has none.
    pub(super) fn envelope(&self, ctx: &Context<'_>, log: &mut DisclosureLog) -> Option<Envelope> {
        let wanted = FieldSelection::Default(&[]);
        match &self.row {
            SubjectRow::Person(person) => Some(envelope::contact(log, person, wanted)),
            SubjectRow::Company => None,
            SubjectRow::Deal { deal, next_step } => {
                let view = DealView::from_row(deal, Some(next_step.clone()));
                Some(envelope::deal(ctx, log, &view, wanted))
            }
        }
    }

    /// Returns kind and name for a text that leaves, and logs the disclosure. A company's name is
    /// no shared field: it is used only where the caller wrote it (`about`).
    pub(super) fn named(&self, about: &str, log: &mut DisclosureLog) -> String {
        let shared = envelope::ShareableKind::named(object(self.kind));
        match shared {
            Some(kind) => log.disclose(kind, &self.id, "name"),
            None if self.label.to_lowercase() != about.to_lowercase() => {
                return format!("{} {}", self.spoken(), self.id);
            }
            None => {}
        }
        let label = log.redact_line(&self.label);
        format!("{} \u{201c}{label}\u{201d}", self.spoken())
    }
}

/// Finds the record that is meant, and the members with an address, if one is asked for: one
/// request for an id, two for a name.
///
/// # Errors
/// `not-found` and `ambiguous` speak of the record.
pub(super) fn look_up(
    ctx: &Context<'_>,
    about: &str,
    address: Option<&str>,
) -> Result<(Subject, Vec<WorkspaceMember>), Failure> {
    let (subjects, members) = look_up_all(ctx, &[about.to_owned()], address)?;
    let subject = subjects.into_iter().next().ok_or_else(|| missing(about))?;
    Ok((subject, members))
}

/// A name of a record, and what the search found for it, best first.
struct Sought<'a> {
    name: &'a str,
    term: SearchTerm,
    hits: Vec<SearchHit>,
}

impl Sought<'_> {
    fn is_hit(&self, subject: &Subject) -> bool {
        self.hits.iter().any(|hit| hit.id == subject.id)
    }
}

/// Finds the records that are meant, in the order of their names, and the members with an address,
/// if one is asked for: one request for all, and a search for each that is no id.
///
/// # Errors
/// `not-found` and `ambiguous` speak of the first record that they are true of; `invalid-input`
/// where two names mean one record.
pub(super) fn look_up_all(
    ctx: &Context<'_>,
    about: &[String],
    address: Option<&str>,
) -> Result<(Vec<Subject>, Vec<WorkspaceMember>), Failure> {
    let kinds = [Kind::Person, Kind::Company, Kind::Opportunity];
    let mut sought: Vec<Sought<'_>> = Vec::new();
    for name in about {
        let term = SearchTerm::parse(name);
        let found = full_text::find(ctx, &term, &kinds, HITS);
        let mut hits = found.map_err(|failure| of(failure, about, name))?.found;
        if hits.is_empty() {
            return Err(missing(name));
        }
        if about.len() > 1 {
            // One page of each kind has to hold the hits of all names; the best come first.
            hits.truncate(usize::try_from(HITS).unwrap_or_default() / about.len());
        }
        sought.push(Sought { name, term, hits });
    }
    let ids = |wanted: Kind| {
        let hits = sought.iter().flat_map(|one| &one.hits);
        let mut ids: Vec<String> = Vec::new();
        for hit in hits.filter(|hit| hit.kind == wanted) {
            if !ids.contains(&hit.id) {
                ids.push(hit.id.clone());
            }
        }
        if ids.is_empty() {
            vec![NOBODY.to_owned()]
        } else {
            ids
        }
    };
    let (reply, mapped) = fetch_mapped(
        ctx,
        &Lookup {
            people: ids(Kind::Person),
            companies: ids(Kind::Company),
            opportunities: ids(Kind::Opportunity),
            assignee: input::member_pattern(address),
        },
    )?;
    let (data, errors) = (reply.data, &reply.errors);
    let members = errors.root("workspaceMembers", data.workspace_members)?;
    let mut subjects: Vec<Subject> = Vec::new();
    // Where a kind cannot be read nothing is proposed: a record of it may be meant.
    let mut unread: Vec<(Kind, Failure)> = Vec::new();
    match errors.root("people", data.people) {
        Ok(rows) => subjects.extend(rows.rows().map(person)),
        Err(failure) => unread.push((Kind::Person, failure)),
    }
    match errors.root("companies", data.companies) {
        Ok(rows) => subjects.extend(rows.rows().map(company)),
        Err(failure) => unread.push((Kind::Company, failure)),
    }
    match errors.root("opportunities", data.opportunities) {
        Ok(rows) => subjects.extend(rows.rows().map(|row| deal(ctx, row, &mapped))),
        Err(failure) => unread.push((Kind::Opportunity, failure)),
    }
    if let Some((kind, failure)) = unread.into_iter().next() {
        // An id that another kind has is not the one that could not be read.
        let is_unread = |one: &&Sought<'_>| {
            one.hits.iter().any(|hit| hit.kind == kind)
                && !(matches!(one.term, SearchTerm::Id(..))
                    && subjects.iter().any(|subject| one.is_hit(subject)))
        };
        return Err(match sought.iter().find(is_unread) {
            Some(one) => of(failure, about, one.name),
            None => failure,
        });
    }
    let mut chosen: Vec<usize> = Vec::new();
    for one in &sought {
        let mut fitting: Vec<(usize, &Subject)> = subjects
            .iter()
            .enumerate()
            .filter(|(_, subject)| one.is_hit(subject))
            .collect();
        // In the order of the hits: best first.
        fitting.sort_by_key(|(_, subject)| one.hits.iter().position(|hit| hit.id == subject.id));
        let all: Vec<&Subject> = fitting.iter().map(|(_, subject)| *subject).collect();
        let at = pick(one.name, &one.term, &all, &one.hits)?;
        let at = fitting.get(at).map(|(at, _)| *at);
        let at = at.ok_or_else(|| missing(one.name))?;
        if let Some(before) = chosen.iter().position(|other| *other == at) {
            let earlier = sought.get(before).map_or("", |one| one.name);
            return Err(named_twice(earlier, one.name));
        }
        chosen.push(at);
    }
    let mut subjects: Vec<Option<Subject>> = subjects.into_iter().map(Some).collect();
    let chosen = chosen
        .into_iter()
        .filter_map(|at| subjects.get_mut(at).and_then(Option::take));
    Ok((chosen.collect(), members.rows().collect()))
}

/// Says of which of several records a failure speaks.
fn of(failure: Failure, about: &[String], name: &str) -> Failure {
    if about.len() > 1 {
        failure::naming(failure, &format!("\"{name}\" could not be read"))
    } else {
        failure
    }
}

fn named_twice(earlier: &str, name: &str) -> Failure {
    let reason = if earlier == name {
        format!("\"{name}\" is named twice")
    } else {
        format!("\"{earlier}\" and \"{name}\" are the same record")
    };
    failure::invalid_input("about", reason, "Name each record once.")
}

fn missing(about: &str) -> Failure {
    failure::not_found(
        format!("There is no person, company or deal \"{about}\", or it was deleted."),
        "Search for it with crm_search and give its id as `about`.",
    )
}

/// Picks the record that is meant: the one of the id or the number; the one of that name, address
/// or domain, whatever the accents; else the only one with every word of it. Records with most of
/// the words or a similar spelling are offered, never taken; one that only has a word or the
/// beginning of one is another record.
fn pick(
    name: &str,
    asked: &SearchTerm,
    subjects: &[&Subject],
    hits: &[SearchHit],
) -> Result<usize, Failure> {
    let choice = match asked {
        SearchTerm::Id(..) => (0..subjects.len()).next().map_or(Choice::None, Choice::One),
        SearchTerm::Phone(number) => {
            let held =
                |subject: &Subject| subject.phone.as_ref().is_some_and(|held| number.is(held));
            let fitting: Vec<usize> = (0..)
                .zip(subjects)
                .filter(|(_, subject)| held(subject))
                .map(|(at, _)| at)
                .collect();
            match fitting.as_slice() {
                [] => Choice::None,
                [one] => Choice::One(*one),
                _ => Choice::Several(fitting),
            }
        }
        SearchTerm::Domain(words) | SearchTerm::Words(words) => {
            let records = subjects
                .iter()
                .map(|subject| (subject.label.as_str(), subject.aliases.as_slice()));
            names::choose(words, Likeness::Exact, records)
        }
    };
    let mut subjects = subjects.to_vec();
    match choice {
        Choice::One(at) => return Ok(at),
        Choice::Several(fitting) => {
            let mut at = 0..;
            subjects.retain(|_| at.next().is_some_and(|at: usize| fitting.contains(&at)));
        }
        Choice::None => subjects.retain(|subject| match asked {
            SearchTerm::Phone(number) => {
                let held = subject.phone.as_ref();
                held.is_some_and(|held| number.is_in(held))
            }
            _ => {
                let hit = hits.iter().find(|one| one.id == subject.id);
                let aliases = subject.aliases.iter().map(String::as_str);
                let names: Vec<&str> = aliases.chain([subject.label.as_str()]).collect();
                hit.is_some_and(|one| one.matched == MatchReason::SimilarName)
                    || names::is_near(name, &names)
            }
        }),
    }
    if subjects.is_empty() {
        return Err(missing(name));
    }
    let candidates = subjects
        .into_iter()
        .take(CANDIDATES)
        .map(|subject| Candidate {
            ref_: reference(subject.kind, &subject.id),
            label: subject.label.clone(),
            details: subject.details.clone(),
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
    let company = row.company.as_ref();
    let company = company.and_then(|company| some(company.name.as_ref(), &mut cutter));
    let email = row.emails.as_ref();
    let email = email.and_then(|emails| some(emails.primary_email.as_ref(), &mut cutter));
    Subject {
        kind: Kind::Person,
        id: row.id.clone(),
        label: cutter.label(&full_name(row.name.as_ref())),
        details: parts([company, email.clone(), row.unreadable.describe()]),
        aliases: email
            .into_iter()
            .chain(row.emails.iter().flat_map(Emails::additional))
            .collect(),
        phone: Phones::number(row.phones.as_ref()),
        row: SubjectRow::Person(row),
    }
}

fn company(row: CompanyCandidate) -> Subject {
    let mut cutter = Cutter::default();
    let link = row.domain_name.and_then(|domain| domain.primary_link_url);
    let domain = link.map(|link| crate::twenty::records::domain(link.as_str()));
    let domain = domain.map(|domain| cutter.label(&domain));
    Subject {
        kind: Kind::Company,
        id: row.id,
        label: cutter.label(named(row.name.as_ref())),
        details: parts([domain.clone(), row.unreadable.describe()]),
        aliases: domain.into_iter().collect(),
        phone: None,
        row: SubjectRow::Company,
    }
}

fn deal(ctx: &Context<'_>, row: Deal, mapped: &Mapped) -> Subject {
    let mut cutter = Cutter::default();
    let company = row.company.as_ref();
    Subject {
        kind: Kind::Opportunity,
        id: row.id.clone(),
        label: cutter.label(named(row.name.as_ref())),
        details: parts([
            Some(cutter.label(row.stage.as_str())),
            row.close_date
                .map(|date| format!("closes {}", ctx.zone().due(date).day)),
            company.and_then(|company| some(company.name.as_ref(), &mut cutter)),
            row.unreadable.describe(),
        ]),
        aliases: Vec::new(),
        phone: None,
        row: SubjectRow::Deal {
            next_step: mapped.text(&row.id),
            deal: row,
        },
    }
}
