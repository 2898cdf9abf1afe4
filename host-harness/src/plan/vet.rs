//! Checks a proposal before it is stored: its form, each step through the gate's own decision, what each does to which record, and
//! what it gives away to whom.

use std::collections::HashSet;

use http::{HeaderMap, HeaderValue, header};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::PlanError;
use super::proposal::{Proposal, Step, Timing};
use super::sends::{Sends, sends};
use crate::access::{Attributes, RecordKey, Seen};
use crate::outbound::documents::Verb;
use crate::outbound::guard::Guard;
use crate::outbound::kinds::Kinds;
use crate::outbound::policy::{Decision, Phase, Policy, Request, Settings};

/// Most steps of a plan.
const STEPS_MAX: usize = 32;
/// Longest id of a step, in bytes.
const ID_MAX: usize = 128;
/// Longest text of the skill's own, in characters.
const WORDS_MAX: usize = 2_000;
/// Most warnings of a plan: a person reads each before deciding.
const WARNINGS_MAX: usize = 8;
/// Most records that a plan says it is about.
const ABOUT_MAX: usize = 16;

/// What the host found out about a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Facts {
    /// Where the service was when it was proposed.
    pub origin: String,
    /// The rule that lets it through.
    pub rule: String,
    /// The trusted document that it carries.
    pub document: Option<String>,
    /// What it does to which records, the one that it is about first. Where there is none and it sends nothing either, the manifest
    /// does not say what it does, which no policy permits.
    pub touched: Vec<Touched>,
    /// What it sends to whom, of a step that is no document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sends: Option<Sends>,
}

/// What a step does to a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Touched {
    /// What it does.
    pub verb: String,
    /// The record's kind.
    pub kind: String,
    /// The record's id.
    pub id: String,
    /// Whether the plan itself makes it.
    pub new: bool,
    /// Whether the step only takes back what an earlier one did.
    pub undo: bool,
    /// The names of the fields that it sets.
    pub fields: Vec<String>,
    /// Whether the service said who owns it.
    pub owner_known: bool,
    /// Its owner's e-mail, as the service said.
    pub owner: Option<String>,
    /// Its stage, as the service said.
    pub stage: Option<String>,
}

impl Touched {
    /// The record.
    #[must_use]
    pub fn key(&self) -> RecordKey {
        RecordKey {
            kind: self.kind.clone(),
            id: self.id.clone(),
        }
    }

    /// The same, with this known of the record.
    pub(super) fn known_as(self, attributes: Attributes) -> Self {
        Self {
            owner_known: attributes.owner.is_some(),
            owner: attributes.owner.flatten(),
            stage: attributes.stage,
            ..self
        }
    }

    /// What is known of it.
    #[must_use]
    pub fn attributes(&self) -> Attributes {
        Attributes {
            owner: self.owner_known.then(|| self.owner.clone()),
            stage: self.stage.clone(),
        }
    }
}

/// What a proposal is checked against.
pub(crate) struct Vetting<'a> {
    pub(crate) policy: &'a Policy,
    /// What may be given away.
    pub(crate) kinds: &'a Kinds,
    /// What bound values have to be.
    pub(crate) settings: &'a Settings,
    /// What services answered during the call, which may not go to another one.
    pub(crate) guard: &'a Guard,
    /// What those answers told of records and people.
    pub(crate) seen: &'a Seen,
    /// The caller's e-mail, in small letters.
    pub(crate) caller: &'a str,
    pub(crate) request_bytes: usize,
}

