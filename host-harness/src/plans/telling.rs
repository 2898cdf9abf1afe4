//! Describes steps in words: the meaning of their values, and the sentence about what a step does.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::known::{Known, id_of, option_of, place_of, values_of};
use super::leaves::{Leaf, LeafValue};
use super::plan::Plan;
use super::{Facts, Sends};
use crate::observed::FieldValue;
use crate::text::{excerpt, visible};
use crate::words::{FieldWords, Holds, Piece, Words};

const MILLION: u64 = 1_000_000;
/// Longest name of a person that stands without quotes, in characters, and most words of it.
const NAME_MAX: usize = 40;
const NAME_WORDS: usize = 4;
/// Words of names that begin with a small letter.
const PARTICLES: [&str; 24] = [
    "af", "al", "av", "bin", "da", "das", "de", "del", "den", "der", "di", "do", "dos", "du", "el",
    "ibn", "la", "le", "ter", "van", "vom", "von", "zu", "zur",
];
/// Words that could go on with the sentence that a name stands in.
const SENTENCE_WORDS: [&str; 14] = [
    "all",
    "and",
    "due",
    "everybody",
    "everyone",
    "for",
    "from",
    "nobody",
    "of",
    "or",
    "team",
    "the",
    "to",
    "with",
];
/// Digits of an id in a short view.
const ID_SHORT: usize = 8;

/// A value in words for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ValueText {
    /// The host's own words: times, amounts, words of a manifest.
    Words(String),
    /// A text from outside the host, which is quoted.
    Text(String),
    /// The name of a person, as a service gives it.
    Name(String),
    /// A record.
    Record {
        /// Its display name; empty if its kind is not known.
        called: String,
        /// Its label, from a service's answer or from the plan that creates it.
        label: Option<String>,
        /// Its id.
        id: String,
    },
}

impl ValueText {
    /// Returns it in at most about `most` characters; an omission is marked.
    pub(super) fn say(&self, most: usize) -> String {
        match self {
            Self::Words(words) => visible(words).into_owned(),
            Self::Text(text) => cut(text, most),
            Self::Name(name) if is_name(name) => name.clone(),
            Self::Name(name) => cut(name, most),
            Self::Record {
                called,
                label: Some(label),
                ..
            } => format!("{called} {}", cut(label, most))
                .trim_start()
                .to_owned(),
            Self::Record {
                called,
                label: None,
                id,
            } => {
                let id = if most > id.len() + 2 {
                    visible(id)
                } else {
                    visible(id.get(..ID_SHORT).unwrap_or(id))
                };
                format!("{called} {id} (an id that no answer named)")
                    .trim_start()
                    .to_owned()
            }
        }
    }
}

fn cut(text: &str, most: usize) -> String {
    let (shown, left) = excerpt(text, most);
    if left == 0 {
        shown
    } else {
        format!("{shown}\u{2026}")
    }
}

/// Checks that a name can stand without quotes: letters, and what stands between letters of names.
fn is_name(name: &str) -> bool {
    name.chars().count() <= NAME_MAX
        && name.split(' ').count() <= NAME_WORDS
        && visible(name) == name
        // Words of a sentence begin small; of names only such as `de` and `von` do.
        && name.split(' ').all(|word| {
            word.starts_with(|c: char| c.is_alphabetic() && !c.is_lowercase())
                || PARTICLES.contains(&word)
        })
        && !name
            .split(' ')
            .any(|word| SENTENCE_WORDS.contains(&word.to_lowercase().as_str()))
        && name
            .chars()
            .all(|c| c.is_alphabetic() || matches!(c, ' ' | '-' | '\'' | '\u{2019}'))
}

/// The recipients of a step.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct AudienceText {
    /// The people, by name, or by id or address if no name is known.
    pub(super) people: Vec<ValueText>,
    /// True if the whole group can read it.
    pub(super) group: bool,
    /// True if a recipient is not known to belong to the team.
    pub(super) outside: bool,
}

impl AudienceText {
    pub(super) fn of(sends: &Sends) -> Self {
        // Two people of the same name are told apart by their ids.
        let names: Vec<_> = sends.recipients.iter().map(|person| &person.name).collect();
        let people = sends.recipients.iter().map(|person| match &person.name {
            Some(name) if names.iter().filter(|other| **other == &person.name).count() == 1 => {
                ValueText::Name(name.clone())
            }
            Some(name) => ValueText::Words(format!(
                "{} ({})",
                ValueText::Name(name.clone()).say(NAME_MAX),
                person.id
            )),
            None if is_address(&person.id) => ValueText::Words(person.id.clone()),
            None => ValueText::Text(person.id.clone()),
        });
        Self {
            people: people.collect(),
            group: sends.group.is_some(),
            outside: sends.outside,
        }
    }

