//! Proposals of a component that is not to be trusted: what cannot be sent is refused before a
//! person is asked, what is shown is what is sent, and nobody but the host writes.

use std::time::Duration;

use crm_harness::plans::{PlanState, StepState};
use crm_harness::{CallOutcome, Caller, Harness, Invocation, Parts};
use crm_stand_in::Running;
use crm_tests::outsider::outsider;
use serde_json::{Value, json};

const MAKE: &str = "mutation Make($id: UUID!, $title: String!) { createTask(data: { id: $id, title: $title }) { id } }";
const TIE: &str = "mutation Tie($id: UUID!, $taskId: UUID!) { createTaskTargets(data: [{ id: $id, taskId: $taskId }]) { id } }";
const UNMAKE: &str = "mutation Unmake($id: UUID!) { deleteTask(id: $id) { id } }";
const HELLO: &str = "query Hello { people(first: 1) { totalCount } }";
const TASK: &str = "0b7e7dee-1f0e-4b8e-9a31-94c6a7c1a001";
const LINK: &str = "0b7e7dee-1f0e-4b8e-9a31-94c6a7c1a002";

struct SchemeEnv {
    harness: Harness,
    service: Running,
    caller: Caller,
}

impl SchemeEnv {
    async fn new() -> Self {
        let parts = Parts {
            pause: Duration::from_millis(1),
            ..Parts::default()
        };
        let (harness, service) = outsider(parts).await;
        Self {
            harness,
            service,
            caller: Caller {
                email: Some("robin@example.com".into()),
                ..Caller::default()
            },
        }
    }

    async fn scheme(&self, plan: Value, meanwhile: Option<Value>) -> CallOutcome {
        let mut arguments = json!({ "what": plan });
        if let Some(meanwhile) = meanwhile {
            arguments["meanwhile"] = json!([meanwhile]);
        }
        let invocation = Invocation {
            tool: "outsider_scheme".to_owned(),
            arguments,
            caller: self.caller.clone(),
            deadline: None,
        };
        self.harness.call(invocation).await.unwrap()
    }

    fn writes(&self) -> usize {
        let requests = self.service.requests().all();
        let mutations = requests
            .iter()
            .filter(|request| request.body.contains("mutation"));
        mutations.count()
    }
}

fn step(id: &str, query: &str, variables: &Value) -> Value {
    json!({
        "id": id,
        "destination": "service",
        "method": "post",
        "path": "/graphql",
        "body": json!({"query": query, "variables": variables}).to_string(),
        "words": "Nothing but good.",
        "timing": {"case": "in-order"},
        "slots": [],
        "changes": [],
        "basis": [],
        "disclosures": [],
    })
}

fn plan(steps: &[Value]) -> Value {
    json!({"words": "Nothing but good.", "about": [], "steps": steps, "warnings": []})
}

fn make() -> Value {
    step("make", MAKE, &json!({"id": TASK, "title": "made"}))
}

fn tie(task: &str) -> Value {
    step("tie", TIE, &json!({"id": LINK, "taskId": task}))
}

fn with(mut step: Value, key: &str, value: Value) -> Value {
    step[key] = value;
    step
}

