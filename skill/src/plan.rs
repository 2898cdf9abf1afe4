//! Builds plans. Ids are derived from the request, and steps carry trusted mutations or bodies for
//! other services. The same proposal for the same records gives the same plan to the byte, so that
//! the harness finds the earlier one. Only the time at which a message's records were read differs;
//! `once` then keeps the message from being sent twice.

use serde::Serialize;
use uuid::Uuid;

use crate::bindings::claw::skill::plan::Method;
pub use crate::bindings::claw::skill::plan::{Basis, Change, Disclosure, Plan, Slot, Step, Timing};
use crate::bindings::claw::skill::types::RecordRef;
use crate::context::Context;
use crate::failure::{self, Failure};
use crate::hidden_fields;

/// The UUID namespace of this skill (RFC 9562, section 6.5); drawn once.
const NAMESPACE: Uuid = Uuid::from_u128(0x5f1c_8a4e_93d7_4b0a_8f6e_2d41_c7b9_e035);

/// The most records that a plan says it is about, and the most warnings that the harness takes.
const ABOUT: usize = 16;
const WARNINGS: usize = 8;

/// The longest idempotency key, in characters.
const LONGEST_KEY: usize = 200;

/// The source of one proposal's ids: the workspace, the caller, the action, and the idempotency
/// key.
#[derive(Debug, Clone)]
pub struct Ids {
    base_url: String,
    caller: String,
    action: &'static str,
    key: Key,
    /// The warning about fields that could not be read, if there were any.
    unread: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
enum Key {
    /// An idempotency key from the caller.
    Given(String),
    /// The request and the day on which it was made, in place of a key. Ids are derived from the
    /// serialised names, which must not change.
    #[serde(rename = "Asked")]
    Derived {
        day: String,
        #[serde(rename = "what")]
        request: String,
    },
}

impl Ids {
    /// Prepares the ids of a proposal. Without an idempotency key, the request and the caller's day
    /// serve as one.
    ///
    /// # Errors
    /// `invalid-input` where no caller is set or the key cannot be used, `unavailable` where Twenty
    /// is not set up.
    pub fn new(
        ctx: &Context<'_>,
        action: &'static str,
        key: Option<&str>,
        request: &impl Serialize,
    ) -> Result<Self, Failure> {
        let key = match key {
            Some(key) => Key::Given(check_key(key)?),
            None => Key::Derived {
                day: ctx.zone().date(ctx.now).to_string(),
                request: serde_json::to_string(request).map_err(|_| unwritable())?,
            },
        };
        Ok(Self {
            base_url: ctx.crm_base_url().unwrap_or_default(),
            caller: caller(ctx)?,
            action,
            key,
            unread: hidden_fields::describe(&ctx.hidden()),
        })
    }

