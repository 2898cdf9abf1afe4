//! What a person is shown before deciding, made by the host from the bytes that it will send.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::PlanState;
use super::proposal::{Step, Timing};
use super::store::Kept;
use super::{Digest, Facts, Given, Person, Sends, Touched};
use crate::access::{Approval, Ruling};
use crate::outbound::policy::Policy;

/// Longest text of the component's shown, in characters. What is sent is shown whole.
const SHOWN_MAX: usize = 400;
const MILLION: u64 = 1_000_000;

/// A plan, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Preview {
    /// Its digest: what is approved.
    pub plan: Digest,
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
    /// What the skill wants the person to know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// What will be sent, in order.
    pub steps: Vec<StepPreview>,
}

/// A step, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StepPreview {
    /// Its id.
    pub id: String,
    /// What it does to which record.
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
    /// The values that it carries.
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
    /// The id of the record that it is about, as `what` names it.
    #[serde(skip)]
    pub record: Option<String>,
    /// The service's name by itself.
    #[serde(skip)]
    pub service: String,
    /// Whether it is sent only to take back an earlier one.
    #[serde(skip)]
    pub undoes: bool,
    /// Whether somebody who gets it is not surely of the team.
    #[serde(skip)]
    pub outside: bool,
}

/// Fields of a record that a step gives away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shared {
    /// The record's kind.
    pub kind: String,
    /// The record's id.
    pub id: String,
    /// The fields.
    pub fields: Vec<String>,
    /// Those of them that are not given by default.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expanded: Vec<String>,
}

/// A value of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shown {
    /// Where it stands among the variables, such as `data.amount.amountMicros`.
    pub name: String,
    /// The value that is sent.
    pub value: String,
    /// What it comes to, where it counts in millionths.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub whole: Option<String>,
    /// What it replaces, in the skill's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
}

impl Shown {
    /// The value as a person reads it: beside one of another unit, millionths would be taken for a million times as much.
    pub(super) fn told(&self) -> Cow<'_, str> {
        match &self.whole {
            Some(whole) => format!("{whole} ({} millionths)", self.value).into(),
            None => self.value.as_str().into(),
        }
    }
}

