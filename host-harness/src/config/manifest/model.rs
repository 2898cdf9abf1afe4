//! Sections of `skill.toml` as they are written.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::limits::Limits;
use crate::config::error::{ConfigError, place};
use crate::config::lines::Lines;
use crate::config::policy_texts::PolicyTexts;
use crate::outbound::dlp::disclosure::{KindSection, ValuesSection};
use crate::outbound::policy::documents::{Effect, Verb};
use crate::outbound::policy::rate::Rate;
use crate::outbound::policy::write_route::Event;
use crate::words::Words;

/// A skill's manifest.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Manifest {
    /// Which skill this is.
    pub skill: SkillSection,
    /// What one call may use at most.
    #[serde(default)]
    pub limits: Limits,
    /// The services it talks to, by name.
    #[serde(default)]
    pub destinations: BTreeMap<String, DestinationSection>,
    /// Its settings, by key.
    #[serde(default)]
    pub settings: BTreeMap<String, SettingSection>,
    /// What the operator says of each caller, by key; the skill finds it as `caller.KEY`.
    #[serde(default)]
    pub caller_settings: BTreeMap<String, CallerSettingSection>,
    /// What may be given away of which records, by kind.
    #[serde(default)]
    pub kinds: BTreeMap<String, KindSection>,
    /// How values are looked for that must not go from one service to another.
    #[serde(default)]
    pub values: ValuesSection,
    /// What JSON may stand in texts of a body beside records of these kinds: by name, pointers and their types.
    #[serde(default)]
    pub shapes: BTreeMap<String, BTreeMap<String, String>>,
    /// What people call records, fields and writes.
    #[serde(default)]
    pub words: Words,
    /// Where it was read from.
    #[serde(skip)]
    pub path: PathBuf,
    /// SHA-256 of its exact text and that of the access files beside it, in lower-case hexadecimal.
    #[serde(skip)]
    pub sha256: String,
    /// The access policies and their schema, from the folder `access` beside it; none if there is no such folder.
    #[serde(skip)]
    pub access: Option<PolicyTexts>,
    #[serde(skip)]
    pub(super) lines: Lines,
}

/// Which skill a manifest belongs to.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SkillSection {
    /// A short name.
    pub name: String,
    /// The WIT package with its version, such as `demo:notes@0.1.0`.
    pub package: String,
    /// The objects whose records its answers may name as their sources; others do not go on record.
    #[serde(default)]
    pub objects: Vec<String>,
}

/// A service.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DestinationSection {
    /// Its name for people.
    pub title: String,
    /// Whether the skill can do without it.
    #[serde(default)]
    pub optional: bool,
    /// The environment variable that gives its origin where no operator file does.
    pub origin_env: String,
    /// The environment variable that gives its credential where no operator file does.
    pub secret_env: Option<String>,
    /// The header that carries the credential.
    #[serde(default = "authorization")]
    pub secret_header: String,
    /// What stands before the credential in that header.
    #[serde(default)]
    pub secret_prefix: String,
    /// Whether each caller has a credential of their own, since the service acts in a person's name.
    #[serde(default)]
    pub secret_per_caller: bool,
    /// How often the service may be asked; without it there is no limit.
    pub rate: Option<Rate>,
    /// The setting that tells the skill where the service is.
    pub base_url_setting: Option<String>,
    /// The environment variable that lists whom writes of this service may go to, where no operator file does.
    pub recipients_env: Option<String>,
    /// What is asked of it.
    #[serde(default)]
    pub routes: Vec<RouteSection>,
    /// The trusted documents.
    #[serde(default)]
    pub documents: Vec<DocumentSection>,
}

fn authorization() -> String {
    "authorization".to_owned()
}

/// A method and a path.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RouteSection {
    /// The method, in upper case.
    pub method: String,
    /// The pattern: `*` is one whole segment, `?a,b` the query keys.
    pub path: String,
    /// Whether the body must be a trusted document.
    #[serde(default)]
    pub documents: bool,
    /// Query keys whose value has to be that of a setting, as `setting KEY`.
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    /// Segments of the path whose value has to be that of a setting, as `setting KEY`, by the number of their `*` from 1 on.
    #[serde(default)]
    pub path_settings: BTreeMap<String, String>,
    /// Where its answer tells of people.
    pub people: Option<PeopleSection>,
    /// Where its answer tells to which group the thing in it belongs.
    pub group: Option<GroupSection>,
    /// For how many seconds the host may answer it from memory.
    #[serde(default)]
    pub cacheable_seconds: u32,
    /// What it writes, of a route that takes no documents.
    pub write: Option<WriteSection>,
}

