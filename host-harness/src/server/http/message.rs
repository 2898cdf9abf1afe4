//! Validates the envelope of a message before the MCP library parses it.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::refusal::Refusal;

/// Facts about a message that the HTTP layer needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MessageFacts {
    /// True for `initialize`, which begins a session.
    pub(super) begins: bool,
}

#[derive(Deserialize)]
struct MessageHead<'a> {
    jsonrpc: &'a str,
    #[serde(default, borrow)]
    method: Option<std::borrow::Cow<'a, str>>,
}

/// Parses a body, which must be one object of JSON-RPC 2.0.
pub(super) fn look(body: &[u8]) -> Result<MessageFacts, Refusal> {
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    if first != Some(&b'{') {
        return match serde_json::from_slice::<IgnoredAny>(body) {
            Ok(_) if first == Some(&b'[') => Err(Refusal::Batch),
            Ok(_) => Err(Refusal::Invalid),
            Err(_) => Err(Refusal::Malformed),
        };
    }
    match serde_json::from_slice::<MessageHead<'_>>(body) {
        Ok(MessageHead {
            jsonrpc: "2.0",
            method,
        }) => Ok(MessageFacts {
            begins: method.is_some_and(|method| method == "initialize"),
        }),
        Ok(_) => Err(Refusal::Invalid),
        Err(error) if error.is_data() => match serde_json::from_slice::<IgnoredAny>(body) {
            Ok(_) => Err(Refusal::Invalid),
            Err(_) => Err(Refusal::Malformed),
        },
        Err(_) => Err(Refusal::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_messages_get_their_own_refusals() {
        let begins = |begins| Ok(MessageFacts { begins });
        for (body, expected) in [
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"initialize"}"#,
                begins(true),
            ),
            (
                r#" {"jsonrpc":"2.0","id":1,"method":"tools/list"}"#,
                begins(false),
            ),
            (r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, begins(false)),
            (
                r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#,
                Err(Refusal::Invalid),
            ),
            (r#"{"id":1,"method":"ping"}"#, Err(Refusal::Invalid)),
            (r#"{"jsonrpc":2,"method":"ping"}"#, Err(Refusal::Invalid)),
            (r#"{"jsonrpc":"2.0","method":3}"#, Err(Refusal::Invalid)),
            (
                r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#,
                Err(Refusal::Batch),
            ),
            ("[]", Err(Refusal::Batch)),
            ("3", Err(Refusal::Invalid)),
            ("", Err(Refusal::Malformed)),
            ("[", Err(Refusal::Malformed)),
            (r#"{"jsonrpc":"2.0""#, Err(Refusal::Malformed)),
            (r#"{"jsonrpc":2"#, Err(Refusal::Malformed)),
            ("not JSON", Err(Refusal::Malformed)),
        ] {
            assert_eq!(look(body.as_bytes()), expected, "{body}");
        }
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        assert_eq!(look(deep.as_bytes()), Err(Refusal::Batch));
    }
}
