//! Checks owners and permissions of the files and directories that the harness relies on.
//!
//! | what | who may change it | who may read it |
//! |---|---|---|
//! | data directory | this user | this user; one that others can read is closed to them where it is ours |
//! | cache directory | this user | anybody |
//! | component, skill.toml, operator file, policies, `ca-file` | this user and root | anybody |
//! | a secret | see [`crate::outbound::secrets::secret`] | see there |
//!
//! A file can be changed by whoever may write to it or replace it: every directory and every link
//! on the path to it is checked. A directory in which everybody may create entries, such as /tmp,
//! is accepted if it is *sticky*, since others cannot replace our entries there. A group of the
//! user's own, without other members, does not count as *others*: many systems create files with
//! such a group by default.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{DirBuilder, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt as _};
use std::path::{Component, Path, PathBuf};
use std::sync::LazyLock;

use etcetera::BaseStrategy;
use thiserror::Error;

/// Most links on the path to a file, as in the kernel.
const LINKS_MAX: usize = 40;
/// Mode bits that let the group and everybody write.
const GROUP_WRITES: u32 = 0o020;
const OTHERS_WRITE: u32 = 0o002;
/// Mode bit that lets only their owners replace the entries of a directory.
const STICKY: u32 = 0o1000;
/// File names that only this program uses: a directory that holds one is in use as data directory.
const OURS: [&str; 5] = [
    "harness.sqlite3",
    "plans.sqlite3",
    "audit.head",
    "plan-locks",
    "accepted",
];

/// Error of a directory or a file that cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StorageError {
    /// It cannot be created or inspected.
    #[error("cannot use {}: {source}", path.display())]
    Io {
        /// The path.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The directory belongs to another user.
    #[error("{} belongs to another user: choose another directory", path.display())]
    Owner {
        /// The directory.
        path: PathBuf,
    },
    /// Others may write to the directory.
    #[error("others may write to {}: run `chmod 700` on it, or choose another directory", path.display())]
    Writable {
        /// The directory.
        path: PathBuf,
    },
    /// Others may read it, and it is not in use as data directory, so its mode is not changed.
    #[error("others may read {}: run `chmod 700` on it, or choose another directory", path.display())]
    Readable {
        /// The directory.
        path: PathBuf,
    },
    /// It is a link, or not a directory.
    #[error("{} is not a directory: choose another one", path.display())]
    NotADirectory {
        /// The path.
        path: PathBuf,
    },
    /// Others may change the file, or a part of the path to it.
    #[error(
        "others than you and root could change {}: {} {why}. {fix}",
        path.display(),
        part.display()
    )]
    Exposed {
        /// The requested path.
        path: PathBuf,
        /// The part of it that others may change.
        part: PathBuf,
        /// The reason for which they may.
        why: &'static str,
        /// The fix.
        fix: String,
    },
    /// It lies on a file system where SQLite cannot lock files between processes.
    #[error(
        "{} lies on {kind}, where the database can be damaged: files there are not locked or shared in memory as it needs them. Choose a directory on a local disk with --data-dir",
        path.display()
    )]
    Shared {
        /// The directory.
        path: PathBuf,
        /// The kind of file system.
        kind: &'static str,
    },
}

/// Returns the user's data directory for this program (audit log, accepted versions), if the system
/// defines one.
#[must_use]
pub fn default_directory() -> Option<PathBuf> {
    etcetera::choose_base_strategy()
        .ok()
        .map(|base| base.data_dir().join("crm-harness"))
}

