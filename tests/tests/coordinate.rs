//! One plan over CRM, messages, e-mail and calendar: every combination of its parts, dry and
//! performed.

use crm_harness::plans::{PlanState, StepState};
use crm_stand_in::faults::{Fault, FaultKind};
use crm_stand_in::pa_workspace::sample::ROBIN_PA;
use crm_stand_in::relay::Variant;
use crm_stand_in::twenty::sample::HEALTHY;
use crm_tests::{TestEnv, TestOptions};
use serde_json::{Value, json};

const PARTS: [&str; 4] = ["task", "handoff", "email", "calendar"];

fn part(name: &str) -> Value {
    match name {
        "task" => json!({"title": "Prepare the offer", "due": "2026-03-20"}),
        "handoff" => json!({"to": "Sam Okafor", "message": "Please take over the offer"}),
        "email" => {
            json!({"to": "buyer@acme.example", "subject": "Our offer", "body": "It comes on Friday."})
        }
        _ => json!({"summary": "Offer prepared", "duration": 30}),
    }
}

fn arguments(parts: &[&str]) -> Value {
    let mut arguments = json!({"about": HEALTHY.to_string(), "objective": "Get the offer out"});
    for name in parts {
        arguments[*name] = part(name);
    }
    arguments
}

/// Every combination of parts but none at all.
fn combinations() -> Vec<Vec<&'static str>> {
    (1..1 << PARTS.len())
        .map(|bits| {
            let chosen = PARTS
                .iter()
                .enumerate()
                .filter(|(index, _)| bits & (1 << index) != 0);
            chosen.map(|(_, name)| *name).collect()
        })
        .collect()
}

/// Counts tasks, messages, e-mails and calendar entries.
fn counts(env: &TestEnv) -> [usize; 4] {
    let messages = env.relay().records("message").unwrap();
    let entries = env.workspace().records("calendarAction").unwrap();
    let outbound = env.workspace().records("email").unwrap();
    [
        env.twenty.count("task").live,
        messages.len(),
        outbound
            .iter()
            .filter(|email| email["direction"] == "outbound")
            .count(),
        entries
            .iter()
            .filter(|entry| entry["actionType"] == "crm_follow_up")
            .count(),
    ]
}

fn expected(before: [usize; 4], parts: &[&str]) -> [usize; 4] {
    let mut expected = before;
    for (count, name) in expected.iter_mut().zip(PARTS) {
        *count += usize::from(parts.contains(&name));
    }
    expected
}

#[tokio::test]
async fn dry_run_writes_nothing() {
    let env = TestEnv::whole().await;
    let before = counts(&env);
    for parts in combinations() {
        let answer = env.ok("crm_coordinate", arguments(&parts)).await;
        assert_eq!(answer["state"], "waiting", "{parts:?}");
        let shown = answer["preview"]["steps"].to_string();
        for (name, sign) in PARTS.iter().zip([
            "Prepare the offer",
            "Please take over the offer",
            "It comes on Friday.",
            "Offer prepared",
        ]) {
            assert_eq!(
                shown.contains(sign),
                parts.contains(name),
                "{parts:?}: {name}"
            );
        }
        assert_eq!(counts(&env), before, "{parts:?}");
    }
    for service in [&env.twenty, env.relay(), env.workspace()] {
        let writes = service
            .requests()
            .all()
            .into_iter()
            .filter(|request| request.method == "POST" && !request.path.ends_with("graphql"));
        assert_eq!(writes.count(), 0);
    }
}

#[tokio::test]
async fn every_combination_is_performed_each_part_once() {
    for parts in combinations() {
        let env = TestEnv::whole().await;
        let before = counts(&env);
        let plan = env.propose("crm_coordinate", arguments(&parts)).await;
        let outcome = env.approve(&plan).await.unwrap();
        assert_eq!(outcome.state, PlanState::Done, "{parts:?}: {outcome:#?}");
        assert_eq!(counts(&env), expected(before, &parts), "{parts:?}");
        env.approve(&plan).await.unwrap();
        assert_eq!(counts(&env), expected(before, &parts), "{parts:?}, again");
        for request in env
            .workspace()
            .requests()
            .all()
            .iter()
            .filter(|request| request.method == "POST")
        {
            assert_eq!(request.json().unwrap()["paEmail"], ROBIN_PA);
        }
    }
}

