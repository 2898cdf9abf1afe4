//! `answer_request`: proposes to give the fields that a message asks for, as far as they may be
//! given. The message comes from a stranger: its request is checked against the list of fields that
//! may be given, and nothing else in it is followed.

use serde::Serialize;
use serde_json::Value;

use super::handoff::optional_text;
use super::message_summary::shared_reference;
use super::{context, input};
use crate::bindings::claw::crm::types::Intent;
use crate::bindings::exports::claw::crm::propose::{AnswerRequestRequest, Plan};
use crate::context::Context;
use crate::failure::{self, Failure};
use crate::ids::is_uuid;
use crate::markdown::count;
use crate::plan::{Ids, caller, plan};
use crate::tezit::envelope::{self, ShareableKind, SharedRef};
use crate::tezit::message::{Message, Order};
use crate::tezit::{Tez, audience, me, names, team_id, tez};

/// The most records of one request that are looked at.
const RECORDS: usize = 20;
/// The most characters of a request that are read.
const LONGEST: usize = 100_000;

/// The fields that a message asks for.
#[derive(Debug, Default)]
struct RequestedFields {
    /// Fields that may be given, by record.
    records: Vec<(SharedRef, Vec<&'static str>)>,
    /// Number of records over the limit.
    over: usize,
    /// Number of requests for something that is never given.
    never: usize,
    /// Set if the message asks for anything.
    asks: bool,
}

/// Runs the action: one request to the CRM beside those to the relay.
///
/// # Errors
/// As `failure` says; `not-found` where the message asks for nothing, or nothing that there is to
/// give.
pub fn answer_request(ctx: &Context<'_>, request: &AnswerRequestRequest) -> Result<Plan, Failure> {
    caller(ctx)?;
    let said = optional_text("message", request.message.as_deref())?;
    let chosen = request
        .fields
        .as_deref()
        .map(|fields| envelope::fields("fields", &ShareableKind::ALL, fields))
        .transpose()?;
    let asking = tez(ctx, request.tez.trim())?;
    if asking.sender == me(ctx)? {
        return Err(failure::invalid_input(
            "tez",
            "the caller sent this message themselves",
            "Give the id of a message in which a colleague asks for more.",
        ));
    }
    let mut asked = RequestedFields::in_message(&asking);
    if !asked.asks {
        return Err(failure::not_found(
            "This message does not ask for fields of records.",
            "Give the id of a message with a context.request; answer others with crm_share.",
        ));
    }
    let held_back = asked.choose(chosen.as_deref());
    let refs: Vec<SharedRef> = asked.records.iter().map(|(one, _)| one.clone()).collect();
    if refs.is_empty() {
        return Err(nothing(&asked, &[]));
    }
    let found = context::read(ctx, &refs)?;
    let mut message = Message::new(Intent::Update);
    message.text = said.clone().unwrap_or_default();
    let envelopes =
        found.envelopes_with(ctx, &mut message.log, |kind, id| asked.of_record(kind, id));
    let given: Vec<_> = envelopes
        .iter()
        .filter(|envelope| !envelope.fields.is_empty())
        .collect();
    if given.is_empty() {
        return Err(nothing(&asked, &found.missing));
    }
    message.layers = given.iter().map(|envelope| envelope.layer(ctx)).collect();

    let mut lines = vec!["What you asked for:".to_owned()];
    for envelope in &envelopes {
        let (have, lack): (Vec<&str>, Vec<&str>) = asked
            .of_record(envelope.kind, &envelope.id)
            .into_iter()
            .partition(|field| envelope.fields.contains_key(*field));
        let name = format!("- {} {}", envelope.kind.name(), envelope.id);
        if !have.is_empty() {
            lines.push(format!("{name}: {} (attached)", have.join(", ")));
        }
        if !lack.is_empty() {
            lines.push(format!("{name}: no {} is on record", lack.join(", ")));
        }
    }
    for (kind, id) in &found.missing {
        lines.push(format!("- {} {id}: not in the sender's CRM", kind.name()));
    }
    if !held_back.is_empty() {
        lines.push(format!("Not given: {}.", held_back.join(", ")));
    }
    if asked.never > 0 {
        lines.push(format!(
            "Whatever else was asked for is never given: only {} can be.",
            envelope::askable(&ShareableKind::ALL)
        ));
    }
    message.say(&lines.join("\n"));

    let mut warnings = vec![asked.describe(&found.labels())];
    if !found.missing.is_empty() {
        let missing = u32::try_from(found.missing.len()).unwrap_or(u32::MAX);
        warnings.push(format!(
            "Not in this CRM, or deleted: {} that it asks for.",
            count(missing, "record", "records")
        ));
    }
    warnings.extend(asked.warnings());
    #[derive(Serialize)]
    struct Key<'a> {
        tez: &'a str,
        fields: Option<&'a [&'static str]>,
        message: Option<&'a str>,
    }
    let key = Key {
        tez: &asking.id,
        fields: chosen.as_deref(),
        message: said.as_deref(),
    };
    let ids = Ids::new(ctx, "answer-request", None, &key)?;
    let sending = if let Some(team) = &asking.team_id {
        if *team != team_id(ctx)? {
            return Err(failure::denied(
                "team",
                "The message belongs to a team that is not the caller's here.",
                "Ask the operator whether TEZIT_TEAM_ID is the right team; nobody outside it is written to.",
            ));
        }
        message.reply(&ids, &asking.id)?
    } else {
        let mut audience = audience(ctx, "tez", std::slice::from_ref(&asking.sender))?;
        if let crate::tezit::Audience::One(one) = &mut audience {
            one.name = one
                .name
                .take()
                .or_else(|| names(ctx, std::slice::from_ref(&one.id)).remove(&one.id));
        }
        message.send(ctx, &ids, &audience, Order::InOrder)?
    };
    warnings.extend(sending.warnings);
    warnings.extend(input::hidden(&[("message", request.message.as_deref())]));
    let number = u32::try_from(given.len()).unwrap_or(u32::MAX);
    Ok(plan(
        &ids,
        format!(
            "Give {} the fields of {} that were asked for, and no others.",
            sending.whom,
            count(number, "record", "records")
        ),
        refs.iter().map(shared_reference).collect(),
        warnings,
        sending.steps,
    ))
}