    /// Returns the first `count` recipients in words, and the number of others.
    pub(super) fn say(&self, count: usize, most: usize) -> String {
        let named = self.people.iter().take(count).map(|one| one.say(most));
        let mut all: Vec<String> = named.collect();
        match self.people.len().saturating_sub(count) {
            0 => {}
            more if all.is_empty() => all.push(format!("{more} people")),
            more => all.push(format!("{more} more")),
        }
        if self.group {
            all.push("the whole team".to_owned());
        }
        let last = all.pop().unwrap_or_default();
        let mut said = if all.is_empty() {
            last
        } else {
            format!("{} and {last}", all.join(", "))
        };
        if self.outside {
            said.push_str(" (outside the team)");
        }
        said
    }
}

/// Checks whether an address can stand without quotes.
fn is_address(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"@.-_+".contains(&byte))
        && text.matches('@').count() == 1
}

/// A piece of a sentence about a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    /// Words of the manifest or of the host.
    Words(String),
    /// A value.
    Value(ValueText),
    /// The recipients.
    Audience(AudienceText),
}

/// The sentence about a step, and the places of the values in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct StepSentence {
    pub(super) said: Vec<Said>,
    pub(super) places: BTreeSet<String>,
    pub(super) part: bool,
}

impl StepSentence {
    /// Returns the sentence, with at most about `most` characters of a value and `people`
    /// recipients by name.
    pub(super) fn say(&self, most: usize, people: usize) -> String {
        let said = self.said.iter().map(|said| match said {
            Said::Words(words) => visible(words).into_owned(),
            Said::Value(told) => told.say(most),
            Said::Audience(audience) => audience.say(people, most),
        });
        said.collect()
    }
}

/// The context in which a plan is put into words.
pub(super) struct Telling<'a> {
    words: &'a Words,
    micros: &'a [String],
    known: &'a Known,
    /// Records that the plan creates: kind and label by id.
    made: BTreeMap<String, (String, Option<String>)>,
    zone: TimeZone,
    utc: bool,
    /// The year of the proposal, which dates leave out.
    year: i16,
}

impl<'a> Telling<'a> {
    pub(super) fn new(
        words: &'a Words,
        micros: &'a [String],
        plan: &'a Plan,
        proposed: i64,
    ) -> Self {
        let named = plan.proposer.time_zone.as_deref();
        let zone = named.and_then(|name| TimeZone::get(name).ok());
        let utc = zone.is_none();
        let zone = zone.unwrap_or(TimeZone::UTC);
        let proposed = Timestamp::from_millisecond(proposed).unwrap_or_default();
        let year = proposed.to_zoned(zone.clone()).year();
        let mut made = BTreeMap::new();
        for (step, facts) in plan.proposal.steps.iter().zip(&plan.facts) {
            for touched in facts.touched.iter().filter(|touched| touched.new) {
                let entry: &mut (String, Option<String>) = made
                    .entry(touched.id.clone())
                    .or_insert_with(|| (touched.kind.clone(), None));
                if touched.verb == crate::outbound::policy::documents::Verb::Create.as_str() {
                    let (leaves, _) = values_of(step, facts.document.is_some());
                    let place = words
                        .records
                        .get(&touched.kind)
                        .and_then(|words| words.label.as_deref());
                    entry.1 = place.and_then(|place| joined(&leaves, place));
                }
            }
        }
        Self {
            words,
            micros,
            known: &plan.known,
            made,
            zone,
            utc,
            year,
        }
    }

