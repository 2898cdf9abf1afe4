//! A component that is not to be trusted, between a service that knows things and one that tells
//! them to people: what it has read leaves as what a plan says it gives away, and in no other way.

use std::time::Duration;

use crm_harness::{CallOutcome, Caller, Harness, Invocation, Parts};
use crm_stand_in::Running;
use crm_stand_in::relay::sample::{OTHER_TEAM_ID, ROBINS_TEZ, SAM, TEAM_ID};
use crm_stand_in::twenty::sample::{EVERYTHING_WRONG, HEALTHY, INJECTED_NOTE};
use crm_tests::leaks::disguises;
use crm_tests::outsider::teller;
use serde_json::{Value, json};

const DEALS: &str = "query Deals($ids: [UUID!]!) { opportunities(first: 10, filter: { id: { in: $ids } }) { edges { node { id name stage closeDate amount { amountMicros currencyCode } owner { userEmail } company { name } } } } }";
const NOTES: &str = "query Notes($ids: [UUID!]!) { notes(first: 10, filter: { id: { in: $ids } }) { edges { node { id title bodyV2 { markdown } } } } }";

struct SmugglingEnv {
    harness: Harness,
    service: Running,
    relay: Running,
}

impl SmugglingEnv {
    async fn new() -> Self {
        let parts = Parts {
            pause: Duration::from_millis(1),
            ..Parts::default()
        };
        let (harness, service, relay) = teller(parts).await;
        Self {
            harness,
            service,
            relay,
        }
    }

    /// Reads two deals and a note through the component, sends `more`, and proposes `steps`.
    async fn scheme(&self, steps: &[Value], more: &[Value]) -> CallOutcome {
        let deals = json!({"query": DEALS, "variables": {"ids": [HEALTHY, EVERYTHING_WRONG]}});
        let notes = json!({"query": NOTES, "variables": {"ids": [INJECTED_NOTE]}});
        let mut meanwhile: Vec<Value> = [deals, notes]
            .iter()
            .map(|body| {
                json!({"origin": self.service.url(), "path": "/graphql", "body": body.to_string()})
            })
            .collect();
        meanwhile.extend_from_slice(more);
        // What the caller says may leave: so it says everything backwards.
        let mut steps = steps.to_vec();
        for step in &mut steps {
            let body: String = step["body"].as_str().unwrap().chars().rev().collect();
            step["body"] = body.into();
        }
        let plan = json!({"words": "w", "about": [], "steps": steps, "warnings": []});
        let invocation = Invocation {
            tool: "outsider_scheme".to_owned(),
            arguments: json!({"what": plan, "backwards": true, "meanwhile": meanwhile}),
            caller: Caller {
                email: Some("robin@example.com".into()),
                ..Caller::default()
            },
            deadline: None,
        };
        self.harness.call(invocation).await.unwrap()
    }

    fn value(&self, pointer: &str) -> String {
        let record = self
            .service
            .record("opportunity", &HEALTHY.to_string())
            .unwrap();
        record.pointer(pointer).and_then(Value::as_str).map_or_else(
            || record.pointer(pointer).unwrap().to_string(),
            str::to_owned,
        )
    }

    fn note(&self) -> String {
        let note = self.service.record("note", &INJECTED_NOTE.to_string());
        let note = note.unwrap();
        let body = note.pointer("/bodyV2/markdown").and_then(Value::as_str);
        body.unwrap_or_default().to_owned()
    }

    fn get(&self, path: &str) -> Value {
        json!({"origin": self.relay.url(), "method": "GET", "path": path, "body": ""})
    }
}

fn step(id: &str, path: &str, body: &Value) -> Value {
    json!({
        "id": id, "destination": "teller", "method": "post", "path": path, "body": body.to_string(),
        "words": "Nothing but good.", "timing": {"case": "in-order"}, "slots": [], "changes": [], "basis": [],
        "disclosures": [],
    })
}

fn open() -> Value {
    step(
        "open",
        "/conversations",
        &json!({"type": "dm", "memberIds": [SAM]}),
    )
}

fn message(body: &Value) -> Value {
    let mut message = step("message", "/conversations/{{conversation}}/messages", body);
    message["slots"] = json!([{"name": "conversation", "step": "open", "pointer": "/data/id"}]);
    message
}

fn says(text: &str) -> Vec<Value> {
    vec![
        open(),
        message(&json!({"surfaceText": text, "type": "note"})),
    ]
}

fn giving(mut steps: Vec<Value>, fields: &[&str]) -> Vec<Value> {
    steps[1]["disclosures"] = json!([{"ref": {"kind": "t.deal", "id": HEALTHY}, "fields": fields}]);
    steps
}

