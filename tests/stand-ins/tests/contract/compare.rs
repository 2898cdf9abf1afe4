//! Comparison of an answer with a recorded one: the same shape, and the same values wherever the
//! request itself decides them.

use std::collections::BTreeMap;

use serde_json::Value;

/// Fields whose value may be null here and something there: what they hold depends on the data.
const NULLABLE: &[&str] = &[
    "assignee",
    "closeDate",
    "company",
    "deletedAt",
    "dueAt",
    "groupByDimensionValues",
    "owner",
    "pointOfContact",
    "status",
    "targetCompany",
    "targetCompanyId",
    "targetOpportunity",
    "targetOpportunityId",
    "targetPerson",
    "targetPersonId",
];

const STAGES: &[&str] = &["NEW", "SCREENING", "MEETING", "PROPOSAL", "CUSTOMER"];
const STATUSES: &[&str] = &["TODO", "IN_PROGRESS", "DONE"];

/// Rules for comparing two answers.
#[derive(Default)]
pub(crate) struct Rules {
    /// Strings of the recorded request, and what stands in their place in the request that was
    /// sent.
    pub echoes: BTreeMap<String, String>,
    /// The page sizes that the request asks for.
    pub sizes: Vec<usize>,
    /// JSON pointers (list positions left out) at which the data decides what the request otherwise
    /// would.
    pub data_decides: Vec<&'static str>,
    /// True if optional fields may be null in one and not in the other, because the data differs.
    pub other_data: bool,
}

impl Rules {
    /// The differences, one line each.
    pub(crate) fn differences(&self, recorded: &Value, answered: &Value) -> Vec<String> {
        let mut found = Vec::new();
        match (recorded, answered) {
            (Value::Object(wanted), Value::Object(got)) => {
                same_keys("", wanted.keys(), got.keys(), &mut found);
                if let (Some(wanted), Some(got)) = (wanted.get("errors"), got.get("errors")) {
                    self.errors(wanted, got, &mut found);
                }
                for (key, wanted) in wanted.iter().filter(|(key, _)| *key != "errors") {
                    if let Some(got) = got.get(key) {
                        self.value(&format!("/{key}"), key, &[wanted], got, false, &mut found);
                    }
                }
            }
            _ => self.value("", "", &[recorded], answered, false, &mut found),
        }
        found
    }

    /// Errors must be equal in everything they say, but for the name of the database schema and
    /// what was substituted.
    fn errors(&self, wanted: &Value, got: &Value, found: &mut Vec<String>) {
        let normal = |errors: &Value, substitute: bool| {
            let mut text = errors.to_string();
            if substitute {
                self.echoes
                    .iter()
                    .for_each(|(from, to)| text = text.replace(from.as_str(), to));
            }
            let text = text.split("enum workspace_").enumerate().fold(
                String::new(),
                |all, (nth, part)| match nth {
                    0 => part.to_owned(),
                    _ => format!(
                        "{all}enum workspace{}",
                        part.trim_start_matches(|c: char| c.is_ascii_alphanumeric())
                    ),
                },
            );
            serde_json::from_str::<Value>(&text).expect("still JSON")
        };
        let (wanted, got) = (normal(wanted, true), normal(got, false));
        if wanted != got {
            found.push(format!("/errors: recorded {wanted}, answered {got}"));
        }
    }

    /// `wanted` holds every recorded value at this place, of all list items together.
    fn value(
        &self,
        path: &str,
        name: &str,
        wanted: &[&Value],
        got: &Value,
        in_list: bool,
        found: &mut Vec<String>,
    ) {
        let wanted_null = wanted.iter().any(|w| w.is_null());
        let solid: Vec<&Value> = wanted.iter().copied().filter(|w| !w.is_null()).collect();
        if got.is_null() != (wanted_null && solid.is_empty()) {
            let varies = (got.is_null() && wanted_null)
                || (self.other_data && NULLABLE.contains(&name))
                || self.data_decides.contains(&path);
            if !varies {
                found.push(format!(
                    "{path}: recorded {}, answered {got}",
                    shorten(wanted)
                ));
            }
            // Nothing recorded to hold the rest against, or nothing answered.
            if got.is_null() || solid.is_empty() {
                return;
            }
        }
        match (solid.first(), got) {
            (None, _) => {}
            (Some(Value::Object(_)), Value::Object(got)) => {
                self.object(path, &solid, got, in_list, found)
            }
            (Some(Value::Array(_)), Value::Array(got)) => {
                self.list(path, name, &solid, got, in_list, found)
            }
            (Some(Value::String(_)), Value::String(got)) => {
                self.text(path, name, &solid, got, found)
            }
            (Some(Value::Number(_)), Value::Number(_)) => {
                let counts = name == "totalCount" && !in_list && !self.data_decides.contains(&path);
                if counts
                    && solid.iter().all(|w| w.as_u64() != Some(0)) != (got.as_u64() != Some(0))
                {
                    found.push(format!(
                        "{path}: recorded {}, answered {got}",
                        shorten(wanted)
                    ));
                }
                if solid.iter().all(|w| w.is_i64() || w.is_u64())
                    && got.is_f64()
                    && !name.starts_with("tsRank")
                {
                    found.push(format!("{path}: recorded a whole number, answered {got}"));
                }
            }
            (Some(Value::Bool(_)), Value::Bool(_)) => {
                if !in_list && !self.data_decides.contains(&path) && !solid.contains(&got) {
                    found.push(format!(
                        "{path}: recorded {}, answered {got}",
                        shorten(wanted)
                    ));
                }
            }
            (Some(other), _) => found.push(format!("{path}: recorded {other}, answered {got}")),
        }
    }

