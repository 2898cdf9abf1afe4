//! The command line: arguments, their resolution, and one module for each command.

mod access;
mod actions;
mod args;
mod ask;
mod audit;
mod call;
mod completions;
mod edit;
mod inherited_config;
mod init;
mod inspect;
mod mcp;
mod plan;
mod plan_outcome;
mod policy;
mod process;
mod render;
mod report;
mod resolve;
mod schema;
mod serve;
mod signals;
mod status;
mod token;
mod trust;
mod variables;

use std::process::ExitCode;

use clap::Parser;
use serde_json::json;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use args::{Args, Command};
use report::{End, describe};

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
        Command::Schema { file } => schema::run(*file),
        Command::Completions { shell } => completions::run(*shell),
    };
    match ended {
        Ok(End::Done) => ExitCode::SUCCESS,
        Ok(End::Failed) => ExitCode::from(1),
        Err(misuse) => {
            let text = describe(&misuse.error);
            if json {
                let failure = json!({"failure": {"case": misuse.code, "reason": text}});
                render::print(&format!("{failure}\n"));
            }
            render::complain(&text);
            ExitCode::from(2)
        }
    }
}

fn log(args: &Args) {
    let level = match &args.command {
        _ if args.verbose => LevelFilter::DEBUG,
        // Refusals are only logged: the caller is not the operator.
        Command::Mcp(_) | Command::Serve(_) => LevelFilter::WARN,
        // The other commands print on stderr what an operator must know.
        _ => LevelFilter::ERROR,
    };
    let colour = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
    // The protocol library traces whole messages, including their values.
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
