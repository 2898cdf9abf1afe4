//! Tests of the sample on the relay and in the PA Workspace, as other tests and the demo rely on
//! it.

#[allow(dead_code, reason = "each test uses its part")]
mod client;

use std::collections::BTreeSet;

use client::{ask, call};
use crm_stand_in::Running;
use crm_stand_in::clock::ManualClock;
use crm_stand_in::pa_workspace::{self, WorkspaceStandIn};
use crm_stand_in::relay::sample::{
    CONTEXT_REQUEST, GROUP_CONVERSATION, HANDOFF_CONVERSATION, HANDOFF_MESSAGE, HIDDEN_TEZ, INGRID,
    INJECTED_CONVERSATION, INJECTED_MESSAGE, INJECTED_TEZ, NOTES_CONVERSATION, OLD_UPDATE,
    OTHER_TEAM_ID, PEOPLE, PRIYA, QUESTION_CONVERSATION, QUESTION_MESSAGE, READ_CONVERSATION,
    ROBIN, ROBINS_MESSAGE, ROBINS_TEZ, SAM, SAM_OLSEN, TEAM_HANDOFF, TEAM_ID, TEAM_QUESTION, TOMAS,
};
use crm_stand_in::relay::{self, RelayStandIn};
use crm_stand_in::twenty::keys::FULL_KEY;
use crm_stand_in::twenty::sample::{HEALTHY, ROBIN_TIME_ZONE};
use crm_stand_in::twenty::{self, TwentyStandIn};
use serde_json::{Value, json};
use uuid::Uuid;

async fn start() -> Running {
    let options = relay::Options {
        rate_limit: false,
        ..relay::Options::default()
    };
    RelayStandIn::start(options).await.unwrap()
}

/// The data of an answer to `GET`.
async fn get(running: &Running, user: Uuid, path: &str) -> Value {
    let answer = call(running.addr(), user, "GET", path, Value::Null).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()["data"].clone()
}

fn texts<'v>(list: &'v Value, field: &str) -> Vec<&'v str> {
    let list = list.as_array().unwrap().iter();
    list.map(|entry| entry[field].as_str().unwrap()).collect()
}

#[tokio::test]
async fn its_people_are_those_of_twenty_and_a_namesake() {
    let (running, twenty) = (
        start().await,
        TwentyStandIn::start(twenty::Options::default())
            .await
            .unwrap(),
    );
    let query = "{ workspaceMembers { edges { node { userEmail name { firstName lastName } } } } }";
    let members = ask(twenty.addr(), FULL_KEY, query, json!({})).await;
    let members = members["data"]["workspaceMembers"]["edges"]
        .as_array()
        .unwrap()
        .clone();
    let members: BTreeSet<(String, String)> = members
        .iter()
        .map(|edge| {
            let name = |part: &str| edge["node"]["name"][part].as_str().unwrap().to_owned();
            let email = edge["node"]["userEmail"].as_str().unwrap().to_owned();
            (format!("{} {}", name("firstName"), name("lastName")), email)
        })
        .collect();
    for (user, name, email) in PEOPLE {
        let contact = running.record("contact", &user.to_string()).unwrap();
        assert_eq!(
            (&contact["displayName"], &contact["email"]),
            (&json!(name), &json!(email))
        );
        let known = members.contains(&(name.to_owned(), email.to_owned()));
        assert_eq!(known, user != SAM_OLSEN, "{name}");
    }
    let found = get(&running, ROBIN, "/contacts/search?q=sam").await;
    assert_eq!(texts(&found, "displayName"), ["Sam Okafor", "Sam Olsen"]);
}

#[tokio::test]
async fn the_teams_have_nobody_in_common() {
    let running = start().await;
    let members = |user: Uuid, team: Uuid| {
        let running = &running;
        async move { get(running, user, &format!("/teams/{team}/members")).await }
    };
    let ids = |users: &[Uuid]| -> Vec<String> { users.iter().map(Uuid::to_string).collect() };
    let north = members(ROBIN, TEAM_ID).await;
    assert_eq!(texts(&north, "userId"), ids(&[ROBIN, SAM, PRIYA, INGRID]));
    assert_eq!(
        texts(&north, "role"),
        ["admin", "member", "member", "member"]
    );
    let south = members(TOMAS, OTHER_TEAM_ID).await;
    assert_eq!(texts(&south, "userId"), ids(&[TOMAS, SAM_OLSEN]));
    let teams = get(&running, ROBIN, "/teams").await;
    assert_eq!(
        teams,
        json!([{"id": TEAM_ID.to_string(), "name": "North", "role": "admin"}])
    );
}