    pub(super) fn field(&self, leaf: &Leaf) -> Option<&'a FieldWords> {
        self.words.field(&place_of(leaf))
    }

    /// Returns the current value of a field of the record that a step changes, if an answer
    /// contains it.
    pub(super) fn held(&self, facts: &Facts, place: &str) -> Option<FieldValue> {
        let touched = facts.touched.first()?;
        let held = self.known.held.get(&touched.id)?;
        let is_at = |known: &&String| {
            let below = |place: &str| place.split_once('.').map(|(_, below)| below.to_owned());
            known.as_str() == place
                || below(known).as_deref() == Some(place)
                || below(place).as_ref() == Some(known)
        };
        let found = held.keys().find(is_at)?;
        held.get(found).cloned()
    }

    /// Checks whether an answer or the plan itself names the record of this id.
    pub(super) fn is_named(&self, id: &str) -> bool {
        self.makes(id) || self.known.labels.contains_key(id)
    }

    /// Checks whether the plan itself creates the record of this id.
    pub(super) fn makes(&self, id: &str) -> bool {
        self.made.contains_key(id)
    }

    /// Returns a record in words.
    pub(super) fn record(&self, kind: Option<&str>, id: &str) -> ValueText {
        let made = self.made.get(id);
        let known = self.known.labels.get(id);
        let kind = made
            .map(|(kind, _)| kind.as_str())
            .or(known.map(|known| known.kind.as_str()))
            .or(kind)
            .unwrap_or_default();
        let label = made
            .and_then(|(_, label)| label.clone())
            .or_else(|| known.map(|known| known.label.clone()));
        match label {
            Some(label) if self.words.is_person(kind) => ValueText::Name(label),
            label => ValueText::Record {
                called: self.words.called(kind).to_owned(),
                label,
                id: id.to_owned(),
            },
        }
    }

    /// Returns the meaning of a value, if the value does not show it itself.
    pub(super) fn means(
        &self,
        kind: Option<&str>,
        place: &str,
        value: &LeafValue,
        unit: &dyn Fn(&str) -> Option<String>,
    ) -> Option<ValueText> {
        let field = self.words.field(place);
        let name = place.rsplit('.').next().unwrap_or(place);
        let counts = self.micros.iter().any(|known| known == name);
        let holds = match field.map(|field| field.holds) {
            None | Some(Holds::Text) if counts => Holds::Millionths,
            holds => holds.unwrap_or_default(),
        };
        let text = value.as_str();
        match holds {
            Holds::Record => Some(self.record(None, &id_of(value)?)),
            Holds::Option if kind.is_some() => {
                let options = self.known.options.get(&option_of(kind?, place).0)?;
                Some(ValueText::Text(options.get(text)?.clone()))
            }
            Holds::Text | Holds::Option if id_of(value).is_some() => {
                let id = id_of(value)?;
                let named = self.known.labels.contains_key(&id) || self.makes(&id);
                named.then(|| self.record(None, &id))
            }
            Holds::Instant => Some(ValueText::Words(self.when(text.parse().ok()?))),
            Holds::Millionths => {
                let unit = field.and_then(|field| unit(field.unit.as_deref()?));
                let unit = unit.filter(|unit| is_unit(unit));
                let unit = unit.map_or_else(String::new, |unit| format!(" {unit}"));
                Some(ValueText::Words(format!("{}{unit}", of_millionths(text)?)))
            }
            Holds::Milliseconds => Some(ValueText::Words(minutes(text.parse().ok()?))),
            Holds::Word => is_word(text).then(|| ValueText::Words(text.to_owned())),
            Holds::Text | Holds::Option | Holds::Message | Holds::Constant => None,
        }
    }

    /// Returns the places of units that are shown with the amounts among some values.
    pub(super) fn units(&self, leaves: &[Leaf]) -> BTreeSet<String> {
        let mut units = BTreeSet::new();
        for amount in leaves {
            let place = place_of(amount);
            let Some(unit) = self
                .words
                .field(&place)
                .and_then(|field| field.unit.as_deref())
            else {
                continue;
            };
            let is_unit_of = |leaf: &&Leaf| is_below(&place_of(leaf), unit);
            let Some(leaf) = leaves.iter().find(is_unit_of) else {
                continue;
            };
            let sent = |_: &str| Some(leaf.value.as_str().to_owned());
            let told = self.means(None, &place, &amount.value, &sent);
            if is_unit(leaf.value.as_str()) && told.is_some() {
                units.insert(place_of(leaf));
            }
        }
        units
    }

    /// Formats a time in the person's zone. The first or last minute of a day stands for the day.
    fn when(&self, at: Timestamp) -> String {
        let local = at.to_zoned(self.zone.clone());
        let mut said = local.strftime("%a %-d %b").to_string();
        if local.year() != self.year {
            said.push_str(&format!(" {}", local.year()));
        }
        let time = (local.hour(), local.minute());
        if !matches!(time, (0, 0) | (23, 59)) {
            said.push_str(&local.strftime(", %H:%M").to_string());
        }
        if self.utc {
            said.push_str(" UTC");
        }
        said
    }

    /// Returns the sentence about a step, if the manifest has words for it.
    pub(super) fn deed(
        &self,
        facts: &Facts,
        leaves: &[Leaf],
        unit: &dyn Fn(&str) -> Option<String>,
    ) -> Option<StepSentence> {
        let name = facts.document.as_ref().unwrap_or(&facts.rule);
        let words = self.words.deeds.get(name)?;
        let mut deed = StepSentence {
            part: words.is_part(),
            ..StepSentence::default()
        };
        for piece in words.sentence().pieces() {
            let told = match piece {
                Piece::Optional(pieces) => {
                    let all = pieces
                        .iter()
                        .map(|piece| self.piece(piece, facts, leaves, unit));
                    // If one has no value, the whole is left out.
                    all.collect::<Option<Vec<_>>>().unwrap_or_default()
                }
                piece => vec![self.piece(piece, facts, leaves, unit)?],
            };
            for (said, place) in told {
                deed.said.push(said);
                deed.places.extend(place);
            }
        }
        Some(deed)
    }

    fn piece(
        &self,
        piece: &Piece,
        facts: &Facts,
        leaves: &[Leaf],
        unit: &dyn Fn(&str) -> Option<String>,
    ) -> Option<(Said, Vec<String>)> {
        Some(match piece {
            Piece::Words(words) => (Said::Words(words.clone()), Vec::new()),
            Piece::Place(place) if place == "recipients" => (
                Said::Audience(AudienceText::of(facts.sends.as_ref()?)),
                Vec::new(),
            ),
            Piece::Place(place) if place == "record" => {
                let touched = facts.touched.first()?;
                (
                    Said::Value(self.record(Some(&touched.kind), &touched.id)),
                    Vec::new(),
                )
            }
            Piece::Place(place) => {
                let is_at = |leaf: &&Leaf| is_below(&place_of(leaf), place);
                let found: Vec<&Leaf> = leaves.iter().filter(is_at).collect();
                let kind = facts.touched.first().map(|touched| touched.kind.as_str());
                let told = match found.as_slice() {
                    [] => return None,
                    [leaf] => {
                        let means = self.means(kind, &place_of(leaf), &leaf.value, unit);
                        means.unwrap_or_else(|| match &leaf.value {
                            LeafValue::Text(text) => ValueText::Text(text.clone()),
                            LeafValue::Bare(raw) => ValueText::Words(raw.clone()),
                        })
                    }
                    _ => ValueText::Text(joined(leaves, place)?),
                };
                (Said::Value(told), found.into_iter().map(place_of).collect())
            }
            Piece::Optional(_) => return None,
        })
    }
}

