//! Resolves the members whom records name. A document selects the id of an owner or assignee alone,
//! never the relation: beside the relation the service hides the id of a deleted member too, and
//! what is left reads as if there were no owner. So an owner is known (a member has the id), none
//! (no id), or unknown (no member has the id).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::documents::{self, Document, Query};
use super::request::{Prepared, prepare};
use super::response::decode;
use super::values::{Colleague, Connection, FullName, full_name};
use crate::context::Context;
use crate::failure::Failure;
use crate::text::Text;
use crate::transport::Outcome;

/// The fields that hold a member's id.
const FIELDS: [&str; 3] = ["ownerId", "accountOwnerId", "assigneeId"];

/// Documents by which a person belongs to their company's owner, as their directives say; but for
/// those of actions that only read, where no plan depends on it.
pub const BY_COMPANY: [&Document; 5] = [
    &documents::CONTEXT,
    &documents::FOLLOW_UP,
    &documents::REREAD_PERSON,
    &documents::UPSERT_OPPORTUNITY,
    &documents::UPSERT_PERSON,
];

/// The most ids that are asked for at once.
const IDS: usize = 200;

/// Asks for the members.
#[derive(Debug, Serialize)]
pub struct Members {}

/// The answer to [`Members`].
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MembersData {
    workspace_members: Option<MemberPage>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MemberPage {
    page_info: MemberPageInfo,
    edges: Vec<MemberEdge>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MemberPageInfo {
    has_next_page: bool,
}

#[derive(Debug, Deserialize)]
struct MemberEdge {
    node: MemberRow,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MemberRow {
    id: String,
    name: Option<FullName>,
    user_email: Option<Text>,
}

impl Query for Members {
    const DOCUMENT: &'static Document = &documents::MEMBERS;
    type Answer = MembersData;
}

/// Asks for some members by their ids.
#[derive(Debug, Serialize)]
pub struct MembersById {
    ids: Vec<String>,
}

/// The answer to [`MembersById`].
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MembersByIdData {
    workspace_members: Option<Connection<MemberRow>>,
}

impl Query for MembersById {
    const DOCUMENT: &'static Document = &documents::MEMBERS_BY_ID;
    type Answer = MembersByIdData;
}

/// Asks for the member with an address.
#[derive(Debug, Serialize)]
pub struct MemberByEmail {
    /// A pattern that matches the address in any case.
    pub email: String,
}

impl Query for MemberByEmail {
    const DOCUMENT: &'static Document = &documents::MEMBER_BY_EMAIL;
    type Answer = MembersByIdData;
}

/// Asks whether people have a company.
#[derive(Debug, Serialize)]
pub struct Employment {
    ids: Vec<String>,
}

/// The answer to [`Employment`]. The harness alone reads it: somebody without a company has no
/// owner.
#[derive(Debug, Deserialize)]
pub struct EmploymentData {
    #[expect(dead_code, reason = "selected for the harness: it decides by owners")]
    people: Option<Connection<PersonCompany>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PersonCompany {
    #[expect(dead_code, reason = "selected for the harness: it decides by owners")]
    id: String,
    #[expect(dead_code, reason = "selected for the harness: it decides by owners")]
    company_id: Option<String>,
}

impl Query for Employment {
    const DOCUMENT: &'static Document = &documents::EMPLOYMENT;
    type Answer = EmploymentData;
}

/// Makes the request for the members, if one of these documents names some and none asks for them
/// itself.
pub(super) fn beside(ctx: &Context<'_>, prepared: &[Prepared]) -> Option<Prepared> {
    let names = prepared.iter().any(|one| names_members(one.document));
    let asks = |one: &Prepared| one.document.name == documents::MEMBERS.name;
    let wanted = names && !prepared.iter().any(asks);
    wanted.then(|| prepare(ctx, &Members {}).ok()).flatten()
}

/// Reads the members of an answer to [`Members`], by name, and whether there are more than one page
/// shows; none of an answer that tells none.
pub fn listed(answer: Outcome) -> (Vec<Colleague>, bool) {
    let (mut members, more) = page(answer).unwrap_or_default();
    members.sort_by_cached_key(|member| full_name(member.name.as_ref()).to_lowercase());
    (members, more)
}

/// Reads the members of an answer to [`Members`], and whether there are more than one page shows.
///
/// # Errors
/// As `failure` says.
pub fn page(answer: Outcome) -> Result<(Vec<Colleague>, bool), Failure> {
    let reply = decode::<Members>(answer)?;
    let page = reply
        .errors
        .root("workspaceMembers", reply.data.workspace_members)?;
    let nodes = page.edges.into_iter().map(|edge| edge.node);
    let members = nodes.map(Colleague::from).collect();
    Ok((members, page.page_info.has_next_page))
}

/// Reads the members of an answer to [`MemberByEmail`].
///
/// # Errors
/// As `failure` says; that there are none is no failure.
pub fn with_address(answer: Outcome) -> Result<Vec<Colleague>, Failure> {
    let reply = decode::<MemberByEmail>(answer)?;
    let rows = reply
        .errors
        .root("workspaceMembers", reply.data.workspace_members)?;
    Ok(rows.rows().map(Colleague::from).collect())
}

/// Finds members by their ids, in an answer to [`Members`] and, where there are more than one page
/// shows, by further requests, which `exchange` sends. Those whom nobody names are not among them.
pub fn by_ids(
    ctx: &Context<'_>,
    ids: &BTreeSet<String>,
    members: Outcome,
    exchange: &dyn Fn(&[Prepared]) -> Vec<Outcome>,
) -> Vec<Colleague> {
    let known = known(ctx, ids, members, exchange).into_values();
    known
        .filter_map(|member| serde_json::from_value(member).ok())
        .collect()
}

impl From<MemberRow> for Colleague {
    fn from(member: MemberRow) -> Self {
        Self {
            id: member.id,
            name: member.name,
            user_email: member.user_email,
        }
    }
}

fn names_members(document: &Document) -> bool {
    FIELDS.iter().any(|field| document.text.contains(field))
}

/// Puts the members into answers in place of their ids, as far as they are known, and asks about
/// people without a company. `exchange` sends requests.
pub(super) fn resolve(
    ctx: &Context<'_>,
    prepared: &[Prepared],
    answers: &mut [Outcome],
    members: Outcome,
    exchange: &dyn Fn(&[Prepared]) -> Vec<Outcome>,
) {
    let mut read: Vec<(usize, Value)> = Vec::new();
    let (mut ids, mut without_company) = (BTreeSet::new(), BTreeSet::new());
    for (at, (one, answer)) in prepared.iter().zip(answers.iter()).enumerate() {
        let Ok(response) = answer else { continue };
        if !names_members(one.document) {
            continue;
        }
        let Ok(body) = serde_json::from_slice::<Value>(&response.body) else {
            continue;
        };
        let mut named = false;
        if let Some(data) = body.get("data") {
            each_id(data, &mut |id| {
                named = true;
                ids.insert(id.to_ascii_lowercase());
            });
            if BY_COMPANY.contains(&one.document) {
                people_without_company(data, &mut without_company);
            }
        }
        if named {
            read.push((at, body));
        }
    }
    if !without_company.is_empty() {
        let ids = without_company.into_iter().take(IDS).collect();
        if let Ok(request) = prepare(ctx, &Employment { ids }) {
            // What it answers is for the harness alone.
            let _ = exchange(&[request]);
        }
    }
    if ids.is_empty() {
        return;
    }
    let known = known(ctx, &ids, members, exchange);
    for (at, mut body) in read {
        let Some(data) = body.get_mut("data") else {
            continue;
        };
        name(data, &known);
        if let (Some(Ok(response)), Ok(body)) = (answers.get_mut(at), serde_json::to_vec(&body)) {
            response.body = body;
        }
    }
}

/// Collects the members by id: those of the first page, and the missing ones by a further request.
fn known(
    ctx: &Context<'_>,
    ids: &BTreeSet<String>,
    members: Outcome,
    exchange: &dyn Fn(&[Prepared]) -> Vec<Outcome>,
) -> BTreeMap<String, Value> {
    let mut known = BTreeMap::new();
    let page = decode::<Members>(members).ok();
    let Some(page) = page.and_then(|reply| reply.data.workspace_members) else {
        return known;
    };
    known.extend(page.edges.into_iter().map(|edge| entry(edge.node)));
    let missing: Vec<String> = ids
        .iter()
        .filter(|id| !known.contains_key(*id))
        .cloned()
        .collect();
    if !page.page_info.has_next_page || missing.is_empty() {
        return known;
    }
    let requests: Vec<Prepared> = missing
        .chunks(IDS)
        .filter_map(|ids| prepare(ctx, &MembersById { ids: ids.to_vec() }).ok())
        .collect();
    for answer in exchange(&requests) {
        let reply = decode::<MembersById>(answer).ok();
        let rows = reply.and_then(|reply| reply.data.workspace_members);
        known.extend(rows.into_iter().flat_map(Connection::rows).map(entry));
    }
    known
}

fn entry(member: MemberRow) -> (String, Value) {
    let text = |text: Option<&Text>| text.map(Text::as_str).map(str::to_owned);
    let name = member.name.as_ref().map(|name| {
        json!({
            "firstName": text(name.first_name.as_ref()),
            "lastName": text(name.last_name.as_ref()),
        })
    });
    let email = text(member.user_email.as_ref());
    let value = json!({ "id": member.id, "name": name, "userEmail": email });
    (member.id.to_ascii_lowercase(), value)
}

/// Visits every id of a member in an answer.
fn each_id(value: &Value, take: &mut dyn FnMut(&str)) {
    match value {
        Value::Object(members) => {
            for (name, below) in members {
                match below {
                    Value::String(id) if FIELDS.contains(&name.as_str()) => take(id),
                    below => each_id(below, take),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| each_id(item, take)),
        _ => {}
    }
}

/// Puts the known members in the place of their ids.
fn name(value: &mut Value, known: &BTreeMap<String, Value>) {
    match value {
        Value::Object(members) => {
            for (name_of, below) in members.iter_mut() {
                let member = match &*below {
                    Value::String(id) if FIELDS.contains(&name_of.as_str()) => {
                        known.get(&id.to_ascii_lowercase())
                    }
                    _ => None,
                };
                match member {
                    Some(member) => *below = member.clone(),
                    None => name(below, known),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| name(item, known)),
        _ => {}
    }
}

/// Collects the ids of people whose company reads null.
fn people_without_company(data: &Value, found: &mut BTreeSet<String>) {
    let rows = data.pointer("/people/edges").and_then(Value::as_array);
    let rows = rows
        .into_iter()
        .flatten()
        .filter_map(|edge| edge.get("node"));
    for person in rows.chain(data.get("person")) {
        if let (Some(Value::Null), Some(Value::String(id))) =
            (person.get("company"), person.get("id"))
        {
            found.insert(id.clone());
        }
    }
}
