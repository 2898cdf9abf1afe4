//! Previews of plans, made by the host from the bytes that it will send.
//!
//! Every leaf of a body is one [`ShownValue`], in the order in which it is sent. Its title, its
//! meaning and the value that it replaces stand beside it. They come from the manifest's words and
//! the services' answers, and never take the place of what is sent.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::known::{id_of, place_of, values_of};
use super::leaves::{Leaf, LeafStep as Place, LeafValue, leaves};
use super::store::StoredPlan;
use super::telling::{AudienceText, Said, StepSentence, Telling, ValueText};
use super::{Disclosure, Facts, Person, Sends, Touched};
use crate::access::{Approval, Decision};
use crate::json_path::PathStep as At;
use crate::outbound::body::Part;
use crate::outbound::policy::Policy;
use crate::outbound::policy::write_route::Write;
use crate::proposal::{Step, Timing};
use crate::text::{cell, escaped, excerpt, visible};
use crate::words::{Holds, Words};

pub(super) use super::preview_model::Sort;
pub use super::preview_model::{Preview, Reading, SharedFields, ShownValue, StepPreview};

/// Maximum length of a text by the component, in characters. Values that are sent are shown whole.
const SHOWN_MAX: usize = 400;
/// Maximum length of a value in a sentence, in characters; it stands whole among the values.
const SAID_MAX: usize = 120;
/// Maximum number of recipients named in a sentence; all of them are listed below it.
const PEOPLE_MAX: usize = 8;

/// The parts of the set-up that a preview is made from: the services, and the manifest's values and
/// words.
#[derive(Clone, Copy)]
pub(crate) struct Showing<'a> {
    pub(crate) policy: &'a Policy,
    /// Names of members whose numbers are in millionths.
    pub(crate) micros: &'a [String],
    pub(crate) words: &'a Words,
}

impl Preview {
    pub(crate) fn of(by: Showing<'_>, kept: &StoredPlan, decisions: &[Decision]) -> Self {
        let proposal = &kept.plan.proposal;
        let telling = Telling::new(by.words, by.micros, &kept.plan, kept.made);
        let steps = proposal.steps.iter().zip(&kept.plan.facts).enumerate();
        let steps: Vec<StepPreview> = steps
            .map(|(index, (step, facts))| {
                let when = when(step, &proposal.steps);
                let decision = decisions.get(index);
                of_step(by.policy, &telling, (step, facts), when, decision)
            })
            .collect();
        let proposer = &kept.plan.proposer;
        let proposer = proposer.id.as_deref().or(proposer.email.as_deref());
        Self {
            plan: kept.digest.clone(),
            deed: super::render_short::title(&steps, SAID_MAX, usize::MAX),
            tool: kept.plan.tool.clone(),
            proposer: visible(proposer.unwrap_or_default()).into_owned(),
            state: kept.state,
            expires: time(kept.expires),
            approval: if Decision::is_auto_approved(decisions) {
                Approval::Auto
            } else {
                Approval::Required
            },
            words: words(&proposal.words),
            replaces: kept.replaces.clone(),
            warnings: proposal.warnings.iter().map(|text| words(text)).collect(),
            steps,
        }
    }
}

