//! Combines manifest, operator file, flags and environment into everything that is settled before a
//! component runs.

use std::collections::BTreeMap;
use std::path::PathBuf;

use http::HeaderName;
use sha2::{Digest, Sha256};

use crate::digest::hex;
use crate::outbound::dlp::disclosure::DisclosureSchema;
use crate::outbound::policy::addresses::Grants;
use crate::outbound::policy::origin::{Origin, OriginError};
use crate::outbound::policy::{self, Destination, Policy};
use crate::outbound::secrets::credentials::{Credential, Credentials};
use crate::outbound::sender::grant_hint;
use crate::storage::{self, StorageError};

use super::caller::Caller;
use super::environment::{Environment, Flags};
use super::error::ConfigError;
use super::given::{
    IgnoredVariable, access, caller_settings, callers, granted_secret, ignored, keep_days, known,
    rate, recipients, secret_of_environment,
};
use super::manifest::{Limits, Manifest};
use super::operator::Operator;
use super::pins::Trust;
use super::policy_texts::PolicyTexts;
use super::settings;
use super::tokens::Tokens;

/// The configuration that is settled before a component runs.
#[derive(Debug)]
pub struct Setup {
    /// The skill's manifest.
    pub manifest: Manifest,
    /// The limits of a call.
    pub limits: Limits,
    /// The policy of outbound requests.
    pub policy: Policy,
    /// The credentials of the destinations.
    pub credentials: Credentials,
    /// PEM files of authorities to trust beside the system's.
    pub authorities: Vec<PathBuf>,
    /// Settings of the skill, without those of callers.
    pub settings: BTreeMap<String, String>,
    /// The operator's trust in component and manifest.
    pub trust: Trust,
    /// The callers that the operator names.
    pub callers: BTreeMap<String, Caller>,
    /// The tokens of clients of the HTTP server.
    pub tokens: Tokens,
    /// Settings of the one caller from the environment, if there is no operator file.
    pub caller_settings: BTreeMap<String, String>,
    /// Environment variables that are set and ignored, since there is an operator file.
    pub ignored: Vec<IgnoredVariable>,
    /// The disclosure schema.
    pub kinds: DisclosureSchema,
    /// Access policies: the operator's if there are any, otherwise the skill's.
    pub access: Option<PolicyTexts>,
    /// Days for which plans that are over are kept.
    pub keep_days: u32,
}

