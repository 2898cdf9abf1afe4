//! What is never on record and never logged: values, secrets, and what a refused request carried. A process of its own, so that
//! it sees all of its log.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests may fail like tests"
)]

use std::io;
use std::sync::{Arc, Mutex};

use crm_harness::audit::Row;
use crm_tests::hostile::{BEHAVIOURS, LOOT, SECRET, Trial};
use crm_tests::service::{PLANTED, Service};

/// Where the log of this test goes.
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

#[tokio::test]
async fn no_value_no_secret_and_no_refused_path_is_in_the_record_or_the_log() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    for (name, _, _) in BEHAVIOURS {
        let service = Service::start().await.unwrap();
        let trial = Trial::new(name, &service.origin(), None).unwrap();
        // How each ends is another test's.
        let _ = trial.run(true).await;
        trial.behave(name).await;
        let arrived = service.seen().concat();
        assert!(arrived.contains(SECRET), "{name} sent nothing");
        let mut kept =
            serde_json::to_string(&trial.rows().iter().map(Row::to_json).collect::<Vec<_>>())
                .unwrap();
        for file in trial.record.path().read_dir().unwrap() {
            kept.push_str(&String::from_utf8_lossy(
                &std::fs::read(file.unwrap().path()).unwrap(),
            ));
        }
        assert!(kept.contains("hostile_run"), "{name} left no record");
        for planted in [SECRET, LOOT, PLANTED, "planted", "destroyAll", "salary"] {
            assert!(
                !kept.contains(planted),
                "{planted} of {name} is in the record"
            );
        }
    }
    let log = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(log.contains("request refused"), "nothing was logged: {log}");
    for planted in [SECRET, LOOT, PLANTED, "planted", "destroyAll", "salary"] {
        let line = log.lines().find(|line| line.contains(planted));
        assert_eq!(line, None, "{planted} is in the log");
    }
}
