//! Plans as they are kept: who may decide about one, until when, and when it is no longer what was proposed.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests may fail like tests"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crm_harness::Caller;
use crm_harness::plans::{PlanError, PlanState, StepState};
use crm_stand_in::Running;
use crm_stand_in::faults::{Fault, FaultKind};
use crm_stand_in::twenty::sample::{HEALTHY, SAM_EMAIL};
use crm_tests::{Differently, World, component, follow_up};
use serde_json::json;

/// A world whose plans are kept in a folder.
async fn kept_in(folder: &Path) -> World {
    World::with(Differently {
        data: Some(folder.to_owned()),
        ..Differently::default()
    })
    .await
}

/// The same so many minutes later, in another process.
async fn later(folder: &Path, twenty: &Arc<Running>, caller: &Caller, minutes: u64) -> World {
    let mut world = World::with(Differently {
        data: Some(folder.to_owned()),
        twenty: Some(Arc::clone(twenty)),
        later: Duration::from_secs(minutes * 60),
        ..Differently::default()
    })
    .await;
    world.caller = caller.clone();
    world
}

#[tokio::test]
async fn a_plan_that_was_changed_by_one_byte_is_not_sent() {
    let folder = tempfile::tempdir().unwrap();
    let world = kept_in(folder.path()).await;
    let plan = world.propose("crm_follow_up", follow_up("a")).await;
    let database = rusqlite::Connection::open(folder.path().join("plans.sqlite3")).unwrap();
    let changed = database
        .execute(
            "UPDATE plan SET bytes = CAST(replace(CAST(bytes AS TEXT), 'revised', 'reviled') AS BLOB)",
            [],
        )
        .unwrap();
    assert_eq!(changed, 1);
    world.twenty.requests().clear();
    let error = world.approve(&plan).await.unwrap_err();
    assert!(matches!(error, PlanError::Altered), "{error}");
    assert_eq!(world.twenty.requests().count(), 0);
}

#[tokio::test]
async fn a_plan_that_waited_too_long_expires_and_calling_again_opens_it_anew() {
    let folder = tempfile::tempdir().unwrap();
    let world = kept_in(folder.path()).await;
    let plan = world.propose("crm_follow_up", follow_up("a")).await;
    let (twenty, caller) = (Arc::clone(&world.twenty), world.caller.clone());
    drop(world);
    let later = later(folder.path(), &twenty, &caller, 16).await;
    let error = later.approve(&plan).await.unwrap_err();
    assert!(matches!(error, PlanError::Expired), "{error}");
    let again = later.propose("crm_follow_up", follow_up("a")).await;
    assert_eq!(again, plan);
    assert_eq!(later.approve(&plan).await.unwrap().state, PlanState::Done);
}

#[tokio::test]
async fn a_plan_that_is_proposed_again_while_it_waits_has_its_whole_time_again() {
    let folder = tempfile::tempdir().unwrap();
    let world = kept_in(folder.path()).await;
    let plan = world.propose("crm_follow_up", follow_up("a")).await;
    let (twenty, caller) = (Arc::clone(&world.twenty), world.caller.clone());
    drop(world);
    let again = later(folder.path(), &twenty, &caller, 14).await;
    assert_eq!(again.propose("crm_follow_up", follow_up("a")).await, plan);
    drop(again);
    let much_later = later(folder.path(), &twenty, &caller, 28).await;
    let done = much_later.approve(&plan).await.unwrap();
    assert_eq!(done.state, PlanState::Done);
}

#[tokio::test]
async fn a_plan_of_another_component_is_refused_unless_it_is_resumed_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    let data = || Some(folder.path().to_owned());
    // The same code in other bytes: one more section.
    let mut other = component();
    other.extend_from_slice(&[0, 5, 4, b'n', b'o', b't', b'e']);
    let before = World::with(Differently {
        data: data(),
        component: Some(other),
        ..Differently::default()
    })
    .await;
    let plan = before.propose("crm_follow_up", follow_up("a")).await;
    let (twenty, caller) = (Arc::clone(&before.twenty), before.caller.clone());
    drop(before);
    let world = World::with(Differently {
        data: data(),
        twenty: Some(twenty),
        ..Differently::default()
    })
    .await;
    let error = world.approve(&plan).await.unwrap_err();
    assert!(matches!(error, PlanError::OtherComponent), "{error}");
    let error = world
        .harness
        .plans()
        .resume(&plan, &caller, true)
        .await
        .unwrap_err();
    assert!(matches!(error, PlanError::NotApproved(_)), "{error}");
    let outcome = world
        .harness
        .plans()
        .approve(&plan, &caller, true)
        .await
        .unwrap();
    assert_eq!(outcome.state, PlanState::Done);
}

