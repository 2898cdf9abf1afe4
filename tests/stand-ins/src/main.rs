//! The `crm-stand-in` command: starts stand-ins on loopback and says where they listen.

#![warn(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

use std::io::Write as _;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand, ValueEnum};
use crm_stand_in::clock::Clock;
use crm_stand_in::pa_workspace::{self, WorkspaceStandIn};
use crm_stand_in::relay::{self, RelayStandIn};
use crm_stand_in::tokens::{SECRET, Token};
use crm_stand_in::twenty::keys::{Access, ApiKey, Role, default_keys};
use crm_stand_in::twenty::sample::Size;
use crm_stand_in::twenty::{self, TwentyStandIn};
use crm_stand_in::{Running, StartError};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;

/// Stand-ins on 127.0.0.1 for the services that the skill talks to.
#[derive(Parser)]
#[command(name = "crm-stand-in", version)]
struct Cli {
    #[command(subcommand)]
    service: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Twenty 2.21: GraphQL, metadata, and a sample workspace.
    Twenty(Alone<TwentyArgs>),
    /// The Tezit relay: messages, conversations, teams and contacts of a sample.
    Relay(Alone<RelayArgs>),
    /// MyPA's PA Workspace: mail and calendar of a sample.
    Workspace(Alone<WorkspaceArgs>),
    /// All three in one process, each on a port of its own.
    All(All),
}

/// Options that every service takes.
#[derive(Args, Clone, Copy)]
struct CommonArgs {
    /// The moment that samples are laid out around, such as 2026-03-02T09:00:00Z; time runs on from
    /// there.
    #[arg(long)]
    now: Option<jiff::Timestamp>,
    /// Answer without a limit on how much may be asked.
    #[arg(long)]
    no_rate_limit: bool,
    /// Say where they listen, and what to show them, as one line of JSON.
    #[arg(long)]
    json: bool,
    /// Stop when standard input closes, so that it ends with whoever started it.
    #[arg(long)]
    until_stdin_closes: bool,
}

/// One service.
#[derive(Args)]
struct Alone<S: Args> {
    /// Port on 127.0.0.1; 0 takes any that is free.
    #[arg(long, default_value_t = 0)]
    port: u16,
    #[command(flatten)]
    own: S,
    #[command(flatten)]
    shared: CommonArgs,
}

#[derive(Args)]
struct TwentyArgs {
    /// People beside the sample's own.
    #[arg(long, default_value_t = 0)]
    people: u32,
    /// Opportunities beside the sample's own.
    #[arg(long, default_value_t = 0)]
    opportunities: u32,
    /// Tasks beside the sample's own.
    #[arg(long, default_value_t = 0)]
    tasks: u32,
    /// One more key with every right.
    #[arg(long)]
    api_key: Option<String>,
    /// A field that no key may read, as `opportunity.amount`; several times for several.
    #[arg(long = "hide-field", value_name = "OBJECT.FIELD")]
    hide_fields: Vec<String>,
}

/// Options for signing tokens.
#[derive(Args, Clone)]
struct Tokens {
    /// The secret that users' tokens are signed with.
    #[arg(long, default_value = SECRET)]
    secret_token: String,
}

#[derive(Args)]
struct RelayArgs {
    /// The relay to play: the protocol's own, or MyPA's.
    #[arg(long, value_enum, default_value_t = RelayVariant::P)]
    variant: RelayVariant,
    #[command(flatten)]
    tokens: Tokens,
}

#[derive(Args)]
struct WorkspaceArgs {
    /// The token that services pass with.
    #[arg(long, default_value = pa_workspace::SERVICE_TOKEN)]
    service_token: String,
    #[command(flatten)]
    tokens: Tokens,
}

#[derive(Clone, Copy, ValueEnum)]
enum RelayVariant {
    /// The protocol's own.
    P,
    /// MyPA's.
    M,
}

#[derive(Args)]
struct All {
    /// The relay to play: the protocol's own, or MyPA's.
    #[arg(long, value_enum, default_value_t = RelayVariant::P)]
    variant: RelayVariant,
    /// Twenty's port on 127.0.0.1; 0 takes any that is free.
    #[arg(long, default_value_t = 0)]
    twenty_port: u16,
    /// The relay's port.
    #[arg(long, default_value_t = 0)]
    relay_port: u16,
    /// The PA Workspace's port.
    #[arg(long, default_value_t = 0)]
    workspace_port: u16,
    #[command(flatten)]
    twenty: TwentyArgs,
    #[command(flatten)]
    workspace: WorkspaceArgs,
    #[command(flatten)]
    shared: CommonArgs,
}

/// A service that listens, and what is said of it.
struct Started {
    running: Running,
    service: &'static str,
    /// Members beside the address in the printed JSON.
    more: Value,
}

impl Started {
    fn line(&self) -> String {
        format!(
            "{} stand-in listening on {}",
            self.service,
            self.running.url()
        )
    }

    /// The address and what goes beside it, without the service's name.
    fn described(&self) -> Value {
        let mut described = json!({"url": self.running.url()});
        if let (Value::Object(fields), Value::Object(more)) = (&mut described, &self.more) {
            fields.extend(more.clone());
        }
        described
    }
}

