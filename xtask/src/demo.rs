//! `cargo xtask demo`: the product on this machine, with no CRM at all: embedded stand-ins,
//! questions, a component that is refused, a follow-up that is approved, and messages between two
//! people of whom each has an assistant.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::stand_ins::{KEY, StandIns};
use crate::toolchain::{Choice, Toolchain};
use crate::workspace::Workspace;
use crate::{component, guests, process};

/// The caller of the demo, a member of the sample workspace, and their time zone.
const CALLER: [(&str, &str); 3] = [
    ("CRM_HARNESS_CALLER_EMAIL", "robin@example.com"),
    ("CRM_HARNESS_CALLER_NAME", "Robin Hale"),
    ("CRM_HARNESS_TIME_ZONE", "America/New_York"),
];
/// A colleague.
const SAM: [(&str, &str); 3] = [
    ("CRM_HARNESS_CALLER_EMAIL", "sam@example.com"),
    ("CRM_HARNESS_CALLER_NAME", "Sam Okafor"),
    ("CRM_HARNESS_TIME_ZONE", "Europe/London"),
];
/// The demo's people at the stand-in relay, and their team there.
const ROBIN_AT_RELAY: &str = "7e000001-0000-4000-8000-000000000001";
const SAM_AT_RELAY: &str = "7e000001-0000-4000-8000-000000000002";
const TEAM: &str = "7e000002-0000-4000-8000-000000000001";
/// The origin that the outsider tries to send to. The name can belong to nobody (RFC 2606), and it
/// is never looked up.
const ELSEWHERE: &str = "https://collector.example.net";

/// Builds everything, then shows it.
pub(crate) fn run(choice: Choice) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    let toolchain = Toolchain::find(choice)?;
    let programs = workspace.target().join("debug");
    let component = building(
        1,
        "the CRM actions as a sandboxed component",
        "1 to 2 minutes",
        workspace.component().exists(),
        || component::build_skill(&workspace, toolchain),
    )?;
    building(
        2,
        "a component that misbehaves, to be refused",
        "half a minute",
        workspace.guests().join("outsider.wasm").exists(),
        || guests::build_one(&workspace, toolchain, "outsider"),
    )?;
    building(
        3,
        "the harness with its sandbox, and the stand-ins",
        "5 to 10 minutes",
        programs.join("crm-harness").exists(),
        || process::run(&mut programs_of_the_demo(&workspace)),
    )?;

    let services = StandIns::start(&programs.join("crm-stand-in"), true)?;
    let demo = Demo {
        programs,
        component: component.path,
        root: workspace.root().to_owned(),
        data: workspace.target().join("demo"),
        url: services.told("/twenty/url")?,
        relay: services.told("/relay/url")?,
        pa_workspace: services.told("/workspace/url")?,
        service_token: services.told("/workspace/serviceToken")?,
        tokens: [
            services.told("/relay/tokens/robin")?,
            services.told("/relay/tokens/sam")?,
        ],
    };
    println!();
    println!(
        "Stand-ins listen on this machine, which nothing leaves: Twenty at {}, a Tezit relay at {}, PA Workspace at {}.",
        demo.url, demo.relay, demo.pa_workspace
    );
    println!(
        "The harness holds their keys. The component, {} KB of WebAssembly, never sees one.",
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
        "Blockers of a deal",
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
        "A follow-up is proposed: nothing is written, and the preview shows what would be sent",
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
        "A component that sends a write by itself, with a document that its own manifest lists",
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
    demo.messages()?;
    demo.step(
        15,
        "Disclosures: who was sent which fields of which record, when, and under which policies",
        &[],
        &["audit", "disclosures"],
        Expected::Answer,
    )?;
    demo.step(
        16,
        "The audit log: the latest calls, requests and decisions",
        &[],
        &["audit", "tail", "-n", "12"],
        Expected::Answer,
    )?;
    demo.step(
        17,
        "The audit log verified: its hash chain is complete",
        &[],
        &["audit", "verify"],
        Expected::Answer,
    )?;
    demo.next();
    Ok(ExitCode::SUCCESS)
}

/// Builds a part and says which, how long that takes where nothing is compiled yet, and how long it
/// took.
fn building<T>(
    number: u32,
    part: &str,
    first_time: &str,
    built_before: bool,
    build: impl FnOnce() -> Result<T>,
) -> Result<T> {
    let expected = if built_before {
        String::new()
    } else {
        format!(" (the first time: {first_time} on two cores)")
    };
    eprintln!("\n[{number}/3] Building {part}{expected}");
    let start = Instant::now();
    let built = build()?;
    eprintln!("[{number}/3] Built in {}", process::seconds(start));
    Ok(built)
}

/// Returns the command that builds the harness and the stand-ins. Chosen by their names and not by
/// package, so that cargo resolves the features of the whole workspace, as it did for xtask, and
/// compiles nothing twice.
fn programs_of_the_demo(workspace: &Workspace) -> Command {
    let mut build = process::cargo();
    build.current_dir(workspace.root()).args([
        "build",
        "--locked",
        "--bin",
        "crm-harness",
        "--bin",
        "crm-stand-in",
    ]);
    build
}

/// The expected result of a step.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expected {
    Answer,
    Refusal,
}

/// A person of the demo.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Person {
    Robin,
    Sam,
}

struct Demo {
    programs: PathBuf,
    component: PathBuf,
    root: PathBuf,
    /// Plans and the audit log of this demo.
    data: PathBuf,
    url: String,
    relay: String,
    pa_workspace: String,
    service_token: String,
    /// Robin's and Sam's tokens at the relay.
    tokens: [String; 2],
}

