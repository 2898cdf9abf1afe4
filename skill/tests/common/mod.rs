//! A CRM for the tests of proposals: it answers each trusted document as it is told to and keeps
//! what it was asked.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "helpers of tests may fail like tests, and not every test needs all of them"
)]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crm_skill::bindings::claw::crm::types::Kind;
use crm_skill::bindings::claw::skill::plan::{Plan, Step};
use crm_skill::bindings::exports::claw::crm::propose::UpsertRequest;
use crm_skill::context::{Context, Settings};
use crm_skill::transport::{Request, Response, Transport, TransportError};
use crm_skill::twenty::documents::{self, Document};
use serde_json::{Value, json};
use trusted_documents::{Directive, Sources};

pub const DEAL: &str = "11111111-1111-4111-8111-111111111111";
pub const PERSON: &str = "22222222-2222-4222-8222-222222222222";
pub const COMPANY: &str = "33333333-3333-4333-8333-333333333333";
pub const TASK: &str = "44444444-4444-4444-8444-444444444444";
pub const ME: &str = "55555555-5555-4555-8555-555555555555";
pub const OTHER: &str = "66666666-6666-4666-8666-666666666666";
pub const UPDATED: &str = "2026-03-01T08:00:00.123Z";

/// The directives of this name of a document: what it tells the harness.
pub fn directives(document: &Document, name: &str) -> Vec<Directive> {
    let graphql = Path::new(env!("CARGO_MANIFEST_DIR")).join("graphql");
    let folder = match documents::MUTATIONS.contains(&document) {
        true => "mutations",
        false => "queries",
    };
    let file = format!("{folder}/{}.graphql", document.name);
    let sources = Sources::open(&graphql).unwrap_or_else(|e| panic!("{e}"));
    let source = sources
        .read(&graphql.join(file))
        .unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(source.text, document.text, "{}", document.name);
    let mut directives = source.directives;
    directives.retain(|directive| directive.name() == name);
    directives
}

/// A request that sets nothing of a kind of record.
pub fn nothing_of(kind: Kind) -> UpsertRequest {
    UpsertRequest {
        kind,
        id: None,
        name: None,
        first_name: None,
        last_name: None,
        email: None,
        phone: None,
        job_title: None,
        domain: None,
        amount: None,
        currency: None,
        stage: None,
        close_date: None,
        company: None,
        contact: None,
        owner: None,
        title: None,
        note: None,
        due: None,
        status: None,
        assignee: None,
        custom: None,
        idempotency_key: None,
    }
}

/// The CRM.
#[derive(Default)]
pub struct Crm {
    answers: BTreeMap<&'static str, Result<(u16, String), bool>>,
    asked: RefCell<Vec<(&'static str, Value)>>,
}

impl Crm {
    /// Answers a document with these data.
    pub fn answers(self, document: &'static str, data: Value) -> Self {
        self.says(document, 200, &json!({ "data": data }).to_string())
    }

    /// Answers a document with this.
    pub fn says(mut self, document: &'static str, status: u16, body: &str) -> Self {
        self.answers.insert(document, Ok((status, body.to_owned())));
        self
    }

    /// Breaks off instead of answering a document.
    pub fn breaks(mut self, document: &'static str) -> Self {
        self.answers.insert(document, Err(true));
        self
    }

    /// The documents that it was asked, in order; but for those that it answers as every workspace
    /// does.
    pub fn asked(&self) -> Vec<&'static str> {
        self.asked.borrow().iter().map(|(name, _)| *name).collect()
    }

    /// The variables with which it was last asked a document.
    pub fn variables(&self, document: &str) -> Value {
        let asked = self.asked.borrow();
        let last = asked.iter().rev().find(|(name, _)| *name == document);
        last.unwrap_or_else(|| panic!("nobody asked {document}"))
            .1
            .clone()
    }

    /// The variables of the last request.
    pub fn last(&self) -> Value {
        self.asked.borrow().last().unwrap().1.clone()
    }
}

