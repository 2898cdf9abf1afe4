//! Asks a model behind an OpenAI-compatible endpoint for its next message.

use std::time::Duration;

use serde_json::{Map, Value, json};
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// The longest that a model may think.
const PATIENCE: Duration = Duration::from_secs(180);
/// The number of characters of a refusal that are repeated.
const SHOWN: usize = 300;

/// The address of a model.
#[derive(Clone)]
pub struct Endpoint {
    agent: Agent,
    url: String,
    model: Option<String>,
    key: Option<String>,
}

/// A call that a model wants to make.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The id of the call that it answers.
    pub id: String,
    /// The tool.
    pub tool: String,
    /// Its arguments; none where they are no JSON object.
    pub arguments: Option<Map<String, Value>>,
}

impl Endpoint {
    /// The one at a base URL, such as `http://127.0.0.1:8080/v1`.
    ///
    /// # Errors
    /// Where it is no such URL, or this machine trusts nobody.
    pub fn new(url: &str, model: Option<String>, key: Option<String>) -> Result<Self, String> {
        let secure = url.starts_with("https://");
        if !secure && !url.starts_with("http://") {
            return Err(format!(
                "--model-url {url} is no http or https address. Give the part before /chat/completions, such as http://127.0.0.1:8080/v1."
            ));
        }
        let mut config = Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .http_status_as_error(false);
        if secure {
            // Whoever was first has installed the same one.
            let _ = rustls::crypto::ring::default_provider().install_default();
            let found = rustls_native_certs::load_native_certs().certs;
            if found.is_empty() {
                return Err("this machine trusts no certificate authority. Install the package ca-certificates, or name a file with SSL_CERT_FILE.".to_owned());
            }
            let roots: Vec<_> = found
                .iter()
                .map(|found| Certificate::from_der(found.as_ref()).to_owned())
                .collect();
            config = config.tls_config(
                TlsConfig::builder()
                    .root_certs(RootCerts::new_with_certs(&roots))
                    .build(),
            );
        }
        Ok(Self {
            agent: config.build().new_agent(),
            url: format!("{}/chat/completions", url.trim_end_matches('/')),
            model,
            key,
        })
    }

    /// The model's next message.
    ///
    /// # Errors
    /// Why there is none, and what to do.
    pub async fn next(&self, messages: &[Value], tools: &Value) -> Result<Value, String> {
        let mut body = json!({"messages": messages, "tools": tools, "temperature": 0});
        if let Some(model) = &self.model {
            body["model"] = json!(model);
        }
        let endpoint = self.clone();
        let sent = tokio::task::spawn_blocking(move || endpoint.send(&body)).await;
        sent.map_err(|error| format!("the request broke off: {error}"))?
    }

    fn send(&self, body: &Value) -> Result<Value, String> {
        let mut request = self
            .agent
            .post(&self.url)
            .header("content-type", "application/json");
        if let Some(key) = &self.key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        let sent = request.send(body.to_string());
        let mut response = sent.map_err(|error| {
            format!("{} cannot be reached ({error}). Check --model-url, and that the model is served there.", self.url)
        })?;
        let status = response.status().as_u16();
        let text = response.body_mut().read_to_string().unwrap_or_default();
        let said: String = text.chars().take(SHOWN).collect();
        match status {
            200 => {}
            401 | 403 => {
                return Err(format!(
                    "{} does not accept the key ({status}). Name the environment variable that holds it with --key-env. It says: {said}",
                    self.url
                ));
            }
            404 => {
                return Err(format!(
                    "there is nothing at {} (404). Give --model-url as the part before /chat/completions, and a --model that it serves. It says: {said}",
                    self.url
                ));
            }
            429 => {
                return Err(format!(
                    "{} has had too many requests (429). Wait, or ask fewer with --limit. It says: {said}",
                    self.url
                ));
            }
            _ => {
                return Err(format!(
                    "{} answered with {status}. See the log of the model's server. It says: {said}",
                    self.url
                ));
            }
        }
        let answer: Value = serde_json::from_str(&text).unwrap_or_default();
        match answer.pointer("/choices/0/message") {
            Some(message) => Ok(message.clone()),
            None => Err(format!(
                "{} answers, but not as an OpenAI-compatible endpoint does: there is no choices[0].message. It says: {said}",
                self.url
            )),
        }
    }
}

/// The calls that a message asks for.
#[must_use]
pub fn wishes(message: &Value) -> Vec<Wish> {
    let calls = message["tool_calls"].as_array().into_iter().flatten();
    calls
        .map(|call| {
            let arguments = &call["function"]["arguments"];
            let arguments = match arguments.as_str() {
                Some("") => Some(json!({})),
                Some(text) => serde_json::from_str(text).ok(),
                None => Some(arguments.clone()),
            };
            let arguments = match arguments {
                Some(Value::Object(arguments)) => Some(arguments),
                Some(Value::Null) => Some(Map::new()),
                _ => None,
            };
            Wish {
                id: call["id"].as_str().unwrap_or_default().to_owned(),
                tool: call["function"]["name"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
                arguments,
            }
        })
        .collect()
}

/// The tools of a list as the protocol has it, as the endpoint wants them.
#[must_use]
pub fn functions(listed: &Value) -> Value {
    let tools = listed.as_array().into_iter().flatten();
    tools
        .map(|tool| json!({"type": "function", "function": {"name": tool["name"], "description": tool["description"], "parameters": tool["inputSchema"]}}))
        .collect()
}
