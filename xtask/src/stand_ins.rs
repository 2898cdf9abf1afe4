//! The stand-ins as a process of their own, for what shows or tries the programs against them.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use serde_json::Value;

/// A key that only the stand-in for Twenty takes.
pub const KEY: &str = "stand-in-full-key";

/// The stand-ins, which end with this process: they stop when their standard input closes.
pub struct StandIns {
    process: Child,
    /// The addresses and tokens that the stand-ins printed.
    told: Value,
}

impl StandIns {
    /// Starts all of them, each on a free port, `limited` in how much may be asked of them or not.
    pub fn start(program: &Path, limited: bool) -> Result<Self> {
        let mut command = Command::new(program);
        command.args(["all", "--json", "--until-stdin-closes"]);
        if !limited {
            command.arg("--no-rate-limit");
        }
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let mut line = String::new();
        if let Some(output) = process.stdout.take() {
            BufReader::new(output)
                .read_line(&mut line)
                .context("the stand-ins said nothing")?;
        }
        let told = serde_json::from_str(&line)
            .with_context(|| format!("the stand-ins did not say where they listen: {line:?}"))?;
        Ok(Self { process, told })
    }

    /// Something that they said.
    pub fn told(&self, pointer: &str) -> Result<String> {
        let value = self.told.pointer(pointer).and_then(Value::as_str);
        value
            .map(str::to_owned)
            .with_context(|| format!("the stand-ins did not say {pointer}"))
    }
}

impl Drop for StandIns {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        // They are on their way out; there is nothing to do about an error.
        let _ = self.process.wait();
    }
}
