//! Figures of plans: what proposing and performing a follow-up cost beside the service's own time,
//! record and plans on disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crm_harness::Parts;
use crm_harness::audit::Audit;
use crm_harness::clock::SystemClock;
use crm_harness::events::{
    AuditSink, Began, Decided, DisclosureEvent, Ended, Finished, Planned, Ruled, SinkError,
};
use crm_harness::plans::{PlanState, Store};
use crm_stand_in::twenty::sample::HEALTHY;
use serde_json::json;
use tokio::runtime::Runtime;

use super::peer::Peer;
use super::{Table, caller, harness_with, median, micros};

/// Follow-ups made before counting, and counted.
const WARM_UP: usize = 20;
const RUNS: usize = 200;

/// A record on disk that also adds up how long the service took.
struct Summing {
    audit: Audit,
    micros: AtomicU64,
}

impl Summing {
    /// Returns the time that the service spent since the last call of this method.
    fn taken(&self) -> Duration {
        Duration::from_micros(self.micros.swap(0, Ordering::Relaxed))
    }
}

impl AuditSink for Summing {
    fn began(&self, event: &Began<'_>) -> Result<(), SinkError> {
        self.audit.began(event)
    }

    fn ruled(&self, event: &Ruled<'_>) -> Result<(), SinkError> {
        self.audit.ruled(event)
    }

    fn settle(&self) -> Result<(), SinkError> {
        self.audit.settle()
    }

    fn planned(&self, event: &Planned<'_>) -> Result<(), SinkError> {
        self.audit.planned(event)
    }

    fn shared(&self, event: &DisclosureEvent<'_>) -> Result<(), SinkError> {
        self.audit.shared(event)
    }

    fn decided(&self, event: &Decided<'_>) -> Result<(), SinkError> {
        self.audit.decided(event)
    }

    fn finished(&self, event: &Finished<'_>) -> Result<(), SinkError> {
        let took = u64::try_from(event.elapsed.as_micros()).unwrap_or(u64::MAX);
        self.micros.fetch_add(took, Ordering::Relaxed);
        self.audit.finished(event)
    }

    fn ended(&self, event: &Ended<'_>) -> Result<(), SinkError> {
        self.audit.ended(event)
    }
}

pub(crate) fn figures(runtime: &Runtime, peer: &Peer, table: &mut Table) {
    let folder = tempfile::tempdir().expect("a directory");
    let audit = Audit::open(folder.path(), Arc::new(SystemClock)).expect("a record");
    let recorder = Arc::new(Summing {
        audit,
        micros: AtomicU64::new(0),
    });
    let harness = harness_with(
        &peer.url,
        Parts {
            recorder: Arc::clone(&recorder) as Arc<dyn AuditSink>,
            plans: Some(Store::open(folder.path()).expect("a place for plans")),
            ..Parts::default()
        },
    );
    let caller = caller();
    let mut times: [Vec<Duration>; 4] = Default::default();
    for run in 0..WARM_UP + RUNS {
        let arguments = json!({
            "about": HEALTHY.to_string(),
            "title": "Send the revised quote",
            "due": "2030-03-01",
            "idempotencyKey": format!("run {run}"),
        });
        recorder.taken();
        let begun = Instant::now();
        let outcome = super::call(runtime, &harness, "follow_up", &arguments);
        let (proposing, service) = (begun.elapsed(), recorder.taken());
        let answer = outcome.result().expect("a plan");
        let plan = answer["plan"].as_str().expect("a digest");
        let begun = Instant::now();
        let done = runtime
            .block_on(harness.plans().approve(plan, &caller, false))
            .expect("approved");
        let (performing, written) = (begun.elapsed(), recorder.taken());
        assert_eq!(done.state, PlanState::Done);
        if run >= WARM_UP {
            let row = [
                service,
                proposing.saturating_sub(service),
                written,
                performing.saturating_sub(written),
            ];
            for (times, time) in times.iter_mut().zip(row) {
                times.push(time);
            }
        }
    }
    let names = [
        "follow-up proposed: the service's time (1 request)",
        "follow-up proposed: own overhead, plan on disk",
        "follow-up performed: the service's time (2 writes)",
        "follow-up performed: own overhead, every step on disk first",
    ];
    for (name, times) in names.into_iter().zip(times) {
        table.row(name, micros(median(times)), "");
    }
}
