//! What happened, logged through the built component: what is asked for it, what is written, who
//! may, and what becomes of the parts where one of them fails.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests may fail like tests"
)]

use crm_harness::plans::{PlanOutcome, PlanState, StepState};
use crm_stand_in::faults::{Fault, FaultKind};
use crm_stand_in::twenty::keys;
use crm_stand_in::twenty::sample::{
    EVERYTHING_WRONG, HEALTHY, ROBIN, SAM, SOFT_DELETED_DEAL, company_id, person_id,
};
use crm_tests::{TestEnv, TestOptions};
use serde_json::{Value, json};

const KINDS: [&str; 6] = [
    "note",
    "noteTarget",
    "task",
    "taskTarget",
    "opportunity",
    "person",
];

fn log(about: &[String]) -> Value {
    json!({"about": about, "title": "Call about the redlines", "text": "They accept **clause 4**.", "when": "2026-03-10"})
}

/// A log with all parts, about a deal of the caller's and somebody there.
fn full(key: &str) -> Value {
    let mut arguments = log(&[HEALTHY.to_string(), person_id(1).to_string()]);
    arguments["next"] = json!({"title": "Send the offer", "due": "2026-03-20"});
    arguments["deal"] = json!({"stage": "meeting", "amount": "77.5"});
    arguments["idempotencyKey"] = key.into();
    arguments
}

fn counts(env: &TestEnv) -> [usize; 6] {
    KINDS.map(|kind| env.twenty.count(kind).live)
}

fn states(outcome: &PlanOutcome) -> Vec<StepState> {
    outcome.steps.iter().map(|step| step.state).collect()
}

/// The record that a step made or changed.
fn of_step(env: &TestEnv, kind: &str, outcome: &PlanOutcome, at: usize) -> Value {
    let id = outcome.steps[at].what.rsplit(' ').next().unwrap();
    env.twenty.record(kind, id).unwrap()
}

/// Sets a fault that refuses a root field for good, after so many of its kind.
fn refuse(env: &TestEnv, root: &str, skip: u32) {
    let forbidden = FaultKind::PartialError {
        only: root.into(),
        message: "Entity performing the request does not have permission".into(),
        code: "FORBIDDEN".into(),
    };
    env.twenty.faults().add(Fault {
        skip,
        ..Fault::once(forbidden).on_root(root)
    });
}

#[tokio::test]
async fn note_says_when_and_is_linked_to_each() {
    let env = TestEnv::new().await;
    let before = counts(&env);
    let about = [
        HEALTHY.to_string(),
        company_id(1).to_string(),
        person_id(1).to_string(),
    ];
    let mut arguments = log(&about);
    arguments["when"] = "2026-03-10T15:00:00Z".into();
    let (cost, outcome) = env.cost("crm_log", arguments).await;
    assert_eq!(cost, 1, "all ids in one request");
    assert_eq!(counts(&env), before, "nothing is written");
    let answer = outcome.result().unwrap();
    assert_eq!(answer["state"], "waiting");
    let steps = answer["preview"]["steps"].as_array().unwrap();
    let policies: Vec<&Value> = steps.iter().map(|step| &step["policies"]).collect();
    assert_eq!(policies[0], &json!(["new-records"]));
    assert_eq!(policies[1], &json!(["new-records", "own-records"]));
    assert_eq!(policies[4..], [&json!(["undo"]); 3]);

    env.twenty.requests().clear();
    let outcome = env.approve(answer["plan"].as_str().unwrap()).await.unwrap();
    assert_eq!(outcome.state, PlanState::Done, "{outcome:#?}");
    assert_eq!(env.twenty.requests().count(), 4, "a note and three links");
    let note = of_step(&env, "note", &outcome, 0);
    assert_eq!(note["title"], "Call about the redlines");
    // In the caller's own time zone.
    assert_eq!(
        note["bodyV2"]["markdown"],
        "When: Tuesday 10 March 2026, 11:00 (America/New_York)\n\nThey accept **clause 4**."
    );
    let links = env.twenty.records("noteTarget").unwrap();
    let own: Vec<&Value> = links
        .iter()
        .filter(|link| link["noteId"] == note["id"])
        .collect();
    assert_eq!(own.len(), 3);
    for (column, id) in [
        ("targetOpportunityId", &about[0]),
        ("targetCompanyId", &about[1]),
        ("targetPersonId", &about[2]),
    ] {
        assert!(own.iter().any(|link| link[column] == id.as_str()));
    }
    // It is found where people look for it.
    let deal = json!({"kind": "opportunity", "id": HEALTHY.to_string()});
    let shown = env.ok("crm_get", deal).await;
    assert!(
        shown.to_string().contains("Call about the redlines"),
        "{shown:#}"
    );
}