fn of_step(
    policy: &Policy,
    telling: &Telling<'_>,
    (step, facts): (&Step, &Facts),
    when: Option<String>,
    decision: Option<&Decision>,
) -> StepPreview {
    let destination = policy.destination(&step.destination);
    let title = destination.map_or(&step.destination, |known| &known.title);
    let route =
        destination.and_then(|known| known.routes.iter().find(|route| route.id == facts.rule));
    let sends = facts.sends.as_ref();
    let (found, root) = values_of(step, facts.document.is_some());
    let unit = |place: &str| {
        let leaf = found.iter().find(|leaf| is_place(&place_of(leaf), place));
        let held = || telling.held(facts, place).flatten();
        leaf.map(|leaf| leaf.value.as_str().to_owned())
            .or_else(held)
    };
    let mut said = telling
        .deed(facts, &found, &unit)
        .unwrap_or_else(|| StepSentence {
            said: vec![Said::Words(what(facts))],
            ..StepSentence::default()
        });
    // A unit is shown with its amount.
    let units = telling.units(&found);
    said.places.extend(units.iter().cloned());
    let shown = ValuePreviews {
        telling,
        facts,
        step,
        write: route.and_then(|route| route.write.as_ref()),
        unit: &unit,
        units,
        root,
    };
    let repeats = sends.map_or(&[][..], |sends| &sends.repeats);
    let repeated: Vec<SharedFields> = repeats.iter().map(|given| gives(telling, given)).collect();
    let partly_compared = sends.is_some_and(|sends| sends.partly_compared);
    let uncompared = partly_compared.then(|| {
        format!(
            "it could not be compared with all that was answered in the last {} minutes",
            super::recent::minutes()
        )
    });
    StepPreview {
        id: step.id.clone(),
        deed: Some(said.say(SAID_MAX, PEOPLE_MAX))
            .filter(|deed| !deed.is_empty())
            .unwrap_or_else(|| what(facts)),
        what: what(facts),
        to: format!("{title} at {}", facts.origin),
        request: format!("{} {}", step.method.http(), visible(&step.path)),
        document: facts.document.clone(),
        when,
        values: shown.all(&found),
        recipients: sends.map_or_else(Vec::new, |sends| {
            sends.recipients.iter().map(person).collect()
        }),
        group: sends.and_then(|sends| sends.group.as_deref().map(escaped)),
        disclosures: sends.map_or_else(Vec::new, |sends| {
            sends
                .gives
                .iter()
                .map(|given| gives(telling, given))
                .collect()
        }),
        redacted: sends.map_or_else(Vec::new, |sends| sends.redacted.clone()),
        repeats: repeated.iter().map(not_given).chain(uncompared).collect(),
        words: words(&step.words),
        policies: decision
            .map(|decision| decision.policies.clone())
            .unwrap_or_default(),
        service: title.clone(),
        compensates: !step.is_in_order(),
        outside: sends.is_some_and(|sends| sends.outside),
        said,
        repeated,
        partly_compared,
        audience: sends.map(AudienceText::of).unwrap_or_default(),
    }
}

struct ValuePreviews<'a> {
    telling: &'a Telling<'a>,
    facts: &'a Facts,
    step: &'a Step,
    write: Option<&'a Write>,
    unit: &'a dyn Fn(&str) -> Option<String>,
    /// Places of units that are shown with an amount.
    units: BTreeSet<String>,
    root: &'static str,
}