#[tokio::test]
async fn a_part_that_fails_hides_no_other_part() {
    let routes = [
        ("task", None),
        ("handoff", Some(("POST", "/conversations/*/messages"))),
        ("email", Some(("POST", "/api/email/send"))),
        ("calendar", Some(("POST", "/api/calendar/log-action"))),
    ];
    for (failing, route) in routes {
        let env = TestEnv::whole().await;
        let before = counts(&env);
        let plan = env.propose("crm_coordinate", arguments(&PARTS)).await;
        let fault = Fault::once(FaultKind::Status { code: 400 });
        let (service, fault) = match route {
            None => (env.twenty.as_ref(), fault.on_root("createTask")),
            Some((method, path)) => {
                let service = if failing == "handoff" {
                    env.relay()
                } else {
                    env.workspace()
                };
                (service, fault.on_route(method, path))
            }
        };
        service.faults().add(fault);
        let outcome = env.approve(&plan).await.unwrap();
        let others: Vec<_> = PARTS.into_iter().filter(|part| *part != failing).collect();
        assert_eq!(
            counts(&env),
            expected(before, &others),
            "{failing}: {outcome:#?}"
        );
        assert_ne!(outcome.state, PlanState::Done, "{failing}");
        assert!(
            outcome
                .steps
                .iter()
                .any(|step| step.state == StepState::Failed && step.detail.is_some()),
            "{failing}: {outcome:#?}"
        );
    }
}

#[tokio::test]
async fn email_goes_only_to_listed_addresses() {
    let env = TestEnv::whole().await;
    for (to, listed) in [
        ("buyer@acme.example", true),
        ("Buyer@ACME.example", true),
        ("jo@partner.example", true),
        ("ann@partner.example", false),
        ("buyer@sub.acme.example", false),
        ("buyer@acme.example.evil.example", false),
        ("buyer@evilacme.example", false),
    ] {
        let mut arguments = arguments(&["email"]);
        arguments["email"]["to"] = to.into();
        let outcome = env.outcome("crm_coordinate", arguments).await;
        match outcome.result() {
            Ok(answer) => assert!(listed, "{to}: {answer:#}"),
            Err(failure) => {
                assert!(!listed, "{to}: {failure:#}");
                assert_eq!(failure["code"], "plan-recipient", "{failure:#}");
                assert!(
                    failure["reason"].as_str().unwrap().contains("recipients"),
                    "{failure:#}"
                );
            }
        }
    }
    assert!(
        env.workspace()
            .requests()
            .on_route("POST", "/api/email/send")
            .is_empty()
    );
}

#[tokio::test]
async fn email_always_needs_approval() {
    let folder = tempfile::tempdir().unwrap();
    let policies = folder.path().join("policies.cedar");
    let text = "@id(\"all\") @approval(\"auto\") permit (principal, action, resource);";
    std::fs::write(&policies, text).unwrap();
    let operator = format!(
        "allow-loopback = true\n[access]\npolicies = \"{}\"\n[callers.robin]\nemail = \"robin@example.com\"\nrole = \"member\"\nsecrets.tezit = \"env:TEZIT_TOKEN\"\nsettings.pa-email = \"{ROBIN_PA}\"\n",
        policies.display()
    );
    let mut env = TestEnv::with(TestOptions {
        relay: Some(Variant::P),
        workspace: true,
        operator: Some(Box::leak(operator.into_boxed_str())),
        ..TestOptions::default()
    })
    .await;
    env.caller.id = Some("robin".into());
    env.caller = env.harness.setup().callers["robin"].clone();
    let calendar = env.ok("crm_coordinate", arguments(&["calendar"])).await;
    assert_eq!(
        calendar["state"], "done",
        "policy has approved it: {calendar:#}"
    );
    let email = env.ok("crm_coordinate", arguments(&["email"])).await;
    assert_eq!(email["state"], "waiting", "{email:#}");
    assert_eq!(email["preview"]["approval"], "required");
}

#[tokio::test]
async fn a_plan_without_a_part_is_refused() {
    let env = TestEnv::whole().await;
    env.fails("crm_coordinate", arguments(&[]), "invalid-input")
        .await;
}
