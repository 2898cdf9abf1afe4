//! Connections: targets, trusted authorities, and reuse.

use super::*;

#[tokio::test]
async fn tls_checks_name_and_listed_authorities() {
    let folder = tempfile::tempdir().unwrap();
    let authority = folder.path().join("ca.pem");
    let server = Server::start_tls("service.example", |_| Answer::json("{}"), &authority).await;
    let connect = |host: &'static str, authorities: Vec<std::path::PathBuf>| {
        let dialler = Redirect {
            to: server.address(),
            asked: Arc::default(),
        };
        let names = Names(vec!["93.184.216.34".parse().unwrap()]);
        let gate = outbound(
            setup(host, ""),
            Client::new(Arc::new(names), Arc::new(dialler), Tls::new(authorities)),
        );
        async move { gate.send(&context(), find(host)).await }
    };
    assert_eq!(
        code(&connect("https://service.example", vec![authority.clone()]).await),
        "200"
    );
    for (host, authorities) in [
        ("https://other.example", vec![authority.clone()]),
        ("https://service.example", vec![]),
    ] {
        let result = connect(host, authorities).await;
        assert!(
            matches!(
                result,
                Err(SendError::Client(
                    ClientError::Tls(_) | ClientError::Roots(_)
                ))
            ),
            "{host}: {result:?}"
        );
    }
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn dead_kept_connection_is_replaced_for_a_read() {
    let served = Arc::new(AtomicUsize::new(0));
    let count = served.clone();
    // The server closes after its second answer without saying so.
    let server = Server::start(move |_| {
        let number = count.fetch_add(1, Ordering::SeqCst);
        Answer {
            close_after: number == 1,
            ..Answer::json("{}")
        }
    })
    .await;
    let gate = gate_to(&server);
    for _ in 0..4 {
        assert_eq!(
            code(&gate.send(&context(), find(&server.origin())).await),
            "200"
        );
    }
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn checked_address_is_dialled_or_all_refused() {
    let server = Server::start(|_| Answer::json("{}")).await;
    let address = |ip: &str| ip.parse::<IpAddr>().unwrap();
    for (answers, expected) in [
        (vec![address("10.1.2.3")], "200"),
        (vec![address("10.1.2.3"), address("127.0.0.1")], "address"),
        (
            vec![address("10.1.2.3"), address("169.254.169.254")],
            "address",
        ),
        (vec![address("93.184.216.34")], "address"),
        (vec![], "address"),
    ] {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let dialler = Redirect {
            to: server.address(),
            asked: asked.clone(),
        };
        let client = Client::new(Arc::new(Names(answers)), Arc::new(dialler), Tls::default());
        let gate = outbound(setup("http://service:8080", "allow-private = true"), client);
        let context = context();
        assert_eq!(
            code(&gate.send(&context, find("http://service:8080")).await),
            expected
        );
        let dialled: Vec<SocketAddr> = if expected == "200" {
            vec!["10.1.2.3:8080".parse().unwrap()]
        } else {
            vec![]
        };
        assert_eq!(*asked.lock().unwrap(), dialled);
        assert_eq!(
            context
                .denials()
                .iter()
                .any(|denial| denial.code == DenialCode::Address),
            expected == "address"
        );
    }
}
