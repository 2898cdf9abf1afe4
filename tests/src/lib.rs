//! Shared parts of the integration tests: the built component in a harness, stand-ins of its
//! services, and one fixed moment for all.

pub mod hostile;
pub mod leaks;
pub mod outsider;
pub mod program;
pub mod requests;
pub mod service;

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use crm_harness::clock::FixedClock;
use crm_harness::config::{Flags, Manifest, Operator};
use crm_harness::digest::hex;
use crm_harness::events::{AuditSink, LogSink};
use crm_harness::plans::{PlanError, PlanOutcome, Store};
use crm_harness::storage::private_directory;
use crm_harness::{CallOutcome, Caller, Harness, Invocation, Parts, Setup};
use crm_stand_in::Running;
use crm_stand_in::clock::ManualClock;
use crm_stand_in::pa_workspace::{self, WorkspaceStandIn};
use crm_stand_in::relay::{self, RelayStandIn, Variant};
use crm_stand_in::twenty::sample::{HEALTHY, ROBIN_EMAIL, ROBIN_TIME_ZONE, Size};
use crm_stand_in::twenty::{Options, TwentyStandIn, keys};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// The moment of the tests: a Wednesday morning in the caller's time zone.
pub const NOW: &str = "2026-03-11T13:30:00Z";

/// The e-mail addresses that the operator lists in the tests.
pub const LISTED: [&str; 2] = ["@acme.example", "jo@partner.example"];

/// The repository's root.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The objects of the CRM that the actions write.
pub const WRITTEN: [&str; 7] = [
    "person",
    "company",
    "opportunity",
    "task",
    "taskTarget",
    "note",
    "noteTarget",
];

/// The built component: the one that `CRM_COMPONENT` names, else the one that
/// `cargo xtask component` leaves.
///
/// # Panics
/// With the command to run, where it has not been built.
#[must_use]
pub fn component() -> Vec<u8> {
    let path = std::env::var_os("CRM_COMPONENT").map_or_else(
        || root().join("target/component/crm_skill.wasm"),
        PathBuf::from,
    );
    std::fs::read(&path).unwrap_or_else(|error| {
        panic!(
            "{}: {error}: run `cargo xtask test`, which builds it",
            path.display()
        )
    })
}

/// A built guest of tests/guests: from the folder that `CRM_GUESTS` names, else where
/// `cargo xtask guests` leaves them.
///
/// # Panics
/// With the command to run, where it has not been built.
#[must_use]
pub fn guest(name: &str) -> Vec<u8> {
    let folder =
        std::env::var_os("CRM_GUESTS").map_or_else(|| root().join("target/guests"), PathBuf::from);
    let path = folder.join(format!("{name}.wasm"));
    std::fs::read(&path).unwrap_or_else(|error| {
        panic!(
            "{}: {error}: run `cargo xtask test`, which builds it",
            path.display()
        )
    })
}

/// The part of an operator file that accepts this component and this manifest.
#[must_use]
pub fn pins(component: &[u8], manifest: &Manifest) -> String {
    let digest: [u8; 32] = Sha256::digest(component).into();
    format!(
        "[trust]\ncomponent = \"{}\"\nmanifest = \"{}\"\n",
        hex(&digest),
        manifest.sha256
    )
}

/// Arguments of a follow-up about a deal of the usual caller's; calls with the same key make one.
#[must_use]
pub fn follow_up(key: &str) -> Value {
    json!({
        "about": HEALTHY.to_string(),
        "title": "Send the revised quote",
        "note": "With the new delivery dates",
        "due": "2026-03-20",
        "idempotencyKey": key,
    })
}

/// A harness with stand-ins behind it.
pub struct TestEnv {
    /// The harness.
    pub harness: Harness,
    /// Twenty.
    pub twenty: Arc<Running>,
    /// The Tezit relay, where there is one.
    pub relay: Option<Arc<Running>>,
    /// PA Workspace, where there is one.
    pub workspace: Option<Running>,
    /// The stand-in's time; the harness's own stands still at [`NOW`].
    pub clock: ManualClock,
    /// On whose behalf calls are made.
    pub caller: Caller,
    /// The texts of all calls so far.
    pub said: leaks::Said,
}

impl Drop for TestEnv {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let found = leaks::found(self);
        assert!(found.is_empty(), "left for another service: {found:#?}");
    }
}

