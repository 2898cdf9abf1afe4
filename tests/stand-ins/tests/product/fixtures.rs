//! Exchanges of the repository's own with the product's documents: reading them, sending them, and
//! holding an answer against the one that is written down.
//!
//! An exchange is a JSON file of a request and its response, with a `note` of why it is there, the
//! recordings that it is `like`, and the quirks that it `shows`. The request's body names its
//! document: `operation` is one that the product sends today, `document` one of
//! `fixtures/product/documents`, and `query` holds it. Names of files decide the order of those
//! that write; they begin with `write-`, and each finds what the ones before it stored.
//!
//! A document of the product may change: of an answer to an `operation` only that is compared which
//! the document selects. Such an answer therefore holds more of a record than is selected today.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crm_stand_in::Running;
use crm_stand_in::clock::ManualClock;
use crm_stand_in::twenty::keys::{Access, ApiKey, Role, default_keys};
use crm_stand_in::twenty::sample::Size;
use crm_stand_in::twenty::{Options, TwentyStandIn};
use hyper::header::HeaderName;
use serde_json::{Value, json};

use super::client::send_with;
use super::compare::Rules;
use super::documents::{Documents, Operation};
use super::exchange::Exchange;
use super::recorded::WITHOUT_AMOUNTS;

/// The moment that the fixtures are about, up to its milliseconds.
const THIS_SECOND: &str = "2026-11-22T20:30:00.";

/// A folder of fixtures.
pub(crate) fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(name)
}

/// The place that a fixture's document comes from.
#[derive(PartialEq, Eq)]
pub(crate) enum Source {
    /// The product, as it is today.
    Product,
    /// The fixture itself, or `fixtures/product/documents`.
    Fixture,
}

/// An exchange of the repository's own.
pub(crate) struct Fixture {
    pub exchange: Exchange,
    pub source: Source,
    /// The recordings of whose shape it is, as folder and name.
    pub like: Vec<String>,
    /// The quirks that it shows.
    pub shows: Vec<String>,
    headers: Vec<(HeaderName, String)>,
    /// Headers that an answer must not have.
    without: Vec<String>,
    /// True if only the shape of the answer is written down, because it is long and not what the
    /// exchange is about.
    shape: bool,
}

impl Fixture {
    /// The exchanges of a folder, by name.
    pub(crate) fn read_all(name: &str) -> Vec<Self> {
        let product = Documents::of_the_product();
        let recorded = Documents::as_recorded();
        let mut files: Vec<PathBuf> = std::fs::read_dir(folder(name))
            .unwrap_or_else(|e| panic!("{name}: {e}"))
            .map(|entry| entry.expect("a readable folder").path())
            .filter(|path| path.extension().is_some_and(|e| e == "json"))
            .collect();
        files.sort();
        files
            .iter()
            .map(|file| Self::read(file, &product, &recorded))
            .collect()
    }

    fn read(file: &Path, product: &Documents, recorded: &Documents) -> Self {
        let text = std::fs::read_to_string(file).expect("a readable file");
        let json: Value =
            serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let list = |name: &str| {
            let items = json.get(name).and_then(Value::as_array);
            items
                .into_iter()
                .flatten()
                .map(|item| item.as_str().expect("text").to_owned())
                .collect::<Vec<_>>()
        };
        let headers = json
            .pointer("/request/headers")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .map(|(name, value)| {
                let name = HeaderName::from_bytes(name.as_bytes()).expect("a header");
                (name, value.as_str().expect("text").to_owned())
            });
        let mut exchange = Exchange::read(file);
        let stem = file.file_stem().and_then(|stem| stem.to_str());
        assert_eq!(stem, Some(exchange.name.as_str()), "{}", file.display());
        let note = json.get("note").and_then(Value::as_str);
        assert!(
            note.is_some_and(|note| !note.is_empty()),
            "{}: say in `note` why it is there",
            exchange.name
        );
        let named =
            |body: &Value, key: &str| body.get(key).and_then(Value::as_str).map(str::to_owned);
        let (query, source) = match (
            named(&exchange.body, "operation"),
            named(&exchange.body, "document"),
        ) {
            (Some(operation), _) => (Some(product.get(&operation)), Source::Product),
            (_, Some(document)) => (Some(recorded.get(&document)), Source::Fixture),
            _ => (None, Source::Fixture),
        };
        let variables = exchange.body.get("variables").cloned();
        if let Some(query) = query {
            exchange.body = json!({"query": query, "variables": variables.unwrap_or_default()});
        }
        Self {
            source,
            like: list("like"),
            shows: list("shows"),
            without: list("without"),
            headers: headers.collect(),
            shape: named(&json, "compare").as_deref() == Some("shape"),
            exchange,
        }
    }

