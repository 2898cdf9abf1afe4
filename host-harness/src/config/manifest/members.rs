//! Places in the answer of an action that lists who works with a service, so that an operator can
//! choose callers among them.

use serde_json::Value;

use super::Manifest;
use crate::config::ConfigError;
use crate::json_path;

/// Places of the members in an action's answer.
#[derive(Debug, Clone)]
pub struct MembersAt {
    /// The action.
    pub action: String,
    at: Vec<String>,
    name: Vec<String>,
    email: Vec<String>,
    more: Option<Vec<String>>,
}

/// Somebody who works with the service, as it tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The name, where one is told.
    pub name: Option<String>,
    /// The e-mail address.
    pub email: String,
}

/// The members that an answer tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Members {
    /// Those who have an e-mail address.
    pub listed: Vec<Member>,
    /// True if there are more.
    pub more: bool,
}

impl MembersAt {
    /// Reads the members of an answer. Whoever has no e-mail address cannot be found by one, and is
    /// left out.
    #[must_use]
    pub fn read(&self, answer: &Value) -> Members {
        let text = |member: &Value, steps: &[String]| {
            let text = json_path::at(member, steps).and_then(Value::as_str)?.trim();
            (!text.is_empty()).then(|| text.to_owned())
        };
        let mut listed = Vec::new();
        json_path::each(answer, &self.at, &mut |member| {
            if let Some(email) = text(member, &self.email) {
                let name = text(member, &self.name);
                listed.push(Member { name, email });
            }
        });
        let more = (self.more.as_deref())
            .and_then(|more| json_path::at(answer, more))
            .and_then(Value::as_bool);
        Members {
            listed,
            more: more.unwrap_or(false),
        }
    }
}

impl Members {
    /// Finds the member with this address; capitals do not matter.
    #[must_use]
    pub fn find(&self, email: &str) -> Option<&Member> {
        let email = email.to_lowercase();
        let mut members = self.listed.iter();
        members.find(|member| member.email.to_lowercase() == email)
    }

    /// Checks that nobody has this address: all members are known, and none of them does.
    #[must_use]
    pub fn lack(&self, email: &str) -> bool {
        !self.more && !self.listed.is_empty() && self.find(email).is_none()
    }
}

impl Manifest {
    /// Returns the action that tells the members of the service, and the places; none where no
    /// action does.
    ///
    /// # Errors
    /// The first place that cannot be read.
    pub fn members(&self) -> Result<Option<MembersAt>, ConfigError> {
        let Some(section) = &self.skill.members else {
            return Ok(None);
        };
        let steps = |name: &str, pointer: &str| {
            let place = format!("skill.members.{name}");
            self.steps(pointer, &place)
        };
        Ok(Some(MembersAt {
            action: section.action.clone(),
            at: steps("at", &section.at)?,
            name: steps("name", &section.name)?,
            email: steps("email", &section.email)?,
            more: (section.more.as_deref())
                .map(|more| steps("more", more))
                .transpose()?,
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::*;

    const SECTION: &str = "[skill]\nname = \"demo\"\npackage = \"demo:skill@0.1.0\"\n[skill.members]\naction = \"demo_who\"\n\
        at = \"/who/*\"\nname = \"/full/name\"\nemail = \"/mail\"\nmore = \"/more\"\n";

    fn members(answer: &Value) -> Members {
        let manifest = Manifest::parse(SECTION, Path::new("skill.toml")).unwrap();
        let at = manifest.members().unwrap().unwrap();
        assert_eq!(at.action, "demo_who");
        at.read(answer)
    }

    #[test]
    fn members_are_read_from_an_answer() {
        let answer = json!({"who": [
            {"full": {"name": "Robin Hale"}, "mail": "Robin@example.com"},
            {"full": {"name": " "}, "mail": "sam@example.com"},
            {"full": null, "mail": "jo@example.com"},
            {"full": {"name": "Without an address"}, "mail": ""},
            {"full": {"name": "Without an address"}},
            "no record",
        ]});
        let found = members(&answer);
        let names: Vec<_> = found.listed.iter().map(|m| m.name.as_deref()).collect();
        assert_eq!(names, [Some("Robin Hale"), None, None]);
        assert_eq!(
            found.find("ROBIN@example.com").unwrap().email,
            "Robin@example.com"
        );
        assert!(found.lack("pat@example.com") && !found.lack("SAM@example.com"));
    }

    #[test]
    fn of_a_part_or_of_nothing_nobody_is_lacking() {
        let some = json!({"who": [{"full": {"name": "R"}, "mail": "r@example.com"}], "more": true});
        assert!(members(&some).more && !members(&some).lack("pat@example.com"));
        for nothing in [
            json!({}),
            json!({"who": "nobody"}),
            json!({"who": []}),
            json!(null),
        ] {
            assert_eq!(members(&nothing), Members::default(), "{nothing}");
            assert!(!members(&nothing).lack("pat@example.com"));
        }
    }

    #[test]
    fn a_place_that_is_none_is_named() {
        let text = SECTION.replace("\"/mail\"", "\"mail\"");
        let error = Manifest::parse(&text, Path::new("skill.toml")).unwrap_err();
        let error = error.to_string();
        assert!(error.contains("skill.members.email"), "{error}");
    }
}