/// Options of a test environment that differ from the usual.
pub struct TestOptions {
    /// The number of records beside the sample workspace.
    pub size: Size,
    /// The key that the harness has.
    pub key: String,
    /// True if Twenty's rate limit is on.
    pub rate_limit: bool,
    /// A base URL instead of the stand-in's.
    pub url: Option<String>,
    /// Further variables of the environment.
    pub environment: Vec<(&'static str, String)>,
    /// The operator file beside address and key; without one the environment grants those.
    pub operator: Option<&'static str>,
    /// The record.
    pub recorder: Arc<dyn AuditSink>,
    /// The directory of plans; `None` keeps them in memory.
    pub data: Option<PathBuf>,
    /// A stand-in that runs already.
    pub twenty: Option<Arc<Running>>,
    /// A relay, and which of the two.
    pub relay: Option<Variant>,
    /// A relay that runs already.
    pub running_relay: Option<Arc<Running>>,
    /// True if there is a PA Workspace.
    pub workspace: bool,
    /// The offset of the harness's clock from [`NOW`].
    pub later: Duration,
    /// Another component than the built one.
    pub component: Option<Vec<u8>>,
}

/// The directory of compiled code, beside the test programs and shared by all of them: compiling
/// the component takes longer than most tests.
///
/// # Panics
/// If it cannot be made.
#[must_use]
pub fn cache() -> &'static Path {
    static CACHE: LazyLock<PathBuf> = LazyLock::new(|| {
        let program = std::env::current_exe().expect("the program's path");
        let profile = program.ancestors().nth(2).expect("a target directory");
        private_directory(&profile.join("test-code-cache")).expect("a directory of our own")
    });
    &CACHE
}

impl Default for TestOptions {
    fn default() -> Self {
        Self {
            size: Size::default(),
            key: keys::FULL_KEY.to_owned(),
            rate_limit: false,
            url: None,
            environment: Vec::new(),
            operator: None,
            recorder: Arc::new(LogSink),
            data: None,
            twenty: None,
            relay: None,
            running_relay: None,
            workspace: false,
            later: Duration::ZERO,
            component: None,
        }
    }
}

impl TestEnv {
    /// The usual one.
    pub async fn new() -> Self {
        Self::with(TestOptions::default()).await
    }

