//! Calling actions: values both ways, limits, and what the host does when a component misbehaves.

mod common;

use std::time::Duration;

use crm_harness::{CallError, Caller, Harness, Invocation, LoadError, RunError, StartError};
use serde_json::{Value, json};

async fn call(
    harness: &Harness,
    tool: &str,
    arguments: Value,
) -> Result<Result<Value, Value>, CallError> {
    let invocation = Invocation {
        tool: tool.into(),
        arguments,
        caller: Caller::default(),
        deadline: None,
    };
    harness
        .call(invocation)
        .await
        .map(|outcome| outcome.result())
}

#[tokio::test]
async fn values_come_back_as_they_went_in() {
    let harness = common::guest("");
    for arguments in [
        json!({"someText": "a", "count": 7, "colour": "dark-green", "ratio": 0.1, "pick": {"case": "nothing"}}),
        json!({"someText": "", "count": 0, "ratio": -2.5, "pick": {"case": "numbered", "value": 4_294_967_295_u32}}),
        json!({"someText": "ü\u{0}x", "count": 1, "colour": "red", "ratio": 1.0, "pick": {"case": "named", "name": "n"}}),
    ] {
        assert_eq!(
            call(&harness, "guest_echo", arguments.clone())
                .await
                .unwrap(),
            Ok(arguments)
        );
    }
}

#[tokio::test]
async fn null_and_a_missing_key_both_mean_none() {
    let harness = common::guest("");
    let arguments = json!({"someText": "a", "count": 7, "colour": null, "ratio": 1.0, "pick": {"case": "nothing"}});
    let answer = call(&harness, "echo", arguments).await.unwrap().unwrap();
    assert!(answer.get("colour").is_none(), "{answer}");
}

#[tokio::test]
async fn wrong_argument_names_field_and_fix() {
    let harness = common::guest("");
    let good = json!({"someText": "a", "count": 7, "ratio": 1.0, "pick": {"case": "nothing"}});
    for (field, value, named, told) in [
        ("someTxet", json!("a"), "someTxet", "someText"),
        ("count", json!(-1), "count", "from 0 to 4294967295"),
        ("count", json!("7"), "count", "not text"),
        ("colour", json!("dark-gren"), "colour", "dark-green"),
        (
            "pick",
            json!({"case": "numbered"}),
            "pick.value",
            "whole number",
        ),
        (
            "pick",
            json!({"case": "named", "name": 1}),
            "pick.name",
            "text",
        ),
        ("pick", json!({"case": "nmaed"}), "pick.case", "named"),
        ("pick", json!("nothing"), "pick", "an object with `case`"),
        ("someText", json!("x".repeat(70_000)), "someText", "65536"),
    ] {
        let mut arguments = good.clone();
        arguments[field] = value;
        let failure = call(&harness, "echo", arguments)
            .await
            .unwrap()
            .unwrap_err();
        assert_eq!(failure["case"], "invalid-input");
        assert_eq!(failure["field"], named);
        assert!(failure.to_string().contains(told), "{failure}");
    }
    let failure = call(&harness, "echo", json!({"count": 1}))
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(
        (&failure["field"], &failure["reason"]),
        (&json!("someText"), &json!("is missing"))
    );
    let failure = call(&harness, "count-up", json!({"x": 1}))
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(failure["field"], "x");
}

#[tokio::test]
async fn a_failure_of_the_action_is_its_own_case() {
    let failure = call(&common::guest(""), "nothing_found", json!({}))
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(
        failure,
        json!({"case": "not-found", "reason": "nothing is here", "next": "look elsewhere"})
    );
}

#[tokio::test]
async fn every_call_has_a_fresh_instance() {
    let harness = common::guest("");
    for _ in 0..3 {
        assert_eq!(
            call(&harness, "count_up", Value::Null).await.unwrap(),
            Ok(json!(1))
        );
    }
}

#[tokio::test]
async fn endless_loop_ends_at_its_deadline() {
    let harness = common::guest("[limits]\ntime-ms = 100");
    let error = call(&harness, "spin", json!({})).await.unwrap_err();
    assert_eq!(error.code(), "deadline-exceeded");
    assert_eq!(
        call(&harness, "count_up", json!({})).await.unwrap(),
        Ok(json!(1))
    );
}

