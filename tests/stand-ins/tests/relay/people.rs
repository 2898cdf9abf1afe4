//! Conversations, teams and contacts, and what is wrong with a body.

use crm_stand_in::relay::Variant;
use crm_stand_in::relay::sample::{HANDOFF_CONVERSATION, ROBIN, SAM, SAM_OLSEN, TEAM_ID};
use serde_json::{Value, json};

use crate::client::call;
use crate::{get, start};

#[tokio::test]
async fn direct_conversations_are_unique() {
    let running = start(Variant::P).await;
    let open = |body: Value| call(running.addr(), ROBIN, "POST", "/conversations", body);
    let with = |user: uuid::Uuid| json!({"type": "dm", "memberIds": [user.to_string()]});
    let known = open(with(SAM)).await.json();
    assert_eq!(known["data"]["id"], HANDOFF_CONVERSATION.to_string());
    let new = open(with(SAM_OLSEN)).await.json();
    assert_eq!(
        new["data"]["id"],
        open(with(SAM_OLSEN)).await.json()["data"]["id"]
    );
    for (body, message) in [
        (
            with(ROBIN),
            "DM requires exactly 2 members (including yourself)",
        ),
        (
            json!({"type": "group", "memberIds": [ROBIN.to_string()], "name": "Me"}),
            "Group requires at least 2 members",
        ),
    ] {
        assert_eq!(open(body).await.json()["error"]["message"], message);
    }
    let named = json!({"type": "group", "memberIds": ["x", "y", "x"], "name": "Three"});
    let members = open(named).await.json()["data"]["members"].clone();
    assert_eq!(members.as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn body_issues_are_reported_in_service_words() {
    let running = start(Variant::P).await;
    let body = json!({
        "teamId": 5,
        "surfaceText": "",
        "type": null,
        "actionRequested": null,
        "recipients": "sam",
        "context": [{"layer": 1, "content": "x", "confidence": 101}, "x", {"layer": "fact", "confidence": -1}],
    });
    let answer = call(running.addr(), ROBIN, "POST", "/tez/share", body).await;
    assert_eq!(answer.status, 400);
    let told = answer.json()["error"]["message"]
        .as_str()
        .unwrap()
        .to_owned();
    let issues: Vec<Value> = serde_json::from_str(&told).unwrap();
    let told: Vec<(String, &str)> = issues
        .iter()
        .map(|issue| {
            let path = issue["path"].as_array().unwrap();
            let path: Vec<String> = path.iter().map(Value::to_string).collect();
            (
                path.join("/").replace('"', ""),
                issue["message"].as_str().unwrap(),
            )
        })
        .collect();
    let layers = "'background' | 'fact' | 'artifact' | 'relationship' | 'constraint' | 'hint'";
    let layer = format!("Expected {layers}, received number");
    let expected = [
        ("teamId", "Expected string, received number"),
        ("surfaceText", "String must contain at least 1 character(s)"),
        (
            "type",
            "Expected 'note' | 'decision' | 'handoff' | 'question' | 'update', received null",
        ),
        ("actionRequested", "Expected string, received null"),
        ("recipients", "Expected array, received string"),
        ("context/0/layer", layer.as_str()),
        (
            "context/0/confidence",
            "Number must be less than or equal to 100",
        ),
        ("context/1", "Expected object, received string"),
        ("context/2/content", "Required"),
        (
            "context/2/confidence",
            "Number must be greater than or equal to 0",
        ),
    ];
    let expected: Vec<(String, &str)> = expected
        .into_iter()
        .map(|(path, message)| (path.to_owned(), message))
        .collect();
    assert_eq!(told, expected);
    let list = call(running.addr(), ROBIN, "POST", "/teams", json!([]))
        .await
        .json();
    assert!(list.to_string().contains("Expected object, received array"));
}

#[tokio::test]
async fn teams_are_run_by_their_admins() {
    let running = start(Variant::P).await;
    let addr = running.addr();
    let members = format!("/teams/{TEAM_ID}/members");
    let robins = format!("{members}/{ROBIN}");
    let refused = call(addr, SAM, "DELETE", &robins, Value::Null).await;
    assert_eq!(
        (refused.status, &refused.json()["error"]["message"]),
        (403, &json!("Only admins can remove members"))
    );
    let add = json!({"userId": "newcomer", "role": "admin"});
    let added = call(addr, ROBIN, "POST", &members, add).await;
    assert_eq!(
        (added.status, &added.json()["data"]["role"]),
        (201, &json!("admin"))
    );
    let removed = call(addr, "newcomer", "DELETE", &robins, Value::Null).await;
    assert_eq!(removed.json(), json!({"data": {"removed": true}}));
    let refused = call(addr, ROBIN, "GET", &members, Value::Null).await;
    assert_eq!(refused.status, 403);
    let taken = json!({"name": "Again", "id": TEAM_ID.to_string()});
    assert_eq!(call(addr, SAM, "POST", "/teams", taken).await.status, 500);
}

#[tokio::test]
async fn contacts_are_limited_to_the_team_on_m() {
    for (variant, found, columns) in [(Variant::P, 2, 13), (Variant::M, 1, 5)] {
        let running = start(variant).await;
        let addr = running.addr();
        let search = get(addr, ROBIN, "/contacts/search?q=SAM").await;
        assert_eq!(search["meta"]["count"], found, "{variant:?}");
        assert_eq!(search["data"][0].as_object().unwrap().len(), columns);
        let path = format!("/contacts/{SAM_OLSEN}");
        let other = call(addr, ROBIN, "GET", &path, Value::Null).await;
        assert_eq!(other.status, if found == 2 { 200 } else { 404 });
    }
    let running = start(Variant::P).await;
    for (query, found) in [
        ("tom%C3%A1s", 1),
        ("TOM%C3%81S", 0),
        ("tomas", 1),
        ("%20%20sam%20", 2),
    ] {
        let path = format!("/contacts/search?q={query}");
        let count = get(running.addr(), ROBIN, &path).await["meta"]["count"].clone();
        assert_eq!(
            count, found,
            "{query}: addresses have no accents, and names match ASCII only"
        );
    }
}

#[tokio::test]
async fn on_m_what_only_it_knows_of_a_contact_stays() {
    let running = start(Variant::M).await;
    let register = |body: Value| call(running.addr(), ROBIN, "POST", "/contacts/register", body);
    let all = json!({"displayName": "Robin", "email": "r@example.com", "phone": "1", "channels": ["sms"]});
    assert_eq!(register(all).await.status, 201);
    let less = register(json!({"displayName": "Robin H."})).await.json();
    let told = ["displayName", "email", "phone", "channels"].map(|name| &less["data"][name]);
    assert_eq!(json!(told), json!(["Robin H.", null, "1", ["sms"]]));
}
