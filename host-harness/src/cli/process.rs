//! Hardening of the process: no secrets left behind, and no end in the middle of a plan.

use rustix::process::{Resource, Rlimit, setrlimit};

/// Keeps secrets out of core files and away from other processes of the same user, and turns
/// reaching the file size limit into an error of the write, like a full disk.
pub(super) fn prepare() {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    if let Err(error) = setrlimit(Resource::Core, none) {
        tracing::warn!("a crash could leave secrets in a core file: {error}");
    }
    // Core files ignore the limit where a program takes them (core_pattern), and a debugger needs
    // no crash.
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
            tracing::warn!("other processes of this user could read secrets: {error}");
        }
    }
    #[expect(
        unsafe_code,
        reason = "no safe way to ignore a signal comes with the crates in use"
    )]
    // SAFETY: it runs no code of ours, and no other thread has been started yet.
    unsafe {
        // The default is to end the process, in the middle of a plan.
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
    }
}