#[tokio::test]
async fn only_who_may_decide_about_a_plan_does() {
    let mut world = World::new().await;
    let plan = world.propose("crm_follow_up", follow_up("a")).await;
    let robin = world.caller.clone();
    world.caller.email = Some(SAM_EMAIL.to_owned());
    let error = world.approve(&plan).await.unwrap_err();
    assert!(matches!(error, PlanError::Access { .. }), "{error}");
    let error = world
        .harness
        .plans()
        .deny(&plan, &world.caller)
        .await
        .unwrap_err();
    assert!(matches!(error, PlanError::Access { .. }), "{error}");
    assert_eq!(
        world
            .harness
            .plans()
            .deny(&plan, &robin)
            .await
            .unwrap()
            .state,
        PlanState::Denied
    );
    world.caller = robin;
    let error = world.approve(&plan).await.unwrap_err();
    assert!(matches!(error, PlanError::Denied), "{error}");
    // Asking again opens it anew.
    assert_eq!(
        world.ok("crm_follow_up", follow_up("a")).await["state"],
        "waiting"
    );
}

#[tokio::test]
async fn a_plan_goes_to_the_service_that_it_was_made_for_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let world = kept_in(folder.path()).await;
    let plan = world.propose("crm_follow_up", follow_up("a")).await;
    let elsewhere = kept_in(folder.path()).await;
    let error = elsewhere.approve(&plan).await.unwrap_err();
    assert!(matches!(error, PlanError::Moved { .. }), "{error}");
    assert_eq!(elsewhere.twenty.requests().count(), 0);
}

#[tokio::test]
async fn a_plan_that_was_begun_can_be_closed_by_a_person() {
    let world = World::new().await;
    let plan = world.propose("crm_follow_up", follow_up("a")).await;
    let down = Fault {
        times: None,
        ..Fault::once(FaultKind::Status { code: 500 }).on_root("createTaskTargets")
    };
    world.twenty.faults().add(down);
    let outcome = world.approve(&plan).await.unwrap();
    assert_eq!(outcome.state, PlanState::Stopped, "{outcome:#?}");
    let outcome = world
        .harness
        .plans()
        .deny(&plan, &world.caller)
        .await
        .unwrap();
    assert_eq!(outcome.state, PlanState::Denied);
    assert_eq!(outcome.steps[0].state, StepState::Done);
    let error = world.resume(&plan).await.unwrap_err();
    assert!(matches!(error, PlanError::Denied), "{error}");
    world.twenty.faults().clear();
    // Asked for again and approved again, it goes on from there.
    let again = world.propose("crm_follow_up", follow_up("a")).await;
    assert_eq!(again, plan);
    assert_eq!(world.approve(&plan).await.unwrap().state, PlanState::Done);
    let error = world
        .harness
        .plans()
        .deny(&plan, &world.caller)
        .await
        .unwrap_err();
    assert!(matches!(error, PlanError::Over(PlanState::Done)), "{error}");
}

#[tokio::test]
async fn what_was_approved_and_not_begun_in_time_is_not_begun_later() {
    let folder = tempfile::tempdir().unwrap();
    let world = kept_in(folder.path()).await;
    let plan = world.propose("crm_follow_up", follow_up("a")).await;
    let limited = Fault {
        times: None,
        ..Fault::once(FaultKind::TooManyRequests {
            retry_after_seconds: None,
        })
    };
    world.twenty.faults().add(limited);
    assert_eq!(
        world.approve(&plan).await.unwrap().state,
        PlanState::Stopped
    );
    let (twenty, caller) = (Arc::clone(&world.twenty), world.caller.clone());
    drop(world);
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

/// The owner of a record may change between the proposal and the day on which a stopped plan goes on.
#[tokio::test]
async fn resume_observes_owners_again() {
    let mut world = World::with(Differently {
        operator: Some(
            "allow-loopback = true\n[callers.robin]\nemail = \"robin@example.com\"\nrole = \"member\"\nteams = [\"north\"]\n\
             [callers.priya]\nemail = \"priya@example.com\"\nrole = \"member\"\nteams = [\"south\"]\n\
             [callers.kim]\nemail = \"kim@example.com\"\nrole = \"lead\"\nteams = [\"north\", \"south\"]",
        ),
        ..Differently::default()
    })
    .await;
    let robin = world.harness.setup().callers["robin"].clone();
    world.caller = robin.clone();
    let plan = world.propose("crm_follow_up", follow_up("a")).await;
    let limit = Fault {
        times: None,
        ..Fault::once(FaultKind::LimitReached { only: None })
    };
    world
        .twenty
        .faults()
        .add(limit.on_root("createTaskTargets"));
    let outcome = world.approve(&plan).await.unwrap();
    assert_eq!(outcome.state, PlanState::Stopped, "{outcome:#?}");
    world.twenty.faults().clear();
    // Somebody gives the deal to another team.
    world.caller = world.harness.setup().callers["kim"].clone();
    let given =
        json!({"kind": "opportunity", "id": HEALTHY.to_string(), "owner": "priya@example.com"});
    let other = world.propose("crm_upsert", given).await;
    let outcome = world.approve(&other).await.unwrap();
    assert_eq!(outcome.state, PlanState::Done, "{outcome:#?}");
    world.caller = robin;
    let links = world.twenty.count("taskTarget").live;
    // Whoever takes it up again, by whatever word.
    let outcome = world.approve(&plan).await.unwrap();
    assert_eq!(outcome.state, PlanState::Failed, "{outcome:#?}");
    let detail = outcome.steps[1].detail.as_deref().unwrap_or_default();
    assert!(detail.contains("no policy"), "{outcome:#?}");
    assert_eq!(world.twenty.count("taskTarget").live, links);
}
