//! Who owns a record is known, known to be none, or unknown, as the service's answers tell it; and what follows for every action.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests may fail like tests"
)]

use std::collections::{BTreeMap, BTreeSet};

use crm_harness::Caller;
use crm_harness::access::{Access, Audience, Deed};
use crm_harness::observed::places::RecordAt;
use crm_harness::observed::{Attributes, RecordKey, Seen};
use crm_harness::outbound::policy::documents::Document;
use crm_stand_in::twenty::sample::{FORMER_MEMBER, SAM, SAM_EMAIL};
use crm_tests::{Differently, World, root};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    people: Vec<Person>,
    /// By role, by whose a record is: what is permitted.
    permitted: BTreeMap<String, BTreeMap<String, BTreeSet<String>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Person {
    name: String,
    role: Option<String>,
    teams: Vec<String>,
}

impl Person {
    fn email(&self) -> String {
        format!("{}@example.com", self.name)
    }

    fn caller(&self) -> Caller {
        Caller {
            id: Some(self.name.clone()),
            email: Some(self.email()),
            role: self.role.clone(),
            teams: self.teams.clone(),
            ..Caller::default()
        }
    }
}

const RECORD: &str = "5a000004-0000-4000-8000-000000000001";
const MEMBER: &str = "5a000001-0000-4000-8000-000000000001";
/// To assign is to change the owner, to reassign is to change whose task it is.
const ACTIONS: [&str; 8] = [
    "create", "link", "change", "assign", "reassign", "delete", "disclose", "expand",
];

/// What an answer can show of an owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    Member,
    None,
    /// The id of somebody who is not among the members.
    Stranger,
    /// The members have not been read, or not without an error.
    NoMembers,
    FailedMembers,
    /// The field is not there.
    Absent,
    /// The relation that leads to it reads null.
    NoRelation,
    /// An error stands beside the data.
    Failed,
}

impl Shown {
    const ALL: [Self; 8] = [
        Self::Member,
        Self::None,
        Self::Stranger,
        Self::NoMembers,
        Self::FailedMembers,
        Self::Absent,
        Self::NoRelation,
        Self::Failed,
    ];

    fn is_unknown(self) -> bool {
        !matches!(self, Self::Member | Self::None)
    }
}

/// Puts a value at a path, lists of one at `*`.
fn put(path: &[String], value: Value) -> Value {
    path.iter()
        .rev()
        .fold(value, |below, step| match step.as_str() {
            "*" => json!([below]),
            step => json!({ step: below }),
        })
}

/// An answer with one record whose owner stands at one of the places for it.
fn answer(place: &RecordAt, owner: &[String], shown: Shown) -> Value {
    let mut record = match (shown, owner) {
        (Shown::Absent, [way @ .., _]) => put(way, json!({})),
        (Shown::NoRelation, [way @ .., _]) => match way {
            [] => json!({}),
            way => put(way, Value::Null),
        },
        (Shown::None, path) => put(path, Value::Null),
        (Shown::Stranger, path) => put(path, json!("5a000001-0000-4000-8000-00000000ffff")),
        (_, path) => put(path, json!(MEMBER)),
    };
    record["id"] = json!(RECORD);
    let mut answer = json!({ "data": put(&place.at, record) });
    if shown == Shown::Failed {
        answer["errors"] = json!([{ "message": "something went wrong" }]);
    }
    answer
}

fn attributes(
    document: &Document,
    place: &RecordAt,
    members: &Document,
    answer: &Value,
    shown: Shown,
    email: &str,
) -> Attributes {
    let seen = Seen::default();
    seen.observe(&document.records, answer.to_string().as_bytes());
    let told = &members.records[0];
    let member = json!({ "id": MEMBER, "userEmail": email });
    let mut told = json!({ "data": put(&told.at, member) });
    if shown == Shown::FailedMembers {
        told["errors"] = json!([{ "message": "something went wrong" }]);
    }
    if shown != Shown::NoMembers {
        seen.observe(&members.records, told.to_string().as_bytes());
    }
    let key = RecordKey {
        kind: place.kind.clone(),
        id: RECORD.to_owned(),
    };
    seen.get(&key).unwrap_or_default()
}

