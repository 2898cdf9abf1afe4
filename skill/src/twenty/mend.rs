//! Mends an answer in which single values are not as they should be, so that one of them does not
//! take the others down: a value that cannot be read is taken out of its record, and the record
//! says so by a mark of its own.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::documents::Document;
use super::json_path::{self, PathSegment};
use crate::failure::{self, Failure};
use crate::markdown::count;
use crate::text;

/// The key by which a record names its fields that could not be read. No field of the CRM can be
/// called so.
const MARK: &str = "$unreadable";
/// The placeholder for a required value that could not be read.
pub const NOT_READABLE: &str = "(not readable)";
/// Values that must be there and may be shown as not readable.
const REQUIRED: [&str; 1] = ["stage"];
/// Keys under which a link holds the record that is listed.
const LISTED: [&str; 2] = ["task", "note"];
/// The most values of one answer that are mended.
const MOST: usize = 300;

/// The fields of a record that could not be read.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Unreadable(Vec<String>);

impl Unreadable {
    /// Checks whether a field, or a part of it, could not be read.
    pub fn has(&self, field: &str) -> bool {
        self.0
            .iter()
            .any(|path| path.split('.').next() == Some(field))
    }

    /// Checks whether the value at a path such as `amount.amountMicros` could not be read, by
    /// itself or with all of its field.
    pub fn covers(&self, path: &str) -> bool {
        self.0.iter().any(|known| {
            known == path
                || path
                    .strip_prefix(known.as_str())
                    .is_some_and(|rest| rest.starts_with('.'))
        })
    }

    /// Returns the names of the fields for people, each once.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for path in &self.0 {
            let name = spoken(path.split('.').next().unwrap_or_default());
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// Describes the unreadable fields for a line about the record.
    pub fn describe(&self) -> Option<String> {
        let names = self.names();
        (!names.is_empty()).then(|| format!("{} not readable", names.join(" and ")))
    }
}

/// Returns a field's name for people.
fn spoken(field: &str) -> String {
    let name = match field {
        "bodyV2" => "body",
        "dueAt" => "due date",
        "taskTargets" => "links",
        "emails" => "e-mail",
        "phones" => "phone",
        "domainName" => "domain",
        "pointOfContact" | "pointOfContactId" => "contact",
        "ownerId" => "owner",
        "assigneeId" => "assignee",
        _ => "",
    };
    if !name.is_empty() {
        return name.to_owned();
    }
    let mut words = String::new();
    for character in text::clean(field).chars().take(80) {
        if character.is_ascii_uppercase() {
            words.push(' ');
        }
        words.push(character.to_ascii_lowercase());
    }
    words
}

impl<'de> Deserialize<'de> for Unreadable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Paths;
        impl<'de> Visitor<'de> for Paths {
            type Value = Unreadable;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("paths")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Unreadable, A::Error> {
                let mut paths = Vec::new();
                while let Some(path) = list.next_element::<String>()? {
                    paths.push(path);
                }
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Unreadable(paths))
            }
        }
        deserializer.deserialize_seq(Paths)
    }
}

/// The values and rows removed from an answer.
#[derive(Debug, Default)]
pub(super) struct Mended {
    done: usize,
    /// The last path that was set to null, and the reason: if null is refused there too, the reason
    /// remains.
    cause: Option<(Vec<PathSegment>, Failure)>,
    /// Roots of which nothing is left, and why.
    broken: Vec<(String, Failure)>,
    /// Removed rows by root.
    lost: BTreeMap<String, u32>,
}

impl Mended {
    /// Returns the reason for the loss of a whole root.
    pub(super) fn broken(&self, root: &str) -> Option<&Failure> {
        let found = self.broken.iter().find(|(name, _)| name == root);
        found.map(|(_, failure)| failure)
    }

    /// Describes the rows of a root that had to be left out.
    pub(super) fn lost(&self, root: &str) -> Option<String> {
        let lost = *self.lost.get(root)?;
        Some(format!(
            "{} could not be read and {} left out",
            count(lost, "row", "rows"),
            if lost == 1 { "is" } else { "are" }
        ))
    }

    /// Returns the answer without the value that could not be read: null where that is allowed,
    /// otherwise without its holder.
    ///
    /// # Errors
    /// `schema-mismatch` that names the value, where it belongs to no record of the data or too
    /// much has been taken out already.
    pub(super) fn mend(
        &mut self,
        document: &Document,
        body: &[u8],
        error: &serde_json::Error,
    ) -> Result<Vec<u8>, Failure> {
        let mut path = json_path::path_to(body, error.line(), error.column());
        let text = error.to_string();
        let missing = text
            .strip_prefix("missing field `")
            .and_then(|rest| rest.split('`').next());
        if let Some(missing) = missing {
            // serde notices a missing field at the end of its object, when the path still names the
            // field before.
            if matches!(path.last(), Some(PathSegment::Key(_))) {
                path.pop();
            }
            path.push(PathSegment::Key(missing.to_owned()));
        }
        let mismatch = mismatch(document, &path, &text);
        self.done = self.done.saturating_add(1);
        let [PathSegment::Key(data), PathSegment::Key(root), ..] = path.as_slice() else {
            return Err(mismatch);
        };
        if data != "data" || self.done > MOST {
            return Err(mismatch);
        }
        let root = root.clone();
        let mut answer: Value = serde_json::from_slice(body).map_err(|_| mismatch.clone())?;
        let cause = match self.cause.take() {
            Some((known, cause)) if known == path => cause,
            _ => mismatch.clone(),
        };
        self.take_out(&mut answer, &path, &root, &cause);
        // A text of the answer itself, so it can be written again.
        serde_json::to_vec(&answer).map_err(|_| mismatch)
    }