    /// Sends it; the differences of the answer.
    pub(crate) async fn replay(&self, addr: SocketAddr) -> Vec<String> {
        let mut headers = vec![(hyper::header::CONTENT_TYPE, "application/json")];
        headers.extend(self.headers.iter().map(|(n, v)| (n.clone(), v.as_str())));
        let Exchange {
            name, method, path, ..
        } = &self.exchange;
        let body = self.exchange.body.to_string();
        let answer = send_with(addr, method, path, &headers, body).await;
        let answer = answer.unwrap_or_else(|e| panic!("{name}: {e}"));
        let written = self.exchange.response.as_ref().expect("an answer");
        if u64::from(answer.status) != written.status {
            return vec![format!("status {}: {}", answer.status, answer.text())];
        }
        let mut found = Vec::new();
        if answer.header("content-type") != Some(written.content_type.as_str()) {
            found.push(format!(
                "content type {:?}, written down as {}",
                answer.header("content-type"),
                written.content_type
            ));
        }
        let unwanted = self.without.iter().filter(|h| answer.header(h).is_some());
        found.extend(unwanted.map(|header| format!("it has the header {header}")));
        let mut expected = written.body.clone();
        if self.source == Source::Product && !self.fit(&mut expected, &mut found) {
            return found;
        }
        let got = answer.json();
        if self.shape {
            found.extend(Rules::default().differences(&expected, &got));
        } else {
            compare("", &normal(&expected), &normal(&got), &mut found);
        }
        found
    }

    /// Takes what the document selects out of the answer, and sees that the exchange says all that
    /// the document asks for.
    fn fit(&self, expected: &mut Value, found: &mut Vec<String>) -> bool {
        let before = found.len();
        let operation = Operation::of(self.exchange.query());
        let variables = self.exchange.body.get("variables");
        for name in &operation.variables {
            if variables.and_then(|all| all.get(name)).is_none() {
                found.push(format!(
                    "{} has the variable ${name} by now: give it a value in the fixture",
                    operation.name
                ));
            }
        }
        let mut missing = Vec::new();
        if let Some(data) = expected.get_mut("data") {
            *data = operation.selected.of_data(data, "/data", &mut missing);
        }
        missing.sort();
        missing.dedup();
        found.extend(missing.into_iter().map(|at| {
            format!(
                "{} selects {at} by now: write its value into the fixture's answer",
                operation.name
            )
        }));
        found.len() == before
    }
}

/// The quirks shown by the fixtures that the test `contract` replays, each with the fixture's name.
pub(crate) fn shown_by_those_of_the_sample() -> Vec<(String, String)> {
    let files = std::fs::read_dir(folder(".")).expect("the fixtures");
    let mut shown = Vec::new();
    for file in files.map(|entry| entry.expect("a readable folder").path()) {
        if file.extension().is_none_or(|e| e != "json") {
            continue;
        }
        let text = std::fs::read_to_string(&file).expect("a readable file");
        let json: Value = serde_json::from_str(&text).expect("JSON");
        let name = json.get("name").and_then(Value::as_str).unwrap_or_default();
        let quirks = json.get("shows").and_then(Value::as_array);
        let quirks = quirks.into_iter().flatten().filter_map(Value::as_str);
        shown.extend(quirks.map(|quirk| (quirk.to_owned(), name.to_owned())));
    }
    shown
}

/// A stand-in with the sample alone, at the moment that the fixtures are about.
pub(crate) async fn start(size: Size, rate_limit: bool) -> Running {
    let clock = ManualClock::at(format!("{THIS_SECOND}000Z").parse().expect("a time"));
    let mut keys = default_keys();
    keys.push(ApiKey {
        token: WITHOUT_AMOUNTS.to_owned(),
        access: Access::Role(Role::hiding(&["opportunity.amount"])),
    });
    TwentyStandIn::start(Options {
        clock: clock.clock(),
        size,
        keys,
        rate_limit,
        ..Options::default()
    })
    .await
    .expect("it starts")
}

/// Names of foreign keys are the database's own.
pub(crate) fn without_key_names(text: &str) -> String {
    let mut parts = text.split("FK_");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |all, part| {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_hexdigit());
        format!("{all}FK_{rest}")
    })
}

/// A value as it is compared: without the names of foreign keys, the milliseconds that tell writes
/// of one moment apart, and the order of groups, which nothing decides.
fn normal(value: &Value) -> Value {
    match value {
        Value::String(text) if text.starts_with(THIS_SECOND) => json!(THIS_SECOND),
        Value::String(text) => json!(without_key_names(text)),
        Value::Array(items) => items.iter().map(normal).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| {
                let mut value = normal(value);
                if let (true, Value::Array(groups)) = (name.ends_with("GroupBy"), &mut value) {
                    groups.sort_by_key(ToString::to_string);
                }
                (name.clone(), value)
            })
            .collect(),
        other => other.clone(),
    }
}

/// Compares everything but the ranks of a search; of those only whether they are zero.
fn compare(at: &str, expected: &Value, got: &Value, found: &mut Vec<String>) {
    match (expected, got) {
        (Value::Object(wanted), Value::Object(other)) => {
            for (name, value) in wanted {
                let at = format!("{at}/{name}");
                match (value, other.get(name)) {
                    (_, None) => found.push(format!("{at} is not answered")),
                    (Value::Number(rank), Some(Value::Number(got)))
                        if name.starts_with("tsRank")
                            && (rank.as_f64() == Some(0.0)) == (got.as_f64() == Some(0.0)) => {}
                    (_, Some(got)) => compare(&at, value, got, found),
                }
            }
            let more = other.iter().filter(|(name, _)| !wanted.contains_key(*name));
            found.extend(
                more.map(|(name, value)| format!("{at}/{name} is {value}, not written down")),
            );
        }
        (Value::Array(wanted), Value::Array(other)) if wanted.len() == other.len() => {
            for (nth, (wanted, other)) in wanted.iter().zip(other).enumerate() {
                compare(&format!("{at}/{nth}"), wanted, other, found);
            }
        }
        _ if expected == got => {}
        _ => found.push(format!("{at} is {got}, written down as {expected}")),
    }
}
