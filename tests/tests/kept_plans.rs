//! Plans as they are kept: who may decide about one, until when, and when it is no longer what was
//! proposed.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crm_harness::Caller;
use crm_harness::plans::{PlanError, PlanState, StepState};
use crm_stand_in::Running;
use crm_stand_in::faults::{Fault, FaultKind};
use crm_stand_in::twenty::sample::{HEALTHY, SAM_EMAIL};
use crm_tests::{TestEnv, TestOptions, component, follow_up};
use serde_json::json;

/// An environment whose plans are kept in a folder.
async fn kept_in(folder: &Path) -> TestEnv {
    TestEnv::with(TestOptions {
        data: Some(folder.to_owned()),
        ..TestOptions::default()
    })
    .await
}

/// The same so many minutes later, in another process.
async fn later(folder: &Path, twenty: &Arc<Running>, caller: &Caller, minutes: u64) -> TestEnv {
    let mut env = TestEnv::with(TestOptions {
        data: Some(folder.to_owned()),
        twenty: Some(Arc::clone(twenty)),
        later: Duration::from_secs(minutes * 60),
        ..TestOptions::default()
    })
    .await;
    env.caller = caller.clone();
    env
}

#[tokio::test]
async fn tampered_plan_is_not_sent() {
    let folder = tempfile::tempdir().unwrap();
    let env = kept_in(folder.path()).await;
    let plan = env.propose("crm_follow_up", follow_up("a")).await;
    let database = rusqlite::Connection::open(folder.path().join("plans.sqlite3")).unwrap();
    let changed = database
        .execute(
            "UPDATE plan SET bytes = CAST(replace(CAST(bytes AS TEXT), 'revised', 'reviled') AS BLOB)",
            [],
        )
        .unwrap();
    assert_eq!(changed, 1);
    env.twenty.requests().clear();
    let error = env.approve(&plan).await.unwrap_err();
    assert!(matches!(error, PlanError::Altered), "{error}");
    assert_eq!(env.twenty.requests().count(), 0);
}

#[tokio::test]
async fn expired_plan_can_be_proposed_again() {
    let folder = tempfile::tempdir().unwrap();
    let env = kept_in(folder.path()).await;
    let plan = env.propose("crm_follow_up", follow_up("a")).await;
    let (twenty, caller) = (Arc::clone(&env.twenty), env.caller.clone());
    drop(env);
    let later = later(folder.path(), &twenty, &caller, 16).await;
    let error = later.approve(&plan).await.unwrap_err();
    assert!(matches!(error, PlanError::Expired), "{error}");
    let again = later.propose("crm_follow_up", follow_up("a")).await;
    assert_eq!(again, plan);
    assert_eq!(later.approve(&plan).await.unwrap().state, PlanState::Done);
}

#[tokio::test]
async fn proposing_again_renews_the_expiry() {
    let folder = tempfile::tempdir().unwrap();
    let env = kept_in(folder.path()).await;
    let plan = env.propose("crm_follow_up", follow_up("a")).await;
    let (twenty, caller) = (Arc::clone(&env.twenty), env.caller.clone());
    drop(env);
    let again = later(folder.path(), &twenty, &caller, 14).await;
    assert_eq!(again.propose("crm_follow_up", follow_up("a")).await, plan);
    drop(again);
    let much_later = later(folder.path(), &twenty, &caller, 28).await;
    let done = much_later.approve(&plan).await.unwrap();
    assert_eq!(done.state, PlanState::Done);
}

#[tokio::test]
async fn plan_of_another_component_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let data = || Some(folder.path().to_owned());
    // The same code in other bytes: one more section.
    let mut other = component();
    other.extend_from_slice(&[0, 5, 4, b'n', b'o', b't', b'e']);
    let before = TestEnv::with(TestOptions {
        data: data(),
        component: Some(other),
        ..TestOptions::default()
    })
    .await;
    let plan = before.propose("crm_follow_up", follow_up("a")).await;
    let (twenty, caller) = (Arc::clone(&before.twenty), before.caller.clone());
    drop(before);
    let env = TestEnv::with(TestOptions {
        data: data(),
        twenty: Some(twenty),
        ..TestOptions::default()
    })
    .await;
    let error = env.approve(&plan).await.unwrap_err();
    assert!(matches!(error, PlanError::OtherComponent), "{error}");
    let error = env
        .harness
        .plans()
        .resume(&plan, &caller, true)
        .await
        .unwrap_err();
    assert!(matches!(error, PlanError::NotApproved(_)), "{error}");
    let outcome = env
        .harness
        .plans()
        .approve(&plan, &caller, true)
        .await
        .unwrap();
    assert_eq!(outcome.state, PlanState::Done);
}

