//! The approval channel of the parent process, which alone holds its other end: shows plans, and
//! takes the user's decisions. Tool calls use another transport, so no model can reach this one.
//!
//! A line is one JSON message. This side first sends `{"ready": {"services": "..."}}`, a sentence
//! that lists the configured services. Then the parent sends requests with an `id`, which the
//! response repeats:
//!
//! | method | params | result |
//! |---|---|---|
//! | `show` | `plan`; `title`, `text`, also `columns`, `lines`: how much can be shown; `reading`: the command that shows the full plan | the plan in short form ([`crate::plans::render_short::Brief`]), and its `state` |
//! | `approve` | `plan` | performs the plan; its outcome, as a tool result |
//! | `deny` | `plan`; `reason`: what the person says to whoever proposed it | its state, as a tool result |
//!
//! `plan` is the full digest, so that the plan shown is the plan approved. A request that fails is
//! answered with `error` instead of `result`.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::sync::mpsc;

use super::mcp::{Mcp, PersonDecision};
use super::services;
use crate::config::Caller;
use crate::plans::render_short::{Room, brief};

/// Capacity of the queue of responses to be written.
const WAITING: usize = 64;
/// Default command to show a full plan, for a parent that names none.
const READING: &str = "crm-harness plan show";

#[derive(Deserialize)]
struct ChannelRequest {
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
        reason: Option<String>,
    },
}

/// Serves the channel until its other end is closed.
///
/// # Errors
/// Returns an error if the channel cannot be read or written.
pub async fn serve(stream: UnixStream, mcp: Mcp, caller: Arc<Caller>) -> std::io::Result<()> {
    let (input, mut output) = stream.into_split();
    let ready =
        json!({"ready": {"services": services::configured_services(mcp.harness(), Some(&caller))}});
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
            // Performing a plan takes time; other requests are answered meanwhile.
            tokio::spawn(async move {
                let answer = answer(&line, &mcp, &caller).await;
                // A failed send means that the parent has gone.
                let _ = answers.send(answer).await;
            });
        }
        Ok::<_, std::io::Error>(())
    };
    tokio::try_join!(taking, writing).map(|_| ())
}

async fn answer(line: &str, mcp: &Mcp, caller: &Arc<Caller>) -> Value {
    let request: ChannelRequest = match serde_json::from_str(line) {
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
        Asks::Approve { plan } => decide(&plan, PersonDecision::Approve, mcp, caller).await,
        Asks::Deny { plan, reason } => {
            decide(&plan, PersonDecision::Deny { reason }, mcp, caller).await
        }
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
    decision: PersonDecision,
    mcp: &Mcp,
    caller: &Arc<Caller>,
) -> Result<Value, String> {
    whole(plan, mcp)?;
    let told = mcp.decide(plan, decision, caller).await;
    serde_json::to_value(told).map_err(|error| error.to_string())
}

/// Loads a plan by its full digest: a prefix could match another plan than the one that was shown.
fn whole(
    plan: &str,
    mcp: &Mcp,
) -> Result<(crate::plans::Preview, crate::plans::PlanOutcome), String> {
    let (preview, outcome) = mcp
        .harness()
        .plans()
        .get(plan)
        .map_err(|error| error.to_string())?;
    if preview.plan.as_str() != plan {
        return Err("give the plan's whole digest".to_owned());
    }
    Ok((preview, outcome))
}
