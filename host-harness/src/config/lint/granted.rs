//! Lints of what an operator file grants without need, leaves out, or repeats.

use super::{File, Found, LintLevel};
use crate::config::manifest::DestinationSection;
use crate::config::operator::GrantSection;
use crate::config::{Manifest, Operator};
use crate::outbound::policy::addresses::Grants;
use crate::outbound::policy::origin::{Origin, Scheme};

impl Found {
    pub(super) fn grant(
        &mut self,
        operator: &Operator,
        name: &str,
        asked: &DestinationSection,
        granted: &GrantSection,
    ) {
        let place = |key: &str| operator.place(key);
        let mut file = File(&mut self.0, &place);
        let base = format!("destinations.{name}");
        let none = Grants::default();
        let grants = Grants {
            loopback: granted.allow_loopback,
            private: granted.allow_private,
        };
        if asked.secret_env.is_none() && granted.secret.is_some() {
            file.add(
                LintLevel::Warning,
                "secret-unused",
                format!("{base}.secret"),
                "the skill sends no credential there.",
                "Remove the line.",
            );
        }
        if asked.secret_env.is_some() && !asked.secret_per_caller && granted.secret.is_none() {
            file.add(
                LintLevel::Error,
                "secret-missing",
                base.clone(),
                "the service wants a credential, and none is named.",
                "Write `secret = \"file:PATH\"`.",
            );
        }
        if granted
            .secret
            .as_deref()
            .is_some_and(|secret| secret.starts_with("env:"))
        {
            file.add(
                LintLevel::Note,
                "secret-in-environment",
                format!("{base}.secret"),
                "whatever this user runs can read an environment variable.",
                "A file that only the harness's user may read is safer.",
            );
        }
        let Ok(origin) = Origin::parse(
            &granted.origin,
            Grants {
                loopback: true,
                private: true,
            },
        ) else {
            return;
        };
        if origin.scheme() == Scheme::Http {
            file.add(
                LintLevel::Note,
                "plain-http",
                format!("{base}.origin"),
                "nothing protects what goes there on its way.",
                "Use https where the network is not yours alone.",
            );
        }
        if Origin::parse(&granted.origin, none).is_ok() && origin.address().is_some() {
            file.add(
                LintLevel::Warning,
                "address-as-origin",
                format!("{base}.origin"),
                "an address may come to belong to somebody else.",
                "Use the service's name.",
            );
        }
        // A name may resolve to any address; the needs of an address are known.
        let needs = |grants| Origin::parse(&granted.origin, grants).is_err();
        let known = origin.address().is_some() || origin.host_text() == "localhost";
        for (granted, key, without) in [
            (
                granted.allow_loopback,
                "allow-loopback",
                Grants {
                    loopback: false,
                    ..grants
                },
            ),
            (
                granted.allow_private,
                "allow-private",
                Grants {
                    private: false,
                    ..grants
                },
            ),
        ] {
            if granted && known && !needs(without) {
                file.add(
                    LintLevel::Warning,
                    "grant-unused",
                    format!("{base}.{key}"),
                    "the origin does not need this grant.",
                    "Remove the line.",
                );
            }
        }
        if granted.allow_loopback && granted.allow_private {
            file.add(
                LintLevel::Warning,
                "two-networks",
                format!("{base}.allow-private"),
                "the service may be on this machine and in a private network: it is in one place.",
                "Keep the one that it needs.",
            );
        }
        if granted.ca_file.is_some() && origin.scheme() == Scheme::Http {
            file.add(
                LintLevel::Warning,
                "ca-unused",
                format!("{base}.ca-file"),
                "plain http has no certificates.",
                "Remove the line, or use https.",
            );
        }
        if granted.rate.is_some() && granted.rate == asked.rate {
            file.add(
                LintLevel::Note,
                "same-as-asked",
                format!("{base}.rate"),
                "the skill asks for no more.",
                "Remove the line.",
            );
        }
    }

