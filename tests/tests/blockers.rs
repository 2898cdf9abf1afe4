//! Every rule of `blockers` on deals where it fires, where it is clear, and where its data is
//! missing.

use crm_stand_in::twenty::sample::{
    AMBIGUOUS, AMBIGUOUS_WORD, BLOCKER_CASES, EVERYTHING_WRONG, HEALTHY, ODD_NAME, deal_id,
};
use crm_tests::TestEnv;
use serde_json::{Value, json};

/// Returns the outcome of a rule on a deal: `fires`, `clear` or `unknown`.
fn outcome(report: &Value, code: &str) -> &'static str {
    let has = |list: &str, key: &str| {
        report[list]
            .as_array()
            .unwrap()
            .iter()
            .any(|entry| entry[key] == code)
    };
    match (
        has("findings", "code"),
        has("unknown", "code"),
        report["clear"]
            .as_array()
            .unwrap()
            .iter()
            .any(|clear| clear == code),
    ) {
        (true, false, false) => "fires",
        (false, true, false) => "unknown",
        (false, false, true) => "clear",
        other => panic!("{code} is in {other:?} of findings, unknown, clear"),
    }
}

async fn report(env: &TestEnv, deal: impl ToString) -> Value {
    env.ok("crm_blockers", json!({ "opportunity": deal.to_string() }))
        .await
}

#[tokio::test]
async fn each_rule_has_its_three_outcomes() {
    let env = TestEnv::new().await;
    let mut wrong = Vec::new();
    for case in BLOCKER_CASES {
        for (deal, expected) in [
            (case.fires, "fires"),
            (case.clear, "clear"),
            (case.unknown, "unknown"),
        ] {
            let report = report(&env, deal).await;
            let found = outcome(&report, case.code);
            if found != expected {
                wrong.push(format!(
                    "{} on {deal}: {found} instead of {expected}",
                    case.code
                ));
            }
        }
    }
    assert_eq!(BLOCKER_CASES.len(), 13);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn finding_carries_evidence_and_next_step() {
    let env = TestEnv::new().await;
    for case in BLOCKER_CASES {
        let report = report(&env, case.fires).await;
        let finding = report["findings"]
            .as_array()
            .unwrap()
            .iter()
            .find(|finding| finding["code"] == case.code)
            .unwrap()
            .clone();
        assert!(
            ["high", "medium", "low"].contains(&finding["severity"].as_str().unwrap()),
            "{finding:#}"
        );
        let expected = if case.code == "noted-blocker" {
            "inferred"
        } else {
            "verified"
        };
        assert_eq!(finding["certainty"], expected, "{finding:#}");
        assert!(
            !finding["sentence"].as_str().unwrap().is_empty()
                && !finding["nextStep"].as_str().unwrap().is_empty()
        );
        let evidence = finding["evidence"].as_array().unwrap();
        assert!(!evidence.is_empty(), "{finding:#}");
        for piece in evidence {
            let provenance = &piece["provenance"];
            for key in ["source", "object", "id", "fetchedAt"] {
                assert!(provenance[key].is_string(), "{piece:#}");
            }
        }
    }
}

#[tokio::test]
async fn findings_are_sorted_by_severity() {
    let env = TestEnv::new().await;
    let report = report(&env, EVERYTHING_WRONG).await;
    let severities: Vec<&str> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["severity"].as_str().unwrap())
        .collect();
    assert!(severities.len() >= 10, "{report:#}");
    let rank = |severity: &str| {
        ["high", "medium", "low"]
            .iter()
            .position(|known| *known == severity)
            .unwrap()
    };
    assert!(
        severities.is_sorted_by_key(|severity| rank(severity)),
        "{severities:?}"
    );
    assert!(report["markdown"].as_str().unwrap().contains("HIGH"));
}

