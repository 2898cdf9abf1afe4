//! What a step sends to people: to whom, what it gives away of which records, and whether it says so truly.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::PlanError;
use super::proposal::{Disclosure, Proposal, Step};
use super::vet::{self, Facts, Vetting, gate, wrong};
use crate::access::Audience;
use crate::json_path::{Step as Place, each};
use crate::observed::{Attributes, RecordKey};
use crate::outbound::body::{Envelope, Held};
use crate::outbound::dlp::values::{Record, RepeatedAt, What};
use crate::outbound::policy::write_route::{Group, Recipients, Write};
use crate::outbound::policy::{Allowed, Destination};

/// Most recipients of a step.
const RECIPIENTS_MAX: usize = 100;

/// What a step sends to people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sends {
    /// What it does, as access policies name it.
    pub act: String,
    /// What it makes, for people.
    pub kind: String,
    /// The service.
    pub service: String,
    /// What giving something away by it is called in the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// Who gets it.
    pub recipients: Vec<Person>,
    /// The group that can read it beside them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Whether somebody of them is not surely of the group.
    pub outside: bool,
    /// Whether the operator lists all of them.
    pub listed: bool,
    /// Whether a person has to confirm it, whatever policy says.
    pub person: bool,
    /// What it gives away.
    pub gives: Vec<Given>,
    /// What was taken out of its texts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redacted: Vec<String>,
    /// What its texts repeat of records without giving it away, whoever wrote them: a field each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repeats: Vec<Given>,
}

/// Somebody who gets something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    /// Their id at the service, or their address.
    pub id: String,
    /// Their name, as the service told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Fields of a record that are given away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Given {
    /// The kind under which the manifest lists them.
    pub kind: String,
    /// The record's kind, in the skill's words.
    pub record: String,
    /// The record's id.
    pub id: String,
    /// The fields.
    pub fields: Vec<String>,
    /// Those of them that are not among the default ones.
    pub expanded: Vec<String>,
    /// Whether the plan itself makes the record.
    pub new: bool,
    /// What the service said of it.
    #[serde(flatten)]
    pub known: Attributes,
}

impl Given {
    /// The record.
    #[must_use]
    pub fn key(&self) -> RecordKey {
        RecordKey {
            kind: self.record.clone(),
            id: self.id.clone(),
        }
    }
}

impl Sends {
    /// The ids or addresses of who gets it.
    #[must_use]
    pub fn ids(&self) -> Vec<String> {
        self.recipients
            .iter()
            .map(|person| person.id.clone())
            .collect()
    }

    /// Who gets it, for access policies.
    pub(super) fn audience<'a>(&self, ids: &'a [String]) -> Audience<'a> {
        Audience {
            recipients: ids,
            group: self.group.is_some(),
            outside: self.outside,
            listed: self.listed,
        }
    }
}

/// Finds out what a step sends, and holds what it says of that against its bytes.
pub(super) fn sends(
    by: &Vetting<'_>,
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
    let filled = vet::fill(step, &|_| Some(uuid::Uuid::now_v7()))?;
    let body: Value =
        serde_json::from_str(&filled.body).map_err(|_| wrong(index, "its body is no JSON"))?;
    let held = write
        .body
        .check(&body, &|key| by.settings.get(key).cloned())
        .map_err(|unfit| wrong(index, unfit))?;
    let gives = gives(by, write, index, step, &held, made)?;
    let disclosed = |record: &Record<'_>, place: &[Place<'_>]| {
        gives.iter().any(|given| {
            let fields = by.kinds.get(&given.kind).map(|kind| kind.fields_at(place));
            given.record == record.kind
                && given.id.eq_ignore_ascii_case(record.id)
                && fields.is_some_and(|mut fields| {
                    fields.any(|field| given.fields.contains(&field.name))
                })
        }) || of_owner(by, &gives, record, place)
    };
    // Words of lists, settings and where a record comes from cannot carry anything; of the path only what is the component's choice can.
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
    })
}

/// Fewest characters of a text that is looked for in the caller's own words: shorter ones are first names and cities.
const REPEATED_MIN: usize = 12;
/// Most fields that are named.
const REPEATS_MAX: usize = 16;

