//! Requests to the relay, and its answers. Nothing here writes, and nothing here marks anything as
//! read.

use std::collections::BTreeMap;

use super::values::{Contact, Conversation, MessagePage, Tez, Unread, list};
use crate::context::Context;
use crate::failure::{self, Failure};
use crate::rest::Service;
use crate::transport::{Outcome, Path, Request, TransportError, is_id};

/// The relay.
pub static RELAY: Service = Service {
    source: "tezit",
    name: "The Tezit relay",
    setting: "tezit.base-url",
    address: "TEZIT_RELAY_URL",
    token: "TEZIT_TOKEN",
    permission: "Ask the operator whether the caller is a member of the team TEZIT_TEAM_ID. A message can be read by its sender, its team or those in its conversation, and by nobody else.",
};

/// The most messages that the relay gives at once.
pub const PAGE: usize = 100;

/// Checks whether the relay is set up.
pub fn configured(ctx: &Context<'_>) -> bool {
    RELAY.base_url(ctx).is_ok()
}

/// Returns the team whose members can be written to (`tezit.team-id`).
///
/// # Errors
/// `unavailable` where the operator has named none.
pub fn team_id(ctx: &Context<'_>) -> Result<String, Failure> {
    let team = ctx.setting("tezit.team-id").ok_or_else(|| {
        failure::unavailable(
            false,
            "No team is set: nobody is known who may be written to.",
            "Ask the operator to set TEZIT_TEAM_ID to the id of the team at the Tezit relay.",
        )
    })?;
    if is_id(&team) {
        return Ok(team);
    }
    Err(failure::unavailable(
        false,
        "The team that is set is no id.",
        "Ask the operator to set TEZIT_TEAM_ID to the id of the team at the Tezit relay, not its name.",
    ))
}

/// Returns the caller's user id at the relay as the operator has set it (`caller.relay-user`), if
/// they have.
pub fn me_as_set(ctx: &Context<'_>) -> Option<String> {
    ctx.setting("caller.relay-user")
}

/// Returns the caller's user id at the relay: as the operator has set it, else as the relay knows
/// them.
///
/// # Errors
/// `not-found` where the caller has no profile there; what else the relay says, where it had to be
/// asked.
pub fn me(ctx: &Context<'_>) -> Result<String, Failure> {
    match me_as_set(ctx) {
        Some(me) => Ok(me),
        None => read_me(send(ctx, get_me(ctx)?)),
    }
}

/// Asks who the caller is.
///
/// # Errors
/// `unavailable` where the relay is not set up.
pub fn get_me(ctx: &Context<'_>) -> Result<Request, Failure> {
    RELAY.get(ctx, Path::new("/contacts/me"))
}

/// Reads the caller's user id.
///
/// # Errors
/// As [`me`].
pub fn read_me(answer: Outcome) -> Result<String, Failure> {
    match read_contact(answer) {
        Ok(contact) => Ok(contact.id),
        Err(Failure::NotFound(_)) => Err(failure::not_found(
            "The Tezit relay has no profile of the caller, so it does not say who they are.",
            "Ask the operator to set the caller's user id (TEZIT_USER_ID), or register the caller's profile at the relay.",
        )),
        Err(failure) => Err(failure),
    }
}

/// Asks for a user.
///
/// # Errors
/// `unavailable` where the relay is not set up; none where this can be no user that it knows.
pub fn get_contact(ctx: &Context<'_>, id: &str) -> Option<Result<Request, Failure>> {
    let path = Path::new("/contacts").segment(id)?;
    Some(RELAY.get(ctx, path))
}

/// Reads a user.
///
/// # Errors
/// What the relay said.
pub fn read_contact(answer: Outcome) -> Result<Contact, Failure> {
    Ok(Contact::read(&RELAY.read(answer)?.data())?)
}

/// Returns the names of users by id, as far as the relay knows them. Each costs a request; they are
/// sent side by side.
pub fn names(ctx: &Context<'_>, ids: &[String]) -> BTreeMap<String, String> {
    let asked = ids
        .iter()
        .filter_map(|id| Some((id, get_contact(ctx, id)?.ok()?)));
    let (ids, requests): (Vec<&String>, Vec<Request>) = asked.unzip();
    let answers = ctx.transport.send_all(&requests);
    ids.into_iter()
        .zip(answers)
        .filter_map(|(id, answer)| Some((id.clone(), read_contact(answer).ok()?.name?)))
        .collect()
}

/// Asks for the members of the caller's team.
///
/// # Errors
/// `unavailable` where the relay or the team is not set up.
pub fn get_members(ctx: &Context<'_>) -> Result<Request, Failure> {
    let team = team_id(ctx)?;
    let path = Path::new("/teams")
        .segment(&team)
        .map(|path| path.then("/members"));
    RELAY.get(ctx, path.ok_or_else(no_id)?)
}

/// Reads the user ids of a team's members.
///
/// # Errors
/// `denied` where the caller is none of them; what else the relay says.
pub fn read_members(answer: Outcome) -> Result<Vec<String>, Failure> {
    Ok(list(&RELAY.read(answer)?.data(), |member| {
        member.at("userId").word()
    })?)
}

