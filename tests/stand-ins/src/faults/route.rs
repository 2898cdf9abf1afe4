//! What a request asks for, as far as faults and tests tell requests apart.

use hyper::Method;
use hyper::http::request::Parts;

/// What a request asks for.
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

    /// Whether it asks for this GraphQL root field.
    pub(crate) fn asks_for(&self, root: &str) -> bool {
        self.roots.contains(&root)
    }

    /// Whether it has this operation name, or is on this route where `wanted` is one.
    pub(crate) fn is(&self, wanted: &str) -> bool {
        match wanted.split_once(' ') {
            Some((method, route)) => self.method.as_str() == method && leads_to(self.path, route),
            None => self.operation == Some(wanted),
        }
    }
}

/// Whether a path, without its query, is one of those that a route with `*` for any one segment stands for.
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
