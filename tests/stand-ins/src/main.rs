//! The `crm-stand-in` command: starts a stand-in on loopback and says where it listens.

use std::io::Write as _;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use crm_stand_in::clock::Clock;
use crm_stand_in::twenty::keys::{Access, ApiKey, Role, default_keys};
use crm_stand_in::twenty::sample::Size;
use crm_stand_in::twenty::{Options, TwentyStandIn};
use tokio::io::AsyncReadExt as _;

/// Stand-ins on 127.0.0.1 for the services that the skill talks to.
#[derive(Parser)]
#[command(name = "crm-stand-in", version)]
struct Cli {
    #[command(subcommand)]
    service: Service,
}

#[derive(Subcommand)]
enum Service {
    /// Twenty 2.21: GraphQL, metadata, and a sample workspace.
    Twenty(Twenty),
}

#[derive(Args)]
struct Twenty {
    /// Port on 127.0.0.1; 0 takes any that is free.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// People beside the sample's own.
    #[arg(long, default_value_t = 0)]
    people: u32,
    /// Opportunities beside the sample's own.
    #[arg(long, default_value_t = 0)]
    opportunities: u32,
    /// Tasks beside the sample's own.
    #[arg(long, default_value_t = 0)]
    tasks: u32,
    /// Answer without the limit of 100 root fields a minute.
    #[arg(long)]
    no_rate_limit: bool,
    /// The moment that the sample is laid out around, such as 2026-03-02T09:00:00Z; time runs on from there.
    #[arg(long)]
    now: Option<jiff::Timestamp>,
    /// One more key with every right.
    #[arg(long)]
    api_key: Option<String>,
    /// Say where it listens as one line of JSON: {"service": ..., "url": ...}.
    #[arg(long)]
    json: bool,
    /// Stop when standard input closes, so that it ends with whoever started it.
    #[arg(long)]
    until_stdin_closes: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Cli::parse().service {
        Service::Twenty(arguments) => twenty(arguments).await,
    }
}

async fn twenty(arguments: Twenty) -> anyhow::Result<()> {
    let mut keys = default_keys();
    if let Some(token) = arguments.api_key {
        keys.push(ApiKey {
            token,
            access: Access::Role(Role::full()),
        });
    }
    let running = TwentyStandIn::start(Options {
        port: arguments.port,
        clock: arguments
            .now
            .map_or_else(Clock::system, Clock::running_from),
        size: Size {
            people: arguments.people,
            opportunities: arguments.opportunities,
            tasks: arguments.tasks,
        },
        keys,
        rate_limit: !arguments.no_rate_limit,
    })
    .await?;
    let url = running.url();
    let line = if arguments.json {
        serde_json::json!({"service": "twenty", "url": url}).to_string()
    } else {
        format!("twenty stand-in listening on {url}")
    };
    let mut out = std::io::stdout();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .context("cannot say on standard output where it listens")?;
    stop_asked(arguments.until_stdin_closes).await?;
    running.shutdown().await;
    Ok(())
}

/// Waits for SIGINT, SIGTERM or, where asked, the end of standard input.
async fn stop_asked(until_stdin_closes: bool) -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
    let stdin_closed = async {
        if !until_stdin_closes {
            std::future::pending::<()>().await;
        }
        let (mut stdin, mut buffer) = (tokio::io::stdin(), [0u8; 256]);
        // An error ends the wait as an end of input does.
        while stdin.read(&mut buffer).await.is_ok_and(|n| n > 0) {}
    };
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted.context("cannot wait for SIGINT")?,
        _ = terminate.recv() => {}
        () = stdin_closed => {}
    }
    Ok(())
}