/// Asks for users whose name or address has this in it.
///
/// # Errors
/// `unavailable` where the relay is not set up.
pub fn get_search(ctx: &Context<'_>, query: &str) -> Result<Request, Failure> {
    let path = Path::new("/contacts/search")
        .query("q", query)
        .query("limit", "50");
    RELAY.get(ctx, path)
}

/// Reads the users that a search found.
///
/// # Errors
/// What the relay said.
pub fn read_search(answer: Outcome) -> Result<Vec<Contact>, Failure> {
    Ok(list(&RELAY.read(answer)?.data(), Contact::read)?)
}

/// Asks for the counts of unread messages.
///
/// # Errors
/// `unavailable` where the relay is not set up.
pub fn get_unread(ctx: &Context<'_>) -> Result<Request, Failure> {
    RELAY.get(ctx, Path::new("/unread"))
}

/// Reads the counts of unread messages.
///
/// # Errors
/// What the relay said.
pub fn read_unread(answer: Outcome) -> Result<Unread, Failure> {
    Ok(Unread::read(&RELAY.read(answer)?.data())?)
}

/// Asks for the caller's conversations.
///
/// # Errors
/// `unavailable` where the relay is not set up.
pub fn get_conversations(ctx: &Context<'_>) -> Result<Request, Failure> {
    RELAY.get(ctx, Path::new("/conversations").query("limit", "50"))
}

/// Reads the caller's conversations.
///
/// # Errors
/// What the relay said.
pub fn read_conversations(answer: Outcome) -> Result<Vec<Conversation>, Failure> {
    Ok(list(&RELAY.read(answer)?.data(), Conversation::read)?)
}

/// Asks for a conversation's messages, newest first, at most [`PAGE`].
///
/// # Errors
/// `unavailable` where the relay is not set up.
pub fn get_messages(ctx: &Context<'_>, conversation: &str) -> Result<Request, Failure> {
    let path = Path::new("/conversations").segment(conversation);
    let path = path.map(|path| path.then("/messages").query("limit", "100"));
    RELAY.get(ctx, path.ok_or_else(no_id)?)
}

/// Asks for what the caller's team was sent, newest first, at most [`PAGE`]. What was sent there as
/// `dm` or `private` is not in it for those who got it.
///
/// # Errors
/// `unavailable` where the relay or the team is not set up.
pub fn get_stream(ctx: &Context<'_>) -> Result<Request, Failure> {
    let path = Path::new("/tez/stream").query("teamId", &team_id(ctx)?);
    RELAY.get(ctx, path.query("limit", "100"))
}

/// Reads a page of messages, without their context.
///
/// # Errors
/// What the relay said.
pub fn read_page(answer: Outcome) -> Result<MessagePage, Failure> {
    let answer = RELAY.read(answer)?;
    let messages = list(&answer.data(), Tez::read)?;
    // Not every relay says; a full page is then taken for one of several.
    let more = answer.has_more().unwrap_or(messages.len() >= PAGE);
    Ok(MessagePage { messages, more })
}

/// Asks for a message with its context. The relay notes that it was read, and shows that to nobody.
///
/// # Errors
/// `invalid-input` for what is no id, `unavailable` where the relay is not set up.
pub fn get_tez(ctx: &Context<'_>, id: &str) -> Result<Request, Failure> {
    RELAY.get(ctx, Path::new("/tez").segment(id).ok_or_else(no_id)?)
}

/// Reads a message with its context.
///
/// # Errors
/// What the relay said.
pub fn read_tez(answer: Outcome) -> Result<Tez, Failure> {
    Ok(Tez::read(&RELAY.read(answer)?.data())?)
}

/// Fetches a message with its context.
///
/// # Errors
/// `invalid-input` for what is no id; `not-found`, `denied` and what else the relay says.
pub fn tez(ctx: &Context<'_>, id: &str) -> Result<Tez, Failure> {
    read_tez(send(ctx, get_tez(ctx, id)?))
}

/// Fetches the messages of a thread, oldest first, without their context.
///
/// # Errors
/// As [`tez`].
pub fn thread(ctx: &Context<'_>, id: &str) -> Result<Vec<Tez>, Failure> {
    let path = Path::new("/tez").segment(id).ok_or_else(no_id)?;
    let answer = RELAY.ask(ctx, path.then("/thread"))?;
    Ok(list(&answer.data().at("messages"), Tez::read)?)
}

/// Fetches a conversation's messages, newest first, without their context.
///
/// # Errors
/// `denied` where the caller is not in it; what else the relay says.
pub fn messages(ctx: &Context<'_>, conversation: &str) -> Result<MessagePage, Failure> {
    read_page(send(ctx, get_messages(ctx, conversation)?))
}

/// Fetches the messages to the caller's team, newest first, without context.
///
/// # Errors
/// `denied` where the caller is not in it; what else the relay says.
pub fn stream(ctx: &Context<'_>) -> Result<MessagePage, Failure> {
    read_page(send(ctx, get_stream(ctx)?))
}

fn send(ctx: &Context<'_>, request: Request) -> Outcome {
    let answer = ctx.transport.send_all(&[request]).pop();
    answer.unwrap_or(Err(TransportError::Refused))
}

fn no_id() -> Failure {
    failure::invalid_input(
        "tez",
        "this is no id of a message",
        "Give the id that crm_briefing shows for the message.",
    )
}
