//! Versions that an operator has accepted: the digests of component and manifest, and the
//! differences between two versions.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::config::{Manifest, Pins};
use crate::digest::hex;
use crate::outbound::policy::documents::Effect;
use crate::runtime::load::Inspection;

/// Permissions that a component and its manifest request, line by line: a name and a value. Made to
/// be compared and stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked(BTreeMap<String, String>);

impl Asked {
    /// Collects the requests of a manifest and its component.
    #[must_use]
    pub fn by(manifest: &Manifest, inspection: &Inspection) -> Self {
        let mut asked = Self::default();
        asked.put("package", &manifest.skill.package);
        for (name, value) in manifest.limits.named() {
            asked.put(&format!("limit {name}"), &value.to_string());
        }
        if let Some(access) = &manifest.access {
            for (name, text) in [("schema", &access.schema), ("policies", &access.policies)] {
                let digest = hex(&Sha256::digest(text));
                let digest = digest.get(..12).unwrap_or_default();
                asked.put(&format!("access {name}"), &format!("text {digest}"));
            }
        }
        for object in &manifest.skill.objects {
            asked.put(
                &format!("source {object}"),
                "its records may be named in the record",
            );
        }
        for import in &inspection.imports {
            asked.put(&format!("import {import}"), "used by the component");
        }
        for export in &inspection.exports {
            for function in &export.functions {
                asked.put(
                    &format!("action {}.{function}", export.interface),
                    "offered by the component",
                );
            }
        }
        for (key, setting) in &manifest.settings {
            asked.put(
                &format!("setting {key}"),
                setting.default.as_deref().unwrap_or("no default"),
            );
        }
        for (key, setting) in &manifest.caller_settings {
            asked.put(&format!("caller setting {key}"), &setting.about);
        }
        for (name, kind) in &manifest.kinds {
            asked.put(
                &format!("give away {name}"),
                &format!(
                    "{}; on request {}",
                    kind.default.join(", "),
                    kind.on_request.join(", ")
                ),
            );
        }
        for (name, shape) in &manifest.shapes {
            let members: Vec<_> = shape.iter().map(|(at, ty)| format!("{at}: {ty}")).collect();
            asked.put(&format!("shape {name}"), &members.join(", "));
        }
        for name in manifest.destinations.keys() {
            asked.destination(manifest, name);
        }
        asked
    }

    fn destination(&mut self, manifest: &Manifest, name: &str) {
        let Some(section) = manifest.destinations.get(name) else {
            return;
        };
        let whose = if section.secret_per_caller {
            ", each caller's own"
        } else {
            ""
        };
        let secret = match &section.secret_env {
            Some(_) => format!("credential in the header {}{whose}", section.secret_header),
            None => "no credential".to_owned(),
        };
        let rate = section.rate.map_or_else(
            || "any rate".to_owned(),
            |rate| format!("{} requests in {} s", rate.requests, rate.seconds),
        );
        self.put(
            &format!("destination {name}"),
            &format!("{}: {secret}, {rate}", section.title),
        );
        for route in &section.routes {
            let takes = match &route.write {
                _ if route.documents => "only the listed documents".to_owned(),
                Some(write) => {
                    let members = write.body.iter().map(|(at, ty)| format!("{at}: {ty}"));
                    let members: Vec<_> = members.collect();
                    format!(
                        "WRITES ({} of a {}), {}",
                        write.act,
                        write.kind,
                        members.join(", ")
                    )
                }
                None if matches!(route.method.as_str(), "GET" | "HEAD") => "reads".to_owned(),
                None => "any body".to_owned(),
            };
            let keys = route
                .query
                .iter()
                .map(|(key, setting)| format!("; {key} is the {setting}"));
            let segments = route
                .path_settings
                .iter()
                .map(|(number, setting)| format!("; `*` number {number} is the {setting}"));
            let bound: Vec<_> = keys.chain(segments).collect();
            self.put(
                &format!("route {name}: {} {}", route.method, route.path),
                &format!("{takes}{}", bound.concat()),
            );
        }
        for document in &section.documents {
            let effect = match document.effect {
                Effect::Query => "reads",
                Effect::Mutation => "WRITES",
            };
            let variables: Vec<_> = document
                .variables
                .iter()
                .map(|(name, declared)| {
                    let values = document.values.get(name).map(|values| values.join("|"));
                    let length = document.lengths.get(name);
                    let values = values.map_or_else(String::new, |values| format!(" of {values}"));
                    let length = length.map_or_else(String::new, |range| format!(" ({range})"));
                    format!("{name}: {declared}{values}{length}")
                })
                .collect();
            let text = document.sha256.get(..12).unwrap_or_default();
            let does: Vec<_> = document
                .acts
                .iter()
                .map(|acts| format!("{} {}", acts.verb.as_str(), acts.kind))
                .collect();
            let does = if does.is_empty() {
                String::new()
            } else {
                format!(" ({})", does.join(", "))
            };
            let sets: Vec<_> = document
                .inputs
                .values()
                .flat_map(|paths| paths.keys().map(String::as_str))
                .collect();
            let sets = if sets.is_empty() {
                String::new()
            } else {
                format!(", sets {}", sets.join(", "))
            };
            let told = format!(
                "{effect}{does} at {}, ({}){sets}, text {text}",
                document.path,
                variables.join(", ")
            );
            self.put(&format!("document {name}: {}", document.name), &told);
        }
    }

