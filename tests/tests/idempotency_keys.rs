//! Idempotency keys of messages, and whether a message may be sent a second time: a component that
//! is not to be trusted chooses the keys and judges the answers.

use std::time::Duration;

use crm_harness::plans::{Before, PlanOutcome, PlanState, StepState, Store};
use crm_harness::{Caller, Harness, Invocation, Parts};
use crm_stand_in::Running;
use crm_stand_in::faults::{Fault, FaultKind};
use crm_stand_in::relay::sample::{PRIYA, SAM, TEAM_ID};
use crm_tests::outsider::teller;
use serde_json::{Value, json};
use uuid::Uuid;

struct RelayEnv {
    harness: Harness,
    relay: Running,
    _service: Running,
}

impl RelayEnv {
    async fn new() -> Self {
        Self::with(Parts::default()).await
    }

    async fn with(parts: Parts) -> Self {
        let (harness, service, relay) = teller(Parts {
            pause: Duration::from_millis(1),
            ..parts
        })
        .await;
        Self {
            harness,
            relay,
            _service: service,
        }
    }

    async fn propose(&self, steps: &[Value], caller: &Caller) -> String {
        let members = format!("/teams/{TEAM_ID}/members");
        let invocation = Invocation {
            tool: "outsider_scheme".to_owned(),
            arguments: json!({
                "what": {"words": "w", "about": [], "steps": steps, "warnings": []},
                "meanwhile": [{"origin": self.relay.url(), "method": "GET", "path": members, "body": ""}],
            }),
            caller: caller.clone(),
            deadline: None,
        };
        let answer = self
            .harness
            .call(invocation)
            .await
            .unwrap()
            .result()
            .unwrap();
        answer["plan"].as_str().unwrap().to_owned()
    }

    async fn approve(&self, plan: &str, caller: &Caller) -> PlanOutcome {
        self.harness
            .plans()
            .approve(plan, caller, false)
            .await
            .unwrap()
    }

    /// Counts the messages with this text at the relay.
    fn messages(&self, text: &str) -> usize {
        let messages = self.relay.records("message").unwrap();
        let holds = |message: &&Value| message.to_string().contains(text);
        messages.iter().filter(holds).count()
    }
}

fn caller(email: &str) -> Caller {
    Caller {
        email: Some(email.to_owned()),
        ..Caller::default()
    }
}

fn robin() -> Caller {
    caller("robin@example.com")
}

fn step(id: &str, path: &str, body: &Value, once: Option<&str>) -> Value {
    json!({
        "id": id, "destination": "teller", "method": "post", "path": path, "body": body.to_string(),
        "words": "w", "timing": {"case": "in-order"}, "slots": [], "changes": [], "basis": [],
        "disclosures": [], "once": once,
    })
}

/// A message to one person; `keys` are those of the conversation and of the message.
fn message(to: Uuid, text: &str, keys: [Option<&str>; 2]) -> Vec<Value> {
    let open = json!({"type": "dm", "memberIds": [to]});
    let mut message = step(
        "message",
        "/conversations/{{c}}/messages",
        &json!({"surfaceText": text, "type": "note"}),
        keys[1],
    );
    message["slots"] = json!([{"name": "c", "step": "open", "pointer": "/data/id"}]);
    vec![step("open", "/conversations", &open, keys[0]), message]
}

/// Plan A, approved earlier, opened a conversation with somebody else under the key that plan B
/// names.
#[tokio::test]
async fn key_does_not_redirect_a_message() {
    let env = RelayEnv::new().await;
    let first = message(PRIYA, "to Priya", [Some("k"), None]);
    let first = env.propose(&first, &robin()).await;
    assert_eq!(env.approve(&first, &robin()).await.state, PlanState::Done);
    let second = message(SAM, "for Sam alone", [Some("k"), None]);
    let second = env.propose(&second, &robin()).await;
    let outcome = env.approve(&second, &robin()).await;
    assert_eq!(outcome.state, PlanState::Conflict, "{outcome:#?}");
    assert_eq!(outcome.steps[0].state, StepState::Conflict, "{outcome:#?}");
    let detail = outcome.steps[0].detail.as_deref().unwrap_or_default();
    assert!(detail.contains(&first[..12]), "{detail}");
    assert!(detail.contains("idempotency key"), "{detail}");
    assert_eq!(env.messages("for Sam alone"), 0);
}

#[tokio::test]
async fn key_with_other_text_is_a_conflict() {
    let env = RelayEnv::new().await;
    for (text, state, sent) in [
        ("one text", PlanState::Done, 1),
        ("another text", PlanState::Conflict, 0),
    ] {
        let plan = message(SAM, text, [None, Some("k")]);
        let plan = env.propose(&plan, &robin()).await;
        let outcome = env.approve(&plan, &robin()).await;
        assert_eq!(outcome.state, state, "{text}: {outcome:#?}");
        assert_eq!(env.messages(text), sent, "{text}");
    }
}

#[tokio::test]
async fn key_with_the_same_bytes_is_sent_once() {
    let env = RelayEnv::new().await;
    let mut steps = message(SAM, "the same", [Some("open"), Some("k")]);
    let first = env.propose(&steps, &robin()).await;
    assert_eq!(env.approve(&first, &robin()).await.state, PlanState::Done);
    // Another plan, since its words differ.
    steps[0]["words"] = "other words".into();
    let second = env.propose(&steps, &robin()).await;
    assert_ne!(first, second);
    let outcome = env.approve(&second, &robin()).await;
    assert_eq!(outcome.state, PlanState::Done, "{outcome:#?}");
    let states: Vec<StepState> = outcome.steps.iter().map(|step| step.state).collect();
    assert_eq!(states, [StepState::Found, StepState::Found]);
    assert_eq!(env.messages("the same"), 1);
}

