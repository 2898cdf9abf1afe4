//! What a person is shown before deciding, made by the host from the bytes that it will send.
//!
//! Every leaf of a body is one [`Shown`], in the order in which it is sent. What it is called, what it means and what it replaces
//! stand beside it: from the manifest's words and what the services answered, never in the place of what is sent.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::known::{id_of, place_of, values_of};
use super::leaves::{Leaf, Sent, Step as Place, leaves};
use super::proposal::{Step, Timing};
use super::store::Kept;
use super::telling::{Audience, Deed, Said, Telling, Told};
use super::{Facts, Given, Person, PlanState, Sends, Touched};
use crate::access::{Approval, Ruling};
use crate::digest::Digest;
use crate::json_path::Step as At;
use crate::outbound::body::Part;
use crate::outbound::policy::Policy;
use crate::outbound::policy::write_route::Write;
use crate::text::{cell, escaped, excerpt, visible};
use crate::words::{Holds, Words};

/// Longest text of the component's shown, in characters. What is sent is shown whole.
const SHOWN_MAX: usize = 400;
/// Longest value in a sentence of a full view, in characters; it stands whole among the values.
const SAID_MAX: usize = 120;
/// Most recipients by name in a sentence of a full view; everybody is listed below it.
const PEOPLE_MAX: usize = 8;

/// What a preview is made with: the services, and what a manifest says of values and words.
#[derive(Clone, Copy)]
pub(crate) struct Showing<'a> {
    pub(crate) policy: &'a Policy,
    /// Names of members whose numbers count in millionths.
    pub(crate) micros: &'a [String],
    pub(crate) words: &'a Words,
}

/// A plan, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Preview {
    /// Its digest: what is approved.
    pub plan: Digest,
    /// What it does, in the host's words.
    pub deed: String,
    /// The tool that proposed it.
    pub tool: String,
    /// On whose behalf.
    pub proposer: String,
    /// Where it stands.
    pub state: PlanState,
    /// Until when it can be approved (RFC 3339, UTC).
    pub expires: String,
    /// Whether a person has to approve it.
    pub approval: Approval,
    /// The skill's words for the whole.
    pub words: String,
    /// What will be sent, in order.
    pub steps: Vec<StepPreview>,
    /// What the skill wants the person to know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// A step, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StepPreview {
    /// Its id.
    pub id: String,
    /// What it does, in the host's words.
    pub deed: String,
    /// What it does to which record, by its kind and id.
    pub what: String,
    /// The service.
    pub to: String,
    /// Method and path.
    pub request: String,
    /// The trusted document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
    /// When it is sent, if not in its turn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// Every value that it carries, as it is sent.
    pub values: Vec<Shown>,
    /// Who gets it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<Person>,
    /// Who can read it beside them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Which fields of which record they get.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub disclosures: Vec<Shared>,
    /// What was taken out of its texts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub redacted: Vec<String>,
    /// What its texts repeat of records that it does not give away.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub repeats: Vec<String>,
    /// The skill's words for it.
    pub words: String,
    /// The policies that permit it.
    pub policies: Vec<String>,
    /// The service's name by itself.
    #[serde(skip)]
    pub service: String,
    /// Whether it is sent only to take back an earlier one.
    #[serde(skip)]
    pub undoes: bool,
    /// Whether somebody who gets it is not surely of the team.
    #[serde(skip)]
    pub outside: bool,
    /// The sentence about it.
    #[serde(skip)]
    pub(super) said: Deed,
    /// What its texts repeat, record by record.
    #[serde(skip)]
    pub(super) repeated: Vec<Shared>,
    /// Who gets it, in words.
    #[serde(skip)]
    pub(super) audience: Audience,
}

/// Fields of a record that a step gives away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shared {
    /// The record's kind.
    pub kind: String,
    /// The record's id.
    pub id: String,
    /// The record in words.
    pub record: String,
    /// The fields.
    pub fields: Vec<String>,
    /// Those of them that are not given by default.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expanded: Vec<String>,
    #[serde(skip)]
    pub(super) told: Told,
}

