//! Reads `skill.toml` and the routes in it. An operator can grant less than it asks for, never
//! more.

use std::collections::BTreeSet;
use std::path::Path;

use http::Method;
use sha2::{Digest as _, Sha256};

use super::model::{Additions, DestinationSection, Manifest, PeopleSection, RouteSection};
use crate::config::error::{ConfigError, read};
use crate::config::lines::KeyLines;
use crate::config::policy_texts::PolicyTexts;
use crate::digest::hex;
use crate::observed::places::{GroupAt, PeopleAt};
use crate::outbound::policy::Route;
use crate::outbound::policy::route::RoutePattern;
use crate::outbound::policy::write_route::{Recipients, Write};

impl Manifest {
    /// Reads a manifest file.
    ///
    /// # Errors
    /// When it cannot be read or is invalid; the error names the place.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = read(path)?;
        let mut manifest = Self::parse(&text, path)?;
        let folder = path.with_file_name("access");
        if folder.is_dir() {
            let (schema_path, policies_path) = (
                folder.join("schema.cedarschema"),
                folder.join("policies.cedar"),
            );
            let access = PolicyTexts {
                schema: read(&schema_path)?,
                schema_path,
                policies: read(&policies_path)?,
                policies_path,
            };
            let mut digest = Sha256::new();
            for part in [&text, &access.schema, &access.policies] {
                digest.update((part.len() as u64).to_le_bytes());
                digest.update(part);
            }
            manifest.sha256 = hex(&digest.finalize());
            manifest.access = Some(access);
        }
        Ok(manifest)
    }

    /// Reads a manifest's text; `path` names it in errors.
    ///
    /// # Errors
    /// When it is invalid; the error names the place.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let wrong = |error: toml::de::Error| ConfigError::Parse {
            path: path.to_owned(),
            message: error.to_string(),
        };
        let mut manifest: Self = toml::from_str(text).map_err(wrong)?;
        manifest.keys = toml::from_str(text).map_err(wrong)?;
        manifest.path = path.to_owned();
        manifest.sha256 = hex(&Sha256::digest(text.as_bytes()));
        manifest.lines = KeyLines::of(text);
        manifest.limits.check(&|key| manifest.place(key))?;
        manifest.package()?;
        manifest.members()?;
        for (name, setting) in &manifest.settings {
            if setting.field
                && let Some(Err(error)) =
                    setting.default.as_deref().map(graphql_fields::check_field)
            {
                let key = format!("settings.{name}.default");
                return Err(manifest.wrong(key, error.to_string()));
            }
        }
        let mut writes = BTreeSet::new();
        for (name, section) in &manifest.destinations {
            writes.extend(manifest.routes(name)?.into_iter().map(|route| route.id));
            writes.extend(
                section
                    .documents
                    .iter()
                    .map(|document| document.name.clone()),
            );
        }
        if let Some(deed) = (manifest.words.deeds.keys()).find(|deed| !writes.contains(*deed)) {
            return Err(manifest.wrong(
                format!("words.deeds.{deed}"),
                "no document has this name, and no service this method and path: correct or remove it",
            ));
        }
        Ok(manifest)
    }

    /// Returns the package's name and version, such as `demo:notes` and `0.1.0`.
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

    /// Returns the routes of a destination, with their documents as the manifest lists them.
    ///
    /// # Errors
    /// As [`Self::routes_with`].
    pub fn routes(&self, destination: &str) -> Result<Vec<Route>, ConfigError> {
        self.routes_with(destination, &Additions::default())
    }

    /// Returns the routes of a destination, with their documents extended by the operator's
    /// additions. Of each document only one text is known, the extended one. Every document must
    /// belong to a route that takes documents.
    ///
    /// # Errors
    /// When an entry cannot be used; the error names its key and the reason.
    pub fn routes_with(
        &self,
        destination: &str,
        additions: &Additions,
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
                additions,
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
        additions: &Additions,
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
            Some(self.documents(destination, section, &route.path, additions)?)
        } else {
            None
        };
        let reads = method == Method::GET || method == Method::HEAD;
        if route.cacheable_seconds > 0 && !reads {
            return Err(self.wrong(
                format!("{place}.cacheable-seconds"),
                "only what reads can be kept: remove it",
            ));
        }
        let write = match &route.write {
            Some(_) if reads || route.documents => {
                return Err(self.wrong(
                    format!("{place}.write"),
                    "a route that reads or takes documents has none: remove it",
                ));
            }
            write => write
                .as_ref()
                .map(|write| self.write(write, place, additions))
                .transpose()?,
        };
        let of_segment = |write: &Write| write.recipients == Recipients::OfSegment;
        if write.as_ref().is_some_and(of_segment) && pattern.as_str().matches('*').count() != 1 {
            return Err(self.wrong(
                format!("{place}.write.recipients-of-segment"),
                "the path needs just one `*`: the segment that says to whom it goes",
            ));
        }
        let people = route
            .people
            .as_ref()
            .map(|people| self.people(people, place))
            .transpose()?;
        let group = match &route.group {
            None => None,
            Some(group) => Some(GroupAt {
                id: self.steps(&group.id, &format!("{place}.group.id"))?,
                group: self.steps(&group.of, &format!("{place}.group.of"))?,
            }),
        };
        let mut bound = Vec::new();
        for (key, setting) in &route.query {
            let key_place = format!("{place}.query");
            if !pattern.query().any(|known| known == key) {
                let message = format!("`path` lists no query key `{key}`: list it, or remove this");
                return Err(self.wrong(key_place, message));
            }
            bound.push((key.clone(), self.bound(setting, &key_place)?));
        }
        let wildcards = pattern.wildcard_count();
        let mut bound_segments = Vec::new();
        for (number, setting) in &route.path_settings {
            let key_place = format!("{place}.path-settings");
            let index = number
                .parse::<usize>()
                .ok()
                .and_then(|at| at.checked_sub(1));
            let Some(index) = index.filter(|index| *index < wildcards) else {
                let message =
                    format!("`{number}` is the number of no `*` in `path`; the first is `1`");
                return Err(self.wrong(key_place, message));
            };
            bound_segments.push((index, self.bound(setting, &key_place)?));
        }
        if people.as_ref().is_some_and(|people| people.group) {
            self.check_group_bound(&pattern, &bound, &bound_segments, place)?;
        }
        Ok(Route {
            documents,
            bound,
            bound_segments,
            people,
            group,
            cacheable_seconds: route.cacheable_seconds,
            write,
            ..Route::new(
                format!("{destination}: {method} {pattern}"),
                method,
                pattern,
            )
        })
    }

    /// Checks that a caller cannot choose the group that a route answers with, neither by a segment
    /// nor by a query key.
    fn check_group_bound(
        &self,
        pattern: &RoutePattern,
        bound: &[(String, String)],
        bound_segments: &[(usize, String)],
        place: &str,
    ) -> Result<(), ConfigError> {
        let free = (0..pattern.wildcard_count())
            .find(|index| !bound_segments.iter().any(|(bound, _)| bound == index));
        if let Some(index) = free {
            let message = format!(
                "whoever asks could choose the group: bind the segment, as `path-settings = {{ \"{}\" = \"setting KEY\" }}`",
                index + 1
            );
            return Err(self.wrong(format!("{place}.people.group"), message));
        }
        if let Some(key) = pattern
            .query()
            .find(|key| !bound.iter().any(|(bound, _)| bound == key))
        {
            let message = format!(
                "whoever asks could choose the group: bind the query key, as `query = {{ {key} = \"setting KEY\" }}`, or take it out of `path`"
            );
            return Err(self.wrong(format!("{place}.people.group"), message));
        }
        Ok(())
    }

    fn people(&self, section: &PeopleSection, place: &str) -> Result<PeopleAt, ConfigError> {
        let steps =
            |name: &str, pointer: &str| self.steps(pointer, &format!("{place}.people.{name}"));
        Ok(PeopleAt {
            at: steps("at", &section.at)?,
            id: steps("id", &section.id)?,
            name: section
                .name
                .as_deref()
                .map(|name| steps("name", name))
                .transpose()?,
            group: section.group,
        })
    }
}

#[cfg(test)]
mod tests;
