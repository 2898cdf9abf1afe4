//! Finds messages that wait for the caller: unread ones in conversations, and recent ones of the
//! team. The relay clears no count of the team's and counts the caller's own messages, so neither
//! number is used as it is.
//!
//! At most ten requests, in two rounds: what there is, then messages, names, and whom the team's
//! messages name. Opening one to see whom it names does not mark it as read.

use jiff::{SignedDuration, Timestamp};

use super::content::{Content, ROWS, ranked};
use crate::actions::render::{parts, some};
use crate::bindings::exports::claw::crm::read::{BriefingRow, RowKind};
use crate::context::Context;
use crate::failure::{self, Failure};
use crate::markdown::count;
use crate::text::{self, Cutter};
use crate::tezit::{self, Conversation, MessagePage, RELAY, Tez, Unread};
use crate::transport::{Outcome, Request, TransportError};

/// Requests to the relay.
const BUDGET: usize = 10;
/// Conversations that are opened.
const OPENED: usize = 5;
/// The team's messages of so long ago count: the relay does not know which of them the caller has
/// seen.
const OF_LATE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Makes the requests of the first round.
pub(super) fn requests(ctx: &Context<'_>) -> Result<Vec<Request>, Failure> {
    let mut requests = vec![tezit::get_unread(ctx)?, tezit::get_conversations(ctx)?];
    if tezit::team_id(ctx).is_ok() {
        requests.push(tezit::get_stream(ctx)?);
    }
    if tezit::me_as_set(ctx).is_none() {
        requests.push(tezit::get_me(ctx)?);
    }
    Ok(requests)
}

/// The answers of the first round.
pub(super) struct Inbox {
    me: String,
    /// Number of requests so far.
    asked: usize,
    direct: Result<(Unread, Vec<Conversation>), Failure>,
    team: Result<MessagePage, Failure>,
}

/// A message that waits.
struct Waiting {
    tez: Tez,
    /// The place of the message.
    place: MessagePlace,
}

enum MessagePlace {
    Direct,
    Group(String),
    Team { named: bool, answers: bool },
}

impl Inbox {
    /// Reads the answers to [`requests`].
    pub(super) fn read(ctx: &Context<'_>, answers: Vec<Outcome>) -> Result<Self, Failure> {
        let asked = answers.len();
        let mut answers = answers.into_iter();
        let mut next = || answers.next().unwrap_or(Err(TransportError::Refused));
        let unread = tezit::read_unread(next());
        let conversations = tezit::read_conversations(next());
        let team = match tezit::team_id(ctx) {
            Ok(_) => tezit::read_page(next()),
            Err(failure) => Err(failure),
        };
        let me = match tezit::me_as_set(ctx) {
            Some(me) => me,
            None => tezit::read_me(next())?,
        };
        let direct = unread.and_then(|unread| Ok((unread, conversations?)));
        // Where neither can be read, that is the answer.
        match (direct, team) {
            (Err(failure), Err(_)) => Err(failure),
            (direct, team) => Ok(Self {
                me,
                asked,
                direct,
                team,
            }),
        }
    }

