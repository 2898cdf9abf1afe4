//! Fields that the CRM key may not read. Twenty (2.21) then refuses the whole root and names the
//! field in words alone; the document is sent again without it, and whoever shows the answer says
//! that the field is not known.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use super::custom;
use super::documents::Document;
use crate::context::Context;
use crate::hidden_fields::{HiddenField, describe};
use crate::markdown::escape;
use crate::transport::{Outcome, Request};

/// The most retries of a document: each answer may name one more field of each root.
pub(super) const ROUNDS: usize = 12;

/// Fields without which nothing can be said of a record: what is refused for them stays refused.
const NEEDED: &[(&str, &str)] = &[("opportunity", "stage"), ("timelineActivity", "happensAt")];

/// Names of fields that lead to records, and the object of those.
const RECORDS: &[(&str, &str)] = &[
    ("people", "person"),
    ("person", "person"),
    ("targetPerson", "person"),
    ("pointOfContact", "person"),
    ("companies", "company"),
    ("company", "company"),
    ("targetCompany", "company"),
    ("opportunities", "opportunity"),
    ("opportunity", "opportunity"),
    ("targetOpportunity", "opportunity"),
    ("tasks", "task"),
    ("task", "task"),
    ("targetTask", "task"),
    ("notes", "note"),
    ("note", "note"),
    ("taskTargets", "taskTarget"),
    ("taskTarget", "taskTarget"),
    ("noteTargets", "noteTarget"),
    ("noteTarget", "noteTarget"),
    ("timelineActivities", "timelineActivity"),
    ("workspaceMembers", "workspaceMember"),
];

/// Finds the object whose field stands at a path of a document; none where it is a part of a field.
pub fn object_at(path: &[&str]) -> Option<&'static str> {
    let (_, above) = path.split_last()?;
    let parent = above
        .iter()
        .rev()
        .find(|name| !matches!(**name, "edges" | "node"))?;
    let known = RECORDS.iter().find(|(name, _)| name == parent);
    known.map(|(_, object)| *object)
}

/// Reads the fields that the key may not read from an answer's errors.
pub(super) fn refused_fields(answer: &Outcome) -> BTreeSet<HiddenField> {
    #[derive(Deserialize)]
    struct Errors {
        #[serde(default)]
        errors: Vec<Said>,
    }
    #[derive(Deserialize)]
    struct Said {
        #[serde(default)]
        message: String,
    }
    const WORDS: &[u8] = b"no permission to read field ";
    let Ok(response) = answer else {
        return BTreeSet::new();
    };
    if !response
        .body
        .windows(WORDS.len())
        .any(|window| window == WORDS)
    {
        return BTreeSet::new();
    }
    let errors = serde_json::from_slice::<Errors>(&response.body);
    let errors = errors.map(|said| said.errors).unwrap_or_default();
    errors
        .iter()
        .filter_map(|said| named(&said.message))
        .collect()
}

/// Parses `… no permission to read field "amount" on "opportunity"`.
fn named(message: &str) -> Option<HiddenField> {
    let rest = message.split("no permission to read field \"").nth(1)?;
    let (name, rest) = rest.split_once('"')?;
    let (object, _) = rest.strip_prefix(" on \"")?.split_once('"')?;
    let good = |text: &str| {
        !text.is_empty()
            && text.len() <= 63
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    (good(name) && good(object)).then(|| HiddenField {
        object: object.to_owned(),
        name: name.to_owned(),
    })
}

/// Returns a request without the fields that are known to be hidden; none where none of them can be
/// left out.
pub(super) fn narrowed(
    ctx: &Context<'_>,
    document: &'static Document,
    request: &Request,
) -> Option<Request> {
    let hidden = ctx.hidden();
    let whole = custom::extended(ctx, document).ok()?;
    let needed = |field: &&HiddenField| {
        NEEDED.contains(&(field.object.as_str(), field.name.as_str())) || field.name == "id"
    };
    let hidden: Vec<&HiddenField> = hidden.iter().filter(|field| !needed(field)).collect();
    let text = graphql_fields::leave_out(&whole, |path| {
        object_at(path).is_some_and(|object| {
            let is = |field: &&HiddenField| {
                field.object == object && path.last().is_some_and(|name| same(name, &field.name))
            };
            hidden.iter().any(is)
        })
    });
    let mut body: Value = serde_json::from_slice(&request.body).ok()?;
    let sent = body.get_mut("query")?;
    let text = text.ok()?;
    if sent.as_str() == Some(&text) {
        return None;
    }
    *sent = Value::from(text);
    Some(Request {
        body: serde_json::to_vec(&body).ok()?,
        ..request.clone()
    })
}

/// Compares names of fields: the id of a relation is its column, and Twenty may name either.
pub(super) fn same(name: &str, other: &str) -> bool {
    name == other
        || name.strip_suffix("Id") == Some(other)
        || other.strip_suffix("Id") == Some(name)
}

/// Checks whether the key may not read a field, as far as this call has found out.
pub fn hides(ctx: &Context<'_>, object: &str, name: &str) -> bool {
    let is = |field: &HiddenField| field.object == object && same(&field.name, name);
    ctx.hidden().iter().any(is)
}

/// Tells people in one sentence which fields this call could not read; none if there were none.
pub fn sentence(ctx: &Context<'_>) -> Option<String> {
    describe(&ctx.hidden())
}

/// Appends that sentence to a text for people.
pub fn with_note(ctx: &Context<'_>, markdown: String) -> String {
    match sentence(ctx) {
        Some(sentence) => format!("{}\n\n{}", markdown.trim_end(), escape(&sentence)),
        None => markdown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_field_is_read_off_the_words() {
        let message = "Entity performing the request does not have permission: no permission to read field \"amount\" on \"opportunity\"";
        let field = named(message).unwrap();
        assert_eq!(
            (field.object.as_str(), field.name.as_str()),
            ("opportunity", "amount")
        );
        for other in [
            "Entity performing the request does not have permission",
            "no permission to read field \"a b\" on \"opportunity\"",
            "no permission to read field \"amount\"",
            "no permission to read field \"\" on \"x\"",
        ] {
            assert_eq!(named(other), None, "{other}");
        }
    }

    #[test]
    fn field_belongs_to_the_object_above_it() {
        for (path, object) in [
            (&["opportunity", "amount"][..], Some("opportunity")),
            (
                &["opportunities", "edges", "node", "company", "name"],
                Some("company"),
            ),
            (
                &["taskTargets", "edges", "node", "task"],
                Some("taskTarget"),
            ),
            (&["people", "totalCount"], Some("person")),
            (&["opportunity", "amount", "amountMicros"], None),
            (&["taskTargetsGroupBy", "totalCount"], None),
            (&["opportunity"], None),
        ] {
            assert_eq!(object_at(path), object, "{path:?}");
        }
    }
}
