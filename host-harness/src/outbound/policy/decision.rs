//! The allowlist decision about a request: a pure function without I/O, the same for requests of a
//! guest and for those that the host sends itself.
//!
//! Deny by default: whatever a destination and its route do not list is refused. Addresses are
//! checked afterwards (see [`super::addresses`]), since they need a resolver.

use http::{HeaderMap, HeaderName, header};
use url::Url;

use super::destination::{Destination, Route, Settings};
use super::documents::Document;
use super::origin::Origin;
use super::request::Request;
use crate::denial::{Denial, DenialCode, NO_FIX};
use crate::events::Phase;

/// The egress policy: the intersection of what the skill asks for and what the operator grants.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// The allowlist of destinations.
    pub destinations: Vec<Destination>,
}

/// The result of [`Policy::decide`].
#[derive(Debug)]
pub enum PolicyDecision<'p> {
    /// The request may be sent.
    Allow(Allowed<'p>),
    /// The request is refused.
    Deny(Denial),
}

/// The rule that allows a request.
#[derive(Debug, Clone, Copy)]
pub struct Allowed<'p> {
    /// The destination.
    pub destination: &'p Destination,
    /// The destination's origin, which matches the URL.
    pub origin: &'p Origin,
    /// The route.
    pub route: &'p Route,
    /// The trusted document in the body, if the route requires one.
    pub document: Option<&'p Document>,
}

/// Headers that a guest may set; any other is refused. None of them is sent (see
/// [`crate::outbound::client::headers`]). `host` is set by the sandbox, and checked.
const GUEST_HEADERS: [HeaderName; 6] = [
    header::ACCEPT,
    header::ACCEPT_LANGUAGE,
    header::CONTENT_TYPE,
    header::CONTENT_LENGTH,
    header::USER_AGENT,
    header::HOST,
];
/// Longest header value that a guest may set, in bytes.
const HEADER_VALUE_MAX: usize = 256;

impl Policy {
    /// Returns the destination of this name.
    #[must_use]
    pub fn destination(&self, name: &str) -> Option<&Destination> {
        self.destinations
            .iter()
            .find(|destination| destination.name == name)
    }

    /// Decides about one request without any settings; see [`Self::decide_for`].
    #[must_use]
    pub fn decide<'p>(&'p self, phase: Phase, request: &Request<'_>) -> PolicyDecision<'p> {
        self.decide_for(phase, request, &Settings::new())
    }

