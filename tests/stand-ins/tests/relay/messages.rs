//! Messages: what is stored of them, who sees them, and what lists say of themselves.

use crm_stand_in::Count;
use crm_stand_in::relay::Variant;
use crm_stand_in::relay::sample::{HANDOFF_CONVERSATION, ROBIN, SAM, TEAM_ID, TOMAS};
use serde_json::{Value, json};

use crate::client::call;
use crate::{get, share, start};

fn content(units: usize) -> Value {
    json!({"layer": "fact", "content": "x".repeat(units)})
}

#[tokio::test]
async fn content_limit_is_262144_utf16_units() {
    let running = start(Variant::P).await;
    let fits = json!({"context": [content(262_144)]});
    assert_eq!(share(running.addr(), fits).await.status, 201);
    // Each of these is two units and four bytes.
    let wide = json!({"layer": "fact", "content": "\u{1f980}".repeat(131_073)});
    assert_eq!(
        share(running.addr(), json!({"context": [wide]}))
            .await
            .status,
        500
    );
}

#[tokio::test]
async fn parts_before_too_long_content_are_stored() {
    for variant in [Variant::P, Variant::M] {
        let running = start(variant).await;
        let before = running.count("context").live;
        let body = json!({
            "visibility": "team",
            "recipients": [SAM.to_string()],
            "context": [content(5), content(262_145), content(6)],
        });
        let answer = share(running.addr(), body).await;
        assert_eq!(
            (answer.status, answer.json()),
            (
                500,
                json!({"error": {"code": "INTERNAL_ERROR", "message": "Failed to share Tez"}})
            )
        );
        assert_eq!(running.count("context").live, before + 1);
        let stored = running.records("tez").unwrap();
        assert_eq!(
            stored.last().unwrap()["recipients"],
            json!([]),
            "nobody is named"
        );
        let path = format!("/tez/stream?teamId={TEAM_ID}&limit=1");
        let newest = get(running.addr(), SAM, &path).await;
        assert_eq!(newest["data"][0]["surfaceText"], "A word");
    }
}

#[tokio::test]
async fn conversations_neither_limit_nor_clean_text() {
    let running = start(Variant::P).await;
    let path = format!("/conversations/{HANDOFF_CONVERSATION}/messages");
    let text = "a\u{200b}b\u{202e}c\u{7}";
    let long = json!({"layer": "artifact", "content": format!("{}\u{feff}", "x".repeat(262_145)), "mimeType": "x/y"});
    let body = json!({"surfaceText": text, "context": [long]});
    let sent = call(running.addr(), ROBIN, "POST", &path, body).await;
    assert_eq!(sent.status, 201, "{}", sent.text());
    let id = sent.json()["data"]["id"].as_str().unwrap().to_owned();
    let message = running.record("message", &id).unwrap();
    assert_eq!(message["surfaceText"], text);
    assert_eq!(message["context"][0]["mimeType"], "x/y");
    assert!(
        message["context"][0]["content"]
            .as_str()
            .unwrap()
            .ends_with('\u{feff}')
    );
}

#[tokio::test]
async fn replies_are_cleaned_and_keep_the_thread() {
    let running = start(Variant::M).await;
    let body = json!({"surfaceText": "no\u{2060}w", "context": [{"layer": "hint", "content": "x", "mimeType": "x/y"}]});
    let shared = share(running.addr(), json!({"visibility": "dm"}))
        .await
        .json();
    let id = shared["data"]["id"].as_str().unwrap().to_owned();
    let path = format!("/tez/{id}/reply");
    let reply = call(running.addr(), SAM, "POST", &path, body).await.json();
    let stored = running
        .record("tez", reply["data"]["id"].as_str().unwrap())
        .unwrap();
    let told = [
        "surfaceText",
        "visibility",
        "teamId",
        "parentTezId",
        "urgency",
    ];
    let told: Vec<&Value> = told.iter().map(|name| &stored[*name]).collect();
    let team = TEAM_ID.to_string();
    assert_eq!(json!(told), json!(["now", "dm", team, id, "normal"]));
    assert_eq!(stored["context"][0]["mimeType"], "text/plain");
}

