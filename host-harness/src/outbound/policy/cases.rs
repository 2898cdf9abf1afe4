//! Runs a corpus of cases through the same decisions that the gate makes.
//!
//! A corpus is a JSON list of `{kind, given, expected, why}`; kinds are `request`, `address`,
//! `dns`, `origin` and `route`.

use std::net::IpAddr;

use http::{HeaderMap, Method};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::addresses::{self, Grants};
use super::origin::Origin;
use super::route::RoutePattern;
use super::{Destination, Policy, PolicyDecision, Request, Route};
use crate::events::Phase;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyCase {
    kind: CaseKind,
    given: CaseGrant,
    expected: String,
    #[serde(default)]
    why: String,
    #[serde(default, rename = "origin")]
    _source: Option<IgnoredAny>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum CaseKind {
    Request,
    Address,
    Dns,
    Origin,
    Route,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct CaseGrant {
    policy: Option<GivenPolicy>,
    method: String,
    url: String,
    ip: String,
    #[serde(rename = "host")]
    _host: Option<IgnoredAny>,
    answers: Vec<String>,
    entry: String,
    pattern: String,
    private_allowed: bool,
    loopback_allowed: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GivenPolicy {
    origin: String,
    allow: Vec<(String, String)>,
    #[serde(default)]
    loopback_allowed: bool,
    #[serde(default)]
    private_allowed: bool,
}

/// The result of running a corpus.
#[derive(Debug, Default)]
pub struct CaseReport {
    /// Number of cases with the expected outcome.
    pub passed: usize,
    /// One line for each case with another outcome.
    pub failed: Vec<String>,
}

/// Runs every case of a corpus.
///
/// # Errors
/// Fails if the text is not a corpus.
pub fn run(corpus: &str) -> Result<CaseReport, serde_json::Error> {
    let cases: Vec<PolicyCase> = serde_json::from_str(corpus)?;
    let mut report = CaseReport::default();
    for (index, case) in cases.iter().enumerate() {
        let found = case.outcome();
        if found == case.expected {
            report.passed += 1;
        } else {
            let line = format!(
                "case {index} ({:?}): expected {}, found {found}: {} {:?}",
                case.kind, case.expected, case.why, case.given
            );
            report.failed.push(line);
        }
    }
    Ok(report)
}

impl PolicyCase {
    fn outcome(&self) -> &'static str {
        let given = &self.given;
        let grants = Grants {
            loopback: given.loopback_allowed,
            private: given.private_allowed,
        };
        let allow = |yes| if yes { "allow" } else { "deny" };
        let valid = |yes| if yes { "valid" } else { "invalid" };
        match self.kind {
            CaseKind::Address => match given.ip.parse() {
                Ok(ip) => allow(addresses::check(ip, grants).is_ok()),
                Err(_) => "unreadable",
            },
            CaseKind::Dns => match given
                .answers
                .iter()
                .map(|ip| ip.parse())
                .collect::<Result<Vec<IpAddr>, _>>()
            {
                Ok(answers) => allow(addresses::check_all(&answers, grants).is_ok()),
                Err(_) => "unreadable",
            },
            CaseKind::Origin => valid(Origin::parse(&given.entry, grants).is_ok()),
            CaseKind::Route => valid(RoutePattern::parse(&given.pattern).is_ok()),
            CaseKind::Request => given.request().map_or("unreadable", allow),
        }
    }
}

impl CaseGrant {
    /// Returns true if the request is allowed; `None` if the case itself cannot be read.
    fn request(&self) -> Option<bool> {
        let given = self.policy.as_ref()?;
        let grants = Grants {
            loopback: given.loopback_allowed,
            private: given.private_allowed,
        };
        let mut routes = Vec::new();
        for (method, pattern) in &given.allow {
            routes.push(Route::new(
                format!("{method} {pattern}"),
                Method::from_bytes(method.as_bytes()).ok()?,
                RoutePattern::parse(pattern).ok()?,
            ));
        }
        let policy = Policy {
            destinations: vec![Destination {
                name: "case".into(),
                title: "the case's service".into(),
                origin: Some(Origin::parse(&given.origin, grants).ok()?),
                grants,
                rate: None,
                routes,
                recipients: Vec::new(),
                origin_hint: String::new(),
            }],
        };
        let method = Method::from_bytes(self.method.as_bytes()).ok()?;
        let headers = HeaderMap::new();
        let request = Request {
            method: &method,
            url: &self.url,
            headers: &headers,
            body: b"",
        };
        // Cases have no bodies: in the phase that may write, the routes alone decide.
        Some(matches!(
            policy.decide(Phase::Perform, &request),
            PolicyDecision::Allow(_)
        ))
    }
}
