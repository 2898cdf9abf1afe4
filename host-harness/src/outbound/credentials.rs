//! Credentials: where they come from, kept out of logs, and wiped when they are dropped.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use http::{HeaderName, HeaderValue};
use thiserror::Error;
use zeroize::Zeroizing;

/// Largest credential, in bytes.
const SECRET_MAX: usize = 16 * 1024;

/// A secret text. Prints as `[secret]`, is wiped when dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Keeps a text, without the white space around it, as a secret.
    #[must_use]
    pub fn new(text: String) -> Self {
        let text = Zeroizing::new(text);
        Self(Zeroizing::new(text.trim().to_owned()))
    }

    /// The text. Use it only to build what is sent.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// Where a secret comes from.
#[derive(Debug, Clone)]
pub enum SecretSource {
    /// An environment variable, read when the configuration was; none if it is not set.
    Env {
        /// The variable.
        name: String,
        /// Its value.
        value: Option<Secret>,
    },
    /// A file, read again whenever it changes.
    File(PathBuf),
    /// A file descriptor, read when the configuration was.
    Fd {
        /// Its number.
        number: u32,
        /// What it held.
        value: Secret,
    },
    /// Nothing has been said.
    Unset,
}

/// A credential that cannot be used. Never holds the credential.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// There is none.
    #[error("no credential is set: {hint}")]
    Missing {
        /// What to set.
        hint: String,
    },
    /// Its file or descriptor cannot be read.
    #[error("the credential cannot be read from {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is empty, too long, or holds characters that no header may have.
    #[error("the credential from {place} is empty, too long or holds line breaks: {hint}")]
    Unusable {
        /// Where it came from.
        place: String,
        /// What to set.
        hint: String,
    },
    /// The source is not written in a known form. The text is not repeated: it might be the secret itself.
    #[error("write `env:NAME`, `file:PATH` or `fd:NUMBER`, never the secret itself")]
    Source,
}

impl SecretSource {
    /// Reads a source as an operator file gives it.
    ///
    /// # Errors
    /// When it has no known form, or a descriptor cannot be read.
    pub fn parse(
        text: &str,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, CredentialError> {
        match text.split_once(':') {
            Some(("env", name)) if !name.is_empty() => Ok(Self::Env {
                name: name.to_owned(),
                value: env(name).map(Secret::new),
            }),
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(PathBuf::from(path))),
            Some(("fd", number)) => {
                Self::descriptor(number.parse().map_err(|_| CredentialError::Source)?)
            }
            _ => Err(CredentialError::Source),
        }
    }

    /// Reads the environment variable `name`, whose value is the secret or `file:PATH` or `fd:NUMBER`.
    ///
    /// # Errors
    /// When a descriptor cannot be read.
    pub fn from_env(
        name: &str,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, CredentialError> {
        let value = env(name);
        match value.as_deref() {
            Some(text) if text.starts_with("file:") || text.starts_with("fd:") => {
                Self::parse(text, env)
            }
            _ => Ok(Self::Env {
                name: name.to_owned(),
                value: value.filter(|v| !v.is_empty()).map(Secret::new),
            }),
        }
    }

    fn descriptor(number: u32) -> Result<Self, CredentialError> {
        let value = read(Path::new(&format!("/dev/fd/{number}")))?;
        Ok(Self::Fd { number, value })
    }

    fn place(&self) -> String {
        match self {
            Self::Env { name, .. } => format!("the environment variable {name}"),
            Self::File(path) => path.display().to_string(),
            Self::Fd { number, .. } => format!("file descriptor {number}"),
            Self::Unset => "nowhere".to_owned(),
        }
    }
}

fn read(path: &Path) -> Result<Secret, CredentialError> {
    std::fs::read_to_string(path)
        .map(Secret::new)
        .map_err(|source| CredentialError::Unreadable {
            path: path.to_owned(),
            source,
        })
}

/// The credential of one destination, and how it is sent.
#[derive(Debug)]
pub struct Credential {
    source: SecretSource,
    header: HeaderName,
    prefix: String,
    hint: String,
    current: Mutex<Option<Loaded>>,
}

#[derive(Debug, Clone)]
struct Loaded {
    value: HeaderValue,
    modified: Option<SystemTime>,
    generation: u64,
}

/// A credential ready to be sent.
#[derive(Debug, Clone)]
pub struct Ready {
    /// The header.
    pub header: HeaderName,
    /// Its value, marked sensitive.
    pub value: HeaderValue,
    /// Changes whenever the credential does.
    pub generation: u64,
}

impl Credential {
    /// A credential from `source`, sent as `header: prefix + secret`; `hint` says how to set it.
    #[must_use]
    pub fn new(source: SecretSource, header: HeaderName, prefix: String, hint: String) -> Self {
        Self {
            source,
            header,
            prefix,
            hint,
            current: Mutex::new(None),
        }
    }

