//! The stand-in as a process of its own, and places for compiled code.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// A key with every right.
pub(crate) const KEY: &str = crm_stand_in::twenty::keys::FULL_KEY;

/// The folder for compiled code of a process that this program starts.
pub(crate) const CACHE: &str = "CRM_FIGURES_CACHE";

/// A stand-in for Twenty.
pub(crate) struct Peer {
    process: Child,
    /// Its base URL.
    pub(crate) url: String,
}

impl Peer {
    pub(crate) fn start(options: &[&str]) -> Self {
        let program = std::env::var_os("CRM_STAND_IN_BIN")
            .expect("CRM_STAND_IN_BIN: run `cargo xtask bench`");
        let mut process = Command::new(program)
            .args(["twenty", "--json", "--until-stdin-closes"])
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("crm-stand-in starts");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("its output"))
            .read_line(&mut line)
            .expect("a line");
        let told: serde_json::Value = serde_json::from_str(&line).expect("a line of JSON");
        Self {
            process,
            url: told["url"].as_str().expect("a URL").to_owned(),
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// An empty folder for compiled code, this user's alone.
pub(crate) fn fresh_cache() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("crm-figures-{}-{number}", std::process::id()));
    std::os::unix::fs::DirBuilderExt::mode(&mut std::fs::DirBuilder::new(), 0o700)
        .create(&folder)
        .expect("a folder");
    folder
}

/// The folder for compiled code that this process uses.
pub(crate) fn cache() -> PathBuf {
    static FOLDER: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    FOLDER
        .get_or_init(|| std::env::var_os(CACHE).map_or_else(fresh_cache, PathBuf::from))
        .clone()
}
