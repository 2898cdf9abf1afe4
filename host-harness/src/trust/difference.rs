//! Differences between two versions of what a skill asks for: key by key, for any key there is.
//!
//! Both are JSON, so a key that somebody adds to skill.toml later is compared as well. Tables of a
//! list are told apart by their name, or by method and path; other items by what they are.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::text::{cell, clip, excerpt};

/// Longest name of a key that is shown whole, in characters.
const KEY_MAX: usize = 60;
/// Longest value that is shown whole, in characters.
const VALUE_MAX: usize = 120;
/// Longest list or table that is shown on one line, in characters.
const LINE_MAX: usize = 240;
/// Characters before the first difference of two long texts that are shown.
const BEFORE: usize = 8;

/// A difference.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The kind of difference.
    pub case: Case,
    /// The way it goes.
    pub direction: Direction,
    /// The value before; none if the key is new. Of a list in another order, its items' names.
    pub before: Option<Value>,
    /// The value now; none if the key is gone.
    pub after: Option<Value>,
    path: Vec<KeyStep>,
}

/// A kind of difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It has another value.
    Changed,
    /// The items of a list stand in another order.
    Moved,
}

/// The way that a difference goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// The skill may do more.
    Wider,
    /// The skill may do less.
    Narrower,
    /// Nothing is known of that key, or it can be both.
    Unknown,
}

impl Case {
    /// Returns the name of the case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
            Self::Moved => "moved",
        }
    }

    /// Returns the sign that stands before a line of it.
    #[must_use]
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Added => "+",
            Self::Removed => "-",
            Self::Changed | Self::Moved => "~",
        }
    }
}

impl Direction {
    /// Returns the name of the direction.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Wider => "wider",
            Self::Narrower => "narrower",
            Self::Unknown => "unknown",
        }
    }

    const fn reversed(self) -> Self {
        match self {
            Self::Wider => Self::Narrower,
            Self::Narrower => Self::Wider,
            Self::Unknown => Self::Unknown,
        }
    }
}

impl Difference {
    /// Returns the key as it is shown, such as `destinations.mail.routes[POST /send].write.listed`.
    #[must_use]
    pub fn key(&self) -> String {
        shown(&self.path)
    }

    /// Returns the lines that show it: one, or several for a long list or table that is new or
    /// gone. Each value is quoted and shortened.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let key = self.key();
        match (self.case, &self.before, &self.after) {
            (Case::Moved, Some(before), Some(after)) => {
                let (before, after) = contrast(&list(before), &list(after));
                vec![format!("{key}: in the order {before} -> {after}")]
            }
            (_, Some(Value::String(before)), Some(Value::String(after))) => {
                let (before, after) = contrast(before, after);
                vec![format!("{key} = {before} -> {after}")]
            }
            (_, Some(before), Some(after)) => {
                vec![format!("{key} = {} -> {}", short(before), short(after))]
            }
            (_, Some(whole), None) | (_, None, Some(whole)) => {
                let mut lines = Vec::new();
                let mut path = self.path.clone();
                tell(&mut path, whole, &mut lines);
                lines
            }
            (_, None, None) => vec![key],
        }
    }
}

/// Lists what is different in `new`, in order of keys.
pub(super) fn difference(old: &Map<String, Value>, new: &Map<String, Value>) -> Vec<Difference> {
    let mut found = Comparison::default();
    found.tables(old, new);
    found.changes
}

/// A step to a key.
#[derive(Debug, Clone, PartialEq, Eq)]
enum KeyStep {
    /// A name in a table.
    Key(String),
    /// A table in a list, by what it is known by.
    Item(String),
    /// Another item of a list: its own value tells it from the others.
    Value,
}

/// A mark that tells an item of a list from the others: its name or its value, and its number among
/// those of the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Identity {
    name: String,
    nth: usize,
}

#[derive(Default)]
struct Comparison {
    path: Vec<KeyStep>,
    changes: Vec<Difference>,
}

impl Comparison {
    fn tables(&mut self, old: &Map<String, Value>, new: &Map<String, Value>) {
        let keys: BTreeSet<_> = old.keys().chain(new.keys()).collect();
        for key in keys {
            self.path.push(KeyStep::Key(key.clone()));
            self.either(old.get(key), new.get(key));
            self.path.pop();
        }
    }

    fn either(&mut self, old: Option<&Value>, new: Option<&Value>) {
        match (old, new) {
            (Some(old), Some(new)) if old == new => {}
            (Some(Value::Object(old)), Some(Value::Object(new))) => self.tables(old, new),
            (Some(Value::Array(old)), Some(Value::Array(new))) => self.lists(old, new),
            (Some(_), Some(_)) => self.put(Case::Changed, old, new),
            (None, Some(_)) => self.put(Case::Added, old, new),
            (Some(_), None) => self.put(Case::Removed, old, new),
            (None, None) => {}
        }
    }

