//! Sections of `skill.toml` as they are written.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::limits::Limits;
use crate::config::error::{ConfigError, place};
use crate::config::lines::KeyLines;
use crate::config::policy_texts::PolicyTexts;
use crate::outbound::dlp::disclosure::{KindSection, ValuesSection};
use crate::outbound::policy::documents::{Effect, Verb};
use crate::outbound::policy::rate::Rate;
use crate::outbound::policy::write_route::Event;
use crate::words::Words;

/// A skill's manifest.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Manifest {
    /// The skill that it belongs to.
    pub skill: SkillSection,
    /// Limits of a call.
    #[serde(default)]
    pub limits: Limits,
    /// The services it talks to, by name.
    #[serde(default)]
    pub destinations: BTreeMap<String, DestinationSection>,
    /// Its settings, by key.
    #[serde(default)]
    pub settings: BTreeMap<String, SettingSection>,
    /// The settings that the operator file gives for each caller, by key; the skill reads them as
    /// `caller.KEY`.
    #[serde(default)]
    pub caller_settings: BTreeMap<String, CallerSettingSection>,
    /// The disclosure schema: the record fields that may be disclosed, by kind.
    #[serde(default)]
    pub kinds: BTreeMap<String, KindSection>,
    /// Rules for detecting values that must not go from one service to another.
    #[serde(default)]
    pub values: ValuesSection,
    /// The JSON that texts of a body may hold besides records of these kinds: by name, pointers and
    /// their types.
    #[serde(default)]
    pub shapes: BTreeMap<String, BTreeMap<String, String>>,
    /// Display names of records, fields and writes.
    #[serde(default)]
    pub words: Words,
    /// The file that it was read from.
    #[serde(skip)]
    pub path: PathBuf,
    /// SHA-256 of its exact text and that of the access files beside it, in lower-case hexadecimal.
    #[serde(skip)]
    pub sha256: String,
    /// The access policies and their schema, from the folder `access` beside it; none if there is
    /// no such folder.
    #[serde(skip)]
    pub access: Option<PolicyTexts>,
    /// Every key as it stands in the file, for the comparison with another version.
    #[serde(skip)]
    pub(crate) keys: Map<String, Value>,
    #[serde(skip)]
    pub(super) lines: KeyLines,
}

/// The skill that a manifest belongs to.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SkillSection {
    /// A short name.
    pub name: String,
    /// The WIT package with its version, such as `demo:notes@0.1.0`.
    pub package: String,
    /// The objects whose records its answers may name as sources; others are not written to the
    /// audit log.
    #[serde(default)]
    pub objects: Vec<String>,
    /// An action of the skill that lists who works with its service.
    pub members: Option<MembersSection>,
}

/// An action that tells who works with the service, and places in its answer: JSON pointers, in
/// which `*` is every item of a list.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct MembersSection {
    /// The action, by its full name. It is called without arguments.
    pub action: String,
    /// The place of them all.
    pub at: String,
    /// The place of the name in each.
    pub name: String,
    /// The place of the e-mail address in each.
    pub email: String,
    /// The place of a yes or no: there are more than those that it lists. Without it there are not.
    pub more: Option<String>,
}

/// A service.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DestinationSection {
    /// Its name for people.
    pub title: String,
    /// True if the skill can do without it.
    #[serde(default)]
    pub optional: bool,
    /// The environment variable that gives its origin if no operator file does.
    pub origin_env: String,
    /// The environment variable that gives its credential if no operator file does.
    pub secret_env: Option<String>,
    /// The header that carries the credential.
    #[serde(default = "authorization")]
    pub secret_header: String,
    /// The text before the credential in that header.
    #[serde(default)]
    pub secret_prefix: String,
    /// True if each caller has a credential of their own, since the service acts in a person's
    /// name.
    #[serde(default)]
    pub secret_per_caller: bool,
    /// The maximum rate of requests; without it there is no limit.
    pub rate: Option<Rate>,
    /// The setting that gives the skill the service's URL.
    pub base_url_setting: Option<String>,
    /// The environment variable that lists the permitted recipients of this service's writes, if no
    /// operator file does.
    pub recipients_env: Option<String>,
    /// The routes that the skill asks for.
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
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RouteSection {
    /// The method, in upper case.
    pub method: String,
    /// The pattern: `*` is one whole segment, `?a,b` the query keys.
    pub path: String,
    /// True if the body must be a trusted document.
    #[serde(default)]
    pub documents: bool,
    /// Query keys that must have the value of a setting, as `setting KEY`.
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    /// Segments of the path that must have the value of a setting, as `setting KEY`, by the number
    /// of their `*` from 1 on.
    #[serde(default)]
    pub path_settings: BTreeMap<String, String>,
    /// The places of people in its answer.
    pub people: Option<PeopleSection>,
    /// The place in its answer of the group that an object belongs to.
    pub group: Option<GroupSection>,
    /// Seconds for which the host may answer it from memory.
    #[serde(default)]
    pub cacheable_seconds: u32,
    /// The write of a route that takes no documents.
    pub write: Option<WriteSection>,
}

