//! The relay's client: what it asks, what it makes of both relays' answers, and of answers that are
//! none.

mod common;
mod relay;

use crm_skill::failure::Failure;
use crm_skill::tezit::{self, ContextLayer};
use crm_skill::transport::TransportError;
use crm_skill::workspace;
use relay::*;
use serde_json::{Value, json};

/// Returns the failure that `GET /tez/ID` makes of an answer.
fn told(status: u16, body: &str) -> String {
    let id = tez_id(1);
    let services = Services::default().says(&format!("/tez/{id}"), status, body);
    match services.run(&all_set(), |ctx| tezit::tez(ctx, &id)) {
        Ok(_) => "ok".to_owned(),
        Err(failure) => shown(&failure),
    }
}

#[test]
fn an_error_tells_what_it_is_and_what_to_do() {
    let zod = r#"[{"code":"invalid_enum_value","path":["context",0,"layer"],"message":"Invalid enum value."},{"path":["x"],"message":"Required"}]"#;
    let html = "<!DOCTYPE html>\n<html><pre>PayloadTooLargeError: request entity too large<br> at readStream</pre></html>";
    for (status, body, expected, next) in [
        (
            401,
            refusal("INVALID_TOKEN", "Token verification failed"),
            "unauthenticated: The Tezit relay did not accept the token (HTTP 401): Token verification failed.",
            "TEZIT_TOKEN",
        ),
        (
            401,
            html.to_owned(),
            "unauthenticated: The Tezit relay did not accept the token (HTTP 401).",
            "renew",
        ),
        (
            403,
            refusal("FORBIDDEN", "Access denied"),
            "denied permission: The Tezit relay does not permit this (HTTP 403): Access denied.",
            "TEZIT_TEAM_ID",
        ),
        (
            404,
            refusal("NOT_FOUND", "Tez not found"),
            "not-found: The Tezit relay knows no such thing: Tez not found.",
            "id",
        ),
        (
            404,
            refusal("NOT_FOUND", "Route not found"),
            "unavailable sent=true: The Tezit relay refused the request (HTTP 404): Route not found.",
            "TEZIT_RELAY_URL",
        ),
        (
            404,
            html.to_owned(),
            "unavailable sent=true: The Tezit relay refused the request (HTTP 404).",
            "TEZIT_RELAY_URL",
        ),
        (
            429,
            refusal("RATE_LIMITED", "Too many requests, please try again later"),
            "rate-limited 60: The Tezit relay takes no more requests",
            "60 seconds",
        ),
        (
            429,
            String::new(),
            "rate-limited 60: The Tezit relay takes no more requests for now (HTTP 429).",
            "60 seconds",
        ),
        (
            400,
            refusal("VALIDATION_ERROR", zod),
            "schema-mismatch context[0].layer: The Tezit relay: \"context[0].layer\" was not taken (HTTP 400): Invalid enum value.",
            "version",
        ),
        (
            400,
            refusal("MISSING_TEAM", "teamId query param required"),
            "schema-mismatch request: The Tezit relay: \"request\" was not taken (HTTP 400): teamId query param required.",
            "version",
        ),
        (
            400,
            refusal("VALIDATION_ERROR", "[]"),
            "schema-mismatch request: ",
            "version",
        ),
        (
            400,
            html.to_owned(),
            "unavailable sent=true: The Tezit relay refused the request (HTTP 400).",
            "TEZIT_RELAY_URL",
        ),
        (
            413,
            html.to_owned(),
            "invalid-input request: it is larger than the Tezit relay takes (HTTP 413)",
            "fewer",
        ),
        (
            500,
            refusal("INTERNAL_ERROR", "Failed to share Tez"),
            "unavailable sent=true: The Tezit relay failed (HTTP 500): Failed to share Tez.",
            "again",
        ),
        (
            502,
            html.to_owned(),
            "unavailable sent=true: The Tezit relay failed (HTTP 502).",
            "again",
        ),
        (
            302,
            String::new(),
            "unavailable sent=true: The Tezit relay answered with a redirect (HTTP 302), which is never followed.",
            "TEZIT_RELAY_URL",
        ),
        (
            200,
            html.to_owned(),
            "unavailable sent=true: Something answered with a web page instead of data.",
            "address",
        ),
        (
            200,
            String::new(),
            "unavailable sent=true: The Tezit relay's answer is empty.",
            "again",
        ),
        (
            200,
            "{\"data\":".to_owned(),
            "unavailable sent=true: The Tezit relay's answer is broken off",
            "again",
        ),
        (
            200,
            "{\"data\":null}".to_owned(),
            "unavailable sent=true: The Tezit relay's answer is broken off",
            "again",
        ),
        (
            200,
            "7".to_owned(),
            "unavailable sent=true: The Tezit relay's answer is no data.",
            "address",
        ),
    ] {
        let told = told(status, &body);
        assert!(told.starts_with(expected), "{status} {body}: {told}");
        assert!(
            told.split(" -> ").nth(1).unwrap().contains(next),
            "{next}: {told}"
        );
        assert!(!told.contains("readStream"), "{told}");
    }
}