#[tokio::test]
async fn only_who_may_decide_about_a_plan_does() {
    let mut env = TestEnv::new().await;
    let plan = env.propose("crm_follow_up", follow_up("a")).await;
    let robin = env.caller.clone();
    env.caller.email = Some(SAM_EMAIL.to_owned());
    let error = env.approve(&plan).await.unwrap_err();
    assert!(matches!(error, PlanError::Access { .. }), "{error}");
    let error = env
        .harness
        .plans()
        .deny(&plan, &env.caller, None)
        .await
        .unwrap_err();
    assert!(matches!(error, PlanError::Access { .. }), "{error}");
    let error = env.harness.plans().editable(&plan, &env.caller);
    assert!(matches!(error, Err(PlanError::Access { .. })), "{error:?}");
    let editable = env.harness.plans().editable(&plan, &robin).unwrap();
    assert_eq!(editable.arguments, follow_up("a"));
    assert_eq!(
        env.harness
            .plans()
            .deny(&plan, &robin, None)
            .await
            .unwrap()
            .state,
        PlanState::Denied
    );
    env.caller = robin;
    let error = env.approve(&plan).await.unwrap_err();
    assert!(matches!(error, PlanError::Denied), "{error}");
    // Asking again opens it anew.
    assert_eq!(
        env.ok("crm_follow_up", follow_up("a")).await["state"],
        "waiting"
    );
}

#[tokio::test]
async fn plan_is_edited_once_and_only_unsent() {
    let folder = tempfile::tempdir().unwrap();
    let env = kept_in(folder.path()).await;
    let plans = env.harness.plans();
    let digest = |name: &str| plans.get(name).unwrap().0.plan;
    let first = env.propose("crm_follow_up", follow_up("a")).await;
    let opened = plans.editable(&first, &env.caller).unwrap();
    let also_opened = plans.editable(&first, &env.caller).unwrap();
    assert!(!opened.of_another);
    let second = env.propose("crm_follow_up", follow_up("b")).await;
    let third = env.propose("crm_follow_up", follow_up("c")).await;
    let done = plans.replace(&opened, &digest(&second), &env.caller).await;
    done.unwrap();
    assert_eq!(plans.get(&second).unwrap().0.replaces, Some(digest(&first)));
    // Somebody who had opened it before comes too late.
    let other = digest(&third);
    let late = plans.replace(&also_opened, &other, &env.caller).await;
    let late = late.unwrap_err();
    assert!(matches!(late, PlanError::Replaced(_)), "{late}");
    // Proposed again by itself, a plan replaces nothing.
    plans.deny(&second, &env.caller, None).await.unwrap();
    env.propose("crm_follow_up", follow_up("b")).await;
    assert_eq!(plans.get(&second).unwrap().0.replaces, None);

    // One that has expired meanwhile is over as well.
    let opened = plans.editable(&third, &env.caller).unwrap();
    let (twenty, caller) = (Arc::clone(&env.twenty), env.caller.clone());
    let later = later(folder.path(), &twenty, &caller, 16).await;
    let fourth = later.propose("crm_follow_up", follow_up("d")).await;
    let fourth = later.harness.plans().get(&fourth).unwrap().0.plan;
    let replaced = later.harness.plans().replace(&opened, &fourth, &caller);
    replaced.await.unwrap();
    let (_, outcome) = later.harness.plans().get(&third).unwrap();
    assert_eq!(outcome.state, PlanState::Denied);
    assert!(outcome.next.contains("Do not propose it again"));

    // Of one that was begun and denied, something is done already.
    let down = Fault {
        times: None,
        ..Fault::once(FaultKind::Status { code: 500 }).on_root("createTaskTargets")
    };
    env.twenty.faults().add(down);
    let begun = later.propose("crm_follow_up", follow_up("e")).await;
    let plans = later.harness.plans();
    assert_eq!(
        later.approve(&begun).await.unwrap().state,
        PlanState::Stopped
    );
    plans.deny(&begun, &caller, None).await.unwrap();
    let error = plans.editable(&begun, &caller).unwrap_err();
    assert!(matches!(error, PlanError::Begun), "{error}");
}

#[tokio::test]
async fn plan_is_bound_to_its_service() {
    let folder = tempfile::tempdir().unwrap();
    let env = kept_in(folder.path()).await;
    let plan = env.propose("crm_follow_up", follow_up("a")).await;
    let elsewhere = kept_in(folder.path()).await;
    let error = elsewhere.approve(&plan).await.unwrap_err();
    assert!(matches!(error, PlanError::Moved { .. }), "{error}");
    assert_eq!(elsewhere.twenty.requests().count(), 0);
}