/// Places of people in an answer: JSON pointers, in which `*` is every item of a list.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PeopleSection {
    /// The place of the people.
    pub at: String,
    /// The place of each one's id.
    pub id: String,
    /// The place of each one's name.
    pub name: Option<String>,
    /// True if they are all members of a group, so that anybody else is outside of it. Every `*`
    /// and every query key of such a route has to be bound to a setting, since a caller must not
    /// choose the group.
    #[serde(default)]
    pub group: bool,
}

/// Places of an object and its group in an answer: JSON pointers.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct GroupSection {
    /// The object's id.
    pub id: String,
    /// The group's id.
    pub of: String,
}

/// A setting with a value for each caller.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CallerSettingSection {
    /// The environment variable that sets it if there is no operator file.
    pub env: Option<String>,
    /// A description in one sentence.
    #[serde(default)]
    pub about: String,
}

/// A setting that is not secret.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SettingSection {
    /// Its default; without one it may be unset.
    pub default: Option<String>,
    /// The environment variable that sets it if there is no operator file.
    pub env: Option<String>,
    /// True if its value is the name of a field, which the documents with a place for it select. An
    /// empty value counts as unset.
    #[serde(default)]
    pub field: bool,
    /// True if its value names the custom fields that may be written: `KIND.FIELD`, separated by
    /// commas.
    #[serde(default)]
    pub custom_fields: bool,
    /// A description in one sentence.
    #[serde(default)]
    pub about: String,
}

/// Additions of an operator to documents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Additions {
    /// The fields that extend documents, by the setting that names each.
    pub fields: BTreeMap<String, String>,
    /// The custom fields that may be written, by kind of record.
    pub custom: BTreeMap<String, Vec<String>>,
}

/// A trusted document.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DocumentSection {
    /// Its name.
    pub name: String,
    /// The path of the route that it is sent to.
    pub path: String,
    /// SHA-256 of its exact text, in lower-case hexadecimal.
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    pub sha256: String,
    /// Its exact text, if it has a place for a field that the operator can name (crate
    /// `graphql_fields`). The hash of what is sent is then computed from it.
    pub text: Option<String>,
    /// Its effect.
    pub effect: Effect,
    /// Its variables and their types.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// Variables that only take listed values, with all of these values.
    #[serde(default)]
    pub values: BTreeMap<String, Vec<String>>,
    /// Variables with a length, as `2..200`: items of a list; for a text, the minimum of letters
    /// and digits and the maximum of characters.
    #[serde(default)]
    pub lengths: BTreeMap<String, String>,
    /// Seconds for which the host may answer it from memory.
    #[serde(default)]
    pub cacheable_seconds: u32,
    /// The contents of objects among its variables: by variable, the paths and their types.
    #[serde(default)]
    pub inputs: BTreeMap<String, BTreeMap<String, String>>,
    /// Objects among its variables that may also hold the custom fields which the operator names
    /// for this kind.
    #[serde(default)]
    pub custom: BTreeMap<String, String>,
    /// The records that it writes, starting with the one that it is about. Every document that
    /// writes has to list them.
    #[serde(default)]
    pub acts: Vec<ActsSection>,
    /// Records that its writes refer to, if their ids are given.
    #[serde(default)]
    pub refers: Vec<RefersSection>,
    /// The places of records in its answer.
    #[serde(default)]
    pub records: Vec<RecordSection>,
    /// Its cost against the destination's rate, 0 to 1000.
    #[serde(default = "one")]
    #[schemars(range(max = 1000))]
    pub cost: u32,
}

