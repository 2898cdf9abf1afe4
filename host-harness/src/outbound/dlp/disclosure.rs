//! Disclosure schemas: the fields of each kind of record that may leave for another service, from
//! the `[kinds]` of a manifest.
//!
//! ```toml
//! [kinds."demo.note"]
//! record = "note"
//! default = ["title", "due"] # may be disclosed
//! on-request = ["body"]      # may be disclosed where policy permits it
//! exact = ["due"]            # is not free text, and so not redacted
//!
//! [kinds."demo.note".from]   # the places of a field's values in a record
//! title = ["/title"]
//! body = ["/body"]
//! due = ["/{due-field}"]     # the field that a setting names
//! ```

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use thiserror::Error;

use super::values::MemberNames;
use crate::json_path::{PathStep, Pattern, PatternError};

/// Maximum number of fields of a kind.
pub const FIELDS_MAX: usize = 64;
/// Longest name of a kind or a field, in bytes.
pub const NAME_MAX: usize = 64;
/// Prefix of a place in the owner's record.
const OF_OWNER: &str = "owner:";

/// A disclosure schema as a manifest writes it, under `[kinds.NAME]`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct KindSection {
    /// The kind of record, in the skill's words.
    pub record: String,
    /// Fields that may be disclosed.
    #[serde(default)]
    pub default: Vec<String>,
    /// Fields that may be disclosed where policy permits it.
    #[serde(default)]
    pub on_request: Vec<String>,
    /// Fields that are not free text, and so not redacted.
    #[serde(default)]
    pub exact: Vec<String>,
    /// Places of a field's values in a record, as a service's answer shows it. A step can be
    /// `{SETTING}`: the field that the setting names; a place whose setting is not set is left out.
    /// A place that begins with `owner:` is in the record of the member who owns this one.
    #[serde(default)]
    pub from: BTreeMap<String, Vec<String>>,
}

/// Rules for values in general, under `[values]`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ValuesSection {
    /// Members whose numbers are in millionths.
    #[serde(default)]
    pub micros: Vec<String>,
    /// Members whose texts are words of a fixed list, such as a stage, and so not values. Only
    /// capitals, digits and `_` make a word.
    #[serde(default)]
    pub words: Vec<String>,
    /// Members whose texts are ids, and so not values. UUIDs never are.
    #[serde(default)]
    pub ids: Vec<String>,
    /// Constants of the skill that a read may carry, each as a whole, though no argument, setting
    /// or answer contains them.
    #[serde(default)]
    pub constants: Vec<String>,
}

impl ValuesSection {
    /// Returns the member names as sets, for the index of answers.
    #[must_use]
    pub fn names(&self) -> MemberNames {
        let set = |names: &[String]| names.iter().cloned().collect();
        MemberNames {
            micros: set(&self.micros),
            words: set(&self.words),
            ids: set(&self.ids),
        }
    }
}

/// An error in a disclosure schema.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KindError {
    /// An invalid name.
    #[error(
        "kind `{kind}`: `{name}` is no name: write letters, digits, `.`, `_` and `-`, a letter first, at most {NAME_MAX}"
    )]
    Name {
        /// The kind.
        kind: String,
        /// The name.
        name: String,
    },
    /// A field that is listed twice, or too many fields.
    #[error(
        "kind `{kind}`: `{field}` is listed twice, or it is one of more than {FIELDS_MAX} fields"
    )]
    Field {
        /// The kind.
        kind: String,
        /// The field.
        field: String,
    },
    /// A field under `exact` or `from` that is neither among `default` nor among `on-request`.
    #[error("kind `{kind}`: `{field}` is neither under `default` nor under `on-request`")]
    Unlisted {
        /// The kind.
        kind: String,
        /// The field.
        field: String,
    },
    /// An invalid place.
    #[error("kind `{kind}`, field `{field}`: {source}")]
    From {
        /// The kind.
        kind: String,
        /// The field.
        field: String,
        /// The error in the place.
        source: PatternError,
    },
    /// A setting whose value is not the name of a field.
    #[error("kind `{kind}`, field `{field}`: setting `{setting}`: {source}")]
    Setting {
        /// The kind.
        kind: String,
        /// The field.
        field: String,
        /// The setting.
        setting: String,
        /// The error in the name.
        source: graphql_fields::NotAField,
    },
}

/// A field of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisclosureField {
    /// Its name, in the skill's words.
    pub name: String,
    /// True if policy must permit it.
    pub on_request: bool,
    /// True if it is not free text.
    pub exact: bool,
    /// Places of its values in a record; empty if they are computed.
    pub from: Vec<Pattern>,
    /// Places of its values in the record of the owner.
    pub from_owner: Vec<Pattern>,
}

/// The disclosure schema of one kind of record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisclosureKind {
    record: String,
    fields: Vec<DisclosureField>,
}

impl DisclosureKind {
    /// Returns the kind of record, in the skill's words.
    #[must_use]
    pub fn record(&self) -> &str {
        &self.record
    }

