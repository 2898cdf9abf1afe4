//! `crm-harness completions`: prints a completion script.

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::args::Args;
use super::render;
use super::report::{End, Misuse};

pub(super) fn run(shell: Shell) -> Result<End, Misuse> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "crm-harness", &mut script);
    render::print(&String::from_utf8_lossy(&script));
    Ok(End::Done)
}
