//! Builds messages for plans: checks the limits before anything is proposed, redacts the texts, and
//! makes the steps.

mod wire;

use serde::Serialize;
use wire::MessageBody;
pub use wire::{intent, kind, source};

use super::audience::{Audience, Recipient};
use super::client::team_id;
use super::envelope::DisclosureLog;
use crate::bindings::claw::crm::types::{Intent, Urgency};
use crate::bindings::exports::claw::crm::read::Layer;
use crate::context::Context;
use crate::failure::{self, Failure};
use crate::plan::{Draft, Ids};
use crate::text;

/// The destination, as the manifest names it.
const DESTINATION: &str = "tezit";

/// The longest text, in UTF-16 units as the relay counts them.
const TEXT: usize = 5_000;
/// The longest action that is asked for.
const ASK: usize = 500;
/// The longest piece of context that is prose.
const PROSE: usize = 4_000;
/// The longest piece of context that is JSON.
const JSON: usize = 32_000;
/// The most pieces of context.
pub const LAYERS: usize = 50;
/// The most recipients.
const RECIPIENTS: usize = 100;
/// The largest body, in bytes.
const BODY: usize = 256 * 1024 - 1;
/// The longest quote of the text in a step's description, in characters.
const QUOTED: usize = 200;

/// A message before it has its recipients.
#[derive(Debug)]
pub struct Message {
    /// The intent.
    pub intent: Intent,
    /// The urgency; the relay's own default if left out.
    pub urgency: Option<Urgency>,
    /// Its text.
    pub text: String,
    /// The action that the recipients are asked for.
    pub ask: Option<String>,
    /// Its context.
    pub layers: Vec<Layer>,
    /// The log of disclosed fields.
    pub log: DisclosureLog,
}

/// Steps that send a message, and what the person should know of them.
#[derive(Debug)]
pub struct Sending {
    /// The steps.
    pub steps: Vec<Draft>,
    /// The recipients, in words.
    pub whom: String,
    /// Notes to read before deciding.
    pub warnings: Vec<String>,
}

/// The order of the steps relative to the earlier ones of the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// After the earlier steps.
    InOrder,
    /// Independent of the earlier steps.
    Alone,
}

impl Message {
    /// Creates an empty message of this intent.
    pub fn new(intent: Intent) -> Self {
        Self {
            intent,
            urgency: None,
            text: String::new(),
            ask: None,
            layers: Vec::new(),
            log: DisclosureLog::default(),
        }
    }

    /// Adds a paragraph to its text.
    pub fn say(&mut self, paragraph: &str) {
        if !self.text.is_empty() {
            self.text.push_str("\n\n");
        }
        self.text.push_str(paragraph);
    }

    /// Makes the steps that send the message: to one recipient in their direct conversation, to
    /// several or to the team as a message that the whole team can read.
    ///
    /// # Errors
    /// `invalid-input` for what is over the relay's limits, `unavailable` where no team is set.
    pub fn send(
        mut self,
        ctx: &Context<'_>,
        ids: &Ids,
        audience: &Audience,
        order: Order,
    ) -> Result<Sending, Failure> {
        self.redact();
        match audience {
            Audience::One(recipient) => self.direct(ids, recipient, order),
            Audience::Team(named) => self.team(ctx, ids, named, order),
        }
    }

