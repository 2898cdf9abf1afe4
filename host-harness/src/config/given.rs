//! Grants of the operator and values of the environment, each checked against what the manifest
//! asks for.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::error::read;
use super::policy_texts::PolicyTexts;
use super::{Caller, ConfigError, Environment, Manifest, Operator, manifest};
use crate::outbound::policy::rate::Rate;
use crate::outbound::secrets::CredentialError;
use crate::outbound::secrets::secret::SecretSource;
use component_json::nearest;

/// Days for which plans that are over are kept, unless the operator file says otherwise.
const KEEP_DAYS: u32 = 90;

/// Returns the access policies in force.
pub(super) fn access(
    manifest: &Manifest,
    operator: Option<&Operator>,
) -> Result<Option<PolicyTexts>, ConfigError> {
    let own = operator.and_then(|operator| Some((operator, operator.access.policies.as_ref()?)));
    let Some((operator, path)) = own else {
        return Ok(manifest.access.clone());
    };
    let Some(asked) = &manifest.access else {
        return Err(operator.wrong(
            "access.policies",
            "the skill has no access schema that they could be checked against: remove the line",
        ));
    };
    // A relative path starts at the operator file's folder.
    let path = operator
        .path
        .parent()
        .map_or(path.clone(), |folder| folder.join(path));
    let policies = read(&path)?;
    Ok(Some(PolicyTexts {
        policies,
        policies_path: path,
        ..asked.clone()
    }))
}

pub(super) fn keep_days(operator: Option<&Operator>) -> Result<u32, ConfigError> {
    match operator.and_then(|operator| Some((operator, operator.plans.keep_days?))) {
        None => Ok(KEEP_DAYS),
        Some((_, days)) if days <= 3650 => Ok(days),
        Some((operator, _)) => Err(operator.wrong("plans.keep-days", "write 0 to 3650")),
    }
}

/// Returns the rate of a destination: the skill's, or the operator's if it is lower.
pub(super) fn rate(
    name: &str,
    asked: Option<Rate>,
    granted: Option<Rate>,
    operator: Option<&Operator>,
) -> Result<Option<Rate>, ConfigError> {
    if let (Some(asked), Some(granted), Some(operator)) = (asked, granted, operator)
        && !granted.within(asked)
    {
        let message = format!(
            "this is more than the skill asks for: write at most {} requests in {} seconds, in the same proportion",
            asked.requests, asked.seconds
        );
        return Err(operator.wrong(format!("destinations.{name}.rate"), message));
    }
    Ok(granted.or(asked))
}

pub(super) fn secret_of_environment(
    variable: &str,
    env: Environment<'_>,
) -> Result<(SecretSource, String), ConfigError> {
    let source =
        SecretSource::from_env(variable, env).map_err(|source| ConfigError::Credential {
            place: variable.to_owned(),
            source,
        })?;
    let hint =
        format!("set the environment variable {variable} (the key itself, file:PATH or fd:NUMBER)");
    Ok((source, hint))
}

/// Returns the source of a secret in an operator file, and how to set it. The secret must exist.
pub(super) fn granted_secret(
    operator: &Operator,
    key: &str,
    text: Option<&str>,
    env: Environment<'_>,
) -> Result<(SecretSource, String), ConfigError> {
    let file = operator.path.display();
    let Some(text) = text else {
        return Ok((SecretSource::Unset, format!("write `{key}` in {file}")));
    };
    let unusable = |source| ConfigError::Credential {
        place: format!("{}: {key}", operator.place(key)),
        source,
    };
    let source = SecretSource::parse(text, env).map_err(unusable)?;
    let hint = match &source {
        SecretSource::Env { name, .. } => {
            format!("set the environment variable {name}, which `{key}` in {file} names")
        }
        _ => format!("change `{key}` in {file}"),
    };
    if let SecretSource::Env { value: None, .. } = &source {
        return Err(unusable(CredentialError::Missing { hint }));
    }
    Ok((source, hint))
}

pub(super) fn callers(
    manifest: &Manifest,
    operator: Option<&Operator>,
) -> Result<BTreeMap<String, Caller>, ConfigError> {
    let Some(operator) = operator else {
        return Ok(BTreeMap::new());
    };
    let mut callers = BTreeMap::new();
    for (name, section) in &operator.callers {
        let section = section.clone();
        if let Some(destination) = section.secrets.keys().find(|destination| {
            !manifest
                .destinations
                .get(*destination)
                .is_some_and(|asked| asked.secret_per_caller)
        }) {
            let own = manifest.destinations.iter();
            let own = own.filter(|(_, asked)| asked.secret_per_caller);
            let hint = nearest::hint(destination, own.map(|(known, _)| known.as_str()));
            return Err(operator.wrong(
                format!("callers.{name}.secrets.{destination}"),
                format!(
                    "the skill has no such service that takes each caller's own credential. {hint}"
                ),
            ));
        }
        let caller = Caller {
            id: Some(name.clone()),
            email: section.email,
            name: section.name,
            role: section.role,
            teams: section.teams,
            time_zone: section.time_zone,
            settings: section.settings,
            elicitation: section.elicitation,
        };
        known(
            operator,
            &format!("callers.{name}.settings"),
            caller.settings.keys(),
            manifest.caller_settings.keys(),
        )?;
        caller.settings("").map_err(|error| match error {
            ConfigError::Value { key, message, .. } => {
                operator.wrong(format!("callers.{name}.{key}"), message)
            }
            other => other,
        })?;
        callers.insert(name.clone(), caller);
    }
    Ok(callers)
}

