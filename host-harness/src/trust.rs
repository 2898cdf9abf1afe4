//! Versions that an operator has accepted: the digests of component and manifest, and the
//! differences between two versions.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::config::{Manifest, Pins};
use crate::digest::hex;
use crate::runtime::load::Inspection;

mod difference;

pub use difference::{Case, Difference, Direction};

/// All that a component and its manifest ask for: every key of skill.toml, and what the component
/// says of itself. Made to be compared and kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestedRights(Map<String, Value>);

/// The text of a file under `accepted`. One without this version was written by a harness that kept
/// something else.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AcceptedFile {
    version: u8,
    asked: Map<String, Value>,
}

/// The version of such files.
const KEPT: u8 = 2;

impl RequestedRights {
    /// Returns what this manifest and component ask for.
    #[must_use]
    pub fn by(manifest: &Manifest, inspection: &Inspection) -> Self {
        let exports = inspection.exports.iter();
        let exports: Map<String, Value> = exports
            .map(|export| (export.interface.clone(), json!(export.functions)))
            .collect();
        let mut asked = manifest.keys.clone();
        asked.insert(
            "component".to_owned(),
            json!({"imports": inspection.imports, "exports": exports}),
        );
        if let Some(access) = &manifest.access {
            let text = |text: &str| format!("text with SHA-256 {}", hex(&Sha256::digest(text)));
            asked.insert(
                "access".to_owned(),
                json!({"schema": text(&access.schema), "policies": text(&access.policies)}),
            );
        }
        Self(asked)
    }

    /// Lists what is different in `new`, in order of keys.
    #[must_use]
    pub fn difference(&self, new: &Self) -> Vec<Difference> {
        difference::difference(&self.0, &new.0)
    }

    /// Reads the requests stored for these digests, if there are any.
    #[must_use]
    pub fn kept(folder: &Path, pins: &Pins) -> Option<Self> {
        let text = std::fs::read(Self::place(folder, pins)).ok()?;
        let kept: AcceptedFile = serde_json::from_slice(&text).ok()?;
        (kept.version == KEPT).then_some(Self(kept.asked))
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
        let text = serde_json::to_vec_pretty(&AcceptedFile {
            version: KEPT,
            asked: self.0.clone(),
        })?;
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
}
