//! Origins (RFC 6454): exactly one scheme, host and port, in canonical spelling.
//!
//! | written | result |
//! |---|---|
//! | `https://service.example.com`, with or without a slash behind it | accepted |
//! | `https://SERVICE.example.com` | refused; the error names the canonical spelling |
//! | `https://service.example.com:443` | refused; 443 is the default port of https |
//! | `https://service.example.com/path` | refused: more than an origin |
//! | `https://user@service.example.com` | refused: more than an origin |
//! | `http://localhost:3000` | needs a grant: plain http stays on loopback or a private network |

use std::fmt;
use std::net::IpAddr;

use thiserror::Error;
use url::{Host, Url};

use super::addresses::{self, AddressRefusal, Grants, Reach};

/// The scheme of an origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Plain text: for loopback or a granted private network only.
    Http,
    /// TLS.
    Https,
}

/// The scheme, host and port of a destination.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    scheme: Scheme,
    host: Host<String>,
    port: u16,
    text: String,
}

/// An error in an origin as an operator wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OriginError {
    /// Not a URL.
    #[error("`{entry}` is not an origin: write it as https://host or https://host:port")]
    NotAnOrigin {
        /// The text as written.
        entry: String,
    },
    /// A URL with more than scheme, host and port.
    #[error("`{entry}` has a {part}: an origin is only a scheme, a host and a port")]
    TooMuch {
        /// The text as written.
        entry: String,
        /// The superfluous part.
        part: &'static str,
    },
    /// A spelling other than the canonical one.
    #[error("`{entry}` is not in canonical form: write `{canonical}`")]
    NotCanonical {
        /// The text as written.
        entry: String,
        /// The canonical spelling.
        canonical: String,
    },
    /// A scheme other than http and https.
    #[error("`{entry}` must start with https:// (or http:// for this machine)")]
    Scheme {
        /// The text as written.
        entry: String,
    },
    /// Plain http without a grant.
    #[error("`{entry}` is plain http, which nothing protects on its way")]
    PlainHttp {
        /// The text as written.
        entry: String,
    },
    /// An address that may not be dialled.
    #[error("`{entry}` cannot be reached: {refusal}")]
    Address {
        /// The text as written.
        entry: String,
        /// The reason.
        refusal: AddressRefusal,
    },
}

impl Origin {
    /// Parses an origin as an operator writes it: canonical, with or without a trailing slash.
    ///
    /// # Errors
    /// Returns the first fault found.
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
            // A name may resolve to a granted network; its addresses are checked before dialling.
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

    /// Returns the canonical spelling, without a trailing slash.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the scheme.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Returns the host.
    #[must_use]
    pub fn host(&self) -> &Host<String> {
        &self.host
    }

    /// Returns the host as text, an IPv6 address in brackets.
    #[must_use]
    pub fn host_text(&self) -> String {
        self.host.to_string()
    }

    /// Returns the port, the scheme's default if none is written.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the address, if the host is one.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        match self.host {
            Host::Domain(_) => None,
            Host::Ipv4(ip) => Some(ip.into()),
            Host::Ipv6(ip) => Some(ip.into()),
        }
    }

    /// Returns the value of a `host` header: the text after the scheme.
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
    fn error_names_the_canonical_spelling() {
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
    fn plain_http_needs_a_grant_for_the_host() {
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