/// Where an answer tells of people: JSON pointers, in which `*` is every item of a list.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PeopleSection {
    /// Where they are.
    pub at: String,
    /// Where each tells its id.
    pub id: String,
    /// Where each tells its name.
    pub name: Option<String>,
    /// Whether they are all of a group: whoever is not among them is outside of it. Every `*` and every query key of such a route has
    /// to be bound to a setting, since who asks must not choose the group.
    #[serde(default)]
    pub group: bool,
}

/// Where an answer tells to which group the thing in it belongs: JSON pointers.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct GroupSection {
    /// To the thing's id.
    pub id: String,
    /// To the group's id.
    pub of: String,
}

/// A setting that each caller has a value of their own for.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CallerSettingSection {
    /// The environment variable that sets it where there is no operator file.
    pub env: Option<String>,
    /// What it is, in one sentence.
    #[serde(default)]
    pub about: String,
}

/// A setting that is no secret.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SettingSection {
    /// Its value where nobody sets it; without one it is not set.
    pub default: Option<String>,
    /// The environment variable that sets it.
    pub env: Option<String>,
    /// Whether its value is the name of a field, which the documents with a place for it select. Empty is not set.
    #[serde(default)]
    pub field: bool,
    /// Whether its value names the custom fields that may be written: `KIND.FIELD`, separated by commas.
    #[serde(default)]
    pub custom_fields: bool,
    /// What it does, in one sentence.
    #[serde(default)]
    pub about: String,
}

/// What an operator adds to documents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Additions {
    /// The fields that extend documents, by the setting that names each.
    pub fields: BTreeMap<String, String>,
    /// The custom fields that may be written, by kind of record.
    pub custom: BTreeMap<String, Vec<String>>,
}

/// A trusted document.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DocumentSection {
    /// Its name.
    pub name: String,
    /// The path of the route that it is sent to.
    pub path: String,
    /// SHA-256 of its exact text, in lower-case hexadecimal.
    pub sha256: String,
    /// Its exact text, of one that has a place for a field that the operator can name (crate `trusted_documents`). The hash of
    /// what is sent is then computed from it.
    pub text: Option<String>,
    /// What it does.
    pub effect: Effect,
    /// Its variables and their types.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// Variables that take listed values alone: by variable all that there are.
    #[serde(default)]
    pub values: BTreeMap<String, Vec<String>>,
    /// Variables of a length, as `2..200`: items of a list; of a text at least so many letters and digits, at most so many characters.
    #[serde(default)]
    pub lengths: BTreeMap<String, String>,
    /// For how many seconds the host may answer it from memory.
    #[serde(default)]
    pub cacheable_seconds: u32,
    /// What objects among its variables may hold: by variable the paths and their types.
    #[serde(default)]
    pub inputs: BTreeMap<String, BTreeMap<String, String>>,
    /// Objects among its variables that may also hold the custom fields which the operator names for this kind.
    #[serde(default)]
    pub custom: BTreeMap<String, String>,
    /// What it does to which records, the one that it is about first; every document that writes says so.
    #[serde(default)]
    pub acts: Vec<ActsSection>,
    /// Records that what it writes refers to, where their ids are given.
    #[serde(default)]
    pub refers: Vec<RefersSection>,
    /// Where its answer tells of records.
    #[serde(default)]
    pub records: Vec<RecordSection>,
    /// What it takes of the destination's rate, 0 to 1000.
    #[serde(default = "one")]
    pub cost: u32,
}

const fn one() -> u32 {
    1
}

/// What a document does to which record.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ActsSection {
    /// What it does.
    pub verb: Verb,
    /// The record's kind.
    pub kind: String,
    /// Where its id is among the variables, such as `id` or `data.id`.
    pub id: String,
}

/// A record that a document refers to.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RefersSection {
    /// The record's kind.
    pub kind: String,
    /// Where its id is among the variables, such as `data.companyId`.
    pub id: String,
}