/// Checks a proposal, takes out of its texts what may not leave, and finds out about each of its steps.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn vet(by: &Vetting<'_>, proposal: &mut Proposal) -> Result<Vec<Facts>, PlanError> {
    form(proposal, by.request_bytes)?;
    let mut redacted = Vec::new();
    for (index, step) in proposal.steps.iter_mut().enumerate() {
        redacted.push(redact(by, index, step)?);
    }
    let (policy, seen, caller_email) = (by.policy, by.seen, by.caller);
    let mut made: HashSet<RecordKey> = HashSet::new();
    let mut facts: Vec<Facts> = Vec::new();
    for (index, step) in proposal.steps.iter().enumerate() {
        let filled = fill(step, &|_| Some(Uuid::nil()))?;
        let allowed = decide(policy, by.settings, &filled, index)?;
        let acts = allowed.document.map_or(&[][..], |document| &document.acts);
        // A record whose id comes from a slot is not known yet: nobody is known to own it, so no step may touch it.
        let (variables, planned) = (variables_of(&filled.body), variables_of(&step.body));
        let mut touched = Vec::new();
        for acts in acts {
            let id_in = |variables: &Value| {
                let id = acts
                    .id
                    .iter()
                    .try_fold(variables, |value: &Value, name| value.get(name));
                id.and_then(Value::as_str).map(str::to_ascii_lowercase)
            };
            let Some(id) = id_in(&variables) else {
                return Err(wrong(index, "the id of its record is no text"));
            };
            // A place for an id that is not known yet, or an id: nothing else goes on record as one.
            if Uuid::try_parse(&id).is_err() {
                return Err(wrong(index, "the id of its record is no UUID"));
            }
            let key = RecordKey {
                kind: acts.kind.clone(),
                id,
            };
            // A record that an answer told of is there already, whatever the component says. Only what is sent in its turn makes one,
            // and not under an id that is not known yet.
            let known = seen.get(&key).is_some() || id_in(&planned).as_ref() != Some(&key.id);
            if acts.verb == Verb::Create && step.is_in_order() && !known {
                made.insert(key.clone());
            }
            let new = made.contains(&key);
            let attributes = if new {
                Attributes {
                    owner: Some(Some(caller_email.to_owned())),
                    stage: None,
                }
            } else {
                seen.get(&key).unwrap_or_default()
            };
            let one = Touched {
                verb: acts.verb.as_str().to_owned(),
                kind: key.kind,
                id: key.id,
                new,
                undo: !step.is_in_order(),
                fields: fields(&variables),
                owner_known: false,
                owner: None,
                stage: None,
            };
            touched.push(one.known_as(attributes));
        }
        let taken_out = redacted.get(index).cloned().unwrap_or_default();
        let sends = match &allowed.route.write {
            Some(write) => Some(sends(by, write, &allowed, index, proposal, &facts, &made)?),
            None if !step.disclosures.is_empty() => {
                return Err(wrong(index, "it gives nothing away, and says that it does"));
            }
            None => {
                // A document stays what it is: what it carries from another service is looked at all the same.
                let texts = super::sends::texts_of(&filled);
                by.guard
                    .let_write(&step.destination, &texts, &|_, _| false)
                    .map_err(|denial| gate(index, denial))?;
                None
            }
        };
        facts.push(Facts {
            origin: allowed.origin.as_str().to_owned(),
            rule: allowed.route.id.clone(),
            document: allowed.document.map(|document| document.name.clone()),
            touched,
            sends: sends.map(|sends| Sends {
                redacted: taken_out,
                ..sends
            }),
        });
    }
    Ok(facts)
}

/// The variables of a body.
fn variables_of(body: &str) -> Value {
    let body = serde_json::from_str::<Value>(body).ok();
    body.and_then(|mut body| body.get_mut("variables").map(Value::take))
        .unwrap_or(Value::Null)
}

/// A step with its slots filled, as it is sent. `value` gives what an earlier answer holds.
pub(super) fn fill(
    step: &Step,
    value: &dyn Fn(&super::proposal::Slot) -> Option<Uuid>,
) -> Result<Step, PlanError> {
    let mut filled = step.clone();
    for slot in &step.slots {
        let mark = format!("{{{{{}}}}}", slot.name);
        let id = value(slot).ok_or_else(|| {
            PlanError::Form(format!(
                "the answer of step `{}` has no id for `{}`",
                slot.step, slot.name
            ))
        })?;
        filled.path = filled.path.replace(&mark, &id.to_string());
        filled.body = filled.body.replace(&mark, &id.to_string());
    }
    Ok(filled)
}

/// Takes out of a step's texts what may not leave in them; what was taken out.
fn redact(by: &Vetting<'_>, index: usize, step: &mut Step) -> Result<Vec<String>, PlanError> {
    let filled = fill(step, &|_| Some(Uuid::nil()))?;
    let allowed = decide(by.policy, by.settings, &filled, index)?;
    let Some(write) = &allowed.route.write else {
        return Ok(Vec::new());
    };
    let mut body: Value =
        serde_json::from_str(&step.body).map_err(|_| wrong(index, "its body is no JSON"))?;
    let taken_out = write
        .body
        .redact(&mut body)
        .map_err(|unfit| wrong(index, unfit))?;
    if taken_out.changed {
        step.body = body.to_string();
    }
    // What the skill has taken out itself has left its mark.
    let marked = |kind: &redaction::Kind| {
        taken_out.found.contains(kind) || step.body.contains(kind.marker())
    };
    let kinds = redaction::Kind::ALL.into_iter().filter(marked);
    Ok(kinds.map(|kind| kind.name().to_owned()).collect())
}

pub(super) fn gate(index: usize, denial: crate::outbound::denial::Denial) -> PlanError {
    PlanError::Gate {
        step: index + 1,
        denial: Box::new(denial),
    }
}