/// A message with a record's fields in it.
fn holds(fields: &Value) -> Vec<Value> {
    let envelope = json!({
        "kind": "t.deal", "id": HEALTHY, "fields": fields, "omitted": [],
        "provenance": {"source": "service", "object": "deal", "recordId": HEALTHY,
            "recordUpdatedAt": "2026-03-01T09:00:00Z", "fetchedAt": "2026-03-11T13:30:00Z", "skill": "outsider/0.1.0"},
    });
    let body = json!({
        "surfaceText": "see below", "type": "note",
        "context": [{"layer": "artifact", "content": envelope.to_string()}],
    });
    vec![open(), message(&body)]
}

fn code(outcome: &CallOutcome) -> String {
    match &outcome.result() {
        Ok(answer) => answer["state"].as_str().unwrap().to_owned(),
        Err(failure) => failure["code"].as_str().unwrap_or_default().to_owned(),
    }
}

#[tokio::test]
async fn read_values_leave_only_as_declared() {
    let env = SmugglingEnv::new().await;
    let (name, note) = (env.value("/name"), env.note());
    let micros: i64 = env.value("/amount/amountMicros").parse().unwrap();
    let amount = (micros / 1_000_000).to_string();
    let excerpt: String = note.chars().skip(5).take(30).collect();
    assert!(name.len() >= 6 && amount.len() >= 4 && excerpt.len() >= 24);
    let spread: Vec<String> = name.chars().map(|c| format!("{c}\u{200b}")).collect();
    let stage = env.value("/stage");
    let fields = |value: Value| holds(&value);
    let cases = [
        ("nothing of it", says("Good morning."), "waiting"),
        (
            "a name that is not given away",
            says(&format!("Look at {name}.")),
            "plan-gate",
        ),
        (
            "the same in capitals",
            says(&name.to_uppercase()),
            "plan-gate",
        ),
        (
            "the same with nothing between its letters",
            says(&spread.concat()),
            "plan-gate",
        ),
        (
            "the same across lines",
            says(&name.replace(' ', "\n  ")),
            "plan-gate",
        ),
        (
            "a name that is given away",
            giving(says(&format!("Look at {name}.")), &["name"]),
            "waiting",
        ),
        (
            "another field than the one given away",
            giving(says(&format!("Look at {name}.")), &["stage"]),
            "plan-gate",
        ),
        ("a note", says(&note), "plan-gate"),
        (
            "a piece of a note",
            says(&format!("he says {excerpt} and so on")),
            "plan-gate",
        ),
        (
            "an amount in millionths",
            says(&format!("worth {micros} EUR in millionths")),
            "plan-gate",
        ),
        (
            "an amount as people write it",
            says(&format!("worth {amount} or so")),
            "plan-gate",
        ),
        (
            "an amount in groups of digits",
            says(&format!(
                "worth {},{} or so",
                &amount[..amount.len() - 3],
                &amount[amount.len() - 3..]
            )),
            "plan-gate",
        ),
        (
            "a record's fields as said",
            giving(
                fields(json!({"name": name, "stage": stage})),
                &["name", "stage"],
            ),
            "waiting",
        ),
        (
            "a record's fields, and nothing said",
            fields(json!({"name": name})),
            "plan-form",
        ),
        (
            "a record's fields, and less said",
            giving(fields(json!({"name": name, "stage": stage})), &["name"]),
            "plan-form",
        ),
        (
            "a field that may not be given away",
            giving(fields(json!({"company": "x"})), &["name"]),
            "plan-gate",
        ),
        (
            "a field that is said and may not be given away",
            giving(says("x"), &["closeDate"]),
            "plan-form",
        ),
        (
            "a field beyond the default that no policy permits",
            giving(fields(json!({"amount": amount})), &["amount"]),
            "access",
        ),
        (
            "a value as the name of a field",
            giving(fields(json!({name.clone(): "x"})), &["name"]),
            "plan-gate",
        ),
        (
            "a value beside the fields",
            {
                let mut steps = holds(&json!({}));
                let body = steps[1]["body"].as_str().unwrap().replace(
                    "\\\"omitted\\\":[]",
                    &format!("\\\"omitted\\\":[\\\"{name}\\\"]"),
                );
                assert!(body.contains(&name));
                steps[1]["body"] = body.into();
                steps
            },
            "plan-gate",
        ),
        (
            "a value in another member",
            vec![
                open(),
                message(&json!({"surfaceText": "x", "type": "note", "more": name})),
            ],
            "plan-gate",
        ),
        (
            "a value where a word of a list stands",
            vec![open(), message(&json!({"surfaceText": "x", "type": name}))],
            "plan-gate",
        ),
        (
            "a value as somebody's id",
            vec![step(
                "open",
                "/conversations",
                &json!({"type": "dm", "memberIds": [name.replace(' ', "-")]}),
            )],
            "plan-gate",
        ),
        (
            "a value as a path",
            vec![step(
                "reply",
                &format!("/tez/{}/reply", stage.to_lowercase()),
                &json!({"surfaceText": "x"}),
            )],
            "plan-form",
        ),
        (
            "a conversation that nobody has opened",
            vec![step(
                "message",
                &format!(
                    "/conversations/{}/messages",
                    "00000000-0000-4000-8000-000000000000"
                ),
                &json!({"surfaceText": "x", "type": "note"}),
            )],
            "plan-form",
        ),
    ];
    let mut counted = 0;
    for (label, steps, expected) in cases {
        let outcome = env.scheme(&steps, &[]).await;
        assert_eq!(code(&outcome), expected, "{label}: {:#?}", outcome.result());
        if let Err(failure) = &outcome.result() {
            let told = failure.to_string();
            assert!(
                !told.contains(&name) && !told.contains(&amount),
                "{label}: {told}"
            );
        }
        counted += 1;
    }
    println!("{counted} proposals");
    assert!(env.relay.requests().all().is_empty(), "nothing was sent");
}

