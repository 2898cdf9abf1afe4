//! Wrong arguments, a service that misbehaves, and text of strangers: each gets its own typed failure or a correct answer.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests may fail like tests"
)]

use crm_harness::Invocation;
use crm_stand_in::faults::Fault;
use crm_stand_in::twenty::keys;
use crm_stand_in::twenty::sample::{EVERYTHING_WRONG, HEALTHY, INJECTED_NOTE, deal_id, person_id};
use crm_tests::{Differently, World};
use serde_json::{Value, json};

fn fault(fault: Value) -> Fault {
    serde_json::from_value(fault).unwrap()
}

/// Arguments that are refused, with the failure's case and the field that it names.
fn wrong_arguments() -> Vec<(&'static str, Value, &'static str, &'static str)> {
    let long = "x".repeat(201);
    let huge = "x".repeat(70_000);
    vec![
        ("crm_search", json!({}), "invalid-input", "query"),
        (
            "crm_search",
            json!({ "query": "" }),
            "invalid-input",
            "query",
        ),
        (
            "crm_search",
            json!({ "query": " \u{200b}\t " }),
            "invalid-input",
            "query",
        ),
        (
            "crm_search",
            json!({ "query": 7 }),
            "invalid-input",
            "query",
        ),
        (
            "crm_search",
            json!({ "query": null }),
            "invalid-input",
            "query",
        ),
        (
            "crm_search",
            json!({ "query": long }),
            "invalid-input",
            "query",
        ),
        (
            "crm_search",
            json!({ "query": huge }),
            "invalid-input",
            "query",
        ),
        (
            "crm_search",
            json!({ "query": "a", "limit": 0 }),
            "invalid-input",
            "limit",
        ),
        (
            "crm_search",
            json!({ "query": "a", "limit": 26 }),
            "invalid-input",
            "limit",
        ),
        (
            "crm_search",
            json!({ "query": "a", "limit": 1000 }),
            "invalid-input",
            "limit",
        ),
        (
            "crm_search",
            json!({ "query": "a", "limit": "10" }),
            "invalid-input",
            "limit",
        ),
        (
            "crm_search",
            json!({ "query": "a", "limit": 1.5 }),
            "invalid-input",
            "limit",
        ),
        (
            "crm_search",
            json!({ "query": "a", "kinds": [] }),
            "invalid-input",
            "kinds",
        ),
        (
            "crm_search",
            json!({ "query": "a", "kinds": ["deal"] }),
            "invalid-input",
            "kinds[0]",
        ),
        (
            "crm_search",
            json!({ "query": "a", "kinds": "person" }),
            "invalid-input",
            "kinds",
        ),
        (
            "crm_search",
            json!({ "query": "a", "mine": "yes" }),
            "invalid-input",
            "mine",
        ),
        (
            "crm_search",
            json!({ "query": "a", "qeury": "b" }),
            "invalid-input",
            "qeury",
        ),
        (
            "crm_get",
            json!({ "kind": "person" }),
            "invalid-input",
            "id",
        ),
        (
            "crm_get",
            json!({ "kind": "person", "id": "7" }),
            "invalid-input",
            "id",
        ),
        (
            "crm_get",
            json!({ "kind": "person", "id": "zzzzzzzz-0000-4000-8000-000000000000" }),
            "invalid-input",
            "id",
        ),
        (
            "crm_get",
            json!({ "kind": "note", "id": person_id(1).to_string() }),
            "invalid-input",
            "kind",
        ),
        (
            "crm_follow_ups",
            json!({ "until": "tomorrow" }),
            "invalid-input",
            "until",
        ),
        (
            "crm_follow_ups",
            json!({ "until": "2026-02-30" }),
            "invalid-input",
            "until",
        ),
        (
            "crm_follow_ups",
            json!({ "assignee": "Bob" }),
            "invalid-input",
            "assignee",
        ),
        (
            "crm_follow_ups",
            json!({ "cursor": "not a cursor!" }),
            "invalid-input",
            "cursor",
        ),
        (
            "crm_follow_ups",
            json!({ "about": { "kind": "task", "id": deal_id(1).to_string() } }),
            "invalid-input",
            "about.kind",
        ),
        (
            "crm_follow_ups",
            json!({ "about": { "kind": "opportunity", "id": "x" } }),
            "invalid-input",
            "about.id",
        ),
        (
            "crm_follow_ups",
            json!({ "about": { "kind": "opportunity" } }),
            "invalid-input",
            "about.id",
        ),
        (
            "crm_blockers",
            json!({ "opportunity": "" }),
            "invalid-input",
            "opportunity",
        ),
        (
            "crm_blockers",
            json!({ "opportunity": "a", "staleDays": 0 }),
            "invalid-input",
            "staleDays",
        ),
        (
            "crm_blockers",
            json!({ "opportunity": "a", "staleDays": 366 }),
            "invalid-input",
            "staleDays",
        ),
        (
            "crm_briefing",
            json!({ "day": "11.3.2026" }),
            "invalid-input",
            "day",
        ),
        (
            "crm_briefing",
            json!({ "horizonDays": 0 }),
            "invalid-input",
            "horizonDays",
        ),
        (
            "crm_briefing",
            json!({ "horizonDays": 61 }),
            "invalid-input",
            "horizonDays",
        ),
        (
            "crm_briefing",
            json!({ "sections": [] }),
            "invalid-input",
            "sections",
        ),
        (
            "crm_briefing",
            json!({ "sections": ["overdoo"] }),
            "invalid-input",
            "sections[0]",
        ),
        (
            "crm_status",
            json!({ "verbose": true }),
            "invalid-input",
            "verbose",
        ),
    ]
}

