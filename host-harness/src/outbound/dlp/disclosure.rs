//! What may be given away of which records: a manifest's `[kinds]`.

use std::collections::BTreeMap;

use serde::Deserialize;
use thiserror::Error;

use super::values::Names;
use crate::json_path::{Pattern, PatternError, Step};

/// Most fields of a kind.
pub const FIELDS_MAX: usize = 64;
/// Longest name of a kind or a field, in bytes.
pub const NAME_MAX: usize = 64;
/// What stands before a place in the owner's record.
const OF_OWNER: &str = "owner:";

/// A kind as a manifest writes it, under `[kinds.NAME]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct KindSection {
    /// The records' kind, in the skill's words.
    pub record: String,
    /// The fields that may be given away.
    #[serde(default)]
    pub default: Vec<String>,
    /// The fields that may be given away where policy permits it.
    #[serde(default)]
    pub on_request: Vec<String>,
    /// The fields that are no free text: nothing is taken out of them.
    #[serde(default)]
    pub exact: Vec<String>,
    /// Where in a record, as a service's answer shows it, the values of a field stand. A step can be `{SETTING}`: the field that
    /// the setting names; where it names none, the place is left out. `owner:` before a place says that it is one in the record of
    /// the member who owns this one.
    #[serde(default)]
    pub from: BTreeMap<String, Vec<String>>,
}

/// What a manifest says of values in general, under `[values]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ValuesSection {
    /// Members whose numbers count in millionths.
    #[serde(default)]
    pub micros: Vec<String>,
    /// Members whose texts are words of a fixed list, such as a stage: they are no values. Only capitals, digits and `_` are words.
    #[serde(default)]
    pub words: Vec<String>,
    /// Members whose texts are ids and no values. UUIDs are none anywhere.
    #[serde(default)]
    pub ids: Vec<String>,
    /// Texts of the skill's own that a read may carry, each as a whole: what no argument, setting or answer holds.
    #[serde(default)]
    pub constants: Vec<String>,
}

impl ValuesSection {
    /// The same, for what answers are read into.
    #[must_use]
    pub fn names(&self) -> Names {
        let set = |names: &[String]| names.iter().cloned().collect();
        Names {
            micros: set(&self.micros),
            words: set(&self.words),
            ids: set(&self.ids),
        }
    }
}

/// What is wrong with a kind.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KindError {
    /// A name that is none.
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
    /// A place that is none.
    #[error("kind `{kind}`, field `{field}`: {source}")]
    From {
        /// The kind.
        kind: String,
        /// The field.
        field: String,
        /// What a place is.
        source: PatternError,
    },
    /// A setting whose value names no field.
    #[error("kind `{kind}`, field `{field}`: setting `{setting}`: {source}")]
    Setting {
        /// The kind.
        kind: String,
        /// The field.
        field: String,
        /// The setting.
        setting: String,
        /// What a name of a field is.
        source: trusted_documents::NotAField,
    },
}

/// A field of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name, in the skill's words.
    pub name: String,
    /// Whether policy must permit it.
    pub on_request: bool,
    /// Whether it is no free text.
    pub exact: bool,
    /// Where in a record its values stand; nowhere if they are computed.
    pub from: Vec<Pattern>,
    /// Where in the record of its owner they stand.
    pub from_owner: Vec<Pattern>,
}

/// What may be given away of one kind of record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kind {
    record: String,
    fields: Vec<Field>,
}

impl Kind {
    /// The records' kind, in the skill's words.
    #[must_use]
    pub fn record(&self) -> &str {
        &self.record
    }

