//! Sending recorded requests again, and what the recordings leave to be filled in.

use std::net::SocketAddr;
use std::time::Duration;

use crm_stand_in::clock::ManualClock;
use crm_stand_in::pa_workspace::SERVICE_TOKEN;
use crm_stand_in::relay::token;
use crm_stand_in::tokens::{Token, expired, for_another_audience};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName};
use serde_json::{Value, json};

use super::client::{Answer, send_with};
use super::compare::Names;
use super::exchange::TezitExchange;

/// Somebody whose tokens are named in what was written down: `Bearer <NAME>`.
pub(crate) type Person = (&'static str, &'static str);

/// A stand-in to send to, and what is known of it so far.
pub(crate) struct Stage<'s> {
    pub addr: SocketAddr,
    pub clock: &'s ManualClock,
    pub people: &'s [Person],
    pub names: Names,
    /// True if the counts of the limit are compared: only where nothing was left out in between.
    pub counts_requests: bool,
    window: Option<String>,
    /// The recordings' team that the last request named one of.
    team: String,
}

/// Builds a request body where the recording only describes it.
fn body_of(exchange: &TezitExchange, team: &str) -> Option<String> {
    let share = |more: Value| {
        let mut body = json!({"teamId": team, "surfaceText": "x"});
        if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
            body.extend(more);
        }
        body.to_string()
    };
    let facts = |count: usize| -> Vec<Value> {
        (0..count)
            .map(|n| json!({"layer": "fact", "content": format!("fact {n}")}))
            .collect()
    };
    Some(match exchange.name() {
        "share-surface-too-long" => share(json!({"surfaceText": "x".repeat(10_001)})),
        "share-action-too-long" => share(json!({"actionRequested": "x".repeat(501)})),
        "share-101-recipients" => share(json!({"recipients": vec!["u"; 101]})),
        "share-60-context-items" => share(json!({"surfaceText": "60 items", "context": facts(60)})),
        "share-context-300k" => share(json!({
            "surfaceText": "300k",
            "context": [{"layer": "artifact", "content": "x".repeat(300_000)}],
        })),
        "share-body-2mb" => share(json!({"surfaceText": "x".repeat(2_000_000)})),
        _ => match &exchange.body {
            Value::Null => return None,
            Value::String(raw) => raw.clone(),
            body => body.to_string(),
        },
    })
}

impl<'s> Stage<'s> {
    pub(crate) fn new(
        addr: SocketAddr,
        clock: &'s ManualClock,
        people: &'s [Person],
        counts_requests: bool,
    ) -> Self {
        let mut names = Names::default();
        for (_, user) in people {
            names.learn(user, user);
        }
        Self {
            addr,
            clock,
            people,
            names,
            counts_requests,
            window: None,
            team: String::new(),
        }
    }