/// Creates the directory with mode 0700 if it is missing, and checks that nobody else can change
/// its entries or the path to it. Returns its absolute path.
///
/// # Errors
/// Returns an error if it cannot be used.
pub fn private_directory(path: &Path) -> Result<PathBuf, StorageError> {
    let io = |source| StorageError::Io {
        path: path.to_owned(),
        source,
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(io)?;
    // Links are refused: others could change their target.
    let metadata = path.symlink_metadata().map_err(io)?;
    check(path, &metadata)?;
    unchanged_by_others(path)
}

/// Creates or opens the data directory: a [`private_directory`] that nobody else can read, on a
/// file system on which databases are safe. Others lose access to one that is in use by this
/// program.
///
/// # Errors
/// Returns an error if it cannot be used.
pub fn data_directory(path: &Path) -> Result<PathBuf, StorageError> {
    let path = private_directory(path)?;
    let io = |source| StorageError::Io {
        path: path.clone(),
        source,
    };
    if let Some(kind) = file_system(&path).map_err(io)? {
        return Err(StorageError::Shared { path, kind });
    }
    let metadata = path.metadata().map_err(io)?;
    if metadata.mode() & 0o077 != 0 {
        let mut entries = path.read_dir().map_err(io)?.peekable();
        let in_use = entries.peek().is_none()
            || entries.any(|entry| {
                entry.is_ok_and(|entry| OURS.iter().any(|ours| entry.file_name() == *ours))
            });
        // A directory with another use, such as a home directory, keeps its mode.
        if !in_use {
            return Err(StorageError::Readable { path });
        }
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).map_err(io)?;
        tracing::warn!(
            "{} was readable by others: it is mode 700 now",
            path.display()
        );
    }
    Ok(path)
}

/// Returns true if nothing can be written to an existing directory: it is a copy, or on a read-only
/// disk.
#[must_use]
pub fn is_read_only(path: &Path) -> bool {
    use rustix::fs::{Access, access};
    path.is_dir() && access(path, Access::WRITE_OK | Access::EXEC_OK).is_err()
}

/// Reads a file that the harness relies on, after a check that nobody but this user and root could
/// have changed it.
///
/// # Errors
/// Returns an error if others could have changed it, or it cannot be read.
pub fn read_trusted(path: &Path) -> Result<Vec<u8>, StorageError> {
    let found = unchanged_by_others(path)?;
    std::fs::read(&found).map_err(|source| StorageError::Io {
        path: path.to_owned(),
        source,
    })
}

/// Reads a text as [`read_trusted`] does.
///
/// # Errors
/// Returns an error if others could have changed it, or it cannot be read as text.
pub fn read_trusted_text(path: &Path) -> Result<String, StorageError> {
    String::from_utf8(read_trusted(path)?).map_err(|_| StorageError::Io {
        path: path.to_owned(),
        source: io::Error::new(io::ErrorKind::InvalidData, "it is not text in UTF-8"),
    })
}

/// Follows a path step by step and checks that nobody but this user and root can change any part of
/// it. Returns the path that it leads to, without links.
///
/// # Errors
/// Returns the part that others can change, and a fix.
pub fn unchanged_by_others(path: &Path) -> Result<PathBuf, StorageError> {
    checked(path, &|_| true)
}

/// Checks the path to a file as [`unchanged_by_others`] does, but not the file itself.
pub(crate) fn lies_safely(path: &Path) -> Result<PathBuf, StorageError> {
    checked(path, &|metadata| !metadata.is_file())
}

fn checked(path: &Path, counts: &dyn Fn(&Metadata) -> bool) -> Result<PathBuf, StorageError> {
    follow(path, &mut |part, metadata| {
        if !counts(metadata) {
            return Ok(());
        }
        let exposed = exposed(metadata, *USER, &|group| OWN_GROUPS.contains(&group));
        exposed.map_or(Ok(()), |(why, fix)| {
            let bare = part.display().to_string();
            let shown = shlex::try_quote(&bare).map_or_else(|_| bare.clone(), Into::into);
            Err(StorageError::Exposed {
                path: path.to_owned(),
                part: part.to_owned(),
                why,
                fix: fix.replace("{}", &shown),
            })
        })
    })
}