impl Demo {
    /// A handoff, a deal's blockers, a request for more, and the answer to it.
    fn messages(&self) -> Result<()> {
        let handoff = r#"{"about":"Line 4 sensor retrofit","title":"Agree the day of the retrofit","due":"2030-03-02","handoff":{"to":"Sam Okafor","ask":"Please call them this week"}}"#;
        self.step(
            9,
            "A follow-up with a handoff to a colleague, approved: the task, and a message with just the fields that are shown",
            &[],
            &["call", "follow_up", handoff, "--yes"],
            Expected::Answer,
        )?;
        let blockers = r#"{"blockersOf":"Northern depot relaunch","to":["Sam Okafor"],"intent":"question","ask":"What would you do first?"}"#;
        self.step(
            10,
            "The blockers of the deal, sent as a message",
            &[],
            &["call", "share", blockers, "--yes"],
            Expected::Answer,
        )?;
        let deal = self.found(
            "search",
            r#"{"query":"Line 4 sensor retrofit"}"#,
            "/hits/0/id",
        )?;
        let asking = format!(
            r#"{{"asking":[{{"kind":"crm.opportunity","id":"{deal}","fields":["amount","contact"]}}],"to":["Robin Hale"],"intent":"question"}}"#
        );
        self.step_of(
            Person::Sam,
            11,
            "Sam's assistant asks for more: the amount and the contact",
            &["call", "share", &asking, "--yes"],
        )?;
        self.step(
            12,
            "Robin's briefing shows the open question",
            &[],
            &["call", "briefing", r#"{"sections":["tez","calendar"]}"#],
            Expected::Answer,
        )?;
        let tez = self.asked()?;
        let answer = format!(r#"{{"tez":"{tez}","fields":["amount"]}}"#);
        self.step(
            13,
            "Robin gives the amount, and nothing else of what was asked",
            &[],
            &["call", "answer_request", &answer, "--yes"],
            Expected::Answer,
        )?;
        self.step_of(
            Person::Sam,
            14,
            "Sam's briefing shows the answer",
            &["call", "briefing", r#"{"sections":["tez"]}"#],
        )
    }

    /// The message that asks for more.
    fn asked(&self) -> Result<String> {
        let answer = self.json("briefing", r#"{"sections":["tez"]}"#)?;
        let rows = answer.pointer("/sections/0/rows").and_then(Value::as_array);
        let row = rows.into_iter().flatten().find(|row| {
            let text = row.to_string();
            text.contains("Sam Okafor") && text.contains("amount")
        });
        let id = row.and_then(|row| row.get("id")?.as_str());
        id.map(str::to_owned)
            .with_context(|| format!("no message of Sam's asks for the amount: {answer:#}"))
    }

    /// A value of an answer.
    fn found(&self, action: &str, arguments: &str, pointer: &str) -> Result<String> {
        let answer = self.json(action, arguments)?;
        let value = answer.pointer(pointer).and_then(Value::as_str);
        value
            .map(str::to_owned)
            .with_context(|| format!("`{action}` answered without {pointer}"))
    }

    fn json(&self, action: &str, arguments: &str) -> Result<Value> {
        let output = Command::new(self.programs.join("crm-harness"))
            .current_dir(&self.root)
            .args(["call", action, arguments, "--json"])
            .envs(self.environment(Person::Robin))
            .output()
            .context("cannot start crm-harness")?;
        serde_json::from_slice(&output.stdout)
            .with_context(|| format!("`{action}` answered no JSON"))
    }

    /// Shows what somebody else asks.
    fn step_of(&self, person: Person, number: u32, title: &str, arguments: &[&str]) -> Result<()> {
        self.shown(person, number, title, &[], arguments, Expected::Answer)
    }

    /// Shows a command and what it prints; anything but the expected end stops the demo.
    fn step(
        &self,
        number: u32,
        title: &str,
        environment: &[(&str, &Path)],
        arguments: &[&str],
        expected: Expected,
    ) -> Result<()> {
        self.shown(
            Person::Robin,
            number,
            title,
            environment,
            arguments,
            expected,
        )
    }

    fn shown(
        &self,
        person: Person,
        number: u32,
        title: &str,
        environment: &[(&str, &Path)],
        arguments: &[&str],
        expected: Expected,
    ) -> Result<()> {
        println!("\n== {number}. {title}\n");
        if person == Person::Sam {
            println!("$ CRM_HARNESS_CALLER_EMAIL={} \\", SAM[0].1);
        }
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
            if environment.is_empty() && person == Person::Robin {
                "$ "
            } else {
                "    "
            },
            shown.join(" ")
        );
        let mut command = Command::new(self.programs.join("crm-harness"));
        command
            .current_dir(&self.root)
            .args(arguments)
            .envs(self.environment(person))
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

    fn environment(&self, person: Person) -> Vec<(&'static str, String)> {
        let [robin, sam] = &self.tokens;
        let (caller, token, user) = match person {
            Person::Robin => (CALLER, robin, ROBIN_AT_RELAY),
            Person::Sam => (SAM, sam, SAM_AT_RELAY),
        };
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
            ("TEZIT_RELAY_URL", self.relay.clone()),
            ("TEZIT_TOKEN", token.clone()),
            ("TEZIT_USER_ID", user.to_owned()),
            ("TEZIT_TEAM_ID", TEAM.to_owned()),
            ("PA_WORKSPACE_API_URL", self.pa_workspace.clone()),
            ("PA_WORKSPACE_SERVICE_TOKEN", self.service_token.clone()),
        ];
        if person == Person::Robin {
            variables.push(("PA_EMAIL", "robin-pa@example.com".to_owned()));
        }
        variables.extend(caller.map(|(name, value)| (name, value.to_owned())));
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
