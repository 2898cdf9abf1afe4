//! Origins: exactly one scheme, host and port, in canonical spelling.

use std::fmt;
use std::net::IpAddr;

use thiserror::Error;
use url::{Host, Url};

use super::addresses::{self, AddressRefusal, Grants, Reach};

/// http or https.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Plain: loopback or a granted private network alone.
    Http,
    /// TLS.
    Https,
}

/// The one place a destination lives at.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    scheme: Scheme,
    host: Host<String>,
    port: u16,
    text: String,
}

/// Why an origin as an operator wrote it cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OriginError {
    /// Not a URL at all.
    #[error("`{entry}` is not an origin: write it as https://host or https://host:port")]
    NotAnOrigin {
        /// What was written.
        entry: String,
    },
    /// A URL with more than scheme, host and port.
    #[error("`{entry}` has a {part}: an origin is only a scheme, a host and a port")]
    TooMuch {
        /// What was written.
        entry: String,
        /// What is too much.
        part: &'static str,
    },
    /// Another spelling of an origin.
    #[error("`{entry}` is not in canonical form: write `{canonical}`")]
    NotCanonical {
        /// What was written.
        entry: String,
        /// What to write instead.
        canonical: String,
    },
    /// Another scheme.
    #[error("`{entry}` must start with https:// (or http:// for this machine)")]
    Scheme {
        /// What was written.
        entry: String,
    },
    /// Plain http that nothing permits.
    #[error("`{entry}` is plain http, which nothing protects on its way")]
    PlainHttp {
        /// What was written.
        entry: String,
    },
    /// An address that may not be dialled.
    #[error("`{entry}` cannot be reached: {refusal}")]
    Address {
        /// What was written.
        entry: String,
        /// Why not.
        refusal: AddressRefusal,
    },
}

impl Origin {
    /// Reads an origin as an operator writes it: canonical, with or without a trailing slash.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn parse(entry: &str, grants: Grants) -> Result<Self, OriginError> {
        let owned = || entry.to_owned();
        let url = Url::parse(entry).map_err(|_| OriginError::NotAnOrigin { entry: owned() })?;
        let scheme = match url.scheme() {
            "https" => Scheme::Https,
            "http" => Scheme::Http,
            _ => return Err(OriginError::Scheme { entry: owned() }),
        };
        let too_much = |part| {
            Err(OriginError::TooMuch {
                entry: owned(),
                part,
            })
        };
        if !url.username().is_empty() || url.password().is_some() {
            return too_much("user name");
        }
        if url.query().is_some() {
            return too_much("query");
        }
        if url.fragment().is_some() {
            return too_much("fragment");
        }
        if url.path() != "/" {
            return too_much("path");
        }
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(OriginError::NotAnOrigin { entry: owned() });
        };
        let host = host.to_owned();
        if port == 0 {
            return Err(OriginError::NotAnOrigin { entry: owned() });
        }
        if let Host::Domain(name) = &host {
            if let Some(bare) = name.strip_suffix('.') {
                let canonical = Self::text(scheme, &Host::Domain(bare.to_owned()), url.port());
                return Err(OriginError::NotCanonical {
                    entry: owned(),
                    canonical,
                });
            }
            let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
            if !name.chars().all(known) || name.split('.').any(str::is_empty) {
                return Err(OriginError::NotAnOrigin { entry: owned() });
            }
        }
        let text = Self::text(scheme, &host, url.port());
        if entry != text && entry.strip_suffix('/') != Some(text.as_str()) {
            return Err(OriginError::NotCanonical {
                entry: owned(),
                canonical: text,
            });
        }
        let origin = Self {
            scheme,
            host,
            port,
            text,
        };
        origin.permitted(entry, grants)?;
        Ok(origin)
    }

    fn permitted(&self, entry: &str, grants: Grants) -> Result<(), OriginError> {
        let entry = || entry.to_owned();
        if let Some(ip) = self.address() {
            let reach = addresses::check(ip, grants).map_err(|refusal| OriginError::Address {
                entry: entry(),
                refusal,
            })?;
            if self.scheme == Scheme::Http && reach == Reach::Global {
                return Err(OriginError::PlainHttp { entry: entry() });
            }
        } else if self.scheme == Scheme::Http {
            // A name may stand for a granted network; the addresses it resolves to are held to that before dialling.
            let local = self.host_text() == "localhost" || self.host_text().ends_with(".localhost");
            if !(grants.private || (grants.loopback && local)) {
                return Err(OriginError::PlainHttp { entry: entry() });
            }
        }
        Ok(())
    }

    fn text(scheme: Scheme, host: &Host<String>, port: Option<u16>) -> String {
        let scheme = if scheme == Scheme::Https {
            "https"
        } else {
            "http"
        };
        port.map_or_else(
            || format!("{scheme}://{host}"),
            |port| format!("{scheme}://{host}:{port}"),
        )
    }

    /// The canonical spelling, without a trailing slash.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The scheme.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host.
    #[must_use]
    pub fn host(&self) -> &Host<String> {
        &self.host
    }

    /// The host as text, an IPv6 address in brackets.
    #[must_use]
    pub fn host_text(&self) -> String {
        self.host.to_string()
    }

    /// The port, the scheme's default if none is written.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address, if the host is one.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        match self.host {
            Host::Domain(_) => None,
            Host::Ipv4(ip) => Some(ip.into()),
            Host::Ipv6(ip) => Some(ip.into()),
        }
    }

    /// The value of a `host` header: the text after the scheme.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.text
            .split_once("://")
            .map_or("", |(_, authority)| authority)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_for_another_spelling_names_the_canonical_one() {
        for (entry, expected) in [
            ("https://SERVICE.example.com", "https://service.example.com"),
            (
                "https://service.example.com.",
                "https://service.example.com",
            ),
            (
                "https://service.example.com:443",
                "https://service.example.com",
            ),
        ] {
            match Origin::parse(entry, Grants::default()) {
                Err(OriginError::NotCanonical { canonical, .. }) => assert_eq!(canonical, expected),
                other => panic!("{entry}: {other:?}"),
            }
        }
    }

    #[test]
    fn plain_http_needs_a_grant_that_fits_the_host() {
        let loopback = Grants {
            loopback: true,
            private: false,
        };
        let private = Grants {
            loopback: false,
            private: true,
        };
        for (entry, grants, fits) in [
            ("http://localhost:3000", loopback, true),
            ("http://localhost:3000", Grants::default(), false),
            ("http://[::1]:3000", loopback, true),
            ("http://service:3000", private, true),
            ("http://service:3000", loopback, false),
            ("http://10.0.0.5", private, true),
            ("http://10.0.0.5", loopback, false),
            ("http://93.184.216.34", private, false),
        ] {
            assert_eq!(
                Origin::parse(entry, grants).is_ok(),
                fits,
                "{entry} {grants:?}"
            );
        }
    }
}