    pub(super) fn shared_origins(&mut self, manifest: &Manifest, operator: &Operator) {
        let place = |key: &str| operator.place(key);
        let mut file = File(&mut self.0, &place);
        let secret = |name: &str| {
            manifest
                .destinations
                .get(name)
                .is_some_and(|asked| asked.secret_env.is_some())
        };
        let sections: Vec<_> = operator.destinations.iter().collect();
        for (index, (name, granted)) in sections.iter().enumerate() {
            let twin = sections
                .iter()
                .take(index)
                .find(|(_, other)| other.origin == granted.origin);
            if let Some((other, _)) = twin.filter(|(other, _)| secret(other) && secret(name)) {
                file.add(LintLevel::Warning, "origin-twice", format!("destinations.{name}.origin"),
                    &format!("`{other}` is at the same origin with a credential of its own; which is sent depends on the path."),
                    "Be sure that this is meant.");
            }
        }
    }

    pub(super) fn callers(&mut self, manifest: &Manifest, operator: &Operator) {
        let place = |key: &str| operator.place(key);
        let mut file = File(&mut self.0, &place);
        let callers: Vec<_> = operator.callers.iter().collect();
        for (index, (name, caller)) in callers.iter().enumerate() {
            let key = format!("callers.{name}");
            match caller.email.as_deref() {
                None | Some("") => file.add(
                    LintLevel::Error,
                    "caller-without-email",
                    key.clone(),
                    "nobody in the service is this caller.",
                    "Write `email = \"...\"`.",
                ),
                Some(email) => {
                    if !email.contains('@') {
                        file.add(
                            LintLevel::Error,
                            "no-email",
                            format!("{key}.email"),
                            "this is no e-mail address.",
                            "Write the member's address.",
                        );
                    }
                    let twin = callers
                        .iter()
                        .take(index)
                        .find(|(_, other)| other.email.as_deref() == Some(email));
                    if let Some((other, _)) = twin {
                        file.add(
                            LintLevel::Error,
                            "caller-twice",
                            format!("{key}.email"),
                            &format!("`{other}` has the same address."),
                            "Remove one of the two.",
                        );
                    }
                }
            }
            for (empty, field) in [
                (caller.name.as_deref() == Some(""), "name"),
                (caller.role.as_deref() == Some(""), "role"),
                (caller.teams.iter().any(String::is_empty), "teams"),
            ] {
                if empty {
                    file.add(
                        LintLevel::Warning,
                        "empty",
                        format!("{key}.{field}"),
                        "it is empty.",
                        "Fill it in, or remove it.",
                    );
                }
            }
            for (destination, asked) in &manifest.destinations {
                if asked.secret_per_caller
                    && operator.destinations.contains_key(destination)
                    && !caller.secrets.contains_key(destination)
                {
                    file.add(LintLevel::Warning, "secret-missing", key.clone(),
                        &format!("they have no credential for `{destination}`, so what needs it is refused for them."),
                        &format!("Write it under [callers.{name}.secrets]."));
                }
            }
        }
    }

    pub(super) fn rest(&mut self, manifest: &Manifest, operator: &Operator) {
        let place = |key: &str| operator.place(key);
        let mut file = File(&mut self.0, &place);
        for (key, value) in &operator.settings {
            let asked = manifest.settings.get(key);
            if asked.is_some_and(|asked| asked.default.as_deref() == Some(value)) {
                file.add(
                    LintLevel::Note,
                    "same-as-default",
                    format!("settings.{key}"),
                    "this is the default.",
                    "Remove the line, or keep it so that it stays.",
                );
            }
        }
        for (name, asked) in &manifest.destinations {
            if !asked.optional && !operator.destinations.contains_key(name) {
                file.add(
                    LintLevel::Note,
                    "not-granted",
                    format!("destinations.{name}"),
                    &format!(
                        "{} is not opened, so what needs it is refused.",
                        asked.title
                    ),
                    "Give it an origin where it is used.",
                );
            }
        }
    }
}