#[tokio::test]
async fn forbidden_step_is_refused_before_approval() {
    let env = SchemeEnv::new().await;
    let slot = |name: &str, from: &str| json!([{"name": name, "step": from, "pointer": "/data/createTask/id"}]);
    let slotted = with(tie("{{task}}"), "slots", slot("task", "make"));
    let many: Vec<Value> = (0..33)
        .map(|number| with(make(), "id", format!("s{number}").into()))
        .collect();
    let cases = [
        ("no step", plan(&[]), "plan-form"),
        (
            "more warnings than a person reads",
            with(plan(&[make()]), "warnings", vec!["w"; 9].into()),
            "plan-form",
        ),
        (
            "about more records than a plan has",
            with(
                plan(&[make()]),
                "about",
                vec![json!({"kind": "task", "id": TASK}); 17].into(),
            ),
            "plan-form",
        ),
        ("too many steps", plan(&many), "plan-form"),
        (
            "an undeclared document",
            plan(&[step(
                "a",
                "mutation Other { destroyTasks { id } }",
                &json!({}),
            )]),
            "plan-gate",
        ),
        (
            "a second operation",
            plan(&[step(
                "a",
                &format!("{MAKE} mutation B {{ b }}"),
                &json!({"id": TASK, "title": "x"}),
            )]),
            "plan-gate",
        ),
        (
            "a missing variable",
            plan(&[step("a", MAKE, &json!({"id": TASK}))]),
            "plan-gate",
        ),
        (
            "an object for a scalar",
            plan(&[step("a", MAKE, &json!({"id": TASK, "title": {"set": "x"}}))]),
            "plan-gate",
        ),
        (
            "another path",
            plan(&[with(make(), "path", "/metadata".into())]),
            "plan-gate",
        ),
        (
            "a path that climbs",
            plan(&[with(make(), "path", "/x/../graphql".into())]),
            "plan-gate",
        ),
        (
            "another host in the path",
            plan(&[with(make(), "path", "@elsewhere.example/graphql".into())]),
            "plan-gate",
        ),
        (
            "another method",
            plan(&[with(make(), "method", "delete".into())]),
            "plan-gate",
        ),
        (
            "an unknown service",
            plan(&[with(make(), "destination", "elsewhere".into())]),
            "plan-form",
        ),
        (
            "a body that is no JSON",
            plan(&[with(make(), "body", "x".into())]),
            "plan-form",
        ),
        (
            "a bad id",
            plan(&[with(make(), "id", "a b".into())]),
            "plan-form",
        ),
        ("the same id twice", plan(&[make(), make()]), "plan-form"),
        (
            "a slot of a later step",
            plan(&[slotted.clone(), make()]),
            "plan-form",
        ),
        (
            "a slot in a document",
            plan(&[make(), slotted]),
            "plan-form",
        ),
        (
            "a slot in the path of a document",
            plan(&[
                make(),
                with(
                    with(tie(TASK), "path", "/{{task}}".into()),
                    "slots",
                    slot("task", "make"),
                ),
            ]),
            "plan-gate",
        ),
        (
            "the nil UUID as a record's id",
            plan(&[step(
                "make",
                MAKE,
                &json!({"id": "00000000-0000-0000-0000-000000000000", "title": "made"}),
            )]),
            "plan-form",
        ),
        (
            "the max UUID as a record's id",
            plan(&[step(
                "make",
                MAKE,
                &json!({"id": "ffffffff-ffff-ffff-ffff-ffffffffffff", "title": "made"}),
            )]),
            "plan-form",
        ),
        (
            "a slot that is not used",
            plan(&[make(), with(tie(TASK), "slots", slot("task", "make"))]),
            "plan-form",
        ),
        (
            "a change of nothing",
            plan(&[with(
                make(),
                "changes",
                json!([{"pointer": "/variables/colour"}]),
            )]),
            "plan-form",
        ),
        (
            "taking back what is not before",
            plan(&[with(
                make(),
                "timing",
                json!({"case": "compensates", "value": "tie"}),
            )]),
            "plan-form",
        ),
        (
            "a step that reads",
            plan(&[step("a", HELLO, &json!({}))]),
            "access",
        ),
    ];
    for (name, plan, code) in cases {
        let failure = env.scheme(plan, None).await.result().expect_err(name);
        assert_eq!(failure["case"], "denied", "{name}: {failure:#}");
        assert_eq!(failure["code"], code, "{name}: {failure:#}");
    }
    assert!(env.harness.plans().all().unwrap().is_empty());
    assert_eq!(env.service.requests().count(), 0);
    // The same without an offence passes, with as many warnings and records as there may be.
    let mut good = with(plan(&[make(), tie(TASK)]), "warnings", vec!["w"; 8].into());
    good["about"] = vec![json!({"kind": "task", "id": TASK}); 16].into();
    let good = env.scheme(good, None).await.result().unwrap();
    assert_eq!(good["state"], "waiting");
}

