//! `share`: records, a deal's blockers and the day as messages, to one, to several and to the team;
//! and asking for more.

mod common;
mod relay;
mod sharing;

use common::*;
use crm_skill::actions::share::share;
use crm_skill::bindings::claw::crm::types::{Intent, Urgency};
use crm_skill::bindings::claw::skill::plan::{Plan, Timing};
use crm_skill::bindings::claw::skill::types::Failure;
use crm_skill::bindings::exports::claw::crm::propose::{ShareRequest, Wanted};
use relay::*;
use serde_json::{Value, json};
use sharing::*;

fn request(what: ShareRequest, to: &[&str]) -> ShareRequest {
    ShareRequest {
        to: to.iter().map(|&name| name.to_owned()).collect(),
        ..what
    }
}

fn deal_and_person() -> ShareRequest {
    of_records(vec![
        reference("opportunity", DEAL),
        reference("person", PERSON),
    ])
}

fn propose(services: &Services, request: &ShareRequest) -> Result<Plan, Failure> {
    services.run(&mapped(), |ctx| share(ctx, request))
}

fn services() -> Services {
    relay(Crm::default().answers("context", records()))
}

#[test]
fn one_colleague_gets_a_direct_message() {
    let services = services();
    let mut request = request(deal_and_person(), &["Noor Aziz"]);
    request.message = Some("Have a look.".to_owned());
    request.ask = Some("Call them.".to_owned());
    request.urgency = Some(Urgency::High);
    let plan = propose(&services, &request).unwrap();
    assert_eq!(services.crm.asked(), ["context"]);
    assert_eq!(services.asked().len(), 2);
    let [open, message] = plan.steps.as_slice() else {
        panic!("{plan:?}")
    };
    assert_eq!(
        (open.destination.as_str(), open.path.as_str()),
        ("tezit", "/conversations")
    );
    assert_eq!(
        json_body(open),
        json!({ "type": "dm", "memberIds": [NOOR] })
    );
    assert!(open.disclosures.is_empty());
    assert_eq!(message.path, "/conversations/{{conversation}}/messages");
    let slot = &message.slots[0];
    assert_eq!(
        (
            slot.name.as_str(),
            slot.step.as_str(),
            slot.pointer.as_str()
        ),
        ("conversation", open.id.as_str(), "/data/id")
    );
    assert!(matches!(message.timing, Timing::InOrder));
    let body = json_body(message);
    assert_eq!(
        body["surfaceText"],
        "Have a look.\n\nAbout: deal \u{201c}Difference engine\u{201d}, person \u{201c}Augusta Lovelace\u{201d}.\n\nAsked of you: Call them."
    );
    assert_eq!(
        (&body["type"], &body["urgency"]),
        (&json!("update"), &json!("high"))
    );
    assert_eq!(body.get("actionRequested"), None);
    assert_eq!(
        disclosed(message),
        [
            format!("crm.contact {PERSON}: channels company name role"),
            format!(
                "crm.opportunity {DEAL}: closeDate closing name nextStep owner stage valueBand"
            ),
        ]
    );
    assert!(plan.warnings.is_empty(), "{:?}", plan.warnings);
    assert!(plan.words.contains("Noor Aziz") && plan.words.contains("Difference engine"));
    check(&plan, &[("context", &records())], "");
    for planted in [EMAIL, PHONE, BODY, CONTACT, "12345", "johanna.lindqvist@"] {
        assert!(!sends(&plan, planted), "{planted}");
    }
}

#[test]
fn team_message_warns_of_its_readers() {
    for (to, recipients) in [
        (vec![NOOR, OLE], json!([NOOR, OLE])),
        (vec!["team"], Value::Null),
        (vec!["team", OLE], json!([OLE])),
    ] {
        let services = services();
        let mut request = request(deal_and_person(), &to);
        request.ask = Some("Call them.".to_owned());
        let plan = propose(&services, &request).unwrap();
        let [tez] = plan.steps.as_slice() else {
            panic!("{plan:?}")
        };
        let body = json_body(tez);
        assert_eq!(tez.path, "/tez/share");
        assert_eq!(body["teamId"], TEAM);
        assert_eq!(body["visibility"], "team");
        assert_eq!(body["actionRequested"], "Call them.");
        assert_eq!(body["id"].as_str().unwrap().len(), 36);
        assert_eq!(
            body.get("recipients").cloned().unwrap_or_default(),
            recipients
        );
        assert!(
            plan.warnings[0].contains("whole team can read"),
            "{:?}",
            plan.warnings
        );
        check(&plan, &[("context", &records())], "");
    }
}

