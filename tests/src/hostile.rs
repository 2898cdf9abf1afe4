//! The components of tests/guests/hostile in harnesses of their own, and how each has to end.

use std::path::Path;
use std::sync::Arc;

use crm_harness::audit::{Audit, Reader, Row};
use crm_harness::clock::SystemClock;
use crm_harness::config::{Flags, Manifest, Operator, Trust};
use crm_harness::outbound::client::Client;
use crm_harness::{CallError, CallOutcome, Caller, Harness, Invocation, Parts, Setup, StartError};
use serde_json::{Value, json};

use crate::{guest, root};

/// The credential; nobody but the service may ever see it.
pub const SECRET: &str = "planted-service-key-90e2";
/// The planted value that the guests try to carry out.
pub const LOOT: &str = "planted-loot-7f3a";

/// The expected end of an offence.
#[derive(Debug, Clone, Copy)]
pub enum Stopped {
    /// Refused by the gate with this code; the action's result says so.
    Denied(&'static str),
    /// The call has no result, for this reason.
    Broken(&'static str),
    /// The exchange ended with this code, which the action reports.
    Failed(&'static str),
    /// The sandbox does not let it be built: no request exists.
    Unbuildable,
}
use Stopped::{Broken, Denied, Failed, Unbuildable};

/// Every behaviour: its component, how it ends, and how many of its requests may arrive.
pub const BEHAVIOURS: [(&str, Stopped, usize); 30] = [
    ("allocation_bomb", Broken("memory-limit"), 0),
    ("data_in_header", Denied("header"), 0),
    ("data_in_path", Denied("path"), 0),
    ("data_in_query", Denied("query"), 0),
    ("deep_calls", Broken("stack-limit"), 0),
    ("duplicate_host", Denied("header"), 0),
    ("empty_query", Denied("variables"), 0),
    ("endless_loop", Broken("deadline-exceeded"), 0),
    ("giant_fields", Broken("fields-limit"), 0),
    ("giant_request", Denied("request-size"), 0),
    ("giant_response", Failed("response-size"), 1),
    ("giant_text", Broken("host-memory-limit"), 0),
    ("held_bodies", Broken("resource-limit"), 0),
    ("held_fields", Broken("resource-limit"), 0),
    ("held_paths", Broken("host-memory-limit"), 0),
    ("huge_headers", Denied("header"), 0),
    ("huge_response_headers", Failed("protocol"), 1),
    ("line_break_in_header", Unbuildable, 0),
    ("many_requests", Denied("request-limit"), 8),
    ("missing_variable", Denied("variables"), 0),
    ("mutation", Denied("write"), 0),
    ("object_for_scalar", Denied("variables"), 0),
    ("own_authorization", Denied("header"), 0),
    ("redirect", Denied("host"), 1),
    ("second_operation", Denied("document"), 0),
    ("slow_reader", Broken("deadline-exceeded"), 1),
    ("transfer_encoding", Denied("header"), 0),
    ("undeclared_document", Denied("document"), 0),
    ("unlisted_value", Denied("variables"), 0),
    ("unlisted_values", Denied("variables"), 0),
];

/// A harness around a hostile component, with its record.
pub struct Trial {
    /// The harness.
    pub harness: Harness,
    /// The directory of the audit log.
    pub record: tempfile::TempDir,
    origin: String,
}

impl Trial {
    /// Puts a component into a harness whose service is at `origin`, over `client` if one is given.
    ///
    /// # Errors
    /// Why the component cannot be loaded.
    ///
    /// # Panics
    /// Where there is nothing to try: that is a failed test.
    pub fn new(name: &str, origin: &str, client: Option<Client>) -> Result<Self, StartError> {
        let path = root().join("tests/guests/hostile/skill.toml");
        let mut manifest = Manifest::read(&path).unwrap();
        if name == "endless_loop" || name == "slow_reader" {
            // These take all the time that they get.
            manifest.limits.time_ms = 200;
        }
        let environment = |variable: &str| match variable {
            "SERVICE_URL" => Some(origin.to_owned()),
            "SERVICE_KEY" => Some(SECRET.to_owned()),
            _ => None,
        };
        let flags = Flags {
            allow_loopback: true,
        };
        let setup = Setup::resolve(manifest, None, flags, &environment).unwrap();
        let record = tempfile::tempdir().unwrap();
        let audit = Audit::open(record.path(), Arc::new(SystemClock)).unwrap();
        let parts = Parts {
            recorder: Arc::new(audit),
            client,
            ..Parts::default()
        };
        let component = guest(&format!("hostile_{name}"));
        Ok(Self {
            harness: Harness::load(&component, setup, parts, None)?,
            record,
            origin: origin.to_owned(),
        })
    }

    /// Lets it offend or behave.
    ///
    /// # Errors
    /// Why there is no outcome.
    pub async fn run(&self, offend: bool) -> Result<CallOutcome, CallError> {
        let invocation = Invocation {
            tool: "hostile_run".to_owned(),
            arguments: json!({ "origin": self.origin, "offend": offend }),
            caller: Caller::default(),
            deadline: None,
        };
        self.harness.call(invocation).await
    }

    /// Does the same without the offence, which has to succeed.
    ///
    /// # Panics
    /// Where it does not.
    pub async fn behave(&self, name: &str) {
        let outcome = self.run(false).await.unwrap();
        let status = if name == "redirect" { 302 } else { 200 };
        assert_eq!(outcome.result(), Ok(json!({ "status": status })), "{name}");
        assert!(outcome.denials.is_empty(), "{name}: {:?}", outcome.denials);
    }

    /// Its record, which has to be whole.
    ///
    /// # Panics
    /// Where it is not.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        rows(self.record.path())
    }
}

fn rows(folder: &Path) -> Vec<Row> {
    let reader = Reader::open(folder).unwrap();
    assert_eq!(reader.verify(None).unwrap().faults, []);
    reader.tail(100_000).unwrap()
}

/// The bodies of rows of this kind.
///
/// # Panics
/// Where one is not JSON.
#[must_use]
pub fn bodies(rows: &[Row], kind: &str) -> Vec<Value> {
    rows.iter()
        .filter(|row| row.kind == kind)
        .map(|row| serde_json::from_str(&row.body).unwrap())
        .collect()
}

impl Trial {
    /// The same with a service that may be in a private network.
    ///
    /// # Panics
    /// Where there is nothing to try: that is a failed test.
    #[must_use]
    pub fn private(name: &str, origin: &str, client: Client) -> Self {
        let manifest = Manifest::read(&root().join("tests/guests/hostile/skill.toml")).unwrap();
        let operator = format!(
            "[destinations.service]\norigin = \"{origin}\"\nsecret = \"env:KEY\"\nallow-private = true\n"
        );
        let operator = Operator::parse(&operator, Path::new("operator.toml")).unwrap();
        let key = |name: &str| (name == "KEY").then(|| SECRET.to_owned());
        let mut setup = Setup::resolve(manifest, Some(&operator), Flags::default(), &key).unwrap();
        setup.trust = Trust::NoOperator;
        let record = tempfile::tempdir().unwrap();
        let parts = Parts {
            recorder: Arc::new(Audit::open(record.path(), Arc::new(SystemClock)).unwrap()),
            client: Some(client),
            ..Parts::default()
        };
        Self {
            harness: Harness::load(&guest(&format!("hostile_{name}")), setup, parts, None).unwrap(),
            record,
            origin: origin.to_owned(),
        }
    }
}
