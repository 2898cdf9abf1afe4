//! Sharing: records, what blocks a deal, the day; asking for more, and answering that.

use crm_harness::plans::{PlanOutcome, PlanState};
use crm_stand_in::relay::sample::{CONTEXT_REQUEST, INGRID, PRIYA, ROBINS_TEZ, SAM, TEAM_ID};
use crm_stand_in::twenty::sample::{EVERYTHING_WRONG, HEALTHY, ROBIN, SAM as SAM_IN_TWENTY};
use crm_tests::TestEnv;
use serde_json::{Value, json};

fn records(refs: &[(&str, String)], to: &[&str], fields: &[&str]) -> Value {
    let refs: Vec<Value> = refs
        .iter()
        .map(|(kind, id)| json!({"kind": kind, "id": id}))
        .collect();
    json!({"records": refs, "to": to, "intent": "update", "fields": fields})
}

async fn send(env: &TestEnv, tool: &str, arguments: Value) -> PlanOutcome {
    let plan = env.propose(tool, arguments).await;
    let outcome = env.approve(&plan).await.unwrap();
    assert_eq!(outcome.state, PlanState::Done, "{outcome:#?}");
    outcome
}

/// Bodies of requests that wrote to the relay, the newest last.
fn bodies(env: &TestEnv) -> Vec<Value> {
    let all = env.relay().requests().all().into_iter();
    all.filter(|request| request.method == "POST")
        .filter_map(|request| request.json())
        .collect()
}

/// The layers of the last message that was sent.
fn layers(env: &TestEnv) -> Vec<Value> {
    let all = bodies(env);
    let last = all
        .iter()
        .rfind(|body| body.get("surfaceText").is_some())
        .unwrap();
    last["context"].as_array().cloned().unwrap_or_default()
}

fn envelopes(layers: &[Value]) -> Vec<Value> {
    let parsed = layers
        .iter()
        .filter_map(|layer| serde_json::from_str::<Value>(layer["content"].as_str()?).ok());
    parsed
        .filter(|value| value.get("fields").is_some())
        .collect()
}

#[tokio::test]
async fn one_colleague_gets_a_direct_message() {
    let env = TestEnv::whole().await;
    send(
        &env,
        "crm_share",
        records(
            &[("opportunity", HEALTHY.to_string())],
            &["Sam Okafor"],
            &[],
        ),
    )
    .await;
    let writes: Vec<_> = env
        .relay()
        .requests()
        .all()
        .into_iter()
        .filter(|request| request.method == "POST")
        .collect();
    assert_eq!(writes.len(), 2, "{writes:#?}");
    assert_eq!(
        writes[0].json().unwrap(),
        json!({"type": "dm", "memberIds": [SAM]})
    );
    let envelopes = envelopes(&layers(&env));
    let [deal] = envelopes.as_slice() else {
        panic!("{envelopes:#?}")
    };
    let fields: Vec<&String> = deal["fields"].as_object().unwrap().keys().collect();
    for field in &fields {
        assert!(
            [
                "name",
                "stage",
                "valueBand",
                "owner",
                "nextStep",
                "closeDate",
                "closing"
            ]
            .contains(&field.as_str()),
            "{fields:?}"
        );
    }
    assert!(fields.iter().any(|field| *field == "stage"));
    assert!(
        env.twenty.requests().all().len() <= 2,
        "one request, and what is kept"
    );
}

#[tokio::test]
async fn several_colleagues_get_one_team_message() {
    let env = TestEnv::whole().await;
    let refs = [("opportunity", HEALTHY.to_string())];
    send(
        &env,
        "crm_share",
        records(
            &refs,
            &["Sam Okafor", "priya@example.com", "Ingrid Solberg"],
            &[],
        ),
    )
    .await;
    let all = bodies(&env);
    let share = all.last().unwrap();
    assert_eq!(share["teamId"], TEAM_ID.to_string());
    assert_eq!(share["visibility"], "team");
    let mut named: Vec<_> = share["recipients"]
        .as_array()
        .unwrap()
        .iter()
        .map(|id| id.as_str().unwrap().to_owned())
        .collect();
    named.sort();
    let mut expected = [SAM, PRIYA, INGRID].map(|id| id.to_string());
    expected.sort();
    assert_eq!(named, expected);
    assert_eq!(all.len(), 1, "one write");
}