    /// How an operator sets it.
    #[must_use]
    pub fn hint(&self) -> &str {
        &self.hint
    }

    /// The header to send, read again if its file has changed.
    ///
    /// # Errors
    /// When there is none or it cannot be used; the error says what to set.
    pub fn ready(&self) -> Result<Ready, CredentialError> {
        let modified = match &self.source {
            SecretSource::File(path) => std::fs::metadata(path)
                .and_then(|meta| meta.modified())
                .ok(),
            _ => None,
        };
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = current
            .as_ref()
            .filter(|loaded| loaded.modified == modified)
            .cloned();
        let loaded = match fresh {
            Some(loaded) => loaded,
            None => {
                let generation = current.as_ref().map_or(0, |loaded| loaded.generation + 1);
                let loaded = Loaded {
                    value: self.load()?,
                    modified,
                    generation,
                };
                current.insert(loaded).clone()
            }
        };
        Ok(Ready {
            header: self.header.clone(),
            value: loaded.value,
            generation: loaded.generation,
        })
    }

    fn load(&self) -> Result<HeaderValue, CredentialError> {
        let missing = || CredentialError::Missing {
            hint: self.hint.clone(),
        };
        let secret = match &self.source {
            SecretSource::Env {
                value: Some(value), ..
            }
            | SecretSource::Fd { value, .. } => value.clone(),
            SecretSource::File(path) => read(path)?,
            SecretSource::Env { value: None, .. } | SecretSource::Unset => return Err(missing()),
        };
        let unusable = || CredentialError::Unusable {
            place: self.source.place(),
            hint: self.hint.clone(),
        };
        let text = secret.expose();
        if text.is_empty()
            || text.len() > SECRET_MAX
            || !text.bytes().all(|b| b.is_ascii_graphic() || b == b' ')
        {
            return Err(unusable());
        }
        let whole = Zeroizing::new(format!("{}{text}", self.prefix));
        let mut value = HeaderValue::from_str(&whole).map_err(|_| unusable())?;
        value.set_sensitive(true);
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credential(source: SecretSource) -> Credential {
        Credential::new(
            source,
            http::header::AUTHORIZATION,
            "Bearer ".into(),
            "set SERVICE_KEY".into(),
        )
    }

    fn no_env(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn a_secret_is_in_no_debug_output() {
        let source = SecretSource::from_env("KEY", &|_| Some("tell-nobody".into())).unwrap();
        let credential = credential(source);
        let ready = credential.ready().unwrap();
        assert_eq!(ready.value.to_str().unwrap(), "Bearer tell-nobody");
        assert!(!format!("{credential:?} {ready:?}").contains("tell-nobody"));
    }

    #[test]
    fn a_missing_or_unusable_credential_says_what_to_set() {
        for value in [None, Some(""), Some("   "), Some("two\nlines")] {
            let source = SecretSource::from_env("KEY", &|_| value.map(str::to_owned)).unwrap();
            let error = credential(source).ready().unwrap_err().to_string();
            assert!(error.contains("set SERVICE_KEY"), "{error}");
        }
    }

    #[test]
    fn a_source_that_looks_like_a_secret_is_refused_without_repeating_it() {
        let error = SecretSource::parse("eyJhbGciOi", &no_env).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("eyJ"));
    }

    #[test]
    fn a_file_is_read_again_when_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "first\n").unwrap();
        let credential =
            credential(SecretSource::parse(&format!("file:{}", path.display()), &no_env).unwrap());
        let first = credential.ready().unwrap();
        assert_eq!(credential.ready().unwrap().generation, first.generation);
        std::fs::write(&path, "second\n").unwrap();
        let later = SystemTime::now() + std::time::Duration::from_secs(60);
        std::fs::File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_modified(later)
            .unwrap();
        let second = credential.ready().unwrap();
        assert_eq!(second.value.to_str().unwrap(), "Bearer second");
        assert_ne!(second.generation, first.generation);
    }
}
