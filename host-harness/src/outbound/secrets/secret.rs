//! A secret and its source: an environment variable, a file, or a file descriptor.
//!
//! A file with a secret is read if no other user can change or read it:
//!
//! - *Change*: it belongs to this user or to root and nobody else may write to it, and the same
//!   holds for every directory and link that leads to it ([`crate::storage`]).
//! - *Read*: its mode admits only its owner and its group. A group may read, since service managers
//!   hand secrets to one.
//!
//! Containers get secrets as files that everybody may read (mode 0444 or 0644), through links
//! (`key -> ..data/key`), or in a group that may write. Such a file is read where the mode decides
//! nothing: it belongs to root and is on a **mount of its own** that is **read-only**, is not
//! passed on to other mount namespaces (not *shared*), and this process is in a container. The
//! mounts are those that this process sees (/proc/self/mountinfo); a container is recognized by its
//! root file system (overlayfs), by the files that Docker and Podman create, or by Kubernetes'
//! variable. It cannot be known who else is in the container: its processes, of whatever user, can
//! read such a file. A container is assumed to belong to one service.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::os::fd::{BorrowedFd, FromRawFd as _, OwnedFd, RawFd};
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use zeroize::Zeroizing;

use super::CredentialError;
use crate::storage::{self, StorageError};

/// Largest credential, in bytes.
pub(in crate::outbound) const SECRET_MAX: usize = 16 * 1024;

/// A secret text. Prints as `[secret]`, and is wiped when dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Creates a secret from a text, without the white space around it and a byte order mark before
    /// it.
    #[must_use]
    pub fn new(text: String) -> Self {
        let text = Zeroizing::new(text);
        Self(Zeroizing::new(
            text.trim_start_matches('\u{feff}').trim().to_owned(),
        ))
    }

    /// Returns the text. Use it only to build a request.
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

/// The source of a secret.
#[derive(Debug, Clone)]
pub enum SecretSource {
    /// An environment variable, read together with the configuration.
    Env {
        /// The variable.
        name: String,
        /// Its value; `None` if it is not set.
        value: Option<Secret>,
    },
    /// A file, read again whenever it changes.
    File(PathBuf),
    /// A file descriptor, read together with the configuration.
    Fd {
        /// Its number.
        number: u32,
        /// Its contents.
        value: Secret,
    },
    /// No source is configured.
    Unset,
}

impl SecretSource {
    /// Parses a source as an operator file gives it.
    ///
    /// # Errors
    /// Fails if it has no known form, or a descriptor cannot be read.
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

    /// Reads the environment variable `name`, whose value is the secret or `file:PATH` or
    /// `fd:NUMBER`.
    ///
    /// # Errors
    /// Fails if a descriptor cannot be read.
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

    /// Reads a descriptor that the parent process has left open, and closes it. Its contents are
    /// remembered, since several settings may name the same descriptor.
    fn descriptor(number: u32) -> Result<Self, CredentialError> {
        let mut known = READ.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = known.get(&number) {
            let value = value.clone();
            return Ok(Self::Fd { number, value });
        }
        let value = read(Path::new(&format!("/dev/fd/{number}")))?;
        if close(number) {
            known.insert(number, value.clone());
        }
        Ok(Self::Fd { number, value })
    }

    pub(in crate::outbound) fn place(&self) -> String {
        match self {
            Self::Env { name, .. } => format!("the environment variable {name}"),
            Self::File(path) => path.display().to_string(),
            Self::Fd { number, .. } => format!("file descriptor {number}"),
            Self::Unset => "nowhere".to_owned(),
        }
    }
}

/// Contents of the descriptors that were read and closed.
static READ: Mutex<BTreeMap<u32, Secret>> = Mutex::new(BTreeMap::new());

/// Closes an inherited descriptor. Returns false for any other: standard input, output and error
/// stay open, and so does what this process has opened itself, which always has `FD_CLOEXEC`.
fn close(number: u32) -> bool {
    let Ok(raw) = RawFd::try_from(number) else {
        return false;
    };
    if raw <= 2 {
        return false;
    }
    #[expect(
        unsafe_code,
        reason = "it was just read by its number, so it is open, and nothing here closes it meanwhile"
    )]
    // SAFETY: as the reason says.
    let borrowed = unsafe { BorrowedFd::borrow_raw(raw) };
    let own = rustix::io::fcntl_getfd(borrowed)
        .map_or(true, |flags| flags.contains(rustix::io::FdFlags::CLOEXEC));
    if own {
        return false;
    }
    #[expect(
        unsafe_code,
        reason = "it was inherited, so nothing here owns it; it is remembered as closed and never taken again"
    )]
    // SAFETY: as the reason says.
    drop(unsafe { OwnedFd::from_raw_fd(raw) });
    true
}

/// Returns a stamp that changes with the file, also when a link leads to another file of the same
/// time.
pub(in crate::outbound) fn version(path: &Path) -> Option<[u64; 5]> {
    let metadata = path.metadata().ok()?;
    let bits = i64::cast_unsigned;
    Some([
        metadata.dev(),
        metadata.ino(),
        metadata.size(),
        bits(metadata.mtime()),
        bits(metadata.mtime_nsec()),
    ])
}

