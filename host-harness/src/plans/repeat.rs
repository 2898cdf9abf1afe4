//! Decides whether a step may be sent a second time. The component says that it was not done; if a
//! second request would create a second thing, the host requires evidence of its own.

use serde_json::Value;

use super::perform::Performing;
use crate::json_path::at;
use crate::outbound::call_context::LookupPlace;
use crate::outbound::policy::Route;
use crate::outbound::policy::write_route::{RepeatRule, Write};
use crate::proposal::Step;

/// Statuses by which a service says that it did not accept a request: too many requests, and not
/// available.
const NOT_TAKEN_UP: [u16; 2] = [429, 503];

impl Performing<'_> {
    /// Returns the write that a step performs; none for a document, which names its records itself
    /// and so creates each only once.
    fn write(&self, position: usize) -> Option<&Write> {
        self.route(position)?.write.as_ref()
    }

    fn route(&self, position: usize) -> Option<&Route> {
        let facts = self.kept.plan.facts.get(position)?;
        let step = self.kept.plan.proposal.steps.get(position)?;
        let destination = self
            .plans
            .outbound
            .policy()
            .destination(&step.destination)?;
        let mut routes = destination.routes.iter();
        routes.find(|route| route.id == facts.rule)
    }

    /// Returns the place where the service shows that it has a step, and the text to look for
    /// there, if the manifest names them.
    pub(super) fn sought(&self, position: usize, filled: &Step) -> Option<(LookupPlace, String)> {
        let RepeatRule::UnlessFound { text, path, keys } = &self.write(position)?.repeat else {
            return None;
        };
        let body: Value = serde_json::from_str(&filled.body).ok()?;
        let text = at(&body, text)?.as_str().filter(|text| !text.is_empty())?;
        let mut given = self.wildcards(position, &filled.path).into_iter();
        let segments: Option<Vec<String>> = path
            .split('/')
            .map(|segment| match segment {
                "*" => given.next(),
                segment => Some(segment.to_owned()),
            })
            .collect();
        let place = LookupPlace {
            path: segments?.join("/"),
            keys: keys.clone(),
        };
        Some((place, text.to_owned()))
    }

    /// Returns the values of the wildcards of a step's route in its path.
    fn wildcards(&self, position: usize, path: &str) -> Vec<String> {
        let route = self.route(position);
        route.map_or_else(Vec::new, |route| {
            route.pattern.wildcards(path).map(str::to_owned).collect()
        })
    }

    /// Checks whether a step that was sent may be sent again, given that the component says that it
    /// was not done.
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
        // An answer with the id of what was created proves that it was created, whatever the
        // component says.
        let accepted = answer.is_some_and(|(status, body)| {
            (200..300).contains(status)
                && serde_json::from_slice::<Value>(body)
                    .is_ok_and(|body| at(&body, &write.id).is_some_and(|id| !id.is_null()))
        });
        if accepted {
            return false;
        }
        match &write.repeat {
            RepeatRule::Always => true,
            RepeatRule::Never => false,
            RepeatRule::UnlessFound { .. } => {
                let lookup = self.reading.lookup();
                lookup.answered && !lookup.found
            }
        }
    }
}
