//! Configuration from outside the files: environment variables and flags.

/// Looks up an environment variable.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Grants of the command line, besides those of an operator file.
#[derive(Debug, Clone, Copy, Default)]
pub struct Flags {
    /// Services may be on this machine.
    pub allow_loopback: bool,
}
