//! Hands something over to a colleague: checks the request, and makes the message.

use serde::Serialize;

use super::input;
use super::subject::Subject;
use crate::bindings::claw::crm::types::{Intent, Urgency};
use crate::bindings::exports::claw::crm::propose::Handoff;
use crate::context::Context;
use crate::failure::Failure;
use crate::tezit::envelope::{self, NewTask, ShareableKind};
use crate::tezit::message::Message;
use crate::tezit::{Audience, audience};

/// A checked handoff.
#[derive(Serialize)]
pub(super) struct HandoffRequest<'a> {
    to: Vec<String>,
    text: Option<String>,
    ask: Option<String>,
    #[serde(skip)]
    urgency: Option<Urgency>,
    /// The recipients.
    #[serde(skip)]
    pub(super) audience: Audience,
    #[serde(skip)]
    given: &'a str,
}

/// Cleans a text to be sent; none where nothing is left of it.
pub(super) fn optional_text(field: &str, given: Option<&str>) -> Result<Option<String>, Failure> {
    let text = given.map(|text| input::note(field, text)).transpose()?;
    Ok(text.flatten())
}

impl<'a> HandoffRequest<'a> {
    /// Checks a request, and asks the relay to resolve the recipient.
    pub(super) fn check(ctx: &Context<'_>, handoff: &'a Handoff) -> Result<Self, Failure> {
        let text = optional_text("handoff.message", handoff.message.as_deref())?;
        let ask = optional_text("handoff.ask", handoff.ask.as_deref())?;
        let to = std::slice::from_ref(&handoff.to);
        let audience = audience(ctx, "handoff.to", to)?;
        Ok(Self {
            to: match &audience {
                Audience::One(one) => vec![one.id.clone()],
                Audience::Team(named) => named.iter().map(|one| one.id.clone()).collect(),
            },
            text,
            ask,
            urgency: handoff.urgency,
            audience,
            given: &handoff.to,
        })
    }

    /// Names the assignee in a text that leaves, without name or address: only as far as the
    /// recipient can tell by themselves.
    pub(super) fn whose(&self, ctx: &Context<'_>, assignee: &str) -> &'static str {
        let to = self.given.trim().to_lowercase();
        match &self.audience {
            Audience::One(_) if to == assignee => ", assigned to you",
            _ if ctx.caller_email("caller").is_ok_and(|me| me == assignee) => {
                ", assigned to the sender"
            }
            _ => "",
        }
    }
}

/// Writes the message that hands over a record, and the task that the plan makes for it, if it
/// makes one.
pub(super) fn message(
    ctx: &Context<'_>,
    handing: &HandoffRequest<'_>,
    about: &str,
    subject: &Subject,
    task: Option<(&NewTask<'_>, String)>,
    objective: Option<&str>,
) -> Message {
    let mut message = Message::new(Intent::Handoff);
    let log = &mut message.log;
    let mut kinds = Vec::new();
    let mut layers = Vec::new();
    let mut lines: Vec<String> = handing.text.iter().cloned().collect();
    lines.extend(objective.map(str::to_owned));
    if let Some((task, line)) = task {
        layers.push(envelope::new_task(log, task).layer(ctx));
        lines.push(line);
        kinds.push(ShareableKind::Task);
    }
    if let Some(envelope) = subject.envelope(ctx, log) {
        layers.push(envelope.layer(ctx));
        kinds.push(envelope.kind);
    }
    lines.push(format!("It is about the {}.", subject.named(about, log)));
    layers.extend(envelope::limits(&kinds));
    layers.extend(envelope::advice(Intent::Handoff));
    message.layers = layers;
    message.text = lines.join("\n\n");
    message.ask = handing.ask.clone();
    message.urgency = handing.urgency;
    message
}
