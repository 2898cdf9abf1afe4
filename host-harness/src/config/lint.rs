//! Entries of skill.toml and operator file that are valid and yet surely not what somebody meant: they never match, open more than
//! they seem to, or are left empty.

use crate::outbound::addresses::Grants;
use crate::outbound::documents::Effect;
use crate::outbound::origin::{Origin, Scheme};
use crate::outbound::route::RoutePattern;

use super::manifest::DestinationSection;
use super::operator::GrantSection;
use super::{Manifest, Operator};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// It cannot work.
    Error,
    /// It is hardly what was meant.
    Warning,
    /// It is worth a look.
    Note,
}

impl Level {
    /// The level's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// A stable code.
    pub code: &'static str,
    /// File and line.
    pub place: String,
    /// The key.
    pub key: String,
    /// What is the matter.
    pub message: String,
    /// What to do about it.
    pub mend: String,
}

/// Looks through manifest and operator file; the worst comes first.
#[must_use]
pub fn lint(manifest: &Manifest, operator: Option<&Operator>) -> Vec<Finding> {
    let mut found = Found::default();
    for (name, section) in &manifest.destinations {
        found.destination(manifest, name, section);
    }
    if let Some(operator) = operator {
        for (name, granted) in &operator.destinations {
            if let Some(asked) = manifest.destinations.get(name) {
                found.grant(operator, name, asked, granted);
            }
        }
        found.shared_origins(manifest, operator);
        found.callers(manifest, operator);
        found.rest(manifest, operator);
    }
    found.0.sort_by_key(|finding| finding.level);
    found.0
}

#[derive(Default)]
struct Found(Vec<Finding>);

/// Where findings of one file go.
struct File<'a>(&'a mut Vec<Finding>, &'a dyn Fn(&str) -> String);

impl File<'_> {
    fn add(&mut self, level: Level, code: &'static str, key: String, message: &str, mend: &str) {
        let place = (self.1)(&key);
        self.0.push(Finding {
            level,
            code,
            place,
            key,
            message: message.to_owned(),
            mend: mend.to_owned(),
        });
    }
}

impl Found {
    fn destination(&mut self, manifest: &Manifest, name: &str, section: &DestinationSection) {
        let place = |key: &str| manifest.place(key);
        let mut file = File(&mut self.0, &place);
        let base = format!("destinations.{name}");
        if section.routes.is_empty() {
            file.add(
                Level::Warning,
                "no-routes",
                base.clone(),
                "nothing may be asked of this destination.",
                "Add a route, or remove the destination.",
            );
        }
        if section.secret_per_caller && section.secret_env.is_none() {
            file.add(
                Level::Warning,
                "no-secret",
                format!("{base}.secret-per-caller"),
                "each caller is to have a credential, but none is sent.",
                "Set `secret-env`, or remove this line.",
            );
        }
        for (index, route) in section.routes.iter().enumerate() {
            let key = format!("{base}.routes[{index}]");
            let same = |other: &&super::manifest::RouteSection| other.method == route.method;
            let earlier = section.routes.iter().take(index).filter(same);
            if earlier
                .clone()
                .any(|other| covers(&other.path, &route.path))
            {
                file.add(
                    Level::Error,
                    "never-matches",
                    key.clone(),
                    "a route before it matches all that this one does.",
                    "Remove it, or put it before the other one.",
                );
            }
            let listed = section
                .documents
                .iter()
                .any(|document| document.path == route.path);
            if route.documents && !listed {
                file.add(
                    Level::Error,
                    "never-matches",
                    key.clone(),
                    "it takes only listed documents, and none is listed for its path.",
                    "List one, or remove the route.",
                );
            }
            let writes = !matches!(route.method.as_str(), "GET" | "HEAD");
            if writes && !route.documents {
                let wild = if route.path.contains('*') {
                    ", for any id"
                } else {
                    ""
                };
                file.add(
                    Level::Note,
                    "any-body",
                    key.clone(),
                    &format!("an approved step may send any body there{wild}."),
                    "Be sure that this is meant.",
                );
            }
            if route.documents && route.path.contains('?') {
                file.add(
                    Level::Warning,
                    "query-beside-document",
                    key,
                    "a request with a document may carry data in its query too.",
                    "Remove the query keys.",
                );
            }
        }
        for document in &section.documents {
            if document.effect == Effect::Query && document.cost == 0 && section.rate.is_none() {
                file.add(
                    Level::Note,
                    "cost-without-rate",
                    format!("{base}.documents `{}`: cost", document.name),
                    "it costs nothing of a rate that there is not.",
                    "Remove the line, or set `rate`.",
                );
            }
        }
    }

