//! Tokens with which clients of the HTTP front say who they are. They are drawn at random and kept as digests alone: whoever reads
//! the operator file cannot come in by it.
//!
//! A token has a scope. Whoever holds one of the scope `approve` can approve plans: the server takes the client's word for what its
//! person said. A token that an agent's runtime holds, where a model may get at it, is for proposing alone; that is what a token is for
//! unless its line in the operator file says otherwise.

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

/// What a token begins with, so that tools that look for leaked secrets can know it.
const PREFIX: &str = "ch_";
/// Random bytes of a token: nobody tries that many, so that its digest needs no salt and no slowness.
const RANDOM: usize = 32;
/// What a digest begins with in the operator file.
const SCHEME: &str = "sha256:";
/// Longest token that is looked at, in bytes.
const LENGTH_MAX: usize = 256;

/// Whose token is whose, and what it is for.
#[derive(Clone, Default)]
pub struct Tokens(Vec<([u8; 32], String, Scope)>);

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tokens").field(&self.0.len()).finish()
    }
}

impl Tokens {
    /// The tokens of an operator file.
    ///
    /// # Errors
    /// When an entry is no digest, or two callers have the same.
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
                // What stands there may be a token: it is not repeated.
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

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the caller whose token this is, and what it is for. Takes as long for a wrong one as for a right one.
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

/// Returns a token as the operator file keeps it.
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
    fn a_token_lets_in_whom_it_was_drawn_for_and_no_other_does() {
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
    fn a_token_in_the_place_of_its_digest_is_refused_and_not_repeated() {
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
        // The same token once for each is not certain either.
        let both = format!("[callers.a]\ntokens = [\"{digest}\", \"{digest} approve\"]\n");
        assert!(tokens(&both).unwrap_err().contains("twice"));
    }
}