    fn lists(&mut self, old: &[Value], new: &[Value]) {
        let (old, new) = (identified(old), identified(new));
        let find = |list: &[(Identity, &Value)]| -> BTreeMap<Identity, Value> {
            list.iter()
                .map(|(identity, value)| (identity.clone(), (*value).clone()))
                .collect()
        };
        let (in_old, in_new) = (find(&old), find(&new));
        let all: BTreeSet<_> = in_old.keys().chain(in_new.keys()).collect();
        for identity in all {
            let (old, new) = (in_old.get(identity), in_new.get(identity));
            self.path.push(match old.or(new) {
                Some(Value::Object(_)) => KeyStep::Item(identity.shown()),
                _ => KeyStep::Value,
            });
            self.either(old, new);
            self.path.pop();
        }
        // What is in both, in the one order and in the other.
        let kept = |list: &[(Identity, &Value)], other: &BTreeMap<Identity, Value>| {
            let both = list
                .iter()
                .filter(|(identity, _)| other.contains_key(identity));
            both.map(|(identity, _)| identity.clone())
                .collect::<Vec<_>>()
        };
        let (before, after) = (kept(&old, &in_new), kept(&new, &in_old));
        if before != after {
            let names = |order: &[Identity]| order.iter().map(Identity::shown).collect();
            self.put(Case::Moved, Some(&names(&before)), Some(&names(&after)));
        }
    }

    fn put(&mut self, case: Case, before: Option<&Value>, after: Option<&Value>) {
        self.changes.push(Difference {
            case,
            direction: match case {
                Case::Moved => Direction::Unknown,
                _ => direction(&self.path, before, after),
            },
            before: before.cloned(),
            after: after.cloned(),
            path: self.path.clone(),
        });
    }
}

impl Identity {
    fn shown(&self) -> String {
        match self.nth {
            0 => self.name.clone(),
            nth => format!("{} #{}", self.name, nth + 1),
        }
    }
}

/// Returns the items of a list with what each is known by.
fn identified(list: &[Value]) -> Vec<(Identity, &Value)> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let named = list.iter().enumerate().map(|(at, value)| {
        let text = |key: &str| value.get(key).and_then(Value::as_str);
        let name = match (value, text("name"), text("method"), text("path")) {
            (Value::Object(_), Some(name), _, _) => name.to_owned(),
            (Value::Object(_), None, Some(method), Some(path)) => format!("{method} {path}"),
            (Value::Object(_), ..) => at.to_string(),
            (Value::String(text), ..) => text.clone(),
            (other, ..) => other.to_string(),
        };
        let count = seen.entry(name.clone()).or_default();
        let nth = *count;
        *count += 1;
        (Identity { name, nth }, value)
    });
    named.collect()
}