/// Gives the same plan for the same call; a later one shares its idempotency key.
#[test]
fn repeated_share_is_sent_once() {
    let request = request(deal_and_person(), &[NOOR]);
    let first = propose(&services(), &request).unwrap();
    assert_eq!(
        bytes(&first),
        bytes(&propose(&services(), &request).unwrap())
    );
    let services = services();
    let settings = mapped();
    let later = crm_skill::context::Context::new(
        &services,
        &settings,
        "2026-03-11T12:00:09Z".parse().unwrap(),
    );
    let later = share(&later, &request).unwrap();
    assert_ne!(step(&first, "message").body, step(&later, "message").body);
    assert_ne!(step(&first, "message").id, step(&later, "message").id);
    assert_eq!(step(&first, "message").once, step(&later, "message").once);

    let once = |change: &dyn Fn(&mut ShareRequest)| {
        let mut other = request.clone();
        change(&mut other);
        let plan = propose(&self::services(), &other).unwrap();
        plan.steps.last().unwrap().once.clone().unwrap()
    };
    let all = [
        once(&|_| {}),
        once(&|other| other.message = Some("Hello".to_owned())),
        once(&|other| other.ask = Some("Hello".to_owned())),
        once(&|other| other.to = vec![OLE.to_owned()]),
        once(&|other| other.intent = Intent::Handoff),
        once(&|other| other.fields = Some(vec!["amount".to_owned()])),
        once(&|other| other.records = Some(vec![reference("person", PERSON)])),
        once(&|other| other.idempotency_key = Some("k".to_owned())),
    ];
    let unique: std::collections::BTreeSet<&String> = all.iter().collect();
    assert_eq!(unique.len(), all.len());
}

#[test]
fn requested_fields_are_given_with_a_warning() {
    let mut request = request(deal_and_person(), &[NOOR]);
    request.fields = Some(vec!["amount".to_owned(), "email".to_owned()]);
    let plan = propose(&services(), &request).unwrap();
    let message = step(&plan, "message");
    assert_eq!(
        envelope(&json_body(message), DEAL)["fields"]["amount"],
        "12345.67 EUR"
    );
    assert!(disclosed(message)[0].contains("email") && disclosed(message)[1].contains("amount"));
    assert!(plan.warnings[0].contains("amount, email"));
    assert!(sends(&plan, EMAIL) && !sends(&plan, PHONE) && !sends(&plan, CONTACT));
    check(&plan, &[("context", &records())], "");
}

#[test]
fn caller_text_is_cleaned_and_redacted() {
    let mut request = request(deal_and_person(), &[NOOR]);
    request.message = Some("Mail her\u{202e} at private@example.org".to_owned());
    request.ask = Some("Call +49 30 7654321".to_owned());
    let plan = propose(&services(), &request).unwrap();
    assert!(!sends(&plan, "private@example.org") && !sends(&plan, "7654321"));
    assert_eq!(
        plan.warnings,
        [
            "Taken out of what is sent: e-mail address, phone number.",
            "1 hidden character was taken out of the message.",
        ]
    );
}

#[test]
fn limits_are_checked_before_proposing() {
    let long = "x ".repeat(2_500);
    let cases: [(&str, &str, Option<String>, Option<String>); 4] = [
        (NOOR, "invalid-input message", Some(long.clone()), None),
        (
            NOOR,
            "invalid-input message",
            Some("y ".repeat(2_300)),
            Some("z ".repeat(240)),
        ),
        (NOOR, "invalid-input ask", None, Some("z ".repeat(260))),
        ("team", "invalid-input ask", None, Some("z ".repeat(260))),
    ];
    for (to, expected, message, ask) in cases {
        let mut request = request(deal_and_person(), &[to]);
        (request.message, request.ask) = (message, ask);
        let failure = propose(&services(), &request).unwrap_err();
        assert!(shown(&failure).starts_with(expected), "{failure:?}");
    }
}