#[tokio::test]
async fn preview_comes_from_the_bytes_to_be_sent() {
    let env = SchemeEnv::new().await;
    let answer = env.scheme(plan(&[make()]), None).await.result().unwrap();
    let shown = &answer["preview"]["steps"][0];
    assert_eq!(shown["what"], format!("create task {TASK}"));
    assert_eq!(shown["document"], "make");
    assert_eq!(
        shown["values"][1],
        json!({"name": "title", "value": "\"made\""})
    );
    assert_eq!(shown["words"], "Nothing but good.");
}

#[tokio::test]
async fn component_cannot_write_outside_performing() {
    let env = SchemeEnv::new().await;
    let body = json!({"query": MAKE, "variables": {"id": TASK, "title": "behind the back"}});
    let meanwhile =
        json!({"origin": env.service.url(), "path": "/graphql", "body": body.to_string()});
    let outcome = env.scheme(plan(&[make()]), Some(meanwhile)).await;
    assert_eq!(outcome.denials[0].code.as_str(), "write");
    assert_eq!(env.service.requests().count(), 0);
    // The judge sends the step itself when it is asked whether it is still right: that is refused,
    // the host's own passes.
    let sly = with(make(), "words", env.service.url().into());
    let answer = env.scheme(plan(&[sly]), None).await.result().unwrap();
    let plan = answer["plan"].as_str().unwrap();
    let outcome = env
        .harness
        .plans()
        .approve(plan, &env.caller, false)
        .await
        .unwrap();
    assert_eq!(outcome.state, PlanState::Done);
    assert_eq!(env.writes(), 1);
}

/// The victim's id comes back in the answer of a step that the component may fill freely, and a
/// later step takes it from there.
#[tokio::test]
async fn slot_cannot_name_the_record_of_a_write() {
    let env = SchemeEnv::new().await;
    let victim = live_task(&env);
    let slot = json!([{"name": "v", "step": "tie", "pointer": "/data/createTaskTargets/0/id"}]);
    for (name, id) in [
        ("nil", "00000000-0000-0000-0000-000000000000"),
        ("its own", TASK),
    ] {
        let steps = |timing: Value| {
            let claim = step("claim", MAKE, &json!({"id": id, "title": "Call them"}));
            let tie = step("tie", TIE, &json!({"id": victim, "taskId": TASK}));
            let remove = step("remove", UNMAKE, &json!({"id": "{{v}}"}));
            let remove = with(with(remove, "slots", slot.clone()), "timing", timing);
            plan(&[claim, tie, make(), remove])
        };
        for timing in [
            json!({"case": "in-order"}),
            json!({"case": "compensates", "value": "make"}),
        ] {
            let failure = env.scheme(steps(timing), None).await.result();
            let failure = failure.expect_err(name);
            assert_eq!(failure["code"], "plan-form", "{name}: {failure:#}");
        }
    }
    assert_eq!(env.writes(), 0);
}

/// A component can arrange that an answer is lost, and then say that its step was done.
#[tokio::test]
async fn lost_answer_does_not_prove_a_record_new() {
    use crm_stand_in::faults::{Fault, FaultKind};
    let env = SchemeEnv::new().await;
    let victim = live_task(&env);
    let claim = step("claim", MAKE, &json!({"id": victim, "title": "mine"}));
    let claim = with(claim, "words", "lie: done".into());
    let tie = step("tie", TIE, &json!({"id": LINK, "taskId": victim}));
    let remove = step("remove", UNMAKE, &json!({"id": victim}));
    let back = json!({"case": "compensates", "value": "tie"});
    let scheme = plan(&[claim, tie, with(remove, "timing", back)]);
    let answer = env.scheme(scheme, None).await.result().unwrap();
    let faults = env.service.faults();
    faults.add(Fault::once(FaultKind::Reset).on_root("createTask"));
    faults.add(Fault::once(FaultKind::Status { code: 400 }).on_root("createTaskTargets"));
    let digest = answer["plan"].as_str().unwrap();
    let outcome = env
        .harness
        .plans()
        .approve(digest, &env.caller, false)
        .await;
    let outcome = outcome.unwrap();
    assert_eq!(outcome.state, PlanState::Failed, "{outcome:#?}");
    assert_eq!(outcome.steps[0].state, StepState::Done, "{outcome:#?}");
    let task = env.service.record("task", &victim).unwrap();
    assert!(task["deletedAt"].is_null(), "{outcome:#?}");
}