#[test]
fn words_of_an_error_are_cleaned_and_cut() {
    let told = told(
        403,
        &refusal("FORBIDDEN", &format!("no\u{202e}\n{}", "x".repeat(900))),
    );
    assert!(
        told.contains("no xxx") && told.chars().count() < 500,
        "{told}"
    );
}

#[test]
fn no_answer_is_told_from_a_refusal_of_the_gate() {
    let id = tez_id(1);
    let path = format!("/tez/{id}");
    for (error, expected) in [
        (TransportError::Refused, "denied outbound"),
        (
            TransportError::TooLarge,
            "unavailable sent=true: The Tezit relay's answer is larger",
        ),
        (
            TransportError::Unreachable {
                request_sent: false,
                reason: "nothing listens".to_owned(),
            },
            "unavailable sent=false: The Tezit relay could not be reached: nothing listens.",
        ),
    ] {
        let services = Services::default().with(&path, Err(error));
        let failure = services
            .run(&all_set(), |ctx| tezit::tez(ctx, &id))
            .unwrap_err();
        assert!(shown(&failure).starts_with(expected), "{failure:?}");
    }
}

/// A message as both relays answer it.
fn whole() -> Value {
    let mut tez = row(
        1,
        NOOR,
        "question",
        "Who\u{200b} calls\u{7}?",
        "2026-03-10T09:00:00.123Z",
    );
    tez["context"] = json!([
        { "id": tez_id(9), "tezId": tez_id(1), "layer": "constraint", "content": "{\"kind\":\"context.\u{2066}request\"}", "mimeType": "application/json", "confidence": null, "source": null },
    ]);
    tez["recipients"] = json!([{ "tezId": tez_id(1), "userId": MIA, "readAt": null }]);
    tez
}

#[test]
fn message_is_read_with_cleaned_context() {
    let id = tez_id(1);
    let services = Services::default().answers(&format!("/tez/{id}"), whole());
    let tez = services
        .run(&all_set(), |ctx| tezit::tez(ctx, &id))
        .unwrap();
    assert_eq!(tez.surface_text.as_str(), "Who calls?");
    assert_eq!((tez.kind.as_str(), tez.sender.as_str()), ("question", NOOR));
    assert_eq!(
        (tez.team_id.as_deref(), tez.conversation_id),
        (Some(TEAM), None)
    );
    assert_eq!((tez.thread_id, tez.parent_tez_id), (Some(id.clone()), None));
    assert_eq!(tez.created_at.to_string(), "2026-03-10T09:00:00.123Z");
    let layer = ContextLayer {
        layer: "constraint".to_owned(),
        content: "{\"kind\":\"context.request\"}".to_owned(),
    };
    assert_eq!(tez.context, [layer]);
    assert_eq!(tez.recipients, [MIA]);
    assert_eq!(services.asked(), [format!("/tez/{id}")]);
}

#[test]
fn unexpected_shape_is_named_by_its_place() {
    for (change, field) in [
        (
            (|tez: &mut Value| tez["id"] = json!("../unread")) as fn(&mut Value),
            "id",
        ),
        (|tez| tez["createdAt"] = json!("yesterday"), "createdAt"),
        (|tez| tez["surfaceText"] = Value::Null, "surfaceText"),
        (|tez| tez["type"] = json!(7), "type"),
        (|tez| tez["threadId"] = json!([]), "threadId"),
        (|tez| tez["context"] = json!({}), "context"),
        (
            |tez| tez["context"][0]["content"] = json!({}),
            "context[0].content",
        ),
        (
            |tez| tez["recipients"] = json!([MIA]),
            "recipients[0].userId",
        ),
    ] {
        let mut tez = whole();
        change(&mut tez);
        let told = told(200, &json!({ "data": tez }).to_string());
        assert!(
            told.starts_with(&format!("schema-mismatch {field}: ")),
            "{field}: {told}"
        );
        assert!(!told.contains("crm_status"), "{told}");
    }
}

#[test]
fn what_is_no_id_is_never_asked_for() {
    for id in [
        "",
        "..",
        "a/b",
        "a?b",
        "stream?teamId=x",
        "ada@relay.example.com",
    ] {
        let services = Services::default();
        let failure = services
            .run(&all_set(), |ctx| tezit::tez(ctx, id))
            .unwrap_err();
        assert!(
            shown(&failure).starts_with("invalid-input tez"),
            "{id}: {failure:?}"
        );
        assert!(services.rounds().is_empty());
    }
}

