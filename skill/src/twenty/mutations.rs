//! Mutations in the steps of plans: writes their bodies, and reads stored bodies back.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::documents::{self, Document};
use crate::bindings::claw::crm::types::Kind;
use crate::failure::Failure;
use crate::ids::is_uuid;
use crate::plan::Draft;

/// The destination of writes to the CRM, as the manifest names it.
pub const DESTINATION: &str = "twenty";

/// The body of a step: a trusted mutation, to the byte, and its variables.
#[derive(Serialize)]
struct StepBody<'a, V> {
    query: &'a str,
    variables: &'a V,
}

/// Creates a plan's step that sends a mutation. `name` is unique within the plan.
///
/// # Errors
/// `invalid-input` where the variables cannot be written.
pub fn step(
    name: &'static str,
    document: &'static Document,
    variables: &impl Serialize,
    words: String,
) -> Result<Draft, Failure> {
    let body = StepBody {
        query: document.text,
        variables,
    };
    let step = Draft::post(name, DESTINATION, document.path, &body, words)?;
    Ok(step.without_route_in_id())
}

/// Returns the mutation that makes a record of any fields.
pub fn create(kind: Kind) -> &'static Document {
    match kind {
        Kind::Person => &documents::CREATE_PERSON,
        Kind::Company => &documents::CREATE_COMPANY,
        Kind::Opportunity => &documents::CREATE_OPPORTUNITY,
        Kind::Task => &documents::CREATE_TASK_FROM_FIELDS,
    }
}

/// Returns the mutation that changes a record.
pub fn update(kind: Kind) -> &'static Document {
    match kind {
        Kind::Person => &documents::UPDATE_PERSON,
        Kind::Company => &documents::UPDATE_COMPANY,
        Kind::Opportunity => &documents::UPDATE_OPPORTUNITY,
        Kind::Task => &documents::UPDATE_TASK,
    }
}

/// Returns the mutation that links a task to a record, and the variable for the record; none for
/// tasks.
pub fn link(kind: Kind) -> Option<(&'static Document, &'static str)> {
    match kind {
        Kind::Person => Some((&documents::LINK_TASK_TO_PERSON, "personId")),
        Kind::Company => Some((&documents::LINK_TASK_TO_COMPANY, "companyId")),
        Kind::Opportunity => Some((&documents::LINK_TASK_TO_OPPORTUNITY, "opportunityId")),
        Kind::Task => None,
    }
}

/// Returns the mutation that links a note to a record, and the variable for the record; none for
/// tasks.
pub fn link_note(kind: Kind) -> Option<(&'static Document, &'static str)> {
    match kind {
        Kind::Person => Some((&documents::LINK_NOTE_TO_PERSON, "personId")),
        Kind::Company => Some((&documents::LINK_NOTE_TO_COMPANY, "companyId")),
        Kind::Opportunity => Some((&documents::LINK_NOTE_TO_OPPORTUNITY, "opportunityId")),
        Kind::Task => None,
    }
}

/// A kind of record that is linked to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Linkable {
    /// A task.
    Task,
    /// A note.
    Note,
}

impl Linkable {
    /// Returns the kind's name for people.
    pub fn spoken(self) -> &'static str {
        match self {
            Self::Task => "task",
            Self::Note => "note",
        }
    }
}

/// A value that a write sets: the path in its data, such as `name.firstName`, and the value.
pub type Leaf = (String, Value);

/// A write, as a step's body describes it.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// Makes a record.
    Create {
        /// Of this kind.
        kind: Kind,
        /// With this id.
        id: String,
        /// With these values.
        data: Vec<Leaf>,
    },
    /// Makes a note.
    CreateNote {
        /// With this id.
        id: String,
        /// With this title.
        title: String,
        /// With this text, as Markdown.
        text: String,
    },
    /// Links a task or a note to a record.
    Link {
        /// The kind of what is linked.
        of: Linkable,
        /// The link's own id.
        id: String,
        /// The task or note.
        from: String,
        /// The record's kind.
        kind: Kind,
        /// The record.
        target: String,
    },
    /// Changes a record.
    Update {
        /// Of this kind.
        kind: Kind,
        /// The record.
        id: String,
        /// The values that it sets.
        data: Vec<Leaf>,
    },
    /// Deletes a task or a note.
    Delete {
        /// The kind of what is deleted.
        of: Linkable,
        /// The task or note.
        id: String,
    },
}

