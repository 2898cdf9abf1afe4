//! Lints of skill.toml and operator file: entries that are valid, yet certainly not what was meant.
//! They never match, open more than they seem to, or are left empty.

use std::path::Path;

mod granted;

use crate::outbound::policy::documents::Effect;
use crate::outbound::policy::route::RoutePattern;

use super::manifest::DestinationSection;
use super::{ConfigError, IgnoredVariable, Manifest, Operator};

/// The severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LintLevel {
    /// It cannot work.
    Error,
    /// It is probably not what was meant.
    Warning,
    /// It is worth a look.
    Note,
}

impl LintLevel {
    /// Returns the level's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// A finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Its severity.
    pub level: LintLevel,
    /// A stable code.
    pub code: &'static str,
    /// File and line.
    pub place: String,
    /// The key.
    pub key: String,
    /// The problem.
    pub message: String,
    /// The fix.
    pub mend: String,
}

impl Finding {
    /// Returns what keeps the files from being used, as the command that loads them would say it.
    #[must_use]
    pub fn refused(error: &ConfigError) -> Self {
        // What names a credential or an origin has both in one text.
        let both = |place: &str| match place.split_once(": ") {
            Some((place, key)) => (place.to_owned(), key.to_owned()),
            None => (place.to_owned(), String::new()),
        };
        let file = |path: &Path| (path.display().to_string(), String::new());
        let mut mend = String::new();
        let ((place, key), message) = match error {
            ConfigError::Read { path, source } => (file(path), format!("cannot be read: {source}")),
            ConfigError::Exposed(error) => (Default::default(), error.to_string()),
            ConfigError::Parse { path, message } => (file(path), message.clone()),
            ConfigError::Value {
                place,
                key,
                message,
            } => ((place.clone(), key.clone()), message.clone()),
            ConfigError::Origin { place, source, fix } => {
                mend.clone_from(fix);
                (both(place), source.to_string())
            }
            ConfigError::Credential { place, source } => (both(place), source.to_string()),
        };
        Self {
            level: LintLevel::Error,
            code: error.code(),
            place,
            key,
            message,
            mend,
        }
    }

    /// Returns a note about a variable that is set for nothing.
    #[must_use]
    pub fn ignored(ignored: &IgnoredVariable) -> Self {
        Self {
            level: LintLevel::Note,
            code: "variable-ignored",
            place: ignored.place.clone(),
            key: ignored.key.clone(),
            message: ignored.to_string(),
            mend: ignored.mend(),
        }
    }
}

/// Lints manifest and operator file; the most severe findings come first.
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

/// The findings of one file.
struct File<'a>(&'a mut Vec<Finding>, &'a dyn Fn(&str) -> String);

impl File<'_> {
    fn add(
        &mut self,
        level: LintLevel,
        code: &'static str,
        key: String,
        message: &str,
        mend: &str,
    ) {
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
                LintLevel::Warning,
                "no-routes",
                base.clone(),
                "nothing may be asked of this destination.",
                "Add a route, or remove the destination.",
            );
        }
        if section.secret_per_caller && section.secret_env.is_none() {
            file.add(
                LintLevel::Warning,
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
                    LintLevel::Error,
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
                    LintLevel::Error,
                    "never-matches",
                    key.clone(),
                    "it takes only listed documents, and none is listed for its path.",
                    "List one, or remove the route.",
                );
            }
            let writes = !matches!(route.method.as_str(), "GET" | "HEAD");
            if writes && !route.documents && route.write.is_none() {
                let wild = if route.path.contains('*') {
                    ", for any id"
                } else {
                    ""
                };
                file.add(
                    LintLevel::Note,
                    "any-body",
                    key.clone(),
                    &format!("an approved step may send any body there{wild}."),
                    "Be sure that this is meant.",
                );
            }
            if route.documents && route.path.contains('?') {
                file.add(
                    LintLevel::Warning,
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
                    LintLevel::Note,
                    "cost-without-rate",
                    format!("{base}.documents `{}`: cost", document.name),
                    "it costs nothing of a rate that there is not.",
                    "Remove the line, or set `rate`.",
                );
            }
        }
    }
}

/// Checks whether `wide` matches every path that `narrow` matches.
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
mod tests;