/// Checks whether a place of a body is the one that a manifest names, or below it. The manifest may
/// leave out the first segment.
fn is_below(place: &str, named: &str) -> bool {
    let is = |place: &str| {
        place
            .strip_prefix(named)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    is(place) || place.split_once('.').is_some_and(|(_, below)| is(below))
}

/// Joins the texts at and below a place with spaces.
fn joined(leaves: &[Leaf], named: &str) -> Option<String> {
    let texts = leaves
        .iter()
        .filter(|leaf| is_below(&place_of(leaf), named));
    let texts: Vec<&str> = texts.map(|leaf| leaf.value.as_str()).collect();
    (!texts.is_empty()).then(|| texts.join(" "))
}

/// Checks whether a text is one short word of a list.
fn is_word(text: &str) -> bool {
    (1..=24).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'-')
}

/// Checks whether a unit can follow a number without quotes.
fn is_unit(text: &str) -> bool {
    (1..=8).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// Converts millionths to a decimal number; none if the text is not a whole number.
fn of_millionths(text: &str) -> Option<String> {
    let count: i64 = text.parse().ok()?;
    let sign = if count < 0 { "-" } else { "" };
    let (whole, rest) = (
        (count.unsigned_abs() / MILLION).to_string(),
        count.unsigned_abs() % MILLION,
    );
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let number = format!("{sign}{grouped}.{rest:06}");
    let number = number.trim_end_matches('0').trim_end_matches('.');
    Some(number.to_owned())
}

/// Formats a duration in words.
fn minutes(milliseconds: u64) -> String {
    match (milliseconds / 60_000, milliseconds % 60_000) {
        (minutes, 0) => format!("{minutes} min"),
        _ => format!("{milliseconds} ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::cell;

    #[test]
    fn millionths_are_told_as_what_they_come_to() {
        for (text, expected) in [
            ("1250500000", Some("1,250.5")),
            ("1000000", Some("1")),
            ("100000000", Some("100")),
            ("-1", Some("-0.000001")),
            ("0", Some("0")),
            ("9223372036854775807", Some("9,223,372,036,854.775807")),
            ("null", None),
            ("1.5", None),
        ] {
            assert_eq!(of_millionths(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn only_plain_names_stand_without_quotes() {
        for name in [
            "Tim Apple",
            "Anne-Marie O'Neill",
            "José de la Cruz",
            "Ludwig van der Berg",
            "Ana-María D\u{2019}Souza",
            "李 明",
        ] {
            assert_eq!(ValueText::Name(name.into()).say(40), name);
        }
        for name in [
            "Tim, permitted by all",
            "Tim: 4",
            "a b c d e",
            "Tim\n2. step",
            "Tim\u{202e}",
            "",
            " Tim",
            "Tim  Apple",
            "2 people",
            "Approved already",
            "Tim and the Team",
            "Tim And Everybody",
            "The Whole Team",
            "tim apple",
            "Tim the Great",
        ] {
            assert_eq!(ValueText::Name(name.into()).say(80), cell(name));
        }
    }
}
