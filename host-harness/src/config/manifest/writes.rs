//! The routes of a manifest that write without a document: what each does, to whom, and what its body may hold.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::{Additions, Manifest};
use crate::config::ConfigError;
use crate::outbound::body::{BodyShape, Contents};
use crate::outbound::dlp::disclosure::Kinds;
use crate::outbound::policy::write_route::{Event, Group, Recipients, Repeat, Write};

/// What a route writes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct WriteSection {
    /// What it does: the name of an action in the access schema.
    pub act: String,
    /// What it makes, for people.
    pub kind: String,
    /// What giving something away by it is called in the record: `share`, `edit` or `export`; without it nothing may be given away.
    pub event: Option<Event>,
    /// Where its answer tells the id of what was made: a JSON pointer.
    pub id: String,
    /// Where its body says to whom it goes: a JSON pointer, in which `*` is every item of a list.
    pub recipients: Option<String>,
    /// Whether it goes to whom the step does that made what the `*` of its path stands for.
    #[serde(default)]
    pub recipients_of_segment: bool,
    /// Who can read it beside them: where its body names the group, or the setting that does.
    pub group: Option<String>,
    /// Whether it goes to nobody but those whom the operator lists under `recipients` of the destination.
    #[serde(default)]
    pub listed: bool,
    /// `required` where a person has to confirm it, whatever policy says.
    pub approval: Option<Confirmation>,
    /// Whether it may be sent a second time where the service may have received it: `never` (the default), `always`, or
    /// `{ unless-found = { text = "/POINTER", in = "/PATH?KEY,KEY" } }`, which names the text of the body that must not stand in what
    /// the service then shows there; `*` stands for the same segments as in the path of the write.
    #[serde(default)]
    pub repeat: RepeatSection,
    /// What its body may hold: by JSON pointer, in which `*` is every item of a list, the type of the value.
    pub body: BTreeMap<String, String>,
}

/// Whether a write may be sent a second time.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RepeatSection {
    /// Not where the service may have received it.
    #[default]
    Never,
    /// Whenever the component says that it was not done.
    Always,
    /// If the service does not show it.
    UnlessFound(FoundSection),
}

/// How a service shows what it has received.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FoundSection {
    /// The text of the body that shows it: a JSON pointer.
    pub text: String,
    /// The path of the read that shows it, and the query keys that it may have.
    #[serde(rename = "in")]
    pub within: String,
}

/// Whether a person has to confirm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confirmation {
    /// One has to.
    Required,
}

impl Manifest {
    pub(super) fn write(
        &self,
        section: &WriteSection,
        place: &str,
        additions: &Additions,
    ) -> Result<Write, ConfigError> {
        let at = |name: &str| format!("{place}.write.{name}");
        let recipients = match (&section.recipients, section.recipients_of_segment) {
            (None, false) => Recipients::None,
            (Some(pointer), false) => Recipients::At(self.steps(pointer, &at("recipients"))?),
            (None, true) => Recipients::OfSegment,
            (Some(_), true) => {
                return Err(self.wrong(
                    at("recipients"),
                    "say it once: either where the body names them, or that the path does",
                ));
            }
        };
        if section.listed && !matches!(recipients, Recipients::At(_)) {
            return Err(self.wrong(
                at("listed"),
                "say with `recipients` where its body names those who have to be on the list",
            ));
        }
        let group = match section.group.as_deref() {
            None => None,
            Some(pointer) if pointer.starts_with('/') => {
                Some(Group::At(self.steps(pointer, &at("group"))?))
            }
            Some(setting) => Some(Group::Setting(
                self.bound(&format!("setting {setting}"), &at("group"))?,
            )),
        };
        for ty in section
            .body
            .values()
            .filter(|ty| ty.starts_with("setting "))
        {
            self.bound(ty, &at("body"))?;
        }
        let body = BodyShape::parse(&section.body, &self.contents(additions)?)
            .map_err(|error| self.wrong(at("body"), error.to_string()))?;
        Ok(Write {
            act: section.act.clone(),
            kind: section.kind.clone(),
            event: section.event,
            id: self.steps(&section.id, &at("id"))?,
            recipients,
            group,
            listed: section.listed,
            person: section.approval == Some(Confirmation::Required),
            repeat: match &section.repeat {
                RepeatSection::Never => Repeat::Never,
                RepeatSection::Always => Repeat::Always,
                RepeatSection::UnlessFound(found) => {
                    let (path, keys) = found.within.split_once('?').unwrap_or((&found.within, ""));
                    Repeat::UnlessFound {
                        text: self.steps(&found.text, &at("repeat"))?,
                        path: path.to_owned(),
                        keys: keys.split(',').map(str::to_owned).collect(),
                    }
                }
            },
            body,
        })
    }

    /// The JSON that may stand in texts of bodies.
    fn contents(&self, additions: &Additions) -> Result<Arc<Contents>, ConfigError> {
        let (_, version) = self.package()?;
        let contents = Contents::parse(
            &self.shapes,
            self.given_away(additions)?,
            self.destinations.keys().cloned(),
            format!("{}/{version}", self.skill.name),
        );
        contents
            .map(Arc::new)
            .map_err(|error| self.wrong("shapes", error.to_string()))
    }

    /// What may be given away, with the fields that the operator names.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn given_away(&self, additions: &Additions) -> Result<Kinds, ConfigError> {
        Kinds::parse(&self.kinds, &|setting| {
            additions.fields.get(setting).cloned()
        })
        .map_err(|error| self.wrong("kinds", error.to_string()))
    }
}