/// Passes every part of a path, links included, to `look`: first the directories, then the file
/// itself. Returns the path that it leads to, without links.
pub(crate) fn follow(
    path: &Path,
    look: &mut dyn FnMut(&Path, &Metadata) -> Result<(), StorageError>,
) -> Result<PathBuf, StorageError> {
    let io = |source| StorageError::Io {
        path: path.to_owned(),
        source,
    };
    let absolute = std::path::absolute(path).map_err(io)?;
    let mut at = PathBuf::from("/");
    look(&at, &at.symlink_metadata().map_err(io)?)?;
    let mut ahead: Vec<OsString> = parts(&absolute);
    let mut links = 0;
    while let Some(part) = ahead.pop() {
        if part == ".." {
            at.pop();
            continue;
        }
        let next = at.join(&part);
        let metadata = next.symlink_metadata().map_err(io)?;
        look(&next, &metadata)?;
        if metadata.is_symlink() {
            links += 1;
            if links > LINKS_MAX {
                return Err(io(io::Error::other("too many links lead to it")));
            }
            let target = next.read_link().map_err(io)?;
            if target.is_absolute() {
                at = PathBuf::from("/");
            }
            ahead.extend(parts(&target));
        } else {
            at = next;
        }
    }
    Ok(at)
}

/// Returns the parts of a path, the last one first.
fn parts(path: &Path) -> Vec<OsString> {
    let named = path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsString::from("..")),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    });
    let mut parts: Vec<_> = named.collect();
    parts.reverse();
    parts
}

/// Returns the reason for which others can change a file, a link or the entries of a directory, and
/// a fix; `None` if they cannot.
fn exposed(
    metadata: &Metadata,
    user: u32,
    is_own_group: &dyn Fn(u32) -> bool,
) -> Option<(&'static str, &'static str)> {
    if ![user, 0].contains(&metadata.uid()) {
        return Some((
            "belongs to another user",
            "Use a file that is yours, in a directory that is yours",
        ));
    }
    if metadata.is_symlink() {
        return None;
    }
    let mode = metadata.mode();
    let sticky = metadata.is_dir() && mode & STICKY != 0;
    if mode & OTHERS_WRITE != 0 && !sticky {
        return Some(("is writable by everybody", "Run `chmod go-w {}`"));
    }
    if mode & GROUP_WRITES != 0 && !sticky && !is_own_group(metadata.gid()) {
        return Some(("is writable by its group", "Run `chmod g-w {}`"));
    }
    None
}

/// The user that this process runs as.
static USER: LazyLock<u32> = LazyLock::new(|| rustix::process::geteuid().as_raw());

/// The groups without other members than this user.
static OWN_GROUPS: LazyLock<HashSet<u32>> = LazyLock::new(|| {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    own_groups(*USER, &read("/etc/passwd"), &read("/etc/group"))
});

/// Parses the system's lists of users and groups, and returns the groups without other members than
/// this user (and root, who may change anything). A group that they do not list is not among them.
fn own_groups(user: u32, users: &str, groups: &str) -> HashSet<u32> {
    let fields = |line: &'_ str| line.split(':').map(str::to_owned).collect::<Vec<_>>();
    let number = |fields: &[String], at: usize| fields.get(at)?.parse::<u32>().ok();
    let users: Vec<_> = users.lines().map(fields).collect();
    let name_of = |user: u32| {
        let found = users.iter().find(|fields| number(fields, 2) == Some(user));
        found.and_then(|fields| fields.first().cloned())
    };
    let names = [name_of(user), name_of(0)];
    let own = |group: &Vec<String>| {
        let id = number(group, 2)?;
        let members = group.get(3)?.split(',').filter(|name| !name.is_empty());
        let alone = members
            .map(|name| Some(name.to_owned()))
            .all(|name| names.contains(&name));
        let others = users
            .iter()
            .filter(|fields| number(fields, 3) == Some(id))
            .any(|fields| ![Some(user), Some(0)].contains(&number(fields, 2)));
        (alone && !others).then_some(id)
    };
    groups
        .lines()
        .map(fields)
        .filter_map(|group| own(&group))
        .collect()
}

