//! Properties of the gate over made-up and broken input. `cargo xtask check fuzz` runs a few
//! thousand cases of each, `cargo xtask fuzz` as many as there is time for.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use crm_harness::Setup;
use crm_harness::config::{Flags, Manifest, Operator};
use crm_harness::digest::hex;
use crm_harness::events::Phase;
use crm_harness::outbound::body::variables::VariableType;
use crm_harness::outbound::client::resolve::Resolver;
use crm_harness::outbound::client::tls::Tls;
use crm_harness::outbound::client::{Client, Dialler, Exchange, Stream};
use crm_harness::outbound::policy::addresses::{self, Grants};
use crm_harness::outbound::policy::documents::{Declared, Document, Documents, Effect};
use crm_harness::outbound::policy::origin::Origin;
use crm_harness::outbound::policy::route::RoutePattern;
use crm_harness::outbound::policy::{Destination, Policy, PolicyDecision, Request, Route};
use crm_harness::outbound::secrets::scan::Scanner;
use crm_harness::outbound::secrets::secret::Secret;
use http::{HeaderMap, HeaderValue, Method, header};
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use url::Url;

const QUERY: &str = "query Find($q: String!) { find(q: $q) { id } }";

fn grants() -> impl Strategy<Value = Grants> {
    (any::<bool>(), any::<bool>()).prop_map(|(loopback, private)| Grants { loopback, private })
}

/// Origins, and texts that look like some.
fn origin_text() -> impl Strategy<Value = String> {
    let scheme = prop_oneof![Just("https"), Just("http"), Just("HTTPS"), Just("ftp")];
    let host = prop_oneof![
        "[a-z]{1,8}\\.example",
        "[a-zA-Z0-9._%-]{0,12}",
        any::<std::net::Ipv4Addr>().prop_map(|ip| ip.to_string()),
        any::<std::net::Ipv6Addr>().prop_map(|ip| format!("[{ip}]")),
        any::<u32>().prop_map(|number| number.to_string()),
    ];
    let rest = prop_oneof![
        Just(String::new()),
        "(:[0-9]{0,6})?",
        "(:[0-9]{0,6})?[/?#@\\\\a-z]{0,4}"
    ];
    prop_oneof![
        4 => (scheme, host, rest).prop_map(|(scheme, host, rest)| format!("{scheme}://{host}{rest}")),
        1 => any::<String>(),
    ]
}

fn route_text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "(/([a-z0-9._-]{1,6}|\\*)){1,4}(\\?[a-z]{1,3}(,[a-z]{1,3}){0,2})?",
        1 => any::<String>(),
    ]
}

/// Requests that come near the policy of [`policy`].
fn url_text() -> impl Strategy<Value = String> {
    let origin = prop_oneof![
        6 => Just("https://service.example".to_owned()),
        1 => origin_text(),
    ];
    let path = prop_oneof![
        3 => prop_oneof![Just("/query".to_owned()), "/items/[a-zA-Z0-9_-]{1,70}", "/items/[a-z]{1,3}\\?(a|b|c)=[a-z%0-9]{0,6}"],
        2 => "[/a-z0-9.%?&=#;@\\\\* -]{0,24}",
        1 => any::<String>(),
    ];
    (origin, path).prop_map(|(origin, path)| format!("{origin}{path}"))
}

fn method() -> impl Strategy<Value = Method> {
    prop_oneof![
        Just(Method::GET),
        Just(Method::POST),
        Just(Method::PUT),
        Just(Method::DELETE),
        Just(Method::HEAD)
    ]
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let query = prop_oneof![3 => Just(QUERY.to_owned()), 1 => any::<String>()];
    let variables = prop_oneof![
        3 => "[a-z]{0,6}".prop_map(|q| serde_json::json!({ "q": q })),
        1 => Just(serde_json::json!({"q": {"like": "%"}})),
        1 => Just(serde_json::json!({})),
    ];
    prop_oneof![
        4 => (query, variables).prop_map(|(query, variables)| {
            serde_json::json!({"query": query, "variables": variables}).to_string().into_bytes()
        }),
        1 => proptest::collection::vec(any::<u8>(), 0..64),
        2 => Just(Vec::new()),
    ]
}