    /// Derives the id of a part of the proposal.
    pub fn id(&self, part: &str) -> String {
        // JSON keeps the parts apart, whatever is in them.
        let name =
            serde_json::to_string(&(&self.base_url, &self.caller, self.action, &self.key, part))
                .unwrap_or_default();
        Uuid::new_v5(&NAMESPACE, name.as_bytes())
            .hyphenated()
            .to_string()
    }
}

/// Returns the caller in whose name the proposal is made.
///
/// # Errors
/// `invalid-input` where the harness named none.
pub fn caller(ctx: &Context<'_>) -> Result<String, Failure> {
    ctx.setting("caller.email")
        .map(|email| email.to_lowercase())
        .ok_or_else(|| {
            failure::invalid_input(
                "caller",
                "a proposal is made in somebody's name, and no caller is set",
                "Ask the operator to set the caller's e-mail address in the harness (--caller-email or the operator file).",
            )
        })
}

fn check_key(key: &str) -> Result<String, Failure> {
    let key = key.trim();
    let length = key.chars().count();
    if (1..=LONGEST_KEY).contains(&length) && !key.chars().any(char::is_control) {
        return Ok(key.to_owned());
    }
    Err(failure::invalid_input(
        "idempotencyKey",
        format!(
            "it is empty, longer than {LONGEST_KEY} characters, or has control characters in it"
        ),
        "Give a short text that is the same for the same request, or leave it out.",
    ))
}

fn unwritable() -> Failure {
    failure::invalid_input(
        "request",
        "it cannot be written as JSON",
        "Call again with simpler arguments.",
    )
}

/// The place of a step in the order of sending; other steps are given by name.
#[derive(Debug)]
enum StepOrder {
    InOrder,
    After(Vec<&'static str>),
    Compensates(&'static str),
}

/// A step without its id.
#[derive(Debug)]
pub struct Draft {
    name: &'static str,
    destination: &'static str,
    path: String,
    route_in_id: bool,
    body: String,
    words: String,
    order: StepOrder,
    once: Option<String>,
    slots: Vec<(&'static str, &'static str, &'static str)>,
    changes: Vec<Change>,
    basis: Vec<Basis>,
    disclosures: Vec<Disclosure>,
}

impl Draft {
    /// Creates a step that posts a body to a path of a service. `{{slot}}` in the path is filled
    /// with a value that [`Self::filling`] names.
    ///
    /// # Errors
    /// `invalid-input` where the body cannot be written.
    pub fn post(
        name: &'static str,
        destination: &'static str,
        path: impl Into<String>,
        body: &impl Serialize,
        words: String,
    ) -> Result<Self, Failure> {
        let body = serde_json::to_string(body).map_err(|_| unwritable())?;
        Ok(Self {
            name,
            destination,
            path: path.into(),
            route_in_id: true,
            body,
            words,
            order: StepOrder::InOrder,
            once: None,
            slots: Vec::new(),
            changes: Vec::new(),
            basis: Vec::new(),
            disclosures: Vec::new(),
        })
    }

    /// Derives the id from the body alone, not from destination and path. Steps to the CRM have
    /// always had such ids, and an id must not change between versions.
    #[must_use]
    pub fn without_route_in_id(mut self) -> Self {
        self.route_in_id = false;
        self
    }

    /// Makes the step a compensation, sent only after the named step has failed for good.
    #[must_use]
    pub fn compensating(mut self, name: &'static str) -> Self {
        self.order = StepOrder::Compensates(name);
        self
    }

    /// Makes the step depend on these steps alone, whatever becomes of others.
    #[must_use]
    pub fn after(mut self, names: &[&'static str]) -> Self {
        self.order = StepOrder::After(names.to_vec());
        self
    }

    /// Sets the idempotency key, for a service that cannot recognise a repeated request.
    #[must_use]
    pub fn once(mut self, name: String) -> Self {
        self.once = Some(name);
        self
    }

    /// Fills a slot with the value at a JSON pointer in an earlier step's answer.
    #[must_use]
    pub fn filling(
        mut self,
        slot: &'static str,
        step: &'static str,
        pointer: &'static str,
    ) -> Self {
        self.slots.push((slot, step, pointer));
        self
    }

    /// Sets the fields that the step discloses.
    #[must_use]
    pub fn disclosing(mut self, disclosures: Vec<Disclosure>) -> Self {
        self.disclosures = disclosures;
        self
    }

    /// Sets the values that the step replaces, and the state of the record at planning.
    #[must_use]
    pub fn replacing(mut self, changes: Vec<Change>, basis: Basis) -> Self {
        self.changes = changes;
        self.basis = vec![basis];
        self
    }

    /// Returns the length of the body in bytes.
    pub fn size(&self) -> usize {
        self.body.len()
    }

    /// Collects the contents of the step from which its id is derived.
    fn push_content<'d>(&'d self, content: &mut Vec<&'d str>) {
        content.extend([self.name, self.body.as_str(), self.words.as_str()]);
        let basis = self.basis.iter();
        content.extend(basis.filter_map(|basis| basis.updated_at.as_deref()));
        content.extend(self.changes.iter().map(|change| change.pointer.as_str()));
        let before = self.changes.iter();
        content.extend(before.filter_map(|change| change.before.as_deref()));
        if self.route_in_id {
            content.extend([self.destination, self.path.as_str()]);
        }
        content.extend(self.once.as_deref());
        for (slot, step, pointer) in &self.slots {
            content.extend([*slot, step, pointer]);
        }
        if let StepOrder::After(names) = &self.order {
            content.push("after");
            content.extend(names);
        }
        for disclosure in &self.disclosures {
            content.extend([disclosure.ref_.kind.as_str(), disclosure.ref_.id.as_str()]);
            content.extend(disclosure.fields.iter().map(String::as_str));
        }
    }
}

/// Assembles a plan. The id of a step is unique across all plans, so it is derived from all that
/// the plan says; the ids of records in the bodies let a second try find the first.
pub fn plan(
    ids: &Ids,
    words: String,
    mut about: Vec<RecordRef>,
    mut warnings: Vec<String>,
    drafts: Vec<Draft>,
) -> Plan {
    warnings.extend(ids.unread.clone());
    about.truncate(ABOUT);
    if warnings.len() > WARNINGS {
        let more = warnings.len() - (WARNINGS - 1);
        warnings.truncate(WARNINGS - 1);
        warnings.push(format!(
            "There are {more} more warnings; ask for less at once to see them."
        ));
    }
    let mut content: Vec<&str> = vec![&words];
    content.extend(warnings.iter().map(String::as_str));
    for record in &about {
        content.extend([record.kind.as_str(), record.id.as_str()]);
    }
    for draft in &drafts {
        draft.push_content(&mut content);
    }
    let plan = ids.id(&serde_json::to_string(&content).unwrap_or_default());
    let id = |name: &str| format!("{plan}/{name}");
    let steps = drafts
        .into_iter()
        .map(|draft| Step {
            id: id(draft.name),
            destination: draft.destination.to_owned(),
            method: Method::Post,
            path: draft.path,
            body: draft.body,
            words: draft.words,
            timing: match draft.order {
                StepOrder::InOrder => Timing::InOrder,
                StepOrder::After(names) => Timing::After(names.into_iter().map(id).collect()),
                StepOrder::Compensates(name) => Timing::Compensates(id(name)),
            },
            once: draft.once,
            slots: draft
                .slots
                .into_iter()
                .map(|(name, step, pointer)| Slot {
                    name: name.to_owned(),
                    step: id(step),
                    pointer: pointer.to_owned(),
                })
                .collect(),
            changes: draft.changes,
            basis: draft.basis,
            disclosures: draft.disclosures,
        })
        .collect();
    Plan {
        words,
        about,
        steps,
        warnings,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(caller: &str, key: Key) -> Ids {
        Ids {
            base_url: "https://crm.example.com".to_owned(),
            caller: caller.to_owned(),
            action: "follow-up",
            key,
            unread: None,
        }
    }

    #[test]
    fn ids_are_stable_between_versions() {
        let ids = ids("me@example.com", Key::Given("k1".to_owned()));
        assert_eq!(ids.id("task"), "176ce928-3c15-5acc-adaf-fded32a7b8a8");
    }

    #[test]
    fn each_input_changes_the_id() {
        let given = |key: &str| Key::Given(key.to_owned());
        let derived = |day: &str, request: &str| Key::Derived {
            day: day.to_owned(),
            request: request.to_owned(),
        };
        let all = [
            ids("a@b.example", given("k")).id("task"),
            ids("a@b.example", given("k")).id("link"),
            ids("a@b.example", given("k\",\"task")).id(""),
            ids("b@b.example", given("k")).id("task"),
            ids("a@b.example", derived("2026-03-11", "x")).id("task"),
            ids("a@b.example", derived("2026-03-12", "x")).id("task"),
            ids("a@b.example", derived("2026-03-11", "y")).id("task"),
        ];
        let unique: std::collections::BTreeSet<&String> = all.iter().collect();
        assert_eq!(unique.len(), all.len());
    }
}
