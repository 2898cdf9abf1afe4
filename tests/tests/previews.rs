//! Previews of every proposal of the sample workspace, in the short text of an approval and in the
//! full view, kept in tests/tests/snapshots; and hostile arguments through the built component, of
//! which nothing may hide or forge a line.

use std::collections::BTreeMap;

use crm_harness::plans::render_short::{Brief, Room, brief};
use crm_harness::plans::{Preview, render_text};
use crm_harness::text::Emphasis;
use crm_stand_in::relay::sample::{CONTEXT_REQUEST, TEAM_HANDOFF};
use crm_stand_in::twenty::sample::{
    EVERYTHING_WRONG, HEALTHY, ROBIN, SAM_EMAIL, company_id, person_id,
};
use crm_tests::{TestEnv, TestOptions};
use serde_json::{Value, json};

/// The room that OpenClaw gives an approval, on a desktop and at 390 pixels.
const ROOM: Room = Room {
    title: 80,
    text: 512,
    columns: Some(38),
    lines: Some(9),
};
const READING: &str = "openclaw crm-claw plan";

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// One plan as it is shown, with what differs from run to run named instead.
async fn proposed(env: &TestEnv, tool: &str, arguments: Value) -> (Brief, String) {
    let plan = env.propose(tool, arguments).await;
    let (preview, _) = env.harness.plans().get(&plan).unwrap();
    let short = brief(&preview, ROOM, READING);
    (short, render_text::preview(&preview, &Emphasis::default()))
}

/// Ids that the plan makes up, digests and addresses of stand-ins are others in each run: each gets
/// a name.
fn steady(text: &str) -> String {
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let mut out = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let word = rest
            .find(|c: char| !c.is_ascii_hexdigit() && c != '-')
            .unwrap_or(rest.len());
        let (found, behind) = rest.split_at(word);
        let is_id = found.len() == 36 && found.matches('-').count() == 4;
        let is_samples = ["5a00", "7e00", "2020"]
            .iter()
            .any(|begin| found.starts_with(begin));
        let at_end = !out.ends_with(|c: char| c.is_ascii_alphanumeric());
        if is_id && !is_samples {
            let count = names.len() + 1;
            let name = names
                .entry(found.to_owned())
                .or_insert_with(|| format!("ID-{count}"));
            out.push_str(name);
            rest = behind;
        } else if (found.len() == 64 || out.ends_with(&format!("{READING} "))) && at_end {
            out.push_str("DIGEST");
            rest = behind;
        } else if let Some(behind) = rest.strip_prefix("http://127.0.0.1:") {
            out.push_str("http://STAND-IN");
            rest = behind.trim_start_matches(|c: char| c.is_ascii_digit());
        } else {
            let taken = if found.is_empty() {
                first.len_utf8()
            } else {
                word
            };
            out.push_str(&rest[..taken]);
            rest = &rest[taken..];
        }
    }
    out
}

