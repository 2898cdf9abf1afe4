//! The state of the relay and of PA Workspace in `crm_status`.

mod common;
mod relay;

use common::{Crm, FixedSettings};
use crm_skill::actions::status::status;
use crm_skill::bindings::exports::claw::crm::read::DestinationStatus;
use relay::*;
use serde_json::{Value, json};

fn services() -> Services {
    let refused = json!({ "data": null, "errors": [{ "message": "no", "extensions": { "code": "UNAUTHENTICATED" } }] }).to_string();
    Services::beside(
        Crm::default()
            .says("access", 200, &refused)
            .says("metadata", 200, &refused),
    )
}

fn of(services: &Services, settings: &FixedSettings, name: &str) -> DestinationStatus {
    let report = services.run(settings, status).unwrap();
    let names: Vec<&str> = report
        .destinations
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    assert_eq!(names, ["twenty", "tezit", "workspace"]);
    report
        .destinations
        .into_iter()
        .find(|one| one.name == name)
        .unwrap()
}

/// A state in short: configured, reachable, credential, whether its time is told.
fn short(state: &DestinationStatus) -> (bool, bool, Option<bool>, bool) {
    (
        state.configured,
        state.reachable,
        state.credential_accepted,
        state.latency_ms.is_some(),
    )
}

fn unread() -> Value {
    json!({ "teams": [], "conversations": [], "total": 0 })
}

#[test]
fn relay_problem_names_the_next_step() {
    let team = format!("/teams/{TEAM}/members");
    let elsewhere = || all_but(&["workspace.base-url"]);
    for (status, body, expected, has) in [
        (
            200,
            json!({ "data": unread() }).to_string(),
            (true, true, Some(true), true),
            "",
        ),
        (
            401,
            refusal("INVALID_TOKEN", "Token verification failed"),
            (true, true, Some(false), true),
            "renew TEZIT_TOKEN",
        ),
        (
            429,
            refusal("RATE_LIMITED", "Too many requests"),
            (true, true, Some(true), true),
            "60 seconds",
        ),
        (
            302,
            String::new(),
            (true, false, None, false),
            "TEZIT_RELAY_URL",
        ),
        (
            502,
            "<html>".to_owned(),
            (true, false, None, false),
            "again",
        ),
        (
            200,
            "<html>".to_owned(),
            (true, false, None, false),
            "address",
        ),
    ] {
        let services = services()
            .says("/unread", status, &body)
            .answers(&team, members(&[MIA, NOOR]));
        let state = of(&services, &elsewhere(), "tezit");
        assert_eq!(short(&state), expected, "{status} {body}");
        assert!(state.problem.unwrap_or_default().contains(has), "{has}");
    }
    let services = services().breaks("/unread").breaks(&team);
    assert_eq!(
        short(&of(&services, &elsewhere(), "tezit")),
        (true, false, None, false)
    );
}

#[test]
fn a_team_that_the_caller_is_not_in_is_a_problem() {
    let team = format!("/teams/{TEAM}/members");
    let unset = || all_but(&["workspace.base-url"]);
    let asked = |status: u16, body: &str| {
        services()
            .answers("/unread", unread())
            .says(&team, status, body)
    };
    let list = |ids: &[&str]| json!({ "data": members(ids) }).to_string();
    for (services, settings, has) in [
        (asked(200, &list(&[MIA])), unset(), None),
        (asked(200, &list(&[NOOR])), unset(), Some("TEZIT_USER_ID")),
        (
            asked(200, &list(&[NOOR])),
            all_but(&["workspace.base-url", "caller.relay-user"]),
            None,
        ),
        (
            asked(403, &refusal("FORBIDDEN", "Not a member of this team")),
            unset(),
            Some("TEZIT_TEAM_ID"),
        ),
        (
            asked(200, ""),
            all_but(&["workspace.base-url", "tezit.team-id"]),
            Some("TEZIT_TEAM_ID"),
        ),
    ] {
        let state = of(&services, &settings, "tezit");
        assert_eq!(short(&state), (true, true, Some(true), true));
        assert_eq!(state.problem.is_some(), has.is_some(), "{state:?}");
        assert!(
            state
                .problem
                .unwrap_or_default()
                .contains(has.unwrap_or_default())
        );
    }
}

#[test]
fn workspace_problem_names_the_next_step() {
    let up = r#"{"status":"ok","service":"pa-workspace","checks":{"database":"ok"}}"#;
    let (good, none) = ((true, true, Some(true), true), (true, false, None, false));
    for (health, status, body, expected, has) in [
        (
            (200, up),
            200,
            json!({ "data": [], "meta": { "total": 0 } }).to_string(),
            good,
            "",
        ),
        (
            (200, up),
            401,
            refusal("AUTHENTICATION_REQUIRED", "Bearer token required"),
            (true, true, Some(false), true),
            "PA_WORKSPACE_SERVICE_TOKEN",
        ),
        (
            (200, up),
            403,
            refusal("FORBIDDEN", "You can only access your own PA"),
            good,
            "PA_EMAIL",
        ),
        (
            (200, up),
            404,
            refusal("NOT_FOUND", "PA not found"),
            good,
            "PA_EMAIL",
        ),
        (
            (200, up),
            500,
            "<html>".to_owned(),
            (true, true, None, true),
            "again",
        ),
        (
            (503, r#"{"status":"error"}"#),
            200,
            "{\"data\":[]}".to_owned(),
            none,
            "again",
        ),
        (
            (200, "<html>"),
            200,
            "{\"data\":[]}".to_owned(),
            none,
            "address",
        ),
    ] {
        let services = services().says("/health/ready", health.0, health.1).says(
            "/api/calendar/timesheet",
            status,
            &body,
        );
        let state = of(&services, &all_but(&["tezit.base-url"]), "workspace");
        assert_eq!(short(&state), expected, "{health:?} {status}");
        assert!(state.problem.unwrap_or_default().contains(has), "{has}");
        assert_eq!(
            services.asked()[1],
            "/api/calendar/timesheet?paEmail=mia.pa%40example.com&from=2026-03-11T12%3A00%3A00Z"
        );
    }
    let services = services().says("/health/ready", 200, up);
    let state = of(
        &services,
        &all_but(&["tezit.base-url", "caller.pa-email"]),
        "workspace",
    );
    assert_eq!(short(&state), (true, true, None, true));
    assert!(state.problem.unwrap().contains("PA_EMAIL"));
}

#[test]
fn unset_service_names_its_variable() {
    let services = services();
    let settings = all_but(&["tezit.base-url", "workspace.base-url"]);
    for (name, variable) in [
        ("tezit", "TEZIT_RELAY_URL"),
        ("workspace", "PA_WORKSPACE_API_URL"),
    ] {
        let state = of(&services, &settings, name);
        assert_eq!(short(&state), (false, false, None, false));
        assert!(state.problem.unwrap().contains(variable));
    }
    assert!(services.asked().is_empty());
    let report = services.run(&settings, status).unwrap();
    assert!(
        report.markdown.contains("**tezit** not set up\n"),
        "{}",
        report.markdown
    );
}