/// A value of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shown {
    /// Where it stands among the variables, such as `data.amount.amountMicros`.
    pub name: String,
    /// The value that is sent: a text in quotes with everything in it that is not seen escaped, anything else as it is written.
    pub value: String,
    /// What people call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it means: a time in the person's zone, an amount with its unit, a record by its label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub means: Option<String>,
    /// What it replaces, as the service answered; where no answer told it, it is marked as the skill's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The JSON in it, leaf by leaf, where the manifest types its place as content.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reading: Vec<Reading>,
    /// How it counts in a short view.
    #[serde(skip)]
    pub(super) sort: Sort,
    /// Its place, as the manifest's words name it.
    #[serde(skip)]
    pub(super) place: String,
    /// What it says to a person.
    #[serde(skip)]
    pub(super) told: Told,
    /// Whether it is text or JSON of a message's context.
    #[serde(skip)]
    pub(super) is_content: bool,
}

/// A leaf of JSON in a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reading {
    /// Where it stands in that.
    pub name: String,
    /// The value.
    pub value: String,
}

/// How a value counts in a short view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    /// As a value.
    Value,
    /// As the text that the recipients of a message read.
    Message,
    /// As part of the context of a message: told by how many records and texts there are.
    Context,
    /// Not at all: a constant, an id of the plan's own, or what the sentence tells already.
    Folded,
}

impl Shown {
    /// Returns what it says to a person, in at most about so many characters.
    pub(super) fn say(&self, most: usize) -> String {
        self.told.say(most)
    }

    /// Returns how many characters its text has.
    pub(super) fn size(&self) -> usize {
        match &self.told {
            Told::Text(text) => text.chars().count(),
            _ => 0,
        }
    }
}

impl Preview {
    pub(crate) fn of(by: Showing<'_>, kept: &Kept, rulings: &[Ruling]) -> Self {
        let proposal = &kept.plan.proposal;
        let telling = Telling::new(by.words, by.micros, &kept.plan, kept.made);
        let steps = proposal.steps.iter().zip(&kept.plan.facts).enumerate();
        let steps: Vec<StepPreview> = steps
            .map(|(index, (step, facts))| {
                let when = when(step, &proposal.steps);
                let ruling = rulings.get(index);
                of_step(by.policy, &telling, (step, facts), when, ruling)
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
            approval: if Ruling::let_go(rulings) {
                Approval::Auto
            } else {
                Approval::Required
            },
            words: words(&proposal.words),
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
    ruling: Option<&Ruling>,
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
    let mut said = telling.deed(facts, &found, &unit).unwrap_or_else(|| Deed {
        said: vec![Said::Words(what(facts))],
        ..Deed::default()
    });
    // An amount tells its unit.
    let units = telling.units(&found);
    said.places.extend(units.iter().cloned());
    let shown = Values {
        telling,
        facts,
        step,
        write: route.and_then(|route| route.write.as_ref()),
        unit: &unit,
        units,
        root,
    };
    let repeats = sends.map_or(&[][..], |sends| &sends.repeats);
    let repeated: Vec<Shared> = repeats.iter().map(|given| gives(telling, given)).collect();
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
        repeats: repeated.iter().map(not_given).collect(),
        words: words(&step.words),
        policies: ruling
            .map(|ruling| ruling.policies.clone())
            .unwrap_or_default(),
        service: title.clone(),
        undoes: matches!(step.timing, Timing::Compensates(_)),
        outside: sends.is_some_and(|sends| sends.outside),
        said,
        repeated,
        audience: sends.map(Audience::of).unwrap_or_default(),
    }
}

/// Makes the values of a step.
struct Values<'a> {
    telling: &'a Telling<'a>,
    facts: &'a Facts,
    step: &'a Step,
    write: Option<&'a Write>,
    unit: &'a dyn Fn(&str) -> Option<String>,
    /// Places of units that stand behind an amount.
    units: BTreeSet<String>,
    root: &'static str,
}

impl Values<'_> {
    fn all(&self, found: &[Leaf]) -> Vec<Shown> {
        let contexts: BTreeSet<String> = found
            .iter()
            .filter(|leaf| self.part(leaf) == Some(Part::Content))
            .filter_map(|leaf| Some(place_of(leaf).rsplit_once('.')?.0.to_owned()))
            .collect();
        found.iter().map(|leaf| self.one(leaf, &contexts)).collect()
    }

