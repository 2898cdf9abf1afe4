//! The text of a new operator file, with the meaning of each line beside it.

use std::fmt::Write as _;

use toml_edit::{Array, Value};

use super::Pins;

/// The contents of a new operator file.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// The services.
    pub destinations: Vec<DraftDestination>,
    /// The people.
    pub callers: Vec<DraftCaller>,
    /// Secrets and settings of each caller, as `secrets.NAME` or `settings.KEY`, with what to write
    /// there; rendered as comments.
    pub own: Vec<(String, String)>,
    /// The digests that are accepted.
    pub pins: Option<Pins>,
}

/// A service.
#[derive(Debug, Clone)]
pub struct DraftDestination {
    /// Its name in the manifest.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// Its origin.
    pub origin: String,
    /// The reference to its credential, if it takes one that all callers share.
    pub secret: Option<String>,
    /// True if it may be on this machine.
    pub allow_loopback: bool,
    /// True if it may be in a private network.
    pub allow_private: bool,
}

/// A person.
#[derive(Debug, Clone)]
pub struct DraftCaller {
    /// Their name in the file.
    pub id: String,
    /// Their e-mail address in the service.
    pub email: String,
    /// Their name.
    pub name: Option<String>,
    /// Their role.
    pub role: Option<String>,
    /// Their teams.
    pub teams: Vec<String>,
    /// Their IANA time zone.
    pub time_zone: String,
}

impl Draft {
    /// Returns the file's text.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = String::from(
            "# What you grant: crm-harness --operator FILE. Together with skill.toml it decides everything; neither alone opens\n\
             # anything. Let only the harness's user read it. Check it with `crm-harness policy lint`.\n",
        );
        // Writing to a String cannot fail.
        for destination in &self.destinations {
            let _ = destination.render(&mut text);
        }
        for caller in &self.callers {
            let _ = caller.render(&mut text);
            for (key, what) in &self.own {
                let _ = write!(text, "# {what}\n# {key} = \"...\"\n");
            }
        }
        if let Some(pins) = &self.pins {
            let _ = write!(
                text,
                "\n# Component and skill.toml that were looked at and accepted. After an update nothing runs until `crm-harness trust`\n\
                 # has shown what changes.\n[trust]\ncomponent = {}\nmanifest = {}\n",
                quoted(&pins.component),
                quoted(&pins.manifest)
            );
        }
        text
    }
}

impl DraftDestination {
    fn render(&self, text: &mut String) -> std::fmt::Result {
        write!(
            text,
            "\n# {}: requests may go to this scheme, host and port, and nowhere else.\n[destinations.{}]\norigin = {}\n",
            self.title,
            key(&self.name),
            quoted(&self.origin)
        )?;
        if let Some(secret) = &self.secret {
            write!(
                text,
                "# Where the credential is; it never stands here, and the component never sees it.\nsecret = {}\n",
                quoted(secret)
            )?;
        }
        if self.allow_loopback {
            text.push_str("# The service may be on this machine, over plain http too.\nallow-loopback = true\n");
        }
        if self.allow_private {
            text.push_str("# The service may be in a private network (RFC 1918, fc00::/7), over plain http too.\nallow-private = true\n");
        }
        Ok(())
    }
}

impl DraftCaller {
    fn render(&self, text: &mut String) -> std::fmt::Result {
        write!(
            text,
            "\n# On whose behalf: crm-harness --caller {}. The e-mail is the member's in the service.\n[callers.{}]\nemail = {}\n",
            self.id,
            key(&self.id),
            quoted(&self.email)
        )?;
        if let Some(name) = &self.name {
            writeln!(text, "name = {}", quoted(name))?;
        }
        if let Some(role) = &self.role {
            writeln!(text, "role = {}", quoted(role))?;
        }
        if !self.teams.is_empty() {
            let teams: Array = self.teams.iter().collect();
            writeln!(text, "teams = {}", Value::from(teams))?;
        }
        writeln!(
            text,
            "# What `today` means for them.\ntime-zone = {}",
            quoted(&self.time_zone)
        )
    }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn key(text: &str) -> String {
    toml_edit::Key::new(text).to_string()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Operator;

    #[test]
    fn rendered_draft_parses_back_to_its_values() {
        let draft = Draft {
            destinations: vec![DraftDestination {
                name: "service".into(),
                title: "Service".into(),
                origin: "http://127.0.0.1:3000".into(),
                secret: Some("file:/etc/\"odd\" name".into()),
                allow_loopback: true,
                allow_private: true,
            }],
            callers: vec![DraftCaller {
                id: "r. hale".into(),
                email: "robin@example.com".into(),
                name: Some("Robin \"R\" \\ Hale\u{7}".into()),
                role: Some("member".into()),
                teams: vec!["north".into(), "key = \"x\"".into()],
                time_zone: "Europe/Berlin".into(),
            }],
            own: vec![("secrets.service".into(), "where their token is".into())],
            pins: Some(Pins {
                component: "c1".into(),
                manifest: "m1".into(),
            }),
        };
        let operator = Operator::parse(&draft.render(), Path::new("operator.toml")).unwrap();
        let service = &operator.destinations["service"];
        assert_eq!(service.origin, "http://127.0.0.1:3000");
        assert_eq!(service.secret.as_deref(), Some("file:/etc/\"odd\" name"));
        assert!(service.allow_loopback && service.allow_private);
        let caller = &operator.callers["r. hale"];
        assert_eq!(caller.name.as_deref(), Some("Robin \"R\" \\ Hale\u{7}"));
        assert_eq!(caller.teams, ["north", "key = \"x\""]);
        assert_eq!(operator.trust.unwrap().component, "c1");
    }
}