/// Returns the kind of a file system on which SQLite's write-ahead log is not safe: one that
/// several machines share, or that a program serves.
fn file_system(path: &Path) -> io::Result<Option<&'static str>> {
    #[cfg(target_os = "linux")]
    {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::unnecessary_cast,
            reason = "the numbers have 32 bits; the field's type differs between platforms"
        )]
        let kind = rustix::fs::statfs(path)?.f_type as u32;
        Ok(shared_file_system(kind))
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = path;
        Ok(None)
    }
}

/// Returns the name of a file system on which the log is not safe, by its magic number (statfs(2)).
/// virtiofs has FUSE's.
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "of Linux"))]
const fn shared_file_system(magic: u32) -> Option<&'static str> {
    Some(match magic {
        0x6573_5546 => "a FUSE or virtiofs file system",
        0x0000_6969 => "NFS",
        0x0102_1997 => "a 9p file system",
        0xff53_4d42 => "CIFS",
        0xfe53_4d42 | 0x0000_517b => "SMB",
        0x5346_414f | 0x6b41_4653 => "AFS",
        0x00c3_6400 => "Ceph",
        0x7375_7245 => "Coda",
        0x0bd0_0bd0 => "Lustre",
        0x4750_4653 => "GPFS",
        0x1983_0326 => "BeeGFS",
        0x7461_636f => "OCFS2",
        0x0116_1970 => "GFS2",
        0x786f_4256 => "a VirtualBox shared folder",
        0xbacb_acbc => "a VMware shared folder",
        0x7c7c_6673 => "a Parallels shared folder",
        _ => return None,
    })
}

/// Creates a file with mode 0600 if it is missing; SQLite gives the files beside its database the
/// same mode.
pub(crate) fn private_file(path: &Path) -> io::Result<()> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
        .map(|_| ())
}