/// Reads a file that no other user may read or change.
pub(in crate::outbound) fn read_private(path: &Path) -> Result<Secret, CredentialError> {
    let unreadable = |source| CredentialError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let exposed = |why: String| CredentialError::Exposed {
        path: path.to_owned(),
        why,
    };
    // The file itself has stricter rules than the path to it, and is checked once it is open.
    let found = storage::lies_safely(path).map_err(|error| match error {
        StorageError::Io { source, .. } => unreadable(source),
        error => exposed(error.to_string()),
    })?;
    let file = File::open(&found).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    let entry = SecretFile {
        owner: metadata.uid(),
        mode: metadata.mode(),
    };
    let user = rustix::process::geteuid().as_raw();
    if let Err(why) = entry.is_private(user, || Mounts::of_this_process().keep(&found)) {
        return Err(exposed(why.replace("{}", &path.display().to_string())));
    }
    contents(file).map_err(unreadable)
}

/// Owner and mode of a file with a secret.
#[derive(Debug, Clone, Copy)]
struct SecretFile {
    owner: u32,
    mode: u32,
}

impl SecretFile {
    /// Checks that no other user may read or change it; `kept` returns true if its mount protects
    /// it, whatever its mode.
    fn is_private(self, user: u32, kept: impl FnOnce() -> bool) -> Result<(), &'static str> {
        if ![user, 0].contains(&self.owner) {
            return Err("it belongs to another user, who may change it: use a file that is yours");
        }
        if self.mode & 0o027 == 0 || (self.owner == 0 && kept()) {
            return Ok(());
        }
        Err(
            "it is open to other users of this machine: run `chmod 600 {}`, or, in a container, mount it read-only as root's (its mode does not matter then)",
        )
    }
}

/// The mounts of a process, as far as they matter for secrets.
#[derive(Debug)]
struct Mounts {
    mounts: Vec<Mount>,
    container: bool,
}

#[derive(Debug)]
struct Mount {
    at: PathBuf,
    read_only: bool,
    shared: bool,
}

impl Mounts {
    /// Reads the mounts of this process. If they cannot be read there are none, and no file is
    /// protected.
    fn of_this_process() -> Self {
        let listed = std::fs::read("/proc/self/mountinfo").unwrap_or_default();
        let marked = ["/.dockerenv", "/run/.containerenv"]
            .iter()
            .any(|mark| Path::new(mark).exists())
            || std::env::var_os("KUBERNETES_SERVICE_HOST").is_some();
        Self::listed(&listed, marked)
    }

    /// Parses a list in the form of proc_pid_mountinfo(5); `marked` is true if something else shows
    /// a container.
    fn listed(list: &[u8], marked: bool) -> Self {
        let mut container = marked;
        let mut mounts = Vec::new();
        for line in list.split(|byte| *byte == b'\n') {
            let fields: Vec<_> = line.split(|byte| *byte == b' ').collect();
            // Optional fields end with a hyphen.
            let Some(hyphen) = fields.iter().position(|field| *field == b"-") else {
                continue;
            };
            let (Some(at), Some(options), Some(kind), Some(optional)) = (
                fields.get(4),
                fields.get(5),
                fields.get(hyphen + 1),
                fields.get(6..hyphen),
            ) else {
                continue;
            };
            let at = PathBuf::from(unescaped(at));
            let shared = optional.iter().any(|field| field.starts_with(b"shared:"));
            if at == Path::new("/") {
                container |= [b"overlay".as_slice(), b"fuse.fuse-overlayfs"].contains(kind);
            }
            mounts.push(Mount {
                at,
                read_only: options.split(|byte| *byte == b',').any(|one| one == b"ro"),
                shared,
            });
        }
        Self { mounts, container }
    }

    /// Returns true if the mount that a file is on protects it for this container, whatever its
    /// mode.
    fn keep(&self, file: &Path) -> bool {
        // Of several mounts at one place the last one is visible.
        let on = self
            .mounts
            .iter()
            .filter(|mount| file.starts_with(&mount.at));
        let on = on.max_by_key(|mount| mount.at.as_os_str().len());
        self.container
            && on
                .is_some_and(|mount| mount.at != Path::new("/") && mount.read_only && !mount.shared)
    }
}

