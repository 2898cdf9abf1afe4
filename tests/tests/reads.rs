//! The other reads through the built component: what they answer and how many requests they cost.

use crm_harness::server::mcp;
use crm_stand_in::twenty::keys;
use crm_stand_in::twenty::sample::{
    EVERYTHING_WRONG, HEALTHY, ROBIN_EMAIL, SAM_EMAIL, Size, company_id, person_id, task_id,
};
use crm_tests::{NOW, TestEnv, TestOptions};
use serde_json::{Value, json};

fn strings<'v>(list: &'v Value, key: &str) -> Vec<&'v str> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|entry| entry[key].as_str().unwrap())
        .collect()
}

/// Every `provenance` anywhere in an answer.
fn provenances<'v>(value: &'v Value, found: &mut Vec<&'v Value>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                if key == "provenance" {
                    found.push(value);
                }
                provenances(value, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| provenances(item, found)),
        _ => {}
    }
}

#[tokio::test]
async fn tool_list_is_complete_and_small() {
    let env = TestEnv::new().await;
    let names: Vec<&str> = env
        .harness
        .tools()
        .iter()
        .map(|tool| tool.name.as_str())
        .collect();
    let expected = [
        "crm_status",
        "crm_search",
        "crm_get",
        "crm_follow_ups",
        "crm_blockers",
        "crm_briefing",
        "crm_context",
        "crm_deals",
        "crm_follow_up",
        "crm_upsert",
        "crm_log",
        "crm_share",
        "crm_answer_request",
        "crm_coordinate",
    ];
    assert_eq!(names, expected);
    // All of it is in front of the model all the time.
    let listed = mcp::listed(&env.harness);
    let bytes = listed.to_string().len();
    println!("the tools as a client lists them: {bytes} bytes");
    assert!(bytes <= 11 * 1_024, "{bytes} bytes");
    assert_eq!(
        listed.as_array().unwrap().len(),
        expected.len() + 1,
        "crm_plan besides"
    );
    for tool in env.harness.tools() {
        assert!(
            !tool.description.is_empty(),
            "{} has no description",
            tool.name
        );
    }
}

#[tokio::test]
async fn status_takes_two_requests() {
    let env = TestEnv::new().await;
    let (cost, outcome) = env.cost("crm_status", json!({})).await;
    assert_eq!(cost, 2);
    let status = outcome.result().unwrap();
    let twenty = &status["destinations"][0];
    assert_eq!(twenty["name"], "twenty");
    assert_eq!(
        (
            &twenty["configured"],
            &twenty["reachable"],
            &twenty["credentialAccepted"]
        ),
        (&json!(true), &json!(true), &json!(true))
    );
    assert!(
        status["objects"]
            .as_array()
            .unwrap()
            .iter()
            .all(|object| object["readable"] == true),
        "{status:#}"
    );
    assert_eq!(
        strings(&status["stages"], "value"),
        ["NEW", "SCREENING", "MEETING", "PROPOSAL", "CUSTOMER"]
    );
    assert_eq!(status["stages"][4]["closed"], true);
    assert_eq!(status["drift"], json!([]), "{status:#}");
    assert_eq!(status["links"], "current");
    // Who works there, by name; who has left does not.
    assert_eq!(
        strings(&status["members"], "email"),
        [
            "ingrid@example.com",
            "priya@example.com",
            "robin@example.com",
            "sam@example.com",
            "tomas@example.com"
        ]
    );
    assert_eq!(status["membersMore"], false);
    let markdown = status["markdown"].as_str().unwrap();
    assert!(
        markdown
            .contains("Members: Ingrid Solberg, Priya Raman, Robin Hale, Sam Okafor, Tomás Vega"),
        "{markdown}"
    );
}

#[tokio::test]
async fn status_names_unreadable_objects() {
    let env = TestEnv::with(TestOptions {
        key: keys::NARROW_KEY.to_owned(),
        ..TestOptions::default()
    })
    .await;
    let status = env.ok("crm_status", json!({})).await;
    let refused: Vec<&Value> = status["objects"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|object| object["readable"] == false)
        .collect();
    assert!(!refused.is_empty() && refused.len() < 9, "{status:#}");
    assert!(refused.iter().all(|object| object["reason"].is_string()));
}

