//! Every request of the corpus as a real request of a sandboxed component: what is allowed reaches
//! the dialler, nothing else does.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use crm_harness::config::{Flags, Manifest, Operator, Trust};
use crm_harness::outbound::client::resolve::Resolver;
use crm_harness::outbound::client::tls::Tls;
use crm_harness::outbound::client::{Client, Dialler, Stream};
use crm_harness::{Caller, Harness, Invocation, Parts, Setup};
use crm_tests::{cache, guest, root};
use serde_json::{Value, json};

const HELLO: &str = r#"{"query":"query Hello { people(first: 1) { totalCount } }","variables":{}}"#;
/// SHA-256 of the document in [`HELLO`], as the outsider's own manifest names it.
const HELLO_SHA256: &str = "dc54df92386b3070e7b14e951f00c99c05f91bd593a7faa2921d70be7b365bce";

/// Answers every name with one address.
struct Everywhere(IpAddr);

#[async_trait]
impl Resolver for Everywhere {
    async fn resolve(&self, _host: &str) -> io::Result<Vec<IpAddr>> {
        Ok(vec![self.0])
    }
}

/// Counts who gets this far, and connects nobody.
struct Counting(Arc<AtomicUsize>);

#[async_trait]
impl Dialler for Counting {
    async fn dial(&self, _address: SocketAddr) -> io::Result<Box<dyn Stream>> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Err(io::ErrorKind::ConnectionRefused.into())
    }
}

/// A harness around the outsider under the policy of a case, and the count of its dialler.
fn harness(policy: &Value) -> (Harness, Arc<AtomicUsize>) {
    let mut manifest = "[skill]\nname = \"outsider\"\npackage = \"test:outsider@0.1.0\"\n\
                        [destinations.service]\ntitle = \"Service\"\norigin-env = \"URL\"\n"
        .to_owned();
    for (index, allowed) in policy["allow"].as_array().unwrap().iter().enumerate() {
        let (method, path) = (allowed[0].as_str().unwrap(), allowed[1].as_str().unwrap());
        // A component may write nothing; that a route of another method fits shows with a document
        // that reads.
        let documents = method != "GET";
        manifest.push_str(&format!(
            "[[destinations.service.routes]]\nmethod = \"{method}\"\npath = \"{path}\"\ndocuments = {documents}\n"
        ));
        if documents {
            manifest.push_str(&format!(
                "[[destinations.service.documents]]\nname = \"hello{index}\"\npath = \"{path}\"\nsha256 = \"{HELLO_SHA256}\"\neffect = \"query\"\n"
            ));
        }
    }
    let granted = |name: &str| policy[name] == true;
    let operator = format!(
        "[destinations.service]\norigin = \"{}\"\nallow-private = {}\nallow-loopback = {}\n",
        policy["origin"].as_str().unwrap(),
        granted("private_allowed"),
        granted("loopback_allowed"),
    );
    let manifest = Manifest::parse(&manifest, Path::new("skill.toml")).unwrap();
    let operator = Operator::parse(&operator, Path::new("operator.toml")).unwrap();
    let mut setup = Setup::resolve(manifest, Some(&operator), Flags::default(), &|_| None).unwrap();
    setup.trust = Trust::NoOperator;
    let address = if granted("private_allowed") {
        "10.1.2.3"
    } else {
        "93.184.216.34"
    };
    let dialled = Arc::new(AtomicUsize::new(0));
    let client = Client::new(
        Arc::new(Everywhere(address.parse().unwrap())),
        Arc::new(Counting(Arc::clone(&dialled))),
        Tls::default(),
    );
    let parts = Parts {
        client: Some(client),
        ..Parts::default()
    };
    (
        Harness::load(&guest("outsider"), setup, parts, Some(cache())).unwrap(),
        dialled,
    )
}

/// A URL as a component would take it apart: scheme and authority, and the rest, letter by letter.
fn apart(url: &str) -> (String, String) {
    let Some((scheme, rest)) = url.split_once("://") else {
        return (String::new(), url.to_owned());
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    (
        format!("{scheme}://{}", &rest[..end]),
        rest[end..].to_owned(),
    )
}

/// The results of a file's requests.
#[derive(Default)]
struct Tally {
    sent: usize,
    refused: usize,
    unbuildable: usize,
    fragments: usize,
}

async fn run(path: &Path) -> Tally {
    let cases: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut tally = Tally::default();
    let mut last: Option<(Value, Harness, Arc<AtomicUsize>)> = None;
    for case in cases.iter().filter(|case| case["kind"] == "request") {
        let given = &case["given"];
        if last
            .as_ref()
            .is_none_or(|(policy, ..)| *policy != given["policy"])
        {
            let (harness, dialled) = harness(&given["policy"]);
            last = Some((given["policy"].clone(), harness, dialled));
        }
        let (_, harness, dialled) = last.as_ref().unwrap();
        let (origin, rest) = apart(given["url"].as_str().unwrap());
        if rest.contains('#') {
            // wasi:http has no fragments: the sandbox drops one before there is a request, so none
            // can be sent.
            tally.fragments += 1;
            continue;
        }
        let method = given["method"].as_str().unwrap();
        let body = if method == "GET" { "" } else { HELLO };
        let arguments = json!({ "origin": origin, "method": method, "path": rest, "body": body });
        let invocation = Invocation {
            tool: "outsider_send".to_owned(),
            arguments,
            caller: Caller::default(),
            deadline: None,
        };
        let before = dialled.load(Ordering::SeqCst);
        let outcome = harness.call(invocation).await.unwrap();
        let reached = dialled.load(Ordering::SeqCst) - before;
        let found = if reached > 0 { "allow" } else { "deny" };
        assert_eq!(
            found,
            case["expected"],
            "{case}: {:?} {:?}",
            outcome.result(),
            outcome.denials
        );
        match (reached, outcome.denials.is_empty()) {
            (0, true) => tally.unbuildable += 1,
            (0, false) => tally.refused += 1,
            _ => tally.sent += 1,
        }
    }
    println!(
        "{}: {} reached the dialler, {} were refused, {} could not even be built; {} not run: the sandbox knows no fragments",
        path.display(),
        tally.sent,
        tally.refused,
        tally.unbuildable,
        tally.fragments
    );
    tally
}

#[tokio::test]
async fn own_corpus_holds_for_a_component() {
    for name in ["first", "outbound"] {
        let tally = run(&root().join(format!("tests/cases/{name}.json"))).await;
        assert!(tally.sent > 0 && tally.refused > 0, "{name} shows nothing");
    }
}

#[tokio::test]
async fn shared_corpus_holds_for_a_component() {
    let path = root().join("../shared/cases/outbound.json");
    if !path.exists() {
        println!("not run: there is no shared corpus beside the repository");
        return;
    }
    let tally = run(&path).await;
    assert!(tally.sent > 0 && tally.refused > 0);
}