#[tokio::test]
async fn all_parts_take_two_requests_to_plan() {
    let env = TestEnv::new().await;
    let before = counts(&env);
    let (cost, outcome) = env.cost("crm_log", full("a")).await;
    assert_eq!(cost, 2, "the records, and the deal as it is");
    let answer = outcome.result().unwrap();
    let steps = answer["preview"]["steps"].as_array().unwrap();
    let change = steps
        .iter()
        .find(|step| step["what"].as_str().unwrap().starts_with("change"))
        .unwrap();
    assert!(change.to_string().contains("before"), "{change:#}");
    env.twenty.requests().clear();
    let plan = answer["plan"].as_str().unwrap();
    let outcome = env.approve(plan).await.unwrap();
    assert_eq!(outcome.state, PlanState::Done, "{outcome:#?}");
    // Six writes, and a look at the deal before it is changed.
    assert_eq!(env.asked(), 7);
    let mut expected = before;
    for (at, made) in [1, 2, 1, 1, 0, 0].into_iter().enumerate() {
        expected[at] += made;
    }
    assert_eq!(counts(&env), expected);
    let deal = env
        .twenty
        .record("opportunity", &HEALTHY.to_string())
        .unwrap();
    assert_eq!(deal["stage"], "MEETING");
    assert_eq!(deal["amount"]["amountMicros"].to_string(), "77500000");
    let task = env.with_value("task", "title", Some("Send the offer"));
    let link = env.with_value("taskTarget", "taskId", Some(&task));
    let link = env.twenty.record("taskTarget", &link).unwrap();
    assert_eq!(link["targetOpportunityId"], HEALTHY.to_string());

    // And once more: the same plan, already done, and nothing is written.
    let again = env.ok("crm_log", full("a")).await;
    assert_eq!(again["state"], "waiting", "the deal has changed: {again:#}");
    let outcome = env.approve(again["plan"].as_str().unwrap()).await.unwrap();
    assert_eq!(outcome.state, PlanState::Done, "{outcome:#?}");
    assert_eq!(counts(&env), expected);
}

#[tokio::test]
async fn each_name_takes_a_search() {
    let env = TestEnv::new().await;
    let mut arguments = log(&["Line 4 sensor retrofit".to_owned()]);
    let (cost, outcome) = env.cost("crm_log", arguments.clone()).await;
    assert_eq!(cost, 2, "{outcome:?}");
    arguments["about"] = json!(["Line 4 sensor retrofit", "Marta Keller", company_id(1)]);
    let (cost, outcome) = env.cost("crm_log", arguments).await;
    let answer = outcome.result().unwrap();
    assert_eq!(cost, 3, "{answer:#}");
    assert_eq!(answer["state"], "waiting");
    // The most that it can take: names of which nothing has all the words take a second search.
    let names: Vec<String> = (0..8).map(|n| format!("Nothing Likethis{n}")).collect();
    let (cost, outcome) = env.cost("crm_log", log(&names)).await;
    let failure = outcome.result().unwrap_err();
    assert_eq!(failure["case"], "not-found");
    assert!(cost <= 2, "the first that is not there ends it: {cost}");
}

#[tokio::test]
async fn failed_link_leaves_no_note_behind() {
    for failing in 0..3 {
        let env = TestEnv::new().await;
        let before = counts(&env);
        let about = [
            HEALTHY.to_string(),
            company_id(1).to_string(),
            person_id(1).to_string(),
        ];
        let plan = env.propose("crm_log", log(&about)).await;
        refuse(&env, "createNoteTarget", failing);
        let outcome = env.approve(&plan).await.unwrap();
        assert_eq!(outcome.state, PlanState::Failed, "{outcome:#?}");
        assert_eq!(counts(&env), before, "{failing}: {outcome:#?}");
        let states = states(&outcome);
        let failing = usize::try_from(failing).unwrap();
        assert_eq!(states[1 + failing], StepState::Failed);
        for delete in 0..3 {
            let expected = if delete == failing {
                StepState::Done
            } else {
                StepState::NotNeeded
            };
            assert_eq!(states[4 + delete], expected, "{outcome:#?}");
        }
        // Softly: somebody can restore it in the CRM, and its links with it.
        let note = of_step(&env, "note", &outcome, 0);
        assert!(!note["deletedAt"].is_null(), "{note:#}");
    }
}