impl Preview {
    /// `micros` are the names of members whose numbers count in millionths.
    pub(crate) fn of(kept: &Kept, policy: &Policy, micros: &[String], rulings: &[Ruling]) -> Self {
        let proposal = &kept.plan.proposal;
        let steps = proposal.steps.iter().zip(&kept.plan.facts).enumerate();
        let proposer = &kept.plan.proposer;
        Self {
            plan: kept.digest.clone(),
            tool: kept.plan.tool.clone(),
            proposer: proposer
                .id
                .clone()
                .or_else(|| proposer.email.clone())
                .unwrap_or_default(),
            state: kept.state,
            expires: time(kept.expires),
            approval: if Ruling::let_go(rulings) {
                Approval::Auto
            } else {
                Approval::Required
            },
            words: cut(&proposal.words),
            warnings: proposal.warnings.iter().map(|text| cut(text)).collect(),
            steps: steps
                .map(|(index, (step, facts))| {
                    let ruling = rulings.get(index);
                    let sends = facts.sends.as_ref();
                    let title = policy
                        .destination(&step.destination)
                        .map_or(&step.destination, |known| &known.title);
                    StepPreview {
                        id: step.id.clone(),
                        what: what(facts),
                        to: format!("{title} at {}", facts.origin),
                        request: format!("{} {}", step.method.http(), step.path),
                        document: facts.document.clone(),
                        when: when(step, &proposal.steps),
                        values: values(step, micros),
                        recipients: sends.map_or_else(Vec::new, |sends| {
                            sends.recipients.iter().map(person).collect()
                        }),
                        group: sends.and_then(|sends| sends.group.as_deref().map(plain)),
                        disclosures: sends
                            .map_or_else(Vec::new, |sends| sends.gives.iter().map(told).collect()),
                        redacted: sends.map_or_else(Vec::new, |sends| sends.redacted.clone()),
                        repeats: sends.map_or_else(Vec::new, |sends| {
                            sends.repeats.iter().map(repeated).collect()
                        }),
                        words: cut(&step.words),
                        policies: ruling
                            .map(|ruling| ruling.policies.clone())
                            .unwrap_or_default(),
                        record: facts.touched.first().map(|touched| touched.id.clone()),
                        service: title.clone(),
                        undoes: matches!(step.timing, Timing::Compensates(_)),
                        outside: sends.is_some_and(|sends| sends.outside),
                    }
                })
                .collect(),
        }
    }
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
    let names = sends.recipients.iter().map(|person| {
        let name = person.name.as_deref().unwrap_or(&person.id);
        cut(name)
    });
    let names: Vec<String> = names.collect();
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

/// The values of a step's variables, or of its whole body where it carries no document.
fn values(step: &Step, micros: &[String]) -> Vec<Shown> {
    let body: Value = serde_json::from_str(&step.body).unwrap_or_default();
    let (root, at) = match body.get("variables") {
        Some(variables) => (variables, "/variables"),
        None => (&body, ""),
    };
    let mut shown = Vec::new();
    leaves(root, at, "", &mut |pointer, name, value| {
        let change = step.changes.iter().find(|change| change.pointer == pointer);
        let counts = name.rsplit('.').next();
        let counts = counts.is_some_and(|member| micros.iter().any(|known| known == member));
        shown.push(Shown {
            name: name.to_owned(),
            value: plain(value),
            whole: counts.then(|| of_millionths(value)).flatten(),
            before: change.map(|change| cut(change.before.as_deref().unwrap_or("(nothing)"))),
        });
    });
    shown
}

/// What so many millionths come to; none of what is no whole number.
fn of_millionths(text: &str) -> Option<String> {
    let count: i64 = text.parse().ok()?;
    let sign = if count < 0 { "-" } else { "" };
    let (whole, rest) = (
        count.unsigned_abs() / MILLION,
        count.unsigned_abs() % MILLION,
    );
    let number = format!("{sign}{whole}.{rest:06}");
    Some(
        number
            .trim_end_matches('0')
            .trim_end_matches('.')
            .to_owned(),
    )
}

fn leaves(value: &Value, pointer: &str, name: &str, take: &mut dyn FnMut(&str, &str, &str)) {
    let dot = if name.is_empty() { "" } else { "." };
    match value {
        Value::Object(members) => {
            for (key, below) in members {
                let escaped = key.replace('~', "~0").replace('/', "~1");
                leaves(
                    below,
                    &format!("{pointer}/{escaped}"),
                    &format!("{name}{dot}{key}"),
                    take,
                );
            }
        }
        Value::Array(items) => {
            for (index, below) in items.iter().enumerate() {
                leaves(
                    below,
                    &format!("{pointer}/{index}"),
                    &format!("{name}[{index}]"),
                    take,
                );
            }
        }
        // JSON within a text is shown member by member, as whoever gets it reads it.
        Value::String(text) if text.starts_with('{') => match serde_json::from_str::<Value>(text) {
            Ok(inner @ Value::Object(_)) => leaves(&inner, pointer, name, take),
            _ => take(pointer, name, text),
        },
        Value::String(text) => take(pointer, name, text),
        other => take(pointer, name, &other.to_string()),
    }
}

/// What a text repeats of a record, in words.
fn repeated(given: &Given) -> String {
    format!(
        "the {} of {} {}, which this plan does not give away",
        given.fields.join(", "),
        given.record,
        given.id
    )
}

/// What a step gives away of a record.
fn told(given: &Given) -> Shared {
    Shared {
        kind: given.kind.clone(),
        id: given.id.clone(),
        fields: given.fields.clone(),
        expanded: given.expanded.clone(),
    }
}

/// Somebody who gets a step: the name is the service's word, the id is what is sent.
fn person(person: &Person) -> Person {
    Person {
        id: plain(&person.id),
        name: person.name.as_deref().map(cut),
    }
}

/// A text of the component's: on one line, with nothing hidden in it, and no longer than need be.
fn cut(text: &str) -> String {
    let clean = plain(text);
    let count = clean.chars().count();
    if count <= SHOWN_MAX {
        return clean;
    }
    let start: String = clean.chars().take(SHOWN_MAX).collect();
    format!("{start}... ({count} characters in all)")
}

/// A text on one line, with nothing hidden in it.
pub(super) fn plain(text: &str) -> String {
    // What moves the cursor or turns the direction of writing could hide what is sent; a line break could look like the next
    // line of the preview.
    let shown = |c: char| match c {
        '\n' => '\u{23ce}',
        c if hides(c) => '\u{fffd}',
        c => c,
    };
    text.chars().map(shown).collect()
}

fn hides(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{2028}' | '\u{2029}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
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
mod tests {
    use super::*;
    use crate::plan::proposal::{Change, Method};

    fn step(body: &str, changes: Vec<Change>) -> Step {
        Step {
            id: "s".into(),
            destination: "service".into(),
            method: Method::Post,
            path: "/query".into(),
            body: body.into(),
            words: String::new(),
            timing: Timing::InOrder,
            once: None,
            slots: Vec::new(),
            changes,
            basis: Vec::new(),
            disclosures: Vec::new(),
        }
    }

    #[test]
    fn every_value_that_is_sent_is_shown_with_what_it_replaces() {
        let change = |pointer: &str, before: Option<&str>| Change {
            pointer: pointer.into(),
            before: before.map(str::to_owned),
        };
        let step = step(
            r#"{"query":"mutation","variables":{"id":"1","data":{"name":"new","price":{"micros":5},"tags":["a","b"]}}}"#,
            vec![
                change("/variables/data/name", Some("old")),
                change("/variables/data/price/micros", None),
            ],
        );
        let shown: Vec<_> = values(&step, &["micros".to_owned()])
            .into_iter()
            .map(|shown| {
                let told = shown.told().into_owned();
                (shown.name, told, shown.before)
            })
            .collect();
        let line = |name: &str, value: &str, before: Option<&str>| {
            (name.to_owned(), value.to_owned(), before.map(str::to_owned))
        };
        assert_eq!(
            shown,
            [
                line("id", "1", None),
                line("data.name", "new", Some("old")),
                line(
                    "data.price.micros",
                    "0.000005 (5 millionths)",
                    Some("(nothing)")
                ),
                line("data.tags[0]", "a", None),
                line("data.tags[1]", "b", None),
            ]
        );
    }

    #[test]
    fn millionths_are_told_as_what_they_come_to() {
        for (text, expected) in [
            ("1250500000", Some("1250.5")),
            ("1000000", Some("1")),
            ("100000000", Some("100")),
            ("-1", Some("-0.000001")),
            ("0", Some("0")),
            ("9223372036854775807", Some("9223372036854.775807")),
            ("null", None),
            ("1.5", None),
        ] {
            assert_eq!(of_millionths(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn nothing_can_hide_in_what_is_shown() {
        assert_eq!(cut("a\n  digest 00"), "a\u{23ce}  digest 00");
        assert_eq!(
            cut("a\u{1b}[2Kb\u{202e}c\u{200b}"),
            "a\u{fffd}[2Kb\u{fffd}c\u{fffd}"
        );
        let long = "x".repeat(1_000);
        assert!(cut(&long).ends_with("... (1000 characters in all)"));
    }
}
