//! Mutations: their root fields' names and arguments, what each does, and how the answers of
//! several go together.
//!
//! On the real service a worker adds timeline activities some seconds after a write
//! ("linked-task.created" and so on). That is left out here: the timeline shows the sample's own
//! entries only.

use uuid::Uuid;

use super::catalogue::{CATALOGUE, Object, ObjectId};
use super::data::{self, chosen_id};
use super::database::{Row, Workspace};
use super::document::Argument;
use super::documents::{PreparedOperation, Root, What};
use super::errors::{GENERIC, GqlError, Refusal};
use super::filter::Filter;
use super::graphql::{Answered, Call, Means};
use super::input::Input;
use super::keys::Role;
use super::order::Order;
use super::query::Query;
use super::quirks::{WRITTEN, WRITTEN_MOST};
use super::root::Arguments;
use super::select::{RecordMember, RecordShape};
use super::write;
use super::writer::Writer;

/// The action of a mutation's root field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Create,
    CreateMany,
    Update,
    UpdateMany,
    SoftDelete,
    Restore,
    Destroy,
}

/// A mutation's root field, its selection resolved.
#[derive(Debug)]
pub(super) struct Change {
    pub act: Act,
    pub object: ObjectId,
    pub shape: RecordShape,
}

/// The object and act that a root field's name stands for.
pub(super) fn named(name: &str) -> Option<(&'static Object, Act)> {
    let (one, many): (Act, Option<Act>);
    let rest;
    if let Some(left) = name.strip_prefix("create") {
        (one, many, rest) = (Act::Create, Some(Act::CreateMany), left);
    } else if let Some(left) = name.strip_prefix("update") {
        (one, many, rest) = (Act::Update, Some(Act::UpdateMany), left);
    } else if let Some(left) = name.strip_prefix("delete") {
        (one, many, rest) = (Act::SoftDelete, None, left);
    } else if let Some(left) = name.strip_prefix("restore") {
        (one, many, rest) = (Act::Restore, None, left);
    } else {
        (one, many, rest) = (Act::Destroy, None, name.strip_prefix("destroy")?);
    }
    let mut letters = rest.chars();
    let first = letters.next().filter(char::is_ascii_uppercase)?;
    let name: String = std::iter::once(first.to_ascii_lowercase())
        .chain(letters)
        .collect();
    let written = |object: &&Object| WRITTEN.contains(&object.spec.singular);
    CATALOGUE
        .objects
        .iter()
        .filter(written)
        .find_map(|object| match many {
            _ if name == object.spec.singular => Some((object, one)),
            Some(many) if name == object.spec.plural => Some((object, many)),
            _ => None,
        })
}

impl Call<'_> {
    /// Runs a mutation. What the stand-in does not know leaves everything as it was.
    pub(super) fn mutate(
        &self,
        workspace: &mut Workspace,
        now_ms: i64,
        means: &Means<'_>,
    ) -> Result<Answered, Refusal> {
        let operation = self.operation()?;
        let role = match self.admit(operation, means) {
            Ok(role) => role,
            Err(refused) => return Ok(refused),
        };
        let mut writer = Writer::new(workspace, now_ms)?;
        let answered = self.write_all(&mut writer, role, operation, means)?;
        writer.commit()?;
        Ok(answered)
    }

    fn write_all(
        &self,
        writer: &mut Writer<'_>,
        role: &Role,
        operation: &PreparedOperation,
        means: &Means<'_>,
    ) -> Result<Answered, Refusal> {
        self.no_defaults(operation)?;
        self.gather(&operation.roots, |out, root| {
            writer.root(|writer| self.write(out, writer, role, root, means))?;
            // Stored, and yet the answer is an error.
            means.fail(&root.name, true)
        })
    }

    fn write(
        &self,
        out: &mut Vec<u8>,
        writer: &mut Writer<'_>,
        role: &Role,
        root: &Root,
        means: &Means<'_>,
    ) -> Result<(), Refusal> {
        let What::Write(change) = &root.what else {
            return Err(Refusal::not_known(format!("the mutation {}", root.name)));
        };
        means.fail(&root.name, false)?;
        means.pay()?;
        if !named(&root.name).is_some_and(|(object, _)| role.may_write(object)) {
            return Err(GqlError::denied().into());
        }
        let change = change.as_ref().map_err(Clone::clone)?;
        change.run(out, writer, &root.arguments, self.variables)
    }
}