/// Where an answer tells of records: JSON pointers, in which `*` is every item of a list.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RecordSection {
    /// The records' kind.
    pub kind: String,
    /// Where they are below `data`.
    pub at: String,
    /// Where a record tells its owner: an e-mail address, or the id of a record with `email`. `|` stands between several places, of
    /// which the first counts whose parent is there.
    pub owner: Option<String>,
    /// Where a record of a member tells the member's e-mail address.
    pub email: Option<String>,
    /// Where a record tells its stage.
    pub stage: Option<String>,
    /// Where a record tells its label; without it, where `[words.records]` says that a write of this kind has it.
    pub label: Option<String>,
}

/// What a route writes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct WriteSection {
    /// What it does: the name of an action in the access schema.
    pub act: String,
    /// What it makes, for people.
    pub kind: String,
    /// What giving something away by it is called in the record: `share`, `edit` or `export`; without it nothing may be given away.
    pub event: Option<Event>,
    /// Where its answer tells the id of what was made: a JSON pointer.
    pub id: String,
    /// Where its body says to whom it goes: a JSON pointer, in which `*` is every item of a list.
    pub recipients: Option<String>,
    /// Whether it goes to whom the step does that made what the `*` of its path stands for.
    #[serde(default)]
    pub recipients_of_segment: bool,
    /// Who can read it beside them: where its body names the group, or the setting that does.
    pub group: Option<String>,
    /// Whether it goes to nobody but those whom the operator lists under `recipients` of the destination.
    #[serde(default)]
    pub listed: bool,
    /// `required` where a person has to confirm it, whatever policy says.
    pub approval: Option<Confirmation>,
    /// Whether it may be sent a second time where the service may have received it: `never` (the default), `always`, or
    /// `{ unless-found = { text = "/POINTER", in = "/PATH?KEY,KEY" } }`, which names the text of the body that must not stand in what
    /// the service then shows there; `*` stands for the same segments as in the path of the write.
    #[serde(default)]
    pub repeat: RepeatSection,
    /// What its body may hold: by JSON pointer, in which `*` is every item of a list, the type of the value.
    pub body: BTreeMap<String, String>,
}

/// Whether a write may be sent a second time.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RepeatSection {
    /// Not where the service may have received it.
    #[default]
    Never,
    /// Whenever the component says that it was not done.
    Always,
    /// If the service does not show it.
    UnlessFound(FoundSection),
}

/// How a service shows what it has received.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FoundSection {
    /// The text of the body that shows it: a JSON pointer.
    pub text: String,
    /// The path of the read that shows it, and the query keys that it may have.
    #[serde(rename = "in")]
    pub within: String,
}

/// Whether a person has to confirm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confirmation {
    /// One has to.
    Required,
}

impl Manifest {
    /// File and line of a key, for errors.
    pub(in crate::config) fn place(&self, key: &str) -> String {
        place(&self.path, self.lines.line(key))
    }

    pub(super) fn wrong(&self, key: impl Into<String>, message: impl Into<String>) -> ConfigError {
        let key = key.into();
        ConfigError::value(self.place(&key), key, message)
    }

    /// The setting that `setting KEY` names.
    pub(super) fn bound(&self, text: &str, place: &str) -> Result<String, ConfigError> {
        let known = |key: &str| {
            self.settings.contains_key(key)
                || key
                    .strip_prefix("caller.")
                    .is_some_and(|key| self.caller_settings.contains_key(key))
        };
        text.strip_prefix("setting ")
            .map(str::trim)
            .filter(|key| known(key))
            .map(str::to_owned)
            .ok_or_else(|| {
                self.wrong(
                    place,
                    "write `setting KEY`, with a key under [settings], or `caller.KEY` with one under [caller-settings]",
                )
            })
    }

    /// The steps of a JSON pointer, in which `*` is every item of a list.
    pub(super) fn steps(&self, pointer: &str, place: &str) -> Result<Vec<String>, ConfigError> {
        let steps = pointer.strip_prefix('/').filter(|steps| !steps.is_empty());
        steps
            .map(|steps| steps.split('/').map(str::to_owned).collect())
            .ok_or_else(|| {
                self.wrong(
                    place,
                    "write places as `/a/b`, with `*` for every item of a list",
                )
            })
    }
}