#[tokio::test]
async fn every_wrong_argument_is_refused_by_name_before_anything_is_sent() {
    let world = World::new().await;
    for (tool, arguments, case, field) in wrong_arguments() {
        let shown: String = arguments.to_string().chars().take(120).collect();
        let outcome = world.outcome(tool, arguments).await;
        assert_eq!(outcome.requests, 0, "{tool} {shown}");
        let failure = outcome.result.expect_err(&shown);
        assert_eq!(
            (&failure["case"], &failure["field"]),
            (&json!(case), &json!(field)),
            "{tool} {shown}: {failure:#}"
        );
        assert!(
            failure["next"]
                .as_str()
                .is_some_and(|next| !next.is_empty())
                && failure["reason"].is_string(),
            "{failure:#}"
        );
    }
    assert_eq!(world.twenty.requests().count(), 0);
}

#[tokio::test]
async fn arguments_that_are_no_object_are_refused() {
    let world = World::new().await;
    for arguments in [json!([]), json!("depot"), json!(7), json!(null)] {
        world.fails("crm_search", arguments, "invalid-input").await;
    }
}

#[tokio::test]
async fn an_unknown_action_names_the_nearest_one() {
    let world = World::new().await;
    let invocation = Invocation {
        tool: "crm_serch".to_owned(),
        arguments: json!({}),
        caller: world.caller.clone(),
        deadline: None,
    };
    let error = world.harness.call(invocation).await.unwrap_err();
    assert_eq!(error.code(), "unknown-action");
    assert!(error.to_string().contains("crm_search"), "{error}");
}

#[tokio::test]
async fn without_a_caller_me_means_nobody() {
    let mut world = World::new().await;
    world.caller = crm_harness::Caller::default();
    for (tool, arguments) in [
        ("crm_briefing", json!({})),
        ("crm_follow_ups", json!({})),
        ("crm_search", json!({ "query": "a", "mine": true })),
    ] {
        world.fails(tool, arguments, "invalid-input").await;
    }
    world.ok("crm_search", json!({ "query": "depot" })).await;
}

