//! Owners of records: known, known to be none, or unknown, as the service's answers tell it; and
//! the consequences for every action.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crm_harness::Caller;
use crm_harness::access::{Access, AccessRequest, Audience};
use crm_harness::observed::places::RecordAt;
use crm_harness::observed::{Attributes, ObservedRecords, RecordKey};
use crm_harness::outbound::policy::documents::Document;
use crm_stand_in::clock::ManualClock;
use crm_stand_in::relay::Variant;
use crm_stand_in::twenty::sample::{
    FORMER_MEMBER, ROBIN, SAM, SAM_EMAIL, more_member_email, more_member_id,
};
use crm_stand_in::twenty::{Options, TwentyStandIn};
use crm_tests::{NOW, TestEnv, TestOptions, root};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnerTable {
    people: Vec<OwnerPerson>,
    /// By role, by whose a record is: what is permitted.
    permitted: BTreeMap<String, BTreeMap<String, BTreeSet<String>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnerPerson {
    name: String,
    role: Option<String>,
    teams: Vec<String>,
}

impl OwnerPerson {
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

/// A representation of an owner in an answer.
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
    let seen = ObservedRecords::default();
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
    let table: OwnerTable = serde_json::from_str(&text).unwrap();
    let env = TestEnv::new().await;
    let setup = env.harness.setup();
    let callers: Vec<Caller> = table.people.iter().map(OwnerPerson::caller).collect();
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
fn deed<'a>(action: &'a str, attributes: &'a Attributes, kind: &str) -> AccessRequest<'a> {
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
        "disclose" | "expand" => AccessRequest::Give {
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
        action => AccessRequest::Write {
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

async fn teams() -> TestEnv {
    let mut env = TestEnv::with(TestOptions {
        operator: Some(TEAMS),
        ..TestOptions::default()
    })
    .await;
    env.caller = env.harness.setup().callers["robin"].clone();
    env
}

/// A live record whose column holds this, and of which that is so.
fn record(env: &TestEnv, object: &str, fits: impl Fn(&Value) -> bool) -> Value {
    let records = env.twenty.records(object).unwrap();
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
async fn record_of_a_former_member_cannot_be_changed() {
    let env = teams().await;
    let gone = FORMER_MEMBER.to_string();
    let deal = record(&env, "opportunity", |deal| deal["ownerId"] == gone);
    let failure = env
        .fails("crm_upsert", rename("opportunity", &deal["id"]), "denied")
        .await;
    assert!(
        failure.to_string().contains("did not say who owns"),
        "{failure:#}"
    );
    let about = json!({"about": deal["id"], "title": "Call them", "due": "2026-03-20"});
    let failure = env.fails("crm_follow_up", about, "denied").await;
    assert!(
        failure.to_string().contains("did not say who owns"),
        "{failure:#}"
    );
    // Nobody's is everybody's; that of another team is theirs.
    let free = record(&env, "opportunity", |deal| deal["ownerId"].is_null());
    env.ok("crm_upsert", rename("opportunity", &free["id"]))
        .await;
    let sams = record(&env, "opportunity", |deal| {
        deal["ownerId"] == SAM.to_string()
    });
    let failure = env
        .fails("crm_upsert", rename("opportunity", &sams["id"]), "denied")
        .await;
    assert!(!failure.to_string().contains("did not say"), "{failure:#}");
}

#[tokio::test]
async fn person_is_owned_by_the_owner_of_the_company() {
    let env = teams().await;
    let company = |owner: &str| {
        let owner = owner.to_owned();
        let companies = env.twenty.records("company").unwrap();
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
    let theirs = record(&env, "person", |person| sams.contains(&person["companyId"]));
    let failure = env
        .fails("crm_upsert", rename("person", &theirs["id"]), "denied")
        .await;
    assert!(failure.to_string().contains("own"), "{failure:#}");
    // Without a company a person is nobody's.
    let alone = record(&env, "person", |person| person["companyId"].is_null());
    let answer = env.ok("crm_upsert", rename("person", &alone["id"])).await;
    assert_eq!(
        answer["preview"]["steps"][0]["policies"],
        json!(["unowned-records"])
    );
    let mut env = env;
    env.caller = env.harness.setup().callers["sam"].clone();
    assert_eq!(env.caller.email.as_deref(), Some(SAM_EMAIL));
    env.ok("crm_upsert", rename("person", &theirs["id"])).await;
}

#[tokio::test]
async fn record_that_is_referred_to_is_asked_about() {
    let env = teams().await;
    let sams = record(&env, "company", |company| {
        company["accountOwnerId"] == SAM.to_string()
    });
    let arguments = json!({
        "kind": "person", "firstName": "Ida", "lastName": "Brandt", "email": "ida@brandt.example",
        "company": sams["id"],
    });
    let failure = env.fails("crm_upsert", arguments, "denied").await;
    assert!(
        failure.to_string().contains("link to company"),
        "{failure:#}"
    );
}

#[tokio::test]
async fn taking_over_an_unowned_record_is_a_leads() {
    let env = teams().await;
    let free = record(&env, "opportunity", |deal| deal["ownerId"].is_null());
    let taking = json!({"kind": "opportunity", "id": free["id"], "owner": "me"});
    let failure = env.fails("crm_upsert", taking.clone(), "denied").await;
    assert!(
        failure.to_string().contains("leads-assign-unowned-records"),
        "{failure:#}"
    );
    let mut env = env;
    env.caller.role = Some("lead".to_owned());
    let answer = env.ok("crm_upsert", taking).await;
    assert_eq!(
        answer["preview"]["steps"][0]["policies"],
        json!(["unowned-records"])
    );
}

/// The policies that permit the first step of a proposal.
fn permitted_by(answer: &Value) -> Vec<Value> {
    let policies = &answer["preview"]["steps"][0]["policies"];
    policies.as_array().unwrap().clone()
}

/// A member whom the first page of members does not name.
const LATE: u32 = 240;

const OWN: &str = "mutation UpdateOpportunity($id: UUID!, $data: OpportunityUpdateInput!) {\n  updateOpportunity(id: $id, data: $data) { id }\n}";

/// A workspace with more members than a page shows. A deal belongs to one who is not on the first.
async fn crowd() -> (TestEnv, Value) {
    let twenty = TwentyStandIn::start(Options {
        clock: ManualClock::at(NOW.parse().unwrap()).clock(),
        members: 250,
        rate_limit: false,
        ..Options::default()
    })
    .await
    .unwrap();
    let operator = format!(
        "{TEAMS}[callers.late]\nemail = \"{}\"\nrole = \"member\"\nteams = [\"south\"]\n",
        more_member_email(LATE)
    );
    let mut env = TestEnv::with(TestOptions {
        twenty: Some(Arc::new(twenty)),
        operator: Some(Box::leak(operator.into_boxed_str())),
        ..TestOptions::default()
    })
    .await;
    env.caller = env.harness.setup().callers["robin"].clone();
    let deal = record(&env, "opportunity", |deal| {
        deal["ownerId"] == SAM.to_string()
    });
    let owner = json!({ "id": deal["id"], "data": { "ownerId": more_member_id(LATE) } });
    env.beside(OWN, owner).await;
    (env, deal["id"].clone())
}

/// The ids of which somebody asked whose they are.
fn asked_by_id(env: &TestEnv) -> BTreeSet<String> {
    let requests = env.twenty.requests().all().into_iter();
    let bodies = requests.filter_map(|request| request.json());
    let by_id = bodies.filter(|body| {
        let query = body["query"].as_str().unwrap_or_default();
        query.contains("query MembersById")
    });
    let ids = by_id.flat_map(|body| body["variables"]["ids"].as_array().cloned().unwrap());
    ids.filter_map(|id| id.as_str().map(str::to_owned))
        .collect()
}

#[tokio::test]
async fn owner_beyond_the_first_page_is_known() {
    let (mut env, deal) = crowd().await;
    let late = more_member_id(LATE).to_string();
    let shown = env
        .ok("crm_get", json!({ "kind": "opportunity", "id": deal }))
        .await;
    let owner = &shown["fields"]["owner"];
    assert_eq!(owner["email"], more_member_email(LATE), "{shown:#}");
    assert_eq!(owner["name"], format!("Member {LATE}"));
    assert_eq!(asked_by_id(&env), BTreeSet::from([late]));
    // It is another team's, and that is known.
    let failure = env
        .fails("crm_upsert", rename("opportunity", &deal), "denied")
        .await;
    assert!(!failure.to_string().contains("did not say"), "{failure:#}");
    env.caller = env.harness.setup().callers["late"].clone();
    let answer = env.ok("crm_upsert", rename("opportunity", &deal)).await;
    assert!(permitted_by(&answer).contains(&json!("own-records")));
    // Of a page that is not all of them, nobody is taken for the whole.
    let status = env.ok("crm_status", json!({})).await;
    assert_eq!(status["members"].as_array().unwrap().len(), 200);
    assert_eq!(status["membersMore"], true);
    let markdown = status["markdown"].as_str().unwrap();
    assert!(markdown.contains("and more than 180 others"), "{markdown}");
}

#[tokio::test]
async fn member_who_left_a_crowd_is_still_unknown() {
    let (env, _) = crowd().await;
    let gone = FORMER_MEMBER.to_string();
    let deal = record(&env, "opportunity", |deal| deal["ownerId"] == gone);
    let failure = env
        .fails("crm_upsert", rename("opportunity", &deal["id"]), "denied")
        .await;
    assert!(
        failure.to_string().contains("did not say who owns"),
        "{failure:#}"
    );
    assert!(asked_by_id(&env).contains(&gone), "who it was, was asked");
}

/// A company that is deleted is none of those whose owner permits anything: what hung on it opens
/// nothing, and is not nobody's.
#[tokio::test]
async fn deleted_company_opens_nothing() {
    let operator = format!(
        "allow-loopback = true{}",
        TEAMS.replacen(
            "teams = [\"north\"]",
            "teams = [\"north\"]\nsecrets.tezit = \"env:TEZIT_TOKEN\"",
            1
        )
    );
    for role in ["member", "lead"] {
        let operator = operator.replacen("role = \"member\"", &format!("role = \"{role}\""), 1);
        let mut env = TestEnv::with(TestOptions {
            relay: Some(Variant::P),
            operator: Some(Box::leak(operator.into_boxed_str())),
            ..TestOptions::default()
        })
        .await;
        env.caller = env.harness.setup().callers["robin"].clone();
        let person = record(&env, "person", |person| {
            let company = person["companyId"].as_str().unwrap_or_default();
            let company = env.twenty.record("company", company);
            company.is_some_and(|company| company["accountOwnerId"] == ROBIN.to_string())
                && person["emails"]["primaryEmail"] != ""
        });
        let company = person["companyId"].clone();
        let name = env
            .twenty
            .record("company", company.as_str().unwrap())
            .unwrap()["name"]
            .clone();
        let deal = record(&env, "opportunity", |deal| {
            deal["companyId"] == company && deal["ownerId"] == ROBIN.to_string()
        });
        let tell = json!({
            "records": [{"kind": "person", "id": person["id"]}], "fields": ["email"],
            "to": ["Sam Okafor"], "intent": "update",
        });
        let join = json!({
            "kind": "person", "firstName": "Ida", "lastName": "Brandt", "email": "ida@brandt.example", "company": company,
        });
        let tie =
            json!({"kind": "opportunity", "id": deal["id"], "company": company, "name": "Tied"});
        let about = json!({"about": company, "title": "Call them", "due": "2026-03-20"});
        let open = [
            ("crm_upsert", rename("person", &person["id"])),
            ("crm_share", tell),
            ("crm_upsert", join),
            ("crm_upsert", tie),
            ("crm_upsert", rename("company", &company)),
            ("crm_follow_up", about),
        ];
        for (tool, arguments) in &open {
            env.ok(tool, arguments.clone()).await;
        }
        let delete = "mutation Gone($id: UUID!) {\n  deleteCompany(id: $id) { id }\n}";
        env.beside(delete, json!({ "id": company })).await;
        for ((tool, arguments), expected) in open.iter().zip([
            "denied",
            "denied",
            "not-found",
            "not-found",
            "not-found",
            "not-found",
        ]) {
            let failure = env.fails(tool, arguments.clone(), expected).await;
            if expected == "denied" {
                assert!(
                    failure.to_string().contains("did not say who owns"),
                    "{role}: {tool} {arguments}: {failure:#}"
                );
            }
        }
        // What is somebody's own stays so.
        let answer = env
            .ok("crm_upsert", rename("opportunity", &deal["id"]))
            .await;
        assert!(permitted_by(&answer).contains(&json!("own-records")));
        let shown = env
            .ok("crm_get", json!({"kind": "person", "id": person["id"]}))
            .await;
        assert_eq!(shown["fields"]["company"], Value::Null, "{shown:#}");
        let found = env.ok("crm_search", json!({ "query": name })).await;
        let hits = found["hits"].as_array().unwrap();
        assert!(hits.iter().all(|hit| hit["id"] != company), "{found:#}");
    }
}