#[tokio::test]
async fn read_values_do_not_leave_in_other_reads() {
    let env = SmugglingEnv::new().await;
    let name = env.value("/name");
    let word = name.split(' ').max_by_key(|word| word.len()).unwrap();
    let escaped = name.replace(' ', "%20");
    let more = [
        env.get(&format!("/contacts/search?q={escaped}")),
        env.get(&format!("/contacts/search?q=xx&limit={escaped}")),
        env.get(&format!("/contacts/search?q={}", escaped.to_uppercase())),
        // Escaped here too: what the arguments say in plain, however it is joined, may leave.
        env.get(&format!("/tez/{escaped}")),
    ];
    let before = env.relay.requests().count();
    let outcome = env.scheme(&says("Good morning."), &more).await;
    let seen = env.relay.requests().all();
    let arrived: Vec<_> = seen
        .iter()
        .skip(before)
        .map(|request| &request.path)
        .collect();
    assert!(
        arrived
            .iter()
            .all(|path| !path.to_lowercase().contains(&escaped.to_lowercase())),
        "{arrived:?}"
    );
    assert_eq!(
        denials(&outcome),
        ["crossing", "crossing", "crossing", "path"],
        "{:?}",
        outcome.denials
    );
    assert!(
        outcome
            .denials
            .iter()
            .all(|denial| !denial.reason.contains(word) && !denial.fix.contains(word)),
        "a refusal repeats nothing"
    );
    // What a service has said itself may go back to it.
    let back = [
        env.get(&format!("/teams/{TEAM_ID}/members")),
        env.get(&format!("/tez/{ROBINS_TEZ}")),
    ];
    let outcome = env.scheme(&says("Good morning."), &back).await;
    assert!(outcome.denials.is_empty(), "{:?}", outcome.denials);
}

#[tokio::test]
async fn reply_goes_only_to_the_observed_group() {
    let env = SmugglingEnv::new().await;
    let reply = || {
        vec![step(
            "reply",
            &format!("/tez/{ROBINS_TEZ}/reply"),
            &json!({"surfaceText": "x"}),
        )]
    };
    let outcome = env.scheme(&reply(), &[]).await;
    assert_eq!(code(&outcome), "plan-form", "it was not looked at");
    let look = [env.get(&format!("/tez/{ROBINS_TEZ}"))];
    let outcome = env.scheme(&reply(), &look).await;
    assert_eq!(code(&outcome), "waiting", "{:#?}", outcome.result());
    assert_ne!(TEAM_ID, OTHER_TEAM_ID);
}

#[tokio::test]
async fn a_value_in_disguise_does_not_leave() {
    let env = SmugglingEnv::new().await;
    let (name, note) = (env.value("/name"), env.note());
    let excerpt: String = note.chars().skip(5).take(40).collect();
    let micros: i64 = env.value("/amount/amountMicros").parse().unwrap();
    let amount = (micros / 1_000_000).to_string();
    let mut counted = 0;
    for value in [&name, &excerpt, &amount] {
        for (form, text) in disguises(value) {
            let outcome = env.scheme(&says(&format!("About {text}.")), &[]).await;
            assert_eq!(code(&outcome), "plan-gate", "{form}: {text}");
            counted += 1;
        }
    }
    println!("{counted} disguises");
    assert!(env.relay.requests().all().is_empty(), "nothing was sent");
}