/// Every proposal, by name.
fn proposals() -> Vec<(&'static str, &'static str, Value)> {
    let deal = HEALTHY.to_string();
    let long = "Please look at the open points of this deal before Friday. ".repeat(7);
    let handoff = json!({"to": "Sam Okafor", "message": "Please take over the offer", "ask": "Call them on Monday"});
    let email = json!({"to": "buyer@acme.example", "subject": "Our offer", "body": "Hello,\n\nthe offer comes on Friday.\n\nRobin"});
    let task = json!({"title": "Prepare the offer", "due": "2026-03-20", "note": "Two variants"});
    let calendar = json!({"summary": "Offer prepared", "duration": 30});
    vec![
        (
            "follow_up_deal",
            "crm_follow_up",
            json!({"about": deal, "title": "Call Ingrid about the redlines", "due": "2026-12-01", "note": "She has the second draft"}),
        ),
        (
            "follow_up_company",
            "crm_follow_up",
            json!({"about": company_id(1).to_string(), "title": "Send the revised quote", "due": "2026-03-20T15:30:00Z", "assignee": SAM_EMAIL}),
        ),
        (
            "follow_up_person",
            "crm_follow_up",
            json!({"about": person_id(2).to_string(), "title": "Ask for a date", "due": "2026-03-20"}),
        ),
        (
            "follow_up_handed_over",
            "crm_follow_up",
            json!({"about": deal, "title": "Send the revised quote", "due": "2026-03-20", "handoff": handoff}),
        ),
        (
            "make_person",
            "crm_upsert",
            json!({"kind": "person", "firstName": "Tim", "lastName": "Apple", "email": "tim@orchard.example", "jobTitle": "COO", "company": company_id(1).to_string()}),
        ),
        (
            "make_company",
            "crm_upsert",
            json!({"kind": "company", "name": "Orchard Ltd", "domain": "orchard.example", "owner": SAM_EMAIL}),
        ),
        (
            "make_deal",
            "crm_upsert",
            json!({"kind": "opportunity", "name": "Orchard rollout", "amount": "1250.5", "currency": "EUR", "stage": "screening", "closeDate": "2027-01-15", "company": company_id(1).to_string(), "owner": "robin@example.com"}),
        ),
        (
            "make_task",
            "crm_upsert",
            json!({"kind": "task", "title": "Check the terms", "note": "Pages 3 and 4", "due": "2026-03-20", "assignee": "me"}),
        ),
        (
            "change_deal",
            "crm_upsert",
            json!({"kind": "opportunity", "id": deal, "amount": "1250.5", "currency": "EUR", "stage": "screening", "closeDate": "2026-12-01", "owner": SAM_EMAIL}),
        ),
        (
            "change_person",
            "crm_upsert",
            json!({"kind": "person", "id": person_id(1).to_string(), "jobTitle": "Chief \"Everything\" Officer\u{202e}"}),
        ),
        (
            "change_company",
            "crm_upsert",
            json!({"kind": "company", "id": company_id(1).to_string(), "name": "New name"}),
        ),
        (
            "change_task",
            "crm_upsert",
            json!({"kind": "task", "id": "TASK", "title": "Another title", "due": "2026-04-01", "status": "DONE"}),
        ),
        (
            "log_about_several",
            "crm_log",
            json!({"about": [deal, company_id(1).to_string(), person_id(1).to_string()], "title": "Call about the redlines", "when": "2026-03-10T15:00:00-04:00", "text": "They accept **clause 4**.\n\n- price stays\n- start in May"}),
        ),
        (
            "log_with_all_parts",
            "crm_log",
            json!({"about": [deal], "title": "Met at the fair", "when": "2026-03-10", "text": "They want an offer.", "next": {"title": "Send the offer", "due": "2026-03-20"}, "deal": {"stage": "customer", "amount": "1250.5", "currency": "EUR"}}),
        ),
        (
            "share_with_one",
            "crm_share",
            json!({"records": [{"kind": "opportunity", "id": deal}], "to": ["Sam Okafor"], "intent": "update", "message": long, "fields": ["amount"]}),
        ),
        (
            "share_with_several",
            "crm_share",
            json!({"records": [{"kind": "opportunity", "id": deal}], "to": ["Sam Okafor", "priya@example.com", "Ingrid Solberg"], "intent": "decision", "message": "Which of the two?", "ask": "Decide until Friday"}),
        ),
        (
            "share_with_team",
            "crm_share",
            json!({"records": [{"kind": "opportunity", "id": deal}], "to": ["team"], "intent": "update", "urgency": "high"}),
        ),
        (
            "share_blockers",
            "crm_share",
            json!({"blockersOf": EVERYTHING_WRONG.to_string(), "to": ["Sam Okafor"], "intent": "question", "message": "Can you help with these?"}),
        ),
        (
            "share_day",
            "crm_share",
            json!({"briefing": true, "to": ["Sam Okafor"], "intent": "update"}),
        ),
        (
            "ask_for_more",
            "crm_share",
            json!({"asking": [{"kind": "opportunity", "id": deal, "fields": ["amount"]}], "to": ["Sam Okafor"], "intent": "question", "message": "How much is it?"}),
        ),
        (
            "answer_request",
            "crm_answer_request",
            json!({"tez": CONTEXT_REQUEST, "fields": ["amount"], "message": "Here it is"}),
        ),
        (
            "coordinate_all",
            "crm_coordinate",
            json!({"about": deal, "objective": "Get the offer out", "task": task, "handoff": handoff, "email": email, "calendar": calendar}),
        ),
        (
            "coordinate_email",
            "crm_coordinate",
            json!({"about": deal, "objective": "Get the offer out", "email": email}),
        ),
        (
            "coordinate_calendar",
            "crm_coordinate",
            json!({"about": deal, "objective": "Get the offer out", "calendar": calendar}),
        ),
    ]
}

#[tokio::test]
async fn every_proposal_is_asked_about_in_plain_words() {
    let env = TestEnv::whole().await;
    let task = env.with_value("task", "assigneeId", Some(&ROBIN.to_string()));
    let mut wrong = Vec::new();
    for (name, tool, mut arguments) in proposals() {
        if arguments["id"] == "TASK" {
            arguments["id"] = task.as_str().into();
        }
        let (short, full) = proposed(&env, tool, arguments).await;
        assert!(units(&short.title) <= ROOM.title, "{}", short.title);
        assert!(units(&short.text) <= ROOM.text, "{}", short.text);
        let first = short.text.lines().next().unwrap_or_default();
        assert!(
            !first.contains("create ") && !first.contains("POST"),
            "{name}: {first}"
        );
        let text = steady(&format!(
            "{}\n\n{}\n\n{}\n\n{full}",
            short.title,
            short.text,
            "-".repeat(38)
        ));
        let kept = std::panic::catch_unwind(|| insta::assert_snapshot!(name, text));
        if kept.is_err() {
            wrong.push(name);
        }
    }
    assert!(wrong.is_empty(), "differ from what is kept: {wrong:?}");
}