#[tokio::test]
async fn search_finds_every_kind_of_record() {
    let env = TestEnv::new().await;
    let (cost, outcome) = env.cost("crm_search", json!({ "query": "depot" })).await;
    assert_eq!(cost, 2);
    let answer = outcome.result().unwrap();
    let hits = answer["hits"].as_array().unwrap();
    let deal = hits
        .iter()
        .find(|hit| hit["id"] == EVERYTHING_WRONG.to_string())
        .unwrap();
    assert_eq!(deal["kind"], "opportunity");
    assert!(
        deal["details"].as_str().unwrap().contains("MEETING"),
        "{deal:#}"
    );
    assert_eq!(deal["provenance"]["object"], "opportunity");
    assert!(deal["provenance"]["updatedAt"].is_string());
    assert_eq!(deal["provenance"]["fetchedAt"], NOW);
}

#[tokio::test]
async fn search_without_hits_is_empty() {
    let env = TestEnv::new().await;
    // The second looks for names that are written nearly so.
    let (cost, outcome) = env.cost("crm_search", json!({ "query": "zzzzqqqq" })).await;
    assert_eq!(cost, 2);
    let answer = outcome.result().unwrap();
    assert_eq!(answer["hits"], json!([]));
    assert!(
        answer["markdown"]
            .as_str()
            .unwrap()
            .starts_with("Nothing found")
    );
}

#[tokio::test]
async fn search_keeps_to_kinds_limit_and_what_is_mine() {
    let env = TestEnv::with(TestOptions {
        size: Size {
            people: 200,
            opportunities: 200,
            tasks: 400,
        },
        ..TestOptions::default()
    })
    .await;
    let one = env
        .ok("crm_search", json!({ "query": "a", "limit": 1 }))
        .await;
    assert_eq!(one["hits"].as_array().unwrap().len(), 1);
    assert_eq!(one["more"], true);
    let people = env
        .ok(
            "crm_search",
            json!({ "query": "a", "kinds": ["person"], "limit": 25 }),
        )
        .await;
    assert!(
        strings(&people["hits"], "kind")
            .iter()
            .all(|kind| *kind == "person")
    );
    let mine = env
        .ok(
            "crm_search",
            json!({ "query": "a", "mine": true, "limit": 25 }),
        )
        .await;
    assert!(mine["examined"].as_u64().unwrap() > mine["hits"].as_array().unwrap().len() as u64);
    for hit in mine["hits"].as_array().unwrap() {
        let record = env
            .ok("crm_get", json!({ "kind": hit["kind"], "id": hit["id"] }))
            .await;
        let fields = &record["fields"];
        let owner = [&fields["owner"]["email"], &fields["assignee"]["email"]]
            .into_iter()
            .find(|email| email.is_string());
        if hit["kind"] != "person" {
            assert_eq!(owner.unwrap(), ROBIN_EMAIL, "{record:#}");
        }
    }
}

#[tokio::test]
async fn get_shows_each_kind_in_one_request() {
    let env = TestEnv::new().await;
    for (kind, id) in [
        ("person", person_id(1)),
        ("company", company_id(1)),
        ("opportunity", EVERYTHING_WRONG),
        ("task", task_id(1)),
    ] {
        let (cost, outcome) = env
            .cost("crm_get", json!({ "kind": kind, "id": id.to_string() }))
            .await;
        assert_eq!(cost, 1, "{kind}");
        let record = outcome
            .result()
            .unwrap_or_else(|failure| panic!("{kind}: {failure:#}"));
        assert_eq!(record["kind"], kind);
        assert_eq!(record["fields"]["case"], kind);
        assert_eq!(record["id"], id.to_string());
        assert_eq!(record["missing"], json!([]));
        assert!(record["markdown"].as_str().unwrap().contains(kind));
    }
}

#[tokio::test]
async fn get_shows_a_deals_amount_date_and_tasks() {
    let env = TestEnv::new().await;
    let record = env
        .ok(
            "crm_get",
            json!({ "kind": "opportunity", "id": HEALTHY.to_string() }),
        )
        .await;
    let fields = &record["fields"];
    assert!(
        fields["amount"]["amount"]
            .as_str()
            .unwrap()
            .parse::<f64>()
            .unwrap()
            > 0.0,
        "{record:#}"
    );
    assert!(fields["closeDate"].is_string() && fields["owner"]["email"].is_string());
    assert_eq!(
        record["openTaskTotal"].as_u64().unwrap() as usize,
        record["openTasks"].as_array().unwrap().len()
    );
    assert!(record["lastActivity"].is_string());
}