fn denials(outcome: &CallOutcome) -> Vec<&'static str> {
    let codes = outcome.denials.iter().map(|denial| denial.code.as_str());
    codes.collect()
}

#[tokio::test]
async fn encoded_value_leaves_in_no_read() {
    let env = SmugglingEnv::new().await;
    let name = env.value("/name");
    let backwards: String = name.chars().rev().collect();
    let hidden = |path: &str| {
        let mut request = env.get(path);
        request["body"] = backwards.clone().into();
        request
    };
    let hexadecimal: String = name.bytes().map(|byte| format!("{byte:02x}")).collect();
    for path in [
        "/contacts/search?q={}",
        "/contacts/search?q=Sam&limit={}",
        "/tez/{}",
    ] {
        let before = env.relay.requests().count();
        let outcome = env.scheme(&says("Good morning."), &[hidden(path)]).await;
        assert_eq!(denials(&outcome), ["provenance"], "{path}");
        let seen = env.relay.requests().all();
        assert_eq!(seen.len(), before, "{path}: {seen:?}");
        let denial = &outcome.denials[0];
        assert!(!denial.reason.contains(&hexadecimal), "{}", denial.reason);
    }
    // As long as nobody has said anything, nothing can be carried: the same passes before the first
    // answer of another service.
    let plan = json!({"words": "w", "about": [], "steps": says("x"), "warnings": []});
    let invocation = Invocation {
        tool: "outsider_scheme".to_owned(),
        arguments: json!({"what": plan, "meanwhile": [hidden("/contacts/search?q={}")]}),
        caller: Caller::default(),
        deadline: None,
    };
    let outcome = env.harness.call(invocation).await.unwrap();
    assert!(outcome.denials.is_empty(), "{:?}", outcome.denials);
}

#[tokio::test]
async fn each_value_of_a_read_has_one_spelling() {
    let env = SmugglingEnv::new().await;
    // The argument says "Sam"; which of its letters are escaped would tell something.
    for (path, expected) in [
        ("/contacts/search?q=Sam", &[][..]),
        ("/contacts/search?q=%53am", &["provenance"]),
        ("/contacts/search?q=S%61m", &["provenance"]),
    ] {
        let outcome = env.scheme(&says("Sam"), &[env.get(path)]).await;
        assert_eq!(denials(&outcome), expected, "{path}");
    }
}

#[tokio::test]
async fn members_of_another_group_are_not_fetched() {
    let env = SmugglingEnv::new().await;
    let path = format!("/teams/{OTHER_TEAM_ID}/members");
    let before = env.relay.requests().count();
    let outcome = env.scheme(&says("Good morning."), &[env.get(&path)]).await;
    assert_eq!(denials(&outcome), ["setting"]);
    assert_eq!(env.relay.requests().count(), before, "nothing arrived");
    let own = env.get(&format!("/teams/{TEAM_ID}/members"));
    let outcome = env.scheme(&says("Good morning."), &[own]).await;
    assert!(outcome.denials.is_empty(), "{:?}", outcome.denials);
}

#[tokio::test]
async fn judge_reads_only_the_service_of_its_step() {
    let env = SmugglingEnv::new().await;
    let caller = Caller {
        email: Some("robin@example.com".into()),
        ..Caller::default()
    };
    let relay = env.relay.url();
    let hello = json!({"query": DEALS, "variables": {"ids": [HEALTHY]}}).to_string();
    let search = format!("GET {relay} /contacts/search?q={{}}&limit=5");
    let deals = format!("POST {} /graphql", env.service.url());
    for (label, words, before, arrives) in [
        (
            "what was there before, in plain",
            &search,
            "planted secret",
            false,
        ),
        ("a piece of it", &search, "planted", false),
        ("what stands in the step", &search, "dm", true),
        ("a question to another service", &deals, &*hello, false),
    ] {
        let mut open = open();
        open["words"] = words.clone().into();
        open["changes"] = json!([{"pointer": "/type", "before": before}]);
        let outcome = env.scheme(&[open], &[]).await;
        let answer = outcome.result().unwrap();
        let plan = answer["plan"].as_str().unwrap();
        let (there, here) = (env.service.requests().count(), env.relay.requests().count());
        let done = env
            .harness
            .plans()
            .approve(plan, &caller, false)
            .await
            .unwrap();
        assert!(!done.steps.is_empty(), "{label}");
        let seen = env.relay.requests().all();
        let searched = seen
            .iter()
            .skip(here)
            .filter(|request| request.path.contains("/contacts/search"))
            .count();
        assert_eq!(searched, usize::from(arrives), "{label}: {seen:?}");
        assert_eq!(env.service.requests().count(), there, "{label}");
    }
}
