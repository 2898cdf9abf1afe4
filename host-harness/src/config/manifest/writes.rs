//! The routes of a manifest that write without a document: their actions, their recipients, and the
//! contents of their bodies.

use std::sync::Arc;

use super::model::{Confirmation, RepeatSection, WriteSection};
use super::{Additions, Manifest};
use crate::config::ConfigError;
use crate::outbound::body::{BodyShape, Contents};
use crate::outbound::dlp::disclosure::DisclosureSchema;
use crate::outbound::policy::write_route::{Group, Recipients, RepeatRule, Write};

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
                RepeatSection::Never => RepeatRule::Never,
                RepeatSection::Always => RepeatRule::Always,
                RepeatSection::UnlessFound(found) => {
                    let (path, keys) = found.within.split_once('?').unwrap_or((&found.within, ""));
                    RepeatRule::UnlessFound {
                        text: self.steps(&found.text, &at("repeat"))?,
                        path: path.to_owned(),
                        keys: keys.split(',').map(str::to_owned).collect(),
                    }
                }
            },
            body,
        })
    }

    /// Returns the JSON that texts of bodies may hold.
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

    /// Returns the disclosure schema, with the fields that the operator names.
    ///
    /// # Errors
    /// When it is invalid.
    pub fn given_away(&self, additions: &Additions) -> Result<DisclosureSchema, ConfigError> {
        DisclosureSchema::parse(&self.kinds, &|setting| {
            additions.fields.get(setting).cloned()
        })
        .map_err(|error| self.wrong("kinds", error.to_string()))
    }
}
