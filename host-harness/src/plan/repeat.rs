//! Decides whether a step may be sent a second time. The component says that it was not done; where a second sending would make a
//! second thing, the host wants to have seen that itself.

use serde_json::Value;

use super::perform::Performing;
use crate::outbound::write::{Repeat, Write};
use crate::steps::at;

/// Statuses by which a service says that it did not take a request up: too many requests, and not available.
const NOT_TAKEN_UP: [u16; 2] = [429, 503];

impl Performing<'_> {
    /// Returns the write that a step performs; none for a document, which names its records itself and so makes each once.
    fn write(&self, position: usize) -> Option<&Write> {
        let facts = self.kept.plan.facts.get(position)?;
        let step = self.kept.plan.proposal.steps.get(position)?;
        let destination = self
            .harness
            .outbound()
            .policy()
            .destination(&step.destination)?;
        let mut routes = destination.routes.iter();
        let route = routes.find(|route| route.id == facts.rule)?;
        route.write.as_ref()
    }

    /// Returns the text that shows whether a service has a step, where the manifest names one.
    pub(super) fn sought(&self, position: usize) -> Option<String> {
        let Repeat::UnlessFound(place) = &self.write(position)?.repeat else {
            return None;
        };
        let step = self.kept.plan.proposal.steps.get(position)?;
        let body: Value = serde_json::from_str(&step.body).ok()?;
        let text = at(&body, place)?.as_str()?;
        Some(text.to_owned()).filter(|text| !text.is_empty())
    }

    /// Returns whether a step that was sent may be sent again, now that the component has said that it was not done.
    pub(super) fn may_repeat(&self, position: usize) -> bool {
        let Some(write) = self.write(position) else {
            let facts = self.kept.plan.facts.get(position);
            return facts.is_some_and(|facts| facts.document.is_some());
        };
        let answer = self.kept.steps.get(position);
        let answer = answer.and_then(|step| step.answer.as_ref());
        if answer.is_some_and(|(status, _)| NOT_TAKEN_UP.contains(status)) {
            return true;
        }
        // A service that answers with what it made has made it, whatever the component says.
        let accepted = answer.is_some_and(|(status, body)| {
            (200..300).contains(status)
                && serde_json::from_slice::<Value>(body)
                    .is_ok_and(|body| at(&body, &write.id).is_some_and(|id| !id.is_null()))
        });
        if accepted {
            return false;
        }
        match &write.repeat {
            Repeat::Always => true,
            Repeat::Never => false,
            Repeat::UnlessFound(_) => {
                let lookup = self.reading.lookup();
                self.sought(position).is_some() && lookup.answered && !lookup.found
            }
        }
    }
}
