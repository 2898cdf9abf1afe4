//! `crm-harness mcp` beside two other MCP servers for Twenty, all over standard input and output
//! and against one stand-in.
//!
//! Whatever is compared is measured in turn, so that the machine's moods meet all servers. Each
//! finds the same two deals by the same word, in the way that it offers. Nobody's rate is limited:
//! what is measured is how long calls take, not how long they have to wait.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use std::{fs, thread};

use anyhow::{Context, Result, bail};
use serde_json::json;

use super::ReleaseBuild;
use super::server::{Search, Server};
use super::table::{Figure, Row, shown};
use crate::node::Node;
use crate::place::{Parts, Place};
use crate::stand_ins::KEY;
use crate::{python, workspace};

const JAVASCRIPT: (&str, &str) = ("twenty-crm-mcp-server", "0.6.2");
const PYTHON: (&str, &str) = ("twenty-mcp", "2.3.6");

/// Starts of each server.
const STARTS: usize = 11;
/// Starts with nothing compiled before.
const COLD_STARTS: usize = 3;
/// Calls that are not counted, and those that are.
const WARM_UP: usize = 30;
const CALLS: usize = 300;
/// After how many calls memory is measured.
const MEMORY_AFTER: usize = 200;

/// One of the servers refuses more than ten requests a second, and cannot be told otherwise: rounds
/// take at least this long.
const ROUND: Duration = Duration::from_millis(110);

/// The deals that every search finds.
const DEALS: [&str; 2] = ["Northern depot relaunch", "Tram depot lighting"];

/// A server to compare.
struct Contestant {
    name: String,
    words: Vec<PathBuf>,
    environment: Vec<(&'static str, String)>,
    search: Search,
}

impl Contestant {
    fn command(&self) -> Result<Command> {
        let (program, arguments) = self.words.split_first().context("no program")?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        Ok(command)
    }