    /// Makes the section.
    pub(super) fn content(self, ctx: &Context<'_>) -> Result<Content, Failure> {
        let mut notes = Vec::new();
        let (unread, conversations) = match self.direct {
            Ok(direct) => direct,
            Err(failure) => {
                notes.push(unreadable_note("Direct messages", &failure));
                (Unread::default(), Vec::new())
            }
        };
        let page = match self.team {
            Ok(page) => page,
            Err(failure) => {
                notes.push(unreadable_note("The team's messages", &failure));
                MessagePage::default()
            }
        };
        let me = self.me;
        let since = ctx.now.checked_sub(OF_LATE).unwrap_or(Timestamp::MIN);
        let mine: Vec<&str> = page
            .messages
            .iter()
            .filter(|tez| tez.sender == me)
            .map(|tez| tez.id.as_str())
            .collect();
        let answers_mine = |tez: &Tez| {
            let parent = tez.parent_tez_id.as_deref();
            parent.is_some_and(|parent| mine.contains(&parent))
        };
        let team: Vec<&Tez> = page
            .messages
            .iter()
            .filter(|tez| tez.sender != me && tez.created_at >= since)
            .collect();

        // The second round.
        let (open, unopened) = unread_conversations(&unread, conversations);
        let team_id = tezit::team_id(ctx).unwrap_or_default();
        let (addressed, elsewhere) = addressed(&unread, &team_id);
        let left = BUDGET.saturating_sub(self.asked + open.len());
        let senders = senders(&me, &open, &team);
        let mut unclear: Vec<&Tez> = if addressed == 0 {
            Vec::new()
        } else {
            let others = team.iter().copied().filter(|tez| !answers_mine(tez));
            ranked(others, |tez| (i64::from(!is_pressing(tez)), 0))
        };
        // As many for whom messages name as for who sent them, unless one side needs fewer.
        unclear.truncate(left.div_ceil(2).max(left.saturating_sub(senders.len())));
        let senders: Vec<&String> = senders
            .into_iter()
            .take(left - unclear.len().min(left))
            .collect();
        let mut requests = Vec::new();
        for conversation in &open {
            requests.push(tezit::get_messages(ctx, &conversation.id)?);
        }
        for tez in &unclear {
            requests.push(tezit::get_tez(ctx, &tez.id)?);
        }
        let asked: Vec<(&String, Request)> = senders
            .into_iter()
            .filter_map(|id| Some((id, tezit::get_contact(ctx, id)?.ok()?)))
            .collect();
        requests.extend(asked.iter().map(|(_, request)| request.clone()));
        let answers = if requests.is_empty() {
            Vec::new()
        } else {
            ctx.transport.send_all(&requests)
        };
        let mut answers = answers.into_iter();
        let mut next = || answers.next().unwrap_or(Err(TransportError::Refused));

        let mut waiting: Vec<Waiting> = Vec::new();
        let (mut looked, mut cut) = (page.messages.len(), unopened > 0);
        for conversation in &open {
            let page = match tezit::read_page(next()) {
                Ok(page) => page,
                Err(failure) => {
                    notes.push(unreadable_note("A conversation", &failure));
                    continue;
                }
            };
            looked += page.messages.len();
            let read = conversation.read_by(&me);
            let is_new = |tez: &Tez| read.is_none_or(|read| tez.created_at > read);
            cut |= page.more && page.messages.iter().all(is_new);
            let new = page
                .messages
                .into_iter()
                .filter(|tez| tez.sender != me && is_new(tez));
            waiting.extend(new.map(|tez| Waiting {
                tez,
                place: place(conversation),
            }));
        }
        let mut named: Vec<String> = Vec::new();
        for _ in &unclear {
            if let Ok(tez) = tezit::read_tez(next())
                && tez.recipients.contains(&me)
            {
                named.push(tez.id);
            }
        }
        let names: Vec<(&String, String)> = asked
            .iter()
            .filter_map(|(id, _)| Some((*id, tezit::read_contact(next()).ok()?.name?)))
            .collect();
        waiting.extend(team.into_iter().map(|tez| Waiting {
            place: MessagePlace::Team {
                named: named.contains(&tez.id),
                answers: answers_mine(tez),
            },
            tez: tez.clone(),
        }));
        if page.more && page.messages.iter().all(|tez| tez.created_at >= since) {
            cut = true;
            notes.push(
                "The team was sent more in seven days than could be looked through.".to_owned(),
            );
        }
        if unopened > 0 {
            notes.push(format!(
                "{} with unread messages not opened.",
                count(unopened, "more conversation", "more conversations")
            ));
        }
        notes.extend(never_cleared(addressed, named.len(), elsewhere));

        let in_order = ranked(waiting.iter(), |one| one.rank());
        Ok(Content {
            total: u32::try_from(waiting.len()).unwrap_or(u32::MAX),
            rows: in_order
                .into_iter()
                .take(ROWS)
                .map(|one| row(ctx, one, &names))
                .collect(),
            examined: cut.then(|| u32::try_from(looked).unwrap_or(u32::MAX)),
            why: (!notes.is_empty()).then(|| notes.join(" ")),
        })
    }
}

/// Explains what could not be read, and the next step.
fn unreadable_note(what: &str, failure: &Failure) -> String {
    let (why, next) = (failure::sentence(failure), failure::next(failure));
    format!("{what} could not be read: {why} {next}")
}

/// Selects the unread conversations to open, newest first, and counts the others.
fn unread_conversations(unread: &Unread, all: Vec<Conversation>) -> (Vec<Conversation>, u32) {
    let counted = |id: &str| {
        unread
            .conversations
            .iter()
            .any(|(one, count)| one == id && *count > 0)
    };
    let total = unread
        .conversations
        .iter()
        .filter(|(_, count)| *count > 0)
        .count();
    let all = all.into_iter().filter(|one| counted(&one.id));
    let mut open = ranked(all, |one| (newest_first(one.last_message_at), 0));
    open.truncate(OPENED);
    let more = total.saturating_sub(open.len());
    (open, u32::try_from(more).unwrap_or(u32::MAX))
}

/// Returns a key that ranks later moments before earlier ones, and both before none.
fn newest_first(time: Option<Timestamp>) -> i64 {
    time.map_or(0, |time| -time.as_millisecond())
}

/// Sums the messages that the relay counts as addressed to the caller: in their team, and in
/// others.
fn addressed(unread: &Unread, team: &str) -> (u32, u32) {
    let sum = |own: bool| {
        let counts = unread.teams.iter().filter(|(id, _)| (id == team) == own);
        counts.fold(0, |sum: u32, (_, count)| sum.saturating_add(*count))
    };
    (sum(true), sum(false))
}