#[tokio::test]
async fn healthy_deal_has_no_blockers() {
    let env = TestEnv::new().await;
    let report = report(&env, HEALTHY).await;
    assert_eq!(report["findings"], json!([]), "{report:#}");
    assert_eq!(report["unknown"], json!([]), "{report:#}");
    assert_eq!(report["clear"].as_array().unwrap().len(), 13);
}

#[tokio::test]
async fn deal_is_found_by_part_of_its_name() {
    let env = TestEnv::new().await;
    let by_id = report(&env, EVERYTHING_WRONG).await;
    for name in [
        "Northern depot relaunch",
        "northern DEPOT relaunch",
        "depot relaunch",
    ] {
        assert_eq!(report(&env, name).await["id"], by_id["id"], "{name}");
    }
    let odd = report(&env, ODD_NAME).await;
    let name = odd["label"].as_str().unwrap().to_owned();
    assert!(name.contains('%') && name.contains('_'), "{name}");
    assert_eq!(report(&env, name).await["id"], odd["id"]);
}

#[tokio::test]
async fn wildcards_in_names_are_literal() {
    let env = TestEnv::new().await;
    // Of signs alone there is nothing to look for, and nobody is asked.
    for name in ["%", "_"] {
        let signs = json!({ "opportunity": name });
        env.fails("crm_blockers", signs, "invalid-input").await;
    }
    assert_eq!(env.twenty.requests().count(), 0);
    for name in ["%depot%", "Northern_depot"] {
        let outcome = env
            .outcome("crm_blockers", json!({ "opportunity": name }))
            .await
            .result();
        let fits_odd_name = outcome
            .as_ref()
            .is_ok_and(|report| report["id"] == ODD_NAME.to_string());
        let none = outcome
            .as_ref()
            .is_err_and(|failure| failure["case"] == "not-found");
        assert!(fits_odd_name || none, "{name}: {outcome:#?}");
    }
}