    fn start(&self, folder: &Path) -> Result<(Server, Duration)> {
        let log = folder.join(format!("{}.log", self.name));
        Server::start(&mut self.command()?, &log).with_context(|| self.name.clone())
    }
}

/// The measurements of one server.
#[derive(Default)]
struct Measured {
    starts: Vec<Duration>,
    listing: usize,
    /// After the start, and after some calls.
    memory: [u64; 2],
    calls: Vec<Duration>,
}

pub(super) fn run(built: &ReleaseBuild) -> Result<()> {
    let folder = built.workspace.target().join("bench");
    let manifest = manifest_without_rates(&built.workspace.root().join("manifests"), &folder)?;
    let place = Place::new(Parts {
        harness: &built.harness,
        stand_in: &built.stand_in,
        component: &built.component,
        manifest: &manifest,
        folder: folder.join("peers"),
        limited: false,
    })?;
    let url = place.url()?;
    let own = Contestant {
        name: format!("crm-harness {}", env!("CARGO_PKG_VERSION")),
        words: place
            .stdio_server()
            .into_iter()
            .map(PathBuf::from)
            .collect(),
        environment: Vec::new(),
        search: Search {
            tool: "crm_search",
            arguments: json!({"query": "depot"}),
            finds: &DEALS,
        },
    };
    let cache = workspace::cache()?;
    let others = [javascript(&cache, &url), python_server(&cache, &url)];
    let mut cold = Vec::new();
    for _ in 0..COLD_STARTS {
        let code = place.path("code");
        fs::remove_dir_all(&code).with_context(|| format!("cannot empty {}", code.display()))?;
        cold.push(own.start(&folder)?.1);
    }
    let contestants: Vec<&Contestant> = std::iter::once(&own)
        .chain(others.iter().flatten())
        .collect();
    let mut measured = measure(&contestants, &folder)?.into_iter();
    let own_measured = measured.next().context("nothing was measured")?;
    let others_measured: Vec<Option<Measured>> = others
        .iter()
        .map(|other| other.as_ref().ok().and_then(|_| measured.next()))
        .collect();
    let names = [JAVASCRIPT, PYTHON].map(|(name, version)| format!("{name} {version}"));
    let servers = [vec![own.name.clone()], names.to_vec()].concat();
    let mut rows = vec![Row {
        name: "first start, nothing compiled yet",
        own: millis(quantile(&mut cold, 50)),
        others: vec![None; others.len()],
        aim: 1.0,
    }];
    for (name, aim, figure) in FIGURES {
        rows.push(Row {
            name,
            own: figure(&own_measured),
            others: others_measured
                .iter()
                .map(|measured| measured.as_ref().map(figure))
                .collect(),
            aim,
        });
    }
    print!("{}", shown(&servers, &rows));
    println!(
        "\nMedians of {STARTS} starts, and of {COLD_STARTS} first ones; {CALLS} searches of each server after {WARM_UP} others, in turn."
    );
    println!(
        "The same two deals by the same word: crm-harness looks through people, companies, deals and tasks (2 requests) and records \
         every call; the others ask for deals alone (1 request)."
    );
    for (name, other) in names.iter().zip(&others) {
        if let Err(error) = other {
            println!("{name} is missing: {error:#}");
        }
    }
    Ok(())
}

/// A figure of a server, its name, and how many times better it is meant to be.
type Of = fn(&Measured) -> Figure;
const FIGURES: [(&str, f64, Of); 6] = [
    ("start to the answer of initialize", 2.0, |measured| {
        millis(quantile(&mut measured.starts.clone(), 50))
    }),
    ("tools/list", 1.0, |measured| Figure {
        value: measured.listing as f64,
        unit: "bytes",
    }),
    ("memory after the start", 2.0, |measured| {
        mebibytes(measured.memory[0])
    }),
    ("memory after 200 searches", 2.0, |measured| {
        mebibytes(measured.memory[1])
    }),
    ("search, p50", 1.0, |measured| {
        millis(quantile(&mut measured.calls.clone(), 50))
    }),
    ("search, p95", 1.0, |measured| {
        millis(quantile(&mut measured.calls.clone(), 95))
    }),
];

/// Measures all of them in turn.
fn measure(contestants: &[&Contestant], folder: &Path) -> Result<Vec<Measured>> {
    let mut all: Vec<Measured> = contestants.iter().map(|_| Measured::default()).collect();
    eprintln!("measuring starts");
    // The first start of each reads its files from the disk and is not counted.
    for run in 0..=STARTS {
        for (contestant, measured) in contestants.iter().zip(&mut all) {
            let (_, took) = contestant.start(folder)?;
            if run > 0 {
                measured.starts.push(took);
            }
        }
    }
    let mut servers = Vec::new();
    for (contestant, measured) in contestants.iter().zip(&mut all) {
        let (mut server, _) = contestant.start(folder)?;
        measured.memory[0] = server.resident()?;
        measured.listing = server.listing()?;
        servers.push(server);
    }
    eprintln!("measuring searches");
    for run in 1..=WARM_UP + CALLS {
        let begun = Instant::now();
        // Another one is the first after the pause each time.
        for turn in 0..contestants.len() {
            let at = (run + turn) % contestants.len();
            let (Some(contestant), Some(measured), Some(server)) =
                (contestants.get(at), all.get_mut(at), servers.get_mut(at))
            else {
                bail!("a server is missing");
            };
            let took = server
                .search(&contestant.search)
                .with_context(|| contestant.name.clone())?;
            if run > WARM_UP {
                measured.calls.push(took);
            }
            if run == MEMORY_AFTER {
                measured.memory[1] = server.resident()?;
            }
        }
        thread::sleep(ROUND.saturating_sub(begun.elapsed()));
    }
    Ok(all)
}

fn javascript(cache: &Path, url: &str) -> Result<Contestant> {
    let (name, version) = JAVASCRIPT;
    let cache = cache.join("npm");
    let node = Node::ensure(&cache)?;
    let folder = cache.join(name);
    node.packages(&folder, &[JAVASCRIPT])?;
    let module = folder.join("node_modules").join(name).join("dist/index.js");
    Ok(Contestant {
        name: format!("{name} {version}"),
        words: vec![node.path(), module],
        environment: vec![
            ("TWENTY_API_KEY", KEY.to_owned()),
            ("TWENTY_BASE_URL", url.to_owned()),
        ],
        search: Search {
            tool: "list_opportunities",
            arguments: json!({"searchTerm": "depot"}),
            finds: &DEALS,
        },
    })
}

fn python_server(cache: &Path, url: &str) -> Result<Contestant> {
    let (name, version) = PYTHON;
    let bin = python::package(&cache.join("python"), name, version, 12)?;
    // It has no search of its own for a part of a name, but takes any query: what is asked here is
    // as little as can be.
    let query = "query Search($filter: OpportunityFilterInput, $limit: Int) { opportunities(filter: $filter, first: $limit) \
                 { edges { node { id name stage closeDate amount { amountMicros currencyCode } company { id name } } } } }";
    let variables = json!({"filter": {"name": {"ilike": "%depot%"}}, "limit": 20});
    Ok(Contestant {
        name: format!("{name} {version}"),
        words: vec![bin.join(name)],
        environment: vec![
            ("TWENTY_TOKEN", KEY.to_owned()),
            ("TWENTY_URL", url.to_owned()),
        ],
        search: Search {
            tool: "twenty_graphql",
            arguments: json!({"query": query, "variables": variables.to_string()}),
            finds: &DEALS,
        },
    })
}

/// The manifest and its access files in another folder, without the services' rates.
fn manifest_without_rates(from: &Path, to: &Path) -> Result<PathBuf> {
    let to = to.join("manifests");
    let access = to.join("access");
    fs::create_dir_all(&access).with_context(|| format!("cannot make {}", access.display()))?;
    for name in ["policies.cedar", "schema.cedarschema"] {
        let (source, copy) = (from.join("access").join(name), access.join(name));
        fs::copy(&source, &copy).with_context(|| format!("cannot copy {}", source.display()))?;
    }
    let source = from.join("skill.toml");
    let text =
        fs::read_to_string(&source).with_context(|| format!("cannot read {}", source.display()))?;
    let kept: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with("rate = "))
        .collect();
    let copy = to.join("skill.toml");
    fs::write(&copy, kept.join("\n") + "\n")
        .with_context(|| format!("cannot write {}", copy.display()))?;
    Ok(copy)
}

/// The time below which this part of a hundred lies.
fn quantile(times: &mut [Duration], part: usize) -> Duration {
    times.sort_unstable();
    let at = times.len() * part / 100;
    times.get(at).copied().unwrap_or_default()
}

fn millis(time: Duration) -> Figure {
    Figure {
        value: time.as_secs_f64() * 1e3,
        unit: "ms",
    }
}

fn mebibytes(kib: u64) -> Figure {
    Figure {
        value: kib as f64 / 1024.0,
        unit: "MiB",
    }
}
