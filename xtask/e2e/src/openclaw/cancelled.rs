//! A call that OpenClaw cancels: the plugin stops waiting, and the action stops with it.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::process::Stdio;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::json;

use crate::{Context, last_lines};
use xtask::node::Node;

/// The plugin's own code, with a call that is cancelled.
const SCRIPT: &str = include_str!("cancelled.mjs");
/// The longest wait for the request: the harness may have to compile the component first.
const STARTING: Duration = Duration::from_secs(180);
/// The longest wait for anything else; an action by itself would take as long as its limit, which
/// is shorter, so that it would fail in another way.
const PATIENCE: Duration = Duration::from_secs(15);

/// Checks that the connection to a service that never answers is closed as soon as the call is
/// cancelled.
pub(super) fn check(context: &Context, node: &Node) -> Result<()> {
    let service = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let folder = context.workspace.target().join("e2e").join("cancelled");
    // What an earlier run accepted may be another component.
    match fs::remove_dir_all(folder.join("data")) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => fs::create_dir_all(&folder)?,
    }
    let script = folder.join("cancelled.mjs");
    fs::write(&script, SCRIPT)?;
    let handed = json!({
        "settings": {
            "component": context.component,
            "manifest": context.workspace.root().join("manifests/skill.toml"),
            "dataDir": folder.join("data"),
            "cacheDir": folder.join("code"),
            "allowLoopback": true,
        },
        "variables": {
            "TWENTY_API_URL": format!("http://{}", service.local_addr()?),
            "TWENTY_API_KEY": "a-key-that-nothing-takes",
        },
    });
    let log = folder.join("log");
    let mut process = node
        .command("node")?
        .arg(script)
        .arg(context.workspace.plugin())
        .arg(&context.harness)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(File::create(&log)?)
        .spawn()
        .context("cannot start node")?;
    let mut input = process.stdin.take().context("node has no standard input")?;
    writeln!(input, "{handed}")?;
    let (reached, reaching) = channel();
    thread::spawn(move || reached.send(service.accept()));
    let Ok(accepted) = reaching.recv_timeout(STARTING) else {
        process.kill()?;
        process.wait()?;
        bail!(
            "no request came\n{}",
            last_lines(&fs::read_to_string(&log)?)
        );
    };
    let (mut connection, _) = accepted?;
    connection.set_read_timeout(Some(PATIENCE))?;
    let mut request = [0; 1024];
    ensure!(connection.read(&mut request)? > 0, "no request came");
    writeln!(input)?;
    let mut said = String::new();
    let output = process
        .stdout
        .take()
        .context("node has no standard output")?;
    BufReader::new(output).read_line(&mut said)?;
    ensure!(said.trim() == "AbortError", "the call ended with {said:?}");
    let mut rest = Vec::new();
    connection
        .read_to_end(&mut rest)
        .context("the action goes on: its connection is not closed")?;
    ensure!(process.wait()?.success(), "the plugin's code failed");
    Ok(())
}