/// Returns the settings of the one caller from the environment.
pub(super) fn caller_settings(
    manifest: &Manifest,
    env: Environment<'_>,
) -> BTreeMap<String, String> {
    let value = |asked: &manifest::CallerSettingSection| {
        env(asked.env.as_deref()?).filter(|value| !value.is_empty())
    };
    let settings = manifest.caller_settings.iter();
    settings
        .filter_map(|(key, asked)| Some((key.clone(), value(asked)?)))
        .collect()
}

/// Returns the recipients, in lower case, of the writes of a service that may go to listed
/// recipients only.
pub(super) fn recipients(
    name: &str,
    asked: &manifest::DestinationSection,
    operator: Option<&Operator>,
    env: Environment<'_>,
) -> Result<Vec<String>, ConfigError> {
    let key = format!("destinations.{name}.recipients");
    let (place, listed) = match operator {
        Some(operator) => {
            let granted = operator.destinations.get(name);
            (
                operator.place(&key),
                granted.map_or_else(Vec::new, |section| section.recipients.clone()),
            )
        }
        None => {
            let variable = asked.recipients_env.as_deref().unwrap_or_default();
            let listed = env(variable).unwrap_or_default();
            let listed = listed.split(',').map(str::trim).map(str::to_owned);
            (
                variable.to_owned(),
                listed.filter(|entry| !entry.is_empty()).collect(),
            )
        }
    };
    for entry in &listed {
        let good = entry.split_once('@').is_some_and(|(_, domain)| {
            domain.contains('.') && !domain.contains(['@', '*']) && !domain.starts_with('.')
        });
        if !good || entry.contains(char::is_whitespace) {
            return Err(ConfigError::value(
                place,
                key,
                "write addresses, such as `jo@example.com`, or domains, such as `@example.com`",
            ));
        }
    }
    Ok(listed.iter().map(|entry| entry.to_lowercase()).collect())
}

/// A variable that the manifest names and that counts for nothing, since there is an operator file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IgnoredVariable {
    /// The variable.
    pub variable: String,
    /// The key of the operator file that counts instead.
    pub key: String,
    /// The operator file, and the line of the key where it stands there.
    pub place: String,
}

impl IgnoredVariable {
    /// Returns what to do about it.
    #[must_use]
    pub fn mend(&self) -> String {
        format!("Write `{}` there, or unset the variable.", self.key)
    }
}

impl fmt::Display for IgnoredVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the environment variable {} is ignored, since there is an operator file.",
            self.variable
        )
    }
}

/// Finds the variables that are set and ignored. One that a secret of the operator file names is
/// not.
pub(super) fn ignored(
    manifest: &Manifest,
    operator: Option<&Operator>,
    env: Environment<'_>,
) -> Vec<IgnoredVariable> {
    let Some(operator) = operator else {
        return Vec::new();
    };
    let mut named: Vec<(&str, String)> = Vec::new();
    for (name, asked) in &manifest.destinations {
        named.push((&asked.origin_env, format!("destinations.{name}.origin")));
        let secret = if asked.secret_per_caller {
            format!("callers.NAME.secrets.{name}")
        } else {
            format!("destinations.{name}.secret")
        };
        let secret = asked
            .secret_env
            .iter()
            .map(|variable| (variable, secret.clone()));
        let listed = (asked.recipients_env.iter())
            .map(|variable| (variable, format!("destinations.{name}.recipients")));
        named.extend(
            secret
                .chain(listed)
                .map(|(variable, key)| (variable.as_str(), key)),
        );
    }
    for (key, asked) in &manifest.settings {
        let variable = asked.env.as_deref();
        named.extend(variable.map(|variable| (variable, format!("settings.{key}"))));
    }
    for (key, asked) in &manifest.caller_settings {
        let variable = asked.env.as_deref();
        named.extend(variable.map(|variable| (variable, format!("callers.NAME.settings.{key}"))));
    }
    let of_services = operator.destinations.values();
    let of_services = of_services.filter_map(|section| section.secret.as_deref());
    let of_callers = operator.callers.values();
    let of_callers = of_callers.flat_map(|section| section.secrets.values());
    let used: BTreeSet<_> = of_services
        .chain(of_callers.map(String::as_str))
        .filter_map(|reference| reference.strip_prefix("env:"))
        .collect();
    let ignored = named.into_iter();
    ignored
        .filter(|(variable, _)| !used.contains(variable) && env(variable).is_some())
        .map(|(variable, key)| IgnoredVariable {
            variable: variable.to_owned(),
            place: operator.place(&key),
            key,
        })
        .collect()
}

/// Checks that the manifest knows every key.
pub(super) fn known<'a>(
    operator: &Operator,
    section: &str,
    given: impl Iterator<Item = &'a String>,
    known: impl Iterator<Item = &'a String> + Clone,
) -> Result<(), ConfigError> {
    for key in given {
        if !known.clone().any(|name| name == key) {
            let hint = nearest::hint(key, known.clone().map(String::as_str));
            let message = format!("the skill has no such name. {hint}");
            return Err(operator.wrong(format!("{section}.{key}"), message));
        }
    }
    Ok(())
}
