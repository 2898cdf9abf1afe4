//! A client of `crm-harness mcp` that speaks JSON-RPC line by line, so that a test can say exactly
//! what it wants to.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ExitStatus};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

/// Longest that a message is waited for: far more than it takes, for a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(60);

/// The client, and the program at its other end.
pub(crate) struct Client {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    errors: Receiver<String>,
    id: u64,
    /// Messages that came while an answer was waited for.
    pub(crate) aside: Vec<Value>,
}

impl Client {
    /// Speaks to a program whose standard streams are pipes.
    pub(crate) fn new(mut child: Child) -> Self {
        let input = child.stdin.take();
        let lines = reader(child.stdout.take().unwrap());
        let errors = reader(child.stderr.take().unwrap());
        Self {
            child,
            input,
            lines,
            errors,
            id: 0,
            aside: Vec::new(),
        }
    }

    /// Speaks, and says first what this client can do.
    pub(crate) fn begun(child: Child, capabilities: Value) -> Self {
        let mut client = Self::new(child);
        client.begin_session(capabilities);
        client
    }

    /// Says what this client can do.
    pub(crate) fn begin_session(&mut self, capabilities: Value) {
        let params = json!({
            "protocolVersion": "2025-11-25",
            "capabilities": capabilities,
            "clientInfo": {"name": "test", "version": "1"},
        });
        let answer = self.ask("initialize", params);
        assert_eq!(
            answer["result"]["protocolVersion"], "2025-11-25",
            "{answer}"
        );
        self.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    }

    pub(crate) fn send(&mut self, message: &Value) {
        self.line(&message.to_string());
    }

    pub(crate) fn line(&mut self, line: &str) {
        let input = self.input.as_mut().unwrap();
        writeln!(input, "{line}").unwrap();
        input.flush().unwrap();
    }

    /// Sends a request and answers with its id.
    pub(crate) fn begin(&mut self, method: &str, params: Value) -> u64 {
        self.id += 1;
        self.send(&json!({"jsonrpc": "2.0", "id": self.id, "method": method, "params": params}));
        self.id
    }

    /// The next message, whatever it is.
    pub(crate) fn next(&mut self) -> Value {
        let line = self.lines.recv_timeout(PATIENCE).unwrap_or_else(|error| {
            let said: Vec<_> = self.errors.try_iter().collect();
            panic!("nothing came: {error}; the program said: {said:?}")
        });
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("not JSON: {line}"))
    }

    /// The answer to a request; what comes before it is kept aside.
    pub(crate) fn answer(&mut self, id: u64) -> Value {
        loop {
            let message = self.next();
            if message["id"] == id && message.get("method").is_none() {
                return message;
            }
            self.aside.push(message);
        }
    }

    /// Asks and waits for the answer.
    pub(crate) fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.begin(method, params);
        self.answer(id)
    }

    /// Calls a tool and answers with the result.
    pub(crate) fn call(&mut self, tool: &str, arguments: Value) -> Value {
        let answer = self.ask("tools/call", json!({"name": tool, "arguments": arguments}));
        assert!(answer.get("result").is_some(), "{answer}");
        answer["result"].clone()
    }

    /// Calls a tool that asks the person, who says this; answers with the question and the result.
    pub(crate) fn call_and_say(
        &mut self,
        tool: &str,
        arguments: Value,
        said: &Value,
    ) -> (Value, Value) {
        let id = self.begin("tools/call", json!({"name": tool, "arguments": arguments}));
        let question = self.next();
        assert_eq!(question["method"], "elicitation/create", "{question}");
        self.send(&json!({"jsonrpc": "2.0", "id": question["id"], "result": said}));
        let answer = self.answer(id);
        (question, answer["result"].clone())
    }

    /// Closes the program's input.
    pub(crate) fn close(&mut self) {
        self.input = None;
    }

    /// The program's process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the program's end; what it said on stderr comes along.
    pub(crate) fn ended(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().unwrap();
        let said: Vec<_> = self.errors.iter().collect();
        (status, said.join("\n"))
    }

    /// Closes the input and waits for the end.
    pub(crate) fn finish(mut self) -> (ExitStatus, String) {
        self.close();
        self.ended()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // Where a test fails, the program must not stay.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn reader(stream: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}
