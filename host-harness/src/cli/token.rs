//! `crm-harness token`: draws tokens for clients of `crm-harness serve`.

use anyhow::{Context as _, anyhow};
use crm_harness::config::{Scope, tokens};

use super::args::{Args, TokenCommand, TokenScope};
use super::report::{End, Misuse};
use super::{render, resolve};

pub(super) fn run(args: &Args, command: &TokenCommand) -> Result<End, Misuse> {
    match command {
        TokenCommand::New { scope } => new(args, *scope),
    }
}

/// Draws a token, prints it once, and says where its digest belongs.
fn new(args: &Args, scope: TokenScope) -> Result<End, Misuse> {
    let name = args
        .caller
        .as_deref()
        .ok_or_else(|| anyhow!("whose token is it to be? Name the caller with --caller"))?;
    // With an operator file, a misspelled name is found now.
    if args.operator.is_some() {
        resolve::caller(args, &resolve::setup(args)?)?;
    }
    let token = tokens::draw().context("the system has no randomness")?;
    let scope = match scope {
        TokenScope::Propose => Scope::Propose,
        TokenScope::Approve => Scope::Approve,
    };
    let stored = tokens::stored(&token, scope);
    if args.json {
        render::print(&render::pretty(&serde_json::json!({
            "caller": name, "scope": scope.as_str(), "token": token.as_str(), "stored": stored,
        })));
        return Ok(End::Done);
    }
    render::print(&format!("{}\n", token.as_str()));
    render::note("this is shown once: give it to the client, as `Authorization: Bearer ...`");
    render::note(match scope {
        Scope::Propose => "whoever holds it can propose plans, and approve none",
        Scope::Approve => {
            "whoever holds it can APPROVE plans: keep it where no model and no tool can read it"
        }
    });
    // The name may not be a bare TOML key.
    let key = toml_edit::Key::new(name);
    render::note(&format!(
        "and write its digest into the operator file (beside others of the same caller):\n[callers.{}]\ntokens = [\"{stored}\"]",
        key.display_repr()
    ));
    Ok(End::Done)
}
