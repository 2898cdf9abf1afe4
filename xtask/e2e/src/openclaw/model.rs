//! No model: an endpoint on loopback that answers as OpenAI's do, with tool calls that are written
//! down beforehand.

#![allow(
    clippy::indexing_slicing,
    reason = "a member that a JSON object does not have is null when it is read, and is made when it is written"
)]

use std::io::{self, BufRead, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

/// The endpoint, until this process ends.
pub(super) struct Model {
    port: u16,
    asked: Arc<Mutex<Vec<Value>>>,
}

impl Model {
    /// Answers the first request of a turn with the first call, the next with the second, and what
    /// comes after them with words.
    pub(super) fn start(calls: Vec<(&'static str, Value)>) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("cannot listen")?;
        let port = listener.local_addr()?.port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if let Err(error) = answer(stream, &calls, &seen) {
                    eprintln!("the scripted endpoint: {error}");
                }
            }
        });
        Ok(Self { port, asked })
    }

    /// OpenClaw's configuration for this model.
    pub(super) fn provider(&self) -> Value {
        json!({
            "baseUrl": format!("http://127.0.0.1:{}/v1", self.port), "apiKey": "none", "api": "openai-completions",
            "models": [{
                "id": "scripted", "name": "Scripted", "contextWindow": 200_000, "maxTokens": 4096, "input": ["text"],
                "reasoning": false, "cost": {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0},
            }],
        })
    }

    /// Returns the requests to the model, whole.
    pub(super) fn asked(&self) -> Vec<Value> {
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// Answers one request and closes.
fn answer(
    mut stream: TcpStream,
    calls: &[(&str, Value)],
    seen: &Mutex<Vec<Value>>,
) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut length = 0;
    let mut head = String::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line == "\r\n" {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or(0);
        }
        head.push_str(&line);
    }
    if !head.starts_with("POST") {
        return reply(
            &mut stream,
            "application/json",
            &json!({"object": "list", "data": [{"id": "scripted", "object": "model"}]}).to_string(),
        );
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    // Of this turn: what was called since the person has last said something.
    let messages = request["messages"].as_array().cloned().unwrap_or_default();
    let done = messages
        .iter()
        .filter(|message| message["role"] == "tool")
        .count();
    seen.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(request);
    let (delta, finish) = match calls.get(done) {
        Some((name, arguments)) => {
            let call = json!({"index": 0, "id": format!("call_{done}"), "type": "function", "function": {"name": name, "arguments": arguments.to_string()}});
            (
                json!({"role": "assistant", "tool_calls": [call]}),
                "tool_calls",
            )
        }
        None => (
            json!({"role": "assistant", "content": "That is all."}),
            "stop",
        ),
    };
    let chunk = |delta: Value, finish: Option<&str>| {
        let choice = json!({"index": 0, "delta": delta, "finish_reason": finish});
        format!(
            "data: {}\n\n",
            json!({"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "scripted", "choices": [choice]})
        )
    };
    let text = format!(
        "{}{}data: [DONE]\n\n",
        chunk(delta, None),
        chunk(json!({}), Some(finish))
    );
    reply(&mut stream, "text/event-stream", &text)
}

fn reply(stream: &mut TcpStream, kind: &str, body: &str) -> io::Result<()> {
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}