#[tokio::test]
async fn shared_blockers_hold_no_note_text() {
    let env = TestEnv::whole().await;
    let blockers = json!({"blockersOf": EVERYTHING_WRONG.to_string(), "to": ["Sam Okafor"], "intent": "question", "ask": "What do you think?"});
    let report = env
        .ok(
            "crm_blockers",
            json!({"opportunity": EVERYTHING_WRONG.to_string()}),
        )
        .await;
    let before = env.twenty.requests().count();
    send(&env, "crm_share", blockers).await;
    assert!(env.twenty.requests().count() - before <= 2);
    let layers = layers(&env);
    let found = report["findings"].as_array().unwrap().len();
    let facts = layers
        .iter()
        .filter(|layer| layer["layer"] == "fact")
        .count();
    assert!(
        facts >= found,
        "{facts} facts of {found} findings: {layers:#?}"
    );
    let blockers: Vec<Value> = layers
        .iter()
        .filter_map(|layer| serde_json::from_str::<Value>(layer["content"].as_str()?).ok())
        .filter(|value| value["item_type"] == "blocker")
        .collect();
    assert_eq!(blockers.len(), found, "{layers:#?}");
    assert!(
        blockers
            .iter()
            .all(|blocker| blocker["blocker"]["description"].is_string()
                && blocker["blocker"]["impact"].is_string())
    );
    let sent = bodies(&env)
        .iter()
        .map(Value::to_string)
        .collect::<String>();
    for note in env.twenty.records("note").unwrap() {
        let text = note
            .pointer("/bodyV2/markdown")
            .and_then(Value::as_str)
            .unwrap_or_default();
        assert!(
            text.len() < 24 || !sent.contains(&text[..text.floor_char_boundary(24)]),
            "a note was sent: {text}"
        );
    }
    assert!(!sent.contains("amountMicros"));
}

#[tokio::test]
async fn healthy_deal_has_nothing_to_share() {
    let env = TestEnv::whole().await;
    let arguments =
        json!({"blockersOf": HEALTHY.to_string(), "to": ["Sam Okafor"], "intent": "update"});
    let failure = env.fails("crm_share", arguments, "not-found").await;
    assert!(
        failure["reason"]
            .as_str()
            .unwrap()
            .to_lowercase()
            .contains("nothing"),
        "{failure:#}"
    );
    assert!(bodies(&env).is_empty());
}

#[tokio::test]
async fn the_day_is_shared_as_counts_and_rows() {
    let env = TestEnv::whole().await;
    // What the service says of itself is asked once and kept.
    env.ok("crm_briefing", json!({})).await;
    let before = env.twenty.requests().count();
    send(
        &env,
        "crm_share",
        json!({"briefing": true, "to": ["Sam Okafor"], "intent": "update"}),
    )
    .await;
    let asked = env.twenty.requests().count() - before;
    assert!(asked <= 4, "{asked} requests");
    let layers = layers(&env);
    assert!(!envelopes(&layers).is_empty(), "{layers:#?}");
}

#[tokio::test]
async fn share_context_sends_nothing() {
    let env = TestEnv::whole().await;
    let person = env.with_value(
        "person",
        "companyId",
        Some(&env.with_value("company", "accountOwnerId", Some(&ROBIN.to_string()))),
    );
    let refs = json!([{"kind": "opportunity", "id": HEALTHY}, {"kind": "person", "id": person}]);
    // Who the members are is asked once and kept.
    env.ok("crm_briefing", json!({})).await;
    let before = env.twenty.requests().count();
    let answer = env
        .ok("crm_context", json!({"refs": refs, "intent": "update"}))
        .await;
    assert!(bodies(&env).is_empty());
    assert_eq!(env.twenty.requests().count() - before, 1, "one request");
    let artifacts: Vec<_> = answer["layers"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|layer| layer["kind"] == "artifact")
        .collect();
    assert_eq!(artifacts.len(), 2, "{answer:#}");
    let omitted: Vec<_> = answer["omitted"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["field"].as_str().unwrap().to_owned())
        .collect();
    for field in ["amount", "email", "phone"] {
        assert!(
            omitted.iter().any(|known| known == field),
            "{field}: {omitted:?}"
        );
    }
    let with = env
        .ok(
            "crm_context",
            json!({"refs": refs, "intent": "update", "fields": ["amount"]}),
        )
        .await;
    let deal = with["layers"]
        .as_array()
        .unwrap()
        .iter()
        .find(|layer| {
            layer["content"]
                .as_str()
                .unwrap()
                .contains("crm.opportunity")
        })
        .unwrap();
    assert!(
        deal["content"].as_str().unwrap().contains("\"amount\""),
        "{deal:#}"
    );
}

