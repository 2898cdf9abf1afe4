//! Bearer tokens as the relay and the PA Workspace check them, JSON Web Tokens signed with HS256,
//! and ways to make good and bad ones for tests and the demo.

mod hs256;

use std::fmt::Display;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The secret that stand-ins check tokens with, unless they are started with another.
pub const SECRET: &str = "stand-in-token-secret-of-at-least-32-bytes";

/// The issuer of MyPA's tokens.
const ISSUER: &str = "mypa";
/// The audience of MyPA's tokens.
const AUDIENCE: &str = "mypa-api";
/// The year 2100: whatever time a stand-in goes by, a token holds.
const FAR_OFF: i64 = 4_102_444_800;
/// The year 2001: whatever time a stand-in goes by, a token does not hold any more.
const LONG_AGO: i64 = 1_000_000_000;

/// An access token of this user that every service takes.
pub fn token(user: impl Display) -> String {
    Token::of(user).sign()
}

/// The same, whose time is over.
pub fn expired(user: impl Display) -> String {
    Token::of(user).expires_at(LONG_AGO).sign()
}

/// The same, made out to another audience.
pub fn for_another_audience(user: impl Display) -> String {
    Token::of(user).audience("somewhere-else").sign()
}

/// A token in the making: an access token as MyPA gives out, unless told otherwise.
#[derive(Clone, Debug)]
pub struct Token {
    secret: String,
    claims: Claims,
}

impl Token {
    /// Of this user, good until the year 2100.
    pub fn of(user: impl Display) -> Self {
        Self {
            secret: SECRET.to_owned(),
            claims: Claims {
                sub: Some(user.to_string()),
                exp: Some(FAR_OFF),
                iss: Some(ISSUER.to_owned()),
                aud: Some(json!(AUDIENCE)),
                kind: Some("access".to_owned()),
            },
        }
    }

    /// Signed with another secret.
    #[must_use]
    pub fn secret(mut self, secret: &str) -> Self {
        secret.clone_into(&mut self.secret);
        self
    }

    /// Good until this moment, in seconds since the Unix epoch.
    #[must_use]
    pub fn expires_at(mut self, seconds: i64) -> Self {
        self.claims.exp = Some(seconds);
        self
    }

    /// From another issuer.
    #[must_use]
    pub fn issuer(mut self, issuer: &str) -> Self {
        self.claims.iss = Some(issuer.to_owned());
        self
    }

    /// For another audience.
    #[must_use]
    pub fn audience(mut self, audience: &str) -> Self {
        self.claims.aud = Some(json!(audience));
        self
    }

    /// Of another type than `access`, such as `refresh`.
    #[must_use]
    pub fn kind(mut self, kind: &str) -> Self {
        self.claims.kind = Some(kind.to_owned());
        self
    }

    /// With `sub` and `exp` and nothing else.
    #[must_use]
    pub fn bare(mut self) -> Self {
        (self.claims.iss, self.claims.aud, self.claims.kind) = (None, None, None);
        self
    }

    /// Of nobody.
    #[must_use]
    pub fn without_user(mut self) -> Self {
        self.claims.sub = None;
        self
    }

    /// Signs the token; the result follows `Bearer `.
    pub fn sign(&self) -> String {
        hs256::install();
        let key = EncodingKey::from_secret(self.secret.as_bytes());
        // HS256 takes any key, and these claims are always JSON; an empty token would be refused.
        encode(&Header::new(Algorithm::HS256), &self.claims, &key).unwrap_or_default()
    }
}

/// The claims of a token.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Claims {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sub: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    iss: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    aud: Option<Value>,
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<String>,
}

impl Claims {
    /// Returns true if issuer and audience are MyPA's.
    pub(crate) fn is_from_mypa(&self) -> bool {
        let for_mypa = match &self.aud {
            Some(Value::Array(several)) => several.iter().any(|one| one == AUDIENCE),
            Some(one) => one == AUDIENCE,
            None => false,
        };
        for_mypa && self.iss.as_deref() == Some(ISSUER)
    }
}

/// Verifies a token with this secret at this time and returns its claims.
pub(crate) fn verified(token: &str, secret: &str, now_ms: i64) -> Option<Claims> {
    hs256::install();
    let mut signature_only = Validation::new(Algorithm::HS256);
    // The library would ask the machine's clock, and ask for an audience.
    signature_only.validate_exp = false;
    signature_only.validate_aud = false;
    signature_only.required_spec_claims.clear();
    let key = DecodingKey::from_secret(secret.as_bytes());
    let claims = decode::<Claims>(token, &key, &signature_only).ok()?.claims;
    let holds = claims
        .exp
        .is_none_or(|exp| exp.saturating_mul(1000) > now_ms);
    holds.then_some(claims)
}
