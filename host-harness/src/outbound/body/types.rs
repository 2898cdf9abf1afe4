//! Types of single values in a body.

use std::fmt;

use serde_json::Value;

use super::error::{BodyMisfit, Why};
use crate::outbound::formats::is_uuid;

/// Longest id, in characters.
const ID_MAX: usize = 64;
/// Longest word of a list.
const WORD_MAX: usize = 64;
/// Longest address (RFC 5321).
const EMAIL_MAX: usize = 254;

/// The type of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Type {
    /// Free text of at most this many characters.
    Text(usize),
    /// Free text or JSON of at most this many characters.
    Content(usize),
    /// An opaque id: 1 to 64 letters, digits, `_` and `-`.
    Id,
    /// A UUID.
    Uuid,
    /// An e-mail address.
    Email,
    /// A whole number from the first to the second, both included.
    Int(i64, i64),
    /// One of these words.
    Words(Vec<String>),
    /// The value of a setting.
    Setting(String),
}

impl Type {
    /// Parses a type.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let size = |text: &str| {
            let plain = text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|size| plain && *size > 0)
        };
        Some(match text.split_once(' ') {
            Some(("text", most)) => Self::Text(size(most)?),
            Some(("content", most)) => Self::Content(size(most)?),
            Some(("int", range)) => {
                let (low, high) = range.split_once("..")?;
                let (low, high) = (low.parse().ok()?, high.parse().ok()?);
                (low <= high).then_some(Self::Int(low, high))?
            }
            Some(("setting", key)) => {
                Self::Setting(Some(key).filter(|key| is_word(key))?.to_owned())
            }
            Some(_) => return None,
            None => match text {
                "id" => Self::Id,
                "uuid" => Self::Uuid,
                "email" => Self::Email,
                // Each needs an argument.
                "text" | "content" | "int" | "setting" => return None,
                words => {
                    let words = words.split('|').map(str::to_owned).collect::<Vec<_>>();
                    words
                        .iter()
                        .all(|word| is_word(word))
                        .then_some(Self::Words(words))?
                }
            },
        })
    }

    /// Returns the only value of the type, if it has just one.
    pub(super) fn constant(&self) -> Option<&str> {
        match self {
            Self::Words(words) => match words.as_slice() {
                [word] => Some(word),
                _ => None,
            },
            _ => None,
        }
    }

    /// Checks that a value is of this type.
    pub(super) fn check(
        &self,
        at: &str,
        value: &Value,
        setting: &dyn Fn(&str) -> Option<String>,
    ) -> Result<(), BodyMisfit> {
        let text = value.as_str();
        let fits = match self {
            Self::Text(_) | Self::Content(_) => match text {
                Some(text) => return self.check_size(at, text),
                None => false,
            },
            Self::Id => text.is_some_and(is_id),
            Self::Uuid => text.is_some_and(is_uuid),
            Self::Email => text.is_some_and(is_email),
            Self::Int(low, high) => value
                .as_i64()
                .is_some_and(|number| (low..=high).contains(&&number)),
            Self::Words(words) => text.is_some_and(|text| words.iter().any(|word| word == text)),
            Self::Setting(key) => {
                let wanted = setting(key).ok_or_else(|| Why::Unset(key.clone()).at(at))?;
                if text != Some(wanted.as_str()) {
                    return Err(Why::Setting(key.clone()).at(at));
                }
                true
            }
        };
        if fits {
            Ok(())
        } else {
            Err(Why::Type(self.to_string()).at(at))
        }
    }

    /// Checks that a text is short enough for this type.
    pub(super) fn check_size(&self, at: &str, text: &str) -> Result<(), BodyMisfit> {
        match self {
            // Counting bytes is faster than counting characters, and never gives fewer.
            Self::Text(most) | Self::Content(most)
                if text.len() > *most && text.chars().count() > *most =>
            {
                Err(Why::Size.at(at))
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(most) => write!(f, "text {most}"),
            Self::Content(most) => write!(f, "content {most}"),
            Self::Id => f.write_str("id"),
            Self::Uuid => f.write_str("uuid"),
            Self::Email => f.write_str("email"),
            Self::Int(low, high) => write!(f, "int {low}..{high}"),
            Self::Words(words) => f.write_str(&words.join("|")),
            Self::Setting(key) => write!(f, "setting {key}"),
        }
    }
}

