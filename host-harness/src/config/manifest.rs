//! `skill.toml`: what a skill asks for. An operator can grant less, never more.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use http::Method;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use trusted_documents::ExtendError;

use super::error::{ConfigError, place};
use super::lines::Lines;
use crate::outbound::documents::{Document, Documents, Effect, hex, parse_sha256};
use crate::outbound::policy::Route;
use crate::outbound::rate::Rate;
use crate::outbound::route::RoutePattern;
use crate::outbound::variables::VariableType;

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
    /// Where it was read from.
    #[serde(skip)]
    pub path: PathBuf,
    /// SHA-256 of its exact text, in lower-case hexadecimal.
    #[serde(skip)]
    pub sha256: String,
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

/// What one call may use at most. Counted in milliseconds, MiB and bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Limits {
    /// Wall-clock time in milliseconds, 1 to 600000.
    pub time_ms: u64,
    /// Time of a processor in milliseconds, 1 to 600000; waiting costs none.
    pub cpu_ms: u64,
    /// Memory of the sandbox in MiB, 1 to 1024.
    pub memory_mib: u64,
    /// Requests to services.
    pub requests: u32,
    /// Requests at the same time, 1 to 64; more wait.
    pub concurrent_requests: u32,
    /// Bytes of one request's body.
    pub request_bytes: usize,
    /// Bytes of one response's body.
    pub response_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            time_ms: 20_000,
            cpu_ms: 5_000,
            memory_mib: 64,
            requests: 16,
            concurrent_requests: 8,
            request_bytes: 256 << 10,
            response_bytes: 4 << 20,
        }
    }
}

/// A service.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DestinationSection {
    /// Its name for people.
    pub title: String,
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
    /// For how many seconds the host may answer it from memory.
    #[serde(default)]
    pub cacheable_seconds: u32,
    /// What it takes of the destination's rate, 0 to 1000.
    #[serde(default = "one")]
    pub cost: u32,
}

const fn one() -> u32 {
    1
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
    /// What it does, in one sentence.
    #[serde(default)]
    pub about: String,
}

/// The fields that extend documents, by the setting that names each.
pub type Fields = BTreeMap<String, String>;

impl Manifest {
    /// Reads a manifest file.
    ///
    /// # Errors
    /// When it cannot be read, or what is wrong with it and where.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text, path)
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
        for name in manifest.destinations.keys() {
            manifest.routes(name)?;
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
        self.routes_with(destination, &Fields::new())
    }

    /// The routes of a destination, with their documents extended by `fields`: of each just one text is known, the extended one.
    /// Every document must belong to a route that takes documents.
    ///
    /// # Errors
    /// The key of the first entry that cannot be used, and why.
    pub fn routes_with(
        &self,
        destination: &str,
        fields: &Fields,
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
                fields,
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
        fields: &Fields,
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
            Some(self.documents(destination, section, &route.path, fields)?)
        } else {
            None
        };
        Ok(Route {
            id: format!("{destination}: {method} {pattern}"),
            method,
            pattern,
            documents,
        })
    }

    fn documents(
        &self,
        destination: &str,
        section: &DestinationSection,
        path: &str,
        fields: &Fields,
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
                Some(text) => self.extended(text, sha256, fields, &key)?,
                None => sha256,
            };
            // Twins in the manifest itself are named with their place, by the caller.
            if !fields.is_empty()
                && let Some(twin) = documents.iter().find(|other| other.sha256 == sha256)
            {
                let message = format!("with its fields its text is that of `{}`", twin.name);
                return Err(self.wrong(key("text"), message));
            }
            let mut variables = Vec::new();
            for (name, declared) in &entry.variables {
                let parsed = VariableType::parse(declared).map_err(|error| {
                    self.wrong(key(&format!("variables.{name}")), error.to_string())
                })?;
                variables.push((name.clone(), parsed));
            }
            if entry.effect == Effect::Mutation && entry.cacheable_seconds > 0 {
                return Err(self.wrong(
                    key("cacheable-seconds"),
                    "a document that writes cannot be kept: remove it",
                ));
            }
            documents.push(Document {
                name: entry.name.clone(),
                sha256,
                effect: entry.effect,
                variables,
                cacheable_seconds: entry.cacheable_seconds,
                cost: entry.cost,
            });
        }
        Ok(Documents::new(documents))
    }

    /// The hash of a document's text with the fields that are named for its places.
    fn extended(
        &self,
        text: &str,
        sha256: [u8; 32],
        fields: &Fields,
        key: &impl Fn(&str) -> String,
    ) -> Result<[u8; 32], ConfigError> {
        if digest(text) != sha256 {
            return Err(self.wrong(
                key("text"),
                "this is not the text that `sha256` is of: write both anew",
            ));
        }
        let unusable = |error: ExtendError| self.wrong(key("text"), error.to_string());
        for setting in trusted_documents::settings(text).map_err(unusable)? {
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
        let extended = trusted_documents::extend(text, |setting| fields.get(setting));
        Ok(digest(&extended.map_err(unusable)?))
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

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

impl Limits {
    /// Every limit with its name in the files.
    #[must_use]
    pub fn named(&self) -> [(&'static str, u64); 7] {
        [
            ("time-ms", self.time_ms),
            ("cpu-ms", self.cpu_ms),
            ("memory-mib", self.memory_mib),
            ("requests", self.requests.into()),
            ("concurrent-requests", self.concurrent_requests.into()),
            ("request-bytes", self.request_bytes as u64),
            ("response-bytes", self.response_bytes as u64),
        ]
    }

    pub(super) fn check(&self, place: &dyn Fn(&str) -> String) -> Result<(), ConfigError> {
        let wrong = |key: &str, message: &str| {
            let key = format!("limits.{key}");
            Err(ConfigError::value(place(&key), key, message))
        };
        if !(1..=600_000).contains(&self.time_ms) {
            return wrong("time-ms", "write 1 to 600000");
        }
        if !(1..=600_000).contains(&self.cpu_ms) {
            return wrong("cpu-ms", "write 1 to 600000");
        }
        if !(1..=64).contains(&self.concurrent_requests) {
            return wrong("concurrent-requests", "write 1 to 64");
        }
        if !(1..=1024).contains(&self.memory_mib) {
            return wrong("memory-mib", "write 1 to 1024");
        }
        if self.request_bytes > 16 << 20 {
            return wrong("request-bytes", "write at most 16777216");
        }
        if self.response_bytes > 64 << 20 {
            return wrong("response-bytes", "write at most 67108864");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
