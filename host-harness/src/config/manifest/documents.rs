//! The trusted documents of a manifest: their hashes, the contents of their variables, and their
//! meaning for access.

use std::collections::BTreeMap;
use std::sync::Arc;

use graphql_fields::ExtendError;
use sha2::{Digest as _, Sha256};

use super::model::{ActsSection, DocumentSection, RecordSection, RefersSection};
use super::{Additions, DestinationSection, Manifest};
use crate::config::ConfigError;
use crate::digest::parse_sha256;
use crate::json_path::Pattern;
use crate::observed::places::{OptionsAt, RecordAt};
use crate::outbound::body::json_input::Input;
use crate::outbound::body::variables::VariableType;
use crate::outbound::dlp::values::RecordPlace;
use crate::outbound::policy::documents::{Acts, Declared, Document, Documents, Effect, Refers};

/// Maximum share of a rate that a document can take.
const COST_MAX: u32 = 1000;

impl Manifest {
    pub(super) fn documents(
        &self,
        destination: &str,
        section: &DestinationSection,
        path: &str,
        additions: &Additions,
    ) -> Result<Documents, ConfigError> {
        let mut documents: Vec<Document> = Vec::new();
        for entry in section.documents.iter().filter(|entry| entry.path == path) {
            let key = |field: &str| {
                format!(
                    "destinations.{destination}.documents `{}`: {field}",
                    entry.name
                )
            };
            let sha256 = parse_sha256(&entry.sha256).ok_or_else(|| {
                self.wrong(key("sha256"), "write 64 lower-case hexadecimal digits")
            })?;
            let sha256 = match &entry.text {
                Some(text) => self.extended(text, sha256, additions, &key)?,
                None => sha256,
            };
            // Duplicates in the manifest itself are reported by the caller, with their place.
            if additions != &Additions::default()
                && let Some(twin) = documents.iter().find(|other| other.sha256 == sha256)
            {
                let message = format!("with its fields its text is that of `{}`", twin.name);
                return Err(self.wrong(key("text"), message));
            }
            let variables = self.variables(entry, additions, &key)?;
            if entry.effect == Effect::Mutation && entry.cacheable_seconds > 0 {
                return Err(self.wrong(
                    key("cacheable-seconds"),
                    "a document that writes cannot be kept: remove it",
                ));
            }
            if entry.cost > COST_MAX {
                let message = format!("write 0 to {COST_MAX}");
                return Err(self.wrong(key("cost"), message));
            }
            documents.push(Document {
                name: entry.name.clone(),
                sha256,
                effect: entry.effect,
                variables,
                cacheable_seconds: entry.cacheable_seconds,
                cost: entry.cost,
                acts: self.acts(entry, &key)?,
                refers: self.refers(entry, &key)?,
                records: self.records(entry, &key)?,
                options: self.options(entry)?,
                places: self.places(entry, &key)?,
            });
        }
        Ok(Documents::new(documents))
    }

    /// Returns the hash of a document's text, extended with the fields that are named for its
    /// places.
    fn extended(
        &self,
        text: &str,
        sha256: [u8; 32],
        additions: &Additions,
        key: &impl Fn(&str) -> String,
    ) -> Result<[u8; 32], ConfigError> {
        if digest(text) != sha256 {
            return Err(self.wrong(
                key("text"),
                "this is not the text that `sha256` is of: write both anew",
            ));
        }
        let unusable = |error: ExtendError| self.wrong(key("text"), error.to_string());
        for setting in graphql_fields::settings(text).map_err(unusable)? {
            if !self
                .settings
                .get(setting)
                .is_some_and(|section| section.field)
            {
                let message = format!(
                    "it has a place for the field that `{setting}` names: list that under [settings] with `field = true`"
                );
                return Err(self.wrong(key("text"), message));
            }
        }
        let extended = graphql_fields::extend(text, |setting| additions.fields.get(setting));
        Ok(digest(&extended.map_err(unusable)?))
    }

    fn variables(
        &self,
        entry: &DocumentSection,
        additions: &Additions,
        key: &impl Fn(&str) -> String,
    ) -> Result<Vec<(String, Declared)>, ConfigError> {
        let parse = |name: String, declared: &str| {
            VariableType::parse(declared).map_err(|error| self.wrong(key(&name), error.to_string()))
        };
        let known = |name: &String| entry.variables.contains_key(name);
        let strange = |name: &&String| !known(name) || entry.inputs.contains_key(*name);
        for (field, mut names) in [
            (
                "values",
                entry.values.keys().collect::<Vec<_>>().into_iter(),
            ),
            (
                "lengths",
                entry.lengths.keys().collect::<Vec<_>>().into_iter(),
            ),
        ] {
            if let Some(name) = names.find(strange) {
                return Err(self.wrong(
                    key(&format!("{field}.{name}")),
                    "this document has no such scalar variable: remove it, or write its name as declared",
                ));
            }
        }
        let mut variables = Vec::new();
        for (name, declared) in &entry.variables {
            let paths = entry.inputs.get(name);
            let custom = entry.custom.get(name);
            if paths.is_none() && custom.is_none() {
                let mut scalar = parse(format!("variables.{name}"), declared)?;
                if let Some(values) = entry.values.get(name) {
                    scalar = scalar.closed_to(values.clone()).map_err(|error| {
                        self.wrong(key(&format!("values.{name}")), error.to_string())
                    })?;
                }
                if let Some(range) = entry.lengths.get(name) {
                    scalar = scalar.of_length(range).map_err(|error| {
                        self.wrong(key(&format!("lengths.{name}")), error.to_string())
                    })?;
                }
                variables.push((name.clone(), Declared::Scalar(scalar)));
                continue;
            }
            if entry.effect == Effect::Query {
                return Err(self.wrong(
                    key(&format!("inputs.{name}")),
                    "a document that reads takes scalars alone: a free filter shows what is not selected",
                ));
            }
            let mut parsed = BTreeMap::new();
            for (path, declared) in paths.into_iter().flatten() {
                parsed.insert(
                    path.clone(),
                    parse(format!("inputs.{name}.{path}"), declared)?,
                );
            }
            let custom = custom.and_then(|kind| additions.custom.get(kind));
            let input = Input::new(parsed, custom.cloned().unwrap_or_default());
            variables.push((name.clone(), Declared::Input(input)));
        }
        Ok(variables)
    }

