//! Command-line arguments.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::SystemTime;

use clap::{ArgAction, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use crm_harness::audit::Head;
use crm_harness::plans::REASON_MAX;

use super::variables::Variables;

/// Runs the actions of a skill in a sandbox, under a policy that the skill cannot widen.
#[derive(Clone, Parser)]
#[command(name = "crm-harness", version, max_term_width = 100)]
pub(super) struct Args {
    /// The component [default: crm_skill.wasm beside this program, else of the project that it was
    /// built in]
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "CRM_HARNESS_COMPONENT"
    )]
    pub(super) component: Option<PathBuf>,

    /// The skill's manifest [default: skill.toml beside the component, else beside this program,
    /// else of the project that it was built in]
    #[arg(long, global = true, value_name = "FILE", env = "CRM_HARNESS_MANIFEST")]
    pub(super) manifest: Option<PathBuf>,

    /// The operator file; without it the environment variables that the manifest names grant access
    #[arg(long, global = true, value_name = "FILE", env = "CRM_HARNESS_OPERATOR")]
    pub(super) operator: Option<PathBuf>,

    /// The directory of compiled code; must be yours alone
    #[arg(long, global = true, value_name = "DIR", env = "CRM_HARNESS_CACHE_DIR")]
    pub(super) cache_dir: Option<PathBuf>,

    /// The directory of the audit log and the plans; must be yours alone
    #[arg(long, global = true, value_name = "DIR", env = "CRM_HARNESS_DATA_DIR")]
    pub(super) data_dir: Option<PathBuf>,

    /// Allow services on this machine, over plain http too
    #[arg(long, global = true, action = ArgAction::SetTrue, env = "CRM_HARNESS_ALLOW_LOOPBACK",
          value_parser = clap::builder::FalseyValueParser::new())]
    pub(super) allow_loopback: bool,

    /// Call on behalf of this caller of the operator file
    #[arg(long, global = true, value_name = "NAME", env = "CRM_HARNESS_CALLER")]
    pub(super) caller: Option<String>,

    /// The caller's e-mail address in the service
    #[arg(
        long,
        global = true,
        value_name = "EMAIL",
        env = "CRM_HARNESS_CALLER_EMAIL"
    )]
    pub(super) caller_email: Option<String>,

    /// The caller's name
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        env = "CRM_HARNESS_CALLER_NAME"
    )]
    pub(super) caller_name: Option<String>,

    /// The caller's role
    #[arg(
        long,
        global = true,
        value_name = "ROLE",
        env = "CRM_HARNESS_CALLER_ROLE"
    )]
    pub(super) caller_role: Option<String>,

    /// The caller's time zone, such as Europe/Berlin
    #[arg(
        long,
        global = true,
        value_name = "ZONE",
        env = "CRM_HARNESS_TIME_ZONE"
    )]
    pub(super) time_zone: Option<String>,

    /// Give the skill this time instead of the present, such as 2026-07-01T09:00:00Z; for
    /// demonstrations
    #[arg(long, global = true, value_name = "TIME", env = "CRM_HARNESS_NOW", value_parser = time)]
    pub(super) now: Option<SystemTime>,

    /// Answer in JSON
    #[arg(long, global = true)]
    pub(super) json: bool,

    /// Log what happens on stderr
    #[arg(long, short, global = true)]
    pub(super) verbose: bool,

    /// Variables that replace those of the environment, if they were inherited
    #[arg(skip)]
    pub(super) variables: Option<Variables>,

    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Clone, Debug, Subcommand)]