    /// Decides about one request. Checks scheme, host, port, method, path, query, headers, and the
    /// document with its variables or the body's shape, in this order. `settings` are the values
    /// that bound parts must have: of the skill, and of the caller.
    #[must_use]
    pub fn decide_for<'p>(
        &'p self,
        phase: Phase,
        request: &Request<'_>,
        settings: &Settings,
    ) -> PolicyDecision<'p> {
        match self.find(phase, request, settings) {
            Ok(allowed) => PolicyDecision::Allow(allowed),
            Err(denial) => PolicyDecision::Deny(denial),
        }
    }

    fn find<'p>(
        &'p self,
        phase: Phase,
        request: &Request<'_>,
        settings: &Settings,
    ) -> Result<Allowed<'p>, Denial> {
        let url = canonical(request.url)?;
        let at_origin = self.at_origin(&url)?;
        let mut refused = None;
        // Two destinations may share an origin; the first with a matching route decides.
        for (destination, origin) in at_origin {
            match destination.route(request.method, &url) {
                Ok(route) => {
                    let at = |denial: Denial| denial.at(&destination.name);
                    route.check_bound(&url, settings).map_err(at)?;
                    check_headers(request.headers, origin).map_err(at)?;
                    let document = route.check_body(phase, request, settings).map_err(at)?;
                    return Ok(Allowed {
                        destination,
                        origin,
                        route,
                        document,
                    });
                }
                Err(denial) => refused = refused.or(Some(denial.at(&destination.name))),
            }
        }
        Err(refused
            .unwrap_or_else(|| Denial::new(DenialCode::Host, "No destination is set up.", NO_FIX)))
    }

    /// Returns the destinations at the URL's origin; never empty.
    fn at_origin<'p>(&'p self, url: &Url) -> Result<Vec<(&'p Destination, &'p Origin)>, Denial> {
        let known = || {
            self.destinations
                .iter()
                .filter_map(|d| d.origin.as_ref().map(|origin| (d, origin)))
        };
        let same_host = |origin: &Origin| {
            url.host()
                .is_some_and(|host| host.to_owned() == *origin.host())
        };
        let same_port = |origin: &Origin| url.port_or_known_default() == Some(origin.port());
        let same_scheme = |origin: &Origin| {
            origin
                .as_str()
                .split_once("://")
                .is_some_and(|(s, _)| s == url.scheme())
        };
        let found: Vec<_> = known()
            .filter(|(_, o)| same_scheme(o) && same_host(o) && same_port(o))
            .collect();
        if !found.is_empty() {
            return Ok(found);
        }
        let nearest = known()
            .filter(|(_, o)| same_host(o))
            .max_by_key(|(_, o)| same_scheme(o));
        Err(match nearest {
            Some((destination, origin)) => {
                let (code, what) = if same_scheme(origin) {
                    (DenialCode::Port, "port")
                } else {
                    (DenialCode::Scheme, "scheme")
                };
                Denial::new(
                    code,
                    format!(
                        "A request used another {what} than that of {}.",
                        destination.title
                    ),
                    // The host is the known one: only scheme and port come from the request.
                    format!(
                        "If {} is there, write `origin = \"{}\"` under [destinations.{}] (now it is {}).",
                        destination.title,
                        url.origin().ascii_serialization(),
                        destination.name,
                        destination.origin_hint
                    ),
                )
                .near(origin.as_str())
            }
            None if !matches!(url.scheme(), "http" | "https") => Denial::new(
                DenialCode::Scheme,
                "A request used a scheme other than http and https.",
                NO_FIX,
            ),
            None => self.unknown_host(),
        })
    }

    fn unknown_host(&self) -> Denial {
        let hints: Vec<_> = self
            .destinations
            .iter()
            .map(|d| format!("{} ({})", d.title, d.origin_hint))
            .collect();
        let fix = format!(
            "A service is allowed by giving its origin: {}.",
            hints.join("; ")
        );
        let denial = Denial::new(
            DenialCode::Host,
            "A request went to a host that is no destination of this skill.",
            fix,
        );
        match self.destinations.iter().find_map(|d| d.origin.as_ref()) {
            Some(origin) => denial.near(origin.as_str()),
            None => denial,
        }
    }
}

/// Parses a URL, and refuses every spelling but the canonical one.
fn canonical(text: &str) -> Result<Url, Denial> {
    let denied = |reason: &str| Denial::new(DenialCode::Url, reason, NO_FIX);
    let url = Url::parse(text).map_err(|_| denied("A request's URL is not a URL."))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(denied("A request's URL holds a user name."));
    }
    if url.fragment().is_some() {
        return Err(denied("A request's URL holds a fragment."));
    }
    let lower = url.path().to_ascii_lowercase();
    if ["%2e", "%2f", "%5c", "\\"]
        .iter()
        .any(|hidden| lower.contains(hidden))
    {
        return Err(denied(
            "A request's path hides a dot, a slash or a backslash.",
        ));
    }
    if url.as_str() != text || !text.is_ascii() {
        return Err(denied("A request's URL is not in canonical form."));
    }
    if url.host_str().is_none_or(|host| host.ends_with('.')) {
        return Err(denied(
            "A request's URL has no host, or one that ends in a dot.",
        ));
    }
    Ok(url)
}

fn check_headers(headers: &HeaderMap, origin: &Origin) -> Result<(), Denial> {
    for name in headers.keys() {
        let mut values = headers.get_all(name).iter();
        let fits = |value: &http::HeaderValue| {
            value.len() <= HEADER_VALUE_MAX
                && (name != header::HOST || value.as_bytes() == origin.authority().as_bytes())
        };
        let once = values.next().is_some_and(fits) && values.next().is_none();
        if !GUEST_HEADERS.contains(name) || !once {
            // The name could carry data, so it is not repeated.
            return Err(Denial::new(
                DenialCode::Header,
                "A request had a header that may not be given.",
                NO_FIX,
            ));
        }
    }
    Ok(())
}
