//! Resolves the recipients of a message: members of the operator's team and nobody else. The relay
//! itself accepts anything as a recipient without a word, typing errors and addresses elsewhere
//! included.

use super::client::{
    get_me, get_members, get_search, me_as_set, read_me, read_members, read_search,
};
use super::values::Contact;
use crate::bindings::claw::skill::types::{Candidate, RecordRef};
use crate::context::Context;
use crate::failure::{self, Failure};
use crate::ids::is_uuid;
use crate::names::{Likeness, likeness};
use crate::text::words;
use crate::transport::TransportError;

/// The most recipients that the relay takes.
const RECIPIENTS: usize = 100;
/// The most names that are looked up in one call; each costs a request.
const NAMES: usize = 10;
/// The most users that a search gives.
const HITS: usize = 50;
/// The most candidates that an answer shows.
const CANDIDATES: usize = 10;

/// A recipient of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// Their user id at the relay.
    pub id: String,
    /// Their name as the relay has it, cleaned and cut; none where it was not asked for or is not
    /// known.
    pub name: Option<String>,
}

/// The recipients of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// One colleague, in a direct message.
    One(Recipient),
    /// The whole team can read it; these are named, and none where the team itself was asked for.
    Team(Vec<Recipient>),
}

/// Resolves ids, names, e-mail addresses or `team`. Costs one request, one more where the caller's
/// user id is not set, and one for each name or address, side by side.
///
/// # Errors
/// `invalid-input` for who is not in the team, for an address at another relay, and for the caller;
/// `ambiguous` for a name that fits several; what the relay said, where it failed.
pub fn audience(ctx: &Context<'_>, field: &str, to: &[String]) -> Result<Audience, Failure> {
    let named = named(field, to)?;
    let whole = named
        .iter()
        .any(|(_, name)| name.eq_ignore_ascii_case("team"));
    let team = Team::read(ctx)?;

    let mut recipients: Vec<Option<Recipient>> = Vec::new();
    let mut sought: Vec<(usize, &str, &str)> = Vec::new();
    for (place, name) in &named {
        if name.eq_ignore_ascii_case("team") {
            continue;
        }
        if team.members.contains(name) {
            let id = name.clone();
            recipients.push(Some(Recipient { id, name: None }));
            continue;
        }
        if is_uuid(name) {
            return Err(outside(place, "nobody in the team has this user id"));
        }
        // The relay searches for two characters at least.
        if name.chars().count() < 2 {
            return Err(outside(place, "one character tells nobody"));
        }
        sought.push((recipients.len(), place, name));
        recipients.push(None);
    }
    if sought.len() > NAMES {
        return Err(failure::invalid_input(
            field,
            format!(
                "{} of them are names or addresses, and at most {NAMES} can be looked up at once",
                sought.len()
            ),
            "Give user ids for the others, or \"team\" for everybody in the team.",
        ));
    }
    let requests: Result<Vec<_>, Failure> = sought
        .iter()
        .map(|(_, _, name)| get_search(ctx, name))
        .collect();
    let answers = match requests? {
        none if none.is_empty() => Vec::new(),
        requests => ctx.transport.send_all(&requests),
    };
    for ((at, place, name), answer) in sought.into_iter().zip(answers) {
        let found = team.find(place, name, read_search(answer)?)?;
        if let Some(slot) = recipients.get_mut(at) {
            *slot = Some(found);
        }
    }

    let mut all: Vec<Recipient> = Vec::new();
    for (recipient, (place, _)) in recipients.into_iter().flatten().zip(
        named
            .iter()
            .filter(|(_, name)| !name.eq_ignore_ascii_case("team")),
    ) {
        if recipient.id == team.me {
            return Err(failure::invalid_input(
                place,
                "this is the caller",
                "Name a colleague; nobody is sent a message of their own.",
            ));
        }
        match all.iter_mut().find(|one| one.id == recipient.id) {
            Some(known) => known.name = known.name.take().or(recipient.name),
            None => all.push(recipient),
        }
    }
    Ok(match <[Recipient; 1]>::try_from(all) {
        Ok([one]) if !whole => Audience::One(one),
        Ok([one]) => Audience::Team(vec![one]),
        Err(all) => Audience::Team(all),
    })
}

/// Cleans the names that the caller gave, each with its place.
fn named(field: &str, to: &[String]) -> Result<Vec<(String, String)>, Failure> {
    if to.is_empty() {
        return Err(failure::invalid_input(
            field,
            "nobody is named",
            "Name colleagues by name, e-mail address or user id, or give \"team\".",
        ));
    }
    if to.len() > RECIPIENTS {
        return Err(failure::invalid_input(
            field,
            format!("more than {RECIPIENTS} are named"),
            "Name fewer, or give \"team\" for everybody in the team.",
        ));
    }
    let places = to.iter().enumerate().map(|(at, name)| {
        // One argument is named without its position.
        let place = if to.len() == 1 {
            field.to_owned()
        } else {
            format!("{field}[{at}]")
        };
        words(&place, name).map(|name| (place, name))
    });
    places.collect()
}