impl Setup {
    /// Combines manifest, operator file, flags and environment. If there is an operator file, it
    /// alone grants; otherwise the environment variables that the manifest names do.
    ///
    /// # Errors
    /// When something does not fit; the error names the place to change.
    pub fn resolve(
        manifest: Manifest,
        operator: Option<&Operator>,
        flags: Flags,
        env: Environment<'_>,
    ) -> Result<Self, ConfigError> {
        if let Some(operator) = operator {
            known(
                operator,
                "destinations",
                operator.destinations.keys(),
                manifest.destinations.keys(),
            )?;
            known(
                operator,
                "settings",
                operator.settings.keys(),
                manifest.settings.keys(),
            )?;
        }
        let limits = settings::limits(&manifest, operator)?;
        let mut setup = Self {
            limits,
            trust: match operator {
                None => Trust::NoOperator,
                Some(Operator {
                    trust: None, path, ..
                }) => Trust::Nothing {
                    operator: path.clone(),
                },
                Some(Operator {
                    trust: Some(pins),
                    path,
                    ..
                }) => Trust::Pinned {
                    operator: path.clone(),
                    pins: pins.clone(),
                },
            },
            policy: Policy::default(),
            credentials: Credentials::default(),
            authorities: Vec::new(),
            settings: settings::of_skill(&manifest, operator, env)?,
            callers: callers(&manifest, operator)?,
            tokens: operator.map(Tokens::of).transpose()?.unwrap_or_default(),
            caller_settings: match operator {
                Some(_) => BTreeMap::new(),
                None => caller_settings(&manifest, env),
            },
            ignored: ignored(&manifest, operator, env),
            kinds: DisclosureSchema::default(),
            access: access(&manifest, operator)?,
            keep_days: keep_days(operator)?,
            manifest,
        };
        let additions = settings::additions(&setup.manifest, operator, &setup.settings)?;
        setup.kinds = setup.manifest.given_away(&additions)?;
        let names: Vec<_> = setup.manifest.destinations.keys().cloned().collect();
        for name in names {
            setup.destination(&name, operator, flags, env)?;
        }
        setup.credentials.check().map_err(|(destination, source)| {
            let place = match operator {
                Some(operator) => {
                    let key = format!("destinations.{destination}.secret");
                    format!("{}: {key}", operator.place(&key))
                }
                None => format!("the credential of {destination}"),
            };
            ConfigError::Credential { place, source }
        })?;
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
        let (place, entry, origin_hint) = match operator {
            Some(operator) => (
                {
                    let key = format!("destinations.{name}.origin");
                    format!("{}: {key}", operator.place(&key))
                },
                granted.map(|section| section.origin.clone()),
                format!(
                    "`origin` under [destinations.{name}] in {}",
                    operator.path.display()
                ),
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
            let header = HeaderName::from_bytes(asked.secret_header.as_bytes()).map_err(|_| {
                let key = format!("destinations.{name}.secret-header");
                let place = self.manifest.place(&key);
                ConfigError::value(place, key, "write the name of a header")
            })?;
            let prefix = asked.secret_prefix.clone();
            let credential =
                |(source, hint)| Credential::new(source, header.clone(), prefix.clone(), hint);
            match (operator, asked.secret_per_caller) {
                (None, _) => {
                    let secret = secret_of_environment(variable, env)?;
                    self.credentials.share(name, credential(secret));
                }
                (Some(operator), false) => {
                    let key = format!("destinations.{name}.secret");
                    let text = granted.and_then(|section| section.secret.as_deref());
                    let secret = granted_secret(operator, &key, text, env)?;
                    self.credentials.share(name, credential(secret));
                }
                (Some(operator), true) => {
                    let file = operator.path.display();
                    if granted.is_some_and(|section| section.secret.is_some()) {
                        let message = format!(
                            "each caller has a credential of their own there: write it as `{name}` under [callers.NAME.secrets]"
                        );
                        let key = format!("destinations.{name}.secret");
                        return Err(operator.wrong(key, message));
                    }
                    let hint = format!("write `{name}` under [callers.NAME.secrets] in {file}");
                    self.credentials.each_their_own(name, hint);
                    for (caller, section) in &operator.callers {
                        if let Some(text) = section.secrets.get(name) {
                            let key = format!("callers.{caller}.secrets.{name}");
                            let secret = granted_secret(operator, &key, Some(text), env)?;
                            self.credentials.own(name, caller, credential(secret));
                        }
                    }
                }
            }
        }
        if let Some(file) = granted.and_then(|section| section.ca_file.as_ref()) {
            // It is read at the first connection; a file that others could change is refused now.
            match storage::unchanged_by_others(file) {
                Ok(_) | Err(StorageError::Io { .. }) => {}
                Err(exposed) => return Err(ConfigError::Exposed(exposed)),
            }
            self.authorities.push(file.clone());
        }
        let additions = settings::additions(&self.manifest, operator, &self.settings)?;
        let destination = Destination {
            name: name.to_owned(),
            title: asked.title.clone(),
            origin,
            grants,
            rate: rate(
                name,
                asked.rate,
                granted.and_then(|section| section.rate),
                operator,
            )?,
            routes: self.manifest.routes_with(name, &additions)?,
            recipients: recipients(name, asked, operator, env)?,
            origin_hint,
        };
        self.policy.destinations.push(destination);
        Ok(())
    }

    /// Returns the SHA-256 of the policy in force, in lower-case hexadecimal. It covers the
    /// manifest's digest and what is granted (origins, networks, rates, limits, settings), and no
    /// secret.
    #[must_use]
    pub fn policy_digest(&self) -> String {
        let mut digest = Sha256::new();
        let mut line = |parts: &[&str]| {
            for part in parts {
                digest.update((part.len() as u64).to_le_bytes());
                digest.update(part);
            }
        };
        line(&["manifest", &self.manifest.sha256]);
        for destination in &self.policy.destinations {
            line(&[
                "destination",
                &destination.name,
                destination.origin.as_ref().map_or("", Origin::as_str),
                if destination.grants.loopback {
                    "loopback"
                } else {
                    ""
                },
                if destination.grants.private {
                    "private"
                } else {
                    ""
                },
                &destination.rate.map_or_else(String::new, |rate| {
                    format!("{} in {} s", rate.requests, rate.seconds)
                }),
                &destination.recipients.join(","),
            ]);
        }
        if let Some(access) = &self.access {
            line(&["access", &access.schema, &access.policies]);
        }
        for (name, value) in self.limits.named() {
            line(&["limit", name, &value.to_string()]);
        }
        for (key, value) in &self.settings {
            line(&["setting", key, value]);
        }
        hex(&digest.finalize())
    }

    /// Returns the settings that the skill gets during a call of this caller.
    ///
    /// # Errors
    /// When the caller's time zone or teams cannot be used.
    pub fn settings_for(&self, caller: &Caller) -> Result<Vec<(String, String)>, ConfigError> {
        let mut all: Vec<_> = self
            .settings
            .iter()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        all.extend(self.of_environment());
        all.extend(caller.settings("caller")?);
        Ok(all)
    }

    /// Returns the settings that values of requests are checked against during a call of this
    /// caller.
    #[must_use]
    pub fn bound_for(&self, caller: &Caller) -> policy::Settings {
        let of_caller = caller
            .settings
            .iter()
            .map(|(key, value)| (format!("caller.{key}"), value.clone()));
        let mut all = self.settings.clone();
        all.extend(self.of_environment());
        all.extend(of_caller);
        all
    }

    /// Returns the settings of the one caller from the environment.
    fn of_environment(&self) -> impl Iterator<Item = (String, String)> {
        self.caller_settings
            .iter()
            .map(|(key, value)| (format!("caller.{key}"), value.clone()))
    }
}

#[cfg(test)]
mod tests;
