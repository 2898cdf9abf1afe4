//! The plugin in a real OpenClaw: installed from its tarball, looked at, called, approved, denied, killed and stopped, and once used by
//! an assistant whose words are written down beforehand.

#![allow(
    clippy::indexing_slicing,
    reason = "a member that a JSON object does not have is null when it is read, and is made when it is written"
)]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use super::gateway::{Gateway, Invoked, OpenClaw, PLUGIN, signal, started_with};
use super::model::Model;
use super::operator::{Decision, Operator};
use super::{Check, Context, Outcome, cancelled};
use crate::dist;
use crate::stand_ins::{KEY, StandIns};

/// The release that the plugin is written for.
const VERSION: &str = "2026.9.6";
/// How long a person may take here: short, since one of them never answers.
const DECIDING_SECONDS: u64 = 5;
/// Longest that the harness is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// A deal of the sample workspace, and its id.
const DEAL: (&str, &str) = ("Northern depot", "5a000004-0000-4000-8000-000000000001");
/// The team at the stand-in relay, and who the assistant's person is there.
const TEAM: &str = "7e000002-0000-4000-8000-000000000001";
const ROBIN: &str = "7e000001-0000-4000-8000-000000000001";

/// Installs OpenClaw and the plugin, and tries it.
pub(super) fn run(context: &Context) -> Result<Vec<Check>> {
    let (node, app) =
        match context.packages(&format!("openclaw-{VERSION}"), &[("openclaw", VERSION)]) {
            Ok(found) => found,
            Err(skipped) => return Ok(vec![skipped]),
        };
    if !Path::new("/proc/self/stat").exists() {
        let why = "processes are looked at by /proc, which this system does not have";
        return Ok(vec![Check::new(
            "gateway",
            Outcome::Skipped(why.to_owned()),
        )]);
    }
    let openclaw = OpenClaw::new(context, node, app)?;
    let packed = context.workspace.target().join("e2e").join("plugin");
    let tarball = dist::pack(
        &context.workspace,
        &context.harness,
        &context.component,
        &packed,
    )?;
    let services = Services::start(context)?;
    let model = Model::start(script())?;
    let mut checks = Vec::new();
    let source = format!("npm-pack:{}", tarball.display());
    let installed = openclaw.run(&[
        "plugins",
        "install",
        &source,
        "--force",
        "--accept-capabilities",
    ]);
    checks.push(Check::of("install", installed.map(|_| ())));
    openclaw.configure(|config| configure(config, &services, &model))?;
    checks.push(Check::of("inspect", inspected(&openclaw, context)));

    let gateway = openclaw.start(&services.secrets())?;
    let mut tried = Tried {
        gateway: &gateway,
        services: &services,
        context,
        state: &openclaw.state,
    };
    tried.reads(&mut checks);
    tried.writes(&mut checks)?;
    checks.push(Check::of("a killed harness", tried.killed()));
    checks.push(Check::of("an agent's turn", tried.turn(&model)));
    checks.push(Check::of("secrets", tried.secrets()));
    let cancelled = cancelled::check(context, node);
    checks.push(Check::of("a cancelled call", cancelled));
    let harnesses = gateway.harnesses()?;
    gateway.stop()?;
    checks.push(Check::of("stopped with the gateway", over(&harnesses)));
    Ok(checks)
}

/// The stand-ins, as OpenClaw's configuration names them.
struct Services {
    twenty: String,
    relay: String,
    workspace: String,
    robin: String,
    sam: String,
    service_token: String,
    _processes: StandIns,
}

impl Services {
    fn start(context: &Context) -> Result<Self> {
        let processes = StandIns::start(&context.stand_in, false)?;
        Ok(Self {
            twenty: processes.told("/twenty/url")?,
            relay: processes.told("/relay/url")?,
            workspace: processes.told("/workspace/url")?,
            robin: processes.told("/relay/tokens/robin")?,
            sam: processes.told("/relay/tokens/sam")?,
            service_token: processes.told("/workspace/serviceToken")?,
            _processes: processes,
        })
    }