/// Returns a plain workspace's answer: the statuses of a new one, its members, and no hit. It
/// counts as no request.
fn usual(document: &str) -> Option<Result<(u16, String), bool>> {
    let statuses = ["TODO", "IN_PROGRESS", "DONE"].map(|name| json!({ "name": name }));
    let data = match document {
        "task_statuses" => json!({ "data": { "__type": { "enumValues": statuses } } }),
        "search" => hits(&[]),
        "members" => json!({ "data": workspace_members() }),
        // It is asked for the harness alone, about people without a company.
        "employment" => json!({ "data": { "people": list(Vec::new()) } }),
        _ => return None,
    };
    Some(Ok((200, data.to_string())))
}

/// Builds an answer of the search: hits by kind, id and label, with all of the words.
pub fn hits(hits: &[(&str, &str, &str)]) -> Value {
    let edges: Vec<Value> = hits
        .iter()
        .map(|(kind, id, label)| {
            json!({ "node": { "recordId": id, "objectNameSingular": kind, "label": label, "tsRank": 0.1, "tsRankCD": 0.1 } })
        })
        .collect();
    json!({ "data": { "search": { "edges": edges, "pageInfo": { "hasNextPage": false } } } })
}

impl Transport for Crm {
    fn send_all(&self, requests: &[Request]) -> Vec<Result<Response, TransportError>> {
        requests
            .iter()
            .map(|request| {
                let body: Value = serde_json::from_slice(&request.body).unwrap();
                let text = body["query"].as_str().unwrap();
                let document = documents::ALL
                    .iter()
                    .find(|document| {
                        document.text == text
                            || document.text
                                == text
                                    .replace("\n    nextStep\n", "\n")
                                    .replace("\n        nextStep\n", "\n")
                    })
                    .expect("only queries are sent");
                let told = self.answers.get(document.name);
                let usual = usual(document.name);
                if told.is_some() || usual.is_none() {
                    self.asked
                        .borrow_mut()
                        .push((document.name, body["variables"].clone()));
                }
                let answer = told
                    .or(usual.as_ref())
                    .unwrap_or_else(|| panic!("nobody expects {}", document.name));
                match answer {
                    Ok((status, body)) => Ok(Response {
                        status: *status,
                        retry_after: None,
                        body: body.clone().into_bytes(),
                    }),
                    Err(request_sent) => Err(TransportError::Unreachable {
                        request_sent: *request_sent,
                        reason: "it closed the connection".to_owned(),
                    }),
                }
            })
            .collect()
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    fn wait(&self, _: Duration) {}
}

/// Settings, the caller's among them.
pub struct FixedSettings(pub Vec<(&'static str, &'static str)>);

impl Settings for FixedSettings {
    fn get(&self, key: &str) -> Option<String> {
        self.0
            .iter()
            .find(|(name, _)| *name == key)
            .map(|(_, value)| (*value).to_owned())
    }
}

/// The usual settings.
pub fn settings() -> FixedSettings {
    FixedSettings(vec![
        ("twenty.base-url", "https://crm.example.com"),
        ("caller.email", "Me@Example.com"),
        (
            "custom-fields",
            "opportunity.nextStep, opportunity.score,opportunity.hot, opportunity.signed, opportunity.seen, opportunity.mood, opportunity.tags, opportunity.gone",
        ),
    ])
}

/// Runs something at noon of 11 March 2026, UTC.
pub fn at_noon<T>(crm: &Crm, settings: &FixedSettings, run: impl FnOnce(&Context<'_>) -> T) -> T {
    run(&Context::new(
        crm,
        settings,
        "2026-03-11T12:00:00Z".parse().unwrap(),
    ))
}

/// A list as Twenty wraps it.
pub fn list(rows: Vec<Value>) -> Value {
    let edges: Vec<Value> = rows.into_iter().map(|row| json!({ "node": row })).collect();
    json!({ "edges": edges })
}

pub fn me() -> Value {
    json!({ "id": ME, "name": { "firstName": "Mia", "lastName": "Ek" }, "userEmail": "me@example.com" })
}

/// The members of the workspace, as the document of that name answers.
pub fn workspace_members() -> Value {
    let johanna = json!({ "firstName": "Johanna", "lastName": "Lindqvist" });
    let johanna =
        json!({ "id": OTHER, "name": johanna, "userEmail": "johanna.lindqvist@example.com" });
    let mut page = list(vec![me(), johanna]);
    page["pageInfo"] = json!({ "hasNextPage": false });
    json!({ "workspaceMembers": page })
}

pub fn person(id: &str, first: &str, last: &str, email: &str) -> Value {
    json!({
        "id": id, "updatedAt": UPDATED, "name": { "firstName": first, "lastName": last }, "emails": { "primaryEmail": email },
        "jobTitle": "CTO", "company": { "id": COMPANY, "name": "Acme", "accountOwnerId": ME },
    })
}

pub fn company(id: &str, name: &str, link: &str) -> Value {
    json!({
        "id": id, "updatedAt": UPDATED, "name": name, "domainName": { "primaryLinkUrl": link }, "accountOwnerId": ME,
    })
}

pub fn deal(id: &str, name: &str) -> Value {
    json!({
        "id": id, "updatedAt": UPDATED, "name": name, "stage": "MEETING",
        "amount": { "amountMicros": 1_250_500_000u64, "currencyCode": "EUR" }, "closeDate": "2026-04-01T00:00:00.000Z",
        "company": { "id": COMPANY, "name": "Acme" }, "pointOfContact": { "id": PERSON }, "ownerId": ME,
    })
}

pub fn task(id: &str, title: &str) -> Value {
    json!({
        "id": id, "updatedAt": UPDATED, "title": title, "bodyV2": { "markdown": "" }, "status": "TODO",
        "dueAt": "2026-03-20T23:59:59.000Z", "assigneeId": ME,
    })
}

/// The answer to a lookup: these roots, and nothing in the others.
pub fn found(roots: &[&str], rows: Value) -> Value {
    let mut data = serde_json::Map::new();
    for root in roots {
        data.insert((*root).to_owned(), list(Vec::new()));
    }
    for (root, row) in rows.as_object().unwrap() {
        let rows = row.as_array().unwrap().clone();
        data.insert(root.clone(), list(rows));
    }
    data.into()
}

/// The workspace's fields of deals and tasks.
pub fn field_types() -> Value {
    let field = |name: &str, kind: &str, options: Value| json!({ "name": name, "type": kind, "isActive": name != "gone", "options": options });
    let options = |values: &[(&str, &str)]| {
        let options = values
            .iter()
            .zip(0..)
            .map(|((value, label), position)| json!({ "value": value, "label": label, "position": position }));
        Value::Array(options.collect())
    };
    let stages = options(&[
        ("NEW", "New"),
        ("MEETING", "Meeting"),
        ("PROPOSAL", "Offer sent"),
        ("CUSTOMER", "Won"),
    ]);
    let deal = json!({ "nameSingular": "opportunity", "fieldsList": [
        field("stage", "SELECT", stages),
        field("nextStep", "TEXT", Value::Null),
        field("score", "NUMBER", Value::Null),
        field("hot", "BOOLEAN", Value::Null),
        field("signed", "DATE", Value::Null),
        field("seen", "DATE_TIME", Value::Null),
        field("mood", "SELECT", options(&[("GOOD", "Good"), ("BAD", "Bad")])),
        field("tags", "MULTI_SELECT", options(&[("A", "A")])),
        field("gone", "TEXT", Value::Null),
    ]});
    let task = json!({ "nameSingular": "task", "fieldsList": [
        field("status", "SELECT", options(&[("TODO", "To do"), ("IN_PROGRESS", "In progress"), ("DONE", "Done")])),
    ]});
    json!({ "objects": list(vec![deal, task]) })
}

/// The name of the document in a step, and its variables. The body is nothing more.
pub fn body(step: &Step) -> (&'static str, Value) {
    let body: Value = serde_json::from_str(&step.body).unwrap();
    assert_eq!(body.as_object().unwrap().len(), 2);
    assert!(step.body.starts_with("{\"query\":"));
    let document = documents::MUTATIONS
        .iter()
        .find(|document| document.text == body["query"])
        .expect("a trusted mutation");
    (document.name, body["variables"].clone())
}

/// All of a plan, to compare.
pub fn bytes(plan: &Plan) -> String {
    format!("{plan:?}")
}
