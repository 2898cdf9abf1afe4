//! Checks of steps that send something to people: the recipients, the record fields that are
//! disclosed, and whether the step declares them truthfully.

use std::collections::HashSet;

use serde_json::Value;

use super::checks::{ProposalContext, gate, wrong};
use super::facts::{Disclosure, Facts, Person, Sends};
use super::{PlanError, checks};
use crate::json_path::{PathStep as Place, each};
use crate::observed::RecordKey;
use crate::outbound::body::{BodyContents, Envelope};
use crate::outbound::dlp::values::{AnswerRecord, RepeatedAt, ValueKind};
use crate::outbound::policy::write_route::{Group, Recipients, Write};
use crate::outbound::policy::{Allowed, Destination};
use crate::proposal::{Proposal, ProposedDisclosure, Step};

/// Maximum number of recipients of a step.
const RECIPIENTS_MAX: usize = 100;

/// Determines what a step sends, and checks its declarations against its bytes.
pub(super) fn sends(
    by: &ProposalContext<'_>,
    write: &Write,
    allowed: &Allowed<'_>,
    index: usize,
    proposal: &Proposal,
    earlier: &[Facts],
    made: &HashSet<RecordKey>,
) -> Result<Sends, PlanError> {
    let step = proposal
        .steps
        .get(index)
        .ok_or_else(|| wrong(index, "it is not there"))?;
    let filled = checks::fill(step, &|_| Some(uuid::Uuid::now_v7()))?;
    let body: Value =
        serde_json::from_str(&filled.body).map_err(|_| wrong(index, "its body is no JSON"))?;
    let held = write
        .body
        .check(&body, &|key| by.settings.get(key).cloned())
        .map_err(|unfit| wrong(index, unfit))?;
    let gives = gives(by, write, index, step, &held, made)?;
    let disclosed = |record: &AnswerRecord<'_>, place: &[Place<'_>]| {
        gives.iter().any(|given| {
            let fields = by.kinds.get(&given.kind).map(|kind| kind.fields_at(place));
            given.record == record.kind
                && given.id.eq_ignore_ascii_case(record.id)
                && fields.is_some_and(|mut fields| {
                    fields.any(|field| given.fields.contains(&field.name))
                })
        }) || of_owner(by, &gives, record, place)
    };
    // Words of lists, settings and the origin of a record cannot carry data; of the path, only
    // segments that the component chooses can.
    let mut carried: Vec<String> = allowed
        .route
        .pattern
        .wildcards(&filled.path)
        .map(str::to_owned)
        .collect();
    carried.extend(held.texts.iter().map(|held| held.text.clone()));
    by.guard
        .let_write(&step.destination, &carried, &disclosed)
        .map_err(|denial| gate(index, denial))?;

    let repeats = repeats(by, step, &held, &disclosed);

    let recipients = recipients(by, write, index, step, &body, proposal, earlier)?;
    let destination = allowed.destination;
    let listed = !recipients.is_empty()
        && recipients
            .iter()
            .all(|person| is_listed(destination, &person.id));
    if write.listed && !listed {
        let title = &destination.title;
        let name = &destination.name;
        return Err(PlanError::Recipient {
            step: index + 1,
            fix: format!(
                "{title} writes to listed recipients alone: the operator lists addresses, or domains as `@example.com`, as `recipients` under [destinations.{name}] in the operator file"
            ),
        });
    }
    let outside = recipients
        .iter()
        .any(|person| !by.seen.belongs(&destination.name, &person.id));
    Ok(Sends {
        act: write.act.clone(),
        kind: write.kind.clone(),
        service: destination.name.clone(),
        event: write.event.map(|event| event.as_str().to_owned()),
        group: group(by, write, index, step, allowed, &body)?,
        recipients,
        outside,
        listed,
        person: write.person,
        gives,
        redacted: Vec::new(),
        repeats,
        partly_compared: by.recent.dropped && held.texts.iter().any(|text| text.free),
    })
}

/// Fewest characters of a text that is looked for in the caller's own words: shorter ones are first
/// names and cities.
const REPEATED_MIN: usize = 12;
/// Fewest digits of a number that is looked for there: shorter ones are years, times of day and
/// numbers of houses.
const REPEATED_DIGITS_MIN: usize = 5;
/// Most fields that are named.
const REPEATS_MAX: usize = 16;

