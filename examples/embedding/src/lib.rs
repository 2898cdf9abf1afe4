//! A program with the harness inside: it looks for a note, has one proposed, and approves that in
//! code. Everything that it uses of `crm_harness` is public.

#![warn(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail, ensure};
use crm_harness::audit::Audit;
use crm_harness::clock::SystemClock;
use crm_harness::config::{Flags, Manifest, Operator};
use crm_harness::plans::{PlanState, Preview, Proposed, Store, render_text};
use crm_harness::text::Emphasis;
use crm_harness::{Caller, Harness, Invocation, Parts, Reply, Setup, storage};
use serde_json::{Value, json};

/// Adds a note to the CRM, through the harness and the skill in examples/small-skill
#[derive(Debug, Clone, clap::Parser)]
pub struct Options {
    /// The component
    #[arg(long)]
    pub component: PathBuf,
    /// The skill's manifest
    #[arg(long)]
    pub manifest: PathBuf,
    /// The operator file
    #[arg(long)]
    pub operator: PathBuf,
    /// The directory of the audit log and the plans; must be yours alone
    #[arg(long)]
    pub data: PathBuf,
    /// The caller, by a name in the operator file
    #[arg(long)]
    pub caller: String,
    /// The note's title
    pub title: String,
    /// The note's text
    pub text: String,
}

/// Looks for notes with this title, proposes one, shows the plan, approves it, and prints what came
/// of it.
///
/// # Errors
/// Returns an error if the files cannot be used, an action fails, the plan is not the expected one,
/// or it was not performed.
pub async fn run(options: &Options, out: &mut impl Write) -> Result<()> {
    let (harness, caller) = load(options)?;

    // An action that reads has an answer: JSON of the type that the component's WIT gives it.
    let arguments = json!({ "words": options.title });
    match call(&harness, &caller, "notes_find", arguments).await? {
        Reply::Answer(answer) => writeln!(out, "Notes with this title: {answer:#}\n")?,
        other => bail!("notes_find should answer, and gave {other:?}"),
    }

    // An action that proposes writes nothing. It gives a plan, as a person would be shown it.
    let arguments = json!({ "title": options.title, "text": options.text });
    let Reply::Proposed(proposed) = call(&harness, &caller, "notes_add", arguments).await? else {
        bail!("notes_add should propose a plan");
    };
    let Proposed {
        preview,
        mut outcome,
    } = *proposed;
    let plain = Emphasis::default();
    write!(out, "{}", render_text::preview(&preview, &plain))?;

    // The same call means the same plan, which may be done already.
    if outcome.state == PlanState::Waiting {
        // Nobody reads the preview before this program says yes, so the program has to. The digest
        // names the bytes that the preview was made from: nothing else is approved by it.
        expect_one_note(&preview)?;
        let approved = harness
            .plans()
            .approve(preview.plan.as_str(), &caller, false);
        outcome = approved.await.context("the plan may not be performed")?;
    }
    write!(out, "{}", render_text::outcome(&outcome, &plain))?;
    ensure!(
        outcome.state == PlanState::Done,
        "the note was not added: {}",
        outcome.next
    );
    Ok(())
}

/// Makes a harness of the files: what the skill asks for, narrowed by what the operator grants.
fn load(options: &Options) -> Result<(Harness, Caller)> {
    let manifest = Manifest::read(&options.manifest)?;
    let operator = Operator::read(&options.operator)?;
    // The operator file may name variables of the environment for its secrets, so it is asked.
    let environment = |name: &str| std::env::var(name).ok();
    let setup = Setup::resolve(manifest, Some(&operator), Flags::default(), &environment)?;
    // The caller is the program's word, never a model's: it decides what policy permits.
    let caller = setup.callers.get(&options.caller).cloned();
    let caller = caller.with_context(|| {
        let (name, file) = (&options.caller, options.operator.display());
        format!("{file} has no caller `{name}`: add [callers.{name}]")
    })?;
    // These functions refuse files and folders that somebody else could change.
    let data = storage::data_directory(&options.data)?;
    let component = storage::read_trusted(&options.component)?;
    let parts = Parts {
        // Without these two the log goes to `tracing`, and plans end with the process.
        recorder: Arc::new(Audit::open(&data, Arc::new(SystemClock))?),
        plans: Some(Store::open(&data)?),
        ..Parts::default()
    };
    // The last argument would be a folder for compiled code, which makes the next start faster.
    let harness = Harness::load(&component, setup, parts, None).context("cannot start")?;
    Ok((harness, caller))
}

/// Calls an action and makes its failure an error.
async fn call(harness: &Harness, caller: &Caller, tool: &str, arguments: Value) -> Result<Reply> {
    let invocation = Invocation {
        tool: tool.to_owned(),
        arguments,
        caller: caller.clone(),
        deadline: None,
    };
    let outcome = harness.call(invocation).await?;
    // A refusal has a line that would permit it. That is for the operator, not for whoever called.
    for denial in &outcome.denials {
        eprintln!("refused: {} {}", denial.reason, denial.fix);
    }
    match outcome.reply {
        Reply::Failed(failure) => bail!("{tool} failed: {}", failure.to_json()),
        reply => Ok(reply),
    }
}

/// Refuses every plan but one that adds a single note.
fn expect_one_note(preview: &Preview) -> Result<()> {
    let documents = preview.steps.iter().map(|step| step.document.as_deref());
    ensure!(
        documents.eq([Some("add_note")]),
        "this program approves new notes alone, and this plan is: {}",
        preview.deed
    );
    Ok(())
}
