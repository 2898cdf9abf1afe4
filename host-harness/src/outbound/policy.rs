//! The decision about a request: pure, without I/O, the same for what a guest asks and for what the host sends itself.
//!
//! Everything that is not named is refused. Addresses are checked afterwards (see [`super::addresses`]), since they need a resolver.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, Method, header};
use url::Url;

use super::addresses::Grants;
use super::body::Why;
use super::denial::{Denial, DenialCode};
use super::documents::{BodyRefusal, Document, Documents, Effect};
use super::input::Unique;
use super::origin::Origin;
use super::rate::Rate;
use super::route::{Mismatch, RoutePattern};
use super::variables::Unfit;
use super::write::Write;

/// On whose behalf a request is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// A guest asks: nothing that writes passes.
    Read,
    /// The host performs a step that was approved.
    Perform,
}

/// A request as it was asked for, before anything is added to it.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The method.
    pub method: &'a Method,
    /// The URL exactly as it was given.
    pub url: &'a str,
    /// The headers that were given.
    pub headers: &'a HeaderMap,
    /// The whole body.
    pub body: &'a [u8],
}

/// What the operator's grant and the skill's ask have in common.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// Where requests may go at all.
    pub destinations: Vec<Destination>,
}

/// One service.
#[derive(Debug, Clone)]
pub struct Destination {
    /// Its name in manifest and operator file.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// Where it is; none while no operator has said so.
    pub origin: Option<Origin>,
    /// Networks that the operator opened for it.
    pub grants: Grants,
    /// How often it may be asked; none for no limit.
    pub rate: Option<Rate>,
    /// What may be asked of it.
    pub routes: Vec<Route>,
    /// Whom those of its writes may go to that go to nobody but listed ones: addresses, or domains as `@example.com`, in small
    /// letters.
    pub recipients: Vec<String>,
    /// How an operator says where it is, for error messages.
    pub origin_hint: String,
}

/// One method and path of a service.
#[derive(Debug, Clone)]
pub struct Route {
    /// Stable name of the rule: destination, method and pattern.
    pub id: String,
    /// The method.
    pub method: Method,
    /// The path and the query keys.
    pub pattern: RoutePattern,
    /// If set, the body must be one of these.
    pub documents: Option<Documents>,
    /// Query keys whose value has to be that of a setting: key and setting.
    pub bound: Vec<(String, String)>,
    /// Where its answer tells of people.
    pub people: Option<PeopleAt>,
    /// Where its answer tells to which group the thing in it belongs.
    pub group: Option<GroupAt>,
    /// For how many seconds the host may answer it from memory; 0 for never, and always 0 of what writes.
    pub cacheable_seconds: u32,
    /// What it writes, of a route that takes no documents.
    pub write: Option<Write>,
}

/// Where an answer tells of people: steps, in which `*` is every item of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeopleAt {
    /// To the people.
    pub at: Vec<String>,
    /// Below each, to the id.
    pub id: Vec<String>,
    /// Below each, to the name.
    pub name: Option<Vec<String>>,
    /// Whether they are all of a group: whoever is not among them is outside of it.
    pub group: bool,
}

/// Where an answer tells to which group the thing in it belongs: steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupAt {
    /// To the thing's id.
    pub id: Vec<String>,
    /// To the group's id.
    pub group: Vec<String>,
}

/// Settings by key, as values are held against them.
pub type Settings = BTreeMap<String, String>;

/// What [`Policy::decide`] finds.
#[derive(Debug)]
pub enum Decision<'p> {
    /// The request may be sent.
    Allow(Allowed<'p>),
    /// It may not.
    Deny(Denial),
}

/// The rule that lets a request through.
#[derive(Debug, Clone, Copy)]
pub struct Allowed<'p> {
    /// Where it goes.
    pub destination: &'p Destination,
    /// The destination's origin, which is known because it matched.
    pub origin: &'p Origin,
    /// The route.
    pub route: &'p Route,
    /// The trusted document in its body, if the route demands one.
    pub document: Option<&'p Document>,
}

const NO_FIX: &str = "This cannot be granted: it is a fault of the skill. Report it to its makers.";
const ADD_ROUTE: &str = "If the skill should do this, its makers must add the route to skill.toml.";

