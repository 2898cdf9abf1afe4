//! The channel of the program that started this one and holds its other end alone: what its person is shown of a plan, and what they
//! say to it. Tool calls come in by another door, so no model reaches this one.
//!
//! A line is a message, in JSON. First this side says `{"ready": {"services": "..."}}`: which services are set up, in a sentence. Then
//! the other asks, with an `id` that the answer carries:
//!
//! | method | params | result |
//! |---|---|---|
//! | `show` | `plan`; `title`, `text`, also `columns`, `lines`: how much can be shown; `reading`: the command that shows a plan whole | the plan in a few words ([`crate::plans::render_short::Brief`]), and its `state` |
//! | `approve` | `plan` | performs it; what came of it, as a tool answers |
//! | `deny` | `plan` | where it stands, as a tool answers |
//!
//! `plan` is the whole digest: what was shown is what is approved. What cannot be done is told by `error` instead of `result`.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::sync::mpsc;

use super::mcp::{Decision, Mcp};
use super::services;
use crate::config::Caller;
use crate::plans::render_short::{Room, brief};

/// Answers that wait to be written.
const WAITING: usize = 64;
/// The command with which a person reads a plan whole, where the other side has none of its own.
const READING: &str = "crm-harness plan show";

#[derive(Deserialize)]
struct Request {
    id: Value,
    #[serde(flatten)]
    asks: Asks,
}

#[derive(Deserialize)]
#[serde(tag = "method", content = "params", rename_all = "lowercase")]
enum Asks {
    Show {
        plan: String,
        #[serde(flatten)]
        room: Room,
        reading: Option<String>,
    },
    Approve {
        plan: String,
    },
    Deny {
        plan: String,
    },
}

/// Serves the channel until its other end is closed.
///
/// # Errors
/// When the channel cannot be read or written.
pub async fn serve(stream: UnixStream, mcp: Mcp, caller: Arc<Caller>) -> std::io::Result<()> {
    let (input, mut output) = stream.into_split();
    let ready = json!({"ready": {"services": services::told(mcp.harness(), Some(&caller))}});
    output.write_all(format!("{ready}\n").as_bytes()).await?;
    let (answers, mut to_write) = mpsc::channel::<Value>(WAITING);
    let writing = async move {
        while let Some(answer) = to_write.recv().await {
            output.write_all(format!("{answer}\n").as_bytes()).await?;
        }
        Ok::<_, std::io::Error>(())
    };
    let taking = async move {
        let mut lines = BufReader::new(input).lines();
        while let Some(line) = lines.next_line().await? {
            let (mcp, caller) = (mcp.clone(), Arc::clone(&caller));
            let answers = answers.clone();
            // Performing a plan takes its time; what else is asked meanwhile is answered meanwhile.
            tokio::spawn(async move {
                let answer = answer(&line, &mcp, &caller).await;
                // Who no longer listens has gone.
                let _ = answers.send(answer).await;
            });
        }
        Ok::<_, std::io::Error>(())
    };
    tokio::try_join!(taking, writing).map(|_| ())
}

async fn answer(line: &str, mcp: &Mcp, caller: &Arc<Caller>) -> Value {
    let request: Request = match serde_json::from_str(line) {
        Ok(request) => request,
        Err(error) => {
            return json!({"id": null, "error": format!("the message cannot be read: {error}")});
        }
    };
    let id = request.id;
    let result = match request.asks {
        Asks::Show {
            plan,
            room,
            reading,
        } => show(&plan, room, mcp, reading.as_deref().unwrap_or(READING)),
        Asks::Approve { plan } => decide(&plan, Decision::Approve, mcp, caller).await,
        Asks::Deny { plan } => decide(&plan, Decision::Deny, mcp, caller).await,
    };
    match result {
        Ok(result) => json!({"id": id, "result": result}),
        Err(error) => json!({"id": id, "error": error}),
    }
}

fn show(plan: &str, room: Room, mcp: &Mcp, reading: &str) -> Result<Value, String> {
    let (preview, outcome) = whole(plan, mcp)?;
    let brief = brief(&preview, room, reading);
    let mut shown = serde_json::to_value(brief).map_err(|error| error.to_string())?;
    if let Value::Object(members) = &mut shown {
        members.insert("state".to_owned(), json!(outcome.state));
    }
    Ok(shown)
}

async fn decide(
    plan: &str,
    decision: Decision,
    mcp: &Mcp,
    caller: &Arc<Caller>,
) -> Result<Value, String> {
    whole(plan, mcp)?;
    let told = mcp.decide(plan, decision, caller).await;
    serde_json::to_value(told).map_err(|error| error.to_string())
}

/// A plan by its whole digest: the beginning of one could name another plan than the one that was shown.
fn whole(plan: &str, mcp: &Mcp) -> Result<(crate::plans::Preview, crate::plans::Outcome), String> {
    let (preview, outcome) = mcp
        .harness()
        .plan(plan)
        .map_err(|error| error.to_string())?;
    if preview.plan.as_str() != plan {
        return Err("give the plan's whole digest".to_owned());
    }
    Ok((preview, outcome))
}
