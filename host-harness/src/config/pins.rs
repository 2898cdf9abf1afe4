//! The digests of component and manifest that an operator has accepted.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use thiserror::Error;

/// The digests that an operator has accepted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Pins {
    /// SHA-256 of the component, in lower-case hexadecimal.
    pub component: String,
    /// SHA-256 of skill.toml, in lower-case hexadecimal.
    pub manifest: String,
}

/// The operator's trust in component and manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Trust {
    /// There is no operator file: whoever runs the harness chose the files.
    #[default]
    NoOperator,
    /// The operator file accepts nothing yet.
    Nothing {
        /// The operator file.
        operator: PathBuf,
    },
    /// Only these digests are accepted.
    Pinned {
        /// The operator file.
        operator: PathBuf,
        /// The digests.
        pins: Pins,
    },
}

/// A component or manifest that nobody has accepted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Untrusted {
    /// Nothing has been accepted yet.
    #[error("{} accepts no component yet: look at this one with `crm-harness trust`", operator.display())]
    Nothing {
        /// The operator file.
        operator: PathBuf,
    },
    /// Another one was accepted.
    #[error("this {what} is not the one that {} accepts: see what has changed with `crm-harness trust`", operator.display())]
    Changed {
        /// `component`, `skill.toml`, or both.
        what: &'static str,
        /// The operator file.
        operator: PathBuf,
    },
}

impl Trust {
    /// Checks that component and manifest of these digests may be used.
    ///
    /// # Errors
    /// When one of them has not been accepted.
    pub fn check(&self, component: &str, manifest: &str) -> Result<(), Untrusted> {
        let (operator, pins) = match self {
            Self::NoOperator => return Ok(()),
            Self::Nothing { operator } => {
                return Err(Untrusted::Nothing {
                    operator: operator.clone(),
                });
            }
            Self::Pinned { operator, pins } => (operator, pins),
        };
        let what = match (pins.component == component, pins.manifest == manifest) {
            (true, true) => return Ok(()),
            (false, true) => "component",
            (true, false) => "skill.toml",
            (false, false) => "component and its skill.toml",
        };
        Err(Untrusted::Changed {
            what,
            operator: operator.clone(),
        })
    }
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
    fn only_accepted_digests_are_trusted() {
        let operator = PathBuf::from("operator.toml");
        assert_eq!(Trust::NoOperator.check("a", "b"), Ok(()));
        let nothing = Trust::Nothing {
            operator: operator.clone(),
        };
        assert!(
            nothing
                .check("a", "b")
                .unwrap_err()
                .to_string()
                .contains("crm-harness trust")
        );
        let trust = Trust::Pinned {
            operator,
            pins: pins("a", "b"),
        };
        assert_eq!(trust.check("a", "b"), Ok(()));
        for (component, manifest, what) in [
            ("x", "b", "this component is not"),
            ("a", "x", "this skill.toml is not"),
            ("x", "x", "this component and its skill.toml is not"),
        ] {
            let error = trust.check(component, manifest).unwrap_err().to_string();
            assert!(
                error.contains(what) && error.contains("operator.toml"),
                "{error}"
            );
        }
    }
}