pub(super) enum Command {
    /// List the actions; with --json the schemas too
    Actions,
    /// Show what the component is made of and what the manifest lets it send
    Inspect,
    /// Call an action
    Call {
        /// Its name, with or without the skill's prefix
        name: String,
        /// Its arguments: JSON, @FILE, or - for standard input
        #[arg(value_name = "JSON|@FILE|-")]
        arguments: Option<String>,
        /// Approve what it proposes and perform it at once, where policy lets the caller
        #[arg(long)]
        yes: bool,
    },
    /// Serve the actions to one client over standard input and output (Model Context Protocol)
    Mcp(McpArgs),
    /// Serve the actions over HTTP, to every caller of the operator file who has a token (Model
    /// Context Protocol)
    Serve(ServeArgs),
    /// Make tokens for clients of `serve`
    Token {
        #[command(subcommand)]
        command: TokenCommand,
    },
    /// Show plans, and decide about them
    Plan {
        #[command(subcommand)]
        command: PlanCommand,
    },
    /// Work with the access policies
    Access {
        #[command(subcommand)]
        command: AccessCommand,
    },
    /// Show whether everything is set up and the services answer
    Status,
    /// Ask for addresses, credentials and members, try them, and write an operator file
    Init(InitArgs),
    /// Show what the component and its manifest ask for, or how that differs from what was
    /// accepted, and accept it
    Trust {
        /// Accept without asking
        #[arg(long)]
        accept: bool,
    },
    /// Read the audit log of what was asked, decided and sent
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Work with the policy
    Policy {
        #[command(subcommand)]
        command: PolicyCommand,
    },
    /// Print the JSON Schema of a configuration file, for an editor
    Schema {
        /// The file
        file: SchemaFile,
    },
    /// Print a script that completes this program's arguments in a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum SchemaFile {
    /// The manifest of a skill, skill.toml
    Skill,
    /// The operator file
    Operator,
}

#[derive(Clone, Debug, Subcommand)]
pub(super) enum PlanCommand {
    /// List the plans, newest first
    List {
        /// The maximum number
        #[arg(long, short = 'n', value_name = "N", default_value_t = 50)]
        limit: u16,
    },
    /// Show what a plan will send, or its outcome
    Show {
        /// Its digest, or the first six digits of it or more
        plan: String,
    },
    /// Approve a plan and perform it
    Approve {
        /// Its digest, or the first six digits of it or more
        plan: String,
        /// Also if another version of the component proposed it
        #[arg(long)]
        any_component: bool,
    },
    /// Deny a plan that is not over; steps that were sent are not undone
    Deny {
        /// Its digest, or the first six digits of it or more
        plan: String,
        /// A reason, told to whoever proposed it, such as what should be otherwise; at most 500
        /// characters
        #[arg(long, value_name = "TEXT", value_parser = reason)]
        reason: Option<String>,
    },
    /// Edit the arguments of a plan, which makes another plan that replaces it
    Edit {
        /// Its digest, or the first six digits of it or more
        plan: String,
        /// The new arguments (JSON, @FILE, or - for standard input) instead of an editor; without
        /// it $VISUAL or $EDITOR opens the present ones
        #[arg(long, value_name = "JSON|@FILE|-")]
        arguments: Option<String>,
    },
    /// Resume a plan that was approved and has not finished
    Resume {
        /// Its digest, or the first six digits of it or more
        plan: String,
        /// Also if another version of the component proposed it
        #[arg(long)]
        any_component: bool,
    },
}

#[derive(Clone, Debug, clap::Args)]
pub(super) struct McpArgs {
    /// For a program that starts this one: the inherited socket over which it passes settings and
    /// secrets, and then shows plans to its person and reports what they decide
    #[arg(long, value_name = "DESCRIPTOR")]
    pub(super) channel: Option<u32>,
}

#[derive(Clone, Debug, clap::Args)]
pub(super) struct ServeArgs {
    /// The address to listen on; port 0 takes any free port
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8020")]
    pub(super) listen: SocketAddr,

    /// Listen where other machines can reach it, too
    #[arg(long)]
    pub(super) beyond_loopback: bool,

    /// A name under which clients reach it, beside its own address; several times for several
    #[arg(long, value_name = "NAME[:PORT]")]
    pub(super) host: Vec<String>,
}