/// Returns true if a text is an opaque id.
pub(super) fn is_id(text: &str) -> bool {
    (1..=ID_MAX).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

fn is_word(text: &str) -> bool {
    (1..=WORD_MAX).contains(&text.len())
        && text.bytes().all(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/' | b'+')
        })
}

/// Returns true for one bare address: no display name, list, route or comment.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let local_fits = (1..=64).contains(&local.len())
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && local
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".!#$&'*+/=?^_`{|}~-".contains(&byte));
    let labels = domain.split('.').all(|label| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    });
    local_fits && labels && domain.contains('.') && text.len() <= EMAIL_MAX
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn value_matches_its_type_and_no_other() {
        let setting = |key: &str| (key == "chat.room").then(|| "r1".to_owned());
        let id = "0b7e7dee-1f0e-4b8e-9a31-94c6a7c1a001";
        let long_id = "a".repeat(65);
        let ty = |ty: &str| Err(Why::Type(ty.to_owned()));
        for (declared, value, expected) in [
            ("text 3", json!("äöü"), Ok(())),
            ("text 3", json!(""), Ok(())),
            ("text 3", json!("abcd"), Err(Why::Size)),
            ("text 3", json!(1), ty("text 3")),
            ("text 3", json!(null), ty("text 3")),
            ("content 3", json!("abcd"), Err(Why::Size)),
            ("id", json!("a_B-9"), Ok(())),
            ("id", json!(""), ty("id")),
            ("id", json!("a b"), ty("id")),
            ("id", json!(long_id), ty("id")),
            ("id", json!(5), ty("id")),
            ("uuid", json!(id), Ok(())),
            ("uuid", json!("me"), ty("uuid")),
            ("email", json!("a.b+c@mail.example.com"), Ok(())),
            ("email", json!("a@b"), ty("email")),
            ("email", json!("a@b.c,d@e.f"), ty("email")),
            ("email", json!("A <a@b.c>"), ty("email")),
            ("email", json!("a@b.c\r\nBcc: d@e.f"), ty("email")),
            ("email", json!("a%b@c.d"), ty("email")),
            ("email", json!("ä@b.c"), ty("email")),
            ("email", json!("a@-b.c"), ty("email")),
            ("email", json!(".a@b.c"), ty("email")),
            ("int 1..90", json!(1), Ok(())),
            ("int 1..90", json!(90), Ok(())),
            ("int 1..90", json!(91), ty("int 1..90")),
            ("int -5..5", json!(-5), Ok(())),
            ("int 1..90", json!(1.0), ty("int 1..90")),
            ("int 1..90", json!("1"), ty("int 1..90")),
            ("yes|no", json!("no"), Ok(())),
            ("yes|no", json!("yes|no"), ty("yes|no")),
            ("application/json", json!("application/json"), Ok(())),
            ("dm", json!("team"), ty("dm")),
            ("setting chat.room", json!("r1"), Ok(())),
            (
                "setting chat.room",
                json!("r2"),
                Err(Why::Setting("chat.room".into())),
            ),
            (
                "setting chat.room",
                json!(null),
                Err(Why::Setting("chat.room".into())),
            ),
            (
                "setting chat.name",
                json!("r1"),
                Err(Why::Unset("chat.name".into())),
            ),
        ] {
            let found = Type::parse(declared).unwrap().check("/a", &value, &setting);
            let expected = expected.map_err(|why| why.at("/a"));
            assert_eq!(found, expected, "{declared} {value}");
        }
    }

    #[test]
    fn type_round_trips_and_nonsense_is_refused() {
        for text in [
            "text 5",
            "content 32000",
            "id",
            "uuid",
            "email",
            "int -1..2",
            "a|b",
            "a",
            "setting a.b-c",
        ] {
            assert_eq!(Type::parse(text).unwrap().to_string(), text);
        }
        for text in [
            "",
            "text",
            "text 0",
            "text -1",
            "text +1",
            "text x",
            "text 1 2",
            "int",
            "int 2..1",
            "int 1-2",
            "a||b",
            "|",
            "a | b",
            "setting",
            "setting a b",
            "number 5",
            "ä",
            "a b",
        ] {
            assert_eq!(Type::parse(text), None, "{text}");
        }
    }
}
