//! Audit events about disclosures: the record fields that a plan sent to recipients, and the
//! policies that permitted it.

use serde_json::Value;

use super::error::unrecorded;
use super::perform::Performing;
use super::service::Plans;
use super::store::StoredPlan;
use super::{PlanError, Sends};
use crate::events::{CallId, DisclosureEvent};
use crate::json_path::at;

impl Plans {
    /// Writes to the audit log what was redacted from the texts of a plan.
    pub(super) fn log_redactions(&self, call: CallId, kept: &StoredPlan) -> Result<(), PlanError> {
        for (position, facts) in kept.plan.facts.iter().enumerate() {
            let Some(sends) = facts
                .sends
                .as_ref()
                .filter(|sends| !sends.redacted.is_empty())
            else {
                continue;
            };
            let event = DisclosureEvent {
                call,
                plan: kept.digest.as_str(),
                step: position + 1,
                event: "redact",
                service: &sends.service,
                message: None,
                record: None,
                fields: &sends.redacted,
                recipients: &sends.ids(),
                group: sends.group.as_deref(),
                policies: &[],
                policy: &self.policy,
                certain: true,
            };
            self.sink.shared(&event).map_err(unrecorded)?;
        }
        Ok(())
    }
}

impl Performing<'_> {
    /// Writes to the audit log what a step has disclosed, or may have.
    pub(super) fn log_disclosures(&self, position: usize, certain: bool) -> Result<(), PlanError> {
        let facts = self.kept.plan.facts.get(position);
        let Some((facts, sends)) = facts.and_then(|facts| Some((facts, facts.sends.as_ref()?)))
        else {
            return Ok(());
        };
        let Some(event) = sends.event.as_deref() else {
            return Ok(());
        };
        let message = self.made(position, sends);
        let asked = self.plans.authorize(facts, &self.caller);
        let policies = |deed: &str, id: &str| {
            let found = asked.iter().find(|asked| {
                asked.deed == deed && asked.record.is_some_and(|(_, known)| known == id)
            });
            found.map_or_else(Vec::new, |asked| asked.decision.policies.clone())
        };
        let ids = sends.ids();
        let note = |event: &str, record, fields: &[String], policies: &[String]| {
            let event = DisclosureEvent {
                call: self.sending.call(),
                plan: self.kept.digest.as_str(),
                step: position + 1,
                event,
                service: &sends.service,
                message: message.as_deref(),
                record,
                fields,
                recipients: &ids,
                group: sends.group.as_deref(),
                policies,
                policy: &self.plans.policy,
                certain,
            };
            self.plans.sink.shared(&event).map_err(unrecorded)
        };
        if sends.gives.is_empty() {
            let sent = asked.iter().find(|asked| asked.deed == sends.act);
            let policies = sent.map_or(&[][..], |asked| &asked.decision.policies);
            note(event, None, &[], policies)?;
        }
        for given in &sends.gives {
            let record = Some((given.record.as_str(), given.id.as_str()));
            note(
                event,
                record,
                &given.fields,
                &policies("disclose", &given.id),
            )?;
            if !given.expanded.is_empty() {
                let policies = policies("expand", &given.id);
                note("expand", record, &given.expanded, &policies)?;
            }
        }
        Ok(())
    }

    /// Returns the id of what a step created, from the service's answer.
    fn made(&self, position: usize, sends: &Sends) -> Option<String> {
        let policy = self.plans.outbound.policy();
        let rule = &self.kept.plan.facts.get(position)?.rule;
        let routes = &policy.destination(&sends.service)?.routes;
        let write = routes
            .iter()
            .find(|route| route.id == *rule)?
            .write
            .as_ref()?;
        let (status, body) = self.kept.steps.get(position)?.answer.as_ref()?;
        let body: Value = serde_json::from_slice(body).ok()?;
        let id = at(&body, &write.id)?.as_str()?;
        // Answers of services are untrusted: an id has to have the form of one.
        let word =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '@' | '.' | '<' | '>');
        let good = (1..=128).contains(&id.len()) && id.chars().all(word);
        (good && (200..300).contains(status)).then(|| id.to_owned())
    }
}
