//! `cargo xtask demo`: the product on this machine, with no CRM at all: an embedded Twenty, three questions, and an attempt
//! to get out that is refused.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};

use crate::toolchain::{Choice, Toolchain};
use crate::workspace::Workspace;
use crate::{component, guests, process};

/// The caller of the demo, a member of the sample workspace, and their time zone.
const CALLER: [(&str, &str); 3] = [
    ("CRM_HARNESS_CALLER_EMAIL", "robin@example.com"),
    ("CRM_HARNESS_CALLER_NAME", "Robin Hale"),
    ("CRM_HARNESS_TIME_ZONE", "America/New_York"),
];
/// A key that only the stand-in takes.
const KEY: &str = "stand-in-full-key";
/// Where the outsider wants to send things. The name can belong to nobody (RFC 2606), and it is never looked up.
const ELSEWHERE: &str = "https://collector.example.net";

/// Builds everything, then shows it.
pub(crate) fn run(choice: Choice) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    eprintln!(
        "Building the component, the harness and the stand-in. The first time takes some minutes."
    );
    let toolchain = Toolchain::find(choice)?;
    let component = component::build_skill(&workspace, toolchain)?;
    guests::build_all(&workspace, toolchain)?;
    let mut build = process::cargo();
    build
        .current_dir(workspace.root())
        .args(["build", "--workspace", "--bins", "--locked"]);
    process::run(&mut build)?;

    let programs = workspace.target().join("debug");
    let twenty = StandIn::start(&programs.join("crm-stand-in"))?;
    let demo = Demo {
        programs,
        component: component.path,
        root: workspace.root().to_owned(),
        data: workspace.target().join("demo"),
        url: twenty.url.clone(),
    };
    println!();
    println!(
        "A stand-in for Twenty listens on {}; nothing leaves this machine.",
        demo.url
    );
    println!(
        "The harness holds its key. The component, {} KB of WebAssembly, never sees it.",
        component.bytes / 1000
    );

    demo.step(
        1,
        "Robin's day",
        &[],
        &["call", "briefing"],
        Expected::Answer,
    )?;
    demo.step(
        2,
        "A search",
        &[],
        &["call", "search", r#"{"query":"depot"}"#],
        Expected::Answer,
    )?;
    demo.step(
        3,
        "What is in the way of a deal",
        &[],
        &[
            "call",
            "blockers",
            r#"{"opportunity":"Northern depot relaunch"}"#,
        ],
        Expected::Answer,
    )?;
    let outsider = workspace.guests().join("outsider.wasm");
    let arguments =
        format!(r#"{{"origin":"{ELSEWHERE}","path":"/graphql","body":"what it has read"}}"#);
    demo.step(
        4,
        "Another component, which tries to send what it read to a host that is not allowed",
        &[
            ("CRM_HARNESS_COMPONENT", outsider.as_path()),
            (
                "CRM_HARNESS_MANIFEST",
                Path::new("tests/guests/outsider/skill.toml"),
            ),
        ],
        &["call", "send", &arguments],
        Expected::Refusal,
    )?;
    let follow_up = r#"{"about":"Northern depot relaunch","title":"Agree the new opening date","due":"2030-03-01"}"#;
    demo.step(
        5,
        "A follow-up is proposed: nothing is written, and this is what would be sent",
        &[],
        &["call", "follow_up", follow_up],
        Expected::Answer,
    )?;
    demo.step(
        6,
        "The same, approved on the command line and performed by the harness",
        &[],
        &["call", "follow_up", follow_up, "--yes"],
        Expected::Answer,
    )?;
    demo.step(
        7,
        "The same call again finds what it made",
        &[],
        &["call", "follow_up", follow_up, "--yes"],
        Expected::Answer,
    )?;
    let write = format!(
        r#"{{"origin":"{}","path":"/graphql","body":"{{\"query\":\"mutation Make($id: UUID!, $title: String!) {{ createTask(data: {{ id: $id, title: $title }}) {{ id }} }}\",\"variables\":{{\"id\":\"0b7e7dee-1f0e-4b8e-9a31-94c6a7c1a001\",\"title\":\"mine\"}}}}"}}"#,
        demo.url
    );
    demo.step(
        8,
        "A component that writes by itself, with a document that its own manifest lists",
        &[
            ("CRM_HARNESS_COMPONENT", outsider.as_path()),
            (
                "CRM_HARNESS_MANIFEST",
                Path::new("tests/guests/outsider/skill.toml"),
            ),
        ],
        &["call", "send", &write],
        Expected::Refusal,
    )?;
    demo.step(
        9,
        "What the record has kept of it",
        &[],
        &["audit", "tail", "-n", "12"],
        Expected::Answer,
    )?;
    demo.step(
        10,
        "Whether the record is whole",
        &[],
        &["audit", "verify"],
        Expected::Answer,
    )?;
    demo.next();
    Ok(ExitCode::SUCCESS)
}

/// What a step has to end with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expected {
    Answer,
    Refusal,
}