    fn acts(
        &self,
        entry: &DocumentSection,
        key: &impl Fn(&str) -> String,
    ) -> Result<Vec<Acts>, ConfigError> {
        match (entry.effect, entry.acts.is_empty()) {
            (Effect::Mutation, true) => {
                return Err(self.wrong(
                    key("acts"),
                    "say what it does to which record: [{ verb = \"create\", kind = \"...\", id = \"VARIABLE\" }]",
                ));
            }
            (Effect::Query, false) => {
                return Err(
                    self.wrong(key("acts"), "a document that reads does nothing: remove it")
                );
            }
            _ => {}
        }
        let read = |acts: &ActsSection| {
            let id: Vec<_> = acts.id.split('.').map(str::to_owned).collect();
            if !id
                .first()
                .is_some_and(|name| entry.variables.contains_key(name))
            {
                return Err(self.wrong(key("acts"), "`id` names no variable of this document"));
            }
            Ok(Acts {
                verb: acts.verb,
                kind: acts.kind.clone(),
                id,
            })
        };
        entry.acts.iter().map(read).collect()
    }

    fn refers(
        &self,
        entry: &DocumentSection,
        key: &impl Fn(&str) -> String,
    ) -> Result<Vec<Refers>, ConfigError> {
        if entry.effect == Effect::Query && !entry.refers.is_empty() {
            return Err(self.wrong(
                key("refers"),
                "a document that reads refers to nothing: remove it",
            ));
        }
        let read = |refers: &RefersSection| {
            let id: Vec<_> = refers.id.split('.').map(str::to_owned).collect();
            if !id
                .first()
                .is_some_and(|name| entry.variables.contains_key(name))
            {
                return Err(self.wrong(key("refers"), "`id` names no variable of this document"));
            }
            Ok(Refers {
                kind: refers.kind.clone(),
                id,
            })
        };
        entry.refers.iter().map(read).collect()
    }

    /// Returns the places of records in a document's answer.
    fn places(
        &self,
        entry: &DocumentSection,
        key: &impl Fn(&str) -> String,
    ) -> Result<Arc<[RecordPlace]>, ConfigError> {
        let read = |record: &RecordSection| {
            let at = Pattern::parse(&format!("/data{}", record.at))
                .map_err(|error| self.wrong(key("records"), error.to_string()))?;
            Ok(RecordPlace {
                kind: record.kind.clone(),
                at,
            })
        };
        entry.records.iter().map(read).collect()
    }

    /// Returns the path to the label of records of this kind, from `[words.records]`.
    fn label_of(&self, kind: &str) -> Option<Vec<String>> {
        let place = self.words.records.get(kind)?.label.as_ref()?;
        Some(place.split('.').map(str::to_owned).collect())
    }

    /// Returns the place of options in a document's answer, if `[words.options]` names it.
    fn options(&self, entry: &DocumentSection) -> Result<Option<OptionsAt>, ConfigError> {
        let Some(words) =
            (self.words.options.as_ref()).filter(|words| words.document == entry.name)
        else {
            return Ok(None);
        };
        let steps = |pointer: &str| self.steps(pointer, "words.options");
        Ok(Some(OptionsAt {
            at: steps(&words.at)?,
            kind: steps(&words.kind)?,
            fields: steps(&words.fields)?,
            name: steps(&words.name)?,
            options: steps(&words.options)?,
            value: steps(&words.value)?,
            label: steps(&words.label)?,
        }))
    }

    fn records(
        &self,
        entry: &DocumentSection,
        key: &impl Fn(&str) -> String,
    ) -> Result<Vec<RecordAt>, ConfigError> {
        let steps = |pointer: &str| self.steps(pointer, &key("records"));
        let read = |record: &RecordSection| {
            Ok(RecordAt {
                kind: record.kind.clone(),
                at: steps(&record.at)?,
                owner: (record.owner.iter())
                    .flat_map(|places| places.split('|'))
                    .map(steps)
                    .collect::<Result<_, _>>()?,
                email: record.email.as_deref().map(steps).transpose()?,
                stage: record.stage.as_deref().map(steps).transpose()?,
                label: match &record.label {
                    Some(pointer) => Some(steps(pointer)?),
                    None => self.label_of(&record.kind),
                },
            })
        };
        entry.records.iter().map(read).collect()
    }
}

pub(in crate::config::manifest) fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}
