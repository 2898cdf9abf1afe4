//! Looks up, in one request, the record that an upsert means and the records that it is to be
//! linked to.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::assignment::Assignment;
use super::find::{Fit, LookupResult, by_fit, by_id};
use super::set::DesiredRecord;
use crate::actions::full_text;
use crate::actions::input::{self, WorkspaceMember};
use crate::actions::search_term::SearchTerm;
use crate::bindings::claw::crm::types::Kind;
use crate::context::Context;
use crate::failure::{self, Failure};
use crate::names::{Likeness, likeness};
use crate::text::Text;
use crate::twenty::records::{self, Record};
use crate::twenty::rows::Emails;
use crate::twenty::values::{Colleague, Connection, FullName, full_name, named};
use crate::twenty::{
    Document, Errors, NOBODY, NOTHING, Query, documents, fetch, fetch_mapped, pattern,
};

macro_rules! find_query {
    ($(#[$doc:meta])* $query:ident, $document:ident { $($variable:ident: $ty:ty)* } => $data:ident { $($root:ident: $row:ty)* }) => {
        $(#[$doc])*
        #[derive(Debug, Serialize)]
        #[serde(rename_all = "camelCase")]
        pub struct $query {
            $($variable: $ty,)*
        }

        #[doc = concat!("The answer to [`", stringify!($query), "`].")]
        #[derive(Debug, Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub struct $data {
            $($root: Option<Connection<$row>>,)*
        }

        impl Query for $query {
            const DOCUMENT: &'static Document = &documents::$document;
            type Answer = $data;
        }
    };
}

find_query!(
    /// Asks for a person.
    FindPerson, UPSERT_PERSON { id: String named: Vec<String> email: String other_email: String company: String } => FindPersonData {
        people: records::PersonRecord
        companies: LinkedCompany
    }
);
find_query!(
    /// Asks for a company.
    FindCompany, UPSERT_COMPANY { id: String named: Vec<String> domain: String owner: String } => FindCompanyData {
        companies: records::CompanyRecord
        workspace_members: WorkspaceMember
    }
);
find_query!(
    /// Asks for a deal.
    FindOpportunity, UPSERT_OPPORTUNITY { id: String named: Vec<String> company: String contact: String owner: String } => FindOpportunityData {
        opportunities: records::OpportunityRecord
        companies: LinkedCompany
        people: LinkedPerson
        workspace_members: WorkspaceMember
    }
);
find_query!(
    /// Asks for a task.
    FindTask, UPSERT_TASK { id: String assignee: String } => FindTaskData {
        tasks: records::TaskRecord
        workspace_members: WorkspaceMember
    }
);

/// A company to link to.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LinkedCompany {
    id: String,
    name: Option<Text>,
    #[expect(dead_code, reason = "selected for the harness: it decides by owners")]
    #[serde(rename = "accountOwnerId")]
    account_owner: Option<Colleague>,
}

/// A person to link to.
#[derive(Debug, Deserialize)]
pub(super) struct LinkedPerson {
    id: String,
    name: Option<FullName>,
    #[expect(dead_code, reason = "selected for the harness: it decides by owners")]
    company: Option<LinkedEmployer>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LinkedEmployer {
    #[expect(
        dead_code,
        reason = "selected so that what is nested in it is not lost"
    )]
    deleted_at: Option<jiff::Timestamp>,
    #[expect(dead_code, reason = "selected for the harness: it decides by owners")]
    #[serde(rename = "accountOwnerId")]
    account_owner: Option<Colleague>,
}

/// The most records that a lookup shows.
const PAGE: usize = 60;
/// The most hits of a name that are examined.
const HITS: u32 = 50;

/// Returns a text to look for, or one that no field has.
fn or_nothing(text: Option<String>) -> String {
    text.unwrap_or_else(|| NOTHING.to_owned())
}

/// Returns an id to look for, or that of nobody.
fn or_nobody(id: Option<&str>) -> String {
    id.unwrap_or(NOBODY).to_owned()
}

/// Adds the link to a record that must be there.
fn link(
    wanted: &mut DesiredRecord,
    (field, name, path): (&str, &str, &str),
    id: Option<String>,
    found: impl Iterator<Item = (String, String)>,
) -> Result<(), Failure> {
    let Some(id) = id else { return Ok(()) };
    let mut found = found;
    let (id, label) = found.find(|(known, _)| *known == id).ok_or_else(|| {
        failure::not_found(
            format!("{field}: there is no record of this id, or it was deleted."),
            format!("Search for the {name} with crm_search and give its id as `{field}`."),
        )
    })?;
    wanted.assignments.push(Assignment::with_display(
        name,
        path,
        Value::from(id),
        &label,
    ));
    Ok(())
}

fn companies(
    errors: &Errors,
    found: Option<Connection<LinkedCompany>>,
) -> Result<impl Iterator<Item = (String, String)>, Failure> {
    let rows = errors.root("companies", found)?.rows();
    Ok(rows.map(|row| (row.id, named(row.name.as_ref()).to_owned())))
}

