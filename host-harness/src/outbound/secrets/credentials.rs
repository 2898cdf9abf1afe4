//! Credentials: bound to a destination and where needed to a caller, kept out of logs, and wiped when they are dropped.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use thiserror::Error;
use zeroize::Zeroizing;

use super::scan::Scanner;
use super::secret::{SECRET_MAX, Secret, SecretSource, read_private, version};

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
    /// Its file is open to others.
    #[error("the credential in {} cannot be used: {why}", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// How, and what to do.
        why: String,
    },
    /// It is empty, too long, or holds characters that no header may have.
    #[error("the credential from {place} {what}: {hint}")]
    Unusable {
        /// Where it came from.
        place: String,
        /// What is wrong with it.
        what: &'static str,
        /// What to set.
        hint: String,
    },
    /// The service wants each caller's own, and this caller has none.
    #[error("no credential is set for this caller: {hint}")]
    NotForCaller {
        /// What to set.
        hint: String,
    },
    /// The source is not written in a known form. The text is not repeated: it might be the secret itself.
    #[error("write `env:NAME`, `file:PATH` or `fd:NUMBER`, never the secret itself")]
    Source,
}

/// The credentials of all destinations, and the scanner that finds them in what comes back.
#[derive(Debug, Default)]
pub struct Credentials {
    entries: HashMap<String, Entry>,
    /// Counts how often one was read, and so tells every reading of every credential from all others.
    reads: Arc<AtomicU64>,
    scanner: Mutex<Option<(u64, Arc<Scanner>)>>,
}

#[derive(Debug)]
enum Entry {
    /// One for all callers.
    Shared(Box<Credential>),
    /// Each caller's own, by the caller's name in the operator file.
    Own {
        callers: HashMap<String, Credential>,
        hint: String,
    },
}

impl Credentials {
    /// Sets the credential of a destination for all callers.
    pub fn share(&mut self, destination: &str, mut credential: Credential) {
        credential.reads = Arc::clone(&self.reads);
        self.entries
            .insert(destination.to_owned(), Entry::Shared(Box::new(credential)));
    }

    /// Says that a destination takes each caller's own credential; `hint` says how to set one.
    pub fn each_their_own(&mut self, destination: &str, hint: String) {
        let entry = Entry::Own {
            callers: HashMap::new(),
            hint,
        };
        self.entries.insert(destination.to_owned(), entry);
    }

    /// Sets a caller's own credential of a destination that takes such.
    pub fn own(&mut self, destination: &str, caller: &str, mut credential: Credential) {
        credential.reads = Arc::clone(&self.reads);
        if let Some(Entry::Own { callers, .. }) = self.entries.get_mut(destination) {
            callers.insert(caller.to_owned(), credential);
        }
    }

    /// The credential of a destination for a caller as it stands now; none if the destination takes none.
    ///
    /// # Errors
    /// When it takes one and there is none that can be used; the error says what to set.
    pub fn ready(
        &self,
        destination: &str,
        caller: Option<&str>,
    ) -> Result<Option<Ready>, CredentialError> {
        match self.entries.get(destination) {
            None => Ok(None),
            Some(Entry::Shared(credential)) => credential.ready().map(Some),
            Some(Entry::Own { callers, hint }) => caller
                .and_then(|caller| callers.get(caller))
                .ok_or_else(|| CredentialError::NotForCaller { hint: hint.clone() })?
                .ready()
                .map(Some),
        }
    }

    /// Reads each credential once. One that is not set is no error here: status and the first use say so.
    ///
    /// # Errors
    /// The first that is set and cannot be used, and its destination.
    pub fn check(&self) -> Result<(), (String, CredentialError)> {
        for (destination, entry) in &self.entries {
            for credential in entry.credentials() {
                match credential.ready() {
                    Ok(_) | Err(CredentialError::Missing { .. }) => {}
                    Err(error) => return Err((destination.clone(), error)),
                }
            }
        }
        Ok(())
    }

