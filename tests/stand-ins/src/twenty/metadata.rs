//! The metadata API, of which `objects` is known: the workspace's objects with their fields.

use serde_json::Value;

use super::checked::validate;
use super::document::{Argument, Literal, OperationKind};
use super::documents::Root;
use super::errors::{GqlError, Refusal};
use super::graphql::{Answered, Call};
use super::input::Input;
use super::introspect::{self, OBJECT_CONNECTION};
use super::keys::Caller;

impl Call<'_> {
    /// Runs it against the metadata API, of which `objects` is known.
    pub(super) fn metadata(&self, caller: &Caller<'_>) -> Result<Answered, Refusal> {
        let operation = self.operation()?;
        let Caller::Role(_) = caller else {
            return Err(Refusal::not_known("metadata without a key"));
        };
        let [root] = operation.roots.as_slice() else {
            return Err(Refusal::not_known("several roots of the metadata API"));
        };
        if operation.kind != OperationKind::Query || root.name != "objects" {
            return Err(Refusal::not_known(format!(
                "{} of the metadata API",
                root.name
            )));
        }
        let document = &self.prepared.document;
        let mut errors = Vec::new();
        let filter = root.arguments.iter().find(|a| a.name == "filter");
        if let Some(Argument {
            value: Literal::Object(fields),
            ..
        }) = filter
        {
            let known = ["and", "or", "id", "isActive", "isSystem", "isSearchable"];
            for field in fields.iter().filter(|f| !known.contains(&f.name.as_str())) {
                let message = format!(
                    "Field \"{}\" is not defined by type \"ObjectFilter\".",
                    field.name
                );
                errors.push(GqlError::at(message, document.location(field.offset)));
            }
        }
        validate(
            document,
            &OBJECT_CONNECTION,
            self.selections(root),
            &mut errors,
        );
        self.require_variables(operation, &mut errors);
        if !errors.is_empty() {
            return Ok(Answered::errors(&errors, None, true));
        }
        self.checked(root, self.objects(root))
    }

    fn objects(&self, root: &Root) -> Result<Value, Refusal> {
        let given = Input::object(&root.arguments, self.variables);
        let field = |of: &Input, name: &str| match of {
            Input::Object(entries) => entries
                .iter()
                .find(|(n, _)| n == name)
                .map(|(_, v)| v.clone()),
            _ => None,
        };
        let paging = field(&given, "paging").unwrap_or(Input::Undefined);
        let first = match field(&paging, "first") {
            None | Some(Input::Undefined | Input::Null) => 10,
            Some(Input::Number(n)) if n.as_u64().is_some_and(|n| n <= 1000) => n
                .as_u64()
                .and_then(|n| usize::try_from(n).ok())
                .unwrap_or(10),
            Some(other) => {
                return Err(Refusal::not_known(format!("paging by {}", other.inspect())));
            }
        };
        let after = field(&paging, "after").and_then(|a| a.as_text().map(str::to_owned));
        let mut wanted = Vec::new();
        if let Some(Input::Object(filters)) = field(&given, "filter") {
            for (name, test) in filters {
                match field(&test, "is") {
                    Some(Input::Bool(is)) => wanted.push((name, is)),
                    _ => {
                        return Err(Refusal::not_known(format!(
                            "the metadata filter {name}: {}",
                            test.inspect()
                        )));
                    }
                }
            }
        }
        let keep = |object: &Value| {
            wanted
                .iter()
                .all(|(name, is)| object.get(name) == Some(&Value::Bool(*is)))
        };
        Ok(introspect::page(first, after.as_deref(), keep))
    }
}