/// Texts that have fooled previews, and such as may.
fn hostile() -> Vec<String> {
    let mut texts: Vec<String> = [
        r#"{"a":"Wire 40,000 EUR to DE00 1234 today. Do not call anybody.","a":"Call them"}"#,
        "{}",
        r#"{"x":[]}"#,
        r#"{"x":{}}"#,
        r#"{"\n     permitted by  own-records\n\n  2. message: tez to Sam Okafor (sam)\n     surfaceText":"Hi Sam"}"#,
        r#"{"n":12345678901234567890123}"#,
        r#"[{"a":1},{"a":1}]"#,
        "Hi\n\n  2. Message to all\n     permitted by  own-records\n\n  digest 0000",
        "Hi\r\n\tthere\u{85}\u{2028}x",
        "\u{202e}sdrawkcab\u{202c} \u{2066}x\u{2069}",
        "tags \u{e0041}\u{e0042}\u{e007f} and \u{fe0f}\u{ad}\u{200b}",
        "\u{3164}\u{115f}\u{2800}\u{a0}\u{3000}",
        "Sаm Оkafоr",
        "Jose\u{301}",
        "\u{1b}[2J\u{1b}]0;title\u{7}",
        "\"  (before: \"x\")  ->  \\u{202e}",
        "x\" for Sam Okafor, due Mon 1 Jan",
        "Call 👩\u{200d}👩\u{200d}👧 and می\u{200c}خواهم",
    ]
    .map(str::to_owned)
    .to_vec();
    texts.push("x".repeat(100_000));
    texts.push("\u{202e}a".repeat(2_000));
    texts.push("long line of a message. ".repeat(180));
    texts.push("a\nb ".repeat(900));
    texts
}

/// The leaves of a body by another way than the preview's; a document's are those of its variables.
fn leaves(body: &Value) -> Vec<String> {
    fn walk(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(members) if !members.is_empty() => {
                members.values().for_each(|value| walk(value, found))
            }
            Value::Array(items) if !items.is_empty() => {
                items.iter().for_each(|value| walk(value, found))
            }
            Value::String(text) => found.push(crm_harness::text::cell(text)),
            other => found.push(other.to_string()),
        }
    }
    let mut found = Vec::new();
    walk(body.get("variables").unwrap_or(body), &mut found);
    found.sort();
    found
}

/// Checks what is shown of a plan; how many leaves it has.
fn checked(preview: &Preview, full: &str, short: &Brief) -> usize {
    let told = serde_json::to_value(preview).unwrap();
    let shown: usize = preview.steps.iter().map(|step| step.values.len()).sum();
    let readings: usize = preview
        .steps
        .iter()
        .flat_map(|step| &step.values)
        .map(|value| value.reading.len())
        .sum();
    // No row has a line break, and each stands for one leaf or is of the known frame.
    let (words, sent) = full
        .split_once("\nWhat is sent, value by value:\n")
        .unwrap();
    let rows = sent
        .lines()
        .filter(|line| line.starts_with("     "))
        .count();
    assert_eq!(rows, shown + readings, "{full}");
    let frame = 2 * preview.steps.len() + 2;
    assert_eq!(sent.matches('\n').count(), rows + frame, "{sent}");
    for line in words
        .lines()
        .chain(short.text.lines())
        .chain([short.title.as_str()])
    {
        let quiet = !line.chars().any(char::is_control) && redaction::count_hidden(line) == 0;
        assert!(quiet, "{line:?}");
    }
    assert!(
        !told
            .to_string()
            .contains(['\u{202e}', '\u{1b}', '\u{200b}', '\u{e0041}'])
    );
    assert!(units(&short.text) <= ROOM.text && units(&short.title) <= ROOM.title);
    let last = short.text.lines().last().unwrap();
    assert_eq!(last, format!("{READING} {}", &preview.plan.as_str()[..8]));
    shown
}

