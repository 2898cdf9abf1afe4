//! What the skill asks, what the operator grants, and what follows from both.

pub mod caller;
pub mod error;
pub mod manifest;
pub mod operator;
pub mod settings;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use http::HeaderName;

use crate::nearest;
use crate::outbound::addresses::Grants;
use crate::outbound::credentials::{Credential, SecretSource};
use crate::outbound::origin::{Origin, OriginError};
use crate::outbound::policy::{Destination, Policy};
use crate::outbound::sender::grant_hint;

pub use caller::Caller;
pub use error::ConfigError;
pub use manifest::{Limits, Manifest};
pub use operator::Operator;

/// Looks up an environment variable.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What a command line can grant beside an operator file.
#[derive(Debug, Clone, Copy, Default)]
pub struct Flags {
    /// Services may be on this machine.
    pub allow_loopback: bool,
}

/// Everything that is settled before a component runs.
#[derive(Debug)]
pub struct Setup {
    /// What the skill asks.
    pub manifest: Manifest,
    /// The limits of a call.
    pub limits: Limits,
    /// What may be asked of whom.
    pub policy: Policy,
    /// Credentials by destination name.
    pub credentials: HashMap<String, Credential>,
    /// PEM files of authorities to trust beside the system's.
    pub authorities: Vec<PathBuf>,
    /// Settings of the skill, callers aside.
    pub settings: BTreeMap<String, String>,
    /// The callers that the operator names.
    pub callers: BTreeMap<String, Caller>,
}

impl Setup {
    /// Puts manifest, operator file, flags and environment together. Where there is an operator file it alone grants; without one
    /// the environment variables that the manifest names do.
    ///
    /// # Errors
    /// The first thing that does not fit, with the place to change.
    pub fn resolve(
        manifest: Manifest,
        operator: Option<&Operator>,
        flags: Flags,
        env: Environment<'_>,
    ) -> Result<Self, ConfigError> {
        if let Some(operator) = operator {
            known(
                &operator.path,
                "destinations",
                operator.destinations.keys(),
                manifest.destinations.keys(),
            )?;
            known(
                &operator.path,
                "settings",
                operator.settings.keys(),
                manifest.settings.keys(),
            )?;
        }
        let limits = settings::limits(&manifest, operator)?;
        let mut setup = Self {
            limits,
            policy: Policy::default(),
            credentials: HashMap::new(),
            authorities: Vec::new(),
            settings: settings::of_skill(&manifest, operator, env)?,
            callers: callers(operator)?,
            manifest,
        };
        let names: Vec<_> = setup.manifest.destinations.keys().cloned().collect();
        for name in names {
            setup.destination(&name, operator, flags, env)?;
        }
        Ok(setup)
    }