#[tokio::test]
async fn every_document_by_owner_action_and_role() {
    let text = std::fs::read_to_string(root().join("tests/data/owners.json")).unwrap();
    let table: Table = serde_json::from_str(&text).unwrap();
    let world = World::new().await;
    let setup = world.harness.setup();
    let callers: Vec<Caller> = table.people.iter().map(Person::caller).collect();
    let access = Access::new(setup.access.as_ref(), &callers, "").unwrap();
    let documents: Vec<&Document> = setup
        .policy
        .destinations
        .iter()
        .flat_map(|destination| &destination.routes)
        .flat_map(|route| route.documents.iter())
        .flat_map(|documents| documents.iter())
        .collect();
    let members = documents
        .iter()
        .find(|document| document.name == "members")
        .unwrap();
    let (mut cases, mut named) = (0, BTreeSet::new());
    for document in &documents {
        for place in &document.records {
            for owner in &place.owner {
                named.insert(&document.name);
                for shown in Shown::ALL {
                    let answer = answer(place, owner, shown);
                    for whose in &table.people {
                        let known =
                            attributes(document, place, members, &answer, shown, &whose.email());
                        for (person, caller) in table.people.iter().zip(&callers) {
                            let state = match shown {
                                Shown::None => "none",
                                shown if shown.is_unknown() => "unknown",
                                _ if whose.name == person.name => "self",
                                _ if whose.teams == person.teams => "team",
                                _ => "elsewhere",
                            };
                            let role = person.role.as_deref().unwrap_or_default();
                            let permitted = &table.permitted[role][state];
                            for action in ACTIONS {
                                let label = format!(
                                    "{} {shown:?}: {role} {} {action} of {}",
                                    document.name, person.name, whose.name
                                );
                                let ruling =
                                    access.decide(caller, deed(action, &known, &place.kind));
                                assert_eq!(
                                    ruling.permitted,
                                    permitted.contains(action),
                                    "{label}: {ruling:?}"
                                );
                                if state == "unknown" {
                                    let why = ruling.undecided.unwrap_or_default();
                                    assert!(why.contains("did not say who owns"), "{label}: {why}");
                                }
                                cases += 1;
                            }
                        }
                    }
                }
            }
        }
    }
    println!("{cases} cases over {} documents: {named:?}", named.len());
    assert!(named.len() >= 15 && cases > 30_000, "{cases} {named:?}");
}

/// A deed on a record of which that is known; `assign` is a change of its owner.
fn deed<'a>(action: &'a str, attributes: &'a Attributes, kind: &str) -> Deed<'a> {
    let record: &'static RecordKey = Box::leak(Box::new(RecordKey {
        kind: kind.to_owned(),
        id: RECORD.to_owned(),
    }));
    let fields: &'static [String] = match action {
        "assign" => Box::leak(Box::new(["ownerId".to_owned()])),
        "reassign" => Box::leak(Box::new(["assigneeId".to_owned()])),
        _ => &[],
    };
    match action {
        "disclose" | "expand" => Deed::Give {
            verb: action,
            record,
            attributes,
            new: false,
            fields,
            audience: Audience {
                recipients: &[],
                group: false,
                outside: false,
                listed: false,
            },
        },
        action => Deed::Write {
            verb: match action {
                "assign" | "reassign" => "change",
                action => action,
            },
            record,
            attributes,
            new: false,
            undo: false,
            fields,
        },
    }
}

/// Two teams, as an operator names them.
const TEAMS: &str = r#"
[callers.robin]
email = "robin@example.com"
role = "member"
teams = ["north"]
[callers.sam]
email = "sam@example.com"
role = "member"
teams = ["south"]
"#;

async fn teams() -> World {
    let mut world = World::with(Differently {
        operator: Some(TEAMS),
        ..Differently::default()
    })
    .await;
    world.caller = world.harness.setup().callers["robin"].clone();
    world
}

/// A live record whose column holds this, and of which that is so.
fn record(world: &World, object: &str, fits: impl Fn(&Value) -> bool) -> Value {
    let records = world.twenty.records(object).unwrap();
    let found = records
        .iter()
        .find(|record| record["deletedAt"].is_null() && fits(record));
    found.unwrap_or_else(|| panic!("no such {object}")).clone()
}