struct Demo {
    /// Where the programs are.
    programs: PathBuf,
    component: PathBuf,
    root: PathBuf,
    /// The record of this demo.
    data: PathBuf,
    url: String,
}

impl Demo {
    /// Shows a command and what it prints; anything but the expected end stops the demo.
    fn step(
        &self,
        number: u32,
        title: &str,
        environment: &[(&str, &Path)],
        arguments: &[&str],
        expected: Expected,
    ) -> Result<()> {
        println!("\n== {number}. {title}\n");
        for (number, (name, value)) in environment.iter().enumerate() {
            let value = value.strip_prefix(&self.root).unwrap_or(value);
            let prompt = if number == 0 { "$ " } else { "    " };
            println!("{prompt}{name}={} \\", value.display());
        }
        let shown: Vec<String> = arguments
            .iter()
            .map(|part| {
                if part.contains('"') {
                    format!("'{part}'")
                } else {
                    (*part).to_owned()
                }
            })
            .collect();
        println!(
            "{}crm-harness {}\n",
            if environment.is_empty() { "$ " } else { "    " },
            shown.join(" ")
        );
        let mut command = Command::new(self.programs.join("crm-harness"));
        command
            .current_dir(&self.root)
            .args(arguments)
            .envs(self.environment())
            .envs(environment.iter().copied());
        let code = process::status(&mut command)?.code();
        match (expected, code) {
            (Expected::Answer, Some(0)) => Ok(()),
            (Expected::Refusal, Some(1)) => {
                println!("Refused, as it should be: the harness opened no connection for it.");
                Ok(())
            }
            (Expected::Answer, code) => {
                bail!("this should have given an answer, and ended with {code:?}")
            }
            (Expected::Refusal, code) => {
                bail!("this should have been refused, and ended with {code:?}")
            }
        }
    }

    fn environment(&self) -> Vec<(&'static str, String)> {
        let mut variables = vec![
            (
                "CRM_HARNESS_COMPONENT",
                self.component.display().to_string(),
            ),
            (
                "CRM_HARNESS_MANIFEST",
                self.root.join("manifests/skill.toml").display().to_string(),
            ),
            ("TWENTY_API_URL", self.url.clone()),
            ("TWENTY_API_KEY", KEY.to_owned()),
            ("CRM_HARNESS_DATA_DIR", self.data.display().to_string()),
            ("OUTSIDER_URL", self.url.clone()),
            ("OUTSIDER_KEY", KEY.to_owned()),
            ("CRM_HARNESS_ALLOW_LOOPBACK", "1".to_owned()),
        ];
        variables.extend(CALLER.map(|(name, value)| (name, value.to_owned())));
        variables
    }

    fn next(&self) {
        println!("\n== What to try next\n");
        println!("The stand-in stops with this demo. To keep one, and to ask it yourself:\n");
        println!("    export PATH={}:$PATH", self.programs.display());
        println!("    crm-stand-in twenty --port 3000 &");
        println!(
            "    export TWENTY_API_URL=http://127.0.0.1:3000 TWENTY_API_KEY={KEY} CRM_HARNESS_ALLOW_LOOPBACK=1"
        );
        for (name, value) in CALLER {
            println!("    export {name}='{value}'");
        }
        println!("    crm-harness actions");
        println!("    crm-harness status");
        println!("    crm-harness call follow_ups --json\n");
        println!(
            "With a Twenty of your own, set TWENTY_API_URL and TWENTY_API_KEY to its address and a read-only key;"
        );
        println!("the README says how to make one.");
    }
}

/// The stand-in, which ends with this process: it stops when its standard input closes.
struct StandIn {
    process: Child,
    url: String,
}

impl StandIn {
    fn start(program: &Path) -> Result<Self> {
        let mut process = Command::new(program)
            .args(["twenty", "--until-stdin-closes"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let mut line = String::new();
        if let Some(output) = process.stdout.take() {
            BufReader::new(output)
                .read_line(&mut line)
                .context("the stand-in said nothing")?;
        }
        let Some(at) = line.find("http://") else {
            bail!("the stand-in did not say where it listens: {line:?}")
        };
        let url = line
            .get(at..)
            .unwrap_or_default()
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .trim_end_matches('.')
            .to_owned();
        Ok(Self { process, url })
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        // It is on its way out; there is nothing to do about an error.
        let _ = self.process.wait();
    }
}