fn nothing(asked: &RequestedFields, missing: &[SharedRef]) -> Failure {
    let why = if asked.records.is_empty() {
        "It asks for nothing that may be given."
    } else if missing.len() == asked.records.len() {
        "The records that it asks for are not in this CRM."
    } else {
        "What it asks for is on no record here."
    };
    failure::not_found(
        format!("There is nothing to give. {why}"),
        format!(
            "Say so with crm_share if the colleague should know. What can be given on request: {}.",
            envelope::askable(&ShareableKind::ALL)
        ),
    )
}

impl RequestedFields {
    /// Reads the requests in a message's constraint layers.
    fn in_message(tez: &Tez) -> Self {
        let mut asked = Self::default();
        for layer in &tez.context {
            if layer.layer != "constraint" || layer.content.len() > LONGEST {
                continue;
            }
            let Ok(request) = serde_json::from_str::<Value>(&layer.content) else {
                continue;
            };
            if request.get("kind").and_then(Value::as_str) != Some("context.request") {
                continue;
            }
            asked.asks = true;
            let refs = request.get("refs").and_then(Value::as_array);
            for record in refs.into_iter().flatten() {
                asked.record(record);
            }
        }
        asked
    }

    fn record(&mut self, record: &Value) {
        let text = |name: &str| record.get(name).and_then(Value::as_str);
        let kind = text("kind").and_then(|name| {
            let kind = ShareableKind::named(name);
            kind.filter(|kind| kind.name() == name)
        });
        let id = text("id").filter(|id| is_uuid(id));
        let (Some(kind), Some(id)) = (kind, id) else {
            self.never = self.never.saturating_add(1);
            return;
        };
        let key = (kind, id.to_ascii_lowercase());
        let mut wanted = Vec::new();
        let fields = record.get("fields").and_then(Value::as_array);
        for field in fields.into_iter().flatten() {
            match field.as_str().and_then(|field| kind.askable(field)) {
                Some(field) => wanted.push(field),
                None => self.never = self.never.saturating_add(1),
            }
        }
        if wanted.is_empty() {
            return;
        }
        let full = self.records.len() >= RECORDS;
        match self.records.iter_mut().find(|(known, _)| *known == key) {
            Some((_, known)) => known.extend(wanted),
            None if full => self.over = self.over.saturating_add(1),
            None => self.records.push((key, wanted)),
        }
    }

    /// Keeps the fields that the caller has chosen, and returns those that are held back.
    fn choose(&mut self, chosen: Option<&[&'static str]>) -> Vec<&'static str> {
        let mut held_back: Vec<&'static str> = Vec::new();
        for (_, fields) in &mut self.records {
            fields.sort_unstable();
            fields.dedup();
            fields.retain(|field| {
                let give = chosen.is_none_or(|chosen| chosen.contains(field));
                if !give && !held_back.contains(field) {
                    held_back.push(field);
                }
                give
            });
        }
        self.records.retain(|(_, fields)| !fields.is_empty());
        held_back
    }

    fn of_record(&self, kind: ShareableKind, id: &str) -> Vec<&'static str> {
        let place = self
            .records
            .iter()
            .find(|((known, wanted), _)| *known == kind && wanted == id);
        place.map(|(_, fields)| fields.clone()).unwrap_or_default()
    }

    /// Describes the disclosure for whoever decides.
    fn describe(&self, labels: &[String]) -> String {
        let mut fields: Vec<&str> = self
            .records
            .iter()
            .flat_map(|(_, fields)| fields.iter().copied())
            .collect();
        fields.sort_unstable();
        fields.dedup();
        format!(
            "Asked for and given beyond the default fields: {} of {}.",
            fields.join(", "),
            labels.join(", ")
        )
    }

    fn warnings(&self) -> Vec<String> {
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let mut warnings = Vec::new();
        if self.never > 0 {
            warnings.push(format!(
                "Asked for too, and never given: {}.",
                count(number(self.never), "thing", "things")
            ));
        }
        if self.over > 0 {
            warnings.push(format!(
                "The message names more than {RECORDS} records; {} left out.",
                count(number(self.over), "request is", "requests are")
            ));
        }
        warnings
    }
}