impl ValuePreviews<'_> {
    fn all(&self, found: &[Leaf]) -> Vec<ShownValue> {
        let contexts: BTreeSet<String> = found
            .iter()
            .filter(|leaf| self.part(leaf) == Some(Part::Content))
            .filter_map(|leaf| Some(place_of(leaf).rsplit_once('.')?.0.to_owned()))
            .collect();
        found.iter().map(|leaf| self.one(leaf, &contexts)).collect()
    }

    /// Returns the kind of the record that the step is about.
    fn kind(&self) -> Option<&str> {
        self.facts
            .touched
            .first()
            .map(|touched| touched.kind.as_str())
    }

    fn part(&self, leaf: &Leaf) -> Option<Part> {
        let place: Vec<At<'_>> = leaf.place.iter().map(as_at).collect();
        self.write?.body.part_at(&place)
    }

    fn one(&self, leaf: &Leaf, contexts: &BTreeSet<String>) -> ShownValue {
        let place = place_of(leaf);
        let kind = self.kind();
        let means = self.telling.means(kind, &place, &leaf.value, self.unit);
        let part = self.part(leaf);
        let in_context = (contexts.iter()).any(|context| {
            place
                .strip_prefix(context.as_str())
                .is_some_and(|rest| rest.starts_with('.'))
        });
        let field = self.telling.field(leaf);
        let sort = match field.map(|field| field.holds) {
            Some(Holds::Message) => Sort::Message,
            Some(Holds::Constant) => Sort::Folded,
            _ if self.units.contains(&place) => Sort::Folded,
            _ if in_context => Sort::Context,
            _ if part == Some(Part::Fixed) || self.is_own(leaf, field.is_some()) => Sort::Folded,
            _ => Sort::Value,
        };
        let reading = match (&leaf.value, part) {
            (LeafValue::Text(text), Some(Part::Content)) => reading(text),
            _ => Vec::new(),
        };
        ShownValue {
            name: leaf.name(),
            value: leaf.value.cell(),
            title: field.map(|field| field.title.clone()),
            means: means.as_ref().map(|told| told.say(SAID_MAX)),
            before: self.before(leaf, &place),
            reading,
            sort,
            place,
            is_content: part == Some(Part::Content),
            told: means.unwrap_or_else(|| match (&leaf.value, part) {
                // A word of the manifest's own list needs no quotes.
                (LeafValue::Text(word), Some(Part::Word)) => ValueText::Words(word.clone()),
                (LeafValue::Text(text), _) => ValueText::Text(text.clone()),
                (LeafValue::Bare(raw), _) => ValueText::Words(raw.clone()),
            }),
        }
    }

    /// Checks whether a value is an id that the sentence about the step shows, or one that the plan
    /// has generated.
    fn is_own(&self, leaf: &Leaf, named: bool) -> bool {
        let sent = leaf.value.as_str();
        let recipient = |sends: &Sends| sends.recipients.iter().any(|person| person.id == sent);
        if self.facts.sends.as_ref().is_some_and(recipient) {
            return true;
        }
        let Some(id) = id_of(&leaf.value) else {
            return false;
        };
        let itself = self
            .facts
            .touched
            .first()
            .is_some_and(|touched| touched.id == id);
        itself || self.telling.makes(&id) || (!named && !self.telling.is_named(&id))
    }

    /// Returns the value that a value replaces.
    fn before(&self, leaf: &Leaf, place: &str) -> Option<String> {
        if let Some(held) = self.telling.held(self.facts, place) {
            let Some(held) = held else {
                return Some("(nothing)".to_owned());
            };
            let held = LeafValue::Text(held);
            // The previous amount is in the previous unit.
            let unit = |place: &str| {
                let before = self.telling.held(self.facts, place).flatten();
                before.or_else(|| (self.unit)(place))
            };
            let means = self.telling.means(self.kind(), place, &held, &unit);
            let bare = || match &leaf.value {
                LeafValue::Bare(_) if is_bare(held.as_str()) => held.as_str().to_owned(),
                LeafValue::Bare(_) | LeafValue::Text(_) => cut(held.as_str()),
            };
            return Some(means.map_or_else(bare, |told| told.say(SAID_MAX)));
        }
        let pointer = leaf.pointer(self.root);
        let change = self
            .step
            .changes
            .iter()
            .find(|change| change.pointer == pointer)?;
        Some(match &change.before {
            Some(before) => format!("(the skill says: {})", cut(before)),
            None => "(the skill says: nothing)".to_owned(),
        })
    }
}

/// Checks that a text is a number, `true`, `false` or `null`, which stand without quotes.
fn is_bare(text: &str) -> bool {
    serde_json::from_str::<Value>(text)
        .is_ok_and(|value| value.is_number() || value.is_boolean() || value.is_null())
        && text.trim() == text
}

fn as_at(step: &Place) -> At<'_> {
    match step {
        Place::Name(name) => At::Name(name),
        Place::Index(index) => At::Index(*index),
    }
}

/// Checks whether a place is the one that a manifest names, which may leave out the first segment.
fn is_place(place: &str, named: &str) -> bool {
    place == named
        || place
            .split_once('.')
            .is_some_and(|(_, below)| below == named)
}

/// Returns the leaves of a text that is JSON. The gate has refused a text with duplicate members.
fn reading(text: &str) -> Vec<Reading> {
    if !text.trim_start().starts_with('{') || serde_json::from_str::<Value>(text).is_err() {
        return Vec::new();
    }
    let one = |leaf: &Leaf| Reading {
        name: leaf.name(),
        value: leaf.value.cell(),
    };
    leaves(text).iter().map(one).collect()
}

/// Returns the disclosed fields of a record for a preview.
fn gives(telling: &Telling<'_>, given: &Disclosure) -> SharedFields {
    let told = telling.record(Some(&given.record), &given.id);
    SharedFields {
        kind: given.kind.clone(),
        id: given.id.clone(),
        record: told.say(SAID_MAX),
        fields: given.fields.clone(),
        expanded: given.expanded.clone(),
        told,
    }
}