const fn one() -> u32 {
    1
}

/// A write of a document to a record.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ActsSection {
    /// The verb.
    pub verb: Verb,
    /// The record's kind.
    pub kind: String,
    /// The place of its id among the variables, such as `id` or `data.id`.
    pub id: String,
}

/// A record that a document refers to.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RefersSection {
    /// The record's kind.
    pub kind: String,
    /// The place of its id among the variables, such as `data.companyId`.
    pub id: String,
}

/// Places of records in an answer: JSON pointers, in which `*` is every item of a list.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RecordSection {
    /// The records' kind.
    pub kind: String,
    /// The place of the records below `data`.
    pub at: String,
    /// The place of a record's owner: an e-mail address, or the id of a record with `email`. `|`
    /// separates several places, of which the first counts whose parent exists.
    pub owner: Option<String>,
    /// The place of the e-mail address in a member's record.
    pub email: Option<String>,
    /// The place of a record's stage.
    pub stage: Option<String>,
    /// The place of a record's label. The default is the place that `[words.records]` gives for a
    /// write of this kind.
    pub label: Option<String>,
}

/// The write of a route.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct WriteSection {
    /// The name of its action in the access schema.
    pub act: String,
    /// A name for what it creates, for people.
    pub kind: String,
    /// The name of its disclosures in the audit log: `share`, `edit` or `export`; without it
    /// nothing may be disclosed.
    pub event: Option<Event>,
    /// The place in its answer of the id of what was created: a JSON pointer.
    pub id: String,
    /// The place of the recipients in its body: a JSON pointer, in which `*` is every item of a
    /// list.
    pub recipients: Option<String>,
    /// True if its recipients are those of the step that created the conversation in the path's
    /// wildcard.
    #[serde(default)]
    pub recipients_of_segment: bool,
    /// The group that can read it as well: its place in the body, or the setting that names it.
    pub group: Option<String>,
    /// True if it may only go to recipients that the operator lists under `recipients` of the
    /// destination.
    #[serde(default)]
    pub listed: bool,
    /// `required` if a person has to confirm it, whatever policy decides.
    pub approval: Option<Confirmation>,
    /// The condition for sending it a second time if the service may have received it: `never` (the
    /// default), `always`, or `{ unless-found = { text = "/POINTER", in = "/PATH?KEY,KEY" } }`,
    /// which names the text of the body that must not occur in what the service then shows there;
    /// `*` stands for the same segments as in the path of the write.
    #[serde(default)]
    pub repeat: RepeatSection,
    /// The contents of its body: the type of each value by JSON pointer, in which `*` is every item
    /// of a list.
    pub body: BTreeMap<String, String>,
}

/// The condition for sending a write a second time.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RepeatSection {
    /// Never if the service may have received it.
    #[default]
    Never,
    /// Whenever the component says that it was not done.
    Always,
    /// If the service does not show it.
    UnlessFound(FoundSection),
}

/// The read in which a service shows what it has received.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FoundSection {
    /// The text of the body that shows it: a JSON pointer.
    pub text: String,
    /// The path of the read that shows it, and the query keys that it may have.
    #[serde(rename = "in")]
    pub within: String,
}

/// The confirmation that a write needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Confirmation {
    /// A person has to confirm it.
    Required,
}

impl Manifest {
    /// Returns file and line of a key, for errors.
    pub(in crate::config) fn place(&self, key: &str) -> String {
        place(&self.path, self.lines.line(key))
    }

    pub(super) fn wrong(&self, key: impl Into<String>, message: impl Into<String>) -> ConfigError {
        let key = key.into();
        ConfigError::value(self.place(&key), key, message)
    }

    /// Returns the setting that `setting KEY` names.
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

    /// Returns the segments of a JSON pointer, in which `*` is every item of a list.
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
