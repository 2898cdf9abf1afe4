//! Tokens by which clients of the HTTP server authenticate. They are drawn at random and kept as
//! digests only, so that nobody can authenticate with what the operator file contains.
//!
//! A token has a scope. A holder of one with the scope `approve` can approve plans, since the
//! server trusts the client's report of its person's answer. A token that an agent's runtime holds,
//! where a model may read it, is for proposing only. That is the default, unless its line in the
//! operator file says otherwise.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::error::ConfigError;
use super::operator::Operator;
use super::scope::Scope;
use crate::digest::{hex, parse_sha256};

/// The prefix of a token, by which scanners for leaked secrets recognize it.
const PREFIX: &str = "ch_";
/// Random bytes of a token: too many to guess, so that its digest needs neither a salt nor a slow
/// hash.
const RANDOM: usize = 32;
/// The prefix of a digest in the operator file.
const SCHEME: &str = "sha256:";
/// Maximum length of a token that is checked, in bytes.
const LENGTH_MAX: usize = 256;

/// Tokens, with their callers and scopes.
#[derive(Clone, Default)]
pub struct Tokens(Vec<([u8; 32], String, Scope)>);

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tokens").field(&self.0.len()).finish()
    }
}

impl Tokens {
    /// Reads the tokens of an operator file.
    ///
    /// # Errors
    /// When an entry is not a digest, or two callers have the same.
    pub(super) fn of(operator: &Operator) -> Result<Self, ConfigError> {
        let mut tokens: Vec<([u8; 32], String, Scope)> = Vec::new();
        for (caller, section) in &operator.callers {
            let key = format!("callers.{caller}.tokens");
            for entry in &section.tokens {
                let (digest, scope) = match entry.split_once(' ') {
                    None => (entry.as_str(), Some(Scope::Propose)),
                    Some((digest, "propose")) => (digest, Some(Scope::Propose)),
                    Some((digest, "approve")) => (digest, Some(Scope::Approve)),
                    Some((digest, _)) => (digest, None),
                };
                let digest = digest.strip_prefix(SCHEME).and_then(parse_sha256);
                // The text may be a token itself, so it is not repeated.
                let Some((digest, scope)) = digest.zip(scope) else {
                    let message = format!(
                        "write what `crm-harness token new --caller {caller}` prints: `{SCHEME}` and 64 hexadecimal digits, and for one that may approve a space and `approve`; never the token itself"
                    );
                    return Err(operator.wrong(key, message));
                };
                if tokens.iter().any(|(known, ..)| *known == digest) {
                    return Err(operator.wrong(key, "this token stands in the file twice: who comes in by it would not be certain"));
                }
                tokens.push((digest, caller.clone(), scope));
            }
        }
        Ok(Self(tokens))
    }

    /// Checks whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the caller and the scope of a token. It takes as long for a wrong token as for a
    /// right one.
    #[must_use]
    pub fn caller(&self, token: &str) -> Option<(&str, Scope)> {
        if token.len() > LENGTH_MAX {
            return None;
        }
        let given: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let mut found = None;
        for (digest, caller, scope) in &self.0 {
            if bool::from(digest.ct_eq(&given)) {
                found = Some((caller.as_str(), *scope));
            }
        }
        found
    }
}

/// Draws a new token.
///
/// # Errors
/// When the system has no randomness.
pub fn draw() -> Result<Zeroizing<String>, getrandom::Error> {
    let mut random = Zeroizing::new([0; RANDOM]);
    getrandom::fill(random.as_mut())?;
    let mut token = Zeroizing::new(String::with_capacity(LENGTH_MAX));
    token.push_str(PREFIX);
    URL_SAFE_NO_PAD.encode_string(random.as_ref(), &mut token);
    Ok(token)
}

/// Returns a token as the operator file stores it.
#[must_use]
pub fn stored(token: &str, scope: Scope) -> String {
    let digest = hex(&Sha256::digest(token.as_bytes()));
    match scope {
        Scope::Propose => format!("{SCHEME}{digest}"),
        Scope::Approve => format!("{SCHEME}{digest} approve"),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn tokens(text: &str) -> Result<Tokens, String> {
        let operator = Operator::parse(text, Path::new("operator.toml")).unwrap();
        Tokens::of(&operator).map_err(|error| error.to_string())
    }

    #[test]
    fn token_authenticates_its_caller_only() {
        let (robin, jo) = (draw().unwrap(), draw().unwrap());
        let text = format!(
            "[callers.robin]\ntokens = [\"{}\"]\n[callers.jo]\ntokens = [\"{}\"]\n",
            stored(&robin, Scope::Propose),
            stored(&jo, Scope::Approve)
        );
        let tokens = tokens(&text).unwrap();
        assert_eq!((robin.len(), robin.get(..3)), (46, Some("ch_")));
        assert_eq!(tokens.caller(&robin), Some(("robin", Scope::Propose)));
        assert_eq!(tokens.caller(&jo), Some(("jo", Scope::Approve)));
        for wrong in [
            "",
            "ch_",
            &stored(&robin, Scope::Propose),
            &format!("{}x", *robin),
            &"x".repeat(1_000),
        ] {
            assert_eq!(tokens.caller(wrong), None);
        }
        assert!(!text.contains(robin.as_str()) && !format!("{tokens:?}").contains("robin"));
    }

    #[test]
    fn misplaced_token_is_refused_and_not_repeated() {
        let error = tokens("[callers.robin]\ntokens = [\"ch_tell-nobody\"]\n").unwrap_err();
        assert!(
            error.contains("token new --caller robin") && error.contains("operator.toml:2"),
            "{error}"
        );
        assert!(!error.contains("tell-nobody"), "{error}");
    }

    #[test]
    fn two_callers_never_have_the_same_token() {
        let same = stored("ch_a", Scope::Propose);
        let text =
            format!("[callers.a]\ntokens = [\"{same}\"]\n[callers.b]\ntokens = [\"{same}\"]\n");
        assert!(tokens(&text).unwrap_err().contains("twice"));
    }

    #[test]
    fn token_proposes_unless_its_line_says_approve() {
        let digest = stored("ch_a", Scope::Propose);
        let scope = |line: &str| {
            let tokens = tokens(&format!("[callers.a]\ntokens = [\"{line}\"]\n"))?;
            Ok::<_, String>(tokens.caller("ch_a").map(|(_, scope)| scope))
        };
        assert_eq!(scope(&digest), Ok(Some(Scope::Propose)));
        assert_eq!(
            scope(&format!("{digest} propose")),
            Ok(Some(Scope::Propose))
        );
        assert_eq!(
            scope(&format!("{digest} approve")),
            Ok(Some(Scope::Approve))
        );
        for wrong in ["admin", "Approve", "approve ", " approve", ""] {
            let error = scope(&format!("{digest} {wrong}")).unwrap_err();
            assert!(error.contains("`approve`"), "{wrong}: {error}");
        }
        // The same token with both scopes is ambiguous too.
        let both = format!("[callers.a]\ntokens = [\"{digest}\", \"{digest} approve\"]\n");
        assert!(tokens(&both).unwrap_err().contains("twice"));
    }
}