impl Change {
    fn run(
        &self,
        out: &mut Vec<u8>,
        writer: &mut Writer<'_>,
        arguments: &[Argument],
        variables: &serde_json::Map<String, serde_json::Value>,
    ) -> Result<(), Refusal> {
        let object = CATALOGUE
            .object(self.object)
            .ok_or_else(|| Refusal::not_known("an object that is not kept"))?;
        let allowed: &[&str] = match self.act {
            Act::Create | Act::CreateMany => &["data", "upsert"],
            Act::Update => &["id", "data"],
            Act::UpdateMany => &["filter", "data"],
            Act::SoftDelete | Act::Restore | Act::Destroy => &["id"],
        };
        let arguments = Arguments::read(arguments, variables, allowed)?;
        let links =
            |(_, member): &(String, RecordMember)| matches!(member, RecordMember::Many { .. });
        if allowed == ["id"] && self.shape.members.iter().any(links) {
            // Links follow their task or note, before the answer is put together or after.
            return Err(Refusal::not_known(
                "to-many relations in the answer to a delete, restore or destroy",
            ));
        }
        match self.act {
            Act::Create => {
                let draft = data::read(object, arguments.get("data"), true)?;
                let id = writer.create(object, &draft, upsert(&arguments)?)?;
                self.one(out, writer, id)
            }
            Act::CreateMany => {
                let upsert = upsert(&arguments)?;
                let drafts = match arguments.get("data") {
                    Input::List(items) if (1..=WRITTEN_MOST).contains(&items.len()) => items
                        .iter()
                        .map(|item| data::read(object, item, true))
                        .collect::<Result<Vec<_>, _>>()?,
                    other => {
                        return Err(Refusal::not_known(format!(
                            "data that is not a list of 1 to {WRITTEN_MOST}: {}",
                            other.inspect()
                        )));
                    }
                };
                let ids = drafts
                    .iter()
                    .map(|draft| writer.create(object, draft, upsert))
                    .collect::<Result<Vec<_>, _>>()?;
                self.list(out, writer, &ids)
            }
            Act::Update => {
                let id = chosen_id(arguments.get("id"))?;
                let draft = data::read(object, arguments.get("data"), false)?;
                writer.update(object, id, &draft)?;
                self.one(out, writer, id)
            }
            Act::UpdateMany => {
                let ids = self.filtered(object, writer.workspace(), &arguments)?;
                let draft = data::read(object, arguments.get("data"), false)?;
                for id in &ids {
                    writer.update(object, *id, &draft)?;
                }
                self.list(out, writer, &ids)
            }
            Act::SoftDelete => {
                let id = chosen_id(arguments.get("id"))?;
                writer.soft_delete(object, id)?;
                self.one(out, writer, id)
            }
            Act::Restore => {
                let id = chosen_id(arguments.get("id"))?;
                writer.restore(object, id)?;
                self.one(out, writer, id)
            }
            Act::Destroy => {
                let id = chosen_id(arguments.get("id"))?;
                // Afterwards there is nothing left to show.
                self.one(out, writer, id)?;
                writer.destroy(object, id)
            }
        }
    }

    /// The ids of the records that an update of many is about.
    fn filtered(
        &self,
        object: &'static Object,
        workspace: &Workspace,
        arguments: &Arguments,
    ) -> Result<Vec<Uuid>, Refusal> {
        let given = arguments.get("filter");
        if *given == Input::Undefined {
            let message = "Missing required argument: \"filter\" (object)";
            return Err(GqlError::input(message, "INVALID_QUERY_INPUT", GENERIC).into());
        }
        let mut filter = Filter::read(object, given)?;
        // Whether an update leaves deleted records alone is not known: they are found, and then
        // refused.
        filter.shows_deleted = true;
        let query = Query::filtered(object, filter);
        let found = query.rows(workspace, &Order::default(), false, WRITTEN_MOST + 1, 0)?;
        if found.len() > WRITTEN_MOST {
            let message = "Cannot update more than 200 records at once";
            let friendly = "You can only update up to 200 records at once.";
            return Err(GqlError::full(message, "BAD_USER_INPUT", None, friendly).into());
        }
        Ok(found.iter().filter_map(Row::id).collect())
    }

    fn one(&self, out: &mut Vec<u8>, writer: &Writer<'_>, id: Uuid) -> Result<(), Refusal> {
        let found = writer.workspace().find(self.object, id)?;
        let row = found.ok_or_else(GqlError::not_found)?;
        write::record(out, writer.workspace(), &self.shape, &row)
    }

    fn list(&self, out: &mut Vec<u8>, writer: &Writer<'_>, ids: &[Uuid]) -> Result<(), Refusal> {
        out.push(b'[');
        for (nth, id) in ids.iter().enumerate() {
            if nth > 0 {
                out.push(b',');
            }
            self.one(out, writer, *id)?;
        }
        out.push(b']');
        Ok(())
    }
}

fn upsert(arguments: &Arguments) -> Result<bool, Refusal> {
    match arguments.get("upsert") {
        Input::Undefined | Input::Null => Ok(false),
        Input::Bool(upsert) => Ok(*upsert),
        other => Err(Refusal::not_known(format!("upsert: {}", other.inspect()))),
    }
}
