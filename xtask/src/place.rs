//! The harness under an operator file, beside stand-ins of the services, in a folder of its own:
//! what end-to-end checks and comparisons work with.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::{fs, thread};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::stand_ins::{KEY, StandIns};

/// The caller: a member of the sample workspace.
pub const CALLER: &str = "robin";

/// The parts of a place.
pub struct Parts<'p> {
    /// The harness program.
    pub harness: &'p Path,
    /// The program of the stand-ins.
    pub stand_in: &'p Path,
    /// The component to run.
    pub component: &'p Path,
    /// The skill manifest.
    pub manifest: &'p Path,
    /// A folder that this may empty and fill.
    pub folder: PathBuf,
    /// True if the stand-ins limit the rate of requests, as the services do.
    pub limited: bool,
}

/// The folder, and the stand-ins, which run as long as it is used.
pub struct Place {
    folder: PathBuf,
    program: PathBuf,
    /// Leading arguments of every call of the program.
    arguments: Vec<OsString>,
    /// The caller's, for the HTTP front.
    pub token: String,
    services: StandIns,
}

impl Place {
    /// Starts the stand-ins and writes an operator file that accepts the component.
    pub fn new(parts: Parts<'_>) -> Result<Self> {
        let Parts {
            harness,
            stand_in,
            component,
            manifest,
            folder,
            limited,
        } = parts;
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot empty {}", folder.display()));
            }
            _ => {}
        }
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let services = StandIns::start(stand_in, limited)?;
        let operator = folder.join("operator.toml");
        let arguments = [
            ("--component", component.to_owned()),
            ("--manifest", manifest.to_owned()),
            ("--operator", operator.clone()),
            ("--data-dir", folder.join("data")),
            ("--cache-dir", folder.join("code")),
        ];
        let arguments = arguments
            .into_iter()
            .flat_map(|(name, value)| [OsString::from(name), value.into()])
            .collect();
        let mut place = Self {
            program: harness.to_owned(),
            arguments,
            token: String::new(),
            services,
            folder,
        };
        let key = place.write("twenty.key", KEY)?;
        // Without a token nobody comes in over HTTP; making one needs no operator file.
        let mut making = Command::new(&place.program);
        let made = answer(making.args(["--json", "token", "new", "--caller", CALLER]))?;
        place.token = member(&made, "token")?.to_owned();
        let url = place.url()?;
        let text = format!(
            "[destinations.twenty]\norigin = {}\nsecret = {}\nallow-loopback = true\n\n\
             [callers.{CALLER}]\nemail = \"robin@example.com\"\nname = \"Robin Hale\"\nrole = \"member\"\n\
             teams = [\"north\"]\ntime-zone = \"America/New_York\"\ntokens = [{}]\n",
            json!(url),
            json!(format!("file:{}", key.display())),
            json!(member(&made, "stored")?),
        );
        place.write("operator.toml", &text)?;
        let mut trust = place.harness();
        let trusted = trust
            .args(["trust", "--accept"])
            .output()
            .with_context(|| format!("cannot start {}", place.program.display()))?;
        if !trusted.status.success() {
            bail!(
                "`crm-harness trust` failed:\n{}",
                String::from_utf8_lossy(&trusted.stderr)
            );
        }
        Ok(place)
    }

    /// The program, with what every call begins with.
    pub fn harness(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).current_dir(&self.folder);
        command
    }

    /// The words that start the server for one client over standard input and output.
    pub fn stdio_server(&self) -> Vec<OsString> {
        let mut words = vec![self.program.clone().into_os_string()];
        words.extend(self.arguments.clone());
        words.extend(["--caller", CALLER, "mcp"].map(OsString::from));
        words
    }

    /// Returns the address of the stand-in for Twenty.
    pub fn url(&self) -> Result<String> {
        self.services.told("/twenty/url")
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes a file that only this user can read.
    fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.path(name);
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        options
            .open(&path)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }

    /// Starts the server over HTTP, which may also be reached under this address.
    pub fn serve(&self, also: Option<SocketAddr>) -> Result<Served> {
        let mut command = self.harness();
        command.args(["serve", "--listen", "127.0.0.1:0"]);
        if let Some(also) = also {
            command.arg("--host").arg(also.to_string());
        }
        let mut process = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", self.program.display()))?;
        let errors = process.stderr.take().context("it has no standard error")?;
        let mut served = Served {
            process,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
        };
        let mut said = Vec::new();
        let mut lines = BufReader::new(errors).lines().map_while(Result::ok);
        for line in lines.by_ref() {
            let address = line
                .split_once("http://")
                .and_then(|(_, url)| url.strip_suffix("/mcp")?.parse().ok());
            if let Some(address) = address {
                served.address = address;
                // What it says later must not fill the pipe.
                thread::spawn(move || lines.for_each(drop));
                return Ok(served);
            }
            said.push(line);
        }
        bail!("`crm-harness serve` does not listen:\n{}", said.join("\n"))
    }
}

/// The server over HTTP, until it is dropped.
pub struct Served {
    process: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Served {
    /// Returns the address as a URL.
    pub fn url(&self) -> String {
        url(self.address)
    }
}

/// Returns the URL of the protocol's endpoint at this address.
pub fn url(address: SocketAddr) -> String {
    format!("http://{address}/mcp")
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already; there is nothing to do about either error.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns the capabilities and the tools that the server reports over standard input and output.
pub fn introduced(server: &mut Command) -> Result<(Value, Vec<Value>)> {
    let mut process = server
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot start `{}`", crate::process::shown(server)))?;
    let mut input = process.stdin.take().context("it has no standard input")?;
    let output = process.stdout.take().context("it has no standard output")?;
    let client = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "xtask", "version": "1"}});
    for message in [
        json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": client}),
        json!({"jsonrpc": "2.0", "method": "notifications/initialized"}),
        json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"}),
    ] {
        writeln!(input, "{message}").context("the server takes no message")?;
    }
    let mut answers = BufReader::new(output).lines();
    let mut answer = || -> Result<Value> {
        let line = answers.next().context("the server gives no answer")??;
        let message: Value = serde_json::from_str(&line).context("an answer is no JSON")?;
        let result = message.get("result").cloned();
        result.with_context(|| format!("no result: {message}"))
    };
    let able = answer()?.get("capabilities").cloned().unwrap_or_default();
    let listed = answer()?;
    drop(input);
    process.wait().context("the server does not end")?;
    let tools = listed.get("tools").and_then(Value::as_array).cloned();
    Ok((able, tools.unwrap_or_default()))
}

fn answer(command: &mut Command) -> Result<Value> {
    let output = command
        .output()
        .with_context(|| format!("cannot start `{}`", crate::process::shown(command)))?;
    serde_json::from_slice(&output.stdout).with_context(|| {
        format!(
            "`{}` does not answer in JSON: {}",
            crate::process::shown(command),
            String::from_utf8_lossy(&output.stderr)
        )
    })
}

fn member<'a>(value: &'a Value, name: &str) -> Result<&'a str> {
    let member = value.get(name).and_then(Value::as_str);
    member.with_context(|| format!("there is no `{name}` in {value}"))
}
