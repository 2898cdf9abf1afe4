//! `share`: proposes a message to colleagues with records, with what blocks a deal, or with the
//! caller's day; or one that asks them for more. Nothing is sent.

use serde::Serialize;

use super::handoff::optional_text;
use super::message_summary::{MessageSummary, shared_reference};
use super::{blockers, briefing, context, input};
use crate::bindings::claw::crm::types::Intent;
use crate::bindings::claw::skill::types::RecordRef;
use crate::bindings::exports::claw::crm::propose::{Plan, ShareRequest, Wanted};
use crate::bindings::exports::claw::crm::read::{LayerKind, LayerSource};
use crate::context::Context;
use crate::failure::{self, Failure};
use crate::plan::{Ids, caller, plan};
use crate::text::words;
use crate::tezit::envelope::{self, ShareableKind, SharedRef};
use crate::tezit::message::{self, Message, Order};
use crate::tezit::{Audience, audience};

/// The most records that a text names; the others are counted.
const NAMED: usize = 5;

/// The content to share, checked.
enum ShareSubject {
    Records {
        refs: Vec<SharedRef>,
        more: Vec<&'static str>,
    },
    BlockersOf(String),
    Briefing,
    Asking(Vec<(SharedRef, Vec<&'static str>)>),
}

/// The content to share, as it was given.
enum GivenSubject<'a> {
    Records(&'a [RecordRef]),
    BlockersOf(&'a str),
    Briefing,
    Asking(&'a [Wanted]),
}

/// Runs the action.
///
/// # Errors
/// As `failure` says; `not-found` also where nothing blocks the deal, so that there is nothing to
/// send.
pub fn share(ctx: &Context<'_>, request: &ShareRequest) -> Result<Plan, Failure> {
    caller(ctx)?;
    let what = ShareSubject::check(request)?;
    let said = optional_text("message", request.message.as_deref())?;
    let ask = optional_text("ask", request.ask.as_deref())?;
    let audience = audience(ctx, "to", &request.to)?;

    let mut message = Message::new(request.intent);
    message.urgency = request.urgency;
    message.ask = ask.clone();
    message.text = said.clone().unwrap_or_default();
    let filled = what.fill(ctx, &mut message)?;
    let seed = ShareSeed {
        what: what.kind(),
        about: filled
            .about
            .iter()
            .map(|record| (record.kind.as_str(), record.id.as_str()))
            .collect(),
        to: ids_of(&audience),
        intent: message::intent(request.intent),
        message: said.as_deref(),
        ask: ask.as_deref(),
        fields: what.fields(),
    };
    let ids = Ids::new(ctx, "share", request.idempotency_key.as_deref(), &seed)?;
    let mut warnings = filled.warnings;
    let sending = message.send(ctx, &ids, &audience, Order::InOrder)?;
    warnings.extend(sending.warnings);
    warnings.extend(input::hidden(&[
        ("message", request.message.as_deref()),
        ("question", request.ask.as_deref()),
    ]));
    Ok(plan(
        &ids,
        format!(
            "Send {} to {} ({}).",
            filled.words,
            sending.whom,
            message::intent(request.intent)
        ),
        filled.about,
        warnings,
        sending.steps,
    ))
}

/// The values of a request from which ids are derived.
#[derive(Serialize)]
struct ShareSeed<'a> {
    what: &'static str,
    about: Vec<(&'a str, &'a str)>,
    to: Vec<&'a str>,
    intent: &'static str,
    message: Option<&'a str>,
    ask: Option<&'a str>,
    fields: Vec<Vec<&'static str>>,
}

/// Returns the recipients' ids; none where the whole team is meant.
pub(super) fn ids_of(audience: &Audience) -> Vec<&str> {
    match audience {
        Audience::One(one) => vec![&one.id],
        Audience::Team(named) => named.iter().map(|one| one.id.as_str()).collect(),
    }
}

impl ShareSubject {
    fn check(request: &ShareRequest) -> Result<Self, Failure> {
        let what = the_one(request)?;
        let fields = request.fields.as_deref().unwrap_or(&[]);
        if !fields.is_empty() && !matches!(what, GivenSubject::Records(_)) {
            return Err(failure::invalid_input(
                "fields",
                "only records have fields that are given on request",
                "Leave it out, or share the records themselves.",
            ));
        }
        match what {
            GivenSubject::Records(refs) => {
                let refs = envelope::refs("records", refs)?;
                let kinds: Vec<ShareableKind> = refs.iter().map(|(kind, _)| *kind).collect();
                let more = envelope::fields("fields", &kinds, fields)?;
                Ok(Self::Records { refs, more })
            }
            GivenSubject::BlockersOf(deal) => Ok(Self::BlockersOf(words("blockersOf", deal)?)),
            GivenSubject::Briefing => Ok(Self::Briefing),
            GivenSubject::Asking(wanted) => {
                if request.intent != Intent::Question {
                    return Err(failure::invalid_input(
                        "intent",
                        "whoever asks for more asks a question",
                        "Give the intent question.",
                    ));
                }
                asking(wanted).map(Self::Asking)
            }
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Records { .. } => "records",
            Self::BlockersOf(_) => "blockers",
            Self::Briefing => "briefing",
            Self::Asking(_) => "asking",
        }
    }

    fn fields(&self) -> Vec<Vec<&'static str>> {
        match self {
            Self::Records { more, .. } => vec![more.clone()],
            Self::Asking(wanted) => wanted.iter().map(|(_, fields)| fields.clone()).collect(),
            Self::BlockersOf(_) | Self::Briefing => Vec::new(),
        }
    }

    /// Adds the content to a message that holds the caller's text so far.
    fn fill(&self, ctx: &Context<'_>, message: &mut Message) -> Result<MessageSummary, Failure> {
        match self {
            Self::Records { refs, more } => records(ctx, refs, more, message),
            Self::BlockersOf(deal) => blockers::share(ctx, deal, message),
            Self::Briefing => briefing::share(ctx, message),
            Self::Asking(wanted) => Ok(ask_for(wanted, message)),
        }
    }
}

/// Returns the only content that a request names. An empty list and a `briefing` that is false name
/// nothing.
fn the_one(request: &ShareRequest) -> Result<GivenSubject<'_>, Failure> {
    let records = request.records.as_deref().filter(|refs| !refs.is_empty());
    let asking = request.asking.as_deref().filter(|all| !all.is_empty());
    let given = [
        records.map(|refs| ("records", GivenSubject::Records(refs))),
        request
            .blockers_of
            .as_deref()
            .map(|deal| ("blockersOf", GivenSubject::BlockersOf(deal))),
        (request.briefing == Some(true)).then_some(("briefing", GivenSubject::Briefing)),
        asking.map(|wanted| ("asking", GivenSubject::Asking(wanted))),
    ];
    let mut given = given.into_iter().flatten();
    let next = "Give exactly one of records, blockersOf, briefing and asking.";
    match (given.next(), given.next()) {
        (Some((_, one)), None) => Ok(one),
        (Some((first, _)), Some((second, _))) => Err(failure::invalid_input(
            second,
            format!("{first} is given too, and a message has one subject"),
            next,
        )),
        (None, _) => Err(failure::invalid_input(
            "records",
            "nothing is given that could be shared",
            next,
        )),
    }
}

/// Checks a request for more: fields on request, each record once.
fn asking(wanted: &[Wanted]) -> Result<Vec<(SharedRef, Vec<&'static str>)>, Failure> {
    let records: Vec<RecordRef> = wanted
        .iter()
        .map(|one| RecordRef {
            kind: one.kind.clone(),
            id: one.id.clone(),
        })
        .collect();
    let refs = envelope::refs("asking", &records)?;
    let mut asked: Vec<(SharedRef, Vec<&'static str>)> =
        refs.into_iter().map(|one| (one, Vec::new())).collect();
    for (at, one) in wanted.iter().enumerate() {
        let field = format!("asking[{at}].fields");
        let Some(kind) = ShareableKind::named(one.kind.trim()) else {
            continue;
        };
        let fields = envelope::fields(&field, &[kind], &one.fields)?;
        if fields.is_empty() {
            return Err(failure::invalid_input(
                field,
                "it names no field",
                format!("Name fields of: {}.", envelope::askable(&[kind])),
            ));
        }
        let place = asked
            .iter_mut()
            .find(|((known, id), _)| *known == kind && id.eq_ignore_ascii_case(&one.id));
        if let Some((_, known)) = place {
            for field in fields {
                if !known.contains(&field) {
                    known.push(field);
                }
            }
        }
    }
    Ok(asked)
}

fn records(
    ctx: &Context<'_>,
    refs: &[SharedRef],
    more: &[&'static str],
    message: &mut Message,
) -> Result<MessageSummary, Failure> {
    let found = context::read(ctx, refs)?.require_all()?;
    let pieces = found.layers(ctx, &mut message.log, more, message.intent);
    message.layers = pieces.layers;
    let labels = found.labels();
    // Names and titles are default fields, so the envelopes tell them.
    let shown: Vec<String> = labels
        .iter()
        .take(NAMED)
        .map(|label| message.log.redact(label))
        .collect();
    let mut line = shown.join(", ");
    if labels.len() > NAMED {
        line.push_str(&format!(" and {} more", labels.len() - NAMED));
    }
    message.say(&format!("About: {line}."));
    Ok(MessageSummary {
        words: line,
        about: refs.iter().map(shared_reference).collect(),
        warnings: on_request(more).into_iter().collect(),
    })
}

/// Warns about fields beyond the default ones.
fn on_request(more: &[&'static str]) -> Option<String> {
    (!more.is_empty()).then(|| {
        format!(
            "Given beyond the default fields, because they were asked for: {}.",
            more.join(", ")
        )
    })
}

fn ask_for(wanted: &[(SharedRef, Vec<&'static str>)], message: &mut Message) -> MessageSummary {
    #[derive(Serialize)]
    struct Request<'a> {
        kind: &'static str,
        refs: Vec<RequestedRecord<'a>>,
    }
    #[derive(Serialize)]
    struct RequestedRecord<'a> {
        kind: &'static str,
        id: &'a str,
        fields: &'a [&'static str],
    }
    let content = serde_json::to_string(&Request {
        kind: "context.request",
        refs: wanted
            .iter()
            .map(|((kind, id), fields)| RequestedRecord {
                kind: kind.name(),
                id,
                fields,
            })
            .collect(),
    });
    message.layers = vec![envelope::json_layer(
        LayerKind::Constraint,
        content.unwrap_or_default(),
        LayerSource::Stated,
    )];
    let lines: Vec<String> = wanted
        .iter()
        .map(|((kind, id), fields)| format!("- {} {id}: {}", kind.name(), fields.join(", ")))
        .collect();
    message.say(&format!("Please give more of:\n{}", lines.join("\n")));
    MessageSummary {
        words: "a request for more".to_owned(),
        about: wanted
            .iter()
            .map(|(one, _)| shared_reference(one))
            .collect(),
        warnings: Vec::new(),
    }
}