    /// One that differs.
    ///
    /// # Panics
    /// Where it cannot be made: that is a failed test.
    pub async fn with(differently: TestOptions) -> Self {
        let now: jiff::Timestamp = NOW.parse().expect("a time");
        let clock = ManualClock::at(now);
        let twenty = match differently.twenty {
            Some(running) => running,
            None => Arc::new(
                TwentyStandIn::start(Options {
                    clock: clock.clock(),
                    size: differently.size,
                    rate_limit: differently.rate_limit,
                    ..Options::default()
                })
                .await
                .expect("a stand-in on loopback"),
            ),
        };
        let url = differently.url.unwrap_or_else(|| twenty.url());
        let relay = match differently.relay {
            _ if differently.running_relay.is_some() => differently.running_relay,
            Some(variant) => Some(Arc::new(
                RelayStandIn::start(relay::Options {
                    variant,
                    clock: clock.clock(),
                    rate_limit: differently.rate_limit,
                    ..relay::Options::default()
                })
                .await
                .expect("a stand-in on loopback"),
            )),
            None => None,
        };
        let workspace = if differently.workspace {
            Some(
                WorkspaceStandIn::start(pa_workspace::Options {
                    clock: clock.clock(),
                    ..pa_workspace::Options::default()
                })
                .await
                .expect("a stand-in on loopback"),
            )
        } else {
            None
        };
        let relay_url = relay.as_ref().map(|relay| relay.url());
        let workspace_url = workspace.as_ref().map(Running::url);
        let given = |name: &str| {
            let mut given = differently.environment.iter();
            given
                .find(|(known, _)| *known == name)
                .map(|(_, value)| value.clone())
        };
        let environment = |name: &str| {
            given(name).or_else(|| match name {
                "TWENTY_API_URL" => Some(url.clone()),
                "TWENTY_API_KEY" => Some(differently.key.clone()),
                "TEZIT_RELAY_URL" => relay_url.clone(),
                "TEZIT_TOKEN" => Some(relay::token(relay::sample::ROBIN)),
                "TEZIT_USER_ID" => Some(relay::sample::ROBIN.to_string()),
                "TEZIT_TEAM_ID" => Some(relay::sample::TEAM_ID.to_string()),
                "PA_WORKSPACE_API_URL" => workspace_url.clone(),
                "PA_WORKSPACE_SERVICE_TOKEN" => Some(pa_workspace::SERVICE_TOKEN.to_owned()),
                "PA_EMAIL" => Some(pa_workspace::sample::ROBIN_PA.to_owned()),
                "PA_WORKSPACE_RECIPIENTS" => Some(LISTED.join(",")),
                _ => None,
            })
        };
        let mut manifest =
            Manifest::read(&root().join("manifests/skill.toml")).expect("the manifest");
        if !differently.rate_limit {
            for destination in manifest.destinations.values_mut() {
                destination.rate = None;
            }
        }
        let flags = Flags {
            allow_loopback: true,
        };
        let component = differently.component.unwrap_or_else(component);
        let operator = differently.operator.map(|text| {
            let pins = pins(&component, &manifest);
            let grant = "[destinations.twenty]\nsecret = \"env:TWENTY_API_KEY\"";
            let mut others = String::new();
            if let Some(url) = &relay_url {
                others.push_str(&format!(
                    "[settings]\n\"tezit.team-id\" = \"{}\"\n[destinations.tezit]\norigin = \"{url}\"\nallow-loopback = true\n",
                    relay::sample::TEAM_ID
                ));
            }
            if let Some(url) = &workspace_url {
                let recipients = LISTED.map(|entry| format!("\"{entry}\"")).join(", ");
                others.push_str(&format!(
                    "[destinations.workspace]\norigin = \"{url}\"\nallow-loopback = true\nsecret = \"env:PA_WORKSPACE_SERVICE_TOKEN\"\nrecipients = [{recipients}]\n"
                ));
            }
            let text = format!("{pins}{others}{grant}\norigin = \"{url}\"\n{text}");
            Operator::parse(&text, Path::new("operator.toml")).expect("an operator file")
        });
        let setup =
            Setup::resolve(manifest, operator.as_ref(), flags, &environment).expect("a set-up");
        let parts = Parts {
            clock: Arc::new(FixedClock(
                now.duration_since(jiff::Timestamp::UNIX_EPOCH)
                    .unsigned_abs()
                    + differently.later,
            )),
            recorder: differently.recorder,
            plans: (differently.data.as_deref())
                .map(|folder| Store::open(folder).expect("a place for plans")),
            pause: Duration::from_millis(1),
            ..Parts::default()
        };
        let harness =
            Harness::load(&component, setup, parts, Some(cache())).expect("the component");
        let caller = Caller {
            email: Some(ROBIN_EMAIL.to_owned()),
            time_zone: Some(ROBIN_TIME_ZONE.to_owned()),
            ..Caller::default()
        };
        Self {
            harness,
            twenty,
            relay,
            workspace,
            clock,
            caller,
            said: leaks::Said::default(),
        }
    }

    /// One with every service: Twenty, the relay as its makers publish it, and PA Workspace.
    pub async fn whole() -> Self {
        Self::with(TestOptions {
            relay: Some(Variant::P),
            workspace: true,
            ..TestOptions::default()
        })
        .await
    }

    /// The relay.
    ///
    /// # Panics
    /// Where there is none.
    #[must_use]
    pub fn relay(&self) -> &Running {
        self.relay.as_ref().expect("a relay")
    }

    /// PA Workspace.
    ///
    /// # Panics
    /// Where there is none.
    #[must_use]
    pub fn workspace(&self) -> &Running {
        self.workspace.as_ref().expect("a workspace")
    }

    /// Calls an action.
    ///
    /// # Panics
    /// Where the call has no outcome, which no action may bring about.
    pub async fn outcome(&self, tool: &str, arguments: Value) -> CallOutcome {
        self.said.note(&arguments);
        let invocation = Invocation {
            tool: tool.to_owned(),
            arguments,
            caller: self.caller.clone(),
            deadline: None,
        };
        match self.harness.call(invocation).await {
            Ok(outcome) => outcome,
            Err(error) => panic!("{tool} has no outcome: {error}"),
        }
    }