/// Returns a recipient for a preview: the name comes from the service, the id is what is sent.
fn person(person: &Person) -> Person {
    Person {
        id: escaped(&person.id),
        name: person.name.as_deref().map(words),
    }
}

/// Escapes and shortens a text from outside the host, without quotes, and appends the number of
/// omitted characters.
fn words(text: &str) -> String {
    let (shown, left) = shortened(text);
    let inner = shown
        .get(1..shown.len().saturating_sub(1))
        .unwrap_or_default();
    match left {
        0 => inner.to_owned(),
        left => format!("{inner}\u{2026} ({left} more characters)"),
    }
}

/// Does the same, with quotes.
fn cut(text: &str) -> String {
    let (shown, left) = shortened(text);
    match left {
        0 => shown,
        left => format!("{shown}\u{2026} ({left} more characters)"),
    }
}

fn shortened(text: &str) -> (String, usize) {
    match text.chars().count() <= SHOWN_MAX {
        true => (cell(text), 0),
        false => excerpt(text, SHOWN_MAX),
    }
}

/// Escapes a text of the host about an answer, so that it stays on one line.
pub(super) fn plain(text: &str) -> String {
    visible(text).into_owned()
}

/// Describes what a step does to the record that it is about.
pub(super) fn what(facts: &Facts) -> String {
    match (facts.touched.first(), &facts.sends) {
        (Some(touched), _) => deed(touched),
        (None, Some(sends)) => sent(sends),
        (None, None) => facts.rule.clone(),
    }
}

/// Describes a message and its recipients, by name.
pub(super) fn sent(sends: &Sends) -> String {
    let audience = AudienceText::of(sends);
    let names: Vec<String> = (audience.people.iter())
        .map(|one| one.say(SAID_MAX))
        .collect();
    let Sends { act, kind, .. } = sends;
    let whom = match (names.as_slice(), sends.group.is_some()) {
        ([], false) => String::new(),
        ([], true) => " to the whole team".to_owned(),
        (names, false) => format!(" to {}", names.join(", ")),
        (names, true) => format!(" to {} and the whole team", names.join(", ")),
    };
    format!("{act}: {kind}{whom}")
}

/// Describes a write to a record.
pub(super) fn deed(touched: &Touched) -> String {
    let Touched { verb, kind, id, .. } = touched;
    match verb.as_str() {
        _ if touched.undo => format!("take back: {verb} {kind} {id}"),
        "link" => format!("link to {kind} {id}"),
        _ => format!("{verb} {kind} {id}"),
    }
}

fn when(step: &Step, steps: &[Step]) -> Option<String> {
    let number = |id: &String| {
        steps
            .iter()
            .position(|step| step.id == *id)
            .map(|at| at + 1)
    };
    match &step.timing {
        Timing::InOrder => None,
        Timing::After(others) if others.is_empty() => {
            Some("whatever becomes of the others".to_owned())
        }
        Timing::After(others) => {
            let numbers = others.iter().filter_map(number);
            let numbers: Vec<String> = numbers.map(|number| number.to_string()).collect();
            Some(format!("after step {}", numbers.join(" and ")))
        }
        Timing::Compensates(other) => {
            Some(format!("only if step {} fails for good", number(other)?))
        }
    }
}

/// Describes what a text repeats of a record.
fn not_given(repeated: &SharedFields) -> String {
    format!(
        "the {} of {}, which this plan does not give away",
        repeated.fields.join(", "),
        repeated.record
    )
}

fn time(at: i64) -> String {
    Timestamp::from_millisecond(at).map_or_else(|_| at.to_string(), |at| at.to_string())
}

/// Returns the JSON Schema of a proposing tool's answer.
pub(crate) fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "plan": {"type": "string", "description": "The plan's digest."},
            "state": {"type": "string", "description": "waiting: a person has to approve it. done: everything was done. Others say what came of it."},
            "preview": {"type": "object", "description": "What will be sent."},
            "outcome": {"type": "object", "description": "What came of it, step by step."},
            "next": {"type": "string", "description": "What to do next."},
        },
        "required": ["plan", "state", "preview", "next"],
    })
}

#[cfg(test)]
pub(super) mod tests;