    /// A scanner for every secret that was read so far, those included that were replaced since.
    #[must_use]
    pub fn scanner(&self) -> Arc<Scanner> {
        let reads = self.reads.load(Ordering::Acquire);
        let mut kept = self.scanner.lock().unwrap_or_else(PoisonError::into_inner);
        match &*kept {
            Some((then, scanner)) if *then == reads => Arc::clone(scanner),
            _ => {
                let secrets: Vec<_> = self
                    .entries
                    .values()
                    .flat_map(Entry::credentials)
                    .flat_map(Credential::known)
                    .collect();
                let scanner = Arc::new(Scanner::new(&secrets));
                *kept = Some((reads, Arc::clone(&scanner)));
                scanner
            }
        }
    }
}

impl Entry {
    fn credentials(&self) -> Vec<&Credential> {
        match self {
            Self::Shared(credential) => vec![credential],
            Self::Own { callers, .. } => callers.values().collect(),
        }
    }
}

/// A credential, and how it is sent.
#[derive(Debug)]
pub struct Credential {
    source: SecretSource,
    header: HeaderName,
    prefix: String,
    hint: String,
    reads: Arc<AtomicU64>,
    current: Mutex<Option<Loaded>>,
}

#[derive(Debug, Clone)]
struct Loaded {
    secret: Secret,
    /// The one before, which may still be on its way.
    replaced: Option<Secret>,
    value: HeaderValue,
    version: Option<[u64; 5]>,
    generation: u64,
}

/// A credential ready to be sent.
#[derive(Debug, Clone)]
pub struct Ready {
    /// The header.
    pub header: HeaderName,
    /// Its value, marked sensitive.
    pub value: HeaderValue,
    /// Changes whenever the credential does, and is never that of another credential: answers are kept by it.
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
            reads: Arc::default(),
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
        let version = match &self.source {
            SecretSource::File(path) => version(path),
            _ => None,
        };
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = current
            .as_ref()
            .filter(|loaded| loaded.version == version)
            .cloned();
        let loaded = match fresh {
            Some(loaded) => loaded,
            None => {
                let secret = self.load()?;
                let loaded = Loaded {
                    value: self.header_value(&secret)?,
                    secret,
                    replaced: current.as_ref().map(|loaded| loaded.secret.clone()),
                    version,
                    generation: self.reads.fetch_add(1, Ordering::Release),
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

    /// The secrets that it has had lately.
    fn known(&self) -> Vec<Secret> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let loaded = current.iter();
        loaded
            .flat_map(|loaded| [Some(loaded.secret.clone()), loaded.replaced.clone()])
            .flatten()
            .collect()
    }

    fn load(&self) -> Result<Secret, CredentialError> {
        let missing = || CredentialError::Missing {
            hint: self.hint.clone(),
        };
        let secret = match &self.source {
            SecretSource::Env {
                value: Some(value), ..
            }
            | SecretSource::Fd { value, .. } => value.clone(),
            SecretSource::File(path) => read_private(path)?,
            SecretSource::Env { value: None, .. } | SecretSource::Unset => return Err(missing()),
        };
        let text = secret.expose();
        let what = if text.is_empty() {
            "is empty"
        } else if text.len() > SECRET_MAX {
            "is longer than 16384 bytes"
        } else if text.contains(['\n', '\r']) {
            "has more than one line"
        } else if !text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() || byte == b' ')
        {
            "holds characters that no header may have"
        } else {
            return Ok(secret);
        };
        Err(self.unusable(what))
    }

    fn header_value(&self, secret: &Secret) -> Result<HeaderValue, CredentialError> {
        let mut whole = Zeroizing::new(Vec::with_capacity(
            self.prefix.len() + secret.expose().len(),
        ));
        whole.extend_from_slice(self.prefix.as_bytes());
        whole.extend_from_slice(secret.expose().as_bytes());
        // The value shares these bytes, which are wiped when the last one that uses them is gone.
        let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(whole))
            .map_err(|_| self.unusable("holds characters that no header may have"))?;
        value.set_sensitive(true);
        Ok(value)
    }