#[test]
fn what_cannot_be_shared_is_refused() {
    for (what, intent, fields, expected) in [
        (
            of_records(Vec::new()),
            Intent::Update,
            None,
            "invalid-input records",
        ),
        (
            of_records(vec![reference("company", COMPANY)]),
            Intent::Update,
            None,
            "invalid-input records[0].kind",
        ),
        (
            deal_and_person(),
            Intent::Update,
            Some("notes"),
            "invalid-input fields[0]",
        ),
        (
            ShareRequest {
                briefing: Some(false),
                asking: Some(Vec::new()),
                ..nothing()
            },
            Intent::Update,
            None,
            "invalid-input records",
        ),
        (
            ShareRequest {
                briefing: Some(true),
                ..blockers_of(DEAL)
            },
            Intent::Update,
            None,
            "invalid-input briefing",
        ),
        (
            the_day(),
            Intent::Update,
            Some("amount"),
            "invalid-input fields",
        ),
        (
            blockers_of(" "),
            Intent::Update,
            None,
            "invalid-input blockersOf",
        ),
        (
            asking(vec![wanted("crm.contact", PERSON, &["email"])]),
            Intent::Update,
            None,
            "invalid-input intent",
        ),
        (
            asking(vec![wanted("crm.contact", PERSON, &[])]),
            Intent::Question,
            None,
            "invalid-input asking[0].fields",
        ),
        (
            asking(vec![wanted("crm.contact", PERSON, &["amount"])]),
            Intent::Question,
            None,
            "invalid-input asking[0].fields[0]",
        ),
    ] {
        let services = services();
        let mut request = request(what, &[NOOR]);
        request.intent = intent;
        request.fields = fields.map(|field| vec![field.to_owned()]);
        let failure = propose(&services, &request).unwrap_err();
        assert!(shown(&failure).starts_with(expected), "{failure:?}");
        assert!(services.crm.asked().is_empty() && services.asked().is_empty());
    }
    // Nobody outside the team, and nobody at all without a relay.
    let failure = propose(&services(), &request(deal_and_person(), &[STRANGER])).unwrap_err();
    assert!(
        shown(&failure).starts_with("invalid-input to"),
        "{failure:?}"
    );
    let bare = settings();
    let failure = services()
        .run(&bare, |ctx| {
            share(ctx, &request(deal_and_person(), &[NOOR]))
        })
        .unwrap_err();
    assert!(shown(&failure).starts_with("unavailable"), "{failure:?}");
}

fn wanted(kind: &str, id: &str, fields: &[&str]) -> Wanted {
    Wanted {
        kind: kind.to_owned(),
        id: id.to_owned(),
        fields: fields.iter().map(|&field| field.to_owned()).collect(),
    }
}

#[test]
fn asking_for_more_discloses_nothing() {
    let services = relay(Crm::default());
    let what = asking(vec![
        wanted("crm.contact", PERSON, &["email"]),
        wanted("opportunity", DEAL, &["amount", "contact", "amount"]),
        wanted("crm.contact", PERSON, &["phone"]),
    ]);
    let mut request = request(what, &[NOOR]);
    request.intent = Intent::Question;
    let plan = propose(&services, &request).unwrap();
    let message = step(&plan, "message");
    assert!(message.disclosures.is_empty());
    let body = json_body(message);
    assert_eq!(body["context"][0]["layer"], "constraint");
    assert_eq!(
        artifacts(&body),
        [json!({ "kind": "context.request", "refs": [
            { "kind": "crm.contact", "id": PERSON, "fields": ["email", "phone"] },
            { "kind": "crm.opportunity", "id": DEAL, "fields": ["amount", "contact"] },
        ]})]
    );
    check(&plan, &[], "");
}
