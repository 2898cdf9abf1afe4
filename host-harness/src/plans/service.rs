//! The service of plans: what it is made of.

use std::sync::Arc;
use std::time::Duration;

use super::lock::Locks;
use super::recent::Recent;
use super::store::Store;
use crate::access::Access;
use crate::clock::Clock;
use crate::config::{Caller, Setup};
use crate::events::AuditSink;
use crate::judge::Judge;
use crate::observed::ObservedRecords;
use crate::outbound::dlp::guard::Guard;
use crate::outbound::sender::Outbound;

/// Takes in what a component proposes, keeps it, and performs what was approved. Each of its
/// operations stands in the file that is named after it.
pub struct Plans {
    pub(super) store: Store,
    pub(super) locks: Locks,
    pub(super) access: Arc<Access>,
    pub(super) outbound: Arc<Outbound>,
    pub(super) sink: Arc<dyn AuditSink>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) judge: Arc<dyn Judge>,
    pub(super) setup: Arc<Setup>,
    /// Answers of the last minutes, by caller.
    pub(super) recent: Recent,
    /// SHA-256 of the component, in hexadecimal.
    pub(super) component: String,
    /// SHA-256 of the policy in force, in hexadecimal.
    pub(super) policy: String,
    /// The pause before a step that was not done is sent again; doubled each time.
    pub(super) pause: Duration,
}

/// The parts of [`Plans`].
pub(crate) struct PlansParts {
    pub(crate) store: Store,
    pub(crate) access: Arc<Access>,
    pub(crate) outbound: Arc<Outbound>,
    pub(crate) sink: Arc<dyn AuditSink>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) judge: Arc<dyn Judge>,
    pub(crate) setup: Arc<Setup>,
    pub(crate) component: String,
    pub(crate) policy: String,
    pub(crate) pause: Duration,
}

impl Plans {
    /// Puts the service together.
    pub(crate) fn new(parts: PlansParts) -> Self {
        Self {
            locks: Locks::new(parts.store.locks()),
            store: parts.store,
            access: parts.access,
            outbound: parts.outbound,
            sink: parts.sink,
            clock: parts.clock,
            judge: parts.judge,
            setup: parts.setup,
            recent: Recent::default(),
            component: parts.component,
            policy: parts.policy,
            pause: parts.pause,
        }
    }

    /// Remembers what a call was answered: what the caller writes next may repeat it.
    pub(crate) fn remember(&self, caller: &Caller, guard: Arc<Guard>, seen: Arc<ObservedRecords>) {
        self.recent.keep(caller, guard, seen, self.clock.now());
    }

    /// The time of the clock, in milliseconds since 1970-01-01T00:00:00Z.
    pub(super) fn now(&self) -> i64 {
        i64::try_from(self.clock.now().as_millis()).unwrap_or(i64::MAX)
    }

    /// The time that one call may take.
    pub(super) fn limit(&self) -> Duration {
        Duration::from_millis(self.setup.limits.time_ms)
    }
}