/// Returns the record fields that a step's free texts repeat although the plan does not disclose
/// them: listed fields, or pieces of long texts of any field, from answers to this call or recent
/// ones. `expanded` holds the field if policy is asked about it.
fn repeats(
    by: &ProposalContext<'_>,
    step: &Step,
    held: &BodyContents,
    disclosed: crate::outbound::dlp::values::IsDisclosed<'_>,
) -> Vec<Disclosure> {
    let texts: Vec<&str> = held
        .texts
        .iter()
        .filter(|text| text.free)
        .map(|text| text.text.as_str())
        .collect();
    let recent = by
        .recent
        .calls
        .iter()
        .map(|call| (&*call.guard, &*call.seen));
    let calls = std::iter::once((by.guard, by.seen)).chain(recent);
    let mut all: Vec<Disclosure> = Vec::new();
    for (guard, seen) in calls {
        for repeat in guard.repeated(&step.destination, &texts, disclosed, by.exempt) {
            let least = match repeat.what {
                ValueKind::Text => REPEATED_MIN,
                ValueKind::Number => REPEATED_DIGITS_MIN,
                ValueKind::Piece => 0,
            };
            if repeat.length < least {
                continue;
            }
            let named = repeat
                .records
                .iter()
                .filter_map(|at| Some((at, repeated_field(by, at, repeat.what)?)));
            // If the text also stands in a field that is disclosed by default, that field counts.
            let Some((at, (kind, field, asked))) = named.min_by_key(|(_, (.., asked))| *asked)
            else {
                continue;
            };
            let key = RecordKey {
                kind: at.kind.clone(),
                id: at.id.to_ascii_lowercase(),
            };
            let known = all.iter().any(|other| {
                other.record == key.kind && other.id == key.id && other.fields == [field.as_str()]
            });
            if known || all.len() >= REPEATS_MAX {
                continue;
            }
            let attributes = by.seen.get(&key).or_else(|| seen.get(&key));
            let attributes = attributes.unwrap_or_default();
            all.push(Disclosure {
                kind,
                record: key.kind,
                id: key.id,
                expanded: asked.then(|| field.clone()).into_iter().collect(),
                fields: vec![field],
                new: false,
                known: attributes,
            });
        }
    }
    all
}

/// Returns the kind and the field that a repeated value belongs to, and whether policy is asked
/// about it.
fn repeated_field(
    by: &ProposalContext<'_>,
    at: &RepeatedAt,
    what: ValueKind,
) -> Option<(String, String, bool)> {
    let place: Vec<Place<'_>> = at
        .place
        .iter()
        .map(|name| name.as_deref().map_or(Place::Index(0), Place::Name))
        .collect();
    let listed = by
        .kinds
        .of_record(&at.kind)
        .flat_map(|(name, kind)| kind.fields_at(&place).map(move |field| (name, field)))
        .min_by_key(|(_, field)| field.on_request);
    match listed {
        Some((kind, field)) => Some((kind.to_owned(), field.name.clone(), field.on_request)),
        // A field that no kind lists is never disclosed: a piece of a note counts as a repeat, a
        // city does not.
        None if what == ValueKind::Piece => {
            let name = at.place.iter().flatten().next()?;
            Some((at.kind.clone(), name.clone(), true))
        }
        None => None,
    }
}