/// The meaning of a key's presence or size for what a skill may do.
#[derive(Clone, Copy)]
enum Meaning {
    /// With it, it may do more.
    Opens,
    /// With it, it may do less.
    Holds,
    /// The higher, the more.
    Most,
    /// The higher, the less.
    Price,
    /// Of two words the second allows more; the first counts where none stands, and a table is
    /// between them.
    Words([&'static str; 2]),
}

/// Meanings of keys: `*` is any name in a table, `[]` any item of a list.
const MEANINGS: &[(&str, Meaning)] = &[
    ("component.imports.[]", Meaning::Opens),
    ("component.exports.*", Meaning::Opens),
    ("component.exports.*.[]", Meaning::Opens),
    ("limits.*", Meaning::Most),
    ("destinations.*", Meaning::Opens),
    ("destinations.*.rate", Meaning::Holds),
    ("destinations.*.rate.requests", Meaning::Most),
    ("destinations.*.rate.seconds", Meaning::Price),
    ("destinations.*.routes.[]", Meaning::Opens),
    ("destinations.*.routes.[].documents", Meaning::Holds),
    ("destinations.*.routes.[].query", Meaning::Holds),
    ("destinations.*.routes.[].query.*", Meaning::Holds),
    ("destinations.*.routes.[].path-settings", Meaning::Holds),
    ("destinations.*.routes.[].path-settings.*", Meaning::Holds),
    ("destinations.*.routes.[].write", Meaning::Holds),
    ("destinations.*.routes.[].write.approval", Meaning::Holds),
    ("destinations.*.routes.[].write.body.*", Meaning::Opens),
    ("destinations.*.routes.[].write.event", Meaning::Opens),
    ("destinations.*.routes.[].write.group", Meaning::Holds),
    ("destinations.*.routes.[].write.listed", Meaning::Holds),
    ("destinations.*.routes.[].write.recipients", Meaning::Holds),
    (
        "destinations.*.routes.[].write.recipients-of-segment",
        Meaning::Holds,
    ),
    (
        "destinations.*.routes.[].write.repeat",
        Meaning::Words(["never", "always"]),
    ),
    ("destinations.*.documents.[]", Meaning::Opens),
    ("destinations.*.documents.[].acts", Meaning::Holds),
    ("destinations.*.documents.[].acts.[]", Meaning::Holds),
    ("destinations.*.documents.[].cost", Meaning::Price),
    ("destinations.*.documents.[].custom", Meaning::Opens),
    ("destinations.*.documents.[].custom.*", Meaning::Opens),
    (
        "destinations.*.documents.[].effect",
        Meaning::Words(["query", "mutation"]),
    ),
    ("destinations.*.documents.[].inputs", Meaning::Opens),
    ("destinations.*.documents.[].inputs.*", Meaning::Opens),
    ("destinations.*.documents.[].inputs.*.*", Meaning::Opens),
    ("destinations.*.documents.[].lengths", Meaning::Holds),
    ("destinations.*.documents.[].lengths.*", Meaning::Holds),
    ("destinations.*.documents.[].records", Meaning::Holds),
    ("destinations.*.documents.[].records.[]", Meaning::Holds),
    ("destinations.*.documents.[].refers", Meaning::Holds),
    ("destinations.*.documents.[].refers.[]", Meaning::Holds),
    ("destinations.*.documents.[].values", Meaning::Holds),
    ("destinations.*.documents.[].values.*", Meaning::Holds),
    ("destinations.*.documents.[].values.*.[]", Meaning::Opens),
    ("destinations.*.documents.[].variables.*", Meaning::Opens),
    ("kinds.*", Meaning::Opens),
    ("kinds.*.default.[]", Meaning::Opens),
    ("kinds.*.exact.[]", Meaning::Opens),
    ("kinds.*.from.*", Meaning::Opens),
    ("kinds.*.from.*.[]", Meaning::Opens),
    ("kinds.*.on-request.[]", Meaning::Opens),
    ("settings.*.custom-fields", Meaning::Opens),
    ("settings.*.field", Meaning::Opens),
    ("shapes.*", Meaning::Opens),
    ("shapes.*.*", Meaning::Opens),
    ("values.constants.[]", Meaning::Opens),
    ("values.ids.[]", Meaning::Opens),
    ("values.micros.[]", Meaning::Holds),
    ("values.words.[]", Meaning::Opens),
];

fn direction(path: &[KeyStep], before: Option<&Value>, after: Option<&Value>) -> Direction {
    let meaning = meaning(path).or_else(|| {
        // Of a whole list or table what its items or members mean.
        let inner = match before.or(after)? {
            Value::Array(_) => KeyStep::Value,
            Value::Object(_) => KeyStep::Key(String::new()),
            _ => return None,
        };
        let mut path = path.to_vec();
        path.push(inner);
        meaning(&path)
    });
    match meaning {
        None => Direction::Unknown,
        Some(Meaning::Opens) => presence(before, after),
        Some(Meaning::Holds) => presence(before, after).reversed(),
        Some(Meaning::Most) => size(before, after),
        Some(Meaning::Price) => size(before, after).reversed(),
        Some(Meaning::Words(words)) => rank(&words, before)
            .zip(rank(&words, after))
            .map_or(Direction::Unknown, |(before, after)| grown(before, after)),
    }
}

fn meaning(path: &[KeyStep]) -> Option<Meaning> {
    let fits = |pattern: &str| {
        let parts: Vec<_> = pattern.split('.').collect();
        parts.len() == path.len()
            && parts.iter().zip(path).all(|(part, step)| match step {
                KeyStep::Key(key) => *part == "*" || part == key,
                KeyStep::Item(_) | KeyStep::Value => *part == "[]",
            })
    };
    MEANINGS
        .iter()
        .find(|(pattern, _)| fits(pattern))
        .map(|(_, meaning)| *meaning)
}

fn presence(before: Option<&Value>, after: Option<&Value>) -> Direction {
    // False is what counts where nothing stands.
    let there = |value: Option<&Value>| value.is_some_and(|value| value != &Value::Bool(false));
    grown(there(before), there(after))
}

fn size(before: Option<&Value>, after: Option<&Value>) -> Direction {
    let number = |value: Option<&Value>| value.and_then(Value::as_u64);
    number(before)
        .zip(number(after))
        .map_or(Direction::Unknown, |(before, after)| grown(before, after))
}

fn rank(words: &[&str], value: Option<&Value>) -> Option<usize> {
    match value {
        None => Some(0),
        Some(Value::Object(_)) => Some(1),
        Some(Value::String(text)) => words
            .iter()
            .position(|word| word == text)
            // Twice, so that a table fits in between.
            .map(|at| at * 2),
        Some(_) => None,
    }
}

fn grown<T: PartialOrd>(before: T, after: T) -> Direction {
    if after > before {
        Direction::Wider
    } else if after < before {
        Direction::Narrower
    } else {
        Direction::Unknown
    }
}

fn shown(path: &[KeyStep]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            KeyStep::Key(key) => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(&name(key, ""));
            }
            KeyStep::Item(item) => text.push_str(&format!("[{}]", name(item, " /*?,.:#"))),
            KeyStep::Value => {}
        }
    }
    text
}

