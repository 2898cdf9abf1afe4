//! Reads the `///` texts of WIT packages, which the build stores in custom sections of the
//! component.
//!
//! A section is named `wit-docs:<package id>`; its payload is a version byte and JSON (the encoding
//! of wit-parser's package metadata, versions 0 and 1). Without such sections every description is
//! empty.

use std::collections::HashMap;

use serde::Deserialize;
use wasmparser::{Parser, Payload};

/// Prefix of the names of these sections.
const SECTION_PREFIX: &str = "wit-docs:";

/// Documentation of all packages found in a component.
#[derive(Debug, Clone, Default)]
pub struct Docs {
    packages: HashMap<String, Package>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Package {
    interfaces: HashMap<String, InterfaceDocs>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct InterfaceDocs {
    funcs: HashMap<String, FunctionDocs>,
    types: HashMap<String, TypeDocs>,
}

impl Package {
    fn type_docs(&self, name: &str) -> Option<&TypeDocs> {
        let mut interfaces: Vec<_> = self.interfaces.keys().collect();
        interfaces.sort();
        interfaces
            .into_iter()
            .find_map(|key| self.interfaces.get(key)?.types.get(name))
    }
}

/// Documentation of a function: plain, or together with its stability.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum FunctionDocs {
    Text(Option<String>),
    Full {
        #[serde(default)]
        docs: Option<String>,
    },
}

/// Documentation of a type and of its members.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct TypeDocs {
    /// Text of the type itself.
    pub docs: Option<String>,
    /// Texts of its fields, cases or flags, by WIT name.
    pub items: HashMap<String, String>,
}

impl Docs {
    /// Reads the documentation sections of a component. A section that cannot be read is skipped
    /// with a warning, since a component runs without its texts.
    #[must_use]
    pub fn read(component: &[u8]) -> Self {
        let mut docs = Self::default();
        let mut depth = 0_u32;
        for payload in Parser::new(0).parse_all(component) {
            match payload {
                Ok(Payload::Version { .. }) => depth += 1,
                Ok(Payload::End(_)) => depth = depth.saturating_sub(1),
                // Only the component's own sections count, not those of nested modules and
                // components.
                Ok(Payload::CustomSection(section)) if depth == 1 => {
                    if let Some(package) = section.name().strip_prefix(SECTION_PREFIX) {
                        docs.insert(package, section.data());
                    }
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!("the component's sections cannot be read: {error}");
                    break;
                }
            }
        }
        docs
    }

    fn insert(&mut self, package: &str, payload: &[u8]) {
        let parsed = match payload.split_first() {
            Some((0 | 1, json)) => serde_json::from_slice(json).map_err(|error| error.to_string()),
            _ => Err("unknown version".to_owned()),
        };
        match parsed {
            Ok(parsed) => {
                self.packages.insert(package.to_owned(), parsed);
            }
            Err(error) => tracing::warn!(package, "the texts of a package cannot be read: {error}"),
        }
    }

    /// Returns the first paragraph of a function's text; `interface` has the form
    /// `demo:notes/read@0.1.0`.
    #[must_use]
    pub fn function(&self, interface: &str, name: &str) -> Option<String> {
        let text = match self.interface(interface)?.funcs.get(name)? {
            FunctionDocs::Text(text) => text.as_ref()?,
            FunctionDocs::Full { docs } => docs.as_ref()?,
        };
        Some(first_paragraph(text))
    }

    /// Returns the texts of a type that `interface` defines or uses: its own first, then those of
    /// its package, then any other package's.
    #[must_use]
    pub fn type_docs(&self, interface: &str, name: &str) -> Option<&TypeDocs> {
        let own = self
            .interface(interface)
            .and_then(|interface| interface.types.get(name));
        let (package, _) = split(interface)?;
        own.or_else(|| self.packages.get(&package)?.type_docs(name))
            .or_else(|| {
                let mut ids: Vec<_> = self.packages.keys().collect();
                ids.sort();
                ids.into_iter()
                    .find_map(|id| self.packages.get(id)?.type_docs(name))
            })
    }

    fn interface(&self, id: &str) -> Option<&InterfaceDocs> {
        let (package, interface) = split(id)?;
        self.packages.get(&package)?.interfaces.get(interface)
    }
}

/// Splits `demo:notes/read@0.1.0` into `demo:notes@0.1.0` and `read`. Returns `None` for a name
/// without a package.
#[must_use]
pub fn split(interface: &str) -> Option<(String, &str)> {
    let (package, rest) = interface.split_once('/')?;
    Some(match rest.split_once('@') {
        Some((name, version)) => (format!("{package}@{version}"), name),
        None => (package.to_owned(), rest),
    })
}

/// Returns the first paragraph, with line breaks replaced by spaces.
#[must_use]
pub fn first_paragraph(text: &str) -> String {
    let lines = text
        .lines()
        .map(str::trim)
        .skip_while(|line| line.is_empty());
    lines
        .take_while(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_paragraph_counts() {
        assert_eq!(first_paragraph("\nOne\ntwo.\n\nThree."), "One two.");
        assert_eq!(first_paragraph(""), "");
    }

    #[test]
    fn interface_name_splits_at_its_package() {
        assert_eq!(
            split("demo:notes/read@0.1.0"),
            Some(("demo:notes@0.1.0".into(), "read"))
        );
        assert_eq!(
            split("demo:notes/read"),
            Some(("demo:notes".into(), "read"))
        );
        assert_eq!(split("read"), None);
    }

    #[test]
    fn unknown_section_gives_no_texts() {
        assert!(Docs::read(b"not wasm").packages.is_empty());
        let mut docs = Docs::default();
        docs.insert("a:b@1.0.0", b"\x07{}");
        docs.insert("a:b@1.0.0", b"\x01{broken");
        docs.insert("a:b@1.0.0", b"");
        assert!(docs.packages.is_empty());
    }
}