    fn object(
        &self,
        path: &str,
        wanted: &[&Value],
        got: &serde_json::Map<String, Value>,
        in_list: bool,
        found: &mut Vec<String>,
    ) {
        let Some(Value::Object(first)) = wanted.first() else {
            return;
        };
        same_keys(path, first.keys(), got.keys(), found);
        for key in first.keys() {
            let below: Vec<&Value> = wanted.iter().filter_map(|w| w.get(key)).collect();
            if let Some(got) = got.get(key) {
                self.value(&format!("{path}/{key}"), key, &below, got, in_list, found);
            }
        }
    }

    fn list(
        &self,
        path: &str,
        name: &str,
        wanted: &[&Value],
        got: &[Value],
        in_list: bool,
        found: &mut Vec<String>,
    ) {
        if name == "groupByDimensionValues" {
            self.dimensions(path, wanted, got, found);
            return;
        }
        let items: Vec<&Value> = wanted
            .iter()
            .filter_map(|w| w.as_array())
            .flatten()
            .collect();
        if !in_list && !self.data_decides.contains(&path) {
            if items.is_empty() != got.is_empty() {
                found.push(format!(
                    "{path}: recorded {} items, answered {}",
                    items.len(),
                    got.len()
                ));
            }
            if self.sizes.contains(&items.len()) && items.len() != got.len() {
                found.push(format!(
                    "{path}: the request decides on {} items, answered {}",
                    items.len(),
                    got.len()
                ));
            }
        }
        if !items.is_empty() {
            got.iter()
                .for_each(|got| self.value(path, name, &items, got, true, found));
        }
    }

    /// The values of one group: each of its dimensions is held against the same one of every
    /// recorded group.
    fn dimensions(&self, path: &str, wanted: &[&Value], got: &[Value], found: &mut Vec<String>) {
        let recorded = wanted.iter().filter_map(|w| w.as_array());
        if recorded.clone().any(|group| group.len() != got.len()) {
            found.push(format!("{path}: groups of {} dimensions", got.len()));
        }
        for (nth, got) in got.iter().enumerate() {
            let same: Vec<&Value> = recorded
                .clone()
                .filter_map(|group| group.get(nth))
                .collect();
            self.value(path, "groupByDimensionValues", &same, got, true, found);
        }
    }

    fn text(&self, path: &str, name: &str, wanted: &[&Value], got: &str, found: &mut Vec<String>) {
        let mut wanted: Vec<&str> = wanted.iter().filter_map(|w| w.as_str()).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let mut say = |why: &str| {
            found.push(format!(
                "{path}: {why}: recorded {wanted:?}, answered {got:?}"
            ))
        };
        let members = match name {
            "stage" => Some(STAGES),
            "status" => Some(STATUSES),
            "groupByDimensionValues" if wanted.iter().any(|w| STAGES.contains(w)) => Some(STAGES),
            "groupByDimensionValues" if wanted.iter().any(|w| STATUSES.contains(w)) => {
                Some(STATUSES)
            }
            _ => None,
        };
        if members.is_some_and(|members| !members.contains(&got)) {
            say("not a member of the enum");
        }
        let class = |text: &str| Class::of(text);
        if !wanted.iter().any(|w| class(w) == class(got)) {
            say("another kind of text");
        }
        // Cursors of one sort name the same fields.
        if class(got) == Class::Cursor
            && !wanted
                .iter()
                .any(|w| cursor_fields(w) == cursor_fields(got))
        {
            say("a cursor of other fields");
        }
        // What every recorded item repeats from the request, every answered item repeats from the
        // request that was sent.
        let echoed = wanted
            .iter()
            .map(|w| self.echoes.get(*w))
            .collect::<Option<Vec<_>>>()
            .unwrap_or_default();
        if !self.data_decides.contains(&path)
            && !echoed.is_empty()
            && !echoed.iter().any(|e| *e == got)
        {
            say("not what the request asked for");
        }
        if name == "__typename" && !wanted.contains(&got) {
            say("another type");
        }
    }
}

fn same_keys<'k>(
    path: &str,
    wanted: impl Iterator<Item = &'k String>,
    got: impl Iterator<Item = &'k String>,
    found: &mut Vec<String>,
) {
    let (mut wanted, mut got): (Vec<_>, Vec<_>) = (wanted.collect(), got.collect());
    wanted.sort();
    got.sort();
    if wanted != got {
        found.push(format!(
            "{path}: recorded the fields {wanted:?}, answered {got:?}"
        ));
    }
}

fn shorten(values: &[&Value]) -> String {
    let text = values
        .iter()
        .take(3)
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(" | ");
    text.chars().take(200).collect()
}

/// Kinds of text that a client tells apart.
#[derive(PartialEq)]
enum Class {
    Id,
    Time,
    Day,
    Cursor,
    Other,
}

impl Class {
    fn of(text: &str) -> Self {
        let shape: String = text
            .chars()
            .map(|c| if c.is_ascii_digit() { '9' } else { c })
            .collect();
        if uuid::Uuid::try_parse(text).is_ok() {
            Self::Id
        } else if shape == "9999-99-99T99:99:99.999Z" {
            Self::Time
        } else if shape == "9999-99-99" {
            Self::Day
        } else if text.starts_with("eyJ") {
            Self::Cursor
        } else {
            Self::Other
        }
    }
}

/// The names of the fields that a cursor is made of; record kinds in a search cursor are the data's
/// own.
fn cursor_fields(cursor: &str) -> Option<Vec<String>> {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(cursor)
        .ok()?;
    let Value::Object(fields) = serde_json::from_slice(&bytes).ok()? else {
        return None;
    };
    let mut names: Vec<String> = fields.into_iter().map(|(name, _)| name).collect();
    names.sort();
    Some(names)
}