#[tokio::test]
async fn keys_of_two_callers_are_two_keys() {
    let env = RelayEnv::new().await;
    for (who, text) in [
        ("robin@example.com", "from Robin"),
        ("kim@example.com", "from Kim"),
    ] {
        let who = caller(who);
        let plan = message(SAM, text, [None, Some("k")]);
        let plan = env.propose(&plan, &who).await;
        let outcome = env.approve(&plan, &who).await;
        assert_eq!(outcome.state, PlanState::Done, "{text}: {outcome:#?}");
        assert_eq!(env.messages(text), 1, "{text}");
    }
}

#[tokio::test]
async fn key_outlives_its_plan() {
    let folder = tempfile::tempdir().unwrap();
    let parts = Parts {
        plans: Some(Store::open(folder.path()).unwrap()),
        ..Parts::default()
    };
    let env = RelayEnv::with(parts).await;
    let plan = message(SAM, "one text", [None, Some("k")]);
    let first = env.propose(&plan, &robin()).await;
    assert_eq!(env.approve(&first, &robin()).await.state, PlanState::Done);
    let before = Before {
        over: i64::MAX,
        expired: i64::MAX,
        claims: 0,
    };
    let forgotten = Store::open(folder.path()).unwrap().forget(&before);
    assert_eq!(forgotten.unwrap(), 1);
    assert!(env.harness.plans().get(&first).is_err());
    let second = message(SAM, "another text", [None, Some("k")]);
    let second = env.propose(&second, &robin()).await;
    let outcome = env.approve(&second, &robin()).await;
    assert_eq!(outcome.state, PlanState::Conflict, "{outcome:#?}");
    assert_eq!(env.messages("another text"), 0);
}

/// The manifest of this component says nothing of repeating messages, which means never.
#[tokio::test]
async fn component_cannot_have_a_message_sent_twice() {
    let look = |env: &RelayEnv| format!("lie: {} /tez/unknown", env.relay.url());
    for (name, fault) in [
        ("accepted", None),
        ("lost", Some(Fault::once(FaultKind::Reset).after())),
        (
            "500",
            Some(Fault::once(FaultKind::Status { code: 500 }).after()),
        ),
    ] {
        for lie in [
            |_: &RelayEnv| "lie: again".to_owned(),
            look as fn(&RelayEnv) -> String,
        ] {
            let env = RelayEnv::new().await;
            let mut steps = message(SAM, "once and no more", [None, None]);
            steps[1]["words"] = lie(&env).into();
            let plan = env.propose(&steps, &robin()).await;
            if let Some(fault) = &fault {
                let fault = fault.clone();
                let route = "/conversations/*/messages";
                env.relay.faults().add(fault.on_route("POST", route));
            }
            let outcome = env.approve(&plan, &robin()).await;
            assert_eq!(outcome.state, PlanState::InDoubt, "{name}: {outcome:#?}");
            for _ in 0..3 {
                let outcome = env.harness.plans().resume(&plan, &robin(), false).await;
                assert_eq!(outcome.unwrap().state, PlanState::InDoubt, "{name}");
            }
            assert_eq!(env.messages("once and no more"), 1, "{name}");
        }
    }
}

/// A message that the service certainly did not accept is sent again, whatever the manifest says.
#[tokio::test]
async fn message_that_was_not_taken_up_is_sent_again() {
    let env = RelayEnv::new().await;
    let mut steps = message(SAM, "in the end", [None, None]);
    steps[1]["words"] = "lie: again".into();
    let plan = env.propose(&steps, &robin()).await;
    let fault = Fault::once(FaultKind::TooManyRequests {
        retry_after_seconds: None,
    });
    let route = "/conversations/*/messages";
    env.relay.faults().add(fault.on_route("POST", route));
    env.approve(&plan, &robin()).await;
    assert_eq!(env.messages("in the end"), 1);
}

/// A step that runs only after a failure stands apart from what a person decides on, and the
/// component says what has failed.
#[tokio::test]
async fn message_cannot_compensate() {
    let env = RelayEnv::new().await;
    let mut steps = message(SAM, "the visible one", [None, None]);
    let mut hidden = steps.clone();
    for step in &mut hidden {
        step["id"] = format!("hidden-{}", step["id"].as_str().unwrap()).into();
        step["timing"] = json!({"case": "compensates", "value": "message"});
    }
    hidden[1]["slots"][0]["step"] = "open".into();
    for hidden in hidden {
        let invocation = Invocation {
            tool: "outsider_scheme".to_owned(),
            arguments: json!({"what": {
                "words": "w", "about": [], "warnings": [],
                "steps": [steps[0].clone(), steps[1].clone(), hidden],
            }}),
            caller: robin(),
            deadline: None,
        };
        let failure = env.harness.call(invocation).await.unwrap().result();
        let failure = failure.unwrap_err();
        assert_eq!(failure["code"], "plan-form", "{failure:#}");
    }
    steps.truncate(2);
    env.propose(&steps, &robin()).await;
}
