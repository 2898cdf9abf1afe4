//! The operator file: the grants of an operator. It is optional; without it the environment grants.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;

use super::error::{ConfigError, place, read};
use super::lines::KeyLines;
use super::{Pins, Scope};
use crate::outbound::policy::rate::Rate;

/// The grants of an operator.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Operator {
    /// The people on whose behalf calls are made, by a name of the operator's choice.
    #[serde(default)]
    pub callers: BTreeMap<String, CallerSection>,
    /// The services, by their names in the manifest.
    #[serde(default)]
    pub destinations: BTreeMap<String, GrantSection>,
    /// Settings of the skill.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// Narrower limits.
    #[serde(default)]
    pub limits: NarrowLimits,
    /// The operator's own access policies.
    #[serde(default)]
    pub access: AccessSection,
    /// Retention of plans.
    #[serde(default)]
    pub plans: PlansSection,
    /// Component and manifest that were accepted.
    pub trust: Option<Pins>,
    /// The file that it was read from.
    #[serde(skip)]
    pub path: PathBuf,
    #[serde(skip)]
    lines: KeyLines,
}

/// The operator's own access policies.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AccessSection {
    /// A file with Cedar policies in place of the skill's; the schema stays the skill's.
    pub policies: Option<PathBuf>,
}

/// Retention of plans.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PlansSection {
    /// Days for which a plan that is over is kept with its bodies and answers, 0 to 3650; 90 by
    /// default. The audit log stays.
    #[schemars(range(max = 3650))]
    pub keep_days: Option<u32>,
}

/// A person.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CallerSection {
    /// Their e-mail address in the service.
    pub email: Option<String>,
    /// Their name.
    pub name: Option<String>,
    /// Their role.
    pub role: Option<String>,
    /// Their teams.
    #[serde(default)]
    pub teams: Vec<String>,
    /// Their IANA time zone.
    pub time_zone: Option<String>,
    /// The scope of a client that speaks for them over standard input and output. With `approve`,
    /// it may ask its person about a plan, and the answer that it reports counts; by default it may
    /// only propose.
    #[serde(default)]
    pub elicitation: Scope,
    /// The digests of their tokens for HTTP, as `crm-harness token new` prints them.
    #[serde(default)]
    pub tokens: Vec<String>,
    /// The references to their own credentials, by destination, for services that take each
    /// caller's own.
    #[serde(default)]
    pub secrets: BTreeMap<String, String>,
    /// Their values for the settings under `[caller-settings]` in skill.toml, by key.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
}

/// A grant for one service.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct GrantSection {
    /// Its origin.
    pub origin: String,
    /// The reference to its credential: `env:NAME`, `file:PATH` or `fd:NUMBER`.
    pub secret: Option<String>,
    /// True if it may be on this machine.
    #[serde(default)]
    pub allow_loopback: bool,
    /// True if it may be in a private network.
    #[serde(default)]
    pub allow_private: bool,
    /// A PEM file with certificates of an authority to trust beside the system's, for every
    /// service.
    pub ca_file: Option<PathBuf>,
    /// The maximum rate of requests, lower than the skill's.
    pub rate: Option<Rate>,
    /// The permitted recipients of writes that leave the team: addresses, or domains as
    /// `@example.com`.
    #[serde(default)]
    pub recipients: Vec<String>,
}

/// Limits as in the manifest, which they can only lower.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct NarrowLimits {
    /// Milliseconds.
    pub time_ms: Option<u64>,
    /// Milliseconds of processor time.
    pub cpu_ms: Option<u64>,
    /// MiB.
    pub memory_mib: Option<u64>,
    /// Requests.
    pub requests: Option<u32>,
    /// Requests at the same time.
    pub concurrent_requests: Option<u32>,
    /// Bytes.
    pub request_bytes: Option<usize>,
    /// Bytes.
    pub response_bytes: Option<usize>,
}

impl Operator {
    /// Reads an operator file.
    ///
    /// # Errors
    /// When it cannot be read or is invalid, or others than this user and root could have changed
    /// it; the error names the place.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = read(path)?;
        Self::parse(&text, path)
    }

    /// Reads an operator file's text; `path` names it in errors.
    ///
    /// # Errors
    /// When it is invalid; the error names the place.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let mut operator: Self = toml::from_str(text).map_err(|error| {
            // The error quotes the line that it is about, which could hold a misplaced secret.
            let message = without_source(&error.to_string());
            ConfigError::Parse {
                path: path.to_owned(),
                message,
            }
        })?;
        path.clone_into(&mut operator.path);
        operator.lines = KeyLines::of(text);
        Ok(operator)
    }

    /// Returns file and line of a key, for errors.
    pub(super) fn place(&self, key: &str) -> String {
        place(&self.path, self.lines.line(key))
    }

    /// Builds an error about a key.
    pub(super) fn wrong(&self, key: impl Into<String>, message: impl Into<String>) -> ConfigError {
        let key = key.into();
        ConfigError::value(self.place(&key), key, message)
    }
}

/// Removes the quoted source line from a TOML error, and keeps its place and its message.
fn without_source(message: &str) -> String {
    let told: Vec<_> = message
        .lines()
        .filter(|line| !line.contains(" | ") && !line.trim().ends_with('|'))
        .collect();
    told.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_names_the_line_without_its_text() {
        let text =
            "[destinations.service]\norigin = \"https://a.example\"\nsecrt = \"tell-nobody\"\n";
        let error = Operator::parse(text, Path::new("operator.toml"))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("line 3") && error.contains("secrt") && error.contains("operator.toml"),
            "{error}"
        );
        assert!(!error.contains("tell-nobody"), "{error}");
        assert!(
            Operator::parse(&text.replace("secrt", "secret"), Path::new("operator.toml")).is_ok()
        );
    }
}