    /// The kind of the record that the step is about.
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

    fn one(&self, leaf: &Leaf, contexts: &BTreeSet<String>) -> Shown {
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
            (Sent::Text(text), Some(Part::Content)) => reading(text),
            _ => Vec::new(),
        };
        Shown {
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
                (Sent::Text(word), Some(Part::Word)) => Told::Words(word.clone()),
                (Sent::Text(text), _) => Told::Text(text.clone()),
                (Sent::Bare(raw), _) => Told::Words(raw.clone()),
            }),
        }
    }

    /// Checks whether a value is an id that the sentence about the step tells, or one that the plan has made up.
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

    /// Returns what a value replaces.
    fn before(&self, leaf: &Leaf, place: &str) -> Option<String> {
        if let Some(held) = self.telling.held(self.facts, place) {
            let Some(held) = held else {
                return Some("(nothing)".to_owned());
            };
            let held = Sent::Text(held);
            // What was counts in the unit that was.
            let unit = |place: &str| {
                let before = self.telling.held(self.facts, place).flatten();
                before.or_else(|| (self.unit)(place))
            };
            let means = self.telling.means(self.kind(), place, &held, &unit);
            let bare = || match &leaf.value {
                Sent::Bare(_) => visible(held.as_str()).into_owned(),
                Sent::Text(_) => cut(held.as_str()),
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

fn as_at(step: &Place) -> At<'_> {
    match step {
        Place::Name(name) => At::Name(name),
        Place::Index(index) => At::Index(*index),
    }
}

/// Whether a place is the one that a manifest names; its first step may be left out there.
fn is_place(place: &str, named: &str) -> bool {
    place == named
        || place
            .split_once('.')
            .is_some_and(|(_, below)| below == named)
}

/// The leaves of a text that is JSON. The gate has refused one that names a member twice.
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

/// What a step gives away of a record.
fn gives(telling: &Telling<'_>, given: &Given) -> Shared {
    let told = telling.record(Some(&given.record), &given.id);
    Shared {
        kind: given.kind.clone(),
        id: given.id.clone(),
        record: told.say(SAID_MAX),
        fields: given.fields.clone(),
        expanded: given.expanded.clone(),
        told,
    }
}

/// Somebody who gets a step: the name is the service's word, the id is what is sent.
fn person(person: &Person) -> Person {
    Person {
        id: escaped(&person.id),
        name: person.name.as_deref().map(words),
    }
}

/// A text of somebody else's, escaped, and no longer than need be: what it leaves out is counted.
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

/// The same in quotes.
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

/// A text of the host's own about what was answered, on one line.
pub(super) fn plain(text: &str) -> String {
    visible(text).into_owned()
}

/// What a step does to the record that it is about.
pub(super) fn what(facts: &Facts) -> String {
    match (facts.touched.first(), &facts.sends) {
        (Some(touched), _) => deed(touched),
        (None, Some(sends)) => sent(sends),
        (None, None) => facts.rule.clone(),
    }
}

/// What is sent to whom, by name.
pub(super) fn sent(sends: &Sends) -> String {
    let audience = Audience::of(sends);
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

/// What is done to a record.
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

/// Returns what a text repeats of a record, in words.
fn not_given(repeated: &Shared) -> String {
    format!(
        "the {} of {}, which this plan does not give away",
        repeated.fields.join(", "),
        repeated.record
    )
}

fn time(at: i64) -> String {
    Timestamp::from_millisecond(at).map_or_else(|_| at.to_string(), |at| at.to_string())
}

/// The JSON Schema of what a proposing tool answers.
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
