//! A person at the gateway: a WebSocket client that is shown approvals and decides about them, and
//! that can say something to the assistant.

#![allow(
    clippy::indexing_slicing,
    reason = "a member that a JSON object does not have is null when it is read, and is made when it is written"
)]

use std::net::TcpStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use tungstenite::{Message, WebSocket, client};

use super::gateway::TOKEN;

/// Longest that an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(120);
/// The longest that a read waits before pending messages are sent.
const TURN: Duration = Duration::from_millis(20);

/// A person's decision about an approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Allow,
    Deny,
    /// They look away.
    Nothing,
}

impl Decision {
    /// Returns the gateway's word for it; none for no decision.
    const fn said(self) -> Option<&'static str> {
        match self {
            Self::Allow => Some("allow-once"),
            Self::Deny => Some("deny"),
            Self::Nothing => None,
        }
    }
}

/// The person.
pub(super) struct Operator {
    decision: Arc<Mutex<Decision>>,
    to_send: Sender<Value>,
    events: Receiver<Value>,
    /// The approvals that they were asked for, as they were shown.
    pub(super) asked: Vec<Value>,
    last: u64,
}

impl Operator {
    /// Connects, with the right to approve.
    pub(super) fn connect(port: u16) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).context("cannot reach the gateway")?;
        let (socket, _) = client(format!("ws://127.0.0.1:{port}"), stream)
            .context("the gateway takes no WebSocket")?;
        socket.get_ref().set_read_timeout(Some(TURN))?;
        let (to_send, sending) = channel();
        let (heard, events) = channel();
        let decision = Arc::new(Mutex::new(Decision::Nothing));
        let deciding = Arc::clone(&decision);
        thread::spawn(move || talk(socket, &sending, &heard, &deciding));
        let mut operator = Self {
            decision,
            to_send,
            events,
            asked: Vec::new(),
            last: 0,
        };
        operator.wait("the gateway's challenge", |event| {
            event["event"] == "connect.challenge"
        })?;
        operator.request(
            "connect",
            json!({
                "minProtocol": 4, "maxProtocol": 4,
                "client": {"id": "gateway-client", "version": "1", "platform": "linux", "mode": "backend"},
                "role": "operator",
                "scopes": ["operator.read", "operator.write", "operator.approvals", "operator.admin"],
                // Without them the gateway does not count this client as somebody who can be asked.
                "caps": ["approvals", "plugin-approvals"],
                "commands": [], "permissions": {}, "auth": {"token": TOKEN},
                "locale": "en-US", "userAgent": "e2e",
            }),
        )?;
        Ok(operator)
    }

    /// From now on the person decides like this.
    pub(super) fn decides(&self, decision: Decision) {
        *self.decision.lock().unwrap_or_else(PoisonError::into_inner) = decision;
    }

    /// Waits until the person is asked; returns the approval's id and its text.
    pub(super) fn asked_for(&mut self) -> Result<(Value, Value)> {
        let asked = self.wait("a request for approval", |event| {
            event["event"] == "plugin.approval.requested"
        })?;
        let payload = &asked["payload"];
        Ok((payload["id"].clone(), payload["request"].clone()))
    }

    /// Decides about one approval.
    pub(super) fn resolve(&mut self, id: &Value, decision: Decision) -> Result<()> {
        let said = decision.said().context("nothing is no decision")?;
        self.request(
            "plugin.approval.resolve",
            json!({"id": id, "decision": said}),
        )?;
        Ok(())
    }

    /// Says something to the assistant, and waits until it has answered; what it says.
    pub(super) fn say(&mut self, session: &str, message: &str) -> Result<Value> {
        let key = format!("{session}-{}", self.last);
        self.request(
            "chat.send",
            json!({"sessionKey": session, "message": message, "idempotencyKey": key}),
        )?;
        let last = self.wait("the assistant's last word", |event| {
            event["event"] == "chat"
                && matches!(
                    event["payload"]["state"].as_str(),
                    Some("final" | "error" | "aborted")
                )
        })?;
        if last["payload"]["state"] != "final" {
            bail!("the assistant's turn failed: {last}");
        }
        Ok(last)
    }

    /// Takes in the approvals that were asked for so far.
    pub(super) fn catch_up(&mut self) {
        while let Ok(event) = self.events.try_recv() {
            self.take(&event);
        }
    }

    /// Forgets the approvals that were asked for so far.
    pub(super) fn forget(&mut self) {
        self.catch_up();
        self.asked.clear();
    }

    fn request(&mut self, method: &str, params: Value) -> Result<Value> {
        self.last += 1;
        let id = self.last.to_string();
        self.to_send
            .send(json!({"type": "req", "id": id, "method": method, "params": params}))
            .context("the connection to the gateway is closed")?;
        let answer = self.wait(method, |event| {
            event["type"] == "res" && event["id"] == id.as_str()
        })?;
        if answer["ok"] != true {
            bail!("the gateway refuses {method}: {}", answer["error"]);
        }
        Ok(answer)
    }

    fn wait(&mut self, what: &str, is_it: impl Fn(&Value) -> bool) -> Result<Value> {
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let event = self
                .events
                .recv_timeout(left)
                .with_context(|| format!("{what} did not come"))?;
            self.take(&event);
            if is_it(&event) {
                return Ok(event);
            }
        }
    }

    fn take(&mut self, event: &Value) {
        if event["event"] == "plugin.approval.requested" {
            self.asked.push(event["payload"]["request"].clone());
        }
    }
}

/// Sends what is to be sent, hands on what comes, and answers approvals, until either side is
/// closed.
fn talk(
    mut socket: WebSocket<TcpStream>,
    sending: &Receiver<Value>,
    heard: &Sender<Value>,
    decision: &Mutex<Decision>,
) {
    let mut resolving = 0_u64;
    loop {
        loop {
            match sending.try_recv() {
                Ok(message) => {
                    if socket.send(Message::text(message.to_string())).is_err() {
                        return;
                    }
                }
                Err(std::sync::mpsc::TryRecvError::Empty) => break,
                Err(std::sync::mpsc::TryRecvError::Disconnected) => return,
            }
        }
        let text = match socket.read() {
            Ok(Message::Text(text)) => text,
            Ok(_) => continue,
            Err(tungstenite::Error::Io(error))
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                ) =>
            {
                continue;
            }
            Err(_) => return,
        };
        let Ok(event) = serde_json::from_str::<Value>(&text) else {
            continue;
        };
        if event["event"] == "plugin.approval.requested" {
            let said = decision
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .said();
            if let Some(said) = said {
                resolving += 1;
                let params = json!({"id": event["payload"]["id"], "decision": said});
                let id = format!("decision-{resolving}");
                let message = json!({"type": "req", "id": id, "method": "plugin.approval.resolve", "params": params});
                if socket.send(Message::text(message.to_string())).is_err() {
                    return;
                }
            }
        }
        if heard.send(event).is_err() {
            return;
        }
    }
}
