//! An MCP server as a process of its own, asked over standard input and output.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use wait_timeout::ChildExt;

use crate::{family, process};

/// The longest that a server may take to end once its input has ended.
const ENDING: Duration = Duration::from_secs(10);

/// A server that has begun.
pub(super) struct Server {
    process: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    id: u64,
}

/// A search: which tool finds what, and what has to be in its answer.
pub(super) struct Search {
    pub(super) tool: &'static str,
    pub(super) arguments: Value,
    pub(super) finds: &'static [&'static str],
}

impl Server {
    /// Starts one, and says how long it took to answer `initialize`. What it says beside its
    /// answers goes into `log`.
    pub(super) fn start(command: &mut Command, log: &Path) -> Result<(Self, Duration)> {
        let log = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        let begun = Instant::now();
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start `{}`", process::shown(command)))?;
        let output = process.stdout.take().context("it has no standard output")?;
        let mut server = Self {
            input: process.stdin.take(),
            output: BufReader::new(output),
            process,
            id: 0,
        };
        let client = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}});
        server.ask("initialize", &client)?;
        let took = begun.elapsed();
        server.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))?;
        Ok((server, took))
    }

    /// The size of what `tools/list` says, schemas of answers left out: not all servers have them.
    pub(super) fn listing(&mut self) -> Result<usize> {
        let (mut listed, _) = self.ask("tools/list", &json!({}))?;
        let tools = listed.get_mut("tools").and_then(Value::as_array_mut);
        let tools = tools.context("it lists no tools")?;
        for tool in tools.iter_mut().filter_map(Value::as_object_mut) {
            tool.remove("outputSchema");
        }
        Ok(Value::Array(std::mem::take(tools)).to_string().len())
    }

    /// Searches, and says how long that took.
    pub(super) fn search(&mut self, search: &Search) -> Result<Duration> {
        let params = json!({"name": search.tool, "arguments": search.arguments});
        let (result, took) = self.ask("tools/call", &params)?;
        let text = result.pointer("/content/0/text").and_then(Value::as_str);
        for wanted in search.finds {
            ensure!(
                text.is_some_and(|text| text.contains(wanted)),
                "{} does not find {wanted}: {result}",
                search.tool
            );
        }
        Ok(took)
    }

    /// Memory of it and of the processes that it has started, in KiB.
    pub(super) fn resident(&self) -> Result<u64> {
        let id = self.process.id();
        let below = family::below(id)?;
        let ids = std::iter::once(id).chain(below.into_iter().map(|process| process.id));
        ids.map(resident).sum()
    }

    fn ask(&mut self, method: &str, params: &Value) -> Result<(Value, Duration)> {
        self.id += 1;
        let message = json!({"jsonrpc": "2.0", "id": self.id, "method": method, "params": params});
        let begun = Instant::now();
        self.send(&message)?;
        loop {
            let mut line = String::new();
            let read = self.output.read_line(&mut line);
            let took = begun.elapsed();
            if read.context("it cannot be read from")? == 0 {
                bail!("it has ended without an answer to {method}");
            }
            let mut answer: Value = serde_json::from_str(&line)
                .with_context(|| format!("it says something else than JSON: {line}"))?;
            // Beside answers there may be progress, log messages, and requests with numbers of
            // their own.
            let id = answer.get("id").and_then(Value::as_u64);
            if id != Some(self.id) || answer.get("method").is_some() {
                continue;
            }
            return match answer.get_mut("result") {
                Some(result) => Ok((result.take(), took)),
                None => bail!("no result of {method}: {answer}"),
            };
        }
    }

    fn send(&mut self, message: &Value) -> Result<()> {
        let mut line = message.to_string();
        line.push('\n');
        let input = self.input.as_mut().context("its input has ended")?;
        input
            .write_all(line.as_bytes())
            .context("it takes no message")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.input.take());
        if !matches!(self.process.wait_timeout(ENDING), Ok(Some(_))) {
            // It may have ended in this very moment; there is nothing to do about either error.
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
    }
}

/// Resident memory of one process, in KiB.
fn resident(id: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status"))
        .context("a process has ended while its memory was measured")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
    number.with_context(|| format!("the memory of process {id} is not told"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_includes_child_processes() {
        let own = std::process::id();
        let mut child = Command::new("sleep")
            .arg("60")
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let below = family::below(own).unwrap();
        assert!(below.iter().any(|process| process.id == child.id()));
        assert!(resident(own).unwrap() > 0);
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