/// The caller's team.
struct Team {
    members: Vec<String>,
    me: String,
}

impl Team {
    fn read(ctx: &Context<'_>) -> Result<Self, Failure> {
        let mut requests = vec![get_members(ctx)?];
        let set = me_as_set(ctx);
        if set.is_none() {
            requests.push(get_me(ctx)?);
        }
        let mut answers = ctx.transport.send_all(&requests).into_iter();
        let mut next = || answers.next().unwrap_or(Err(TransportError::Refused));
        let members = read_members(next())?;
        let me = match set {
            Some(me) => me,
            None => read_me(next())?,
        };
        Ok(Self { members, me })
    }

    /// Picks the member that a search means: the one with just this name or address, else the only
    /// one that fits.
    fn find(&self, place: &str, name: &str, found: Vec<Contact>) -> Result<Recipient, Failure> {
        let cut = found.len() >= HITS;
        let total = found.len();
        let address = name.contains('@');
        if address
            && found
                .iter()
                .any(|one| equals(one.tez_address.as_deref(), name))
        {
            return Err(failure::invalid_input(
                place,
                "this is an address for other relays (user@host)",
                "Give the colleague's name, e-mail address or user id.",
            ));
        }
        let members: Vec<Contact> = found
            .into_iter()
            .filter(|one| self.members.contains(&one.id))
            .collect();
        let fit = |one: &Contact| match (address, one.email.as_deref(), one.name.as_deref()) {
            (true, email, _) if equals(email, name) => Likeness::Exact,
            (false, _, Some(own)) => likeness(name, own),
            _ => Likeness::Other,
        };
        // A name that is written otherwise counts where no other is written just so.
        let best = members.iter().map(fit).min();
        let best = best.filter(|best| *best < Likeness::Words);
        let exact: Vec<&Contact> = members
            .iter()
            .filter(|one| best == Some(fit(one)))
            .collect();
        // The relay finds a text inside of names too: one that has none of its words is somebody
        // else.
        let has_words = |one: &Contact| {
            let local = one
                .email
                .as_deref()
                .and_then(|email| email.split('@').next());
            fit(one) == Likeness::Words
                || local.is_some_and(|own| likeness(name, own) < Likeness::Other)
        };
        match (exact.as_slice(), members.as_slice()) {
            ([one], _) => return Ok(recipient(one)),
            ([], [one]) if !address && !cut && has_words(one) => return Ok(recipient(one)),
            _ => {}
        }
        let fitting: Vec<&Contact> = if exact.is_empty() {
            members.iter().collect()
        } else {
            exact
        };
        if fitting.is_empty() {
            let reason = match (total, address) {
                (0, true) => {
                    "nobody at this relay has this address, and addresses at other relays (user@host) are not written to"
                }
                (0, false) => "nobody at this relay has such a name",
                _ if cut => {
                    "too many at this relay fit it to tell whether somebody in the team does"
                }
                _ => "nobody in the team fits it, only others at this relay",
            };
            return Err(outside(place, reason));
        }
        let reason = match (address, fitting.len()) {
            (true, 1) => {
                "the relay does not tell whose e-mail address this is; one of the team fits it"
                    .to_owned()
            }
            (false, 1) if !cut => {
                "one of the team has such a name, but written otherwise".to_owned()
            }
            (_, 1) => "too many at this relay fit it; one of the team does".to_owned(),
            (_, fit) => format!("{fit} of the team fit it"),
        };
        Err(failure::ambiguous(
            place,
            reason,
            fitting
                .into_iter()
                .take(CANDIDATES)
                .map(candidate)
                .collect(),
        ))
    }
}

/// Compares texts, ignoring case.
fn equals(text: Option<&str>, name: &str) -> bool {
    text.is_some_and(|text| text.to_lowercase() == name.to_lowercase())
}

fn recipient(contact: &Contact) -> Recipient {
    Recipient {
        id: contact.id.clone(),
        name: contact.name.clone(),
    }
}

fn candidate(contact: &Contact) -> Candidate {
    Candidate {
        ref_: RecordRef {
            kind: "user".to_owned(),
            id: contact.id.clone(),
        },
        label: contact
            .name
            .clone()
            .unwrap_or_else(|| "(no name)".to_owned()),
        details: contact.email.clone().unwrap_or_default(),
    }
}

fn outside(place: &str, reason: &str) -> Failure {
    failure::invalid_input(
        place,
        reason,
        "Name a member of the caller's team at the Tezit relay (TEZIT_TEAM_ID); nobody else is written to.",
    )
}