#[tokio::test]
async fn a_name_that_fits_several_deals_names_them() {
    let env = TestEnv::new().await;
    let failure = env
        .fails(
            "crm_blockers",
            json!({ "opportunity": AMBIGUOUS_WORD }),
            "ambiguous",
        )
        .await;
    let ids: Vec<&str> = failure["candidates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|candidate| candidate["ref"]["id"].as_str().unwrap())
        .collect();
    for deal in AMBIGUOUS {
        assert!(ids.contains(&deal.to_string().as_str()), "{failure:#}");
    }
    assert_eq!(failure["field"], "opportunity");
    // Any of the candidates can be asked for by its id.
    report(&env, ids[0]).await;
}

#[tokio::test]
async fn blockers_request_count_is_bounded() {
    let env = TestEnv::new().await;
    let healthy = HEALTHY.to_string();
    for (arguments, expected) in [
        // Not near its close date, so the stages do not matter.
        (json!({ "opportunity": healthy }), 1),
        (json!({ "opportunity": "Northern depot relaunch" }), 2),
        (json!({ "opportunity": "northern DÉPÔT relaunch" }), 2),
        // It takes the name of its company to tell it.
        (json!({ "opportunity": "relaunch Bluefin" }), 3),
        (json!({ "opportunity": healthy, "widen": true }), 2),
    ] {
        let (cost, outcome) = env.cost("crm_blockers", arguments.clone()).await;
        assert_eq!(cost, expected, "{arguments}");
        assert!(
            outcome.result().is_ok(),
            "{arguments}: {:#?}",
            outcome.result()
        );
    }
}

#[tokio::test]
async fn unreadable_fields_are_unknown() {
    let env = TestEnv::new().await;
    for (root, codes) in [
        (
            "taskTargets",
            &["overdue-task", "no-next-step", "unassigned-task"] as &[&str],
        ),
        (
            "timelineActivities",
            &["stalled-stage", "close-date-pushed"],
        ),
        ("noteTargets", &["noted-blocker"]),
    ] {
        env.twenty.faults().add(
            serde_json::from_value::<crm_stand_in::faults::Fault>(json!({
                "fault": "partial-error", "only": root, "message": "no permission", "code": "FORBIDDEN", "operation": "Blockers", "times": 1
            }))
            .unwrap(),
        );
        let report = report(&env, HEALTHY).await;
        for code in codes {
            assert_eq!(
                outcome(&report, code),
                "unknown",
                "{code} without {root}: {report:#}"
            );
        }
        assert_eq!(outcome(&report, "no-owner"), "clear");
    }
}

#[tokio::test]
async fn failed_context_leaves_only_its_rules_unknown() {
    let env = TestEnv::new().await;
    // Quiet by itself: what its contact and company say is what counts.
    let stale = BLOCKER_CASES
        .iter()
        .find(|case| case.code == "stale")
        .unwrap()
        .fires;
    for fault in [
        json!({ "fault": "status", "code": 500 }),
        json!({ "fault": "not-json" }),
        json!({ "fault": "reset" }),
    ] {
        let mut wanted = fault.clone();
        wanted["operation"] = json!("BlockersWiden");
        let faults = env.twenty.faults();
        faults.clear();
        faults.add(serde_json::from_value::<crm_stand_in::faults::Fault>(wanted).unwrap());
        let alone = report(&env, stale).await;
        let wider = env
            .ok(
                "crm_blockers",
                json!({ "opportunity": stale.to_string(), "widen": true }),
            )
            .await;
        assert_eq!(outcome(&alone, "stale"), "fires");
        assert_eq!(outcome(&wider, "stale"), "unknown", "{fault}: {wider:#}");
        for case in BLOCKER_CASES.iter().filter(|case| case.code != "stale") {
            assert_eq!(
                outcome(&wider, case.code),
                outcome(&alone, case.code),
                "{fault}: {}",
                case.code
            );
        }
    }
}

#[tokio::test]
async fn staleness_is_counted_as_the_caller_asks() {
    let env = TestEnv::new().await;
    let stale = BLOCKER_CASES
        .iter()
        .find(|case| case.code == "stale")
        .unwrap()
        .fires;
    let strict = report(&env, stale).await;
    assert_eq!(outcome(&strict, "stale"), "fires");
    let patient = env
        .ok(
            "crm_blockers",
            json!({ "opportunity": stale.to_string(), "staleDays": 365 }),
        )
        .await;
    assert_eq!(outcome(&patient, "stale"), "clear");
}

#[tokio::test]
async fn a_deal_that_was_deleted_is_not_found() {
    let env = TestEnv::new().await;
    let deleted = crm_stand_in::twenty::sample::SOFT_DELETED_DEAL;
    env.fails(
        "crm_blockers",
        json!({ "opportunity": deleted.to_string() }),
        "not-found",
    )
    .await;
    env.fails(
        "crm_blockers",
        json!({ "opportunity": deal_id(99_999).to_string() }),
        "not-found",
    )
    .await;
    for (tool, argument) in [("crm_blockers", "opportunity"), ("crm_follow_up", "about")] {
        // "Northern depot relaunch" begins with the first.
        for name in ["no deal of this name", "no"] {
            let mut arguments = json!({ "title": "Call them", "due": "2026-03-20" });
            if tool == "crm_blockers" {
                arguments = json!({});
            }
            arguments[argument] = json!(name);
            env.fails(tool, arguments, "not-found").await;
        }
    }
}

#[tokio::test]
async fn a_name_that_is_written_nearly_so_is_offered() {
    let env = TestEnv::new().await;
    for name in ["Nothern depto relaunch", "the depot deal"] {
        let arguments = json!({ "opportunity": name });
        let failure = env.fails("crm_blockers", arguments, "ambiguous").await;
        let candidates = failure["candidates"].as_array().unwrap();
        assert!(
            candidates
                .iter()
                .any(|candidate| candidate["ref"]["id"] == EVERYTHING_WRONG.to_string()),
            "{name}: {failure:#}"
        );
    }
}