    fn unusable(&self, what: &'static str) -> CredentialError {
        CredentialError::Unusable {
            place: self.source.place(),
            what,
            hint: self.hint.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::path::Path;
    use std::time::SystemTime;

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
        for (value, what) in [
            (None, "no credential is set"),
            (Some(""), "no credential is set"),
            (Some("   "), "is empty"),
            (Some("two\nlines"), "more than one line"),
            (Some("a\tb"), "characters"),
        ] {
            let source = SecretSource::from_env("KEY", &|_| value.map(str::to_owned)).unwrap();
            let error = credential(source).ready().unwrap_err().to_string();
            assert!(
                error.contains("set SERVICE_KEY") && error.contains(what),
                "{error}"
            );
        }
    }

    #[test]
    fn a_source_that_looks_like_a_secret_is_refused_without_repeating_it() {
        let error = SecretSource::parse("eyJhbGciOi", &no_env).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("eyJ"));
    }

    fn private(path: &Path, text: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::write(path, text).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    #[test]
    fn a_file_that_others_may_read_or_change_is_refused_with_the_mend() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        private(&path, "tell-nobody");
        let credential = || {
            credential(SecretSource::parse(&format!("file:{}", path.display()), &no_env).unwrap())
        };
        for (mode, refused) in [
            (0o600, false),
            (0o400, false),
            (0o640, false),
            (0o644, true),
            (0o660, true),
            (0o602, true),
        ] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let found = credential().ready();
            assert_eq!(found.is_err(), refused, "{mode:o}");
            if let Err(error) = found {
                let error = error.to_string();
                assert!(error.contains("chmod 600") && !error.contains("tell-nobody"));
            }
        }
    }

    #[test]
    fn a_caller_gets_their_own_credential_and_no_other() {
        let mut credentials = Credentials::default();
        credentials.each_their_own("relay", "write it".into());
        let source = |value: &'static str| {
            SecretSource::from_env("KEY", &|_| Some(value.to_owned())).unwrap()
        };
        credentials.own("relay", "robin", credential(source("robins-own-key")));
        credentials.own("relay", "kim", credential(source("kims-own-key")));
        let value = |caller| {
            let ready = credentials.ready("relay", caller);
            ready.map(|ready| ready.unwrap().value.to_str().unwrap().to_owned())
        };
        assert_eq!(value(Some("robin")).unwrap(), "Bearer robins-own-key");
        assert_eq!(value(Some("kim")).unwrap(), "Bearer kims-own-key");
        for nobody in [None, Some("lee")] {
            let error = value(nobody).unwrap_err();
            assert!(matches!(error, CredentialError::NotForCaller { .. }));
        }
        assert!(credentials.ready("elsewhere", None).unwrap().is_none());
        let generation = |caller| {
            let ready = credentials.ready("relay", Some(caller)).unwrap();
            ready.unwrap().generation
        };
        assert_ne!(
            generation("robin"),
            generation("kim"),
            "or one would be answered from what was kept of the other"
        );
        // Each is looked for in whatever comes back, whoever calls.
        assert!(credentials.scanner().finds(b"... kims-own-key ..."));
    }

    #[test]
    fn a_file_is_read_again_when_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        private(&path, "first-token\n");
        let credential =
            credential(SecretSource::parse(&format!("file:{}", path.display()), &no_env).unwrap());
        let first = credential.ready().unwrap();
        assert_eq!(credential.ready().unwrap().generation, first.generation);
        private(&path, "second-token\n");
        let later = SystemTime::now() + std::time::Duration::from_secs(60);
        File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_modified(later)
            .unwrap();
        let second = credential.ready().unwrap();
        assert_eq!(second.value.to_str().unwrap(), "Bearer second-token");
        assert_ne!(second.generation, first.generation);
    }
}
