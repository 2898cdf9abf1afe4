//! Checks the `Host` and `Origin` of requests against the names of this server. A page in a browser
//! that reaches the address under a name of its own (DNS rebinding), or sends requests from another
//! origin, is refused before anything else is read.

use std::net::SocketAddr;

use http::uri::Authority;
use http::{HeaderMap, Uri, header};

use super::refusal::Refusal;

/// Default ports of http and https, which a URL may omit.
const DEFAULTS: [u16; 2] = [80, 443];

/// Allowed host names, each with a port or for any port.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hosts(Vec<(String, Option<u16>)>);

/// A text that is not a host name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no host: write it as `crm.example.com` or `crm.example.com:8443`")]
pub struct BadHost(String);

impl Hosts {
    /// Combines the names of the listening address with the given ones.
    ///
    /// # Errors
    /// Returns an error if one of them is not a host name.
    pub fn new(listen: SocketAddr, more: &[String]) -> Result<Self, BadHost> {
        let mut hosts = Vec::new();
        if !listen.ip().is_unspecified() {
            let literal = match listen {
                SocketAddr::V4(address) => address.ip().to_string(),
                SocketAddr::V6(address) => format!("[{}]", address.ip()),
            };
            hosts.push((literal, Some(listen.port())));
        }
        if listen.ip().is_loopback() {
            hosts.push(("localhost".to_owned(), Some(listen.port())));
        }
        for host in more {
            hosts.push(parsed(host).ok_or_else(|| BadHost(host.clone()))?);
        }
        Ok(Self(hosts))
    }

    fn has(&self, text: &str) -> bool {
        let Some((host, port)) = parsed(text) else {
            return false;
        };
        let known = |(name, at): &(String, Option<u16>)| {
            // A name without a port matches any, since a proxy in front has its own. Clients omit
            // the default port (RFC 9110, 4.2).
            *name == host
                && at
                    .is_none_or(|at| port == Some(at) || (port.is_none() && DEFAULTS.contains(&at)))
        };
        self.0.iter().any(known)
    }

    /// Checks the `Host` and `Origin` of a request.
    pub(super) fn admit(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
        let mut hosts = headers.get_all(header::HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else {
            return Err(Refusal::Host);
        };
        let named = |uri: &Uri| uri.authority().is_none_or(|at| self.has(at.as_str()));
        if !host.to_str().is_ok_and(|host| self.has(host)) || !named(uri) {
            return Err(Refusal::Host);
        }
        let from_here = |origin: &str| {
            let host = origin
                .strip_prefix("http://")
                .or_else(|| origin.strip_prefix("https://"));
            host.is_some_and(|host| self.has(host))
        };
        // Clients other than browsers send no `Origin`.
        let mut origins = headers.get_all(header::ORIGIN).iter();
        if origins.all(|origin| origin.to_str().is_ok_and(from_here)) {
            Ok(())
        } else {
            Err(Refusal::Origin)
        }
    }
}

/// Parses a host with an optional port, and rejects anything else.
fn parsed(text: &str) -> Option<(String, Option<u16>)> {
    let authority: Authority = text.parse().ok()?;
    let port = authority.port_u16();
    let host = authority.host();
    let whole = match authority.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    // Rejects user information and an empty port.
    (whole == text && !host.is_empty()).then(|| (host.to_ascii_lowercase(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(hosts: &Hosts, given: &[(&'static str, &str)]) -> Result<(), Refusal> {
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            headers.append(*name, value.parse().unwrap());
        }
        hosts.admit(&Uri::from_static("/mcp"), &headers)
    }

    #[test]
    fn own_and_configured_host_names_are_admitted() {
        let listen = "127.0.0.1:8020".parse().unwrap();
        let own = Hosts::new(listen, &[]).unwrap();
        for host in ["127.0.0.1:8020", "localhost:8020", "LOCALHOST:8020"] {
            assert_eq!(admitted(&own, &[("host", host)]), Ok(()), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:8020",
            "127.0.0.1",
            "127.0.0.1:80",
            "localhost:8020@evil.example",
            "user@localhost:8020",
            "localhost:8020.evil.example",
            "localhost:",
            "[::1]:8020",
            "",
        ] {
            assert_eq!(
                admitted(&own, &[("host", host)]),
                Err(Refusal::Host),
                "{host}"
            );
        }
        let two = [("host", "localhost:8020"), ("host", "localhost:8020")];
        assert_eq!(admitted(&own, &two), Err(Refusal::Host));
        assert_eq!(admitted(&own, &[]), Err(Refusal::Host));
        let named = Hosts::new("0.0.0.0:8020".parse().unwrap(), &["crm.example".into()]).unwrap();
        assert_eq!(admitted(&named, &[("host", "crm.example:443")]), Ok(()));
        assert_eq!(
            admitted(&named, &[("host", "0.0.0.0:8020")]),
            Err(Refusal::Host)
        );
        assert!(Hosts::new(listen, &["http://crm.example".into()]).is_err());
        for (port, good) in [("443", true), ("80", true), ("8443", false)] {
            let named = Hosts::new(listen, &[format!("crm.example:{port}")]).unwrap();
            let expected = if good { Ok(()) } else { Err(Refusal::Host) };
            assert_eq!(
                admitted(&named, &[("host", "crm.example")]),
                expected,
                "{port}"
            );
        }
    }

    #[test]
    fn foreign_origin_is_refused() {
        let own = Hosts::new("[::1]:8020".parse().unwrap(), &[]).unwrap();
        for (origin, good) in [
            ("http://localhost:8020", true),
            ("http://[::1]:8020", true),
            ("http://localhost:3000", false),
            ("https://evil.example", false),
            ("null", false),
            ("localhost:8020", false),
        ] {
            let given = [("host", "localhost:8020"), ("origin", origin)];
            let expected = if good { Ok(()) } else { Err(Refusal::Origin) };
            assert_eq!(admitted(&own, &given), expected, "{origin}");
        }
    }
}