#[tokio::test]
async fn one_failing_part_spares_the_others() {
    for (root, skip, lost) in [
        // Note, its links, task, its link, deal: what is missing in the end.
        ("createNote", 0, "note"),
        ("createNoteTarget", 1, "note"),
        ("createTask", 0, "task"),
        ("createTaskTargets", 0, "task"),
        ("updateOpportunity", 0, "deal"),
    ] {
        let env = TestEnv::new().await;
        let before = counts(&env);
        let stage = |env: &TestEnv| {
            let deal = env.twenty.record("opportunity", &HEALTHY.to_string());
            deal.unwrap()["stage"].clone()
        };
        let old = stage(&env);
        let plan = env.propose("crm_log", full("a")).await;
        refuse(&env, root, skip);
        let outcome = env.approve(&plan).await.unwrap();
        assert_eq!(outcome.state, PlanState::Failed, "{root}: {outcome:#?}");
        let after = counts(&env);
        let made = |at: usize| after[at] - before[at];
        let note = usize::from(lost != "note");
        let task = usize::from(lost != "task");
        assert_eq!((made(0), made(1)), (note, 2 * note), "{root}: {outcome:#?}");
        assert_eq!((made(2), made(3)), (task, task), "{root}: {outcome:#?}");
        let changed = stage(&env) != old;
        assert_eq!(changed, lost != "deal", "{root}: {outcome:#?}");
    }
}

#[tokio::test]
async fn deal_that_moved_meanwhile_is_left_alone() {
    let env = TestEnv::new().await;
    let plan = env.propose("crm_log", full("a")).await;
    let before = counts(&env);
    let moved = "mutation Move($id: UUID!) {\n  updateOpportunity(id: $id, data: { stage: CUSTOMER }) { id }\n}";
    env.beside(moved, json!({"id": HEALTHY})).await;
    let outcome = env.approve(&plan).await.unwrap();
    assert_eq!(outcome.state, PlanState::Conflict, "{outcome:#?}");
    let deal = env
        .twenty
        .record("opportunity", &HEALTHY.to_string())
        .unwrap();
    assert_eq!(deal["stage"], "CUSTOMER");
    // What happened has happened all the same.
    let after = counts(&env);
    assert_eq!((after[0], after[2]), (before[0] + 1, before[2] + 1));
}

#[tokio::test]
async fn reused_key_takes_nothing_back() {
    let env = TestEnv::new().await;
    let keyed = |about: &str, title: &str| {
        let mut arguments = log(&[about.to_owned()]);
        arguments["title"] = title.into();
        arguments["idempotencyKey"] = "same".into();
        arguments
    };
    let deal = HEALTHY.to_string();
    let first = env.propose("crm_log", keyed(&deal, "One")).await;
    env.approve(&first).await.unwrap();
    let before = counts(&env);
    let other = env.with_value("opportunity", "ownerId", None);
    for (about, title) in [(&deal, "Two"), (&other, "One"), (&other, "Two")] {
        let plan = env.propose("crm_log", keyed(about, title)).await;
        assert_ne!(plan, first);
        let outcome = env.approve(&plan).await.unwrap();
        assert_eq!(outcome.state, PlanState::Failed, "{outcome:#?}");
        assert_eq!(counts(&env), before, "{about} {title}: {outcome:#?}");
    }
}

#[tokio::test]
async fn fifty_identical_logs_at_once_make_one_note() {
    let env = TestEnv::new().await;
    let before = counts(&env);
    let calls = (0..50).map(|_| async {
        let plan = env.propose("crm_log", log(&[HEALTHY.to_string()])).await;
        env.approve(&plan).await.unwrap().state
    });
    let ended = futures_util::future::join_all(calls).await;
    assert!(
        ended.iter().all(|state| *state == PlanState::Done),
        "{ended:?}"
    );
    let after = counts(&env);
    assert_eq!((after[0], after[1]), (before[0] + 1, before[1] + 1));
}

/// A note is linked to what the caller may link, by the owners that the CRM itself told.
#[tokio::test]
async fn records_of_others_are_not_linked() {
    let mut env = TestEnv::new().await;
    let sams = env.with_value("opportunity", "ownerId", Some(&SAM.to_string()));
    let own = env.with_value("opportunity", "ownerId", Some(&ROBIN.to_string()));
    let before = counts(&env);
    let failure = env
        .fails("crm_log", log(&[own.clone(), sams.clone()]), "denied")
        .await;
    assert_eq!(failure["code"], "access");
    assert!(failure.to_string().contains(&sams), "{failure:#}");
    // Nor changed, though the note itself is about one's own.
    let theirs = env.with_value("company", "accountOwnerId", Some(&SAM.to_string()));
    env.fails("crm_log", log(&[own.clone(), theirs]), "denied")
        .await;
    env.ok("crm_log", log(std::slice::from_ref(&own))).await;
    env.caller.role = Some("viewer".into());
    env.fails("crm_log", log(&[own]), "denied").await;
    assert_eq!(counts(&env), before);
}

