//! A person who is asked: OpenClaw shows them what the harness made, and the command that stands
//! there shows the rest and decides nothing.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::thread;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use serde_json::{Value, json};

use super::DEAL;
use super::gateway::{Invoked, OpenClaw, PLUGIN};
use super::operator::{Decision, Operator};
use super::tried::Tried;
use crate::finished;

/// Shows a plan by a harness of its own, in as few words as the plugin does.
const BRIEF: &str = include_str!("brief.mjs");
/// Keeps a plan once more, under a digest that begins as its own.
const TWIN: &str = include_str!("twin.mjs");
/// The room that OpenClaw has for the title and the description, in UTF-16 units.
const MOST: (usize, usize) = (80, 512);
/// The fewest digits that name a plan.
const DIGITS: usize = 8;

/// A call that waits for a person.
struct Waiting {
    /// The whole digest of what it proposes.
    digest: String,
    /// The id of the approval.
    id: Value,
    /// The approval as the person is shown it.
    request: Value,
}

impl Waiting {
    fn digits(&self) -> Result<&str> {
        let digits = self.digest.get(..DIGITS);
        digits.context("the digest is too short")
    }
}

impl Tried<'_> {
    /// Checks that reading the whole decides nothing, and that nothing is sent without an answer.
    pub(super) fn read_in_full(&self, operator: &mut Operator) -> Result<()> {
        let title = "Left unanswered";
        let arguments = json!({"about": DEAL.0, "title": title, "due": "2030-01-01"});
        let called = self.while_asked(operator, "crm_follow_up", &arguments, |_, waiting| {
            self.is_shown(waiting, &[title, "Tue 1 Jan 2030"])?;
            self.whole(waiting, &[title])?;
            let state = self.state_of(&waiting.digest)?;
            ensure!(state == "waiting", "after it was read the plan is {state}");
            Ok(())
        })?;
        ensure!(
            called.status == 403,
            "status {}: {}",
            called.status,
            called.body
        );
        ensure!(self.services.tasks(title)? == 0, "the task was made");
        Ok(())
    }

    /// Checks that a message is shown with its recipient before it is allowed, and is sent then.
    pub(super) fn message(&self, operator: &mut Operator) -> Result<()> {
        let before = self.services.unread()?;
        let arguments = json!({"blockersOf": DEAL.0, "to": ["Sam Okafor"], "intent": "question"});
        let called = self.while_asked(operator, "crm_share", &arguments, |operator, waiting| {
            self.is_shown(waiting, &["Sam Okafor", DEAL.0])?;
            self.whole(waiting, &["Sam Okafor", DEAL.0])?;
            let scope = waiting.request.get("scope").unwrap_or(&Value::Null);
            let member = |name: &str| scope.get(name).unwrap_or(&Value::Null);
            ensure!(
                member("kind") == "message-send"
                    && member("recipientCount") == 1
                    && member("recipients").to_string().contains("Sam Okafor"),
                "the scope is {scope}"
            );
            operator.resolve(&waiting.id, Decision::Allow)
        })?;
        ensure!(called.data("/state") == "done", "{}", called.body);
        ensure!(
            self.services.unread()? == before + 1,
            "Sam has not got one message more"
        );
        Ok(())
    }

    /// Calls a tool that asks the person, who does `meanwhile`, and returns the outcome.
    fn while_asked(
        &self,
        operator: &mut Operator,
        tool: &str,
        arguments: &Value,
        meanwhile: impl FnOnce(&mut Operator, &Waiting) -> Result<()>,
    ) -> Result<Invoked> {
        operator.decides(Decision::Nothing);
        operator.forget();
        thread::scope(|scope| {
            let call = scope.spawn(|| self.gateway.invoke(tool, arguments));
            let done = operator.asked_for().and_then(|(id, request)| {
                let (digest, state) = self.newest()?;
                ensure!(state == "waiting", "the newest plan is {state}");
                let waiting = Waiting {
                    digest,
                    id,
                    request,
                };
                meanwhile(operator, &waiting)
            });
            let called = call.join();
            done?;
            called.map_err(|_| anyhow!("the call of {tool} has panicked"))?
        })
    }

    /// Checks that OpenClaw shows all that the harness made, and takes a yes and a no.
    fn is_shown(&self, waiting: &Waiting, words: &[&str]) -> Result<()> {
        let member = |name: &str| waiting.request.get(name).unwrap_or(&Value::Null);
        ensure!(
            *member("allowedDecisions") == json!(["allow-once", "deny"]),
            "the person may say {}",
            member("allowedDecisions")
        );
        let text = |name: &str| member(name).as_str().unwrap_or_default();
        let (title, description) = (text("title"), text("description"));
        let sizes = [title, description].map(|text| text.encode_utf16().count());
        eprintln!("-- asked, in {sizes:?} units:\n{title}\n{description}");
        ensure!(
            sizes[0] <= MOST.0 && sizes[1] <= MOST.1,
            "title and description have {sizes:?} units"
        );
        let command = format!("openclaw {PLUGIN} plan {}", waiting.digits()?);
        ensure!(
            description.lines().last() == Some(&command),
            "the last line is no command: {description}"
        );
        for word in words {
            ensure!(
                title.contains(word) || description.contains(word),
                "`{word}` is not shown: {title}\n{description}"
            );
        }
        let made = self.brief(&waiting.digest)?;
        ensure!(
            made.get("title") == Some(member("title"))
                && made.get("text") == Some(member("description")),
            "the harness made {made}, shown was {title}\n{description}"
        );
        Ok(())
    }

    /// Checks that the command shows all that the harness itself shows.
    fn whole(&self, waiting: &Waiting, words: &[&str]) -> Result<()> {
        let printed = self.openclaw.run(&[PLUGIN, "plan", waiting.digits()?])?;
        let shown = self.harness(&["plan", "show", &waiting.digest])?;
        ensure!(
            printed.contains(&shown),
            "it printed {printed}\nthe harness shows {shown}"
        );
        for word in words
            .iter()
            .chain(&[waiting.digest.as_str(), "What is sent"])
        {
            ensure!(printed.contains(word), "`{word}` is not in {printed}");
        }
        Ok(())
    }

    /// Returns a plan in few words by the installed plugin's own code, in a process of its own.
    fn brief(&self, digest: &str) -> Result<Value> {
        let given = json!({
            "plan": digest,
            "stateDir": self.openclaw.state.join(".openclaw"),
            "config": self.plugin_config()?,
            "room": {"title": MOST.0, "text": MOST.1, "columns": 38, "lines": 9},
        });
        let mut process = self
            .openclaw
            .script("brief.mjs", BRIEF)?
            .arg(self.installed()?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start node")?;
        let mut input = process.stdin.take().context("node has no standard input")?;
        writeln!(input, "{given}")?;
        drop(input);
        let output = process.wait_with_output()?;
        ensure!(
            output.status.success(),
            "the plan is not shown: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).context("what was shown is no JSON")
    }

    /// Returns the plugin's settings, with secrets in place of what stands for them.
    fn plugin_config(&self) -> Result<Value> {
        let text = fs::read_to_string(self.openclaw.state.join(".openclaw").join("openclaw.json"))?;
        let mut all: Value = serde_json::from_str(&text)?;
        let config = all.pointer_mut(&format!("/plugins/entries/{PLUGIN}/config"));
        let config = config.context("the plugin has no settings")?;
        for (name, secret) in self.services.secrets() {
            for section in config.as_object_mut().into_iter().flatten() {
                for value in section.1.as_object_mut().into_iter().flatten() {
                    if value.1.get("id").and_then(Value::as_str) == Some(name) {
                        *value.1 = json!(secret);
                    }
                }
            }
        }
        Ok(config.take())
    }

    /// Returns the folder in which OpenClaw has put the plugin.
    fn installed(&self) -> Result<PathBuf> {
        let projects = self
            .openclaw
            .state
            .join(".openclaw")
            .join("npm")
            .join("projects");
        for project in fs::read_dir(&projects)? {
            let folder = project?.path().join("node_modules").join(PLUGIN);
            if folder.exists() {
                return Ok(folder);
            }
        }
        bail!("the plugin is nowhere in {}", projects.display())
    }

    /// Returns the newest plan's digest and state.
    pub(super) fn newest(&self) -> Result<(String, String)> {
        let listed = self.harness(&["plan", "list", "--json"])?;
        let plans: Value = serde_json::from_str(&listed).context("the list is no JSON")?;
        let text = |name: &str| plans.get(0)?.get(name)?.as_str().map(str::to_owned);
        text("plan")
            .zip(text("state"))
            .with_context(|| format!("there is no plan: {listed}"))
    }

    fn state_of(&self, digest: &str) -> Result<String> {
        let shown = self.harness(&["plan", "show", digest, "--json"])?;
        let shown: Value = serde_json::from_str(&shown).context("the plan is no JSON")?;
        let state = shown.get("state").and_then(Value::as_str);
        state.map(str::to_owned).context("the plan has no state")
    }
}

/// Checks that too few digits, digits of no plan and the common digits of two show nothing, and
/// that the whole digest does. The gateway has to be stopped.
pub(super) fn named(openclaw: &OpenClaw<'_>, digest: &str) -> Result<()> {
    let database = openclaw.data().join("plans.sqlite3");
    let mut twin = openclaw.script("twin.mjs", TWIN)?;
    let output = finished(twin.arg(&database).arg(digest))?;
    ensure!(
        output.status.success(),
        "no plan was kept: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let digits = |count: usize| digest.get(..count).context("the digest is too short");
    refused(openclaw, digits(DIGITS - 1)?, "at least 8 digits")?;
    refused(openclaw, digits(DIGITS)?, "several plans begin with")?;
    refused(openclaw, &"0".repeat(DIGITS), "there is no plan")?;
    let printed = openclaw.run(&[PLUGIN, "plan", digest])?;
    ensure!(printed.contains(digest), "it printed {printed}");
    Ok(())
}

/// Checks that the command does not take these digits, and says why.
fn refused(openclaw: &OpenClaw<'_>, digits: &str, why: &str) -> Result<()> {
    match openclaw.run(&[PLUGIN, "plan", digits]) {
        Ok(printed) => bail!("{digits} was taken: {printed}"),
        Err(error) => {
            let said = error.to_string();
            ensure!(said.contains(why), "of {digits} it says {said}");
            Ok(())
        }
    }
}