    /// Returns the fields: those by default first, in the manifest's order.
    #[must_use]
    pub fn fields(&self) -> &[DisclosureField] {
        &self.fields
    }

    /// Returns a field by its name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&DisclosureField> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Returns the fields that a value at this place of a record belongs to.
    pub fn fields_at(&self, place: &[PathStep<'_>]) -> impl Iterator<Item = &DisclosureField> {
        (self.fields.iter())
            .filter(move |field| field.from.iter().any(|pattern| pattern.covers(place)))
    }

    /// Returns the fields that a value at this place of the owner's record belongs to.
    pub fn fields_at_owner(
        &self,
        place: &[PathStep<'_>],
    ) -> impl Iterator<Item = &DisclosureField> {
        (self.fields.iter())
            .filter(move |field| field.from_owner.iter().any(|pattern| pattern.covers(place)))
    }
}

/// Disclosure schemas, by the name of each kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DisclosureSchema(BTreeMap<String, DisclosureKind>);

impl DisclosureSchema {
    /// Parses the kinds of a manifest. `setting` returns the value of a setting; an empty one
    /// counts as not set.
    ///
    /// # Errors
    /// Returns the first fault found.
    pub fn parse(
        sections: &BTreeMap<String, KindSection>,
        setting: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, KindError> {
        let kinds = sections.iter().map(|(name, section)| {
            check_name(name, name)?;
            check_name(name, &section.record)?;
            Ok((name.clone(), DisclosureKind::parse(name, section, setting)?))
        });
        kinds.collect::<Result<_, _>>().map(Self)
    }

    /// Returns a kind by its name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&DisclosureKind> {
        self.0.get(name)
    }

    /// Returns all kinds with their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &DisclosureKind)> {
        self.0.iter().map(|(name, kind)| (name.as_str(), kind))
    }

    /// Returns true if there are no kinds.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the kinds of this sort of record, with their names.
    pub fn of_record(&self, record: &str) -> impl Iterator<Item = (&str, &DisclosureKind)> {
        self.iter().filter(move |(_, kind)| kind.record == record)
    }
}

impl DisclosureKind {
    fn parse(
        kind: &str,
        section: &KindSection,
        setting: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, KindError> {
        let mut fields: Vec<DisclosureField> = Vec::new();
        let listed = section.default.iter().map(|name| (name, false));
        for (name, on_request) in listed.chain(section.on_request.iter().map(|name| (name, true))) {
            check_name(kind, name)?;
            if fields.len() == FIELDS_MAX || fields.iter().any(|field| field.name == *name) {
                return Err(KindError::Field {
                    kind: kind.to_owned(),
                    field: name.clone(),
                });
            }
            let from = section.from.get(name).map_or(&[][..], Vec::as_slice);
            let read = |text: &str| place(kind, name, text, setting).transpose();
            fields.push(DisclosureField {
                name: name.clone(),
                on_request,
                exact: section.exact.contains(name),
                from: (from.iter())
                    .filter(|text| !text.starts_with(OF_OWNER))
                    .filter_map(|text| read(text))
                    .collect::<Result<_, _>>()?,
                from_owner: (from.iter())
                    .filter_map(|text| read(text.strip_prefix(OF_OWNER)?))
                    .collect::<Result<_, _>>()?,
            });
        }
        let mut named = section.exact.iter().chain(section.from.keys());
        match named.find(|name| !fields.iter().any(|field| field.name == **name)) {
            Some(field) => Err(KindError::Unlisted {
                kind: kind.to_owned(),
                field: field.clone(),
            }),
            None => Ok(Self {
                record: section.record.clone(),
                fields,
            }),
        }
    }
}

/// Parses a place, with the values of settings in place of the steps in braces. Returns `None` if
/// one of them is not set.
fn place(
    kind: &str,
    field: &str,
    text: &str,
    setting: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<Pattern>, KindError> {
    let mut steps = Vec::new();
    for step in text.split('/') {
        let name = step
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'));
        let Some(name) = name else {
            steps.push(step.to_owned());
            continue;
        };
        let Some(value) = setting(name).filter(|value| !value.is_empty()) else {
            return Ok(None);
        };
        graphql_fields::check_field(&value).map_err(|source| KindError::Setting {
            kind: kind.to_owned(),
            field: field.to_owned(),
            setting: name.to_owned(),
            source,
        })?;
        steps.push(value);
    }
    let pattern = Pattern::parse(&steps.join("/")).map_err(|source| KindError::From {
        kind: kind.to_owned(),
        field: field.to_owned(),
        source,
    })?;
    Ok(Some(pattern))
}

fn check_name(kind: &str, name: &str) -> Result<(), KindError> {
    let good = name.len() <= NAME_MAX
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && (name.bytes())
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
    if good {
        return Ok(());
    }
    Err(KindError::Name {
        kind: kind.to_owned(),
        name: name.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use PathStep::{Index, Name};

    fn section(text: &str) -> KindSection {
        toml::from_str(text).unwrap()
    }

    fn parse(text: &str, mood: Option<&str>) -> Result<DisclosureKind, KindError> {
        let sections = BTreeMap::from([("demo.note".to_owned(), section(text))]);
        let setting = |name: &str| mood.filter(|_| name == "mood-field").map(str::to_owned);
        DisclosureSchema::parse(&sections, &setting)
            .map(|kinds| kinds.get("demo.note").unwrap().clone())
    }

    const NOTE: &str = "record = 'note'\ndefault = ['title', 'mood', 'length']\non-request = ['body']\nexact = ['length']\n\
        from = { title = ['/title', '/tags/*/title'], mood = ['/{mood-field}'], body = ['/body', '/title'] }";

    #[test]
    fn value_belongs_to_the_fields_at_its_place() {
        let note = parse(NOTE, Some("mood2")).unwrap();
        for (place, expected) in [
            (&[Name("title")][..], &["title", "body"][..]),
            (&[Name("tags"), Index(1), Name("title")], &["title"]),
            (&[Name("tags"), Index(1)], &[]),
            (&[Name("mood2")], &["mood"]),
            (&[Name("body"), Name("markdown")], &["body"]),
            (&[Name("other")], &[]),
            (&[], &[]),
        ] {
            let fields = note.fields_at(place).map(|field| field.name.as_str());
            assert_eq!(fields.collect::<Vec<_>>(), expected, "{place:?}");
        }
        let flags = |name| {
            note.field(name)
                .map(|field| (field.on_request, field.exact))
        };
        assert_eq!(flags("title"), Some((false, false)));
        assert_eq!(flags("length"), Some((false, true)));
        assert_eq!(flags("body"), Some((true, false)));
        assert_eq!(flags("other"), None);
        assert_eq!(note.record(), "note");
    }

    #[test]
    fn value_of_the_owner_belongs_to_owner_fields() {
        let text = "record = 'note'\ndefault = ['by', 'title']\nfrom = { by = ['owner:/name'], title = ['/name'] }";
        let note = parse(text, None).unwrap();
        let place = [Name("name"), Name("first")];
        let names = |fields: &mut dyn Iterator<Item = &DisclosureField>| {
            fields.map(|field| field.name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(names(&mut note.fields_at(&place)), ["title"]);
        assert_eq!(names(&mut note.fields_at_owner(&place)), ["by"]);
    }

    #[test]
    fn unset_setting_leaves_its_place_out() {
        for mood in [None, Some("")] {
            let note = parse(NOTE, mood).unwrap();
            assert_eq!(note.field("mood").unwrap().from, []);
        }
    }

    #[test]
    fn kinds_are_found_by_record() {
        let sections = [("a", "x"), ("b", "y"), ("c", "x")].map(|(name, record)| {
            (
                name.to_owned(),
                section(&format!("record = '{record}'\ndefault = ['title']")),
            )
        });
        let kinds = DisclosureSchema::parse(&BTreeMap::from(sections), &|_| None).unwrap();
        let of = |record| {
            kinds
                .of_record(record)
                .map(|(name, _)| name)
                .collect::<Vec<_>>()
        };
        assert_eq!(of("x"), ["a", "c"]);
        assert_eq!(of("z"), [""; 0]);
    }

    #[test]
    fn invalid_kinds_are_refused() {
        for (text, expected) in [
            ("record = 'a b'", "`a b` is no name"),
            ("record = 'note'\ndefault = ['']", "`` is no name"),
            ("record = 'note'\ndefault = ['1a']", "`1a` is no name"),
            (
                "record = 'note'\ndefault = ['a', 'a']",
                "`a` is listed twice",
            ),
            (
                "record = 'note'\ndefault = ['a']\non-request = ['a']",
                "`a` is listed twice",
            ),
            (
                "record = 'note'\ndefault = ['a']\nexact = ['b']",
                "`b` is neither",
            ),
            (
                "record = 'note'\ndefault = ['a']\nfrom = { b = ['/b'] }",
                "`b` is neither",
            ),
            (
                "record = 'note'\ndefault = ['a']\nfrom = { a = ['b'] }",
                "`b` is no place",
            ),
            (
                "record = 'note'\ndefault = ['a']\nfrom = { a = ['/{mood-field}'] }",
                "`mood-field`",
            ),
        ] {
            let error = parse(text, Some("not a field")).unwrap_err();
            assert!(error.to_string().contains(expected), "{text}: {error}");
        }
        for wrong in ["", "record = 'a'\nother = 1", "record = 1"] {
            assert!(toml::from_str::<KindSection>(wrong).is_err(), "{wrong}");
        }
        assert!(toml::from_str::<ValuesSection>("micros = ['a']").is_ok());
        let section = "micros = ['a']\nwords = ['b', 'c']\nids = ['d']";
        let names = toml::from_str::<ValuesSection>(section).unwrap().names();
        assert!(names.words.contains("c") && names.ids.contains("d") && names.micros.len() == 1);
        assert!(toml::from_str::<ValuesSection>("micro = ['a']").is_err());
    }
}