/// Decodes a path of the list, in which a blank is written `\040`.
fn unescaped(text: &[u8]) -> OsString {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let escape = after
            .get(..3)
            .filter(|_| *first == b'\\')
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match escape {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(3..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    OsString::from_vec(bytes)
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
    // One byte more than allowed shows that there is too much. Reserving the space at once leaves
    // no copy behind.
    let mut text = Zeroizing::new(String::with_capacity(SECRET_MAX + 2));
    file.take(SECRET_MAX as u64 + 2).read_to_string(&mut text)?;
    Ok(Secret::new(std::mem::take(&mut *text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mount lists of containers, shortened; the file is `/run/secrets/crm/key` or its target.
    const KUBERNETES: &str = "1 0 0:1 / / rw,relatime - overlay overlay rw\n\
        2 1 0:2 / /proc rw - proc proc rw\n\
        3 1 0:3 / /run/secrets/crm ro,relatime - tmpfs tmpfs rw,size=1k\n";
    const DOCKER: &str = "1 0 0:1 / / rw,relatime master:9 - overlay overlay rw\n\
        3 1 8:1 /srv/key /run/secrets/crm/key ro,relatime - ext4 /dev/sda1 rw\n";
    const WRITABLE: &str = "1 0 0:1 / / rw,relatime - overlay overlay rw\n\
        3 1 8:1 /srv /run/secrets rw,relatime - ext4 /dev/sda1 rw\n";
    const NONE: &str = "1 0 0:1 / / ro,relatime - overlay overlay rw\n";
    const HOST: &str = "1 0 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n\
        3 1 0:3 / /run/secrets ro,relatime shared:7 - tmpfs tmpfs rw\n";
    const LIVE: &str = "1 0 0:1 / / rw,relatime shared:1 - overlay overlay rw\n\
        3 1 0:3 / /run/secrets ro,relatime shared:7 - tmpfs tmpfs rw\n";
    const OVER: &str = "1 0 0:1 / / rw,relatime - overlay overlay rw\n\
        3 1 0:3 / /run/secrets ro,relatime - tmpfs tmpfs rw\n\
        4 3 0:4 / /run/secrets rw,relatime - tmpfs tmpfs rw\n";

    #[test]
    fn secrets_mounted_by_containers_are_read() {
        let file = Path::new("/run/secrets/crm/key");
        let cases = [
            // Name, mounts, marked as a container, owner, mode, expected to be read.
            ("0444 in Kubernetes", KUBERNETES, false, 0, 0o100_444, true),
            ("0644 in Kubernetes", KUBERNETES, false, 0, 0o100_644, true),
            ("a group that writes", KUBERNETES, false, 0, 0o100_660, true),
            ("0644 in Docker", DOCKER, false, 0, 0o100_644, true),
            ("another user's", KUBERNETES, false, 7, 0o100_444, false),
            (
                "this user's, open",
                KUBERNETES,
                false,
                1000,
                0o100_444,
                false,
            ),
            (
                "a volume that is written",
                WRITABLE,
                false,
                0,
                0o100_444,
                false,
            ),
            ("in the image", NONE, false, 0, 0o100_444, false),
            ("on a machine of many", HOST, false, 0, 0o100_444, false),
            ("shared with others", HOST, true, 0, 0o100_444, false),
            ("a live system", LIVE, false, 0, 0o100_444, false),
            ("mounted over", OVER, false, 0, 0o100_444, false),
            ("nothing is known", "", true, 0, 0o100_444, false),
            ("0640 anywhere", HOST, false, 0, 0o100_640, true),
            ("0400 anywhere", NONE, false, 1000, 0o100_400, true),
            (
                "a group that writes here",
                HOST,
                false,
                1000,
                0o100_660,
                false,
            ),
        ];
        for (name, list, marked, owner, mode, good) in cases {
            let entry = SecretFile { owner, mode };
            let found =
                entry.is_private(1000, || Mounts::listed(list.as_bytes(), marked).keep(file));
            assert_eq!(found.is_ok(), good, "{name}: {found:?}");
        }
    }

    #[test]
    fn mount_path_may_contain_blanks() {
        let list = b"1 0 0:1 / / rw - overlay overlay rw\n3 1 0:3 / /run/my\\040keys ro - tmpfs tmpfs rw\n";
        let mounts = Mounts::listed(list, false);
        assert!(mounts.keep(Path::new("/run/my keys/key")));
        assert!(!mounts.keep(Path::new("/run/my")));
    }

    #[test]
    fn secret_is_trimmed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        for text in [
            "token",
            "token\n",
            "token\r\n",
            "\u{feff}token\n",
            " token ",
        ] {
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))
                .unwrap();
            assert_eq!(read_private(&path).unwrap().expose(), "token", "{text:?}");
        }
    }

    /// The layout of Kubernetes: the next version is another folder, and one link is changed.
    #[test]
    fn secret_is_read_again_when_its_links_change() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let time = std::time::SystemTime::UNIX_EPOCH;
        for (version, text) in [("..1", "first"), ("..2", "other")] {
            std::fs::create_dir(at(version)).unwrap();
            let path = at(version).join("key");
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
            let file = File::options().write(true).open(&path).unwrap();
            file.set_modified(time).unwrap();
        }
        symlink("..1", at("..data")).unwrap();
        symlink("..data/key", at("key")).unwrap();
        let before = version(&at("key"));
        assert_eq!(read_private(&at("key")).unwrap().expose(), "first");
        symlink("..2", at("..new")).unwrap();
        std::fs::rename(at("..new"), at("..data")).unwrap();
        assert_ne!(version(&at("key")), before);
        assert_eq!(read_private(&at("key")).unwrap().expose(), "other");
        std::fs::set_permissions(at("..2"), PermissionsExt::from_mode(0o777)).unwrap();
        let error = read_private(&at("key")).unwrap_err().to_string();
        assert!(
            error.contains("..2") && error.contains("chmod go-w"),
            "{error}"
        );
    }
}