    fn put(&mut self, name: &str, value: &str) {
        self.0.insert(name.to_owned(), value.to_owned());
    }

    /// Returns every line: name and value.
    pub fn lines(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Returns the differences of `new`: additions and changes by name, then removals.
    #[must_use]
    pub fn difference(&self, new: &Self) -> Vec<Change> {
        let mut changes = Vec::new();
        for (name, after) in &new.0 {
            match self.0.get(name) {
                None => changes.push(Change::Added {
                    name: name.clone(),
                    after: after.clone(),
                }),
                Some(before) if before != after => changes.push(Change::Changed {
                    name: name.clone(),
                    before: before.clone(),
                    after: after.clone(),
                }),
                Some(_) => {}
            }
        }
        let gone = self.0.iter().filter(|(name, _)| !new.0.contains_key(*name));
        changes.extend(gone.map(|(name, before)| Change::Removed {
            name: name.clone(),
            before: before.clone(),
        }));
        changes
    }

    /// Reads the requests stored for these digests, if there are any.
    #[must_use]
    pub fn kept(folder: &Path, pins: &Pins) -> Option<Self> {
        let text = std::fs::read(Self::place(folder, pins)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Stores the requests for these digests, for the comparison with the next version.
    ///
    /// # Errors
    /// Returns an error if it cannot be written.
    pub fn keep(&self, folder: &Path, pins: &Pins) -> std::io::Result<()> {
        let path = Self::place(folder, pins);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let text = serde_json::to_vec_pretty(self)?;
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path)?;
        file.write_all(&text)
    }

    fn place(folder: &Path, pins: &Pins) -> PathBuf {
        let short = |digest: &str| digest.get(..16).unwrap_or(digest).to_owned();
        folder.join("accepted").join(format!(
            "{}-{}.json",
            short(&pins.component),
            short(&pins.manifest)
        ))
    }
}

/// A difference between two versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A new request.
    Added {
        /// The name.
        name: String,
        /// The new value.
        after: String,
    },
    /// A removed request.
    Removed {
        /// The name.
        name: String,
        /// The old value.
        before: String,
    },
    /// A request with a new value.
    Changed {
        /// The name.
        name: String,
        /// The old value.
        before: String,
        /// The new value.
        after: String,
    },
}

/// Writes pins into the text of an operator file and leaves everything else as it is.
///
/// # Errors
/// Returns an error if the text is not TOML.
pub fn write_pins(operator: &str, pins: &Pins) -> Result<String, toml_edit::TomlError> {
    let mut document: toml_edit::DocumentMut = operator.parse()?;
    let table = document
        .entry("trust")
        .or_insert_with(|| {
            let mut table = toml_edit::Table::new();
            table.decor_mut().set_prefix(
                "\n# Component and skill.toml that were looked at and accepted, by `crm-harness trust`.\n",
            );
            toml_edit::Item::Table(table)
        });
    if let Some(table) = table.as_table_like_mut() {
        table.insert("component", toml_edit::value(&pins.component));
        table.insert("manifest", toml_edit::value(&pins.manifest));
    }
    Ok(document.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pins(component: &str, manifest: &str) -> Pins {
        Pins {
            component: component.into(),
            manifest: manifest.into(),
        }
    }

    #[test]
    fn pins_are_written_beside_what_people_wrote() {
        let text = "# mine\n[destinations.a]\norigin = \"https://a.example\" # here\n";
        let written = write_pins(text, &pins("c1", "m1")).unwrap();
        assert!(written.starts_with(text), "{written}");
        assert!(written.contains("[trust]\ncomponent = \"c1\"\nmanifest = \"m1\"\n"));
        let again = write_pins(&written, &pins("c2", "m1")).unwrap();
        assert_eq!(again, written.replace("c1", "c2"));
    }

    #[test]
    fn difference_has_additions_changes_removals() {
        let asked = |lines: &[(&str, &str)]| {
            Asked(
                lines
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                    .collect(),
            )
        };
        let old = asked(&[
            ("limit requests", "16"),
            ("document a", "reads"),
            ("import x", "used"),
        ]);
        let new = asked(&[
            ("limit requests", "20"),
            ("document b", "WRITES"),
            ("import x", "used"),
        ]);
        assert_eq!(
            old.difference(&new),
            [
                Change::Added {
                    name: "document b".into(),
                    after: "WRITES".into()
                },
                Change::Changed {
                    name: "limit requests".into(),
                    before: "16".into(),
                    after: "20".into()
                },
                Change::Removed {
                    name: "document a".into(),
                    before: "reads".into()
                },
            ]
        );
        assert_eq!(old.difference(&old), []);
    }
}