#[derive(Clone, Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Draw a token for the caller that --caller names, and print it once
    New {
        /// The scope: `propose` for an agent; `approve` for a client whose answer to a plan is
        /// certainly its person's
        #[arg(long, value_enum, default_value_t = TokenScope::Propose)]
        scope: TokenScope,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum TokenScope {
    Propose,
    Approve,
}

#[derive(Clone, Debug, Subcommand)]
pub(super) enum AccessCommand {
    /// Say whether policy lets the caller do something, and which policy decides
    Explain(AccessArgs),
}

#[derive(Clone, Debug, clap::Args)]
pub(super) struct AccessArgs {
    /// An action by its full name; a verb on a record: create, link, change, delete, disclose,
    /// expand; or something to send, such as message
    pub(super) deed: String,

    /// The record's kind
    #[arg(long, default_value = "record")]
    pub(super) kind: String,

    /// The e-mail address of the record's owner; `none` for a record without one, `unknown` (as
    /// without this option) if the service does not say
    #[arg(long, value_name = "EMAIL|none|unknown")]
    pub(super) owner: Option<String>,

    /// The record's stage
    #[arg(long)]
    pub(super) stage: Option<String>,

    /// A field that is set; may be given several times
    #[arg(long)]
    pub(super) field: Vec<String>,

    /// For a record that the plan itself creates
    #[arg(long)]
    pub(super) new: bool,

    /// For a step that only compensates an earlier one
    #[arg(long)]
    pub(super) undo: bool,
    /// A recipient of what is sent or disclosed, by id or address; may be given several times
    #[arg(long, value_name = "ID")]
    pub(super) recipient: Vec<String>,
    /// The whole team can read it
    #[arg(long)]
    pub(super) group: bool,
    /// A recipient is not of the team
    #[arg(long)]
    pub(super) outside: bool,
    /// The operator lists all recipients
    #[arg(long)]
    pub(super) listed: bool,
}

#[derive(Clone, Debug, clap::Args)]
pub(super) struct ExplainArgs {
    /// The method, such as POST
    pub(super) method: String,

    /// The URL, exactly as it would be sent
    pub(super) url: String,

    /// A header, as `name: value`
    #[arg(long, value_name = "NAME: VALUE")]
    pub(super) header: Vec<String>,

    /// The body: its text, @FILE, or - for standard input
    #[arg(long, value_name = "TEXT|@FILE|-", default_value = "")]
    pub(super) body: String,

    /// As the host itself would send it, for an approved step, and not as an action requests it
    #[arg(long)]
    pub(super) perform: bool,
}

#[derive(Clone, Debug, clap::Args)]
pub(super) struct InitArgs {
    /// The file to write [default: operator.toml]
    pub(super) file: Option<PathBuf>,

    /// The origin of a service, as URL or NAME=URL
    #[arg(long, value_name = "[NAME=]URL")]
    pub(super) url: Vec<String>,

    /// The reference to its credential: env:NAME, file:PATH or fd:NUMBER, or NAME= and one of these
    #[arg(long, value_name = "[NAME=]REFERENCE")]
    pub(super) secret: Vec<String>,

    /// A member: e-mail, name, role, teams; may be given several times. The name of one whom the
    /// service names may be left out
    #[arg(long, value_name = "EMAIL,NAME,ROLE,TEAM")]
    pub(super) member: Vec<String>,

    /// Grant what the addresses need, and write the file even if something does not work yet
    #[arg(long)]
    pub(super) yes: bool,

    /// Replace the file if there is one
    #[arg(long)]
    pub(super) force: bool,
}

#[derive(Clone, Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// Show the last rows
    Tail {
        /// The number of rows
        #[arg(long, short = 'n', value_name = "N", default_value_t = 20)]
        count: u32,
    },
    /// Verify that no row was changed, removed or inserted, and print the head of the audit log
    Verify {
        /// The head that this command printed earlier
        #[arg(long, value_name = "NUMBER:HASH")]
        head: Option<Head>,
    },
    /// Show who was sent which fields of which record, when, and under which policies
    Disclosures {
        /// Only disclosures of this record
        #[arg(long, value_name = "ID")]
        record: Option<String>,
        /// Only disclosures to this id or address
        #[arg(long, value_name = "ID")]
        recipient: Option<String>,
    },
    /// Print every row as a line of JSON
    Export {
        /// The first row
        #[arg(long, value_name = "N", default_value_t = 1)]
        from: u64,
    },
}

#[derive(Clone, Debug, Subcommand)]
pub(super) enum PolicyCommand {
    /// Explain whether a request would be permitted, by which rule, or why not and what would
    /// permit it
    Explain(ExplainArgs),
    /// Look for entries of skill.toml and operator file that never match, open more than they seem
    /// to, or are left empty
    Lint,
    /// Run a file of cases through the decisions of the gate
    Check {
        /// The cases
        #[arg(long, value_name = "FILE")]
        cases: PathBuf,
    },
}

/// Parses a reason to deny a plan.
fn reason(text: &str) -> Result<String, String> {
    let length = text.trim().chars().count();
    if (1..=REASON_MAX).contains(&length) {
        return Ok(text.trim().to_owned());
    }
    Err(format!(
        "it has {length} characters: write 1 to {REASON_MAX}"
    ))
}

fn time(text: &str) -> Result<SystemTime, String> {
    humantime::parse_rfc3339(text)
        .map_err(|error| format!("{error}; write it as 2026-07-01T09:00:00Z"))
}
