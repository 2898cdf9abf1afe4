//! Destinations: the routes of a service, and what each requires of a request.

use std::collections::BTreeMap;

use http::{Method, header};
use url::Url;

use super::Request;
use super::addresses::Grants;
use super::documents::{BodyRefusal, Document, Documents, Effect};
use super::origin::Origin;
use super::rate::Rate;
use super::route::{Mismatch, RoutePattern};
use super::write_route::Write;
use crate::denial::{Denial, DenialCode, NO_FIX};
use crate::events::Phase;
use crate::observed::places::{GroupAt, PeopleAt};
use crate::outbound::body::Why;
use crate::outbound::body::json_input::Unique;
use crate::outbound::body::variables::VariableMisfit;

const ADD_ROUTE: &str = "If the skill should do this, its makers must add the route to skill.toml.";

/// One service that requests may go to.
#[derive(Debug, Clone)]
pub struct Destination {
    /// Its name in manifest and operator file.
    pub name: String,
    /// Its display name.
    pub title: String,
    /// Its origin; `None` until an operator sets it.
    pub origin: Option<Origin>,
    /// Networks that the operator has opened for it.
    pub grants: Grants,
    /// Rate limit; `None` for no limit.
    pub rate: Option<Rate>,
    /// Allowed routes.
    pub routes: Vec<Route>,
    /// Allowed recipients of writes that may go to listed ones only: addresses, or domains as
    /// `@example.com`, in lower case.
    pub recipients: Vec<String>,
    /// Hint for error messages about how an operator sets the origin.
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
    /// If set, the body must carry one of these.
    pub documents: Option<Documents>,
    /// Query keys whose value must be that of a setting: key and setting.
    pub bound: Vec<(String, String)>,
    /// Segments whose value must be that of a setting: the index of the `*` in the pattern, and the
    /// setting.
    pub bound_segments: Vec<(usize, String)>,
    /// Places of people in its answer.
    pub people: Option<PeopleAt>,
    /// Place in its answer of the group that the returned thing belongs to.
    pub group: Option<GroupAt>,
    /// Seconds for which the host may answer it from the cache; 0 for never, and always 0 for a
    /// write.
    pub cacheable_seconds: u32,
    /// The write that it makes, if it takes no documents.
    pub write: Option<Write>,
}

/// Values of settings, by key. Bound parts of a request must equal them.
pub type Settings = BTreeMap<String, String>;

impl Destination {
    pub(in crate::outbound) fn route(&self, method: &Method, url: &Url) -> Result<&Route, Denial> {
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
    /// Creates a route of this method and pattern, without any further rule.
    #[must_use]
    pub fn new(id: String, method: Method, pattern: RoutePattern) -> Self {
        Self {
            id,
            method,
            pattern,
            documents: None,
            bound: Vec::new(),
            bound_segments: Vec::new(),
            people: None,
            group: None,
            cacheable_seconds: 0,
            write: None,
        }
    }

    /// Returns the seconds for which an answer may be cached.
    #[must_use]
    pub fn keeps(&self, document: Option<&Document>) -> u32 {
        document.map_or(self.cacheable_seconds, |document| {
            document.cacheable_seconds
        })
    }

    /// Checks that the parts of query and path that are bound to a setting have its value.
    pub(in crate::outbound) fn check_bound(
        &self,
        url: &Url,
        settings: &Settings,
    ) -> Result<(), Denial> {
        for (key, setting) in &self.bound {
            let mut values = url.query_pairs().filter(|(name, _)| name == key);
            let value = values.next().map(|(_, value)| value);
            let set = settings.get(setting);
            // A setting without a value matches nothing.
            if set.is_none() || set.map(String::as_str) != value.as_deref() {
                return Err(self.not_the_settings(&format!("the query key `{key}`"), setting));
            }
        }
        for (index, setting) in &self.bound_segments {
            let segment = self.pattern.wildcards(url.path()).nth(*index);
            let set = settings.get(setting);
            if set.is_none() || set.map(String::as_str) != segment {
                let what = format!("the segment `*` number {} of its path", index + 1);
                return Err(self.not_the_settings(&what, setting));
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

    /// Checks that the body of a write contains what the route lists, and nothing else.
    pub(in crate::outbound) fn check_write(
        &self,
        write: &Write,
        body: &[u8],
        settings: &Settings,
    ) -> Result<(), Denial> {
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

    pub(in crate::outbound) fn check_body(
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
                    VariableMisfit::Null => "is null",
                    VariableMisfit::Type => "is of another type",
                    VariableMisfit::Size => "is too large",
                    VariableMisfit::Member => "holds a member that is not listed",
                    VariableMisfit::Value => "holds a value that is not on its list",
                    VariableMisfit::Length => "is shorter or longer than its declared length",
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