#[tokio::test]
async fn a_record_that_is_not_there_is_not_found() {
    let world = World::new().await;
    for kind in ["person", "company", "opportunity", "task"] {
        world
            .fails(
                "crm_get",
                json!({ "kind": kind, "id": deal_id(99_999).to_string() }),
                "not-found",
            )
            .await;
    }
}

#[tokio::test]
async fn a_key_that_is_wrong_expired_or_revoked_is_unauthenticated() {
    for key in ["no-such-key", keys::EXPIRED_KEY, keys::REVOKED_KEY] {
        let world = World::with(Differently {
            key: key.to_owned(),
            ..Differently::default()
        })
        .await;
        let failure = world
            .fails(
                "crm_get",
                json!({ "kind": "person", "id": person_id(1).to_string() }),
                "unauthenticated",
            )
            .await;
        assert!(
            !failure.to_string().contains(key),
            "the key is in {failure}"
        );
        let status = world.ok("crm_status", json!({})).await;
        assert_eq!(
            status["destinations"][0]["credentialAccepted"], false,
            "{key}: {status:#}"
        );
    }
}

#[tokio::test]
async fn a_key_without_permission_on_one_object_is_denied_that_and_gets_the_rest() {
    let world = World::with(Differently {
        key: keys::NARROW_KEY.to_owned(),
        ..Differently::default()
    })
    .await;
    let failure = world
        .fails(
            "crm_get",
            json!({ "kind": "opportunity", "id": HEALTHY.to_string() }),
            "denied",
        )
        .await;
    assert_eq!(failure["code"], "permission");
    world.twenty.faults().add(fault(json!({
        "fault": "partial-error", "only": "noteTargets", "code": "FORBIDDEN", "times": 1
    })));
    let person = json!({ "kind": "person", "id": person_id(1).to_string() });
    let person = world.ok("crm_get", person).await;
    let missing = person["missing"][0].as_str().unwrap_or_default();
    assert!(
        missing.starts_with("notes: "),
        "notes may not be read, and that is not said: {person:#}"
    );
    let briefing = world.ok("crm_briefing", json!({})).await;
    let failed: Vec<&str> = briefing["sections"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|section| section["status"] == "failed")
        .map(|section| section["name"].as_str().unwrap())
        .collect();
    assert_eq!(failed, ["closing-soon", "at-risk"]);
}

/// Every read, with arguments that do well.
fn reads() -> Vec<(&'static str, Value)> {
    vec![
        ("crm_search", json!({ "query": "depot" })),
        (
            "crm_get",
            json!({ "kind": "opportunity", "id": HEALTHY.to_string() }),
        ),
        ("crm_follow_ups", json!({})),
        (
            "crm_blockers",
            json!({ "opportunity": HEALTHY.to_string() }),
        ),
        ("crm_briefing", json!({})),
    ]
}

#[tokio::test]
async fn a_service_that_misbehaves_gives_each_read_its_typed_failure() {
    let world = World::new().await;
    for (given, case, sent) in [
        (
            json!({ "fault": "status", "code": 500 }),
            "unavailable",
            Some(true),
        ),
        (
            json!({ "fault": "status", "code": 502 }),
            "unavailable",
            Some(true),
        ),
        (json!({ "fault": "reset" }), "unavailable", Some(true)),
        (json!({ "fault": "truncated" }), "unavailable", Some(true)),
        (json!({ "fault": "not-json" }), "unavailable", Some(true)),
        (json!({ "fault": "huge" }), "unavailable", Some(true)),
        (
            json!({ "fault": "redirect", "to": "http://127.0.0.1:9/" }),
            "unavailable",
            Some(true),
        ),
    ] {
        for (tool, arguments) in reads() {
            world.twenty.faults().clear();
            world.twenty.faults().add(fault(given.clone()));
            let failure = world.fails(tool, arguments, case).await;
            assert_eq!(
                failure["requestSent"].as_bool(),
                sent,
                "{tool} with {given}: {failure:#}"
            );
        }
        // The same harness goes on serving.
        world.twenty.faults().clear();
        world.ok("crm_search", json!({ "query": "depot" })).await;
    }
}

