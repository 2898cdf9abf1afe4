//! Finds out whether something was sent, by reading it back from the service. The relay is not
//! idempotent, stores a message and its context one after the other, and one of the two published
//! relays assigns an id of its own.

use std::time::Duration;

use jiff::SignedDuration;

use super::service_step::{LoggedEntry, SentMessage, ServiceStep};
use crate::bindings::exports::claw::skill::judge::Verdict;
use crate::context::Context;
use crate::failure::{self, Failure};
use crate::text::{self, Text};
use crate::tezit::{self, ContextLayer, MessagePage, Tez};
use crate::transport::TransportError;
use crate::workspace;

/// The time that a service gets to finish requests under way.
const MOMENT: Duration = Duration::from_secs(1);
/// The most similar messages that are opened.
const OPENED: usize = 3;
/// Something alike without a time of its own counts as this one if it is no older.
const RECENT: SignedDuration = SignedDuration::from_hours(24);

/// The state of a message at the relay.
enum Delivery {
    Complete,
    /// The message without all of its context.
    Partial,
    Absent,
    /// Another message has its id.
    Different,
    Unclear(String),
}

/// Judges a step with an unknown outcome. `over` means that the service has surely finished with
/// it.
pub(super) fn in_doubt(ctx: &Context<'_>, posted: &ServiceStep, over: bool) -> Verdict {
    match posted {
        ServiceStep::Open => Verdict::Again(
            "Whether the conversation was opened is not known; opening it again gives the same one.".to_owned(),
        ),
        ServiceStep::Email => Verdict::Unknown(
            "Whether the e-mail was sent cannot be known: PA Workspace does not tell. Look into the assistant's sent mail; if it is not there, propose it again with another idempotency key."
                .to_owned(),
        ),
        ServiceStep::Log(logged) => {
            settle(ctx, over);
            find_entry(ctx, logged)
        }
        ServiceStep::Message { sent, .. } | ServiceStep::Share { sent, .. } | ServiceStep::Reply { sent, .. } => {
            settle(ctx, over);
            let mut found = find(ctx, posted, sent);
            if !over && matches!(found, Delivery::Partial) {
                // Its context may be on its way.
                settle(ctx, over);
                found = find(ctx, posted, sent);
            }
            verdict(found)
        }
    }
}

fn settle(ctx: &Context<'_>, over: bool) {
    if !over {
        ctx.transport.wait(MOMENT);
    }
}

fn verdict(found: Delivery) -> Verdict {
    match found {
        Delivery::Complete => Verdict::Done,
        Delivery::Absent => Verdict::Again("The message is not at the relay.".to_owned()),
        Delivery::Partial => Verdict::Failed(
            "The message was stored without its context: recipients see the text alone. It is not sent again by itself, or they would see it twice. Tell them, or propose it again with another idempotency key."
                .to_owned(),
        ),
        Delivery::Different => Verdict::Failed(
            "A message with this id is there and says something else: it was sent by an earlier proposal with the same key. Propose again with another idempotency key."
                .to_owned(),
        ),
        Delivery::Unclear(why) => Verdict::Unknown(format!(
            "Whether the message was sent is not known. {why}"
        )),
    }
}

fn find(ctx: &Context<'_>, posted: &ServiceStep, sent: &SentMessage) -> Delivery {
    let looked = match posted {
        ServiceStep::Share { id, .. } => match tezit::tez(ctx, id) {
            Ok(tez) => return by_id(&tez, sent),
            // Not every relay keeps the id that it is given.
            Err(Failure::NotFound(_)) => {
                tezit::stream(ctx).and_then(|page| alike(ctx, page, None, sent))
            }
            Err(failure) => Err(failure),
        },
        ServiceStep::Reply { to, .. } => tezit::thread(ctx, to).and_then(|messages| {
            let page = MessagePage {
                messages,
                more: false,
            };
            alike(ctx, page, Some(to), sent)
        }),
        ServiceStep::Message { conversation, .. } => {
            tezit::messages(ctx, conversation).and_then(|page| alike(ctx, page, None, sent))
        }
        ServiceStep::Open | ServiceStep::Email | ServiceStep::Log(_) => return Delivery::Absent,
    };
    match looked {
        // A conversation's messages are stored to the byte.
        Ok(Delivery::Absent) if !matches!(posted, ServiceStep::Message { .. }) && sent.may_be_composed() => Delivery::Unclear(
            "The relay may have stored its letters in another form than they were sent in, so it may be there and not be found. Look for it there before it is proposed again, with another idempotency key."
                .to_owned(),
        ),
        Ok(found) => found,
        Err(failure) => Delivery::Unclear(failure::explain(&failure)),
    }
}