/// Adds the member that was named by address.
fn member(
    ctx: &Context<'_>,
    wanted: &mut DesiredRecord,
    (field, name, path): (&str, &str, &str),
    errors: &Errors,
    found: Option<Connection<WorkspaceMember>>,
) -> Result<(), Failure> {
    let Some(address) = wanted.member.take() else {
        return Ok(());
    };
    let rows = errors.root("workspaceMembers", found)?.rows();
    let member = input::member(ctx, field, &address, rows)?;
    let label = member.label();
    wanted.assignments.push(Assignment::with_display(
        name,
        path,
        Value::from(member.id),
        &label,
    ));
    Ok(())
}

/// Compares addresses, ignoring case.
fn is_address(held: &str, asked: &str) -> bool {
    held.trim().to_lowercase() == asked.to_lowercase()
}

/// Finds the ids of records by name, however it is written: the CRM's search does not match
/// accents.
fn named_so(ctx: &Context<'_>, kind: Kind, name: Option<&str>) -> Result<Vec<String>, Failure> {
    let Some(name) = name else {
        return Ok(vec![NOBODY.to_owned()]);
    };
    let all = full_text::find(ctx, &SearchTerm::Words(name.to_owned()), &[kind], HITS)?;
    let ids: Vec<String> = all.found.into_iter().map(|one| one.id).collect();
    Ok(if ids.is_empty() {
        vec![NOBODY.to_owned()]
    } else {
        ids
    })
}

/// Rates a record by its name, where something else may tell it apart from the wanted one.
fn by_name(likeness: Likeness, told_apart: bool) -> Fit {
    match (likeness, told_apart) {
        (Likeness::Exact, false) => Fit::Name,
        (Likeness::Exact, true) => Fit::Namesake,
        (Likeness::Loose | Likeness::Exchanged, _) => Fit::Alike,
        (Likeness::Words | Likeness::Other, _) => Fit::Not,
    }
}

fn pick(
    kind: Kind,
    id: Option<&str>,
    records: Vec<Record>,
    lost: Option<String>,
    fit: impl Fn(&Record) -> Fit,
) -> Result<LookupResult, Failure> {
    let full = records.len() >= PAGE;
    match id {
        Some(id) => by_id(kind, id, records, fit),
        None => {
            let mut found = by_fit(kind, records, fit)?;
            if let Some(lost) = lost.filter(|_| found.record.is_none()) {
                found.warnings.push(format!(
                    "Of the records that look like this one, {lost}: the record may be there already."
                ));
            }
            if full && found.record.is_none() {
                found.warnings.push(format!(
                    "More than {PAGE} records look like this one; the record may be there and not among those that were looked at."
                ));
            }
            Ok(found)
        }
    }
}

pub(super) fn person(
    ctx: &Context<'_>,
    id: Option<&str>,
    mut wanted: DesiredRecord,
) -> Result<(DesiredRecord, LookupResult), Failure> {
    let email = wanted.text("emails.primaryEmail").map(str::to_owned);
    let names = wanted
        .text("name.firstName")
        .zip(wanted.text("name.lastName"))
        .map(|(first, last)| (first.to_owned(), last.to_owned()));
    let full = names
        .as_ref()
        .filter(|_| id.is_none())
        .map(|(first, last)| format!("{first} {last}"));
    let reply = fetch(
        ctx,
        &FindPerson {
            id: or_nobody(id),
            named: named_so(ctx, Kind::Person, full.as_deref())?,
            email: or_nothing(email.clone()),
            other_email: or_nothing(email.as_ref().map(|email| format!("%{}%", pattern(email)))),
            company: or_nobody(wanted.company.as_deref()),
        },
    )?;
    let people = reply.errors.root("people", reply.data.people)?;
    let company = wanted.company.take();
    let rows = companies(&reply.errors, reply.data.companies)?;
    link(
        &mut wanted,
        ("company", "company", "companyId"),
        company,
        rows,
    )?;

    let fit = |record: &Record| {
        let Record::Person(person) = record else {
            return Fit::Not;
        };
        let held = person.email().filter(|held| !held.is_empty());
        let others = person.emails.iter().flat_map(Emails::additional);
        let addresses: Vec<String> = held
            .map(|held| held.as_str().to_owned())
            .into_iter()
            .chain(others)
            .collect();
        let same = |email: &String| addresses.iter().any(|held| is_address(held, email));
        if email.as_ref().is_some_and(same) {
            return Fit::Address;
        }
        let name = full_name(person.name.as_ref());
        let likeness = full
            .as_ref()
            .map_or(Likeness::Other, |full| likeness(full, &name));
        by_name(likeness, email.is_some() && !addresses.is_empty())
    };
    let records = people
        .rows()
        .map(|row| Record::Person(row).masked(ctx))
        .collect();
    let mut found = pick(Kind::Person, id, records, reply.errors.lost("people"), fit)?;
    if id.is_none() && email.is_none() && names.is_none() {
        found.warnings.push(
            "Without an e-mail address or both names nobody could look whether this person is there already."
                .to_owned(),
        );
    }
    Ok((wanted, found))
}