#[tokio::test]
async fn a_service_that_is_not_there_is_unavailable_and_nothing_was_sent() {
    // A port that was free a moment ago, and that nothing listens on any more.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let url = Some(format!("http://127.0.0.1:{port}"));
    let world = World::with(Differently {
        url,
        ..Differently::default()
    })
    .await;
    for (tool, arguments) in reads() {
        let failure = world.fails(tool, arguments, "unavailable").await;
        assert_eq!(failure["requestSent"], false, "{tool}: {failure:#}");
    }
    let status = world.ok("crm_status", json!({})).await;
    assert_eq!(status["destinations"][0]["reachable"], false);
}

#[tokio::test]
async fn a_service_that_does_not_answer_in_time_is_cut_off() {
    let world = World::new().await;
    world
        .twenty
        .faults()
        .add(fault(json!({ "fault": "delay", "ms": 60_000 })));
    let invocation = Invocation {
        tool: "crm_search".to_owned(),
        arguments: json!({ "query": "depot" }),
        caller: world.caller.clone(),
        deadline: Some(std::time::Duration::from_millis(200)),
    };
    match world.harness.call(invocation).await {
        Ok(outcome) => assert_eq!(outcome.result.unwrap_err()["case"], "unavailable"),
        Err(error) => assert_eq!(error.code(), "deadline-exceeded"),
    }
    world.twenty.faults().clear();
    world.ok("crm_search", json!({ "query": "depot" })).await;
}