#[tokio::test]
async fn robin_has_five_unread_conversations() {
    let running = start().await;
    let unread = get(&running, ROBIN, "/unread").await;
    let count = |id: Uuid, count: u8| json!({"conversationId": id.to_string(), "count": count});
    let conversations = json!([
        count(HANDOFF_CONVERSATION, 1),
        count(QUESTION_CONVERSATION, 1),
        count(NOTES_CONVERSATION, 2),
        count(GROUP_CONVERSATION, 3),
        count(INJECTED_CONVERSATION, 1),
    ]);
    assert_eq!(unread["conversations"], conversations);
    let team = json!([{"teamId": TEAM_ID.to_string(), "count": 3}]);
    assert_eq!((&unread["teams"], &unread["total"]), (&team, &json!(11)));
    let listed = get(&running, ROBIN, "/conversations").await;
    let read = READ_CONVERSATION.to_string();
    let read = listed
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["id"] == read)
        .unwrap();
    assert_eq!(
        (&read["unreadCount"], listed.as_array().unwrap().len()),
        (&json!(0), 6)
    );
    let last = get(
        &running,
        ROBIN,
        &format!("/conversations/{GROUP_CONVERSATION}/messages"),
    )
    .await;
    assert_eq!(last[0]["id"], ROBINS_MESSAGE.to_string());
    assert_eq!(last[0]["senderUserId"], ROBIN.to_string());
    let kind =
        |tez: Uuid| async move { (tez, running.record("message", &tez.to_string()).unwrap()) };
    let (_, handoff) = kind(HANDOFF_MESSAGE).await;
    assert_eq!(
        (&handoff["type"], &handoff["urgency"]),
        (&json!("handoff"), &json!("high"))
    );
}

#[tokio::test]
async fn messages_are_what_they_are_said_to_be() {
    let running = start().await;
    let of = |object: &str, id: Uuid| running.record(object, &id.to_string()).unwrap();
    for (object, id, kind, by) in [
        ("message", HANDOFF_MESSAGE, "handoff", SAM),
        ("message", QUESTION_MESSAGE, "question", PRIYA),
        ("message", INJECTED_MESSAGE, "note", TOMAS),
        ("tez", TEAM_HANDOFF, "handoff", SAM),
        ("tez", TEAM_QUESTION, "question", INGRID),
        ("tez", CONTEXT_REQUEST, "question", PRIYA),
        ("tez", INJECTED_TEZ, "note", PRIYA),
        ("tez", OLD_UPDATE, "update", INGRID),
    ] {
        let tez = of(object, id);
        assert_eq!(
            (&tez["type"], &tez["senderUserId"]),
            (&json!(kind), &json!(by.to_string()))
        );
    }
    let injected = of("message", INJECTED_MESSAGE);
    let text = injected["surfaceText"].as_str().unwrap();
    assert!(
        text.contains('\u{200b}') && text.contains('\u{202e}'),
        "{text:?}"
    );
    let request = of("tez", CONTEXT_REQUEST);
    assert_eq!(request["parentTezId"], ROBINS_TEZ.to_string());
    assert_eq!(request["context"][0]["layer"], "constraint");
    let asked: Value =
        serde_json::from_str(request["context"][0]["content"].as_str().unwrap()).unwrap();
    let refs =
        json!([{"kind": "crm.opportunity", "id": HEALTHY.to_string(), "fields": ["amount"]}]);
    assert_eq!(asked, json!({"kind": "context.request", "refs": refs}));
}

#[tokio::test]
async fn stream_omits_messages_for_robin_alone() {
    let running = start().await;
    let stream = get(&running, ROBIN, &format!("/tez/stream?teamId={TEAM_ID}")).await;
    let order = [
        TEAM_HANDOFF,
        TEAM_QUESTION,
        CONTEXT_REQUEST,
        ROBINS_TEZ,
        INJECTED_TEZ,
        OLD_UPDATE,
    ];
    let order: Vec<String> = order.iter().map(Uuid::to_string).collect();
    assert_eq!(texts(&stream, "id"), order);
    let hidden = get(&running, ROBIN, &format!("/tez/{HIDDEN_TEZ}")).await;
    assert_eq!(hidden["recipients"][0]["userId"], ROBIN.to_string());
}

#[tokio::test]
async fn every_id_stands_for_one_thing() {
    let running = start().await;
    let mut ids = BTreeSet::new();
    for object in [
        "tez",
        "message",
        "context",
        "conversation",
        "team",
        "contact",
    ] {
        for record in running.records(object).unwrap() {
            let id = record["id"].as_str().unwrap().to_owned();
            assert!(ids.insert(id.clone()), "{id}");
        }
    }
}

#[tokio::test]
async fn events_are_of_robins_local_day() {
    for (now, day) in [
        ("2026-03-04T15:00:00Z", "2026-03-04"),
        // Still the day before in New York, and summer time there on the next.
        ("2026-03-08T03:30:00Z", "2026-03-07"),
        ("2026-03-08T12:00:00Z", "2026-03-08"),
        ("2027-01-01T04:59:00Z", "2026-12-31"),
    ] {
        let clock = ManualClock::at(now.parse().unwrap());
        let running = WorkspaceStandIn::start(pa_workspace::Options {
            clock: clock.clock(),
            ..pa_workspace::Options::default()
        })
        .await
        .unwrap();
        let path = format!(
            "/api/calendar/shared-events?paEmail={}",
            pa_workspace::sample::ROBIN_PA
        );
        let events = get(&running, ROBIN, &path).await;
        assert_eq!(events.as_array().unwrap().len(), 3);
        for start in texts(&events, "start") {
            let start: jiff::Timestamp = start.parse().unwrap();
            let there = start.in_tz(ROBIN_TIME_ZONE).unwrap();
            assert_eq!(there.date().to_string(), day, "at {now}");
        }
    }
}
