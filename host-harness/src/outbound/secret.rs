//! A secret and where it comes from: an environment variable, a file, or a file descriptor.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::credentials::CredentialError;

/// Largest credential, in bytes.
pub(super) const SECRET_MAX: usize = 16 * 1024;

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

    pub(super) fn place(&self) -> String {
        match self {
            Self::Env { name, .. } => format!("the environment variable {name}"),
            Self::File(path) => path.display().to_string(),
            Self::Fd { number, .. } => format!("file descriptor {number}"),
            Self::Unset => "nowhere".to_owned(),
        }
    }
}

/// Reads a file that nobody else may read or write.
pub(super) fn read_private(path: &Path) -> Result<Secret, CredentialError> {
    let unreadable = |source| CredentialError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(unreadable)?;
    // A group may read it, as where a service manager hands secrets to a group; the world may not, and only the owner writes.
    if file.metadata().map_err(unreadable)?.mode() & 0o027 != 0 {
        return Err(CredentialError::Exposed {
            path: path.to_owned(),
        });
    }
    contents(file).map_err(unreadable)
}

fn read(path: &Path) -> Result<Secret, CredentialError> {
    File::open(path)
        .and_then(contents)
        .map_err(|source| CredentialError::Unreadable {
            path: path.to_owned(),
            source,
        })
}

fn contents(file: File) -> std::io::Result<Secret> {
    // One byte more than allowed shows that there is too much; the space is taken at once, so that no copy is left behind.
    let mut text = Zeroizing::new(String::with_capacity(SECRET_MAX + 2));
    file.take(SECRET_MAX as u64 + 2).read_to_string(&mut text)?;
    Ok(Secret(Zeroizing::new(text.trim().to_owned())))
}