/// The gate's own decision about a step.
fn decide<'p>(
    policy: &'p Policy,
    settings: &Settings,
    step: &Step,
    index: usize,
) -> Result<crate::outbound::policy::Allowed<'p>, PlanError> {
    let url = url(policy, step).ok_or_else(|| {
        wrong(
            index,
            format!("the service `{}` is not set up", step.destination),
        )
    })?;
    let headers = headers();
    let request = Request {
        method: &step.method.http(),
        url: &url,
        headers: &headers,
        body: step.body.as_bytes(),
    };
    match policy.decide_for(Phase::Perform, &request, settings) {
        Decision::Allow(allowed) if allowed.destination.name == step.destination => Ok(allowed),
        Decision::Allow(_) => Err(wrong(index, "it goes to another service than it names")),
        Decision::Deny(denial) => Err(gate(index, denial)),
    }
}

/// Where a step is sent.
pub(super) fn url(policy: &Policy, step: &Step) -> Option<String> {
    let origin = policy.destination(&step.destination)?.origin.as_ref()?;
    Some(format!("{}{}", origin.as_str(), step.path))
}

/// The headers of every step.
pub(super) fn headers() -> HeaderMap {
    let json = HeaderValue::from_static("application/json");
    HeaderMap::from_iter([(header::CONTENT_TYPE, json.clone()), (header::ACCEPT, json)])
}

pub(super) fn wrong(index: usize, what: impl std::fmt::Display) -> PlanError {
    PlanError::Form(format!("step {}: {what}", index + 1))
}

/// The names of the fields that a step sets: the members of its variables, those of an object below it.
fn fields(variables: &Value) -> Vec<String> {
    let mut names = Vec::new();
    for (name, value) in variables.as_object().into_iter().flatten() {
        match value {
            Value::Object(members) => names.extend(members.keys().cloned()),
            _ => names.push(name.clone()),
        }
    }
    names.sort();
    names.dedup();
    names
}

fn form(proposal: &Proposal, request_bytes: usize) -> Result<(), PlanError> {
    let said = [&proposal.words].into_iter().chain(&proposal.warnings);
    if said.clone().any(|text| text.chars().count() > WORDS_MAX) {
        return Err(PlanError::Form("its words are too many".into()));
    }
    for (count, most, what) in [
        (proposal.warnings.len(), WARNINGS_MAX, "warnings"),
        (proposal.about.len(), ABOUT_MAX, "records that it is about"),
    ] {
        if count > most {
            return Err(PlanError::Form(format!("it has more than {most} {what}")));
        }
    }
    match proposal.steps.len() {
        0 => return Err(PlanError::Form("it has no step".into())),
        count if count > STEPS_MAX => {
            return Err(PlanError::Form(format!(
                "it has more than {STEPS_MAX} steps"
            )));
        }
        _ => {}
    }
    let mut earlier: Vec<&Step> = Vec::new();
    for (index, step) in proposal.steps.iter().enumerate() {
        step_form(index, step, &earlier, request_bytes)?;
        earlier.push(step);
    }
    Ok(())
}

fn step_form(
    index: usize,
    step: &Step,
    earlier: &[&Step],
    request_bytes: usize,
) -> Result<(), PlanError> {
    let is_earlier = |id: &str| {
        earlier
            .iter()
            .any(|step| step.id == id && step.is_in_order())
    };
    let good = |id: &str| {
        (1..=ID_MAX).contains(&id.len())
            && id
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/".contains(&byte))
    };
    if !good(&step.id) || !step.once.as_deref().is_none_or(good) {
        return Err(wrong(
            index,
            "its id is not 1 to 128 letters, digits and `-_.:/`",
        ));
    }
    if let Timing::After(others) = &step.timing
        && !others.iter().all(|other| is_earlier(other))
    {
        return Err(wrong(index, "it comes after a step that is not before it"));
    }
    if earlier.iter().any(|other| other.id == step.id) {
        return Err(wrong(index, "another step has the same id"));
    }
    if step.words.chars().count() > WORDS_MAX {
        return Err(wrong(index, "its words are too many"));
    }
    if step.body.len() > request_bytes {
        return Err(wrong(
            index,
            format!("its body is larger than {request_bytes} bytes"),
        ));
    }
    let body: Value =
        serde_json::from_str(&step.body).map_err(|_| wrong(index, "its body is no JSON"))?;
    if let Timing::Compensates(other) = &step.timing
        && !is_earlier(other)
    {
        return Err(wrong(index, "it takes back a step that is not before it"));
    }
    if let Some(change) = step
        .changes
        .iter()
        .find(|change| body.pointer(&change.pointer).is_none())
    {
        return Err(wrong(
            index,
            format!("nothing stands at `{}`", change.pointer),
        ));
    }
    for slot in &step.slots {
        let mark = format!("{{{{{}}}}}", slot.name);
        let good = !slot.name.is_empty()
            && slot
                .name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && (step.path.contains(&mark) || step.body.contains(&mark))
            && slot.pointer.starts_with('/')
            && is_earlier(&slot.step);
        if !good {
            return Err(wrong(
                index,
                "it has a slot that is not used, or takes from no earlier step",
            ));
        }
    }
    Ok(())
}