/// Headers that a guest may give. `host` is put there by the sandbox and checked.
const GUEST_HEADERS: [HeaderName; 6] = [
    header::ACCEPT,
    header::ACCEPT_LANGUAGE,
    header::CONTENT_TYPE,
    header::CONTENT_LENGTH,
    header::USER_AGENT,
    header::HOST,
];
/// Longest value of a header that a guest gives, in bytes.
const HEADER_VALUE_MAX: usize = 256;

impl Policy {
    /// The destination of this name.
    #[must_use]
    pub fn destination(&self, name: &str) -> Option<&Destination> {
        self.destinations
            .iter()
            .find(|destination| destination.name == name)
    }

    /// Decides about one request, where nothing is set that values could be held against; see [`Self::decide_for`].
    #[must_use]
    pub fn decide<'p>(&'p self, phase: Phase, request: &Request<'_>) -> Decision<'p> {
        self.decide_for(phase, request, &Settings::new())
    }

    /// Decides about one request. Checks scheme, host, port, method, path, query, headers, document and variables or the body's
    /// shape, in this order. `settings` are what bound values have to be: of the skill, and of the caller.
    #[must_use]
    pub fn decide_for<'p>(
        &'p self,
        phase: Phase,
        request: &Request<'_>,
        settings: &Settings,
    ) -> Decision<'p> {
        match self.find(phase, request, settings) {
            Ok(allowed) => Decision::Allow(allowed),
            Err(denial) => Decision::Deny(denial),
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
        // Two destinations may share an origin; the first that has the route decides.
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

    /// The destinations at the URL's origin; never empty.
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
                    // The host is the known one: only scheme and port are the request's.
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

/// Reads a URL and refuses every spelling but the canonical one.
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
            // The name could carry data: it is not repeated.
            return Err(Denial::new(
                DenialCode::Header,
                "A request had a header that may not be given.",
                NO_FIX,
            ));
        }
    }
    Ok(())
}

impl Destination {
    fn route(&self, method: &Method, url: &Url) -> Result<&Route, Denial> {
        let fit = |route: &Route| route.pattern.matches(url.path(), url.query());
        let of_method = || self.routes.iter().filter(|route| route.method == *method);
        if let Some(route) = of_method().find(|route| fit(route).is_ok()) {
            return Ok(route);
        }
        if let Some(route) = of_method().find(|route| fit(route) == Err(Mismatch::Query)) {
            let reason = format!(
                "A request to {} had a query that its route does not list.",
                self.title
            );
            return Err(Denial::new(DenialCode::Query, reason, ADD_ROUTE).near(&*route.id));
        }
        let path_known = self
            .routes
            .iter()
            .find(|route| fit(route) != Err(Mismatch::Path));
        if let Some(route) =
            path_known.or_else(|| self.routes.first().filter(|_| of_method().next().is_none()))
        {
            let reason = format!(
                "A request to {} used a method that is not allowed there.",
                self.title
            );
            return Err(Denial::new(DenialCode::Method, reason, ADD_ROUTE).near(&*route.id));
        }
        let reason = format!(
            "A request to {} had a path that no route allows.",
            self.title
        );
        let denial = Denial::new(DenialCode::Path, reason, ADD_ROUTE);
        Err(
            match of_method().max_by_key(|route| route.pattern.likeness(url.path())) {
                Some(route) => denial.near(&*route.id),
                None => denial,
            },
        )
    }
}

impl Route {
    /// A route of this method and pattern, of which nothing else is known.
    #[must_use]
    pub fn new(id: String, method: Method, pattern: RoutePattern) -> Self {
        Self {
            id,
            method,
            pattern,
            documents: None,
            bound: Vec::new(),
            people: None,
            group: None,
            cacheable_seconds: 0,
            write: None,
        }
    }

    /// For how many seconds an answer may be kept.
    #[must_use]
    pub fn keeps(&self, document: Option<&Document>) -> u32 {
        document.map_or(self.cacheable_seconds, |document| {
            document.cacheable_seconds
        })
    }

    fn check_bound(&self, url: &Url, settings: &Settings) -> Result<(), Denial> {
        for (key, setting) in &self.bound {
            let mut values = url.query_pairs().filter(|(name, _)| name == key);
            let value = values.next().map(|(_, value)| value);
            if settings.get(setting).map(String::as_str) != value.as_deref() {
                return Err(self.not_the_settings(&format!("the query key `{key}`"), setting));
            }
        }
        Ok(())
    }

