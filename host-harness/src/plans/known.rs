//! Observations of the records that a plan names, from the services' own answers: their labels, and
//! the values that the plan replaces. They are stored with the plan and covered by its digest, so
//! that a plan reads the same later as when it was proposed.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::leaves::{Leaf, LeafStep as Place, LeafValue, leaves};
use super::recent::Answered;
use super::{Facts, Touched};
use crate::observed::{FieldValue, ObservedRecords};
use crate::outbound::policy::documents::Verb;
use crate::proposal::{Proposal, Step};
use crate::words::{Holds, Words};

/// The verb of documents that replace values.
const CHANGE: &str = Verb::Change.as_str();

/// Observations of the records that a plan names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Known {
    /// Labels, by the record's id in lower case.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, RecordLabel>,
    /// Current values of fields, by the record's id and the field's place among a document's
    /// variables.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub held: BTreeMap<String, BTreeMap<String, FieldValue>>,
    /// Display names of options, by kind and field, such as `item.colour`, and by the value that is
    /// sent.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, BTreeMap<String, String>>,
}

/// A record's label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordLabel {
    /// The record's kind.
    pub kind: String,
    /// The label.
    pub label: String,
}

impl Known {
    /// Checks whether nothing was observed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Gathers the observations of everything that a proposal names; for records that its texts
    /// repeat, those of `earlier` calls too.
    pub(super) fn gather(
        seen: &ObservedRecords,
        earlier: &[Answered],
        words: &Words,
        proposal: &Proposal,
        facts: &[Facts],
    ) -> Self {
        let mut known = Self::default();
        let mut ids: BTreeSet<String> = BTreeSet::new();
        let mut repeated: BTreeSet<&str> = BTreeSet::new();
        ids.extend(proposal.about.iter().map(|about| about.id.to_lowercase()));
        for (step, facts) in proposal.steps.iter().zip(facts) {
            let (root, _) = values_of(step, facts.document.is_some());
            ids.extend(root.iter().filter_map(|leaf| id_of(&leaf.value)));
            ids.extend(facts.touched.iter().map(|touched| touched.id.clone()));
            if let Some(sends) = &facts.sends {
                let given = sends.gives.iter().chain(&sends.repeats);
                ids.extend(given.map(|given| given.id.clone()));
                repeated.extend(sends.repeats.iter().map(|given| given.id.as_str()));
            }
            if let Some(touched) = facts.touched.first() {
                for leaf in &root {
                    known.option(
                        seen,
                        words,
                        &touched.kind,
                        &place_of(leaf),
                        leaf.value.as_str(),
                    );
                }
            }
            let changed = |touched: &&Touched| !touched.new && touched.verb == CHANGE;
            let Some(touched) = facts.touched.first().filter(changed) else {
                continue;
            };
            let mut held = BTreeMap::new();
            let is_itself = |leaf: &&Leaf| id_of(&leaf.value).as_ref() == Some(&touched.id);
            for leaf in root.iter().filter(|leaf| !is_itself(leaf)) {
                let place = place_of(leaf);
                let field = words.field(&place);
                let unit = field.and_then(|field| field.unit.clone());
                for place in [Some(place.clone()), unit].into_iter().flatten() {
                    let from = words.field(&place).map(|field| field.from.as_slice());
                    let from = from.unwrap_or_default().iter().map(String::as_str);
                    let below = place.split_once('.').map(|(_, below)| below);
                    let places = [Some(place.as_str()), below].into_iter().flatten();
                    let found = (places.chain(from)).find_map(|at| seen.held(&touched.key(), at));
                    if let Some(found) = found {
                        ids.extend(found.as_deref().and_then(as_id));
                        if let Some(before) = &found {
                            known.option(seen, words, &touched.kind, &place, before);
                        }
                        held.insert(place, found);
                    }
                }
            }
            if !held.is_empty() {
                known
                    .held
                    .entry(touched.id.clone())
                    .or_default()
                    .extend(held);
            }
        }
        for id in ids {
            // A record that a text repeats may have been observed in an earlier call.
            let mut earlier = earlier.iter().filter(|_| repeated.contains(id.as_str()));
            let told = seen.label(&id);
            let told = told.or_else(|| earlier.find_map(|call| call.seen.label(&id)));
            if let Some(label) = told {
                let named = RecordLabel {
                    kind: label.kind,
                    label: label.text,
                };
                known.labels.insert(id, named);
            }
        }
        known
    }
}

impl Known {
    /// Adds the display name of an option, if the field holds one.
    fn option(
        &mut self,
        seen: &ObservedRecords,
        words: &Words,
        kind: &str,
        place: &str,
        value: &str,
    ) {
        if words
            .field(place)
            .is_none_or(|field| field.holds != Holds::Option)
        {
            return;
        }
        let (key, name) = option_of(kind, place);
        if let Some(label) = seen.option(kind, name, value) {
            let options = self.options.entry(key).or_default();
            options.insert(value.to_owned(), label);
        }
    }
}

/// Returns the key of a field's options, and the field's name, which is the last segment of its
/// place.
pub(super) fn option_of<'p>(kind: &str, place: &'p str) -> (String, &'p str) {
    let name = place.rsplit('.').next().unwrap_or(place);
    (format!("{kind}.{name}"), name)
}

/// Returns the leaves that a step sends and the JSON pointer of their root in its body: for a
/// document its variables, otherwise the whole body.
pub(super) fn values_of(step: &Step, document: bool) -> (Vec<Leaf>, &'static str) {
    let all = leaves(&step.body);
    if !document {
        return (all, "");
    }
    // The text of a trusted document is known by its name, and was reviewed when it was accepted.
    let variables = Place::Name("variables".to_owned());
    let below = all
        .into_iter()
        .filter(|leaf| leaf.place.first() == Some(&variables))
        .map(|mut leaf| {
            leaf.place.remove(0);
            leaf
        });
    (below.collect(), "/variables")
}

/// Returns the place of a leaf as a manifest names it: names joined by `.`, with `*` for any item
/// of a list.
pub(super) fn place_of(leaf: &Leaf) -> String {
    let steps = leaf.place.iter().map(|step| match step {
        Place::Name(name) => name.as_str(),
        Place::Index(_) => "*",
    });
    steps.collect::<Vec<_>>().join(".")
}

/// Returns the id that a value holds, in lower case.
pub(super) fn id_of(value: &LeafValue) -> Option<String> {
    match value {
        LeafValue::Text(text) => as_id(text),
        LeafValue::Bare(_) => None,
    }
}

fn as_id(text: &str) -> Option<String> {
    let hyphenated = text.len() == 36 && Uuid::try_parse(text).is_ok();
    hyphenated.then(|| text.to_ascii_lowercase())
}
