//! A real OpenClaw with the plugin in it, on loopback, with a state folder of its own and no model.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::{Context, finished, last_lines};
use xtask::family;
use xtask::node::Node;

/// The plugin.
pub(super) const PLUGIN: &str = "crm-claw";
pub(super) const TOKEN: &str = "for-this-gateway-on-loopback-alone";
/// Longest that a gateway takes to be ready, and to be over.
const PATIENCE: Duration = Duration::from_secs(180);
/// The pause between two polls for readiness.
const PAUSE: Duration = Duration::from_millis(200);

/// OpenClaw, installed, with a state folder.
pub(super) struct OpenClaw<'a> {
    node: &'a Node,
    app: PathBuf,
    pub(super) state: PathBuf,
    port: u16,
}

impl<'a> OpenClaw<'a> {
    /// A new state folder beside nothing else, with a configuration for loopback.
    pub(super) fn new(context: &Context, node: &'a Node, app: PathBuf) -> Result<Self> {
        let state = context.workspace.target().join("e2e").join("openclaw");
        if state.exists() {
            fs::remove_dir_all(&state)
                .with_context(|| format!("cannot empty {}", state.display()))?;
        }
        for folder in [state.join(".openclaw"), state.join("tmp")] {
            fs::create_dir_all(&folder)
                .with_context(|| format!("cannot make {}", folder.display()))?;
        }
        // Free now; nobody else here takes ports meanwhile.
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
            .local_addr()?
            .port();
        let openclaw = Self {
            node,
            app,
            state,
            port,
        };
        openclaw.configure(|config| {
            *config = json!({"gateway": {
                "mode": "local", "bind": "loopback", "port": port,
                "auth": {"mode": "token", "token": TOKEN},
            }});
        })?;
        Ok(openclaw)
    }

    fn config(&self) -> PathBuf {
        self.state.join(".openclaw").join("openclaw.json")
    }

    /// Returns the folder of the plugin's harness.
    pub(super) fn data(&self) -> PathBuf {
        self.state.join(".openclaw").join(PLUGIN)
    }

    /// Changes the configuration file.
    pub(super) fn configure(&self, change: impl FnOnce(&mut Value)) -> Result<()> {
        let path = self.config();
        let mut config = match fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text).context("openclaw.json is no JSON")?,
            Err(_) => json!({}),
        };
        change(&mut config);
        fs::write(&path, config.to_string())
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// Returns its command line. The system ends what was started so with this process, however it
    /// ends: a gateway that is left would hold its port and write to its state folder.
    pub(super) fn command(&self, arguments: &[&str]) -> Result<Command> {
        let openclaw = self.node.program(&self.app, "openclaw")?;
        let mut command = self.node.command("setpriv")?;
        command
            .args(["--pdeathsig", "KILL", "--"])
            .arg(openclaw.get_program())
            .args(arguments)
            .env("HOME", &self.state)
            .env("OPENCLAW_STATE_DIR", self.state.join(".openclaw"))
            .env("OPENCLAW_CONFIG_PATH", self.config())
            .env("TMPDIR", self.state.join("tmp"));
        Ok(command)
    }

    /// Returns a command that runs a script by its Node.
    pub(super) fn script(&self, name: &str, text: &str) -> Result<Command> {
        let path = self.state.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        let mut command = self.node.command("node")?;
        command.arg(path);
        Ok(command)
    }

    /// Runs a command of it to its end; what it printed.
    pub(super) fn run(&self, arguments: &[&str]) -> Result<String> {
        let output = finished(&mut self.command(arguments)?)?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            bail!(
                "`openclaw {}` failed ({})\n{}",
                arguments.join(" "),
                output.status,
                last_lines(&format!("{printed}\n{said}"))
            );
        }
        Ok(printed)
    }

    /// Starts the gateway with these variables for its secrets, and waits until it is ready.
    pub(super) fn start(&self, secrets: &[(&str, &str)]) -> Result<Gateway> {
        let log = self.state.join("gateway.log");
        let output =
            File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let port = self.port.to_string();
        let mut command =
            self.command(&["gateway", "run", "--port", &port, "--bind", "loopback"])?;
        let process = command
            .envs(secrets.iter().copied())
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .context("cannot start the gateway")?;
        let mut gateway = Gateway {
            process,
            port: self.port,
            log,
        };
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if ureq::get(gateway.url("/readyz")).call().is_ok() {
                return Ok(gateway);
            }
            if let Some(status) = gateway.process.try_wait()? {
                bail!(
                    "the gateway has ended ({status})\n{}",
                    last_lines(&gateway.said()?)
                );
            }
            std::thread::sleep(PAUSE);
        }
        bail!(
            "the gateway was not ready in time\n{}",
            last_lines(&gateway.said()?)
        )
    }
}