#[tokio::test]
async fn follow_ups_are_sorted_and_paged() {
    let env = TestEnv::with(TestOptions {
        size: Size {
            people: 20,
            opportunities: 20,
            tasks: 600,
        },
        ..TestOptions::default()
    })
    .await;
    let mut cursor: Option<String> = None;
    let mut seen: Vec<(String, String)> = Vec::new();
    let mut total = 0;
    for _ in 0..50 {
        let mut arguments = json!({});
        if let Some(cursor) = &cursor {
            arguments["cursor"] = json!(cursor);
        }
        let (cost, outcome) = env.cost("crm_follow_ups", arguments).await;
        assert_eq!(cost, 1);
        let page = outcome.result().unwrap();
        total = page["total"].as_u64().unwrap();
        for task in page["tasks"].as_array().unwrap() {
            assert_eq!(task["assignee"]["email"], ROBIN_EMAIL);
            assert_ne!(task["status"], "DONE");
            seen.push((
                task["due"].as_str().unwrap().to_owned(),
                task["id"].as_str().unwrap().to_owned(),
            ));
        }
        cursor = page["cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen.len() as u64, total);
    assert!(total > 25, "one page only: {total}");
    assert!(seen.is_sorted_by_key(|(due, _)| due.clone()));
    let mut ids: Vec<&String> = seen.iter().map(|(_, id)| id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), seen.len(), "a task came twice");
}

#[tokio::test]
async fn follow_ups_filter_by_person_or_record() {
    let env = TestEnv::new().await;
    let sams = env
        .ok("crm_follow_ups", json!({ "assignee": SAM_EMAIL }))
        .await;
    assert!(!sams["tasks"].as_array().unwrap().is_empty());
    assert!(
        sams["tasks"]
            .as_array()
            .unwrap()
            .iter()
            .all(|task| task["assignee"]["email"] == SAM_EMAIL)
    );
    let all = env
        .ok("crm_follow_ups", json!({ "assignee": "anyone" }))
        .await;
    assert!(all["total"].as_u64() > sams["total"].as_u64());
    let about = env
        .ok(
            "crm_follow_ups",
            json!({ "assignee": "anyone", "about": { "kind": "opportunity", "id": EVERYTHING_WRONG.to_string() } }),
        )
        .await;
    let tasks = about["tasks"].as_array().unwrap();
    assert!(!tasks.is_empty(), "{about:#}");
    for task in tasks {
        assert!(
            strings(&task["links"], "id").contains(&EVERYTHING_WRONG.to_string().as_str()),
            "{task:#}"
        );
    }
}

#[tokio::test]
async fn a_follow_up_without_status_is_open() {
    let env = TestEnv::new().await;
    let all = env
        .ok("crm_follow_ups", json!({ "assignee": "anyone" }))
        .await;
    assert!(
        all["tasks"]
            .as_array()
            .unwrap()
            .iter()
            .any(|task| task.get("status").is_none()),
        "no task without status: {all:#}"
    );
}

#[tokio::test]
async fn until_is_a_day_of_the_caller_and_includes_it() {
    let env = TestEnv::new().await;
    // 23:30 in the caller's zone is the next day in UTC.
    let today = env
        .ok("crm_follow_ups", json!({ "until": "2026-03-11" }))
        .await;
    let late = today["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .any(|task| task["due"] == "2026-03-12T03:30:00Z");
    assert!(late, "{today:#}");
    let yesterday = env
        .ok("crm_follow_ups", json!({ "until": "2026-03-10" }))
        .await;
    assert!(yesterday["total"].as_u64() < today["total"].as_u64());
}

#[tokio::test]
async fn briefing_takes_four_requests_at_any_size() {
    for size in [
        Size::default(),
        Size {
            people: 500,
            opportunities: 800,
            tasks: 3000,
        },
    ] {
        let env = TestEnv::with(TestOptions {
            size,
            ..TestOptions::default()
        })
        .await;
        let (first, _) = env.cost("crm_briefing", json!({})).await;
        // Beside the stages, the statuses of tasks and the members: the host answers those from
        // memory from now on.
        let before = env.twenty.requests().count();
        assert!(before <= 7, "{before} requests for the first briefing");
        let (cost, second) = env.cost("crm_briefing", json!({})).await;
        assert!(first <= 4 && cost <= 4, "{first} then {cost}");
        let sent = env.twenty.requests().count() - before;
        assert!(sent <= 4, "{sent} requests for the second briefing");
        let briefing = second.result().unwrap();
        assert_eq!(
            strings(&briefing["sections"], "name"),
            [
                "overdue",
                "due-today",
                "coming-up",
                "closing-soon",
                "at-risk",
                "new-people",
                "tez",
                "calendar"
            ]
        );
        for section in briefing["sections"].as_array().unwrap() {
            let name = section["name"].as_str().unwrap();
            let expected = if ["tez", "calendar"].contains(&name) {
                "not-configured"
            } else {
                "ok"
            };
            assert_eq!(section["status"], expected, "{section:#}");
            let rows = section["rows"].as_array().unwrap();
            assert!(rows.len() <= 10);
            if expected == "ok" {
                assert!(!rows.is_empty(), "{name} is empty");
                assert!(section["total"].as_u64().unwrap() >= rows.len() as u64);
            }
        }
        assert_eq!(briefing["day"], "2026-03-11");
        assert_eq!(briefing["timeZone"], "America/New_York");
    }
}

#[tokio::test]
async fn evening_task_belongs_to_the_callers_day() {
    let env = TestEnv::new().await;
    let briefing = env
        .ok("crm_briefing", json!({ "sections": ["due-today"] }))
        .await;
    let rows = &briefing["sections"][0]["rows"];
    assert!(
        strings(rows, "date").contains(&"2026-03-12T03:30:00Z"),
        "{briefing:#}"
    );
}

#[tokio::test]
async fn no_deal_is_open_if_all_stages_are_closed() {
    let env = TestEnv::with(TestOptions {
        environment: vec![(
            "CRM_CLOSED_STAGES",
            "NEW,SCREENING,MEETING,PROPOSAL,CUSTOMER".to_owned(),
        )],
        ..TestOptions::default()
    })
    .await;
    let usual = TestEnv::new().await.ok("crm_briefing", json!({})).await;
    let briefing = env.ok("crm_briefing", json!({})).await;
    let sections = briefing["sections"].as_array().unwrap();
    for (section, usual) in sections.iter().zip(usual["sections"].as_array().unwrap()) {
        if ["closing-soon", "at-risk"].contains(&section["name"].as_str().unwrap()) {
            assert_ne!(usual["total"], 0, "{usual:#}");
            assert_eq!(section["status"], "ok", "{section:#}");
            assert_eq!(section["total"], 0, "{section:#}");
            assert_eq!(section["rows"], json!([]), "{section:#}");
        } else {
            assert_eq!(section["total"], usual["total"], "{section:#}");
        }
    }
    // The stages are known by now, and there is nothing else to ask.
    let before = env.twenty.requests().count();
    let deals = json!({ "sections": ["closing-soon", "at-risk"] });
    env.ok("crm_briefing", deals).await;
    assert_eq!(env.twenty.requests().count(), before);
}

#[tokio::test]
async fn failed_briefing_section_hides_no_other() {
    let env = TestEnv::new().await;
    let (cost, _) = env
        .cost("crm_briefing", json!({ "sections": ["coming-up"] }))
        .await;
    assert_eq!(cost, 1);
    env.twenty.faults().add(
        serde_json::from_value::<crm_stand_in::faults::Fault>(
            json!({ "fault": "partial-error", "only": "opportunities", "operation": "BriefingToday", "times": 1 }),
        )
        .unwrap(),
    );
    let briefing = env.ok("crm_briefing", json!({})).await;
    for section in briefing["sections"].as_array().unwrap() {
        let failed = section["name"] == "at-risk";
        assert_eq!(section["status"] == "failed", failed, "{section:#}");
        assert_eq!(
            failed,
            section["status"] == "failed" && section["why"].is_string()
        );
    }
    assert!(
        briefing["markdown"]
            .as_str()
            .unwrap()
            .contains("Could not be read")
    );
}

#[tokio::test]
async fn every_record_has_provenance() {
    let env = TestEnv::new().await;
    for (tool, arguments) in [
        ("crm_search", json!({ "query": "a" })),
        (
            "crm_get",
            json!({ "kind": "opportunity", "id": EVERYTHING_WRONG.to_string() }),
        ),
        ("crm_follow_ups", json!({ "assignee": "anyone" })),
        (
            "crm_blockers",
            json!({ "opportunity": EVERYTHING_WRONG.to_string() }),
        ),
        ("crm_briefing", json!({})),
        ("crm_deals", json!({})),
    ] {
        let answer = env.ok(tool, arguments).await;
        let mut found = Vec::new();
        provenances(&answer, &mut found);
        assert!(!found.is_empty(), "{tool}");
        for provenance in found {
            assert_eq!(provenance["source"], "twenty");
            assert_eq!(provenance["fetchedAt"], NOW);
            assert!(
                provenance["object"].is_string()
                    && provenance["id"].is_string()
                    && provenance["updatedAt"].is_string(),
                "{tool}: {provenance:#}"
            );
        }
    }
}