#[tokio::test]
async fn begun_plan_can_be_closed() {
    let env = TestEnv::new().await;
    let plan = env.propose("crm_follow_up", follow_up("a")).await;
    let down = Fault {
        times: None,
        ..Fault::once(FaultKind::Status { code: 500 }).on_root("createTaskTargets")
    };
    env.twenty.faults().add(down);
    let outcome = env.approve(&plan).await.unwrap();
    assert_eq!(outcome.state, PlanState::Stopped, "{outcome:#?}");
    let outcome = env
        .harness
        .plans()
        .deny(&plan, &env.caller, None)
        .await
        .unwrap();
    assert_eq!(outcome.state, PlanState::Denied);
    assert_eq!(outcome.steps[0].state, StepState::Done);
    let error = env.resume(&plan).await.unwrap_err();
    assert!(matches!(error, PlanError::Denied), "{error}");
    env.twenty.faults().clear();
    // Asked for again and approved again, it goes on from there.
    let again = env.propose("crm_follow_up", follow_up("a")).await;
    assert_eq!(again, plan);
    assert_eq!(env.approve(&plan).await.unwrap().state, PlanState::Done);
    let error = env
        .harness
        .plans()
        .deny(&plan, &env.caller, None)
        .await
        .unwrap_err();
    assert!(matches!(error, PlanError::Over(PlanState::Done)), "{error}");
}

#[tokio::test]
async fn approval_expires_before_it_is_begun() {
    let folder = tempfile::tempdir().unwrap();
    let env = kept_in(folder.path()).await;
    let plan = env.propose("crm_follow_up", follow_up("a")).await;
    let limited = Fault {
        times: None,
        ..Fault::once(FaultKind::TooManyRequests {
            retry_after_seconds: None,
        })
    };
    env.twenty.faults().add(limited);
    assert_eq!(env.approve(&plan).await.unwrap().state, PlanState::Stopped);
    let (twenty, caller) = (Arc::clone(&env.twenty), env.caller.clone());
    drop(env);
    twenty.faults().clear();
    let later = later(folder.path(), &twenty, &caller, 16).await;
    let error = later
        .harness
        .plans()
        .resume(&plan, &caller, false)
        .await
        .unwrap_err();
    assert!(matches!(error, PlanError::Expired), "{error}");
    let again = later.propose("crm_follow_up", follow_up("a")).await;
    assert_eq!(later.approve(&again).await.unwrap().state, PlanState::Done);
}

/// The owner of a record may change between the proposal and the day on which a stopped plan goes
/// on.
#[tokio::test]
async fn resume_observes_owners_again() {
    let mut env = TestEnv::with(TestOptions {
        operator: Some(
            "allow-loopback = true\n[callers.robin]\nemail = \"robin@example.com\"\nrole = \"member\"\nteams = [\"north\"]\n\
             [callers.priya]\nemail = \"priya@example.com\"\nrole = \"member\"\nteams = [\"south\"]\n\
             [callers.kim]\nemail = \"kim@example.com\"\nrole = \"lead\"\nteams = [\"north\", \"south\"]",
        ),
        ..TestOptions::default()
    })
    .await;
    let robin = env.harness.setup().callers["robin"].clone();
    env.caller = robin.clone();
    let plan = env.propose("crm_follow_up", follow_up("a")).await;
    let limit = Fault {
        times: None,
        ..Fault::once(FaultKind::LimitReached { only: None })
    };
    env.twenty.faults().add(limit.on_root("createTaskTargets"));
    let outcome = env.approve(&plan).await.unwrap();
    assert_eq!(outcome.state, PlanState::Stopped, "{outcome:#?}");
    env.twenty.faults().clear();
    // Somebody gives the deal to another team.
    env.caller = env.harness.setup().callers["kim"].clone();
    let given =
        json!({"kind": "opportunity", "id": HEALTHY.to_string(), "owner": "priya@example.com"});
    let other = env.propose("crm_upsert", given).await;
    let outcome = env.approve(&other).await.unwrap();
    assert_eq!(outcome.state, PlanState::Done, "{outcome:#?}");
    env.caller = robin;
    let links = env.twenty.count("taskTarget").live;
    // Whoever takes it up again, by whatever word.
    let outcome = env.approve(&plan).await.unwrap();
    assert_eq!(outcome.state, PlanState::Failed, "{outcome:#?}");
    let detail = outcome.steps[1].detail.as_deref().unwrap_or_default();
    assert!(detail.contains("no policy"), "{outcome:#?}");
    assert_eq!(env.twenty.count("taskTarget").live, links);
}
