//! Data loss prevention for reads: checks the values that a read carries, and takes in its answer.

use bytes::Bytes;
use serde_json::Value;
use url::Url;

use super::dlp::guard::{Guard, texts};
use super::dlp::provenance::{self, TextPlace};
use super::outgoing::Outgoing;
use super::policy::Allowed;
use super::policy::documents::{Declared, Document};
use crate::denial::{Denial, DenialCode, NO_FIX};

/// Checks that a component's read carries no value of another service, and none of unknown
/// provenance.
///
/// # Errors
/// Returns the refusal.
pub(in crate::outbound) fn check_read(
    guard: &Guard,
    allowed: &Allowed<'_>,
    outgoing: &Outgoing,
) -> Result<(), Denial> {
    let to = &allowed.destination.name;
    let near = |denial: Denial| denial.near(&*allowed.route.id);
    if let Some(judged) = guard.provenance().other_than_judged(to) {
        return Err(near(
            Denial::new(
                DenialCode::Judge,
                format!(
                    "The skill was asked about a step to `{judged}` and tried to read from {}.",
                    allowed.destination.title
                ),
                NO_FIX,
            )
            .at(to),
        ));
    }
    let mut carried = Vec::new();
    let mut chosen = Vec::new();
    if let Ok(url) = Url::parse(&outgoing.url) {
        // Only what the component chose: the route fixes the rest.
        for (index, segment) in allowed.route.pattern.wildcards(url.path()).enumerate() {
            carried.push(segment.to_owned());
            let name = format!("segment `*` number {} of its path", index + 1);
            chosen.push((name, TextPlace::Url, segment.to_owned()));
        }
        for (name, value) in url.query_pairs() {
            carried.push(value.clone().into_owned());
            let name = format!("query key `{name}`");
            chosen.push((name, TextPlace::Url, value.into_owned()));
        }
        check_spelling(guard, allowed, &url).map_err(near)?;
    }
    let body = outgoing.body.as_deref().unwrap_or_default();
    if let Ok(mut body) = serde_json::from_slice::<Value>(body) {
        // The text of a document is trusted: only its variables are the component's choice.
        let body = match (allowed.document, body.get_mut("variables")) {
            (Some(document), Some(variables)) => {
                free_texts(document, variables, &mut chosen);
                variables.take()
            }
            _ => body,
        };
        texts(&body, &mut carried);
    }
    guard.check_read(to, &carried).map_err(near)?;
    match guard.provenance().unfounded(to, &chosen) {
        None => Ok(()),
        Some(place) => Err(near(unfounded(allowed, place))),
    }
}

/// Checks that query values are in their one canonical encoding, where their provenance is checked.
fn check_spelling(guard: &Guard, allowed: &Allowed<'_>, url: &Url) -> Result<(), Denial> {
    let to = &allowed.destination.name;
    let pairs = url.query().into_iter().flat_map(|query| query.split('&'));
    for (name, value) in pairs.filter_map(|pair| pair.split_once('=')) {
        if !provenance::is_spelled_plainly(value) && guard.provenance().applies(to) {
            return Err(unfounded(
                allowed,
                &format!("query key `{name}`, by its spelling,"),
            ));
        }
    }
    Ok(())
}

/// Takes in an answer of a service. A cacheable document describes the service itself, unless its
/// answer has records.
pub(super) fn take_in(guard: &Guard, allowed: &Allowed<'_>, body: &Bytes) {
    let document = allowed.document;
    let of_itself = document.is_some_and(|document| document.cacheable_seconds > 0);
    let places = document.map(|document| &document.places);
    guard.take_in(&allowed.destination.name, of_itself, places, body);
}

/// Collects the texts that the component chose freely in the variables of a document.
fn free_texts(
    document: &Document,
    variables: &Value,
    chosen: &mut Vec<(String, TextPlace, String)>,
) {
    for (name, declared) in &document.variables {
        let free = match declared {
            Declared::Scalar(scalar) => scalar.is_free_text(),
            // Only documents that write have one, and they are not reads.
            Declared::Input(_) => true,
        };
        let Some(value) = variables.get(name).filter(|_| free) else {
            continue;
        };
        let place = format!("variable `{name}` of the document `{}`", document.name);
        let items = value
            .as_array()
            .map_or(std::slice::from_ref(value), Vec::as_slice);
        let texts = items.iter().filter_map(Value::as_str);
        chosen.extend(texts.map(|text| (place.clone(), TextPlace::Variable, text.to_owned())));
    }
}

fn unfounded(allowed: &Allowed<'_>, place: &str) -> Denial {
    Denial::new(
        DenialCode::Provenance,
        format!(
            "A read of {} carried something in the {place} that is in no argument, no setting and no answer of that service.",
            allowed.destination.title
        ),
        "What one service has answered may not reach another in a read, however it is spelled. If the skill has to ask for a text of its own there, its makers must list it under `[values] constants` in skill.toml; if not, the skill is at fault.",
    )
    .at(&allowed.destination.name)
}