fn never_cleared(addressed: u32, listed: usize, elsewhere: u32) -> Option<String> {
    let hidden = addressed.saturating_sub(u32::try_from(listed).unwrap_or(u32::MAX));
    let mut note = format!(
        "{} addressed to you, never cleared by the relay",
        count(addressed, "team message", "team messages")
    );
    if hidden > 0 {
        note.push_str(&format!(
            "; {hidden} of them could not be listed or told from others"
        ));
    }
    if elsewhere > 0 {
        note.push_str(&format!("; {elsewhere} more in other teams not looked at"));
    }
    note.push('.');
    (addressed > 0 || elsewhere > 0).then_some(note)
}

/// Collects the users whose names are needed, most pressing first: members of opened conversations,
/// then senders to the team.
fn senders<'t>(me: &str, open: &'t [Conversation], team: &[&'t Tez]) -> Vec<&'t String> {
    let others = open
        .iter()
        .flat_map(|one| one.members.iter().map(|(id, _)| id));
    let (pressing, rest): (Vec<&Tez>, Vec<&Tez>) = team.iter().partition(|tez| is_pressing(tez));
    let team = pressing.into_iter().chain(rest).map(|tez| &tez.sender);
    let mut wanted: Vec<&String> = Vec::new();
    for id in others.chain(team) {
        if id != me && !wanted.contains(&id) {
            wanted.push(id);
        }
    }
    wanted
}

/// Checks whether a message asks somebody to act or answer.
fn is_pressing(tez: &Tez) -> bool {
    matches!(tez.kind.as_str(), "handoff" | "question" | "decision")
}

fn place(conversation: &Conversation) -> MessagePlace {
    match &conversation.name {
        Some(name) => MessagePlace::Group(name.clone()),
        None => MessagePlace::Direct,
    }
}

impl Waiting {
    /// Ranks pressing messages first, then newer ones.
    fn rank(&self) -> (i64, i64) {
        let group = match (&self.place, is_pressing(&self.tez)) {
            (MessagePlace::Team { answers: true, .. }, _)
            | (MessagePlace::Team { named: true, .. }, true) => 0,
            (MessagePlace::Direct | MessagePlace::Group(_), true) => 0,
            (MessagePlace::Direct | MessagePlace::Group(_), false) => 1,
            (MessagePlace::Team { named: true, .. }, false) => 2,
            (MessagePlace::Team { .. }, true) => 3,
            (MessagePlace::Team { .. }, false) => 4,
        };
        let urgency = self.tez.urgency.as_deref().unwrap_or("normal");
        let urgency = match urgency {
            "critical" => 0,
            "high" => 1,
            "low" => 3,
            "fyi" => 4,
            _ => 2,
        };
        (group * 5 + urgency, newest_first(Some(self.tez.created_at)))
    }
}

/// Formats a message as one line: its intent, its sender, and its text.
fn row(ctx: &Context<'_>, waiting: &Waiting, names: &[(&String, String)]) -> BriefingRow {
    let tez = &waiting.tez;
    let mut cutter = Cutter::default();
    let what = match tez.kind.as_str() {
        "handoff" => "Handoff",
        "question" => "Question",
        "decision" => "Decision",
        "update" => "Update",
        _ => "Message",
    };
    let known = names.iter().find(|(id, _)| **id == tez.sender);
    let from = match known {
        Some((_, name)) => name.clone(),
        // The beginning of an id is enough to tell colleagues apart.
        None => format!("user {}", tez.sender.chars().take(8).collect::<String>()),
    };
    let place = match &waiting.place {
        MessagePlace::Direct => "to you".to_owned(),
        MessagePlace::Group(name) => format!("in {name}"),
        MessagePlace::Team { answers: true, .. } => "answers yours, to the team".to_owned(),
        MessagePlace::Team { named: true, .. } => "to you and the team".to_owned(),
        MessagePlace::Team { .. } => "to the team".to_owned(),
    };
    BriefingRow {
        kind: RowKind::Tez,
        id: tez.id.clone(),
        label: cutter.label(&format!(
            "{what} from {from}: {}",
            tez.surface_text.as_str()
        )),
        details: parts([
            Some(place),
            tez.urgency.clone().filter(|urgency| urgency != "normal"),
            some(tez.action_requested.as_ref(), &mut cutter).map(|ask| format!("asks: {ask}")),
            Some(format!("sent {}", ctx.zone().show(tez.created_at))),
        ]),
        date: Some(text::instant(tez.created_at)),
        truncated: cutter.cut,
        provenance: RELAY.provenance(ctx, "tez", &tez.id, tez.updated_at),
    }
}