    fn user(&self, name: &str) -> &'s str {
        let person = self.people.iter().find(|(known, _)| *known == name);
        person
            .unwrap_or_else(|| panic!("nobody is called {name}"))
            .1
    }

    /// The value of `authorization` that stands behind the one written down.
    fn authorization(&self, exchange: &TezitExchange) -> Option<String> {
        let first = self.people.first().expect("somebody").1;
        let token = match (exchange.name(), exchange.authorization.as_deref()) {
            ("not-bearer", _) => return Some("Basic cm9iaW46cm9iaW4=".to_owned()),
            (_, None) => return None,
            ("bad-token", _) => "no.token.really".to_owned(),
            ("forged-token", _) => Token::of(first).secret("another secret").sign(),
            ("expired-token", _) => expired(first),
            ("refresh-type-token", _) => Token::of(first).kind("refresh").sign(),
            ("wrong-audience-token", _) => for_another_audience(first),
            ("nobodys-token", _) => Token::of(first).without_user().sign(),
            (name, Some("Bearer <given token>")) if name.ends_with("-service") => {
                SERVICE_TOKEN.to_owned()
            }
            (_, Some("Bearer <given token>")) => token(first),
            (_, Some(written)) => {
                let name = written
                    .strip_prefix("Bearer <")
                    .and_then(|n| n.strip_suffix('>'));
                match name.unwrap_or_else(|| panic!("{}: whose is {written}?", exchange.file)) {
                    "SERVICE" => SERVICE_TOKEN.to_owned(),
                    name => token(self.user(name)),
                }
            }
        };
        Some(format!("Bearer {token}"))
    }

    /// Sends a request that was not recorded, and expects it to be carried out.
    pub(crate) async fn prepare(&self, who: &str, path: &str, body: Value) -> Value {
        self.clock.advance(Duration::from_millis(7));
        let bearer = format!("Bearer {}", token(self.user(who)));
        let headers = [
            (CONTENT_TYPE, "application/json"),
            (AUTHORIZATION, bearer.as_str()),
        ];
        let answer = send_with(self.addr, "POST", path, &headers, body.to_string()).await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status, 201, "{path}: {}", answer.text());
        answer.json()
    }

    /// Lets the limit's minute pass where it did, or uses it up.
    async fn keep_pace(&mut self, exchange: &TezitExchange) {
        self.clock.advance(Duration::from_millis(7));
        if let Some(reset) = exchange.header("x-ratelimit-reset") {
            if self.window.as_deref().is_some_and(|window| window != reset) {
                self.clock.advance(Duration::from_secs(61));
            }
            self.window = Some(reset.to_owned());
        }
        if exchange.status == 429 {
            let health = || send_with(self.addr, "GET", "/health", &[], String::new());
            while health().await.expect("an answer").status != 429 {}
        }
    }

    /// Sends a recorded request; what differs from what was recorded.
    pub(crate) async fn replay(&mut self, exchange: &TezitExchange) -> Vec<String> {
        self.keep_pace(exchange).await;
        let team = exchange.body.get("teamId").and_then(Value::as_str);
        if let Some(team) = team.filter(|team| uuid::Uuid::try_parse(team).is_ok()) {
            team.clone_into(&mut self.team);
        }
        let body = body_of(exchange, &self.team).unwrap_or_default();
        let (path, body) = (
            self.names.translated(&exchange.path),
            self.names.translated(&body),
        );
        let authorization = self.authorization(exchange);
        let mut headers: Vec<(HeaderName, &str)> = Vec::new();
        headers.extend(exchange.content_type.as_deref().map(|v| (CONTENT_TYPE, v)));
        headers.extend(authorization.as_deref().map(|v| (AUTHORIZATION, v)));
        let answer = send_with(self.addr, &exchange.method, &path, &headers, body).await;
        let answer = answer.unwrap_or_else(|e| panic!("{}: {e}", exchange.file));
        let mut found = self.heads(exchange, &answer);
        found.extend(
            if exchange
                .header("content-type")
                .is_some_and(|v| v.starts_with("text/html"))
            {
                pages(&exchange.answer, &answer)
            } else {
                self.names.differences(&exchange.answer, &answer.json())
            },
        );
        found
            .into_iter()
            .map(|d| format!("{}: {d}", exchange.file))
            .collect()
    }

    fn heads(&self, exchange: &TezitExchange, answer: &Answer) -> Vec<String> {
        let mut found = Vec::new();
        if u64::from(answer.status) != exchange.status {
            found.push(format!(
                "status: recorded {}, came {}: {}",
                exchange.status,
                answer.status,
                answer.text().chars().take(300).collect::<String>()
            ));
        }
        let counts = ["x-ratelimit-remaining"]
            .into_iter()
            .filter(|_| self.counts_requests);
        let said = [
            "content-type",
            "content-security-policy",
            "x-content-type-options",
        ];
        for name in said.into_iter().chain(counts) {
            let (wanted, got) = (exchange.header(name), answer.header(name));
            if wanted != got {
                found.push(format!("{name}: recorded {wanted:?}, came {got:?}"));
            }
        }
        for name in ["x-ratelimit-limit", "x-ratelimit-reset", "retry-after"] {
            let (wanted, got) = (
                exchange.header(name).is_some(),
                answer.header(name).is_some(),
            );
            if wanted != got {
                found.push(format!("{name}: recorded {wanted}, came {got}"));
            }
        }
        found
    }
}

/// Pages are compared up to where the stack starts, which tells where the service was installed.
fn pages(recorded: &Value, came: &Answer) -> Vec<String> {
    let told = |page: &str| {
        let end = page.find("<br>").or_else(|| page.find("</pre>"));
        page.get(..end.unwrap_or_default())
            .unwrap_or_default()
            .to_owned()
    };
    let (wanted, got) = (
        told(recorded.as_str().unwrap_or_default()),
        told(&came.text()),
    );
    if wanted == got {
        Vec::new()
    } else {
        vec![format!("page: recorded {wanted:?}, came {got:?}")]
    }
}
