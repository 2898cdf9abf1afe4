//! A client of the HTTP front that says exactly what a test wants it to, and the front to speak to.

use std::io::BufRead as _;
use std::net::SocketAddr;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use crm_harness::config::{Flags, Manifest, Operator};
use crm_harness::server::http::{Hosts, HttpLimits, serve};
use crm_harness::server::mcp::{Mcp, Pace, Whose};
use crm_harness::{Harness, Parts, Setup};
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::env::{TestEnv, token};

/// Longest that anything is waited for: far more than it takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The front within the test's own process, its limits and pace as the test wants them.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    over: JoinHandle<std::io::Result<()>>,
}

impl Served {
    pub(crate) async fn new(env: &TestEnv, limits: HttpLimits, pace: Pace) -> Self {
        let manifest = Manifest::read(&env.path("skill.toml")).unwrap();
        let operator = Operator::read(&env.path("operator.toml")).unwrap();
        let setup = Setup::resolve(manifest, Some(&operator), Flags::default(), &|_| None).unwrap();
        let tokens = setup.tokens.clone();
        let component = std::fs::read(env.path("guest.wasm")).unwrap();
        let harness = Harness::load(&component, setup, Parts::default(), None).unwrap();
        let mcp = Mcp::new(Arc::new(harness), Whose::Each, pace, Arc::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let hosts = Hosts::new(address, &[]).unwrap();
        let (stop, stopped) = oneshot::channel();
        let stopped = async move {
            let _ = stopped.await;
        };
        let over = tokio::spawn(serve(listener, mcp, tokens, hosts, limits, stopped));
        Self {
            address,
            stop: Some(stop),
            over,
        }
    }

    /// Asks it to end.
    pub(crate) fn stop(&mut self) {
        let _ = self.stop.take().unwrap().send(());
    }

    /// Waits for its end.
    pub(crate) async fn over(self) {
        timeout(PATIENCE, self.over)
            .await
            .unwrap()
            .unwrap()
            .unwrap();
    }
}

/// The front as the program.
pub(crate) struct Program {
    pub(crate) address: SocketAddr,
    child: Child,
}

impl Program {
    pub(crate) fn new(env: &TestEnv) -> Self {
        let mut child = env
            .command(&["serve", "--listen", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = std::io::BufReader::new(child.stderr.take().unwrap()).lines();
        let address = lines
            .by_ref()
            .map(Result::unwrap)
            .find_map(|line| {
                let (_, url) = line.split_once("http://")?;
                url.strip_suffix("/mcp")?.parse().ok()
            })
            .unwrap();
        // What it says later must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { address, child }
    }

    pub(crate) fn terminate(&self) {
        let pid = i32::try_from(self.child.id()).unwrap();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    }

    /// Memory in use, in KiB.
    pub(crate) fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    pub(crate) fn ended(mut self) -> bool {
        self.child.wait().unwrap().success()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client with a connection of its own.
pub(crate) struct Web {
    address: SocketAddr,
    sender: SendRequest<Full<Bytes>>,
    /// Headers of every request.
    pub(crate) headers: HeaderMap,
    id: u64,
}

/// An answer that has come whole.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answered {
    /// The messages in it: of a stream, or the one.
    pub(crate) fn messages(&self) -> Vec<Value> {
        messages(&self.body)
    }

    /// The last one.
    pub(crate) fn message(&self) -> Value {
        let last = self.messages().pop();
        last.unwrap_or_else(|| panic!("no message: {self:?}"))
    }
}

fn messages(body: &str) -> Vec<Value> {
    if body.starts_with('{') {
        return vec![serde_json::from_str(body).unwrap()];
    }
    let data = body.lines().filter_map(|line| line.strip_prefix("data:"));
    let data = data.map(str::trim).filter(|data| !data.is_empty());
    data.map(|data| serde_json::from_str(data).unwrap())
        .collect()
}

impl Web {
    /// A client with nobody's token.
    pub(crate) async fn nobody(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("host", address.to_string()),
            ("accept", "application/json, text/event-stream".to_owned()),
            ("content-type", "application/json".to_owned()),
        ] {
            headers.insert(name, value.parse().unwrap());
        }
        Self {
            address,
            sender,
            headers,
            id: 0,
        }
    }

    /// A client with this caller's token.
    pub(crate) async fn of(address: SocketAddr, caller: &str) -> Self {
        let mut web = Self::nobody(address).await;
        web.set("authorization", &format!("Bearer {}", token(caller)));
        web
    }

    /// The same, in a session of its own.
    pub(crate) async fn begun(address: SocketAddr, caller: &str, capabilities: Value) -> Self {
        let mut web = Self::of(address, caller).await;
        let answer = web.post(&initialize(&capabilities)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.message()["result"]["protocolVersion"], "2025-11-25");
        let session = answer.headers["mcp-session-id"]
            .to_str()
            .unwrap()
            .to_owned();
        web.set("mcp-session-id", &session);
        web.set("mcp-protocol-version", "2025-11-25");
        let begun = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        assert_eq!(web.post(&begun).await.status, 202);
        web
    }

    pub(crate) fn set(&mut self, name: &'static str, value: &str) {
        self.headers.insert(name, value.parse().unwrap());
    }

    /// Another connection with the same headers.
    pub(crate) async fn again(&self) -> Self {
        let mut other = Self::nobody(self.address).await;
        other.headers = self.headers.clone();
        other.id = self.id + 1_000;
        other
    }

    /// Sends a request and answers with what comes, its body still on its way.
    pub(crate) async fn open(
        &mut self,
        method: Method,
        path: &str,
        body: &str,
    ) -> Response<Incoming> {
        let mut request = Request::new(Full::new(Bytes::from(body.to_owned())));
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().unwrap();
        *request.headers_mut() = self.headers.clone();
        self.sender.ready().await.unwrap();
        let response = self.sender.send_request(request);
        timeout(PATIENCE, response).await.unwrap().unwrap()
    }

    pub(crate) async fn request(&mut self, method: Method, path: &str, body: &str) -> Answered {
        let (parts, body) = self.open(method, path, body).await.into_parts();
        let body = timeout(PATIENCE, body.collect()).await.unwrap().unwrap();
        Answered {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: String::from_utf8(body.to_bytes().to_vec()).unwrap(),
        }
    }

    pub(crate) async fn post(&mut self, message: &Value) -> Answered {
        self.request(Method::POST, "/mcp", &message.to_string())
            .await
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answered {
        self.request(Method::GET, path, "").await
    }

    /// A request of this method.
    pub(crate) fn message(&mut self, method: &str, params: Value) -> Value {
        self.id += 1;
        json!({"jsonrpc": "2.0", "id": self.id, "method": method, "params": params})
    }

    /// Calls a tool and answers with the result.
    pub(crate) async fn call(&mut self, tool: &str, arguments: Value) -> Value {
        let message = self.message("tools/call", json!({"name": tool, "arguments": arguments}));
        let answer = self.post(&message).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let message = answer.message();
        assert!(message.get("result").is_some(), "{message}");
        message["result"].clone()
    }

    /// Calls a tool and answers with its messages as they come.
    pub(crate) async fn call_open(&mut self, tool: &str, arguments: Value) -> Stream {
        let params = json!({"name": tool, "arguments": arguments, "_meta": {"progressToken": "p"}});
        let message = self.message("tools/call", params).to_string();
        let response = self.open(Method::POST, "/mcp", &message).await;
        assert_eq!(response.status(), 200);
        Stream {
            body: response.into_body(),
            text: String::new(),
        }
    }
}

/// Messages of an answer as they come.
pub(crate) struct Stream {
    body: Incoming,
    text: String,
}

impl Stream {
    /// The next message; none at the end.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let mut found = messages(event);
                self.text = rest.to_owned();
                if let Some(message) = found.pop() {
                    return Some(message);
                }
                continue;
            }
            let frame = timeout(PATIENCE, self.body.frame()).await.unwrap()?;
            let data = frame.ok()?.into_data().ok()?;
            self.text.push_str(std::str::from_utf8(&data).unwrap());
        }
    }
}

/// The first message of a session.
pub(crate) fn initialize(capabilities: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": capabilities,
        "clientInfo": {"name": "test", "version": "1"},
    }})
}