/// The gateway, until it is stopped or dropped.
pub(super) struct Gateway {
    process: Child,
    pub(super) port: u16,
    log: PathBuf,
}

/// The result of a tool call.
pub(super) struct Invoked {
    pub(super) status: u16,
    pub(super) body: Value,
}

impl Invoked {
    /// The text for the assistant.
    pub(super) fn text(&self) -> &str {
        let text = self.body.pointer("/result/content/0/text");
        text.and_then(Value::as_str).unwrap_or_default()
    }

    /// A member of the plugin's own data.
    pub(super) fn data(&self, pointer: &str) -> &Value {
        let data = self.body.pointer("/result/details/crm");
        data.and_then(|data| data.pointer(pointer))
            .unwrap_or(&Value::Null)
    }
}

impl Gateway {
    pub(super) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Calls a tool as the gateway's own clients do.
    pub(super) fn invoke(&self, tool: &str, arguments: &Value) -> Result<Invoked> {
        let mut answer = ureq::post(self.url("/tools/invoke"))
            .config()
            .http_status_as_error(false)
            .build()
            .header("authorization", format!("Bearer {TOKEN}"))
            .content_type("application/json")
            .send(json!({"tool": tool, "args": arguments}).to_string())
            .with_context(|| format!("cannot call {tool}"))?;
        let status = answer.status().as_u16();
        let text = answer.body_mut().read_to_string()?;
        let body = serde_json::from_str(&text)
            .with_context(|| format!("the gateway's answer is no JSON: {text}"))?;
        Ok(Invoked { status, body })
    }

    /// Everything that it has logged.
    pub(super) fn said(&self) -> Result<String> {
        fs::read_to_string(&self.log).context("cannot read the gateway's log")
    }

    /// The harnesses that run below it, by their process ids.
    pub(super) fn harnesses(&self) -> Result<Vec<u32>> {
        let below = family::below(self.process.id())?;
        let harnesses = below
            .into_iter()
            .filter(|process| process.name == "crm-harness");
        Ok(harnesses.map(|process| process.id).collect())
    }

    /// Asks it to end, and waits until it has.
    pub(super) fn stop(mut self) -> Result<()> {
        signal(self.process.id(), "TERM")?;
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if self.process.try_wait()?.is_some() {
                return Ok(());
            }
            std::thread::sleep(PAUSE);
        }
        bail!("the gateway does not end")
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It may have ended already; there is nothing to do about either error.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Sends a signal by the system's own program.
pub(super) fn signal(pid: u32, name: &str) -> Result<()> {
    let status = Command::new("kill")
        .args(["-s", name, &pid.to_string()])
        .status()?;
    if !status.success() {
        bail!("process {pid} cannot be sent {name}");
    }
    Ok(())
}

/// Returns the command line and the environment that a process was started with.
pub(super) fn started_with(pid: u32) -> Result<(String, String)> {
    let read = |name: &str| {
        let path = Path::new("/proc").join(pid.to_string()).join(name);
        let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok::<_, anyhow::Error>(String::from_utf8_lossy(&bytes).into_owned())
    };
    Ok((read("cmdline")?, read("environ")?))
}
