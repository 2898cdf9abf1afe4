//! Results of commands, and the reports about them.

use std::time::Duration;

use crm_harness::denial::Denial;

use super::render;

/// Interval at which a long-running program cleans up what it keeps.
pub(super) const UPKEEP: Duration = Duration::from_secs(60 * 60);

/// The result of a command.
pub(super) enum End {
    /// It did what was asked.
    Done,
    /// The action failed, or something is not in order.
    Failed,
}

/// An error of usage or configuration: exit code 2.
pub(super) struct Misuse {
    pub(super) code: &'static str,
    pub(super) error: anyhow::Error,
}

impl<E: Into<anyhow::Error>> From<E> for Misuse {
    fn from(error: E) -> Self {
        Self {
            code: "usage",
            error: error.into(),
        }
    }
}

impl Misuse {
    pub(super) fn new(code: &'static str, error: impl Into<anyhow::Error>) -> Self {
        Self {
            code,
            error: error.into(),
        }
    }
}

/// Describes an error and its causes, each once: many say their cause themselves.
pub(super) fn describe(error: &anyhow::Error) -> String {
    error.chain().fold(String::new(), |text, cause| {
        let cause = cause.to_string();
        match text.as_str() {
            "" => cause,
            known if known.contains(&cause) => text,
            known => format!("{known}: {cause}"),
        }
    })
}

/// Prints the denials, and what to do about them, for the operator.
pub(super) fn tell_denials(denials: &[Denial]) {
    for denial in denials {
        render::note(&format!(
            "refused ({}): {} {}",
            denial.code.as_str(),
            denial.reason,
            denial.fix
        ));
        if let Some(nearest) = &denial.nearest {
            render::note(&format!("the nearest rule is: {nearest}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot use it: {0}")]
    struct Repeats(#[from] std::io::Error);

    #[test]
    fn a_cause_is_told_once() {
        let error = || Repeats(std::io::Error::other("the disk is gone"));
        assert_eq!(describe(&error().into()), "cannot use it: the disk is gone");
        let error = Err::<(), _>(error()).context("nothing was done");
        assert_eq!(
            describe(&error.unwrap_err()),
            "nothing was done: cannot use it: the disk is gone"
        );
    }
}
