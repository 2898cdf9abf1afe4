//! Checks a proposal before it is stored: its form, each step by the gate's own decision, its
//! writes to records, and its disclosures.

use std::collections::HashSet;

use serde_json::Value;
use uuid::Uuid;

use super::PlanError;
use super::checks::{ProposalContext, fill, gate, headers, placeholder, record_id, url, wrong};
use super::facts::{Facts, Sends, Touched};
use super::sends::sends;
use crate::events::Phase;
use crate::observed::RecordKey;
use crate::outbound::policy::documents::Verb;
use crate::outbound::policy::write_route::Recipients;
use crate::outbound::policy::{Policy, PolicyDecision, Request, Route, Settings};
use crate::proposal::{Proposal, Step, Timing};

/// Maximum number of steps of a plan.
const STEPS_MAX: usize = 32;
/// Maximum length of a step's id, in bytes.
const ID_MAX: usize = 128;
/// Maximum length of a text by the skill, in characters.
const WORDS_MAX: usize = 2_000;
/// Maximum number of warnings of a plan: a person reads each before deciding.
const WARNINGS_MAX: usize = 8;
/// Maximum number of records that a plan says it is about.
const ABOUT_MAX: usize = 16;

/// Prepares a proposal: checks its form, and redacts the texts of its steps. Returns the kinds of
/// data that were redacted, step by step.
///
/// # Errors
/// When the proposal is malformed, or a step may not be sent.
pub(crate) fn prepare(
    by: &ProposalContext<'_>,
    proposal: &mut Proposal,
) -> Result<Vec<Vec<String>>, PlanError> {
    form(proposal, by.request_bytes)?;
    let steps = proposal.steps.iter_mut().enumerate();
    steps.map(|(index, step)| redact(by, index, step)).collect()
}