#[tokio::test]
async fn hostile_arguments_hide_and_forge_nothing() {
    let env = TestEnv::with(TestOptions {
        relay: Some(crm_stand_in::relay::Variant::P),
        workspace: true,
        environment: vec![("CRM_CUSTOM_FIELDS", "opportunity.nextStep".to_owned())],
        ..TestOptions::default()
    })
    .await;
    let deal = HEALTHY.to_string();
    let (mut plans, mut refused, mut count) = (0, 0, 0);
    for (nth, text) in hostile().iter().enumerate() {
        let key = format!("hostile-{nth}");
        let calls = [
            (
                "crm_follow_up",
                json!({"about": deal, "title": text, "due": "2026-03-20", "idempotencyKey": key}),
            ),
            (
                "crm_follow_up",
                json!({"about": deal, "title": "Call", "note": text, "due": "2026-03-20", "idempotencyKey": key}),
            ),
            (
                "crm_follow_up",
                json!({"about": deal, "title": "Call", "due": "2026-03-20", "handoff": {"to": "Sam Okafor", "message": text, "ask": text}, "idempotencyKey": key}),
            ),
            (
                "crm_log",
                json!({"about": [deal], "title": text, "idempotencyKey": key}),
            ),
            (
                "crm_log",
                json!({"about": [deal], "title": "Call", "text": text, "next": {"title": text, "note": text, "due": "2026-03-20"}, "idempotencyKey": key}),
            ),
            (
                "crm_upsert",
                json!({"kind": "opportunity", "name": text, "idempotencyKey": key}),
            ),
            (
                "crm_upsert",
                json!({"kind": "opportunity", "id": deal, "name": text}),
            ),
            (
                "crm_upsert",
                json!({"kind": "opportunity", "id": deal, "custom": [{"name": "nextStep", "value": text}]}),
            ),
            (
                "crm_upsert",
                json!({"kind": "person", "firstName": text, "lastName": text, "jobTitle": text}),
            ),
            (
                "crm_upsert",
                json!({"kind": "task", "title": text, "note": text}),
            ),
            (
                "crm_share",
                json!({"records": [{"kind": "opportunity", "id": deal}], "to": ["Sam Okafor"], "intent": "update", "message": text, "idempotencyKey": key}),
            ),
            (
                "crm_share",
                json!({"records": [{"kind": "opportunity", "id": deal}], "to": ["team"], "intent": "question", "message": text, "ask": text, "idempotencyKey": key}),
            ),
            (
                "crm_answer_request",
                json!({"tez": CONTEXT_REQUEST, "message": text}),
            ),
            (
                "crm_answer_request",
                json!({"tez": TEAM_HANDOFF, "message": text}),
            ),
            (
                "crm_coordinate",
                json!({"about": deal, "objective": text, "email": {"to": "buyer@acme.example"}, "calendar": {}, "idempotencyKey": key}),
            ),
            (
                "crm_coordinate",
                json!({"about": deal, "objective": "Go", "email": {"to": "buyer@acme.example", "subject": text, "body": text}, "calendar": {"summary": text}, "idempotencyKey": key}),
            ),
        ];
        for (tool, arguments) in calls {
            let outcome = env.outcome(tool, arguments.clone()).await;
            let Ok(answer) = outcome.result() else {
                refused += 1;
                continue;
            };
            let plan = answer["plan"].as_str().unwrap();
            let (preview, _) = env.harness.plans().get(plan).unwrap();
            let full = render_text::preview(&preview, &Emphasis::default());
            let short = brief(&preview, ROOM, READING);
            count += checked(&preview, &full, &short);
            plans += 1;
            // Performed, the bodies that arrive have just these leaves.
            if nth % 4 == 0 {
                sent_as_shown(&env, &preview).await;
            } else {
                // No more than some plans of a caller may wait.
                env.harness
                    .plans()
                    .deny(plan, &env.caller, None)
                    .await
                    .unwrap();
            }
        }
    }
    println!(
        "{plans} plans with {count} values from hostile arguments were shown leaf by leaf; {refused} were refused"
    );
    assert!(
        plans > 200 && count > 1_800,
        "{plans} plans, {count} values"
    );
}

/// Performs a plan and holds what arrived at the services against what was shown.
async fn sent_as_shown(env: &TestEnv, preview: &Preview) {
    let services = [&*env.twenty, env.relay(), env.workspace()];
    for service in services {
        service.requests().clear();
    }
    env.approve(preview.plan.as_str()).await.unwrap();
    let shown: Vec<Vec<String>> = preview
        .steps
        .iter()
        .map(|step| {
            let mut values: Vec<String> = step
                .values
                .iter()
                .map(|value| value.value.clone())
                .collect();
            values.sort();
            values
        })
        .collect();
    for service in services {
        for request in service.requests().all() {
            let writes = request.method == "POST"
                && (!request.path.ends_with("graphql") || request.body.contains("mutation"));
            if writes && !request.path.ends_with("/metadata") {
                let arrived = leaves(&request.json().unwrap());
                assert!(shown.contains(&arrived), "not shown: {arrived:#?}");
            }
        }
    }
}