/// Compares the message that has this one's id.
fn by_id(tez: &Tez, sent: &SentMessage) -> Delivery {
    if !says(tez, sent) {
        Delivery::Different
    } else if tez.context.len() < sent.context.len() {
        Delivery::Partial
    } else {
        Delivery::Complete
    }
}

/// Looks for a message of the caller's own that says the same and carries the same.
fn alike(
    ctx: &Context<'_>,
    page: MessagePage,
    parent: Option<&String>,
    sent: &SentMessage,
) -> Result<Delivery, Failure> {
    let me = tezit::me(ctx)?;
    // What is not on the page is older than all that is.
    let oldest = page.messages.iter().map(|tez| tez.created_at).min();
    let all_seen = !page.more
        || oldest
            .zip(sent.since)
            .is_some_and(|(oldest, since)| oldest < since);
    let candidates: Vec<&Tez> = page
        .messages
        .iter()
        .filter(|tez| {
            tez.sender == me
                && says(tez, sent)
                && sent.since.is_none_or(|since| tez.created_at >= since)
                && parent.is_none_or(|parent| tez.parent_tez_id.as_ref() == Some(parent))
        })
        .collect();
    let mut half = false;
    for candidate in candidates.iter().take(OPENED) {
        let tez = tezit::tez(ctx, &candidate.id)?;
        match carries(&tez.context, &sent.context) {
            Some(true) if sent.since.is_none() && is_old(ctx, tez.created_at) => {
                return Ok(Delivery::Unclear(format!(
                    "One that says the same was sent at {}; whether it is this one cannot be told. Look for it in the relay; if it is not there, propose it again with another idempotency key.",
                    text::instant(tez.created_at)
                )));
            }
            Some(true) => return Ok(Delivery::Complete),
            Some(false) => half = true,
            None => {}
        }
    }
    if half {
        return Ok(Delivery::Partial);
    }
    if !all_seen || candidates.len() > OPENED {
        return Ok(Delivery::Unclear(
            "More was sent there since than can be looked through. Look for it in the relay; if it is not there, propose it again with another idempotency key."
                .to_owned(),
        ));
    }
    Ok(Delivery::Absent)
}

fn is_old(ctx: &Context<'_>, at: jiff::Timestamp) -> bool {
    ctx.now.duration_since(at) > RECENT
}

/// Checks that a message has this text and purpose.
fn says(tez: &Tez, sent: &SentMessage) -> bool {
    tez.kind == sent.kind && same(&tez.surface_text, &sent.text)
}

fn same(stored: &Text, sent: &Text) -> bool {
    stored.as_str().trim() == sent.as_str().trim()
}

/// Compares a message's context: true if it is complete, false if a part is missing, none if it is
/// another.
fn carries(stored: &[ContextLayer], sent: &[ContextLayer]) -> Option<bool> {
    let mut left: Vec<&ContextLayer> = sent.iter().collect();
    for layer in stored {
        let at = left.iter().position(|one| *one == layer)?;
        left.swap_remove(at);
    }
    Some(left.is_empty())
}

/// Looks for an entry in the assistant's timesheet. Nothing there tells one entry from another that
/// says the same.
fn find_entry(ctx: &Context<'_>, logged: &LoggedEntry) -> Verdict {
    let answer = workspace::get_timesheet(ctx, None).and_then(|request| {
        let answer = ctx.transport.send_all(&[request]).pop();
        workspace::read_timesheet(answer.unwrap_or(Err(TransportError::Refused)))
    });
    let entries = match answer {
        Ok(entries) => entries,
        Err(failure) => return Verdict::Unknown(failure::explain(&failure)),
    };
    let newest = entries
        .iter()
        .filter(|entry| {
            entry.action == logged.action
                && same(&entry.summary, &logged.summary)
                && entry.duration_ms.map(u64::from) == logged.duration_ms
        })
        .map(|entry| entry.at)
        .max();
    match newest {
        None => Verdict::Again("The entry is not in the calendar's log.".to_owned()),
        Some(at) if is_old(ctx, at) => Verdict::Unknown(format!(
            "An entry that says the same was made at {}; whether it is this one cannot be told. Look into the calendar's log; if it is not there, propose it again with another idempotency key.",
            text::instant(at)
        )),
        Some(_) => Verdict::Done,
    }
}