    fn not_the_settings(&self, what: &str, setting: &str) -> Denial {
        let reason =
            format!("A request gave {what} another value than that of the setting `{setting}`.");
        let fix = format!(
            "The host alone says what `{setting}` is: of a caller under [callers.NAME.settings], else under [settings] of the operator file; where there is none, by its environment variable."
        );
        Denial::new(DenialCode::Setting, reason, fix).near(&*self.id)
    }

    /// Whether the body of a write holds what the route lists, and nothing else.
    fn check_write(&self, write: &Write, body: &[u8], settings: &Settings) -> Result<(), Denial> {
        let refused = |what: String| {
            let reason = format!("A request's body is not as its route has it: {what}.");
            Denial::new(DenialCode::Body, reason, NO_FIX).near(&*self.id)
        };
        let Ok(Unique(body)) = serde_json::from_slice(body) else {
            return Err(refused("it is no JSON, or names a member twice".to_owned()));
        };
        match write.body.check(&body, &|key| settings.get(key).cloned()) {
            Ok(_) => Ok(()),
            Err(unfit) => Err(match &unfit.why {
                Why::Setting(setting) | Why::Unset(setting) => {
                    self.not_the_settings("a value of its body", setting)
                }
                _ => refused(unfit.to_string()),
            }),
        }
    }

    fn check_body(
        &self,
        phase: Phase,
        request: &Request<'_>,
        settings: &Settings,
    ) -> Result<Option<&Document>, Denial> {
        let Some(documents) = &self.documents else {
            let safe = matches!(*request.method, Method::GET | Method::HEAD);
            if phase == Phase::Read && !safe {
                let reason = "An action that may only read tried to write.";
                return Err(Denial::new(DenialCode::Write, reason, NO_FIX).near(&*self.id));
            }
            if safe && !request.body.is_empty() {
                let reason = "A request that reads had a body.";
                return Err(Denial::new(DenialCode::Body, reason, NO_FIX).near(&*self.id));
            }
            if let Some(write) = &self.write {
                self.check_write(write, request.body, settings)?;
            }
            return Ok(None);
        };
        let json = request
            .headers
            .get(header::CONTENT_TYPE)
            .is_some_and(|value| value == "application/json");
        if !json {
            let reason = "A request with a document was not declared as JSON.";
            return Err(Denial::new(DenialCode::Header, reason, NO_FIX).near(&*self.id));
        }
        let document = documents
            .check(request.body)
            .map_err(|refusal| self.refused(&refusal))?;
        if document.effect == Effect::Mutation && phase == Phase::Read {
            let reason = format!(
                "An action that may only read tried to send the document `{}`, which writes.",
                document.name
            );
            return Err(Denial::new(DenialCode::Write, reason, NO_FIX).near(&*self.id));
        }
        Ok(Some(document))
    }

    fn refused(&self, refusal: &BodyRefusal) -> Denial {
        const REBUILD: &str =
            "If the skill was updated, use the skill.toml that belongs to this component.";
        let denial = match refusal {
            BodyRefusal::Shape => Denial::new(
                DenialCode::Body,
                "A request's body is not exactly one document and its variables.",
                NO_FIX,
            ),
            BodyRefusal::UnknownDocument { sha256 } => Denial::new(
                DenialCode::Document,
                "A request carried a document that is not on the list.",
                format!("The document's SHA-256 is {sha256}. {REBUILD}"),
            ),
            BodyRefusal::Missing { document, variable } => Denial::new(
                DenialCode::Variables,
                format!("The document `{document}` was sent without its variable `{variable}`."),
                REBUILD,
            ),
            BodyRefusal::Undeclared { document } => Denial::new(
                DenialCode::Variables,
                format!(
                    "The document `{document}` was sent with a variable that it does not declare."
                ),
                REBUILD,
            ),
            BodyRefusal::Unfit {
                document,
                variable,
                declared,
                unfit,
            } => {
                let how = match unfit {
                    Unfit::Null => "is null",
                    Unfit::Type => "is of another type",
                    Unfit::Size => "is too large",
                    Unfit::Member => "holds a member that is not listed",
                };
                Denial::new(
                    DenialCode::Variables,
                    format!(
                        "The variable `{variable}` of the document `{document}` {how}; it is declared {declared}."
                    ),
                    REBUILD,
                )
            }
        };
        denial.near(&*self.id)
    }
}