    fn grant(
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
                Level::Warning,
                "secret-unused",
                format!("{base}.secret"),
                "the skill sends no credential there.",
                "Remove the line.",
            );
        }
        if asked.secret_env.is_some() && !asked.secret_per_caller && granted.secret.is_none() {
            file.add(
                Level::Error,
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
                Level::Note,
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
                Level::Note,
                "plain-http",
                format!("{base}.origin"),
                "nothing protects what goes there on its way.",
                "Use https where the network is not yours alone.",
            );
        }
        if Origin::parse(&granted.origin, none).is_ok() && origin.address().is_some() {
            file.add(
                Level::Warning,
                "address-as-origin",
                format!("{base}.origin"),
                "an address may come to belong to somebody else.",
                "Use the service's name.",
            );
        }
        // A name may be anywhere; what an address needs is known.
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
                    Level::Warning,
                    "grant-unused",
                    format!("{base}.{key}"),
                    "the origin does not need this grant.",
                    "Remove the line.",
                );
            }
        }
        if granted.allow_loopback && granted.allow_private {
            file.add(
                Level::Warning,
                "two-networks",
                format!("{base}.allow-private"),
                "the service may be on this machine and in a private network: it is in one place.",
                "Keep the one that it needs.",
            );
        }
        if granted.ca_file.is_some() && origin.scheme() == Scheme::Http {
            file.add(
                Level::Warning,
                "ca-unused",
                format!("{base}.ca-file"),
                "plain http has no certificates.",
                "Remove the line, or use https.",
            );
        }
        if granted.rate.is_some() && granted.rate == asked.rate {
            file.add(
                Level::Note,
                "same-as-asked",
                format!("{base}.rate"),
                "the skill asks for no more.",
                "Remove the line.",
            );
        }
    }

    fn shared_origins(&mut self, manifest: &Manifest, operator: &Operator) {
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
                file.add(Level::Warning, "origin-twice", format!("destinations.{name}.origin"),
                    &format!("`{other}` is at the same origin with a credential of its own; which is sent depends on the path."),
                    "Be sure that this is meant.");
            }
        }
    }

    fn callers(&mut self, manifest: &Manifest, operator: &Operator) {
        let place = |key: &str| operator.place(key);
        let mut file = File(&mut self.0, &place);
        let callers: Vec<_> = operator.callers.iter().collect();
        for (index, (name, caller)) in callers.iter().enumerate() {
            let key = format!("callers.{name}");
            match caller.email.as_deref() {
                None | Some("") => file.add(
                    Level::Error,
                    "caller-without-email",
                    key.clone(),
                    "nobody in the service is this caller.",
                    "Write `email = \"...\"`.",
                ),
                Some(email) => {
                    if !email.contains('@') {
                        file.add(
                            Level::Error,
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
                            Level::Error,
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
                        Level::Warning,
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
                    file.add(Level::Warning, "secret-missing", key.clone(),
                        &format!("they have no credential for `{destination}`, so what needs it is refused for them."),
                        &format!("Write it under [callers.{name}.secrets]."));
                }
            }
        }
    }

    fn rest(&mut self, manifest: &Manifest, operator: &Operator) {
        let place = |key: &str| operator.place(key);
        let mut file = File(&mut self.0, &place);
        for (key, value) in &operator.settings {
            let asked = manifest.settings.get(key);
            if asked.is_some_and(|asked| asked.default.as_deref() == Some(value)) {
                file.add(
                    Level::Note,
                    "same-as-default",
                    format!("settings.{key}"),
                    "this is the default.",
                    "Remove the line, or keep it so that it stays.",
                );
            }
        }
        for (name, asked) in &manifest.destinations {
            if !operator.destinations.contains_key(name) {
                file.add(
                    Level::Note,
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

/// Whether every path that `narrow` matches is matched by `wide`.
fn covers(wide: &str, narrow: &str) -> bool {
    let split = |pattern: &str| {
        let (path, query) = pattern.split_once('?').unwrap_or((pattern, ""));
        let keys: Vec<_> = query
            .split(',')
            .filter(|key| !key.is_empty())
            .map(str::to_owned)
            .collect();
        (path.split('/').map(str::to_owned).collect::<Vec<_>>(), keys)
    };
    if RoutePattern::parse(wide).is_err() || RoutePattern::parse(narrow).is_err() {
        return false;
    }
    let ((wide, wide_keys), (narrow, narrow_keys)) = (split(wide), split(narrow));
    let word = |text: &str| {
        text.chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
    };
    wide.len() == narrow.len()
        && wide
            .iter()
            .zip(&narrow)
            .all(|(wide, narrow)| wide == narrow || (wide == "*" && word(narrow)))
        && narrow_keys.iter().all(|key| wide_keys.contains(key))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const MANIFEST: &str = r#"
[skill]
name = "demo"
package = "demo:skill@0.1.0"
[destinations.service]
title = "Service"
origin-env = "SERVICE_URL"
secret-env = "SERVICE_KEY"
[[destinations.service.routes]]
method = "GET"
path = "/items/*"
[settings]
mode = { default = "plain" }
"#;
    const OPERATOR: &str = "[destinations.service]\norigin = \"https://a.example\"\nsecret = \"file:key\"\n[callers.me]\nemail = \"me@a.example\"\n";

    fn codes(manifest: &str, operator: &str) -> Vec<String> {
        let manifest = Manifest::parse(manifest, Path::new("skill.toml")).unwrap();
        let operator = Operator::parse(operator, Path::new("operator.toml")).unwrap();
        let findings = lint(&manifest, Some(&operator));
        findings
            .iter()
            .map(|finding| {
                format!(
                    "{} {} {}",
                    finding.level.as_str(),
                    finding.code,
                    finding.key
                )
            })
            .collect()
    }

    #[test]
    fn a_good_pair_of_files_is_clean() {
        assert_eq!(codes(MANIFEST, OPERATOR), Vec::<String>::new());
    }

    #[test]
    fn what_the_skill_asks_for_in_vain_is_found() {
        let route = |text: &str| format!("{MANIFEST}\n[[destinations.service.routes]]\n{text}\n");
        for (more, expected) in [
            (
                "method = \"GET\"\npath = \"/items/mine\"",
                "error never-matches destinations.service.routes[1]",
            ),
            (
                "method = \"GET\"\npath = \"/items/*\"",
                "error never-matches destinations.service.routes[1]",
            ),
            (
                "method = \"POST\"\npath = \"/query\"\ndocuments = true",
                "error never-matches destinations.service.routes[1]",
            ),
            (
                "method = \"POST\"\npath = \"/items/*\"",
                "note any-body destinations.service.routes[1]",
            ),
        ] {
            assert_eq!(codes(&route(more), OPERATOR), [expected], "{more}");
        }
        for other in [
            "method = \"GET\"\npath = \"/items/*?q\"",
            "method = \"GET\"\npath = \"/items/a.b\"",
            "method = \"GET\"\npath = \"/items/*/x\"",
        ] {
            assert_eq!(
                codes(&route(other), OPERATOR),
                Vec::<String>::new(),
                "{other}"
            );
        }
    }

    #[test]
    fn what_an_operator_opens_without_need_or_leaves_out_is_found() {
        for (from, to, expected) in [
            (
                "secret = \"file:key\"\n",
                "",
                vec!["error secret-missing destinations.service"],
            ),
            (
                "file:key",
                "env:KEY",
                vec!["note secret-in-environment destinations.service.secret"],
            ),
            (
                "https://a.example",
                "https://8.8.8.8",
                vec!["warning address-as-origin destinations.service.origin"],
            ),
            (
                "\"https://a.example\"",
                "\"http://127.0.0.1:1\"\nallow-loopback = true\nallow-private = true",
                vec![
                    "warning grant-unused destinations.service.allow-private",
                    "warning two-networks destinations.service.allow-private",
                    "note plain-http destinations.service.origin",
                ],
            ),
            (
                "email = \"me@a.example\"",
                "name = \"\"",
                vec![
                    "error caller-without-email callers.me",
                    "warning empty callers.me.name",
                ],
            ),
            (
                "me@a.example",
                "me",
                vec!["error no-email callers.me.email"],
            ),
            (
                "[callers.me]",
                "[callers.it]\nemail = \"me@a.example\"\n[callers.me]",
                vec!["error caller-twice callers.me.email"],
            ),
            (
                "[callers.me]",
                "[settings]\nmode = \"plain\"\n[callers.me]",
                vec!["note same-as-default settings.mode"],
            ),
        ] {
            assert!(OPERATOR.contains(from), "{from}");
            assert_eq!(
                codes(MANIFEST, &OPERATOR.replace(from, to)),
                expected,
                "{to}"
            );
        }
    }

    #[test]
    fn a_finding_names_file_and_line_and_a_mend() {
        let manifest = Manifest::parse(MANIFEST, Path::new("skill.toml")).unwrap();
        let operator = Operator::parse(
            &OPERATOR.replace("me@a.example", "me"),
            Path::new("operator.toml"),
        )
        .unwrap();
        let found = lint(&manifest, Some(&operator)).remove(0);
        assert_eq!(found.place, "operator.toml:5");
        assert!(!found.mend.is_empty() && !found.message.is_empty());
    }
}
