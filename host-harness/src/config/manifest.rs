//! `skill.toml`: what a skill asks for. An operator can grant less, never more.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use http::Method;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::error::{ConfigError, place, read};
use super::lines::Lines;
use super::policy_texts::PolicyTexts;
use crate::digest::hex;
use crate::observed::places::{GroupAt, PeopleAt};
use crate::outbound::dlp::disclosure::{KindSection, ValuesSection};
use crate::outbound::policy::Route;
use crate::outbound::policy::rate::Rate;
use crate::outbound::policy::route::RoutePattern;
use crate::outbound::policy::write_route::{Recipients, Write};
use crate::words::Words;

mod documents;
mod limits;
mod writes;

pub use documents::DocumentSection;
pub use limits::Limits;
pub use writes::WriteSection;

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
    lines: Lines,
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

impl Manifest {
    /// Reads a manifest file.
    ///
    /// # Errors
    /// When it cannot be read, or what is wrong with it and where.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = read(path)?;
        let mut manifest = Self::parse(&text, path)?;
        let folder = path.with_file_name("access");
        if folder.is_dir() {
            let (schema_path, policies_path) = (
                folder.join("schema.cedarschema"),
                folder.join("policies.cedar"),
            );
            let access = PolicyTexts {
                schema: read(&schema_path)?,
                schema_path,
                policies: read(&policies_path)?,
                policies_path,
            };
            let mut digest = Sha256::new();
            for part in [&text, &access.schema, &access.policies] {
                digest.update((part.len() as u64).to_le_bytes());
                digest.update(part);
            }
            manifest.sha256 = hex(&digest.finalize());
            manifest.access = Some(access);
        }
        Ok(manifest)
    }

    /// Reads a manifest's text; `path` names it in errors.
    ///
    /// # Errors
    /// What is wrong with it and where.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let mut manifest: Self = toml::from_str(text).map_err(|error| ConfigError::Parse {
            path: path.to_owned(),
            message: error.to_string(),
        })?;
        manifest.path = path.to_owned();
        manifest.sha256 = hex(&Sha256::digest(text.as_bytes()));
        manifest.lines = Lines::of(text);
        manifest.limits.check(&|key| manifest.place(key))?;
        manifest.package()?;
        for (name, setting) in &manifest.settings {
            if setting.field
                && let Some(Err(error)) = setting
                    .default
                    .as_deref()
                    .map(trusted_documents::check_field)
            {
                let key = format!("settings.{name}.default");
                return Err(manifest.wrong(key, error.to_string()));
            }
        }
        let mut writes = BTreeSet::new();
        for (name, section) in &manifest.destinations {
            writes.extend(manifest.routes(name)?.into_iter().map(|route| route.id));
            writes.extend(
                section
                    .documents
                    .iter()
                    .map(|document| document.name.clone()),
            );
        }
        if let Some(deed) = (manifest.words.deeds.keys()).find(|deed| !writes.contains(*deed)) {
            return Err(manifest.wrong(
                format!("words.deeds.{deed}"),
                "no document has this name, and no service this method and path: correct or remove it",
            ));
        }
        Ok(manifest)
    }

    /// The package's name and version, such as `demo:notes` and `0.1.0`.
    ///
    /// # Errors
    /// When it is not written `namespace:name@version`.
    pub fn package(&self) -> Result<(&str, &str), ConfigError> {
        self.skill
            .package
            .split_once('@')
            .filter(|(name, version)| name.contains(':') && !version.is_empty())
            .ok_or_else(|| self.wrong("skill.package", "write it as `namespace:name@version`"))
    }

    /// The routes of a destination, with their documents as the manifest lists them.
    ///
    /// # Errors
    /// As [`Self::routes_with`].
    pub fn routes(&self, destination: &str) -> Result<Vec<Route>, ConfigError> {
        self.routes_with(destination, &Additions::default())
    }

    /// The routes of a destination, with their documents extended by what the operator adds: of each just one text is known, the extended one.
    /// Every document must belong to a route that takes documents.
    ///
    /// # Errors
    /// The key of the first entry that cannot be used, and why.
    pub fn routes_with(
        &self,
        destination: &str,
        additions: &Additions,
    ) -> Result<Vec<Route>, ConfigError> {
        let Some(section) = self.destinations.get(destination) else {
            return Ok(Vec::new());
        };
        let place =
            |what: &str, index: usize| format!("destinations.{destination}.{what}[{index}]");
        let mut routes = Vec::new();
        for (index, route) in section.routes.iter().enumerate() {
            routes.push(self.route(
                destination,
                section,
                route,
                &place("routes", index),
                additions,
            )?);
        }
        for (index, document) in section.documents.iter().enumerate() {
            let twice = section.documents.iter().take(index).any(|other| {
                other.name == document.name
                    || (other.sha256 == document.sha256 && other.path == document.path)
            });
            if twice {
                return Err(self.wrong(
                    place("documents", index),
                    "this name or sha256 is listed twice: remove one",
                ));
            }
            let homeless = !section
                .routes
                .iter()
                .any(|route| route.documents && route.path == document.path);
            if homeless {
                let message = format!(
                    "no route with `documents = true` has the path `{}`: add one",
                    document.path
                );
                return Err(self.wrong(place("documents", index), message));
            }
        }
        Ok(routes)
    }

    fn route(
        &self,
        destination: &str,
        section: &DestinationSection,
        route: &RouteSection,
        place: &str,
        additions: &Additions,
    ) -> Result<Route, ConfigError> {
        let method = match route.method.as_str() {
            "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" => {
                Method::from_bytes(route.method.as_bytes())
            }
            _ => {
                return Err(self.wrong(
                    format!("{place}.method"),
                    "write GET, HEAD, POST, PUT, PATCH or DELETE",
                ));
            }
        }
        .map_err(|error| self.wrong(format!("{place}.method"), error.to_string()))?;
        let pattern = RoutePattern::parse(&route.path)
            .map_err(|error| self.wrong(format!("{place}.path"), error.to_string()))?;
        let documents = if route.documents {
            Some(self.documents(destination, section, &route.path, additions)?)
        } else {
            None
        };
        let reads = method == Method::GET || method == Method::HEAD;
        if route.cacheable_seconds > 0 && !reads {
            return Err(self.wrong(
                format!("{place}.cacheable-seconds"),
                "only what reads can be kept: remove it",
            ));
        }
        let write = match &route.write {
            Some(_) if reads || route.documents => {
                return Err(self.wrong(
                    format!("{place}.write"),
                    "a route that reads or takes documents has none: remove it",
                ));
            }
            write => write
                .as_ref()
                .map(|write| self.write(write, place, additions))
                .transpose()?,
        };
        let of_segment = |write: &Write| write.recipients == Recipients::OfSegment;
        if write.as_ref().is_some_and(of_segment) && pattern.as_str().matches('*').count() != 1 {
            return Err(self.wrong(
                format!("{place}.write.recipients-of-segment"),
                "the path needs just one `*`: the segment that says to whom it goes",
            ));
        }
        let people = route
            .people
            .as_ref()
            .map(|people| self.people(people, place))
            .transpose()?;
        let group = match &route.group {
            None => None,
            Some(group) => Some(GroupAt {
                id: self.steps(&group.id, &format!("{place}.group.id"))?,
                group: self.steps(&group.of, &format!("{place}.group.of"))?,
            }),
        };
        let mut bound = Vec::new();
        for (key, setting) in &route.query {
            let key_place = format!("{place}.query");
            if !pattern.query().any(|known| known == key) {
                let message = format!("`path` lists no query key `{key}`: list it, or remove this");
                return Err(self.wrong(key_place, message));
            }
            bound.push((key.clone(), self.bound(setting, &key_place)?));
        }
        let wildcards = pattern.wildcard_count();
        let mut bound_segments = Vec::new();
        for (number, setting) in &route.path_settings {
            let key_place = format!("{place}.path-settings");
            let index = number
                .parse::<usize>()
                .ok()
                .and_then(|at| at.checked_sub(1));
            let Some(index) = index.filter(|index| *index < wildcards) else {
                let message =
                    format!("`{number}` is the number of no `*` in `path`; the first is `1`");
                return Err(self.wrong(key_place, message));
            };
            bound_segments.push((index, self.bound(setting, &key_place)?));
        }
        if people.as_ref().is_some_and(|people| people.group) {
            self.check_group_bound(&pattern, &bound, &bound_segments, place)?;
        }
        Ok(Route {
            documents,
            bound,
            bound_segments,
            people,
            group,
            cacheable_seconds: route.cacheable_seconds,
            write,
            ..Route::new(
                format!("{destination}: {method} {pattern}"),
                method,
                pattern,
            )
        })
    }

    /// Checks that who asks a route for a group does not choose it: not by a segment, not by a query key.
    fn check_group_bound(
        &self,
        pattern: &RoutePattern,
        bound: &[(String, String)],
        bound_segments: &[(usize, String)],
        place: &str,
    ) -> Result<(), ConfigError> {
        let free = (0..pattern.wildcard_count())
            .find(|index| !bound_segments.iter().any(|(bound, _)| bound == index));
        if let Some(index) = free {
            let message = format!(
                "whoever asks could choose the group: bind the segment, as `path-settings = {{ \"{}\" = \"setting KEY\" }}`",
                index + 1
            );
            return Err(self.wrong(format!("{place}.people.group"), message));
        }
        if let Some(key) = pattern
            .query()
            .find(|key| !bound.iter().any(|(bound, _)| bound == key))
        {
            let message = format!(
                "whoever asks could choose the group: bind the query key, as `query = {{ {key} = \"setting KEY\" }}`, or take it out of `path`"
            );
            return Err(self.wrong(format!("{place}.people.group"), message));
        }
        Ok(())
    }

    fn people(&self, section: &PeopleSection, place: &str) -> Result<PeopleAt, ConfigError> {
        let steps =
            |name: &str, pointer: &str| self.steps(pointer, &format!("{place}.people.{name}"));
        Ok(PeopleAt {
            at: steps("at", &section.at)?,
            id: steps("id", &section.id)?,
            name: section
                .name
                .as_deref()
                .map(|name| steps("name", name))
                .transpose()?,
            group: section.group,
        })
    }

    /// The setting that `setting KEY` names.
    fn bound(&self, text: &str, place: &str) -> Result<String, ConfigError> {
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
    fn steps(&self, pointer: &str, place: &str) -> Result<Vec<String>, ConfigError> {
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

    /// File and line of a key, for errors.
    pub(super) fn place(&self, key: &str) -> String {
        place(&self.path, self.lines.line(key))
    }

    fn wrong(&self, key: impl Into<String>, message: impl Into<String>) -> ConfigError {
        let key = key.into();
        ConfigError::value(self.place(&key), key, message)
    }
}

#[cfg(test)]
mod tests;