/// Checks whether a value in a member's record may be sent: with a field of a record that the
/// member owns, if that record's kind allows it. A member who owns none of the records that were
/// read is not protected, since such members are only read to find out who an owner is.
fn of_owner(
    by: &ProposalContext<'_>,
    gives: &[Disclosure],
    record: &AnswerRecord<'_>,
    place: &[Place<'_>],
) -> bool {
    let Some(owned) = by.seen.owned_by(record.id) else {
        return false;
    };
    owned.is_empty()
        || gives.iter().any(|given| {
            let kind = by.kinds.get(&given.kind);
            let fields = kind.map(|kind| kind.fields_at_owner(place));
            owned
                .iter()
                .any(|key| key.kind == given.record && key.id == given.id)
                && fields.is_some_and(|mut fields| {
                    fields.any(|field| given.fields.contains(&field.name))
                })
        })
}

/// Returns the declared disclosures, if they cover what the step's bytes contain.
fn gives(
    by: &ProposalContext<'_>,
    write: &Write,
    index: usize,
    step: &Step,
    held: &BodyContents,
    made: &HashSet<RecordKey>,
) -> Result<Vec<Disclosure>, PlanError> {
    if write.event.is_none() && !step.disclosures.is_empty() {
        return Err(wrong(index, "nothing may be given away by it"));
    }
    let mut all: Vec<Disclosure> = Vec::new();
    for disclosure in &step.disclosures {
        let given = given(by, index, disclosure, made)?;
        if all
            .iter()
            .any(|other| other.kind == given.kind && other.id == given.id)
        {
            return Err(wrong(index, "it says twice what it gives of one record"));
        }
        all.push(given);
    }
    let says = |envelope: &Envelope| {
        all.iter().any(|given| {
            given.kind == envelope.kind
                && given.id.eq_ignore_ascii_case(&envelope.id)
                && envelope
                    .fields
                    .iter()
                    .all(|field| given.fields.contains(field))
        })
    };
    if !held.envelopes.iter().all(says) {
        return Err(wrong(
            index,
            "its body holds fields of a record that it does not say it gives away",
        ));
    }
    Ok(all)
}

fn given(
    by: &ProposalContext<'_>,
    index: usize,
    disclosure: &ProposedDisclosure,
    made: &HashSet<RecordKey>,
) -> Result<Disclosure, PlanError> {
    let Some(kind) = by.kinds.get(&disclosure.record.kind) else {
        return Err(wrong(
            index,
            "it gives away a record of a kind that may not be given away",
        ));
    };
    if disclosure
        .fields
        .iter()
        .any(|field| kind.field(field).is_none())
    {
        return Err(wrong(
            index,
            "it gives away a field that may not be given away",
        ));
    }
    let id = checks::record_id(&disclosure.record.id)
        .ok_or_else(|| wrong(index, "the id of a record that it gives away is no UUID"))?;
    let mut fields = disclosure.fields.clone();
    fields.sort();
    fields.dedup();
    let key = RecordKey {
        kind: kind.record().to_owned(),
        id,
    };
    let new = made.contains(&key);
    Ok(Disclosure {
        kind: disclosure.record.kind.clone(),
        known: by.attributes_of(&key, new),
        record: key.kind,
        id: key.id,
        expanded: fields
            .iter()
            .filter(|field| kind.field(field).is_some_and(|field| field.on_request))
            .cloned()
            .collect(),
        fields,
        new,
    })
}

fn recipients(
    by: &ProposalContext<'_>,
    write: &Write,
    index: usize,
    step: &Step,
    body: &Value,
    proposal: &Proposal,
    earlier: &[Facts],
) -> Result<Vec<Person>, PlanError> {
    let steps = match &write.recipients {
        Recipients::None => return Ok(Vec::new()),
        Recipients::At(steps) => steps,
        Recipients::OfSegment => {
            return opened(by, step, proposal, earlier).ok_or_else(|| {
                wrong(
                    index,
                    "it does not say to whom it goes: its path has to take an id from the step that opened it",
                )
            });
        }
    };
    let mut people: Vec<Person> = Vec::new();
    each(body, steps, &mut |value| {
        let Some(id) = value.as_str() else { return };
        if people.iter().all(|person| person.id != id) {
            people.push(Person {
                id: id.to_owned(),
                name: by.seen.name(&step.destination, id),
            });
        }
    });
    if people.len() > RECIPIENTS_MAX {
        return Err(wrong(
            index,
            format!("it goes to more than {RECIPIENTS_MAX} recipients"),
        ));
    }
    if people.is_empty() && write.group.is_none() {
        return Err(wrong(index, "it goes to nobody"));
    }
    Ok(people)
}

/// Returns the recipients of the step that created the conversation in this path segment: an
/// earlier step of the same service, whose answer gives the segment's id.
fn opened(
    by: &ProposalContext<'_>,
    step: &Step,
    proposal: &Proposal,
    earlier: &[Facts],
) -> Option<Vec<Person>> {
    let slot = step.slots.iter().find(|slot| {
        let placeholder = checks::placeholder(slot);
        step.path.split('/').any(|segment| segment == placeholder)
    })?;
    let from = proposal
        .steps
        .iter()
        .position(|other| other.id == slot.step)?;
    let (other, facts) = (proposal.steps.get(from)?, earlier.get(from)?);
    let routes = &by.policy.destination(&other.destination)?.routes;
    let route = routes.iter().find(|route| route.id == facts.rule)?;
    let id = format!("/{}", route.write.as_ref()?.id.join("/"));
    let recipients = &facts.sends.as_ref()?.recipients;
    let good =
        other.destination == step.destination && slot.pointer == id && !recipients.is_empty();
    good.then(|| recipients.clone())
}

/// Returns the group that can read a step. The service must have said that the thing in the path's
/// wildcard belongs to the same group.
fn group(
    by: &ProposalContext<'_>,
    write: &Write,
    index: usize,
    step: &Step,
    allowed: &Allowed<'_>,
    body: &Value,
) -> Result<Option<String>, PlanError> {
    match &write.group {
        None => Ok(None),
        Some(Group::At(steps)) => {
            let mut group = None;
            each(body, steps, &mut |value| {
                group = value.as_str().map(str::to_owned);
            });
            Ok(group)
        }
        Some(Group::Setting(key)) => {
            let group = by.settings.get(key);
            let thing = allowed.route.pattern.wildcards(&step.path).next();
            let seen = thing.and_then(|thing| by.seen.group(&step.destination, thing));
            if group.is_none() || seen.as_ref() != group {
                return Err(wrong(
                    index,
                    "it adds to something that the service did not show to be of the group",
                ));
            }
            Ok(group.cloned())
        }
    }
}

/// Checks whether the operator lists an address, or its domain.
fn is_listed(destination: &Destination, address: &str) -> bool {
    let address = address.to_lowercase();
    destination.recipients.iter().any(|entry| {
        if entry.starts_with('@') {
            address
                .rsplit_once('@')
                .is_some_and(|(_, domain)| entry.get(1..) == Some(domain))
        } else {
            *entry == address
        }
    })
}

/// Returns everything that a document carries: every text, number and name among its variables,
/// including JSON within texts.
pub(super) fn texts_of(step: &Step) -> Vec<String> {
    let mut texts = Vec::new();
    if let Ok(mut body) = serde_json::from_str::<Value>(&step.body) {
        // The text of a trusted document was reviewed when it was accepted.
        let body = match body.get_mut("variables") {
            Some(variables) => variables.take(),
            None => body,
        };
        crate::outbound::dlp::guard::texts(&body, &mut texts);
    }
    texts
}