fn check(path: &Path, metadata: &Metadata) -> Result<(), StorageError> {
    let path = path.to_owned();
    if !metadata.is_dir() {
        return Err(StorageError::NotADirectory { path });
    }
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(StorageError::Owner { path });
    }
    if metadata.mode() & 0o022 != 0 {
        return Err(StorageError::Writable { path });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, set_permissions};

    use super::*;

    fn mode(path: &Path, mode: u32) {
        set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn new_directory_is_private_writable_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        private_directory(&path).unwrap();
        assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o700);
        mode(&path, 0o770);
        assert!(matches!(
            private_directory(&path),
            Err(StorageError::Writable { .. })
        ));
        mode(&path, 0o755);
        private_directory(&path).unwrap();
    }

    #[test]
    fn a_link_and_a_file_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link, file) = (
            folder.path().join("real"),
            folder.path().join("link"),
            folder.path().join("file"),
        );
        private_directory(&real).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        assert!(matches!(
            private_directory(&link),
            Err(StorageError::NotADirectory { .. })
        ));
        std::fs::write(&file, "").unwrap();
        assert!(private_directory(&file).is_err());
    }

    #[test]
    fn a_data_directory_is_closed_to_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        for (entry, closed) in [
            (None, true),
            (Some("photos"), false),
            (Some("audit.head"), true),
        ] {
            std::fs::create_dir_all(&path).unwrap();
            if let Some(entry) = entry {
                std::fs::write(path.join(entry), "").unwrap();
            }
            mode(&path, 0o755);
            let found = data_directory(&path);
            let expected = if closed { 0o700 } else { 0o755 };
            assert_eq!(
                path.metadata().unwrap().mode() & 0o777,
                expected,
                "{entry:?}"
            );
            assert_eq!(found.is_ok(), closed, "{entry:?}");
        }
    }

    /// Every directory on the path to a file counts, also on the path to a link's target.
    #[test]
    fn what_others_could_replace_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["a/b", "c"] {
            std::fs::create_dir_all(at(name)).unwrap();
        }
        std::fs::write(at("a/b/file"), "text").unwrap();
        std::os::unix::fs::symlink("../a/b/file", at("c/link")).unwrap();
        std::os::unix::fs::symlink(at("c/link"), at("far")).unwrap();
        for path in ["a/b/file", "c/link", "far", "c/../a/b/file"] {
            assert_eq!(read_trusted_text(&at(path)).unwrap(), "text", "{path}");
        }
        let all: &[&str] = &["a/b/file", "c/link", "far"];
        for (exposed, mode_of_it, through) in [
            ("a/b/file", 0o646, all),
            ("a/b", 0o757, all),
            ("a", 0o757, all),
            ("c", 0o757, &all[1..]),
            // Only its owner can replace an entry of a sticky directory.
            ("a", 0o1777, &[]),
        ] {
            let before = at(exposed).metadata().unwrap().mode();
            mode(&at(exposed), mode_of_it);
            for path in all {
                let found = read_trusted(&at(path));
                assert_eq!(found.is_err(), through.contains(path), "{exposed}: {path}");
                if let Err(error) = found {
                    let error = error.to_string();
                    assert!(
                        error.contains(&at(exposed).display().to_string())
                            && error.contains("chmod go-w"),
                        "{error}"
                    );
                }
            }
            mode(&at(exposed), before);
        }
    }

    #[test]
    fn a_loop_of_links_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::os::unix::fs::symlink(&path, &path).unwrap();
        assert!(read_trusted(&path).is_err());
    }

    #[test]
    fn only_a_group_without_others_is_the_users_own() {
        let users = "root:x:0:0::/root:/bin/sh\nrobin:x:1000:1000::/home/robin:/bin/sh\nsam:x:1001:1001::/:/bin/sh\nkim:x:1002:100::/:/bin/sh\n";
        let groups = "root:x:0:\nusers:x:100:\nrobin:x:1000:\nsam:x:1001:\nstaff:x:50:robin,sam\nsudo:x:27:robin\nown:x:60:robin,root\n";
        let mut own: Vec<_> = own_groups(1000, users, groups).into_iter().collect();
        own.sort_unstable();
        // A group without listed members may still be somebody's primary group, as `users` and
        // `sam` are.
        assert_eq!(own, [0, 27, 60, 1000]);
        assert!(own_groups(1000, "", "").is_empty());
    }

    #[test]
    fn a_file_of_another_user_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let metadata = file.metadata().unwrap();
        let own = metadata.uid();
        let anybody = |_: u32| false;
        assert_eq!(exposed(&metadata, own, &anybody), None);
        if own != 0 {
            let (why, _) = exposed(&metadata, own + 1, &anybody).unwrap();
            assert!(why.contains("another user"));
        }
        mode(&file, 0o664);
        let metadata = file.metadata().unwrap();
        assert!(exposed(&metadata, own, &anybody).is_some());
        assert!(exposed(&metadata, own, &|group| group == metadata.gid()).is_none());
    }

    #[test]
    fn shared_file_systems_are_named() {
        for (magic, name) in [
            (0x6573_5546, Some("FUSE")),
            (0x6969, Some("NFS")),
            (0x0102_1997, Some("9p")),
            (0xff53_4d42, Some("CIFS")),
            // ext4, XFS, Btrfs, tmpfs, overlayfs, ZFS
            (0xef53, None),
            (0x5846_5342, None),
            (0x9123_683e, None),
            (0x0102_1994, None),
            (0x794c_7630, None),
            (0x2fc1_2fc1, None),
        ] {
            let found = shared_file_system(magic);
            assert_eq!(found.is_some(), name.is_some(), "{magic:x}");
            assert!(found.unwrap_or_default().contains(name.unwrap_or_default()));
        }
    }
}