fn live_task(env: &SchemeEnv) -> String {
    let tasks = env.service.records("task").unwrap();
    let live = tasks.iter().find(|task| task["deletedAt"].is_null());
    live.unwrap()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn existing_record_is_not_the_plans_own() {
    let env = SchemeEnv::new().await;
    let victim = live_task(&env);
    let claim = step("claim", MAKE, &json!({"id": victim, "title": "mine"}));
    let remove = step("remove", UNMAKE, &json!({"id": victim}));
    let with_remove = |timing: Value| with(remove.clone(), "timing", timing);
    // In its turn nobody may delete. Taking back is for what the plan has made.
    let failure = env
        .scheme(
            plan(&[claim.clone(), with_remove(json!({"case": "in-order"}))]),
            None,
        )
        .await
        .result()
        .unwrap_err();
    assert_eq!(failure["code"], "access", "{failure:#}");
    // The claim is a duplicate, which this judge takes for done; tying then fails, and the victim
    // would be taken back.
    let tie = step(
        "tie",
        TIE,
        &json!({"id": LINK, "taskId": "0b7e7dee-1f0e-4b8e-9a31-94c6a7c1aaaa"}),
    );
    let back = with_remove(json!({"case": "compensates", "value": "tie"}));
    let answer = env
        .scheme(plan(&[claim, tie, back]), None)
        .await
        .result()
        .unwrap();
    env.service.faults().add(
        crm_stand_in::faults::Fault::once(crm_stand_in::faults::FaultKind::Status { code: 400 })
            .on_root("createTaskTargets"),
    );
    let digest = answer["plan"].as_str().unwrap();
    let outcome = env
        .harness
        .plans()
        .approve(digest, &env.caller, false)
        .await
        .unwrap();
    assert_eq!(outcome.state, PlanState::Failed, "{outcome:#?}");
    let task = env.service.record("task", &victim).unwrap();
    assert!(task["deletedAt"].is_null(), "{outcome:#?}");
    assert!(
        outcome.steps[2]
            .detail
            .as_ref()
            .unwrap()
            .contains("left alone"),
        "{outcome:#?}"
    );
}

#[tokio::test]
async fn auto_approved_plan_is_performed_by_the_call() {
    let mut env = SchemeEnv::new().await;
    env.caller.role = Some("robot".into());
    let answer = env.scheme(plan(&[make()]), None).await.result().unwrap();
    assert_eq!(answer["state"], "done", "{answer:#}");
    assert_eq!(answer["preview"]["approval"], "auto");
    assert_eq!(
        answer["outcome"]["steps"][0]["state"],
        json!(StepState::Done)
    );
    let again = env.scheme(plan(&[make()]), None).await.result().unwrap();
    assert_eq!(again["state"], "done");
    assert_eq!(env.writes(), 1);
}

#[tokio::test]
async fn unclear_outcome_is_never_sent_again() {
    use crm_stand_in::faults::{Fault, FaultKind};
    let env = SchemeEnv::new().await;
    let answer = env.scheme(plan(&[make()]), None).await.result().unwrap();
    let digest = answer["plan"].as_str().unwrap().to_owned();
    env.service
        .faults()
        .add(Fault::once(FaultKind::Reset).after());
    let outcome = env
        .harness
        .plans()
        .approve(&digest, &env.caller, false)
        .await
        .unwrap();
    assert_eq!(
        (outcome.state, outcome.steps[0].state),
        (PlanState::InDoubt, StepState::Sending)
    );
    assert!(outcome.next.contains("resume"), "{}", outcome.next);
    let outcome = env
        .harness
        .plans()
        .resume(&digest, &env.caller, false)
        .await
        .unwrap();
    assert_eq!(outcome.state, PlanState::InDoubt);
    assert_eq!(env.writes(), 1);
}