    /// Its fields: those by default first, in the manifest's order.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// A field by its name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The fields that a value belongs to which stands at a place in a record.
    pub fn fields_at(&self, place: &[Step<'_>]) -> impl Iterator<Item = &Field> {
        (self.fields.iter())
            .filter(move |field| field.from.iter().any(|pattern| pattern.covers(place)))
    }

    /// The fields that a value belongs to which stands at a place in the record of the owner.
    pub fn fields_at_owner(&self, place: &[Step<'_>]) -> impl Iterator<Item = &Field> {
        (self.fields.iter())
            .filter(move |field| field.from_owner.iter().any(|pattern| pattern.covers(place)))
    }
}

/// What may be given away, by the name of each kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kinds(BTreeMap<String, Kind>);

impl Kinds {
    /// Reads a manifest's kinds. `setting` gives what a setting says, none where it is not set; empty is not set.
    ///
    /// # Errors
    /// What is wrong with one of them.
    pub fn parse(
        sections: &BTreeMap<String, KindSection>,
        setting: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, KindError> {
        let kinds = sections.iter().map(|(name, section)| {
            check_name(name, name)?;
            check_name(name, &section.record)?;
            Ok((name.clone(), Kind::parse(name, section, setting)?))
        });
        kinds.collect::<Result<_, _>>().map(Self)
    }

    /// A kind by its name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Kind> {
        self.0.get(name)
    }

    /// All kinds with their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Kind)> {
        self.0.iter().map(|(name, kind)| (name.as_str(), kind))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The kinds of a kind of record, with their names.
    pub fn of_record(&self, record: &str) -> impl Iterator<Item = (&str, &Kind)> {
        self.iter().filter(move |(_, kind)| kind.record == record)
    }
}

impl Kind {
    fn parse(
        kind: &str,
        section: &KindSection,
        setting: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, KindError> {
        let mut fields: Vec<Field> = Vec::new();
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
            fields.push(Field {
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

/// A place whose steps in braces are what the settings say; none where one says nothing.
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
        trusted_documents::check_field(&value).map_err(|source| KindError::Setting {
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
    use Step::{Index, Name};

    fn section(text: &str) -> KindSection {
        toml::from_str(text).unwrap()
    }

    fn parse(text: &str, mood: Option<&str>) -> Result<Kind, KindError> {
        let sections = BTreeMap::from([("demo.note".to_owned(), section(text))]);
        let setting = |name: &str| mood.filter(|_| name == "mood-field").map(str::to_owned);
        Kinds::parse(&sections, &setting).map(|kinds| kinds.get("demo.note").unwrap().clone())
    }

    const NOTE: &str = "record = 'note'\ndefault = ['title', 'mood', 'length']\non-request = ['body']\nexact = ['length']\n\
        from = { title = ['/title', '/tags/*/title'], mood = ['/{mood-field}'], body = ['/body', '/title'] }";

    #[test]
    fn a_value_belongs_to_the_fields_at_whose_places_it_stands() {
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
    fn value_of_the_owner_belongs_to_the_field_that_says_so() {
        let text = "record = 'note'\ndefault = ['by', 'title']\nfrom = { by = ['owner:/name'], title = ['/name'] }";
        let note = parse(text, None).unwrap();
        let place = [Name("name"), Name("first")];
        let names = |fields: &mut dyn Iterator<Item = &Field>| {
            fields.map(|field| field.name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(names(&mut note.fields_at(&place)), ["title"]);
        assert_eq!(names(&mut note.fields_at_owner(&place)), ["by"]);
    }

    #[test]
    fn a_setting_that_is_not_set_leaves_its_place_out() {
        for mood in [None, Some("")] {
            let note = parse(NOTE, mood).unwrap();
            assert_eq!(note.field("mood").unwrap().from, []);
        }
    }

    #[test]
    fn kinds_are_found_by_the_records_they_tell_of() {
        let sections = [("a", "x"), ("b", "y"), ("c", "x")].map(|(name, record)| {
            (
                name.to_owned(),
                section(&format!("record = '{record}'\ndefault = ['title']")),
            )
        });
        let kinds = Kinds::parse(&BTreeMap::from(sections), &|_| None).unwrap();
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
    fn what_is_wrong_with_a_kind_is_said() {
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