const KINDS: [Kind; 4] = [Kind::Person, Kind::Company, Kind::Opportunity, Kind::Task];

impl Write {
    /// Parses a body; none where it is none of this skill's. Bodies come back from the store of
    /// plans: nothing about them is taken for granted.
    pub fn read(body: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Stored {
            query: String,
            variables: Map<String, Value>,
        }
        let Stored { query, variables } = serde_json::from_str(body).ok()?;
        let is = |document: &Document| document.text == query;
        if is(&documents::CREATE_TASK) || is(&documents::CREATE_TASK_WITH_NOTE) {
            let data = variables
                .iter()
                .filter(|(name, _)| *name != "id")
                .map(|(name, value)| {
                    let path = if name == "markdown" {
                        "bodyV2.markdown"
                    } else {
                        name
                    };
                    (path.to_owned(), value.clone())
                })
                .collect();
            return Some(Self::Create {
                kind: Kind::Task,
                id: id(&variables, "id")?,
                data,
            });
        }
        if is(&documents::CREATE_NOTE) {
            let held = |name: &str| Some(variables.get(name)?.as_str()?.to_owned());
            return Some(Self::CreateNote {
                id: id(&variables, "id")?,
                title: held("title")?,
                text: held("text")?,
            });
        }
        for (of, delete) in [
            (Linkable::Task, &documents::DELETE_TASK),
            (Linkable::Note, &documents::DELETE_NOTE),
        ] {
            if is(delete) {
                return Some(Self::Delete {
                    of,
                    id: id(&variables, "id")?,
                });
            }
        }
        for kind in KINDS {
            for (of, link, from) in [
                (Linkable::Task, link(kind), "taskId"),
                (Linkable::Note, link_note(kind), "noteId"),
            ] {
                if let Some((_, target)) = link.filter(|(document, _)| is(document)) {
                    return Some(Self::Link {
                        of,
                        id: id(&variables, "id")?,
                        from: id(&variables, from)?,
                        kind,
                        target: id(&variables, target)?,
                    });
                }
            }
            let data = || variables.get("data").and_then(Value::as_object);
            if is(create(kind)) {
                let mut data = data()?.clone();
                let id = id(&data, "id")?;
                data.remove("id");
                return Some(Self::Create {
                    kind,
                    id,
                    data: leaves(&data),
                });
            }
            if is(update(kind)) {
                return Some(Self::Update {
                    kind,
                    id: id(&variables, "id")?,
                    data: leaves(data()?),
                });
            }
        }
        None
    }

    /// Returns the root field of the answer.
    pub fn root(&self) -> &'static str {
        match self {
            Self::Create { kind, .. } => match kind {
                Kind::Person => "createPerson",
                Kind::Company => "createCompany",
                Kind::Opportunity => "createOpportunity",
                Kind::Task => "createTask",
            },
            Self::Update { kind, .. } => match kind {
                Kind::Person => "updatePerson",
                Kind::Company => "updateCompany",
                Kind::Opportunity => "updateOpportunity",
                Kind::Task => "updateTask",
            },
            Self::CreateNote { .. } => "createNote",
            Self::Link { of, .. } => match of {
                Linkable::Task => "createTaskTargets",
                Linkable::Note => "createNoteTarget",
            },
            Self::Delete { of, .. } => match of {
                Linkable::Task => "deleteTask",
                Linkable::Note => "deleteNote",
            },
        }
    }

    /// Returns the id that the answer must name.
    pub fn id(&self) -> &str {
        match self {
            Self::Create { id, .. }
            | Self::CreateNote { id, .. }
            | Self::Link { id, .. }
            | Self::Update { id, .. }
            | Self::Delete { id, .. } => id,
        }
    }
}

