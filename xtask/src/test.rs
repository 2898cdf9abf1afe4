//! `cargo xtask test`: everything that the tests need, then all tests, then one line with their
//! number.

use std::io::{BufRead, BufReader, Write};
use std::process::{ExitCode, Stdio};

use anyhow::{Context, Result};

use crate::programs::Programs;
use crate::toolchain::{Choice, Toolchain};
use crate::workspace::Workspace;
use crate::{component, guests, process};

/// Builds and tests. The last line of the standard output is `N passed, N failed`.
pub(crate) fn run(choice: Choice) -> Result<ExitCode> {
    let outcome = build_and_test(choice);
    let (tally, problem) = match outcome {
        Ok(Finished { tally, success }) => (tally, tally.problem(success).map(str::to_owned)),
        Err(error) => (TestCounts::default(), Some(format!("{error:#}"))),
    };
    if let Some(problem) = &problem {
        eprintln!("error: {problem}");
    }
    if tally.ignored > 0 {
        println!("{} ignored", tally.ignored);
    }
    println!("{} passed, {} failed", tally.passed, tally.failed);
    Ok(match problem {
        None => ExitCode::SUCCESS,
        Some(_) => ExitCode::FAILURE,
    })
}

/// The result of a cargo run.
struct Finished {
    tally: TestCounts,
    /// True if cargo called the run a success.
    success: bool,
}

fn build_and_test(choice: Choice) -> Result<Finished> {
    let workspace = Workspace::find()?;
    let toolchain = Toolchain::find(choice)?;
    eprintln!("== component");
    let component = component::build_skill(&workspace, toolchain)?;
    if !guests::folders(&workspace).is_empty() {
        eprintln!("== guests");
        guests::build_all(&workspace, toolchain)?;
    }
    eprintln!("== programs and tests");
    let programs = Programs::build(&workspace)?;
    eprintln!("== test");
    let mut cargo = process::cargo();
    cargo
        .current_dir(workspace.root())
        .args(["test", "--workspace", "--locked", "--no-fail-fast"])
        // What tests say of what they left out is part of the result.
        .args(["--", "--show-output"])
        .env("CRM_COMPONENT", component.path)
        .env("CRM_GUESTS", workspace.guests())
        .envs(programs.variables())
        .stdout(Stdio::piped());
    let mut child = cargo
        .spawn()
        .with_context(|| format!("cannot start `{}`", process::shown(&cargo)))?;
    let mut tally = TestCounts::default();
    if let Some(output) = child.stdout.take() {
        let mut screen = std::io::stdout().lock();
        for line in BufReader::new(output).split(b'\n') {
            let mut line = line.context("cannot read what the tests print")?;
            tally.count(&String::from_utf8_lossy(&line));
            line.push(b'\n');
            screen.write_all(&line)?;
        }
    }
    let success = child.wait()?.success();
    Ok(Finished { tally, success })
}

/// Sums over all test programs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct TestCounts {
    passed: u64,
    failed: u64,
    ignored: u64,
}

impl TestCounts {
    /// Adds a line such as `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered
    /// out; ...`.
    fn count(&mut self, line: &str) {
        let Some((_, counts)) = line
            .strip_prefix("test result: ")
            .and_then(|result| result.split_once(". "))
        else {
            return;
        };
        for count in counts.split("; ") {
            let Some((number, what)) = count.split_once(' ') else {
                continue;
            };
            let Ok(number) = number.parse::<u64>() else {
                continue;
            };
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.ignored += number,
                _ => {}
            }
        }
    }

    /// Returns the reason that the run is no success; `success` is what cargo says.
    fn problem(self, success: bool) -> Option<&'static str> {
        match (self.failed, self.passed, success) {
            (0, 0, true) => Some("no test ran"),
            (0, _, true) => None,
            (0, _, false) => {
                Some("a test program did not get to its end, or did not build; see above")
            }
            _ => Some("tests failed; see above"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_results_add_up() {
        let mut tally = TestCounts::default();
        for line in [
            "running 4 tests",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.00s",
            "test a_test ... ok",
            "note: 7 passed; 7 failed",
            "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.20s",
        ] {
            tally.count(line);
        }
        let expected = TestCounts {
            passed: 4,
            failed: 2,
            ignored: 1,
        };
        assert_eq!(tally, expected);
    }

    #[test]
    fn run_needs_passes_and_no_failures() {
        for (passed, failed, success, problem) in [
            (3, 0, true, None),
            (0, 0, true, Some("no test ran")),
            (3, 1, false, Some("tests failed")),
            (3, 1, true, Some("tests failed")),
            (3, 0, false, Some("a test program did not get to its end")),
        ] {
            let tally = TestCounts {
                passed,
                failed,
                ignored: 0,
            };
            let found = tally.problem(success);
            assert_eq!(found.is_some(), problem.is_some(), "{tally:?}");
            assert!(
                found.unwrap_or("").starts_with(problem.unwrap_or("")),
                "{tally:?}"
            );
        }
    }
}