impl CommonArgs {
    fn clock(&self) -> Clock {
        self.now.map_or_else(Clock::system, Clock::running_from)
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Cli::parse().service {
        Command::Twenty(Alone { port, own, shared }) => {
            run_alone(
                start_twenty(port, own, shared.clock(), shared).await?,
                shared,
            )
            .await
        }
        Command::Relay(Alone { port, own, shared }) => {
            let clock = shared.clock();
            run_alone(
                start_relay(port, own.variant, &own.tokens, clock, shared).await?,
                shared,
            )
            .await
        }
        Command::Workspace(Alone { port, own, shared }) => {
            run_alone(start_workspace(port, own, shared.clock()).await?, shared).await
        }
        Command::All(all) => run_all(all).await,
    }
}

async fn run_alone(started: Started, shared: CommonArgs) -> anyhow::Result<()> {
    let line = if shared.json {
        let mut said = json!({"service": started.service});
        if let (Value::Object(fields), Value::Object(more)) = (&mut said, started.described()) {
            fields.extend(more);
        }
        said.to_string()
    } else {
        started.line()
    };
    say_and_wait(&line, vec![started], shared).await
}

async fn run_all(all: All) -> anyhow::Result<()> {
    let shared = all.shared;
    // One clock, so that all three agree what time it is.
    let clock = shared.clock();
    let tokens = all.workspace.tokens.clone();
    let started = vec![
        start_twenty(all.twenty_port, all.twenty, clock.clone(), shared).await?,
        start_relay(all.relay_port, all.variant, &tokens, clock.clone(), shared).await?,
        start_workspace(all.workspace_port, all.workspace, clock).await?,
    ];
    let line = if shared.json {
        let each = started.iter();
        let each = each.map(|one| (one.service.to_owned(), one.described()));
        Value::Object(each.collect()).to_string()
    } else {
        let lines: Vec<String> = started.iter().map(Started::line).collect();
        lines.join("\n")
    };
    say_and_wait(&line, started, shared).await
}

async fn start_twenty(
    port: u16,
    arguments: TwentyArgs,
    clock: Clock,
    shared: CommonArgs,
) -> Result<Started, StartError> {
    let mut keys = default_keys();
    if let Some(token) = arguments.api_key {
        keys.push(ApiKey {
            token,
            access: Access::Role(Role::full()),
        });
    }
    let hide: Vec<&str> = arguments.hide_fields.iter().map(String::as_str).collect();
    for key in &mut keys {
        if let Access::Role(role) = &mut key.access {
            role.hidden = Role::hiding(&hide).hidden;
        }
    }
    let running = TwentyStandIn::start(twenty::Options {
        port,
        clock,
        size: Size {
            people: arguments.people,
            opportunities: arguments.opportunities,
            tasks: arguments.tasks,
        },
        keys,
        rate_limit: !shared.no_rate_limit,
        ..twenty::Options::default()
    })
    .await?;
    Ok(Started {
        running,
        service: "twenty",
        more: json!({}),
    })
}

async fn start_relay(
    port: u16,
    variant: RelayVariant,
    tokens: &Tokens,
    clock: Clock,
    shared: CommonArgs,
) -> Result<Started, StartError> {
    let running = RelayStandIn::start(relay::Options {
        port,
        variant: match variant {
            RelayVariant::P => relay::Variant::P,
            RelayVariant::M => relay::Variant::M,
        },
        secret: tokens.secret_token.clone(),
        clock,
        rate_limit: !shared.no_rate_limit,
        ..relay::Options::default()
    })
    .await?;
    Ok(Started {
        running,
        service: "relay",
        more: json!({"tokens": signed(tokens)}),
    })
}

async fn start_workspace(
    port: u16,
    arguments: WorkspaceArgs,
    clock: Clock,
) -> Result<Started, StartError> {
    let more = json!({
        "tokens": signed(&arguments.tokens),
        "serviceToken": arguments.service_token,
    });
    let running = WorkspaceStandIn::start(pa_workspace::Options {
        port,
        secret: arguments.tokens.secret_token,
        service_token: arguments.service_token,
        clock,
        ..pa_workspace::Options::default()
    })
    .await?;
    Ok(Started {
        running,
        service: "workspace",
        more,
    })
}

/// A token of each of the sample's people, by first name (the second Sam is `samOlsen`).
fn signed(tokens: &Tokens) -> Value {
    use relay::sample::{INGRID, PRIYA, ROBIN, SAM, SAM_OLSEN, TOMAS};
    let of = |user| Token::of(user).secret(&tokens.secret_token).sign();
    json!({
        "robin": of(ROBIN),
        "sam": of(SAM),
        "priya": of(PRIYA),
        "tomas": of(TOMAS),
        "ingrid": of(INGRID),
        "samOlsen": of(SAM_OLSEN),
    })
}

async fn say_and_wait(line: &str, started: Vec<Started>, shared: CommonArgs) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .context("cannot say on standard output where it listens")?;
    stop_asked(shared.until_stdin_closes).await?;
    for one in started {
        one.running.shutdown().await;
    }
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