    /// Variables of the gateway that its SecretRefs name.
    fn secrets(&self) -> [(&str, &str); 3] {
        [
            ("E2E_TWENTY_KEY", KEY),
            ("E2E_RELAY_TOKEN", &self.robin),
            ("E2E_WORKSPACE_TOKEN", &self.service_token),
        ]
    }

    /// How many tasks with this title there are in the stand-in for Twenty.
    fn tasks(&self, title: &str) -> Result<u64> {
        let query = "query Tasks($title: String!) { tasks(filter: { title: { eq: $title } }) { totalCount } }";
        let text = ureq::post(format!("{}/graphql", self.twenty))
            .header("authorization", format!("Bearer {KEY}"))
            .content_type("application/json")
            .send(json!({"query": query, "variables": {"title": title}}).to_string())?
            .body_mut()
            .read_to_string()?;
        let answer: Value = serde_json::from_str(&text)?;
        let count = answer
            .pointer("/data/tasks/totalCount")
            .and_then(Value::as_u64);
        count.with_context(|| format!("the stand-in does not count its tasks: {text}"))
    }

    /// How many messages Sam has not read.
    fn unread(&self) -> Result<u64> {
        let text = ureq::get(format!("{}/unread", self.relay))
            .header("authorization", format!("Bearer {}", self.sam))
            .call()?
            .body_mut()
            .read_to_string()?;
        let answer: Value = serde_json::from_str(&text)?;
        let count = answer.pointer("/data/total").and_then(Value::as_u64);
        count.with_context(|| format!("the stand-in does not count its messages: {text}"))
    }
}

fn configure(config: &mut Value, services: &Services, model: &Model) {
    let secret = |name: &str| json!({"source": "env", "provider": "default", "id": name});
    config["plugins"]["allow"] = json!([PLUGIN]);
    config["plugins"]["entries"][PLUGIN] = json!({"enabled": true, "config": {
        "twenty": {"url": services.twenty, "key": secret("E2E_TWENTY_KEY")},
        "tezit": {"url": services.relay, "token": secret("E2E_RELAY_TOKEN"), "team": TEAM, "user": ROBIN},
        "workspace": {"url": services.workspace, "token": secret("E2E_WORKSPACE_TOKEN"), "address": "robin-pa@example.com"},
        "me": {"email": "robin@example.com", "name": "Robin Hale", "timeZone": "America/New_York"},
        "allowLoopback": true,
        "decidingSeconds": DECIDING_SECONDS,
    }});
    config["models"]["providers"]["scripted"] = model.provider();
    config["agents"]["defaults"]["model"] = json!({"primary": "scripted/scripted"});
}

/// OpenClaw has loaded the plugin, with exactly the tools of its manifest, and has nothing to say against it.
fn inspected(openclaw: &OpenClaw<'_>, context: &Context) -> Result<()> {
    let printed = openclaw.run(&["plugins", "inspect", PLUGIN, "--runtime", "--json"])?;
    let inspected: Value = serde_json::from_str(&printed).context("the inspection is no JSON")?;
    let manifest = fs::read_to_string(context.workspace.plugin().join("openclaw.plugin.json"))?;
    let manifest: Value = serde_json::from_str(&manifest)?;
    let plugin = &inspected["plugin"];
    ensure!(
        plugin["status"] == "loaded",
        "its status is {}",
        plugin["status"]
    );
    ensure!(
        plugin["toolNames"] == manifest["contracts"]["tools"],
        "its tools are {}, in the manifest they are {}",
        plugin["toolNames"],
        manifest["contracts"]["tools"]
    );
    let diagnostics = inspected
        .pointer("/diagnostics")
        .or_else(|| plugin.get("diagnostics"));
    ensure!(
        diagnostics == Some(&json!([])),
        "it has diagnostics: {diagnostics:?}"
    );
    Ok(())
}

/// What is tried at the running gateway.
struct Tried<'a> {
    gateway: &'a Gateway,
    services: &'a Services,
    context: &'a Context,
    state: &'a Path,
}