    /// Makes the step that adds the message to the thread of a message that the team can read.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub fn reply(mut self, ids: &Ids, tez: &str) -> Result<Sending, Failure> {
        self.redact();
        self.with_ask();
        self.check(0)?;
        let body = self.body();
        let step = Draft::post(
            "reply",
            DESTINATION,
            format!("/tez/{tez}/reply"),
            &MessageBody {
                urgency: None,
                ..body
            },
            self.words("Reply in the thread"),
        )?;
        Ok(Sending {
            steps: vec![self.finish(step, ids)?],
            whom: "the team".to_owned(),
            warnings: self.warnings(true),
        })
    }

    fn direct(
        mut self,
        ids: &Ids,
        recipient: &Recipient,
        order: Order,
    ) -> Result<Sending, Failure> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Open<'a> {
            #[serde(rename = "type")]
            kind: &'static str,
            member_ids: [&'a str; 1],
        }
        self.with_ask();
        self.check(1)?;
        let whom = label(recipient);
        let open = Draft::post(
            "open",
            DESTINATION,
            "/conversations",
            &Open {
                kind: "dm",
                member_ids: [&recipient.id],
            },
            format!("Open the direct conversation with {whom}."),
        )?;
        let send = Draft::post(
            "message",
            DESTINATION,
            "/conversations/{{conversation}}/messages",
            &self.body(),
            self.words(&format!("Write to {whom}")),
        )?
        .filling("conversation", "open", "/data/id");
        let (open, send) = match order {
            Order::InOrder => (open, send),
            Order::Alone => (open.after(&[]), send.after(&["open"])),
        };
        Ok(Sending {
            steps: vec![open, self.finish(send, ids)?],
            whom,
            warnings: self.warnings(false),
        })
    }

    fn team(
        self,
        ctx: &Context<'_>,
        ids: &Ids,
        named: &[Recipient],
        order: Order,
    ) -> Result<Sending, Failure> {
        self.check(named.len())?;
        let whom = if named.is_empty() {
            "the team".to_owned()
        } else {
            let labels: Vec<String> = named.iter().map(label).collect();
            labels.join(", ")
        };
        let body = MessageBody {
            id: Some(ids.id("tez")),
            team_id: Some(team_id(ctx)?),
            action_requested: self.ask.as_deref(),
            visibility: Some("team"),
            recipients: named.iter().map(|one| one.id.as_str()).collect(),
            ..self.body()
        };
        let send = Draft::post(
            "tez",
            DESTINATION,
            "/tez/share",
            &body,
            self.words(&format!("Write to {whom}, for the whole team to read")),
        )?;
        let send = match order {
            Order::InOrder => send,
            Order::Alone => send.after(&[]),
        };
        Ok(Sending {
            steps: vec![self.finish(send, ids)?],
            whom,
            warnings: self.warnings(true),
        })
    }

    /// Adds the disclosures and the idempotency key to a step.
    fn finish(&self, step: Draft, ids: &Ids) -> Result<Draft, Failure> {
        if step.size() > BODY {
            return Err(too_much("its body would be larger than 256 KiB"));
        }
        Ok(step
            .once(ids.id("message"))
            .disclosing(self.log.disclosures()))
    }

    /// Redacts the message's own texts. Layers of context were redacted when they were made.
    fn redact(&mut self) {
        self.text = self.log.redact(&self.text);
        self.ask = self.ask.take().map(|ask| self.log.redact(&ask));
    }

    /// Moves the requested action into the text: messages in conversations and threads have no
    /// field for it.
    fn with_ask(&mut self) {
        if let Some(ask) = &self.ask {
            self.text = format!("{}\n\nAsked of you: {ask}", self.text)
                .trim_start()
                .to_owned();
        }
    }

    fn check(&self, recipients: usize) -> Result<(), Failure> {
        let over = |field: &str, what: &str, most: usize| {
            failure::invalid_input(
                field,
                format!("{what} would be longer than {most} characters, more than the relay takes"),
                "Give a shorter text.",
            )
        };
        if units(&self.text) > TEXT {
            return Err(over("message", "the message's text", TEXT));
        }
        if self.ask.as_deref().is_some_and(|ask| units(ask) > ASK) {
            return Err(over("ask", "what is asked", ASK));
        }
        if recipients > RECIPIENTS {
            return Err(failure::invalid_input(
                "to",
                format!("these are more than {RECIPIENTS} recipients"),
                "Name fewer, or `team`.",
            ));
        }
        if self.layers.len() > LAYERS {
            return Err(too_much(&format!(
                "it would hold more than {LAYERS} pieces of context"
            )));
        }
        let long = self.layers.iter().any(|layer| {
            let most = if layer.mime_type.is_some() {
                JSON
            } else {
                PROSE
            };
            units(&layer.content) > most
        });
        if long {
            return Err(too_much("one of its pieces of context would be too long"));
        }
        Ok(())
    }

    fn body(&self) -> MessageBody<'_> {
        MessageBody {
            id: None,
            team_id: None,
            surface_text: &self.text,
            kind: intent(self.intent),
            urgency: self.urgency.map(wire::urgency),
            action_requested: None,
            visibility: None,
            recipients: Vec::new(),
            context: self.layers.iter().map(wire::piece).collect(),
        }
    }

    fn words(&self, begin: &str) -> String {
        let (text, _) = text::line(&self.text, QUOTED);
        format!(
            "{begin} ({}, {} of context): \u{201c}{text}\u{201d}",
            intent(self.intent),
            crate::markdown::count(
                u32::try_from(self.layers.len()).unwrap_or(u32::MAX),
                "piece",
                "pieces"
            ),
        )
    }

    fn warnings(&self, team: bool) -> Vec<String> {
        let mut warnings = Vec::new();
        if team {
            warnings.push(
                "The whole team can read this message, whoever is named in it; it cannot be taken back."
                    .to_owned(),
            );
        }
        let redacted: Vec<&str> = self.log.redacted().collect();
        if !redacted.is_empty() {
            warnings.push(format!(
                "Taken out of what is sent: {}.",
                redacted.join(", ")
            ));
        }
        warnings
    }
}

fn label(recipient: &Recipient) -> String {
    recipient
        .name
        .clone()
        .unwrap_or_else(|| recipient.id.clone())
}

fn too_much(why: &str) -> Failure {
    failure::invalid_input(
        "records",
        format!("the message cannot be sent: {why}"),
        "Share less at once.",
    )
}

/// Counts UTF-16 units, as the relay does.
fn units(text: &str) -> usize {
    text.encode_utf16().count()
}