pub(super) fn company(
    ctx: &Context<'_>,
    id: Option<&str>,
    mut wanted: DesiredRecord,
) -> Result<(DesiredRecord, LookupResult), Failure> {
    let domain = wanted.text("domainName.primaryLinkUrl").map(str::to_owned);
    let name = wanted
        .text("name")
        .filter(|_| id.is_none())
        .map(str::to_owned);
    let reply = fetch(
        ctx,
        &FindCompany {
            id: or_nobody(id),
            named: named_so(ctx, Kind::Company, name.as_deref())?,
            domain: or_nothing(
                domain
                    .as_ref()
                    .map(|domain| format!("%{}%", pattern(domain))),
            ),
            owner: input::member_pattern(wanted.member.as_deref()),
        },
    )?;
    let rows = reply.errors.root("companies", reply.data.companies)?;
    let members = reply.data.workspace_members;
    let owner = ("owner", "account owner", "accountOwnerId");
    member(ctx, &mut wanted, owner, &reply.errors, members)?;

    let fit = |record: &Record| {
        let Record::Company(company) = record else {
            return Fit::Not;
        };
        let held = company.link().filter(|held| !held.is_empty());
        let same =
            |domain: &String| held.is_some_and(|held| records::domain(held.as_str()) == *domain);
        if domain.as_ref().is_some_and(same) {
            return Fit::Address;
        }
        let likeness = name.as_ref().map_or(Likeness::Other, |name| {
            likeness(name, named(company.name.as_ref()))
        });
        by_name(likeness, domain.is_some() && held.is_some())
    };
    let records = rows
        .rows()
        .map(|row| Record::Company(row).masked(ctx))
        .collect();
    Ok((
        wanted,
        pick(
            Kind::Company,
            id,
            records,
            reply.errors.lost("companies"),
            fit,
        )?,
    ))
}

pub(super) fn opportunity(
    ctx: &Context<'_>,
    id: Option<&str>,
    mut wanted: DesiredRecord,
) -> Result<(DesiredRecord, LookupResult), Failure> {
    let name = wanted
        .text("name")
        .filter(|_| id.is_none())
        .map(str::to_owned);
    let (reply, mapped) = fetch_mapped(
        ctx,
        &FindOpportunity {
            id: or_nobody(id),
            named: named_so(ctx, Kind::Opportunity, name.as_deref())?,
            company: or_nobody(wanted.company.as_deref()),
            contact: or_nobody(wanted.contact.as_deref()),
            owner: input::member_pattern(wanted.member.as_deref()),
        },
    )?;
    let (data, errors) = (reply.data, &reply.errors);
    let rows = errors.root("opportunities", data.opportunities)?;
    let company = wanted.company.take();
    let linked = companies(errors, data.companies)?;
    link(
        &mut wanted,
        ("company", "company", "companyId"),
        company.clone(),
        linked,
    )?;
    let contact = wanted.contact.take();
    let people = errors.root("people", data.people)?.rows();
    let people = people.map(|row| (row.id, full_name(row.name.as_ref())));
    link(
        &mut wanted,
        ("contact", "contact", "pointOfContactId"),
        contact,
        people,
    )?;
    let owner = ("owner", "owner", "ownerId");
    member(ctx, &mut wanted, owner, errors, data.workspace_members)?;

    let fit = |record: &Record| {
        let Record::Opportunity(deal) = record else {
            return Fit::Not;
        };
        let likeness = name.as_ref().map_or(Likeness::Other, |name| {
            likeness(name, named(deal.name.as_ref()))
        });
        let held = deal.company.as_ref().map(|company| &company.id);
        let elsewhere = company
            .as_ref()
            .is_some_and(|company| held != Some(company));
        by_name(likeness, elsewhere)
    };
    let records = rows
        .rows()
        .map(|row| Record::Opportunity(row).with_mapped(&mapped).masked(ctx))
        .collect();
    Ok((
        wanted,
        pick(
            Kind::Opportunity,
            id,
            records,
            errors.lost("opportunities"),
            fit,
        )?,
    ))
}

pub(super) fn task(
    ctx: &Context<'_>,
    id: Option<&str>,
    mut wanted: DesiredRecord,
) -> Result<(DesiredRecord, LookupResult), Failure> {
    if id.is_none() && wanted.member.is_none() {
        // Tasks of one title are many: a new one is never taken for an old one.
        let nothing = pick(Kind::Task, None, Vec::new(), None, |_| Fit::Not)?;
        return Ok((wanted, nothing));
    }
    let reply = fetch(
        ctx,
        &FindTask {
            id: or_nobody(id),
            assignee: input::member_pattern(wanted.member.as_deref()),
        },
    )?;
    let rows = reply.errors.root("tasks", reply.data.tasks)?;
    let members = reply.data.workspace_members;
    let assignee = ("assignee", "assignee", "assigneeId");
    member(ctx, &mut wanted, assignee, &reply.errors, members)?;
    let records = rows
        .rows()
        .map(|row| Record::Task(row).masked(ctx))
        .collect();
    let found = pick(Kind::Task, id, records, None, |_| Fit::Not)?;
    Ok((wanted, found))
}
