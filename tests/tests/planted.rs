//! Values of every kind of field, granted or not: what is not given away is in nothing that left.
//! Every environment of every test is looked through when it ends (crm_tests::leaks); here is what
//! that look can see, and each field by itself.

use crm_harness::plans::PlanState;
use crm_stand_in::relay;
use crm_stand_in::twenty::sample::{HEALTHY, ROBIN};
use crm_tests::TestEnv;
use crm_tests::leaks::{disguises, found};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const NOTE: &str = "Ring the harbour master about crane number seven";

/// The ids of a person at a company of Robin's, of a deal, and of a task of Robin's with a text.
async fn own(env: &TestEnv) -> [(&'static str, String); 3] {
    let robin = ROBIN.to_string();
    let people = env.twenty.records("person").unwrap();
    let companies = env.twenty.records("company").unwrap();
    let mine = |company: &Value| {
        companies
            .iter()
            .any(|one| one["id"] == *company && one["accountOwnerId"] == robin.as_str())
    };
    let full = |person: &&Value| {
        let has = |pointer: &str| {
            person
                .pointer(pointer)
                .and_then(Value::as_str)
                .is_some_and(|text| text.len() >= 6)
        };
        person["deletedAt"].is_null()
            && mine(&person["companyId"])
            && has("/emails/primaryEmail")
            && has("/phones/primaryPhoneNumber")
    };
    let person = people
        .iter()
        .find(full)
        .expect("a person with an address and a number");
    let task = json!({"about": HEALTHY, "title": "Ask about the crane", "note": NOTE, "due": "2026-03-20"});
    let plan = env.propose("crm_follow_up", task).await;
    let outcome = env.approve(&plan).await.unwrap();
    let task = outcome.steps[0].what.rsplit(' ').next().unwrap().to_owned();
    let person = person["id"].as_str().unwrap().to_owned();
    [
        ("person", person),
        ("opportunity", HEALTHY.to_string()),
        ("task", task),
    ]
}

async fn shared(env: &TestEnv, refs: &[(&str, String)], fields: &[&str]) -> String {
    let refs: Vec<Value> = refs
        .iter()
        .map(|(kind, id)| json!({"kind": kind, "id": id}))
        .collect();
    let arguments = json!({
        "records": refs, "to": ["Sam Okafor"], "intent": "update", "fields": fields,
        "idempotencyKey": format!("share {}", fields.join("-")),
    });
    let plan = env.propose("crm_share", arguments).await;
    assert_eq!(env.approve(&plan).await.unwrap().state, PlanState::Done);
    let sent = env
        .relay()
        .requests()
        .on_route("POST", "/conversations/*/messages");
    sent.last().unwrap().body.replace('\\', "")
}

#[tokio::test]
async fn fields_leave_only_where_granted() {
    let env = TestEnv::whole().await;
    let refs = own(&env).await;
    let value = |object: &str, pointer: &str| {
        let (_, id) = refs.iter().find(|(kind, _)| *kind == object).unwrap();
        let record = env.twenty.record(object, id).unwrap();
        let value = record.pointer(pointer).unwrap();
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    let micros: i64 = value("opportunity", "/amount/amountMicros")
        .parse()
        .unwrap();
    let granted = [
        ("email", value("person", "/emails/primaryEmail")),
        ("phone", value("person", "/phones/primaryPhoneNumber")),
        ("amount", (micros / 1_000_000).to_string()),
        ("body", NOTE.to_owned()),
    ];
    let plain = shared(&env, &refs, &[]).await;
    for (field, value) in &granted {
        assert!(!plain.contains(value.as_str()), "{field} was not granted");
    }
    for (field, _) in &granted {
        let sent = shared(&env, &refs, &[field]).await;
        for (other, value) in &granted {
            assert_eq!(
                sent.contains(value.as_str()),
                field == other,
                "{field} was granted: {other}: {value} in {sent}"
            );
        }
    }
    assert_eq!(found(&env), [""; 0]);
}

#[tokio::test]
async fn leak_check_detects_a_leak() {
    let env = TestEnv::whole().await;
    let deal = env
        .twenty
        .record("opportunity", &HEALTHY.to_string())
        .unwrap();
    let micros: i64 = deal
        .pointer("/amount/amountMicros")
        .unwrap()
        .to_string()
        .trim_matches('"')
        .parse()
        .unwrap();
    let notes = env.twenty.records("note").unwrap();
    let long = |note: &&Value| {
        note.pointer("/bodyV2/markdown")
            .and_then(Value::as_str)
            .is_some_and(|text| text.len() > 30 && text.is_ascii())
    };
    let note = notes
        .iter()
        .find(long)
        .unwrap()
        .pointer("/bodyV2/markdown")
        .and_then(Value::as_str)
        .unwrap();
    let excerpt: String = note.chars().take(28).collect();
    let amount = (micros / 1_000_000).to_string();
    let mut forms = 0;
    for value in [&amount, &excerpt] {
        for (form, text) in disguises(value) {
            env.relay().requests().clear();
            assert!(found(&env).is_empty());
            let body = json!({"surfaceText": format!("worth {text} in all")}).to_string();
            let mut stream = TcpStream::connect(env.relay().addr()).await.unwrap();
            let request = format!(
                "POST /tez/share HTTP/1.1\r\nhost: relay\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                relay::token(relay::sample::ROBIN),
                body.len()
            );
            stream.write_all(request.as_bytes()).await.unwrap();
            stream.read_to_end(&mut Vec::new()).await.unwrap();
            assert!(!found(&env).is_empty(), "{form}: {text}");
            forms += 1;
        }
    }
    println!("{forms} forms of planted values");
    env.relay().requests().clear();
}