fn document() -> Document {
    Document {
        name: "find".into(),
        sha256: Sha256::digest(QUERY.as_bytes()).into(),
        effect: Effect::Query,
        variables: vec![(
            "q".into(),
            Declared::Scalar(VariableType::parse("String!").unwrap()),
        )],
        cacheable_seconds: 0,
        cost: 1,
        acts: Vec::new(),
        refers: Vec::new(),
        records: Vec::new(),
        options: None,
        places: Arc::default(),
    }
}

fn route(method: Method, pattern: &str, documents: Option<Documents>) -> Route {
    Route {
        documents,
        ..Route::new(
            format!("service: {method} {pattern}"),
            method,
            RoutePattern::parse(pattern).unwrap(),
        )
    }
}

fn policy() -> Policy {
    let grants = Grants::default();
    Policy {
        destinations: vec![Destination {
            name: "service".into(),
            title: "Service".into(),
            origin: Some(Origin::parse("https://service.example", grants).unwrap()),
            grants,
            rate: None,
            routes: vec![
                route(
                    Method::POST,
                    "/query",
                    Some(Documents::new(vec![document()])),
                ),
                route(Method::GET, "/items/*?a,b", None),
                route(Method::PUT, "/items/*", None),
                route(Method::GET, "/*", None),
            ],
            recipients: Vec::new(),
            origin_hint: "ORIGIN".into(),
        }],
    }
}

/// Removes one part of a policy, picked by `what`.
fn narrowed(mut policy: Policy, what: u8) -> Policy {
    let destination = &mut policy.destinations[0];
    match what {
        0..4 => {
            destination.routes.remove(what.into());
        }
        4 => destination.routes[0].documents = Some(Documents::default()),
        5 => destination.origin = None,
        6 => destination.routes[1].pattern = RoutePattern::parse("/items/*?a").unwrap(),
        _ => policy.destinations.clear(),
    }
    policy
}

fn headers(json: bool) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if json {
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
    }
    headers
}

fn allows(policy: &Policy, phase: Phase, request: &Request<'_>) -> bool {
    matches!(policy.decide(phase, request), PolicyDecision::Allow(_))
}

/// Answers what it is told.
struct FixedResolver(Vec<IpAddr>);

#[async_trait]
impl Resolver for FixedResolver {
    async fn resolve(&self, _host: &str) -> io::Result<Vec<IpAddr>> {
        Ok(self.0.clone())
    }
}

/// Notes whom it is asked to dial.
struct Notes(Arc<Mutex<Vec<SocketAddr>>>);

#[async_trait]
impl Dialler for Notes {
    async fn dial(&self, address: SocketAddr) -> io::Result<Box<dyn Stream>> {
        self.0.lock().unwrap().push(address);
        Err(io::ErrorKind::ConnectionRefused.into())
    }
}

/// Addresses, most of them of networks that matter.
fn address() -> impl Strategy<Value = IpAddr> {
    let known = [
        "127.0.0.1",
        "10.1.2.3",
        "192.168.0.1",
        "169.254.169.254",
        "8.8.8.8",
        "93.184.216.34",
        "::1",
        "fd00::1",
        "fd00:ec2::254",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2606:4700::1111",
        "2002:a00:1::",
    ];
    prop_oneof![
        3 => proptest::sample::select(known.to_vec()).prop_map(|ip| ip.parse().unwrap()),
        1 => any::<IpAddr>(),
    ]
}

fn lines_of(text: &'static str) -> impl Strategy<Value = String> {
    // A line lost, doubled, or with something else in it: files as people break them.
    let count = text.lines().count();
    (0..count, 0..4_u8, "[a-z0-9\"=\\[\\]{}.\\- ]{0,12}").prop_map(move |(line, how, other)| {
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        match how {
            0 => drop(lines.remove(line)),
            1 => lines.insert(line, lines[line].clone()),
            2 => lines[line] = other,
            _ => lines[line].push_str(&other),
        }
        lines.join("\n")
    })
}