impl Tried<'_> {
    /// Every reading tool of the plugin answers.
    fn reads(&self, checks: &mut Vec<Check>) {
        let deal = json!({"kind": "opportunity", "id": DEAL.1});
        let calls = [
            ("crm_status", json!({}), "/destinations/0"),
            ("crm_search", json!({"query": DEAL.0}), "/hits/0/id"),
            ("crm_get", deal.clone(), "/label"),
            ("crm_follow_ups", json!({}), "/total"),
            (
                "crm_blockers",
                json!({"opportunity": DEAL.0}),
                "/findings/0/code",
            ),
            ("crm_briefing", json!({}), "/headline"),
            (
                "crm_context",
                json!({"refs": [deal], "intent": "update"}),
                "/markdown",
            ),
        ];
        for (tool, arguments, there) in &calls {
            checks.push(Check::of(*tool, self.read(tool, arguments, there)));
        }
        checks.push(Check::of(
            "reading tools",
            self.covered(&calls.map(|(tool, ..)| tool)),
        ));
        checks.push(Check::of("arguments that do not fit", self.misfit()));
    }

    fn read(&self, tool: &str, arguments: &Value, there: &str) -> Result<()> {
        let called = self.gateway.invoke(tool, arguments)?;
        ensure!(
            called.status == 200,
            "status {}: {}",
            called.status,
            called.body
        );
        ensure!(
            !called.data(there).is_null(),
            "no {there} in {}",
            called.body
        );
        ensure!(!called.text().is_empty(), "the assistant is told nothing");
        Ok(())
    }

    /// That no reading tool was left out; `crm_plan` is called with every write.
    fn covered(&self, called: &[&str]) -> Result<()> {
        let path = self.context.workspace.plugin().join("tools.json");
        let tools: Vec<Value> = serde_json::from_str(&fs::read_to_string(path)?)?;
        for tool in &tools {
            let name = tool["name"].as_str().unwrap_or_default();
            let reads = tool["annotations"]["readOnlyHint"] == true;
            ensure!(
                !reads || name == "crm_plan" || called.contains(&name),
                "{name} was not called"
            );
        }
        Ok(())
    }

    /// The gateway does not look at arguments; the harness does.
    fn misfit(&self) -> Result<()> {
        let called = self.gateway.invoke("crm_search", &json!({"nope": 1}))?;
        let data = called.data("/failure/case");
        ensure!(data == "invalid-input", "the answer is {}", called.body);
        Ok(())
    }

    fn writes(&mut self, checks: &mut Vec<Check>) -> Result<()> {
        checks.push(Check::of("nobody can be asked", self.unasked()));
        let mut operator = Operator::connect(self.gateway.port)?;
        operator.decides(Decision::Nothing);
        checks.push(Check::of("unanswered", self.refused("Left unanswered")));
        operator.decides(Decision::Deny);
        checks.push(Check::of("denied", self.denied("Was denied")));
        operator.decides(Decision::Allow);
        operator.asked.clear();
        checks.push(Check::of(
            "allowed",
            self.allowed("Was allowed", &mut operator),
        ));
        checks.push(Check::of("a message", self.message(&mut operator)));
        Ok(())
    }

    fn task(&self, title: &str) -> Result<Invoked> {
        let arguments = json!({"about": DEAL.0, "title": title, "due": "2030-01-01"});
        self.gateway.invoke("crm_follow_up", &arguments)
    }

    /// With no client that could approve nothing is sent.
    fn unasked(&self) -> Result<()> {
        let called = self.task("Nobody there")?;
        ensure!(
            called.status == 403,
            "status {}: {}",
            called.status,
            called.body
        );
        ensure!(
            called.body.pointer("/error/requiresApproval") == Some(&Value::Bool(true)),
            "{}",
            called.body
        );
        ensure!(
            self.services.tasks("Nobody there")? == 0,
            "the task was made"
        );
        Ok(())
    }

    fn refused(&self, title: &str) -> Result<()> {
        let called = self.task(title)?;
        ensure!(
            called.status == 403,
            "status {}: {}",
            called.status,
            called.body
        );
        ensure!(self.services.tasks(title)? == 0, "the task was made");
        Ok(())
    }

    /// A denied plan is dropped: the record says so, and nothing was sent.
    fn denied(&self, title: &str) -> Result<()> {
        self.refused(title)?;
        let listed = self.harness(&["plan", "list", "--json"])?;
        let plans: Value = serde_json::from_str(&listed).context("the list is no JSON")?;
        let newest = plans.pointer("/0").or_else(|| plans.pointer("/plans/0"));
        let state = newest
            .and_then(|plan| plan.get("state"))
            .and_then(Value::as_str);
        ensure!(
            state == Some("denied"),
            "the newest plan is {state:?}: {listed}"
        );
        Ok(())
    }

    /// The person is shown what the host will send, and that is what is there afterwards, once.
    fn allowed(&self, title: &str, operator: &mut Operator) -> Result<()> {
        operator.forget();
        let called = self.task(title)?;
        ensure!(
            called.status == 200,
            "status {}: {}",
            called.status,
            called.body
        );
        ensure!(called.data("/state") == "done", "{}", called.body);
        ensure!(
            self.services.tasks(title)? == 1,
            "there is not one such task"
        );
        operator.catch_up();
        let [asked] = operator.asked.as_slice() else {
            bail!("the person was asked {} times", operator.asked.len());
        };
        let text = asked["description"].as_str().unwrap_or_default();
        ensure!(
            text.contains(&format!("title: {title}")),
            "the person was shown: {text}"
        );
        let plan = called.data("/plan").clone();
        let told = self.gateway.invoke("crm_plan", &json!({"plan": plan}))?;
        ensure!(told.data("/state") == "done", "crm_plan says {}", told.body);
        // The same call again finds what this one made, and asks nobody.
        let again = self.task(title)?;
        operator.catch_up();
        ensure!(
            again.data("/state") == "done" && operator.asked.len() == 1,
            "{}",
            again.body
        );
        ensure!(self.services.tasks(title)? == 1, "the task was made twice");
        Ok(())
    }

    /// Who gets a message stands in the approval's scope; what is too long to be shown is named by its digest.
    fn message(&self, operator: &mut Operator) -> Result<()> {
        operator.forget();
        let before = self.services.unread()?;
        let arguments = json!({"blockersOf": DEAL.0, "to": ["Sam Okafor"], "intent": "question"});
        let called = self.gateway.invoke("crm_share", &arguments)?;
        ensure!(called.data("/state") == "done", "{}", called.body);
        ensure!(
            self.services.unread()? == before + 1,
            "Sam has not got one message more"
        );
        operator.catch_up();
        let asked = operator.asked.first().context("nobody was asked")?;
        let scope = &asked["scope"];
        ensure!(
            scope["kind"] == "message-send" && scope["recipientCount"] == 1,
            "the scope is {scope}"
        );
        ensure!(
            scope["recipients"].to_string().contains("Sam Okafor"),
            "the scope is {scope}"
        );
        let text = asked["description"].as_str().unwrap_or_default();
        let digest = called.data("/plan").as_str().unwrap_or("no digest");
        ensure!(
            text.contains(digest) && text.contains("plan show"),
            "the person was shown: {text}"
        );
        Ok(())
    }

    /// A harness that was killed is started again, and answers.
    fn killed(&self) -> Result<()> {
        let before = self.gateway.harnesses()?;
        let [pid] = before.as_slice() else {
            bail!("{} harnesses run", before.len());
        };
        signal(*pid, "KILL")?;
        over(&before)?;
        self.read("crm_search", &json!({"query": DEAL.0}), "/hits/0/id")?;
        let after = self.gateway.harnesses()?;
        ensure!(
            after.len() == 1 && after != before,
            "harnesses before {before:?}, after {after:?}"
        );
        Ok(())
    }

    /// From what a person says to a task in the CRM: the assistant searches, proposes, the person approves.
    fn turn(&self, model: &Model) -> Result<()> {
        let title = "Ask about the contract";
        ensure!(
            self.services.tasks(title)? == 0,
            "the task is there already"
        );
        let mut operator = Operator::connect(self.gateway.port)?;
        operator.decides(Decision::Allow);
        let said = "Remind me on Friday to ask about the contract for the northern depot";
        operator.say("agent:main:e2e", said)?;
        ensure!(
            self.services.tasks(title)? == 1,
            "there is no such task; the person was asked {:?}",
            operator.asked
        );
        ensure!(
            operator.asked.len() == 1,
            "the person was asked {} times",
            operator.asked.len()
        );
        let asked = model.asked();
        let prompt = asked.first().map(Value::to_string).unwrap_or_default();
        ensure!(
            prompt.contains("northern depot"),
            "the request did not reach the model"
        );
        // What the model knows without a call: the skill, the tools, and which services are set up.
        for known in [
            "plugin-skills/crm/SKILL.md",
            "crm_follow_up",
            "Configured: ",
        ] {
            ensure!(prompt.contains(known), "the model is not told `{known}`");
        }
        for (_, secret) in self.services.secrets() {
            ensure!(
                !asked.iter().any(|one| one.to_string().contains(secret)),
                "a secret reached the model"
            );
        }
        Ok(())
    }

    /// No secret among the harness's arguments, in its environment, in the gateway's log or in a file of its state.
    fn secrets(&self) -> Result<()> {
        let harnesses = self.gateway.harnesses()?;
        ensure!(!harnesses.is_empty(), "no harness runs");
        let mut places = vec![("the gateway's log".to_owned(), self.gateway.said()?)];
        for pid in harnesses {
            let (arguments, environment) = started_with(pid)?;
            ensure!(environment.is_empty(), "its environment is not empty");
            places.push(("its arguments".to_owned(), arguments));
        }
        for path in files(self.state)? {
            let bytes = fs::read(&path).unwrap_or_default();
            places.push((
                path.display().to_string(),
                String::from_utf8_lossy(&bytes).into_owned(),
            ));
        }
        for (name, secret) in self.services.secrets() {
            if let Some((place, _)) = places.iter().find(|(_, text)| text.contains(secret)) {
                bail!("the secret of {name} is in {place}");
            }
        }
        Ok(())
    }

    /// The command line of the harness, at the data of the plugin's.
    fn harness(&self, arguments: &[&str]) -> Result<String> {
        let output = std::process::Command::new(&self.context.harness)
            .args(arguments)
            .args(["--component".as_ref(), self.context.component.as_os_str()])
            .args([
                "--manifest".as_ref(),
                self.context
                    .workspace
                    .root()
                    .join("manifests/skill.toml")
                    .as_os_str(),
            ])
            .args([
                "--data-dir".as_ref(),
                self.state.join(".openclaw").join(PLUGIN).as_os_str(),
            ])
            .args([
                "--cache-dir".as_ref(),
                self.state
                    .join(".openclaw")
                    .join(PLUGIN)
                    .join("code")
                    .as_os_str(),
            ])
            .env_clear()
            .output()?;
        if !output.status.success() {
            bail!("{}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// What the assistant does with the request, in the order of its calls: as a model would with OpenClaw's tool search on.
fn script() -> Vec<(&'static str, Value)> {
    vec![
        (
            "tool_call",
            json!({"id": "crm_search", "args": {"query": DEAL.0}}),
        ),
        (
            "tool_call",
            json!({"id": "crm_follow_up", "args": {
                "about": DEAL.1, "title": "Ask about the contract", "due": "2030-01-04",
            }}),
        ),
    ]
}

/// Waits until these processes have ended.
fn over(pids: &[u32]) -> Result<()> {
    let begun = Instant::now();
    let alive = |pid: &&u32| {
        Path::new("/proc")
            .join(pid.to_string())
            .join("exe")
            .exists()
    };
    while let Some(pid) = pids.iter().find(alive) {
        if begun.elapsed() > PATIENCE {
            bail!("process {pid} does not end");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// Every file of what OpenClaw keeps, programs and packages aside.
fn files(state: &Path) -> Result<Vec<std::path::PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![state.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type()?);
            let skipped = ["npm", "node_modules", "plugin-captures", "code"];
            if kind.is_dir() && !skipped.iter().any(|name| entry.file_name() == *name) {
                folders.push(path);
            } else if kind.is_file() {
                found.push(path);
            }
        }
    }
    Ok(found)
}