#[test]
fn lists_are_read_without_a_total_too() {
    let rows = json!([
        row(2, NOOR, "note", "b", NOON),
        row(1, MIA, "note", "a", NOON)
    ]);
    for (body, more) in [
        (
            json!({ "data": rows, "meta": { "count": 2, "hasMore": true } }),
            true,
        ),
        (
            json!({ "data": rows, "meta": { "count": 2, "hasMore": false } }),
            false,
        ),
        (json!({ "data": rows }), false),
        (
            json!({ "data": (0..100).map(|at| row(at, NOOR, "note", "x", NOON)).collect::<Vec<_>>() }),
            true,
        ),
    ] {
        let services = Services::default().says("/tez/stream", 200, &body.to_string());
        let page = services.run(&all_set(), tezit::stream).unwrap();
        assert_eq!(page.more, more);
        assert_eq!(
            services.asked(),
            [format!("/tez/stream?teamId={TEAM}&limit=100")]
        );
    }
    let services =
        Services::default().answers(&format!("/conversations/{TALK}/messages"), rows.clone());
    assert_eq!(
        services
            .run(&all_set(), |ctx| tezit::messages(ctx, TALK))
            .unwrap()
            .messages
            .len(),
        2
    );
    let thread = json!({ "threadId": tez_id(1), "rootTezId": tez_id(1), "messages": rows, "messageCount": 2 });
    let services = Services::default().answers(&format!("/tez/{}/thread", tez_id(1)), thread);
    assert_eq!(
        services
            .run(&all_set(), |ctx| tezit::thread(ctx, &tez_id(1)))
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn caller_id_comes_from_operator_or_relay() {
    let services = Services::default();
    assert_eq!(services.run(&all_set(), tezit::me).unwrap(), MIA);
    assert!(services.rounds().is_empty());

    let unset = all_but(&["caller.relay-user"]);
    let services = Services::default().answers("/contacts/me", contact(NOOR, "Noor Aziz"));
    assert_eq!(services.run(&unset, tezit::me).unwrap(), NOOR);
    let services = Services::default().says(
        "/contacts/me",
        404,
        &refusal("NOT_FOUND", "Profile not registered"),
    );
    let told = shown(&services.run(&unset, tezit::me).unwrap_err());
    assert!(
        told.starts_with("not-found") && told.contains("TEZIT_USER_ID"),
        "{told}"
    );
}

#[test]
fn what_is_not_set_up_is_named_by_its_variable() {
    let services = Services::default();
    for (unset, told) in [
        (
            "tezit.base-url",
            services.run(&all_but(&["tezit.base-url"]), |ctx| {
                tezit::tez(ctx, TALK).map(|_| ())
            }),
        ),
        (
            "TEZIT_TEAM_ID",
            services.run(&all_but(&["tezit.team-id"]), |ctx| {
                tezit::team_id(ctx).map(|_| ())
            }),
        ),
        (
            "PA_EMAIL",
            services.run(&all_but(&["caller.pa-email"]), |ctx| {
                workspace::pa_email(ctx).map(|_| ())
            }),
        ),
    ] {
        let told = shown(&told.unwrap_err());
        let variable = if unset == "tezit.base-url" {
            "TEZIT_RELAY_URL"
        } else {
            unset
        };
        assert!(
            told.starts_with("unavailable sent=false") && told.contains(variable),
            "{told}"
        );
    }
    for key in ["tezit.base-url", "workspace.base-url"] {
        let settings = all_but(&[key]);
        let set = services.run(&settings, |ctx| {
            (tezit::configured(ctx), workspace::configured(ctx))
        });
        assert_eq!(set, (key != "tezit.base-url", key != "workspace.base-url"));
    }
    let mut named = all_but(&["tezit.team-id"]);
    named.0.push(("tezit.team-id", "Sales team"));
    assert!(matches!(
        services.run(&named, tezit::team_id),
        Err(Failure::Unavailable(_))
    ));
}

#[test]
fn names_are_fetched_side_by_side() {
    let services = Services::default()
        .answers(
            &format!("/contacts/{NOOR}"),
            contact(NOOR, "Noor\u{202e} Aziz"),
        )
        .says(
            &format!("/contacts/{OLE}"),
            404,
            &refusal("NOT_FOUND", "Contact not found"),
        );
    let ids = [NOOR.to_owned(), OLE.to_owned(), "x/../y".to_owned()];
    let names = services.run(&all_set(), |ctx| tezit::names(ctx, &ids));
    assert_eq!(
        names.into_iter().collect::<Vec<_>>(),
        [(NOOR.to_owned(), "Noor Aziz".to_owned())]
    );
    assert_eq!(services.rounds(), [2]);
}
