//! The start of a call, as it follows from the set-up and its caller: limits, bound settings, and
//! the guard of its values.

use std::sync::Arc;
use std::time::Instant;

use serde_json::Value;

use super::caller::Caller;
use super::setup::Setup;
use crate::events::{CallId, Phase};
use crate::outbound::call_context::{CallBudget, CallContext};
use crate::outbound::dlp::guard::{Exempt, Guard};
use crate::outbound::dlp::provenance::Provenance;

impl Setup {
    /// Creates the context of a call.
    pub(crate) fn context_of(
        &self,
        call: CallId,
        phase: Phase,
        caller: &Caller,
        deadline: Instant,
    ) -> CallContext {
        let limits = CallBudget {
            requests: self.limits.requests,
            concurrent_requests: self.limits.concurrent_requests,
            request_bytes: self.limits.request_bytes,
            response_bytes: self.limits.response_bytes,
            body_bytes: usize::try_from(self.limits.memory_mib << 20).unwrap_or(usize::MAX),
        };
        CallContext::new(call, phase, caller.id.clone(), deadline, limits)
            .holding(Arc::new(self.bound_for(caller)))
    }

    /// Creates the guard that keeps values of one service from another during a call with these
    /// arguments.
    pub(crate) fn guard_for(&self, caller: &Caller, arguments: &Value) -> Guard {
        let known = self.known_words(caller);
        let known = || known.iter().map(String::as_str);
        let values = &self.manifest.values;
        let provenance = Provenance::of(arguments, known(), &values.constants);
        Guard::new(Exempt::of(arguments, known()), values.names()).founded_on(provenance)
    }

    /// Returns what is no value of a service whatever a caller says.
    pub(crate) fn exempt_for(&self, caller: &Caller) -> Exempt {
        let known = self.known_words(caller);
        Exempt::of(&Value::Null, known.iter().map(String::as_str))
    }

    /// Returns settings, what the operator says of the caller, and words of the manifest.
    fn known_words(&self, caller: &Caller) -> Vec<String> {
        let known = self.bound_for(caller);
        let own = [&caller.email, &caller.name, &caller.time_zone];
        let own = own.into_iter().flatten().map(String::as_str);
        // The name of a kind of record is a word of the manifest, though a service answers it too.
        let kinds = self.kinds.iter();
        let kinds = kinds.flat_map(|(name, kind)| [name, kind.record()]);
        let settings = known.values().map(String::as_str);
        settings
            .chain(own)
            .chain(kinds)
            .map(str::to_owned)
            .collect()
    }
}
