//! The tools that write: nobody is asked, or nobody answers, or a person denies, or allows; and
//! what is in the stand-ins each time.

#![allow(
    clippy::indexing_slicing,
    reason = "a member that a JSON object does not have is null when it is read, and is made when it is written"
)]

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use super::DEAL;
use super::gateway::Invoked;
use super::operator::{Decision, Operator};
use super::tried::Tried;
use crate::Check;

impl Tried<'_> {
    pub(super) fn writes(&self, checks: &mut Vec<Check>) -> Result<()> {
        checks.push(Check::of("nobody can be asked", self.unasked()));
        let mut operator = Operator::connect(self.gateway.port)?;
        checks.push(Check::of(
            "read, and unanswered",
            self.read_in_full(&mut operator),
        ));
        operator.decides(Decision::Deny);
        checks.push(Check::of(
            "denied",
            self.denied("Was denied", &mut operator),
        ));
        operator.decides(Decision::Allow);
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

    /// The person is asked, and without their yes nothing is sent.
    fn refused(&self, title: &str, operator: &mut Operator) -> Result<()> {
        operator.forget();
        let called = self.task(title)?;
        ensure!(
            called.status == 403,
            "status {}: {}",
            called.status,
            called.body
        );
        ensure!(self.services.tasks(title)? == 0, "the task was made");
        operator.catch_up();
        shown_once(operator, title)
    }

    /// A denied plan is dropped: the record says so, and nothing was sent.
    fn denied(&self, title: &str, operator: &mut Operator) -> Result<()> {
        self.refused(title, operator)?;
        let listed = self.harness(&["plan", "list", "--json"])?;
        let plans: Value = serde_json::from_str(&listed).context("the list is no JSON")?;
        let newest = plans.pointer("/0").or_else(|| plans.pointer("/plans/0"));
        let state = newest
            .and_then(|plan| plan.get("state"))
            .and_then(Value::as_str);
        ensure!(
            state == Some("denied") && newest.is_some_and(|plan| plan.to_string().contains(title)),
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
        shown_once(operator, title)?;
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
}

/// That the person was asked once, and shown the title that will be sent.
fn shown_once(operator: &Operator, title: &str) -> Result<()> {
    let [asked] = operator.asked.as_slice() else {
        bail!("the person was asked {} times", operator.asked.len());
    };
    let text = asked["description"].as_str().unwrap_or_default();
    ensure!(
        text.contains(&format!("{title:?}")),
        "the person was shown: {text}"
    );
    Ok(())
}
