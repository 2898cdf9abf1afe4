//! Credentials: bound to a destination and, where needed, to a caller; kept out of logs, and wiped
//! when they are dropped.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use zeroize::Zeroizing;

use super::error::CredentialError;
use super::scan::Scanner;
use super::secret::{SECRET_MAX, Secret, SecretSource, read_private, version};

/// The credentials of all destinations, and the scanner that finds them in answers.
#[derive(Debug, Default)]
pub struct Credentials {
    entries: HashMap<String, CredentialEntry>,
    /// A counter of reads: each read of each credential gets a generation of its own.
    reads: Arc<AtomicU64>,
    scanner: Mutex<Option<(u64, Arc<Scanner>)>>,
}

#[derive(Debug)]
enum CredentialEntry {
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
        self.entries.insert(
            destination.to_owned(),
            CredentialEntry::Shared(Box::new(credential)),
        );
    }

    /// Marks a destination as one that takes each caller's own credential; `hint` says how to set
    /// one.
    pub fn each_their_own(&mut self, destination: &str, hint: String) {
        let entry = CredentialEntry::Own {
            callers: HashMap::new(),
            hint,
        };
        self.entries.insert(destination.to_owned(), entry);
    }

    /// Sets a caller's own credential for such a destination.
    pub fn own(&mut self, destination: &str, caller: &str, mut credential: Credential) {
        credential.reads = Arc::clone(&self.reads);
        if let Some(CredentialEntry::Own { callers, .. }) = self.entries.get_mut(destination) {
            callers.insert(caller.to_owned(), credential);
        }
    }

    /// Returns the current credential of a destination for a caller; `None` if the destination
    /// takes none.
    ///
    /// # Errors
    /// Fails if it takes one and there is none that can be used; the error says what to set.
    pub fn ready(
        &self,
        destination: &str,
        caller: Option<&str>,
    ) -> Result<Option<Ready>, CredentialError> {
        match self.entries.get(destination) {
            None => Ok(None),
            Some(CredentialEntry::Shared(credential)) => credential.ready().map(Some),
            Some(CredentialEntry::Own { callers, hint }) => caller
                .and_then(|caller| callers.get(caller))
                .ok_or_else(|| CredentialError::NotForCaller { hint: hint.clone() })?
                .ready()
                .map(Some),
        }
    }

    /// Reads each credential once. A missing one is not an error here: status and the first use
    /// report it.
    ///
    /// # Errors
    /// Returns the first that is set and cannot be used, and its destination.
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

    /// Returns a scanner for the current secrets, and for those that they replaced.
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
                    .flat_map(CredentialEntry::credentials)
                    .flat_map(Credential::known)
                    .collect();
                let scanner = Arc::new(Scanner::new(&secrets));
                *kept = Some((reads, Arc::clone(&scanner)));
                scanner
            }
        }
    }
}

impl CredentialEntry {
    fn credentials(&self) -> Vec<&Credential> {
        match self {
            Self::Shared(credential) => vec![credential],
            Self::Own { callers, .. } => callers.values().collect(),
        }
    }
}

/// A credential, and the header that carries it.
#[derive(Debug)]
pub struct Credential {
    source: SecretSource,
    header: HeaderName,
    prefix: String,
    hint: String,
    reads: Arc<AtomicU64>,
    current: Mutex<Option<LoadedCredential>>,
}

#[derive(Debug, Clone)]
struct LoadedCredential {
    secret: Secret,
    /// The one before, which requests in flight may still carry.
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
    /// A number that changes with the credential and is unique among all credentials. It is part of
    /// the cache key.
    pub generation: u64,
}

impl Credential {
    /// Creates a credential from `source`, sent as `header: prefix + secret`; `hint` says how to
    /// set it.
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

    /// Returns the hint for operators about how to set it.
    #[must_use]
    pub fn hint(&self) -> &str {
        &self.hint
    }

    /// Returns the header to send. A file is read again if it has changed.
    ///
    /// # Errors
    /// Fails if there is none or it cannot be used; the error says what to set.
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
                let loaded = LoadedCredential {
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

    /// Returns the current secret and the one before.
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
        // The value shares these bytes, which are wiped when its last user is gone.
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
    fn secret_is_in_no_debug_output() {
        let source = SecretSource::from_env("KEY", &|_| Some("tell-nobody".into())).unwrap();
        let credential = credential(source);
        let ready = credential.ready().unwrap();
        assert_eq!(ready.value.to_str().unwrap(), "Bearer tell-nobody");
        assert!(!format!("{credential:?} {ready:?}").contains("tell-nobody"));
    }

    #[test]
    fn unusable_credential_names_the_fix() {
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
    fn secret_in_place_of_a_source_is_not_repeated() {
        let error = SecretSource::parse("eyJhbGciOi", &no_env).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("eyJ"));
    }

    fn private(path: &Path, text: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::write(path, text).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    #[test]
    fn exposed_file_is_refused_with_the_fix() {
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
    fn caller_gets_only_their_own_credential() {
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
        // Each is searched for in every answer, whoever calls.
        assert!(credentials.scanner().finds(b"... kims-own-key ..."));
    }

    #[test]
    fn changed_file_is_read_again() {
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