#[tokio::test]
async fn cpu_limit_stops_a_loop_before_its_deadline() {
    let harness = common::guest("[limits]\ntime-ms = 600000\ncpu-ms = 50");
    let error = call(&harness, "spin", json!({})).await.unwrap_err();
    assert_eq!(error.code(), "cpu-limit");
    assert_eq!(
        call(&harness, "count_up", json!({})).await.unwrap(),
        Ok(json!(1))
    );
}

#[tokio::test]
async fn loop_does_not_block_calls_on_its_thread() {
    let harness = common::guest("[limits]\ntime-ms = 600000\ncpu-ms = 600000");
    let counted = tokio::select! {
        biased;
        // It is asked first each time, and has to give way for the other to come to anything.
        looped = call(&harness, "spin", json!({})) => panic!("the loop ended: {looped:?}"),
        counted = call(&harness, "count_up", json!({})) => counted,
    };
    assert_eq!(counted.unwrap(), Ok(json!(1)));
}

#[tokio::test]
async fn caller_can_shorten_its_deadline_only() {
    let harness = common::guest("[limits]\ntime-ms = 150");
    for (asked, given) in [(50, 50), (60_000, 150)] {
        let invocation = Invocation {
            tool: "spin".into(),
            arguments: Value::Null,
            caller: Caller::default(),
            deadline: Some(Duration::from_millis(asked)),
        };
        match harness.call(invocation).await.unwrap_err() {
            CallError::Run(RunError::DeadlineExceeded { limit }) => {
                assert_eq!(limit, Duration::from_millis(given))
            }
            other => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn memory_limit_stops_an_allocation_bomb() {
    let harness = common::guest("[limits]\nmemory-mib = 8");
    let error = call(&harness, "grow", json!({})).await.unwrap_err();
    assert!(
        matches!(error, CallError::Run(RunError::MemoryLimit { mib: 8 })),
        "{error}"
    );
    assert_eq!(
        call(&harness, "count_up", json!({})).await.unwrap(),
        Ok(json!(1))
    );
}

#[tokio::test]
async fn trap_is_reported_and_the_host_goes_on() {
    let harness = common::guest("");
    assert_eq!(
        call(&harness, "broken", json!({}))
            .await
            .unwrap_err()
            .code(),
        "trapped"
    );
    assert_eq!(
        call(&harness, "count_up", json!({})).await.unwrap(),
        Ok(json!(1))
    );
}

#[tokio::test]
async fn many_calls_at_once_share_the_pool() {
    let harness = std::sync::Arc::new(common::guest(""));
    let calls: Vec<_> = (0..64)
        .map(|_| {
            let harness = harness.clone();
            tokio::spawn(async move { call(&harness, "count_up", json!({})).await.unwrap() })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), Ok(json!(1)));
    }
}

#[tokio::test]
async fn unknown_action_suggests_the_nearest_name() {
    let error = call(&common::guest(""), "guest_ehco", json!({}))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "unknown-action");
    assert!(error.to_string().contains("guest_echo"), "{error}");
}

#[tokio::test]
async fn unknown_time_zone_names_its_key() {
    let caller = Caller {
        time_zone: Some("Mars".into()),
        ..Caller::default()
    };
    let invocation = Invocation {
        tool: "count_up".into(),
        arguments: Value::Null,
        caller,
        deadline: None,
    };
    let error = common::guest("").call(invocation).await.unwrap_err();
    assert!(error.to_string().contains("time-zone"), "{error}");
}

#[test]
fn a_manifest_for_another_version_is_refused() {
    let manifest = || common::manifest("");
    let bytes = common::component(
        &common::WIT.replace("@0.1.0", "@0.2.0"),
        &common::WAT.replace("@0.1.0", "@0.2.0"),
        false,
    );
    let error = common::load(&bytes, manifest()).err().unwrap();
    assert!(
        matches!(error, StartError::Component(LoadError::Package { .. })),
        "{error}"
    );
    assert!(error.to_string().contains("0.2.0") && error.to_string().contains("0.1.0"));
}

#[test]
fn what_is_no_component_is_refused() {
    assert_eq!(
        common::load(b"\0asm", common::manifest(""))
            .err()
            .unwrap()
            .code(),
        "component-invalid"
    );
}
