//! The command line: raw arguments, what they resolve to, and one module for each command.

mod access;
mod actions;
mod args;
mod ask;
mod audit;
mod call;
mod inherited_config;
mod init;
mod inspect;
mod mcp;
mod plan;
mod policy;
mod process;
mod render;
mod resolve;
mod serve;
mod signals;
mod status;
mod token;
mod trust;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use crm_harness::denial::Denial;
use crm_harness::text::sentence;
use serde_json::json;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use args::{Args, Command};

/// How often a program that runs for long looks after what it keeps.
const UPKEEP: Duration = Duration::from_secs(60 * 60);

/// How a command ended.
enum End {
    /// It did what was asked.
    Done,
    /// The action failed, or something is not in order.
    Failed,
}

/// An error of usage or configuration: exit code 2.
struct Misuse {
    code: &'static str,
    error: anyhow::Error,
}

impl<E: Into<anyhow::Error>> From<E> for Misuse {
    fn from(error: E) -> Self {
        Self {
            code: "usage",
            error: error.into(),
        }
    }
}

impl Misuse {
    fn new(code: &'static str, error: impl Into<anyhow::Error>) -> Self {
        Self {
            code,
            error: error.into(),
        }
    }
}

/// Runs the command.
pub(crate) fn main() -> ExitCode {
    let args = Args::parse();
    log(&args);
    process::prepare();
    let json = args.json;
    let ended = match &args.command {
        Command::Actions => actions::run(&args),
        Command::Init(init) => init::run(&args, init),
        Command::Trust { accept } => trust::run(&args, *accept),
        Command::Inspect => inspect::run(&args),
        Command::Call {
            name,
            arguments,
            yes,
        } => call::run(&args, name, arguments.as_deref(), *yes),
        Command::Mcp(given) => mcp::run(&args, given),
        Command::Serve(serve) => serve::run(&args, serve),
        Command::Token { command } => token::run(&args, command),
        Command::Plan { command } => plan::run(&args, command),
        Command::Access { command } => access::run(&args, command),
        Command::Status => status::run(&args),
        Command::Audit { command } => audit::run(&args, command),
        Command::Policy { command } => policy::run(&args, command),
    };
    match ended {
        Ok(End::Done) => ExitCode::SUCCESS,
        Ok(End::Failed) => ExitCode::from(1),
        Err(misuse) => {
            let text = told(&misuse.error);
            if json {
                let failure = json!({"failure": {"case": misuse.code, "reason": text}});
                render::print(&format!("{failure}\n"));
            }
            render::complain(&text);
            ExitCode::from(2)
        }
    }
}

/// Describes an error and its causes, each once: many say their cause themselves.
fn told(error: &anyhow::Error) -> String {
    error.chain().fold(String::new(), |text, cause| {
        let cause = cause.to_string();
        match text.as_str() {
            "" => cause,
            known if known.contains(&cause) => text,
            known => format!("{known}: {cause}"),
        }
    })
}

fn log(args: &Args) {
    let level = match &args.command {
        _ if args.verbose => LevelFilter::DEBUG,
        // What was refused is told in the log alone: whoever calls is not the operator.
        Command::Mcp(_) | Command::Serve(_) => LevelFilter::WARN,
        // The other commands themselves say on stderr what an operator must know.
        _ => LevelFilter::ERROR,
    };
    let colour = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
    // The protocol's own library traces whole messages, values and all.
    let targets = Targets::new()
        .with_default(level)
        .with_target("rmcp", LevelFilter::OFF);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(colour);
    tracing_subscriber::registry()
        .with(lines.with_filter(targets))
        .init();
}

/// Tells the operator what was refused and what to do about it.
fn tell_denials(denials: &[Denial]) {
    for denial in denials {
        render::note(&format!(
            "refused ({}): {} {}",
            denial.code.as_str(),
            denial.reason,
            denial.fix
        ));
        if let Some(nearest) = &denial.nearest {
            render::note(&format!("the nearest rule is: {nearest}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot use it: {0}")]
    struct Repeats(#[from] std::io::Error);

    #[test]
    fn a_cause_is_told_once() {
        let error = || Repeats(std::io::Error::other("the disk is gone"));
        assert_eq!(told(&error().into()), "cannot use it: the disk is gone");
        let error = Err::<(), _>(error()).context("nothing was done");
        assert_eq!(
            told(&error.unwrap_err()),
            "nothing was done: cannot use it: the disk is gone"
        );
    }
}