#[tokio::test]
async fn extra_fields_need_their_own_policy() {
    let env = TestEnv::whole().await;
    let own = env.with_value("opportunity", "ownerId", Some(&ROBIN.to_string()));
    let answer = env
        .ok(
            "crm_share",
            records(&[("opportunity", own)], &["Sam Okafor"], &["amount"]),
        )
        .await;
    let steps = answer["preview"]["steps"].as_array().unwrap();
    let given = &steps.last().unwrap()["disclosures"][0];
    assert_eq!(given["expanded"], json!(["amount"]), "{given:#}");
    assert!(
        steps.last().unwrap()["policies"]
            .as_array()
            .unwrap()
            .contains(&json!("expand-own-records"))
    );
    // Somebody else's deal, of another team: nothing of it at all.
    let others = env.with_value("opportunity", "ownerId", Some(&SAM_IN_TWENTY.to_string()));
    let outcome = env
        .outcome(
            "crm_share",
            records(&[("opportunity", others)], &["Priya Raman"], &[]),
        )
        .await;
    let failure = outcome.result().unwrap_err();
    assert_eq!(
        (failure["case"].as_str(), failure["code"].as_str()),
        (Some("denied"), Some("access")),
        "{failure:#}"
    );
}

#[tokio::test]
async fn request_is_answered_in_its_thread() {
    let env = TestEnv::whole().await;
    let answer = env
        .ok(
            "crm_answer_request",
            json!({"tez": CONTEXT_REQUEST, "fields": ["amount"]}),
        )
        .await;
    let plan = answer["plan"].as_str().unwrap().to_owned();
    let outcome = env.approve(&plan).await.unwrap();
    assert_eq!(outcome.state, PlanState::Done, "{outcome:#?}");
    let replies = env
        .relay()
        .requests()
        .all()
        .into_iter()
        .filter(|request| request.method == "POST")
        .collect::<Vec<_>>();
    assert_eq!(replies.len(), 1, "{replies:#?}");
    assert!(replies[0].path.ends_with("/reply"), "{}", replies[0].path);
    let envelopes = envelopes(&layers(&env));
    let [deal] = envelopes.as_slice() else {
        panic!("{envelopes:#?}")
    };
    let fields: Vec<&String> = deal["fields"].as_object().unwrap().keys().collect();
    assert_eq!(fields, ["amount"], "{deal:#}");
    assert_eq!(deal["id"], HEALTHY.to_string());
    assert_ne!(ROBINS_TEZ, CONTEXT_REQUEST);
}

#[tokio::test]
async fn asking_sends_a_request_and_nothing_of_the_crm() {
    let env = TestEnv::whole().await;
    let arguments = json!({
        "asking": [{"kind": "crm.opportunity", "id": HEALTHY, "fields": ["amount", "contact"]}],
        "to": ["Sam Okafor"], "intent": "question",
    });
    send(&env, "crm_share", arguments).await;
    let layers = layers(&env);
    let request = layers
        .iter()
        .find(|layer| layer["layer"] == "constraint")
        .unwrap();
    let request: Value = serde_json::from_str(request["content"].as_str().unwrap()).unwrap();
    assert_eq!(request["kind"], "context.request");
    assert_eq!(request["refs"][0]["fields"], json!(["amount", "contact"]));
    assert!(
        env.twenty.requests().all().is_empty(),
        "nothing is read for it"
    );
}