proptest! {
    #[test]
    fn origins_survive_a_text_round_trip(text in origin_text(), grants in grants()) {
        if let Ok(origin) = Origin::parse(&text, grants) {
            let again = Origin::parse(origin.as_str(), grants);
            prop_assert_eq!(again.as_ref(), Ok(&origin));
            prop_assert_eq!(origin.to_string(), text.strip_suffix('/').unwrap_or(&text));
            let url = Url::parse(origin.as_str()).unwrap();
            prop_assert_eq!(url.as_str().strip_suffix('/').unwrap_or(url.as_str()), origin.as_str());
        }
    }

    #[test]
    fn removing_a_grant_allows_no_origin(text in origin_text(), wide in grants(), take in 0..2_u8) {
        let narrow = if take == 0 { Grants { loopback: false, ..wide } } else { Grants { private: false, ..wide } };
        prop_assert!(Origin::parse(&text, narrow).is_err() || Origin::parse(&text, wide).is_ok());
    }

    #[test]
    fn a_route_that_is_taken_is_written_as_it_reads(text in route_text(), path in "/[a-z0-9._/%-]{0,20}", query in proptest::option::of("[a-z=&%0-9]{0,12}")) {
        if let Ok(route) = RoutePattern::parse(&text) {
            prop_assert_eq!(route.to_string(), text.clone());
            prop_assert_eq!(RoutePattern::parse(&route.to_string()).unwrap(), route.clone());
            let _ = route.matches(&path, query.as_deref());
        }
        let _ = RoutePattern::parse(&text);
    }

    #[test]
    fn allowed_requests_are_canonical_and_listed(
        url in url_text(), method in method(), body in body(), json in any::<bool>(), perform in any::<bool>(),
    ) {
        let policy = policy();
        let phase = if perform { Phase::Perform } else { Phase::Read };
        let headers = headers(json);
        let request = Request { method: &method, url: &url, headers: &headers, body: &body };
        match policy.decide(phase, &request) {
            PolicyDecision::Allow(allowed) => {
                let parsed = Url::parse(&url).unwrap();
                prop_assert_eq!(parsed.as_str(), url.as_str());
                prop_assert_eq!(parsed.origin().ascii_serialization(), allowed.origin.as_str());
                prop_assert_eq!(allowed.route.pattern.matches(parsed.path(), parsed.query()), Ok(()));
                prop_assert_eq!(&allowed.route.method, &method);
                prop_assert!(phase == Phase::Perform || matches!(method, Method::GET | Method::HEAD) || allowed.document.is_some());
                if let Some(document) = allowed.document {
                    let sent: serde_json::Value = serde_json::from_slice(&body).unwrap();
                    prop_assert_eq!(hex(&Sha256::digest(sent["query"].as_str().unwrap())), hex(&document.sha256));
                    prop_assert!(sent["variables"]["q"].is_string());
                }
            }
            PolicyDecision::Deny(denial) => prop_assert!(!denial.reason.is_empty() && !denial.fix.is_empty()),
        }
    }

    #[test]
    fn narrowing_a_policy_allows_nothing_new(
        url in url_text(), method in method(), body in body(), json in any::<bool>(), perform in any::<bool>(), what in 0..8_u8,
    ) {
        let phase = if perform { Phase::Perform } else { Phase::Read };
        let headers = headers(json);
        let request = Request { method: &method, url: &url, headers: &headers, body: &body };
        prop_assert!(!allows(&narrowed(policy(), what), phase, &request) || allows(&policy(), phase, &request));
        // Who may only read may do nothing that who performs may not.
        prop_assert!(!allows(&policy(), Phase::Read, &request) || allows(&policy(), Phase::Perform, &request));
    }

    #[test]
    fn every_dialled_address_was_checked(
        answers in proptest::collection::vec(address(), 0..5), grants in grants(), plain in any::<bool>(),
    ) {
        let text = if plain { "http://service.internal:1" } else { "https://service.example" };
        let Ok(origin) = Origin::parse(text, grants) else { return Ok(()) };
        let dialled = Arc::new(Mutex::new(Vec::new()));
        let client = Client::new(Arc::new(FixedResolver(answers.clone())), Arc::new(Notes(Arc::clone(&dialled))), Tls::default());
        let request = http::Request::get("/a").body(Bytes::new()).unwrap();
        let exchange = Exchange {
            deadline: Instant::now() + Duration::from_secs(60),
            connect: None,
            first_byte: None,
            response_bytes: 10,
            repeatable: true,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let _ = runtime.block_on(client.send(&origin, grants, request, exchange));
        let dialled = dialled.lock().unwrap();
        for address in dialled.iter() {
            prop_assert!(answers.contains(&address.ip()));
            let reach = addresses::check(address.ip(), grants);
            prop_assert!(reach.is_ok(), "{address}");
            prop_assert!(!plain || reach != Ok(addresses::Reach::Global), "{address} over plain http");
        }
        if addresses::check_all(&answers, grants).is_err() {
            prop_assert!(dialled.is_empty(), "a mixed or forbidden answer was dialled: {answers:?}");
        }
    }

    #[test]
    fn removing_a_grant_allows_no_address(address in address(), wide in grants(), take in 0..2_u8) {
        let narrow = if take == 0 { Grants { loopback: false, ..wide } } else { Grants { private: false, ..wide } };
        prop_assert!(addresses::check(address, narrow).is_err() || addresses::check(address, wide).is_ok());
    }

    #[test]
    fn a_secret_is_found_in_any_surroundings(
        secret in "[!-~]{8,40}", before in proptest::collection::vec(any::<u8>(), 0..40), behind in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let scanner = Scanner::new([&Secret::new(secret.clone())]);
        let around = |text: &[u8]| [&before, text, &behind].concat();
        prop_assert!(scanner.finds(&around(secret.as_bytes())));
        let escaped: String = secret.bytes().map(|byte| format!("%{byte:02X}")).collect();
        prop_assert!(scanner.finds(&around(escaped.as_bytes())));
        let whole = around(secret.as_bytes());
        prop_assert!(scanner.finds(STANDARD.encode(&whole).as_bytes()));
        prop_assert!(scanner.finds(URL_SAFE_NO_PAD.encode(&whole).as_bytes()));
        let json = serde_json::to_string(&secret).unwrap();
        prop_assert!(scanner.finds(&around(json.as_bytes())));
    }

    #[test]
    fn a_scan_of_anything_ends_without_a_surprise(bytes in proptest::collection::vec(any::<u8>(), 0..300), secret in "[!-~]{0,20}") {
        let _ = Scanner::new([&Secret::new(secret)]).finds(&bytes);
    }

    #[test]
    fn broken_configuration_is_an_error(
        manifest in prop_oneof![3 => lines_of(include_str!("../../manifests/skill.toml")), 1 => any::<String>()],
        operator in prop_oneof![3 => lines_of(include_str!("../../manifests/operator.example.toml")), 1 => any::<String>()],
    ) {
        let manifest = Manifest::parse(&manifest, Path::new("skill.toml"));
        let operator = Operator::parse(&operator, Path::new("operator.toml"));
        if let Err(error) = &manifest {
            prop_assert!(error.to_string().contains("skill.toml"));
        }
        if let (Ok(manifest), Ok(operator)) = (manifest, operator) {
            let limits = manifest.limits;
            let routes: Vec<_> = manifest.destinations.keys().cloned().collect();
            if let Ok(setup) = Setup::resolve(manifest, Some(&operator), Flags::default(), &|_| Some("a-secret-of-tests".into())) {
                // Whatever an operator writes, nothing is wider than what the skill asks.
                for ((_, granted), (_, asked)) in setup.limits.named().iter().zip(limits.named()) {
                    prop_assert!(*granted <= asked);
                }
                prop_assert!(setup.policy.destinations.iter().all(|destination| routes.contains(&destination.name)));
            }
        }
    }
}