/// Returns a name as it is if nothing in it can be taken for something else; any other is quoted
/// and shortened.
fn name(text: &str, also: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-') || also.contains(c);
    if !text.is_empty() && text.chars().all(plain) && text.len() <= KEY_MAX {
        text.to_owned()
    } else {
        quoted(text, KEY_MAX)
    }
}

fn quoted(text: &str, most: usize) -> String {
    match excerpt(text, most) {
        (shown, 0) => shown,
        (shown, left) => format!("{shown}… {left} more"),
    }
}

/// Adds the lines of a value that is new or gone.
fn tell(path: &mut Vec<KeyStep>, value: &Value, lines: &mut Vec<String>) {
    let mut inner = |step: KeyStep, value: &Value| {
        path.push(step);
        tell(path, value, lines);
        path.pop();
    };
    match value {
        Value::Object(table) if inline(value).is_none() => {
            for (key, value) in table {
                inner(KeyStep::Key(key.clone()), value);
            }
        }
        Value::Array(list) if inline(value).is_none() => {
            for (identity, value) in identified(list) {
                let step = match value {
                    Value::Object(_) => KeyStep::Item(identity.shown()),
                    _ => KeyStep::Value,
                };
                inner(step, value);
            }
        }
        _ => {
            let between = match path.last() {
                Some(KeyStep::Value) => ": ",
                _ => " = ",
            };
            lines.push(format!("{}{between}{}", shown(path), short(value)));
        }
    }
}

/// Returns a list or table on one line, if it fits there whole.
fn inline(value: &Value) -> Option<String> {
    let text = whole(value);
    (text.chars().count() <= LINE_MAX).then_some(text)
}

fn whole(value: &Value) -> String {
    match value {
        Value::String(text) => cell(text),
        Value::Array(list) => {
            let items: Vec<_> = list.iter().map(whole).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(table) if table.is_empty() => "{}".to_owned(),
        Value::Object(table) => {
            let members = table.iter();
            let members: Vec<_> = members
                .map(|(key, value)| format!("{} = {}", name(key, ""), whole(value)))
                .collect();
            format!("{{ {} }}", members.join(", "))
        }
        other => other.to_string(),
    }
}

/// Returns a value, shortened if it is long.
fn short(value: &Value) -> String {
    if let Value::String(text) = value {
        return quoted(text, VALUE_MAX);
    }
    let whole = whole(value);
    match clip(&whole, LINE_MAX) {
        (_, 0) => whole,
        (shown, left) => format!("{shown}… {left} more"),
    }
}

/// Returns the names of a list as one text.
fn list(names: &Value) -> String {
    let names = names.as_array().into_iter().flatten();
    let names: Vec<_> = names.filter_map(Value::as_str).collect();
    names.join(", ")
}

/// Returns two different texts, shortened to where they differ if they are long.
fn contrast(before: &str, after: &str) -> (String, String) {
    let whole = (excerpt(before, VALUE_MAX), excerpt(after, VALUE_MAX));
    if let ((before, 0), (after, 0)) = whole {
        return (before, after);
    }
    let same = before.chars().zip(after.chars());
    let same = same.take_while(|(before, after)| before == after).count();
    let from = same.saturating_sub(BEFORE);
    let part = |text: &str| {
        let part: String = text.chars().skip(from).collect();
        let begun = if from > 0 { "…" } else { "" };
        (format!("{begun}{}", quoted(&part, VALUE_MAX)), part)
    };
    let ((before, before_part), (after, after_part)) = (part(before), part(after));
    if before != after {
        return (before, after);
    }
    // Alike as they are seen: then as what they are.
    let codes = |part: &str| -> String {
        let near = part.chars().take(BEFORE + 1);
        near.flat_map(char::escape_unicode).collect()
    };
    (codes(&before_part), codes(&after_part))
}

#[cfg(test)]
mod tests;