#[tokio::test]
async fn default_visibility_differs_between_p_and_m() {
    for (variant, visibility, seen) in [(Variant::P, "team", true), (Variant::M, "private", false)]
    {
        let running = start(variant).await;
        let id = share(running.addr(), json!({})).await.json()["data"]["id"].clone();
        let stored = running.record("tez", id.as_str().unwrap()).unwrap();
        assert_eq!(stored["visibility"], visibility);
        for (user, sees) in [(ROBIN, true), (SAM, seen)] {
            let stream = get(
                running.addr(),
                user,
                &format!("/tez/stream?teamId={TEAM_ID}"),
            )
            .await;
            let rows = stream["data"].as_array().unwrap();
            assert_eq!(rows.iter().any(|row| row["id"] == id), sees, "{variant:?}");
        }
    }
}

#[tokio::test]
async fn recipients_are_unchecked_and_stay_counted() {
    let running = start(Variant::P).await;
    let unread = || get(running.addr(), SAM, "/unread");
    assert_eq!(unread().await["data"]["teams"], json!([]));
    let named = json!({"recipients": [SAM.to_string(), SAM.to_string(), "nobody", TOMAS.to_string()], "visibility": "dm"});
    let id = share(running.addr(), named).await.json()["data"]["id"].clone();
    let path = format!("/tez/{}", id.as_str().unwrap());
    for user in [SAM, TOMAS] {
        assert_eq!(get(running.addr(), user, &path).await["data"]["id"], id);
    }
    let counted = json!([{"teamId": TEAM_ID.to_string(), "count": 2}]);
    assert_eq!(
        unread().await["data"]["teams"],
        counted,
        "one who is named twice is counted twice, and reading changes nothing"
    );
    let outsiders = get(running.addr(), TOMAS, "/unread").await;
    assert_eq!(
        outsiders["data"]["teams"],
        json!([]),
        "only one's own teams are counted"
    );
}

#[tokio::test]
async fn recipients_outside_the_team_cannot_read_on_m() {
    let running = start(Variant::M).await;
    let named = json!({"recipients": [TOMAS.to_string()], "visibility": "team"});
    let shared = share(running.addr(), named).await.json();
    let path = format!("/tez/{}", shared["data"]["id"].as_str().unwrap());
    let refused = call(running.addr(), TOMAS, "GET", &path, Value::Null).await;
    assert_eq!(refused.status, 403);
}

#[tokio::test]
async fn a_page_that_is_full_says_that_there_are_more() {
    let running = start(Variant::P).await;
    let path = format!("/conversations/{HANDOFF_CONVERSATION}/messages");
    let both = get(running.addr(), ROBIN, &format!("{path}?limit=2")).await;
    assert_eq!(both["meta"], json!({"count": 2, "hasMore": true}));
    let before = both["data"][1]["createdAt"].as_str().unwrap();
    let rest = get(
        running.addr(),
        ROBIN,
        &format!("{path}?limit=2&before={before}"),
    )
    .await;
    assert_eq!(
        rest,
        json!({"data": [], "meta": {"count": 0, "hasMore": false}})
    );
    for (limit, count) in [("0", 2), ("many", 2), ("1", 1)] {
        let page = get(running.addr(), ROBIN, &format!("{path}?limit={limit}")).await;
        assert_eq!(page["meta"]["count"], count, "{limit}");
    }
}

#[tokio::test]
async fn archived_messages_are_unlisted_but_stored() {
    let running = start(Variant::M).await;
    let addr = running.addr();
    let shared = share(
        addr,
        json!({"visibility": "team", "recipients": [SAM.to_string()]}),
    )
    .await;
    let path = format!("/tez/{}", shared.json()["data"]["id"].as_str().unwrap());
    let before = running.count("tez");
    let gone = json!({"status": "deleted"});
    assert_eq!(call(addr, ROBIN, "PATCH", &path, gone).await.status, 200);
    assert_eq!(
        running.count("tez"),
        Count {
            live: before.live - 1,
            deleted: before.deleted + 1
        }
    );
    assert_eq!(get(addr, SAM, "/unread").await["data"]["teams"], json!([]));
    assert_eq!(get(addr, SAM, &path).await["data"]["status"], "deleted");
}
