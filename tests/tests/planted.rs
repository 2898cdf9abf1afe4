//! Values of every kind of field, granted or not: what is not given away is in nothing that left. Every world of every test is looked
//! through when it ends (crm_tests::leaks); here is what that look can see, and each field by itself.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests may fail like tests"
)]

use crm_harness::plans::PlanState;
use crm_stand_in::relay;
use crm_stand_in::twenty::sample::{HEALTHY, ROBIN};
use crm_tests::World;
use crm_tests::leaks::{disguises, found};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const NOTE: &str = "Ring the harbour master about crane number seven";

/// The ids of a person at a company of Robin's, of a deal, and of a task of Robin's with a text.
async fn own(world: &World) -> [(&'static str, String); 3] {
    let robin = ROBIN.to_string();
    let people = world.twenty.records("person").unwrap();
    let companies = world.twenty.records("company").unwrap();
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
    let plan = world.propose("crm_follow_up", task).await;
    let outcome = world.approve(&plan).await.unwrap();
    let task = outcome.steps[0].what.rsplit(' ').next().unwrap().to_owned();
    let person = person["id"].as_str().unwrap().to_owned();
    [
        ("person", person),
        ("opportunity", HEALTHY.to_string()),
        ("task", task),
    ]
}

async fn shared(world: &World, refs: &[(&str, String)], fields: &[&str]) -> String {
    let refs: Vec<Value> = refs
        .iter()
        .map(|(kind, id)| json!({"kind": kind, "id": id}))
        .collect();
    let arguments = json!({
        "records": refs, "to": ["Sam Okafor"], "intent": "update", "fields": fields,
        "idempotencyKey": format!("share {}", fields.join("-")),
    });
    let plan = world.propose("crm_share", arguments).await;
    assert_eq!(world.approve(&plan).await.unwrap().state, PlanState::Done);
    let sent = world
        .relay()
        .requests()
        .on_route("POST", "/conversations/*/messages");
    sent.last().unwrap().body.replace('\\', "")
}

#[tokio::test]
async fn each_field_leaves_where_it_is_granted_and_only_there() {
    let world = World::whole().await;
    let refs = own(&world).await;
    let value = |object: &str, pointer: &str| {
        let (_, id) = refs.iter().find(|(kind, _)| *kind == object).unwrap();
        let record = world.twenty.record(object, id).unwrap();
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
    let plain = shared(&world, &refs, &[]).await;
    for (field, value) in &granted {
        assert!(!plain.contains(value.as_str()), "{field} was not granted");
    }
    for (field, _) in &granted {
        let sent = shared(&world, &refs, &[field]).await;
        for (other, value) in &granted {
            assert_eq!(
                sent.contains(value.as_str()),
                field == other,
                "{field} was granted: {other}: {value} in {sent}"
            );
        }
    }
    assert_eq!(found(&world), [""; 0]);
}

#[tokio::test]
async fn the_look_over_everything_that_left_sees_what_should_not_have() {
    let world = World::whole().await;
    let deal = world
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
    let notes = world.twenty.records("note").unwrap();
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
            world.relay().requests().clear();
            assert!(found(&world).is_empty());
            let body = json!({"surfaceText": format!("worth {text} in all")}).to_string();
            let mut stream = TcpStream::connect(world.relay().addr()).await.unwrap();
            let request = format!(
                "POST /tez/share HTTP/1.1\r\nhost: relay\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                relay::token(relay::sample::ROBIN),
                body.len()
            );
            stream.write_all(request.as_bytes()).await.unwrap();
            stream.read_to_end(&mut Vec::new()).await.unwrap();
            assert!(!found(&world).is_empty(), "{form}: {text}");
            forms += 1;
        }
    }
    println!("{forms} forms of planted values");
    world.relay().requests().clear();
}