#[tokio::test]
async fn one_request_too_many_is_waited_for_and_then_answered() {
    let world = World::new().await;
    world
        .twenty
        .faults()
        .add(fault(json!({ "fault": "limit-reached", "times": 1 })));
    let answer = world.ok("crm_follow_ups", json!({})).await;
    assert!(!answer["tasks"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn a_limit_that_stays_reached_is_rate_limited_with_a_time_to_wait() {
    let world = World::new().await;
    world
        .twenty
        .faults()
        .add(fault(json!({ "fault": "limit-reached" })));
    let failure = world
        .fails("crm_follow_ups", json!({}), "rate-limited")
        .await;
    assert!(failure["retryAfter"].as_u64().unwrap() > 0);
    world.twenty.faults().clear();
    world.twenty.faults().add(fault(
        json!({ "fault": "too-many-requests", "retry_after_seconds": 1 }),
    ));
    let failure = world
        .fails("crm_follow_ups", json!({}), "rate-limited")
        .await;
    assert_eq!(failure["retryAfter"], 1);
}

#[tokio::test]
async fn the_hosts_own_rate_reads_like_the_services_and_nothing_more_is_sent() {
    let world = World::with(Differently {
        rate_limit: true,
        operator: Some("rate = { requests = 2, seconds = 7200 }"),
        ..Differently::default()
    })
    .await;
    for _ in 0..2 {
        world.ok("crm_follow_ups", json!({})).await;
    }
    let before = world.twenty.requests().count();
    let failure = world
        .fails("crm_follow_ups", json!({}), "rate-limited")
        .await;
    assert!(
        failure["retryAfter"].as_u64().unwrap() > 1000,
        "{failure:#}"
    );
    assert_eq!(world.twenty.requests().count(), before);
}

#[tokio::test]
async fn a_null_where_a_value_was_promised_names_the_field() {
    let world = World::new().await;
    for (tool, arguments, pointer, field) in [
        (
            "crm_get",
            json!({ "kind": "opportunity", "id": HEALTHY.to_string() }),
            "/data/opportunity/stage",
            "opportunity.stage",
        ),
        (
            "crm_follow_ups",
            json!({}),
            "/data/tasks/edges/0/node/id",
            "tasks.edges[0].node.id",
        ),
        (
            "crm_follow_ups",
            json!({}),
            "/data/tasks/totalCount",
            "tasks.totalCount",
        ),
        (
            "crm_blockers",
            json!({ "opportunity": HEALTHY.to_string() }),
            "/data/timelineActivities/edges/0/node/happensAt",
            "timelineActivities.edges[0].node.happensAt",
        ),
    ] {
        world.twenty.faults().clear();
        world
            .twenty
            .faults()
            .add(fault(json!({ "fault": "null-at", "pointer": pointer })));
        let failure = world.fails(tool, arguments, "schema-mismatch").await;
        assert_eq!(failure["field"], field, "{failure:#}");
    }
    // What may be missing anywhere is just missing.
    world.twenty.faults().clear();
    world.twenty.faults().add(fault(
        json!({ "fault": "null-at", "pointer": "/data/opportunity/name" }),
    ));
    let record = world
        .ok(
            "crm_get",
            json!({ "kind": "opportunity", "id": HEALTHY.to_string() }),
        )
        .await;
    assert_eq!(record["label"], "(no name)");
}

fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(fields) => fields.values().for_each(|value| texts(value, found)),
        _ => {}
    }
}

#[tokio::test]
async fn no_answer_holds_a_hidden_character_and_no_markdown_holds_a_strangers_link_or_html() {
    let world = World::new().await;
    let mut read = 0;
    for number in 1..=25 {
        let record = world
            .ok(
                "crm_get",
                json!({ "kind": "person", "id": person_id(number).to_string() }),
            )
            .await;
        check(&record);
        read += 1;
    }
    for number in 1..=55 {
        let report = world
            .ok(
                "crm_blockers",
                json!({ "opportunity": deal_id(number).to_string() }),
            )
            .await;
        check(&report);
        read += 1;
    }
    assert_eq!(read, 80);

    fn check(answer: &Value) {
        let mut found = Vec::new();
        texts(answer, &mut found);
        for text in found {
            let hidden = text.chars().find(|character| {
                matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\0')
            });
            assert_eq!(hidden, None, "{text:?}");
        }
        let markdown = answer["markdown"].as_str().unwrap();
        for (at, _) in markdown.match_indices(['<', '[']) {
            assert!(
                markdown[..at].ends_with('\\'),
                "not escaped at {at}: {markdown}"
            );
        }
    }
}

#[tokio::test]
async fn words_that_give_orders_are_quoted_as_data_and_change_nothing() {
    let world = World::new().await;
    let injected = INJECTED_NOTE.to_string();
    let mut quoted = 0;
    for number in 1..=55 {
        let outcome = world
            .outcome(
                "crm_blockers",
                json!({ "opportunity": deal_id(number).to_string() }),
            )
            .await;
        assert!(outcome.requests <= 2 && outcome.denials.is_empty());
        let report = outcome.result.unwrap();
        if report.to_string().contains(&injected) {
            quoted += 1;
            let note = report["findings"]
                .as_array()
                .unwrap()
                .iter()
                .find(|finding| finding["code"] == "noted-blocker");
            if let Some(finding) = note {
                assert_eq!(finding["certainty"], "inferred");
            }
        }
    }
    println!("{quoted} reports name the note that gives orders");
    assert!(
        world
            .twenty
            .requests()
            .all()
            .iter()
            .all(|request| request.path == "/graphql")
    );
}

#[tokio::test]
async fn strange_queries_are_only_searched_for() {
    let world = World::new().await;
    for query in [
        "%",
        "\"; DROP TABLE",
        "{ people { id } }",
        "<script>alert(1)</script>",
        "\u{202e}depot",
        "de\u{0}pot",
        "O'Brien",
        "東京",
        "\\",
        "${query}",
    ] {
        world.ok("crm_search", json!({ "query": query })).await;
    }
    let hidden = world
        .ok("crm_search", json!({ "query": "de\u{0}p\u{200b}ot" }))
        .await;
    assert!(
        hidden["hits"]
            .as_array()
            .unwrap()
            .iter()
            .any(|hit| hit["id"] == EVERYTHING_WRONG.to_string()),
        "{hidden:#}"
    );
}