fn rename(kind: &str, id: &Value) -> Value {
    match kind {
        "person" => json!({"kind": kind, "id": id, "jobTitle": "Head of purchasing"}),
        "task" => json!({"kind": kind, "id": id, "title": "Another title"}),
        _ => json!({"kind": kind, "id": id, "name": "Another name"}),
    }
}

#[tokio::test]
async fn record_of_a_member_who_left_is_nobodys_to_change() {
    let world = teams().await;
    let gone = FORMER_MEMBER.to_string();
    let deal = record(&world, "opportunity", |deal| deal["ownerId"] == gone);
    let failure = world
        .fails("crm_upsert", rename("opportunity", &deal["id"]), "denied")
        .await;
    assert!(
        failure.to_string().contains("did not say who owns"),
        "{failure:#}"
    );
    let about = json!({"about": deal["id"], "title": "Call them", "due": "2026-03-20"});
    let failure = world.fails("crm_follow_up", about, "denied").await;
    assert!(
        failure.to_string().contains("did not say who owns"),
        "{failure:#}"
    );
    // Nobody's is everybody's; that of another team is theirs.
    let free = record(&world, "opportunity", |deal| deal["ownerId"].is_null());
    world
        .ok("crm_upsert", rename("opportunity", &free["id"]))
        .await;
    let sams = record(&world, "opportunity", |deal| {
        deal["ownerId"] == SAM.to_string()
    });
    let failure = world
        .fails("crm_upsert", rename("opportunity", &sams["id"]), "denied")
        .await;
    assert!(!failure.to_string().contains("did not say"), "{failure:#}");
}

#[tokio::test]
async fn person_is_owned_by_the_owner_of_the_company() {
    let world = teams().await;
    let company = |owner: &str| {
        let owner = owner.to_owned();
        let companies = world.twenty.records("company").unwrap();
        let of = move |company: &&Value| {
            company["accountOwnerId"] == owner && company["deletedAt"].is_null()
        };
        companies
            .iter()
            .filter(of)
            .map(|company| company["id"].clone())
            .collect::<Vec<_>>()
    };
    let sams = company(&SAM.to_string());
    let theirs = record(&world, "person", |person| {
        sams.contains(&person["companyId"])
    });
    let failure = world
        .fails("crm_upsert", rename("person", &theirs["id"]), "denied")
        .await;
    assert!(failure.to_string().contains("own"), "{failure:#}");
    // Without a company a person is nobody's.
    let alone = record(&world, "person", |person| person["companyId"].is_null());
    let answer = world.ok("crm_upsert", rename("person", &alone["id"])).await;
    assert_eq!(
        answer["preview"]["steps"][0]["policies"],
        json!(["unowned-records"])
    );
    let mut world = world;
    world.caller = world.harness.setup().callers["sam"].clone();
    assert_eq!(world.caller.email.as_deref(), Some(SAM_EMAIL));
    world
        .ok("crm_upsert", rename("person", &theirs["id"]))
        .await;
}

#[tokio::test]
async fn record_that_is_referred_to_is_asked_about() {
    let world = teams().await;
    let sams = record(&world, "company", |company| {
        company["accountOwnerId"] == SAM.to_string()
    });
    let arguments = json!({
        "kind": "person", "firstName": "Ida", "lastName": "Brandt", "email": "ida@brandt.example",
        "company": sams["id"],
    });
    let failure = world.fails("crm_upsert", arguments, "denied").await;
    assert!(
        failure.to_string().contains("link to company"),
        "{failure:#}"
    );
}

#[tokio::test]
async fn taking_over_an_unowned_record_is_a_leads() {
    let world = teams().await;
    let free = record(&world, "opportunity", |deal| deal["ownerId"].is_null());
    let taking = json!({"kind": "opportunity", "id": free["id"], "owner": "me"});
    let failure = world.fails("crm_upsert", taking.clone(), "denied").await;
    assert!(
        failure.to_string().contains("leads-assign-unowned-records"),
        "{failure:#}"
    );
    let mut world = world;
    world.caller.role = Some("lead".to_owned());
    let answer = world.ok("crm_upsert", taking).await;
    assert_eq!(
        answer["preview"]["steps"][0]["policies"],
        json!(["unowned-records"])
    );
}