/// What the free texts of a step repeat of records that services told of in this call or lately, and that the plan does not give
/// away: a listed field, or a piece of a long text of any. `expanded` holds the field where policy is asked about it.
fn repeats(
    by: &Vetting<'_>,
    step: &Step,
    held: &Held,
    disclosed: crate::outbound::dlp::values::Disclosed<'_>,
) -> Vec<Given> {
    let texts: Vec<&str> = held
        .texts
        .iter()
        .filter(|text| text.free)
        .map(|text| text.text.as_str())
        .collect();
    let recent = by.recent.iter().map(|call| (&*call.guard, &*call.seen));
    let calls = std::iter::once((by.guard, by.seen)).chain(recent);
    let mut all: Vec<Given> = Vec::new();
    for (guard, seen) in calls {
        for repeat in guard.repeated(&step.destination, &texts, disclosed, by.exempt) {
            if repeat.what == What::Text && repeat.length < REPEATED_MIN {
                continue;
            }
            let named = repeat
                .records
                .iter()
                .filter_map(|at| Some((at, repeated_field(by, at, repeat.what)?)));
            // Where it stands in a field that is given by default as well, that is the one.
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
            all.push(Given {
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

/// The field that a repeated value is of, under the kind that lists it, and whether policy is asked about it.
fn repeated_field(by: &Vetting<'_>, at: &RepeatedAt, what: What) -> Option<(String, String, bool)> {
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
        // What no kind lists is never given away: a piece of a note is noticed, a city is not.
        None if what == What::Piece => {
            let name = at.place.iter().flatten().next()?;
            Some((at.kind.clone(), name.clone(), true))
        }
        None => None,
    }
}

/// Checks whether what stands at a place in a member's record may go: with a field of a record that the member owns, as the kind of
/// that record says. Members who own nothing that was read are nobody's data; they are read to find out who an owner is.
fn of_owner(by: &Vetting<'_>, gives: &[Given], record: &Record<'_>, place: &[Place<'_>]) -> bool {
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

/// What a step gives away: what it says, if that covers what its bytes hold.
fn gives(
    by: &Vetting<'_>,
    write: &Write,
    index: usize,
    step: &Step,
    held: &Held,
    made: &HashSet<RecordKey>,
) -> Result<Vec<Given>, PlanError> {
    if write.event.is_none() && !step.disclosures.is_empty() {
        return Err(wrong(index, "nothing may be given away by it"));
    }
    let mut all: Vec<Given> = Vec::new();
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
    by: &Vetting<'_>,
    index: usize,
    disclosure: &Disclosure,
    made: &HashSet<RecordKey>,
) -> Result<Given, PlanError> {
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
    let id = vet::record_id(&disclosure.record.id)
        .ok_or_else(|| wrong(index, "the id of a record that it gives away is no UUID"))?;
    let mut fields = disclosure.fields.clone();
    fields.sort();
    fields.dedup();
    let key = RecordKey {
        kind: kind.record().to_owned(),
        id,
    };
    let new = made.contains(&key);
    Ok(Given {
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
    by: &Vetting<'_>,
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

/// To whom the step is that made what a segment of this step's path stands for: one of the same service, whose answer's id it takes.
fn opened(
    by: &Vetting<'_>,
    step: &Step,
    proposal: &Proposal,
    earlier: &[Facts],
) -> Option<Vec<Person>> {
    let slot = step.slots.iter().find(|slot| {
        let placeholder = vet::placeholder(slot);
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

/// The group that can read a step: that of the thing which the `*` of its path stands for has to be the same, by the service's own word.
fn group(
    by: &Vetting<'_>,
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

/// Whether the operator lists an address, or its domain.
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

/// What a document carries: every text, number and name among its variables, that of JSON within texts included.
pub(super) fn texts_of(step: &Step) -> Vec<String> {
    let mut texts = Vec::new();
    if let Ok(mut body) = serde_json::from_str::<Value>(&step.body) {
        // A document's own text was looked at when it was accepted.
        let body = match body.get_mut("variables") {
            Some(variables) => variables.take(),
            None => body,
        };
        crate::outbound::dlp::guard::texts(&body, &mut texts);
    }
    texts
}