/// What is wrong with one of five records is said of that one, and nothing is proposed.
#[tokio::test]
async fn one_unfit_record_of_five_is_named() {
    let env = TestEnv::new().await;
    let four = [
        HEALTHY.to_string(),
        company_id(1).to_string(),
        person_id(1).to_string(),
        person_id(2).to_string(),
    ];
    let deleted = SOFT_DELETED_DEAL.to_string();
    let gone = "5a0000ff-0000-4000-8000-0000000000ff".to_owned();
    for unfit in [deleted, gone] {
        let mut about = four.to_vec();
        about.insert(2, unfit.clone());
        let failure = env.fails("crm_log", log(&about), "not-found").await;
        assert!(failure["reason"].as_str().unwrap().contains(&unfit));
    }
    let narrow = TestEnv::with(TestOptions {
        key: keys::NARROW_KEY.to_owned(),
        ..TestOptions::default()
    })
    .await;
    let failure = narrow
        .outcome("crm_log", log(&four))
        .await
        .result()
        .unwrap_err();
    assert_eq!(failure["case"], "denied", "{failure:#}");
    assert!(
        failure["reason"]
            .as_str()
            .unwrap()
            .contains(&HEALTHY.to_string()),
        "{failure:#}"
    );
    for env in [&env, &narrow] {
        assert!(env.harness.plans().all().unwrap().is_empty());
    }
}

#[tokio::test]
async fn impossible_logs_are_refused_unplanned() {
    let env = TestEnv::new().await;
    let deal = HEALTHY.to_string();
    let with = |change: &dyn Fn(&mut Value)| {
        let mut arguments = log(std::slice::from_ref(&deal));
        change(&mut arguments);
        arguments
    };
    let cases = [
        (with(&|a| a["about"] = json!([])), "about"),
        (with(&|a| a["about"] = json!(vec![&deal; 9])), "about"),
        (with(&|a| a["about"] = json!([deal, deal])), "about"),
        (
            with(&|a| a["about"] = json!([deal, "Line 4 sensor retrofit"])),
            "about",
        ),
        (with(&|a| a["about"] = deal.as_str().into()), "about"),
        (with(&|a| a["title"] = "".into()), "title"),
        (with(&|a| a["text"] = "x".repeat(100_000).into()), "text"),
        (with(&|a| a["text"] = "x".repeat(20_001).into()), "text"),
        (with(&|a| a["when"] = "2026-03-12".into()), "when"),
        (with(&|a| a["when"] = "last week".into()), "when"),
        (with(&|a| a["next"] = json!({"title": "x"})), "next.due"),
        (with(&|a| a["deal"] = json!({})), "deal"),
        (
            with(&|a| a["deal"] = json!({"stage": "NOWHERE"})),
            "deal.stage",
        ),
        (with(&|a| a["deal"] = json!({"owner": "me"})), "deal.owner"),
        (
            with(&|a| {
                a["about"] = json!([person_id(1)]);
                a["deal"] = json!({"stage": "MEETING"});
            }),
            "deal",
        ),
        (
            with(&|a| {
                a["about"] = json!([deal, EVERYTHING_WRONG]);
                a["deal"] = json!({"stage": "MEETING"});
            }),
            "deal",
        ),
        (with(&|a| a["colour"] = "red".into()), "colour"),
    ];
    for (arguments, field) in cases {
        let failure = env
            .fails("crm_log", arguments.clone(), "invalid-input")
            .await;
        assert_eq!(failure["field"], field, "{failure:#}");
    }
    assert!(env.harness.plans().all().unwrap().is_empty());
}

/// What a note says stays in the CRM: messages about its records hold nothing of it.
#[tokio::test]
async fn text_of_a_note_leaves_nowhere() {
    const MARKER: &str = "waiting on the harbour master about crane number seven";
    let env = TestEnv::whole().await;
    let mut arguments = log(&[HEALTHY.to_string(), person_id(1).to_string()]);
    arguments["text"] = MARKER.into();
    let plan = env.propose("crm_log", arguments).await;
    assert_eq!(env.approve(&plan).await.unwrap().state, PlanState::Done);
    let mut sent = 0;
    for (key, what) in [
        (
            "records",
            json!([{"kind": "opportunity", "id": HEALTHY.to_string()}, {"kind": "person", "id": person_id(1).to_string()}]),
        ),
        ("blockersOf", json!(HEALTHY.to_string())),
        ("briefing", json!(true)),
    ] {
        let mut share = json!({"to": ["Sam Okafor"], "intent": "update"});
        share[key] = what;
        let Ok(answer) = env.outcome("crm_share", share).await.result() else {
            continue;
        };
        env.approve(answer["plan"].as_str().unwrap()).await.unwrap();
        sent += 1;
    }
    assert!(sent > 0);
    for request in env.relay().requests().all() {
        assert!(!request.body.contains("harbour master"), "{}", request.body);
    }
}