fn id(object: &Map<String, Value>, name: &str) -> Option<String> {
    let id = object.get(name)?.as_str()?;
    is_uuid(id).then(|| id.to_ascii_lowercase())
}

/// Flattens an object into values by path. Composite fields of Twenty are one level deep.
fn leaves(data: &Map<String, Value>) -> Vec<Leaf> {
    let mut leaves = Vec::new();
    for (name, value) in data {
        match value {
            Value::Object(inner) => leaves.extend(
                inner
                    .iter()
                    .map(|(part, value)| (format!("{name}.{part}"), value.clone())),
            ),
            value => leaves.push((name.clone(), value.clone())),
        }
    }
    leaves
}

/// Builds the object with these values at their paths.
pub fn nested(leaves: &[Leaf]) -> Map<String, Value> {
    let mut data = Map::new();
    for (path, value) in leaves {
        match path.split_once('.') {
            None => {
                data.insert(path.clone(), value.clone());
            }
            Some((name, part)) => {
                let composite = data
                    .entry(name.to_owned())
                    .or_insert_with(|| Value::Object(Map::new()));
                if let Value::Object(composite) = composite {
                    composite.insert(part.to_owned(), value.clone());
                }
            }
        }
    }
    data
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ID: &str = "7d0f0f5e-58d2-5a57-9a0e-1f2f3a4b5c6d";
    const OTHER: &str = "8d0f0f5e-58d2-5a57-9a0e-1f2f3a4b5c6d";

    fn variables(document: &Document) -> Value {
        let data = json!({ "id": ID, "name": { "firstName": "Ada" }, "jobTitle": "CTO" });
        json!({
            "id": ID, "title": "Call", "markdown": "x", "text": "x", "dueAt": "2026-03-31T12:00:00Z", "assigneeId": OTHER, "taskId": OTHER, "noteId": OTHER,
            "personId": OTHER, "companyId": OTHER, "opportunityId": OTHER,
            "data": if document.name.starts_with("create") { data } else { json!({ "jobTitle": "CTO" }) },
        })
    }

    fn body(document: &Document, variables: &Value) -> String {
        let body = StepBody {
            query: document.text,
            variables,
        };
        serde_json::to_string(&body).unwrap()
    }

    #[test]
    fn every_mutation_is_known_again_by_its_text() {
        for document in documents::MUTATIONS {
            let read = Write::read(&body(document, &variables(document)));
            let write = read.unwrap_or_else(|| panic!("{} is not known", document.name));
            assert_eq!(write.id(), ID, "{}", document.name);
            assert!(document.text.contains(write.root()), "{}", document.name);
        }
    }

    #[test]
    fn altered_body_is_not_recognised() {
        let good = body(
            &documents::CREATE_PERSON,
            &variables(&documents::CREATE_PERSON),
        );
        assert!(Write::read(&good).is_some());
        for wrong in [
            String::new(),
            "null".to_owned(),
            "[]".to_owned(),
            good.replace("createPerson", "destroyPerson"),
            good.replace(ID, "7d0f0f5e"),
            good.replace("\"data\"", "\"date\""),
            good.get(..good.len() - 2).unwrap().to_owned(),
        ] {
            assert_eq!(Write::read(&wrong), None, "{wrong}");
        }
    }

    #[test]
    fn values_nest_and_come_apart_again() {
        let leaves = vec![
            ("name.firstName".to_owned(), json!("Ada")),
            ("name.lastName".to_owned(), json!("Lovelace")),
            ("nextStep".to_owned(), json!("x")),
        ];
        let data = nested(&leaves);
        assert_eq!(
            Value::from(data.clone()),
            json!({ "name": { "firstName": "Ada", "lastName": "Lovelace" }, "nextStep": "x" })
        );
        assert_eq!(super::leaves(&data), leaves);
    }
}