    /// Counts the requests that Twenty has received, aside from those whose answers the harness
    /// caches, as the manifest says.
    ///
    /// # Panics
    /// Where the manifest cannot be read.
    #[must_use]
    pub fn asked(&self) -> usize {
        let manifest = Manifest::read(&root().join("manifests/skill.toml")).expect("the manifest");
        let documents = &manifest.destinations["twenty"].documents;
        let kept: Vec<String> = documents
            .iter()
            .filter(|document| document.cacheable_seconds > 0)
            .map(|document| document.name.replace('_', ""))
            .collect();
        let is_kept = |body: &Value| {
            let text = body["query"].as_str().unwrap_or_default();
            let named = text.lines().find_map(|line| line.strip_prefix("query "));
            let name = named.and_then(|rest| rest.split(|c: char| !c.is_alphanumeric()).next());
            name.is_some_and(|name| kept.contains(&name.to_lowercase()))
        };
        let received = self.twenty.requests().all();
        received
            .iter()
            .filter(|request| !request.json().is_some_and(|body| is_kept(&body)))
            .count()
    }

    /// Calls an action, and tells how many requests it took, as [`TestEnv::asked`] counts.
    pub async fn cost(&self, tool: &str, arguments: Value) -> (usize, CallOutcome) {
        let before = self.asked();
        let outcome = self.outcome(tool, arguments).await;
        (self.asked() - before, outcome)
    }

    /// Calls an action that succeeds.
    ///
    /// # Panics
    /// Where it does not.
    pub async fn ok(&self, tool: &str, arguments: Value) -> Value {
        match self.outcome(tool, arguments).await.result() {
            Ok(answer) => answer,
            Err(failure) => panic!("{tool} failed: {failure:#}"),
        }
    }

    /// Proposes a plan, and gives its digest.
    ///
    /// # Panics
    /// Where nothing is proposed.
    pub async fn propose(&self, tool: &str, arguments: Value) -> String {
        let answer = self.ok(tool, arguments).await;
        answer["plan"].as_str().expect("a plan").to_owned()
    }

    /// Does something in Twenty beside the harness, as somebody does in its own pages.
    ///
    /// # Panics
    /// Where Twenty does not do it.
    pub async fn beside(&self, document: &str, variables: Value) {
        let url = format!("{}/graphql", self.twenty.url());
        let body = json!({ "query": document, "variables": variables }).to_string();
        let send = move || {
            let config = ureq::Agent::config_builder().proxy(None).build();
            let request = ureq::Agent::new_with_config(config).post(url);
            let request = request.header("content-type", "application/json");
            let key = format!("Bearer {}", keys::FULL_KEY);
            let mut answer = request.header("authorization", key).send(&body)?;
            answer.body_mut().read_to_string()
        };
        // The stand-in answers on this thread.
        let sent = tokio::task::spawn_blocking(send).await.expect("a thread");
        let answer = sent.expect("an answer");
        assert!(!answer.contains("\"errors\""), "{document}: {answer}");
    }

    /// The raw id of a live record whose column holds this value.
    ///
    /// # Panics
    /// Where there is none.
    #[must_use]
    pub fn with_value(&self, object: &str, column: &str, value: Option<&str>) -> String {
        let records = self.twenty.records(object).expect("an object that is kept");
        let fits =
            |record: &&Value| record["deletedAt"].is_null() && record[column].as_str() == value;
        let found = records.iter().find(fits).expect("such a record");
        found["id"].as_str().expect("an id").to_owned()
    }

    /// Takes a plan up again that stopped, as the caller does.
    ///
    /// # Errors
    /// As of the harness.
    pub async fn resume(&self, plan: &str) -> Result<PlanOutcome, PlanError> {
        self.harness.plans().resume(plan, &self.caller, false).await
    }

    /// Approves a plan as the caller and performs it.
    ///
    /// # Errors
    /// Why it may not be.
    pub async fn approve(&self, plan: &str) -> Result<PlanOutcome, PlanError> {
        self.harness
            .plans()
            .approve(plan, &self.caller, false)
            .await
    }

    /// Calls an action that fails.
    ///
    /// # Panics
    /// Where it does not, or where the failure is not of this case or says nothing about what to
    /// do.
    pub async fn fails(&self, tool: &str, arguments: Value, case: &str) -> Value {
        match self.outcome(tool, arguments.clone()).await.result() {
            Ok(answer) => panic!("{tool} {arguments} succeeded: {answer:#}"),
            Err(failure) => {
                assert_eq!(failure["case"], case, "{tool} {arguments}: {failure:#}");
                let next = failure["next"].as_str().unwrap_or_default();
                assert!(!next.is_empty(), "no way on from {failure:#}");
                failure
            }
        }
    }
}
