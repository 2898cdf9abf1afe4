//! Checks that audit log and log never hold values, secrets, or the contents of a refused request.
//! A process of its own, so that it sees all of its log.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};

use crm_harness::audit::{Audit, Reader, Row};
use crm_harness::clock::SystemClock;
use crm_harness::plans::PlanState;
use crm_stand_in::twenty::keys::FULL_KEY;
use crm_stand_in::twenty::sample::{EVERYTHING_WRONG, HEALTHY};
use crm_tests::hostile::{BEHAVIOURS, LOOT, SECRET, Trial};
use crm_tests::service::{PLANTED, Service};
use crm_tests::{TestEnv, TestOptions};
use serde_json::{Value, json};

/// The captured log of this test.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// All that is logged in this process.
fn log() -> Log {
    static LOG: LazyLock<Log> = LazyLock::new(|| {
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::set_global_default(subscriber).unwrap();
        log
    });
    LOG.clone()
}

/// All that is in a record: its rows, and the bytes of its files.
fn kept(folder: &Path) -> String {
    let rows = Reader::open(folder).unwrap().tail(100_000).unwrap();
    let rows: Vec<_> = rows.iter().map(Row::to_json).collect();
    let mut kept = serde_json::to_string(&rows).unwrap();
    for file in folder.read_dir().unwrap() {
        kept.push_str(&String::from_utf8_lossy(
            &std::fs::read(file.unwrap().path()).unwrap(),
        ));
    }
    kept
}

fn is_silent(what: &str, kept: &str, planted: &[&str]) {
    let logged = String::from_utf8_lossy(&log().0.lock().unwrap()).into_owned();
    for planted in planted {
        let line = kept.lines().find(|line| line.contains(planted));
        assert_eq!(line, None, "`{planted}` of {what} is in the record");
        let line = logged.lines().find(|line| line.contains(planted));
        assert_eq!(line, None, "`{planted}` of {what} is in the log");
    }
}

#[tokio::test]
async fn refused_requests_leave_no_value_in_the_log() {
    let log = log();
    for (name, _, _) in BEHAVIOURS {
        let service = Service::start().await.unwrap();
        let trial = Trial::new(name, &service.origin(), None).unwrap();
        // How each ends is another test's.
        let _ = trial.run(true).await;
        trial.behave(name).await;
        let arrived = service.seen().concat();
        assert!(arrived.contains(SECRET), "{name} sent nothing");
        let kept = kept(trial.record.path());
        assert!(kept.contains("hostile_run"), "{name} left no record");
        let planted = [SECRET, LOOT, PLANTED, "planted", "destroyAll", "salary"];
        is_silent(name, &kept, &planted);
    }
    let log = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(log.contains("request refused"), "nothing was logged: {log}");
}

/// Texts of an answer that people wrote, or that were made of such: those with a space or an at
/// sign.
fn texts(answer: &Value, found: &mut BTreeSet<String>) {
    match answer {
        Value::String(text) if text.len() > 7 && text.contains([' ', '@']) => {
            found.insert(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(members) => members.values().for_each(|member| texts(member, found)),
        _ => {}
    }
}

#[tokio::test]
async fn actions_leave_no_value_in_the_log() {
    log();
    let folder = tempfile::tempdir().unwrap();
    let audit = Audit::open(folder.path(), Arc::new(SystemClock)).unwrap();
    let mut env = TestEnv::with(TestOptions {
        recorder: Arc::new(audit),
        ..TestOptions::default()
    })
    .await;
    env.caller.id = Some("robin".into());
    let mut planted = BTreeSet::new();
    for (action, arguments) in [
        ("crm_search", json!({ "query": "northwind harbour lease" })),
        ("crm_search", json!({ "query": "acme" })),
        (
            "crm_get",
            json!({ "kind": "opportunity", "id": EVERYTHING_WRONG.to_string() }),
        ),
        ("crm_follow_ups", json!({})),
        (
            "crm_blockers",
            json!({ "opportunity": EVERYTHING_WRONG.to_string() }),
        ),
        (
            "crm_blockers",
            json!({ "opportunity": HEALTHY.to_string() }),
        ),
        ("crm_briefing", json!({})),
        ("crm_deals", json!({ "owner": "me", "by": "owner" })),
        ("crm_status", json!({})),
    ] {
        texts(&env.ok(action, arguments).await, &mut planted);
    }
    assert!(planted.len() > 40, "only {planted:?}");
    let follow_up = json!({
        "about": HEALTHY.to_string(), "title": "agree the planted price", "note": "planted note body", "due": "2026-03-20",
    });
    let plan = env.propose("crm_follow_up", follow_up).await;
    let outcome = env.approve(&plan).await.unwrap();
    assert_eq!(outcome.state, PlanState::Done);
    planted.extend(["agree the planted price", "planted note body"].map(str::to_owned));
    let change =
        json!({"id": HEALTHY.to_string(), "kind": "opportunity", "name": "planted new name"});
    let plan = env.propose("crm_upsert", change).await;
    env.approve(&plan).await.unwrap();
    planted.insert("planted new name".into());
    planted.insert("northwind harbour lease".into());
    planted.insert(FULL_KEY.into());
    let kept = kept(folder.path());
    assert!(
        kept.contains(&HEALTHY.to_string()),
        "the sources belong there"
    );
    let planted: Vec<_> = planted.iter().map(String::as_str).collect();
    is_silent("the actions", &kept, &planted);
}