    fn take_out(&mut self, answer: &mut Value, path: &[PathSegment], root: &str, cause: &Failure) {
        if at(answer, path).is_none_or(|value| !value.is_null()) {
            return self.empty(answer, path, root, cause);
        }
        if let Some((PathSegment::Key(key), _)) = path.split_last()
            && REQUIRED.contains(&key.as_str())
        {
            mark(answer, path);
            return put(answer, path, Value::from(NOT_READABLE));
        }
        // Null may not stand here: what holds it goes.
        let Some((_, holder)) = path.split_last() else {
            return;
        };
        match holder.split_last() {
            Some((PathSegment::Index(index), list)) if is_list_of_rows(list) => {
                if let Some(Value::Array(rows)) = at_mut(answer, list)
                    && *index < rows.len()
                {
                    rows.remove(*index);
                }
                if list.len() <= 3 {
                    self.lose(root);
                } else {
                    mark(answer, list);
                }
            }
            Some((PathSegment::Index(_), list)) => self.empty(answer, list, root, cause),
            Some(_) => self.empty(answer, holder, root, cause),
            None => {}
        }
    }

    /// Puts null at a path.
    fn empty(&mut self, answer: &mut Value, path: &[PathSegment], root: &str, cause: &Failure) {
        mark(answer, path);
        put(answer, path, Value::Null);
        self.cause = Some((path.to_vec(), cause.clone()));
        if path.len() == 2 && self.broken(root).is_none() {
            self.broken.push((root.to_owned(), cause.clone()));
        }
        let listed = path.last().is_some_and(
            |last| matches!(last, PathSegment::Key(key) if LISTED.contains(&key.as_str())),
        );
        if listed && path.len() > 2 {
            self.lose(root);
        }
    }

    fn lose(&mut self, root: &str) {
        let lost = self.lost.entry(root.to_owned()).or_default();
        *lost = lost.saturating_add(1);
    }
}

/// Checks whether a list's rows are records or groups, which can be left out one by one.
fn is_list_of_rows(list: &[PathSegment]) -> bool {
    list.len() == 2 || matches!(list.last(), Some(PathSegment::Key(key)) if key == "edges")
}

/// Names a value that is not as it should be.
fn mismatch(document: &Document, path: &[PathSegment], error: &str) -> Failure {
    let what = error.split(" at line ").next().unwrap_or_default();
    let path = json_path::shown(path);
    let path = text::clean(path.strip_prefix("data.").unwrap_or(&path));
    let what = text::line(&text::clean(what), 160).0;
    failure::schema_mismatch(
        text::line(&path, 160).0,
        format!(
            "The CRM's answer to \"{}\" has another shape than it should: {what}.",
            document.name
        ),
    )
}

fn at<'v>(answer: &'v Value, path: &[PathSegment]) -> Option<&'v Value> {
    path.iter().try_fold(answer, |value, part| match part {
        PathSegment::Key(key) => value.get(key),
        PathSegment::Index(index) => value.get(index),
    })
}

fn at_mut<'v>(answer: &'v mut Value, path: &[PathSegment]) -> Option<&'v mut Value> {
    path.iter().try_fold(answer, |value, part| match part {
        PathSegment::Key(key) => value.get_mut(key),
        PathSegment::Index(index) => value.get_mut(index),
    })
}

fn put(answer: &mut Value, path: &[PathSegment], value: Value) {
    let Some((last, holder)) = path.split_last() else {
        return;
    };
    match (at_mut(answer, holder), last) {
        (Some(Value::Object(object)), PathSegment::Key(key)) => {
            object.insert(key.clone(), value);
        }
        (Some(holder), PathSegment::Index(index)) => {
            if let Some(slot) = holder.get_mut(index) {
                *slot = value;
            }
        }
        _ => {}
    }
}

/// Tells every record around a value that it could not be read. The path in a record ends at a list
/// within it.
fn mark(answer: &mut Value, path: &[PathSegment]) {
    for begins in 2..path.len() {
        let (Some(holder), Some(within)) = (path.get(..begins), path.get(begins..)) else {
            continue;
        };
        let keys: Vec<&str> = within
            .iter()
            .map_while(|part| match part {
                PathSegment::Key(key) if key != "edges" => Some(key.as_str()),
                _ => None,
            })
            .collect();
        if keys.is_empty() {
            continue;
        }
        if let Some(Value::Object(record)) = at_mut(answer, holder) {
            add(record, keys.join("."));
        }
    }
}

fn add(record: &mut Map<String, Value>, path: String) {
    let paths = record
        .entry(MARK)
        .or_insert_with(|| Value::Array(Vec::new()));
    if let Value::Array(paths) = paths {
        let path = Value::from(path);
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
}