/// Validates a prepared proposal, and establishes the facts about each of its steps.
///
/// # Errors
/// When a step may not be sent.
pub(crate) fn validate(
    by: &ProposalContext<'_>,
    proposal: &Proposal,
    redacted: &[Vec<String>],
) -> Result<Vec<Facts>, PlanError> {
    let (policy, seen) = (by.policy, by.seen);
    let mut made: HashSet<RecordKey> = HashSet::new();
    let mut facts: Vec<Facts> = Vec::new();
    for (index, step) in proposal.steps.iter().enumerate() {
        let filled = fill(step, &|_| Some(Uuid::now_v7()))?;
        let allowed = decide(policy, by.settings, &filled, index)?;
        check_slots(index, step, allowed.route)?;
        let acts = allowed.document.map_or(&[][..], |document| &document.acts);
        let variables = variables_of(&step.body);
        let mut touched = Vec::new();
        for acts in acts {
            let id = variable_at(&variables, &acts.id).and_then(Value::as_str);
            let Some(id) = id else {
                return Err(wrong(index, "the id of its record is no text"));
            };
            let key = RecordKey {
                kind: acts.kind.clone(),
                id: record_id(id).ok_or_else(|| wrong(index, "the id of its record is no UUID"))?,
            };
            // A record that an answer shows exists already, whatever the component says. Only a
            // step that is sent in order creates one.
            let known = seen.get(&key).is_some();
            if acts.verb == Verb::Create && step.is_in_order() && !known {
                made.insert(key.clone());
            }
            touched.push(by.touches(acts.verb, key, step, &variables, &made));
        }
        // A write that refers to other records links to each of them, and policy decides about each
        // link.
        for refers in allowed
            .document
            .map_or(&[][..], |document| &document.refers)
        {
            let id = match variable_at(&variables, &refers.id) {
                None | Some(Value::Null) => continue,
                Some(value) => value.as_str().filter(|id| Uuid::try_parse(id).is_ok()),
            };
            let Some(id) = id.map(str::to_ascii_lowercase) else {
                return Err(wrong(
                    index,
                    "the id of a record that it refers to is no UUID",
                ));
            };
            let key = RecordKey {
                kind: refers.kind.clone(),
                id,
            };
            touched.push(by.touches(Verb::Link, key, step, &variables, &made));
        }
        // A compensation step may only delete what the plan created: it must not write to anybody,
        // or change what existed before.
        if !step.is_in_order() {
            let takes_back =
                |touched: &Touched| touched.verb == Verb::Delete.as_str() && touched.new;
            if touched.is_empty() || !touched.iter().all(takes_back) {
                return Err(wrong(
                    index,
                    "a step that compensates may only delete what the plan itself makes",
                ));
            }
        }
        let taken_out = redacted.get(index).cloned().unwrap_or_default();
        let sends = match &allowed.route.write {
            Some(write) => Some(sends(by, write, &allowed, index, proposal, &facts, &made)?),
            None if !step.disclosures.is_empty() => {
                return Err(wrong(index, "it gives nothing away, and says that it does"));
            }
            None => {
                // The texts of a document are not rewritten, but checked for values of another
                // service like any others.
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

impl ProposalContext<'_> {
    /// Returns the write of a step to a record.
    fn touches(
        &self,
        verb: Verb,
        key: RecordKey,
        step: &Step,
        variables: &Value,
        made: &HashSet<RecordKey>,
    ) -> Touched {
        let new = made.contains(&key);
        Touched {
            verb: verb.as_str().to_owned(),
            known: self.attributes_of(&key, new),
            kind: key.kind,
            id: key.id,
            new,
            undo: !step.is_in_order(),
            fields: fields(variables),
        }
    }
}

/// Returns the value at a path of names among the variables.
fn variable_at<'v>(variables: &'v Value, path: &[String]) -> Option<&'v Value> {
    path.iter()
        .try_fold(variables, |value: &Value, name| value.get(name))
}

/// Returns the variables of a body.
fn variables_of(body: &str) -> Value {
    let body = serde_json::from_str::<Value>(body).ok();
    body.and_then(|mut body| body.get_mut("variables").map(Value::take))
        .unwrap_or(Value::Null)
}

/// Checks that a slot stands only where the manifest allows one: in the wildcard segment of a route
/// whose recipients follow from it. An id from an answer can name any record, so neither a document
/// nor any other path takes one: policy could not be asked about that record, and a person could
/// not see which one it is.
fn check_slots(index: usize, step: &Step, route: &Route) -> Result<(), PlanError> {
    let [slot, others @ ..] = step.slots.as_slice() else {
        return Ok(());
    };
    let of_segment = route
        .write
        .as_ref()
        .is_some_and(|write| write.recipients == Recipients::OfSegment);
    let only = route.pattern.wildcards(&step.path).next() == Some(&*placeholder(slot));
    if of_segment && only && others.is_empty() {
        return Ok(());
    }
    Err(wrong(
        index,
        "a value of an earlier answer may stand only in the path of a route with `recipients-of-segment`",
    ))
}

/// Redacts a step's texts and returns the kinds of data that were redacted.
fn redact(
    by: &ProposalContext<'_>,
    index: usize,
    step: &mut Step,
) -> Result<Vec<String>, PlanError> {
    let filled = fill(step, &|_| Some(Uuid::now_v7()))?;
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
    // Redactions by the skill itself leave a marker.
    let marked = |kind: &redaction::Kind| {
        taken_out.found.contains(kind) || step.body.contains(kind.marker())
    };
    let kinds = redaction::Kind::ALL.into_iter().filter(marked);
    Ok(kinds.map(|kind| kind.name().to_owned()).collect())
}

/// Returns the gate's decision about a step.
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
        PolicyDecision::Allow(allowed) if allowed.destination.name == step.destination => {
            Ok(allowed)
        }
        PolicyDecision::Allow(_) => Err(wrong(index, "it goes to another service than it names")),
        PolicyDecision::Deny(denial) => Err(gate(index, denial)),
    }
}

/// Returns the names of the fields that a step sets: the members of its variables, or of an object
/// below them.
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
        let good = !slot.name.is_empty()
            && slot
                .name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && step.path.contains(&placeholder(slot))
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
