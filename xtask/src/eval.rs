//! `cargo xtask eval`: asks a model which tools it would call for the requests of
//! tests/cases/requests.json.

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;
use serde_json::json;

use crate::toolchain::{Choice, Toolchain};
use crate::workspace::Workspace;
use crate::{component, process};

/// Options of `cargo xtask eval`: the model, and the requests.
#[derive(Args)]
pub(crate) struct Options {
    /// Base URL of the model: the part before /chat/completions, such as http://127.0.0.1:8080/v1
    #[arg(long, value_name = "URL")]
    model_url: String,
    /// Its name, where the endpoint serves several
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// The environment variable that holds the key, where it wants one; no flag takes the key
    /// itself
    #[arg(long, value_name = "NAME")]
    key_env: Option<String>,
    /// Only so many requests
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Print rows and score as JSON instead of a table
    #[arg(long)]
    json: bool,
    /// Compiler for the component
    #[arg(long, value_enum, default_value_t)]
    toolchain: Choice,
}

/// Builds the component and asks. What the model calls is answered by the real harness before
/// stand-ins of the services.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    if let Some(name) = &options.key_env
        && std::env::var_os(name).is_none_or(|key| key.is_empty())
    {
        bail!(
            "--key-env names {name}, which is not set. Put the key into it, or leave the flag out."
        );
    }
    let workspace = Workspace::find()?;
    let component = component::build_skill(&workspace, Toolchain::find(options.toolchain)?)?;
    let asked = json!({
        "url": options.model_url,
        "model": options.model,
        "keyEnv": options.key_env,
        "limit": options.limit,
        "json": options.json,
    });
    let mut cargo = process::cargo();
    cargo
        .current_dir(workspace.root())
        .args(["run", "--quiet", "--locked"])
        .args(["--example", "eval", "--", &asked.to_string()])
        .env("CRM_COMPONENT", component.path);
    process::run(&mut cargo)?;
    Ok(ExitCode::SUCCESS)
}
