//! The kinds of record that may be shared, and which of their fields: by default, and on request.
//! The manifest says the same, and the harness goes by the manifest.

use crate::bindings::claw::skill::types::RecordRef;
use crate::failure::{self, Failure};
use crate::ids::uuid;

/// The most records that one call may name.
const RECORDS: usize = 20;

/// A kind of record that may be shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ShareableKind {
    /// A person.
    Contact,
    /// A deal.
    Deal,
    /// A task.
    Task,
    /// An entry of a timeline.
    Activity,
}

impl ShareableKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Contact, Self::Deal, Self::Task, Self::Activity];

    /// Returns the name in messages and in the manifest.
    pub fn name(self) -> &'static str {
        match self {
            Self::Contact => "crm.contact",
            Self::Deal => "crm.opportunity",
            Self::Task => "crm.task",
            Self::Activity => "crm.activity",
        }
    }

    /// Returns the name in Twenty.
    pub fn object(self) -> &'static str {
        match self {
            Self::Contact => "person",
            Self::Deal => "opportunity",
            Self::Task => "task",
            Self::Activity => "timelineActivity",
        }
    }

    /// Returns the name for people.
    pub fn spoken(self) -> &'static str {
        match self {
            Self::Contact => "person",
            Self::Deal => "deal",
            Self::Task => "task",
            Self::Activity => "activity",
        }
    }

    /// Returns the fields that are shared by default.
    pub fn default_fields(self) -> &'static [&'static str] {
        match self {
            Self::Contact => &["name", "role", "company", "channels"],
            Self::Deal => &[
                "name",
                "stage",
                "valueBand",
                "owner",
                "nextStep",
                "closeDate",
                "closing",
            ],
            Self::Task => &["title", "owner", "due", "status", "dependency"],
            Self::Activity => &["timestamp", "kind", "summary", "source"],
        }
    }

    /// Returns the fields that are shared only on request, where policy permits it.
    pub fn on_request(self) -> &'static [&'static str] {
        match self {
            Self::Contact => &["email", "phone"],
            Self::Deal => &["amount", "contact"],
            Self::Task => &["body"],
            Self::Activity => &[],
        }
    }

    /// Finds a kind by its name, as callers or messages write it.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| {
            [kind.name(), kind.object()].contains(&name)
                || (*kind == Self::Activity && name == "activity")
        })
    }

    /// Finds a field by its name among those on request.
    pub fn askable(self, field: &str) -> Option<&'static str> {
        let fields = self.on_request().iter();
        fields.copied().find(|known| *known == field)
    }

    /// Returns a reference to a record of this kind.
    pub fn reference(self, id: &str) -> RecordRef {
        RecordRef {
            kind: self.name().to_owned(),
            id: id.to_owned(),
        }
    }
}

/// A record that is shared.
pub type SharedRef = (ShareableKind, String);

/// Checks the records that a caller named, and drops duplicates.
///
/// # Errors
/// `invalid-input` for none, too many, kinds that are not shared, and what is no id.
pub fn refs(field: &str, given: &[RecordRef]) -> Result<Vec<SharedRef>, Failure> {
    if given.is_empty() || given.len() > RECORDS {
        return Err(failure::invalid_input(
            field,
            format!("these are {} records", given.len()),
            format!("Name 1 to {RECORDS} records."),
        ));
    }
    let mut refs: Vec<SharedRef> = Vec::new();
    for (at, record) in given.iter().enumerate() {
        let kind = ShareableKind::named(record.kind.trim()).ok_or_else(|| {
            failure::invalid_input(
                format!("{field}[{at}].kind"),
                "records of this kind are not shared",
                "Name a person, an opportunity, a task or an activity; of a company, its people or deals.",
            )
        })?;
        let id = uuid(&format!("{field}[{at}].id"), &record.id)?;
        if !refs.contains(&(kind, id.clone())) {
            refs.push((kind, id));
        }
    }
    Ok(refs)
}

/// Checks the fields on request that a caller named, for records of these kinds.
///
/// # Errors
/// `invalid-input` for a field that none of the kinds has on request.
pub fn fields(
    field: &str,
    kinds: &[ShareableKind],
    given: &[String],
) -> Result<Vec<&'static str>, Failure> {
    let mut fields: Vec<&'static str> = Vec::new();
    for (at, name) in given.iter().enumerate() {
        let known = kinds.iter().find_map(|kind| kind.askable(name.trim()));
        let known = known.ok_or_else(|| {
            failure::invalid_input(
                format!("{field}[{at}]"),
                "this is no field that these records have on request",
                format!(
                    "Name fields of: {}; the default ones are given anyway.",
                    askable(kinds)
                ),
            )
        })?;
        if !fields.contains(&known) {
            fields.push(known);
        }
    }
    Ok(fields)
}

/// Lists the fields on request by kind: `email, phone (crm.contact); amount, contact
/// (crm.opportunity)`.
pub fn askable(kinds: &[ShareableKind]) -> String {
    let lists: Vec<String> = ShareableKind::ALL
        .into_iter()
        .filter(|kind| kinds.contains(kind) && !kind.on_request().is_empty())
        .map(|kind| format!("{} ({})", kind.on_request().join(", "), kind.name()))
        .collect();
    if lists.is_empty() {
        "none".to_owned()
    } else {
        lists.join("; ")
    }
}
