//! Properties of a request that faults and tests match on.

use hyper::Method;
use hyper::http::request::Parts;

/// The properties of a request that faults match on.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'r> {
    method: &'r Method,
    path: &'r str,
    /// Its GraphQL operation name.
    operation: Option<&'r str>,
    /// The GraphQL root fields it asks for.
    roots: &'r [&'r str],
}

impl<'r> Asked<'r> {
    /// A request as its head tells.
    pub(crate) fn of(parts: &'r Parts) -> Self {
        Self {
            method: &parts.method,
            path: parts.uri.path(),
            operation: None,
            roots: &[],
        }
    }

    /// The same, with what it asks for in GraphQL.
    pub(crate) fn with(self, operation: Option<&'r str>, roots: &'r [&'r str]) -> Self {
        Self {
            operation,
            roots,
            ..self
        }
    }

    /// Returns true if the request has this GraphQL root field.
    pub(crate) fn asks_for(&self, root: &str) -> bool {
        self.roots.contains(&root)
    }

    /// Returns true if the request has this operation name, or is on this route where `wanted` is
    /// one.
    pub(crate) fn is(&self, wanted: &str) -> bool {
        match wanted.split_once(' ') {
            Some((method, route)) => self.method.as_str() == method && leads_to(self.path, route),
            None => self.operation == Some(wanted),
        }
    }
}

/// Returns true if a path, without its query, matches a route in which `*` stands for one segment.
pub(crate) fn leads_to(path: &str, route: &str) -> bool {
    let (mut given, mut wanted) = (path.split('/'), route.split('/'));
    loop {
        match (given.next(), wanted.next()) {
            (None, None) => return true,
            (Some(segment), Some("*")) if !segment.is_empty() => {}
            (Some(segment), Some(same)) if segment == same => {}
            _ => return false,
        }
    }
}