    fn destination(
        &mut self,
        name: &str,
        operator: Option<&Operator>,
        flags: Flags,
        env: Environment<'_>,
    ) -> Result<(), ConfigError> {
        let Some(asked) = self.manifest.destinations.get(name) else {
            return Ok(());
        };
        let granted = operator.and_then(|operator| operator.destinations.get(name));
        let grants = Grants {
            loopback: flags.allow_loopback || granted.is_some_and(|section| section.allow_loopback),
            private: granted.is_some_and(|section| section.allow_private),
        };
        let file = operator.map(|operator| operator.path.display().to_string());
        let (place, entry, origin_hint) = match &file {
            Some(file) => (
                format!("{file}: destinations.{name}.origin"),
                granted.map(|section| section.origin.clone()),
                format!("`origin` under [destinations.{name}] in {file}"),
            ),
            None => {
                let entry = env(&asked.origin_env).filter(|value| !value.is_empty());
                (
                    asked.origin_env.clone(),
                    entry,
                    format!("the environment variable {}", asked.origin_env),
                )
            }
        };
        let origin = entry
            .map(|entry| Origin::parse(&entry, grants))
            .transpose()
            .map_err(|source| {
                let fix = match &source {
                    OriginError::PlainHttp { .. } | OriginError::Address { .. } => {
                        format!("Use https. {}", grant_hint(name))
                    }
                    _ => format!("Change {origin_hint}"),
                };
                ConfigError::Origin {
                    place: place.clone(),
                    source,
                    fix,
                }
            })?;
        if let (Some(key), Some(origin)) = (&asked.base_url_setting, &origin) {
            self.settings
                .insert(key.clone(), origin.as_str().to_owned());
        }
        if let Some(variable) = &asked.secret_env {
            let (source, hint) = match &file {
                Some(file) => granted_secret(
                    file,
                    name,
                    granted.and_then(|section| section.secret.as_deref()),
                    env,
                )?,
                None => {
                    let source = SecretSource::from_env(variable, env).map_err(|source| {
                        ConfigError::Credential {
                            place: variable.clone(),
                            source,
                        }
                    })?;
                    let hint = format!(
                        "set the environment variable {variable} (the key itself, file:PATH or fd:NUMBER)"
                    );
                    (source, hint)
                }
            };
            let header = HeaderName::from_bytes(asked.secret_header.as_bytes()).map_err(|_| {
                let place = self.manifest.path.display().to_string();
                ConfigError::value(
                    place,
                    format!("destinations.{name}.secret-header"),
                    "write the name of a header",
                )
            })?;
            let credential = Credential::new(source, header, asked.secret_prefix.clone(), hint);
            self.credentials.insert(name.to_owned(), credential);
        }
        self.authorities
            .extend(granted.and_then(|section| section.ca_file.clone()));
        let fields = settings::fields(&self.manifest, &self.settings);
        let destination = Destination {
            name: name.to_owned(),
            title: asked.title.clone(),
            origin,
            grants,
            routes: self.manifest.routes_with(name, &fields)?,
            origin_hint,
        };
        self.policy.destinations.push(destination);
        Ok(())
    }

    /// What the skill is told during a call of this caller.
    ///
    /// # Errors
    /// When the caller's time zone or teams cannot be used.
    pub fn settings_for(&self, caller: &Caller) -> Result<Vec<(String, String)>, ConfigError> {
        let mut all: Vec<_> = self
            .settings
            .iter()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        all.extend(caller.settings("caller")?);
        Ok(all)
    }
}

/// The source of a secret in an operator file, and how to set it.
fn granted_secret(
    file: &str,
    name: &str,
    text: Option<&str>,
    env: Environment<'_>,
) -> Result<(SecretSource, String), ConfigError> {
    let place = format!("`secret` under [destinations.{name}] in {file}");
    let Some(text) = text else {
        return Ok((SecretSource::Unset, format!("write {place}")));
    };
    let source = SecretSource::parse(text, env).map_err(|source| ConfigError::Credential {
        place: format!("{file}: destinations.{name}.secret"),
        source,
    })?;
    let hint = match &source {
        SecretSource::Env { name, .. } => {
            format!("set the environment variable {name}, which {place} names")
        }
        _ => format!("change {place}"),
    };
    Ok((source, hint))
}

fn callers(operator: Option<&Operator>) -> Result<BTreeMap<String, Caller>, ConfigError> {
    let Some(operator) = operator else {
        return Ok(BTreeMap::new());
    };
    let mut callers = BTreeMap::new();
    for (name, section) in &operator.callers {
        let section = section.clone();
        let caller = Caller {
            email: section.email,
            name: section.name,
            role: section.role,
            teams: section.teams,
            time_zone: section.time_zone,
        };
        caller.settings(&format!("{}: callers.{name}", operator.path.display()))?;
        callers.insert(name.clone(), caller);
    }
    Ok(callers)
}

/// Every key must be one that the manifest knows.
fn known<'a>(
    path: &std::path::Path,
    section: &str,
    given: impl Iterator<Item = &'a String>,
    known: impl Iterator<Item = &'a String> + Clone,
) -> Result<(), ConfigError> {
    for key in given {
        if !known.clone().any(|name| name == key) {
            let hint = nearest::hint(key, known.clone().map(String::as_str));
            let message = format!("the skill has no such name. {hint}");
            return Err(ConfigError::value(
                path.display().to_string(),
                format!("{section}.{key}"),
                message,
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
