//! From a GraphQL request to its answer: which operation, which roots, who may, what it costs, and how errors are put.

use serde_json::{Map, Value, json};

use super::checked::{project, validate};
use super::document::{Argument, Literal, OperationKind, Selection};
use super::documents::{Prepared, PreparedOperation, Root, What, gather_roots};
use super::errors::{GqlError, Refusal};
use super::introspect::{self, OBJECT_CONNECTION};
use super::keys::{Bucket, Caller, Role};
use super::root;
use super::search_root;
use super::table::Workspace;
use super::value::write_str;
use crate::faults::FaultKind;

/// How many root fields a request may have.
const ROOTS_MOST: usize = 20;

/// A request as it arrived.
pub(super) struct Call<'r> {
    pub prepared: &'r Prepared,
    pub operation_name: Option<&'r str>,
    pub variables: &'r Map<String, Value>,
}

/// An answer: status 200 and the body, or what the stand-in does not know.
pub(super) struct Answered {
    pub body: Vec<u8>,
    /// Whether it comes from the part of the service that names the charset.
    pub checked: bool,
}

impl Answered {
    /// Errors, with `data` left out, empty or null as given.
    pub(super) fn errors(errors: &[GqlError], data: Option<Value>, checked: bool) -> Self {
        let mut body = Map::new();
        body.insert(
            "errors".to_owned(),
            errors.iter().map(GqlError::to_json).collect(),
        );
        if let Some(data) = data {
            body.insert("data".to_owned(), data);
        }
        Self {
            body: Value::Object(body).to_string().into_bytes(),
            checked,
        }
    }
}

impl Call<'_> {
    fn operation(&self) -> Result<&PreparedOperation, Refusal> {
        match (self.operation_name, self.prepared.operations.as_slice()) {
            (None, [only]) => Ok(only),
            (None, _) => Err(Refusal::not_known(
                "a document of several operations without operationName",
            )),
            (Some(name), operations) => operations
                .iter()
                .find(|op| op.name.as_deref() == Some(name))
                .ok_or_else(|| {
                    Refusal::not_known(format!(
                        "an operationName that the document does not have: {name}"
                    ))
                }),
        }
    }

    /// Its operation's name and root fields, for faults to match.
    pub(super) fn describe(&self) -> (Option<&str>, Vec<&str>) {
        match self.operation() {
            Ok(operation) => (
                operation.name.as_deref(),
                operation.roots.iter().map(|r| r.name.as_str()).collect(),
            ),
            Err(_) => (None, Vec::new()),
        }
    }

    /// Runs it against the records' API. `bucket` is `None` where nothing is limited.
    pub(super) fn records(
        &self,
        workspace: &Workspace,
        caller: &Caller<'_>,
        bucket: Option<&Bucket>,
        faults: &[FaultKind],
    ) -> Result<Answered, Refusal> {
        let operation = self.operation()?;
        let Caller::Role(role) = caller else {
            return Ok(self.all_unknown(operation));
        };
        let roots = &operation.roots;
        let refuse = |message: String| {
            Ok(Answered::errors(
                &[GqlError::code(message, "BAD_USER_INPUT")],
                Some(json!({})),
                false,
            ))
        };
        if roots.len() > ROOTS_MOST {
            let given = roots.len();
            return refuse(format!(
                "Query too complex - Too many root resolvers requested: {given} - Maximum allowed root resolvers: {ROOTS_MOST}"
            ));
        }
        let repeated = roots
            .iter()
            .enumerate()
            .find(|(nth, root)| roots.iter().take(*nth).any(|other| other.name == root.name));
        if let Some((_, root)) = repeated {
            return refuse(format!("Duplicate root resolver: \"{}\"", root.name));
        }
        if operation.kind != OperationKind::Query {
            return Err(Refusal::not_known("mutations and subscriptions"));
        }
        let unknown: Vec<GqlError> = roots
            .iter()
            .filter(|root| matches!(root.what, What::Other))
            .map(|root| {
                GqlError::unknown_root(&root.name, self.prepared.document.location(root.offset))
            })
            .collect();
        if !unknown.is_empty() {
            return Ok(Answered::errors(&unknown, None, true));
        }
        if let [
            Root {
                what: What::Search, ..
            },
        ] = roots.as_slice()
        {
            return self.search(workspace, role, operation);
        }
        if roots
            .iter()
            .any(|root| matches!(root.what, What::Search | What::TypeName))
        {
            let message = "This query cannot be executed as a single request. Please split it into separate queries.";
            return Ok(Answered::errors(
                &[GqlError::code(message, "BAD_USER_INPUT")],
                None,
                false,
            ));
        }
        if let Some(definition) = operation
            .variables
            .iter()
            .find(|v| v.has_default && !self.variables.contains_key(&v.name))
        {
            return Err(Refusal::not_known(format!(
                "what the default of ${} does",
                definition.name
            )));
        }
        let mut body = b"{\"data\":{".to_vec();
        let mut errors = Vec::new();
        for (nth, root) in roots.iter().enumerate() {
            if nth > 0 {
                body.push(b',');
            }
            write_str(&mut body, &root.key);
            body.push(b':');
            let start = body.len();
            match self.root(&mut body, workspace, role, bucket, faults, root) {
                Ok(()) => {}
                Err(Refusal::Service(error)) => {
                    body.truncate(start);
                    body.extend_from_slice(b"null");
                    errors.push(error.to_json());
                }
                Err(unknown) => return Err(unknown),
            }
        }
        body.push(b'}');
        if !errors.is_empty() {
            body.extend_from_slice(b",\"errors\":");
            body.extend_from_slice(Value::Array(errors).to_string().as_bytes());
        }
        body.push(b'}');
        Ok(Answered {
            body,
            checked: false,
        })
    }

    fn root(
        &self,
        out: &mut Vec<u8>,
        workspace: &Workspace,
        role: &Role,
        bucket: Option<&Bucket>,
        faults: &[FaultKind],
        root: &Root,
    ) -> Result<(), Refusal> {
        let ask = match &root.what {
            What::Records(ask) => ask,
            What::Type => {
                let selections = self.selections(root);
                let name = root
                    .arguments
                    .iter()
                    .find(|a| a.name == "name")
                    .map(|a| &a.value);
                let name = match name {
                    Some(Literal::String(name)) => Some(name.as_str()),
                    Some(Literal::Variable(name)) => {
                        self.variables.get(name).and_then(Value::as_str)
                    }
                    _ => None,
                };
                let ty = introspect::type_named(
                    name.ok_or_else(|| Refusal::not_known("__type without a name"))?,
                );
                out.extend_from_slice(
                    project(&self.prepared.document, &ty, selections)?
                        .to_string()
                        .as_bytes(),
                );
                return Ok(());
            }
            _ => return Err(Refusal::not_known(&root.name)),
        };
        for fault in faults {
            match fault {
                FaultKind::LimitReached { only }
                    if only.as_ref().is_none_or(|only| *only == root.name) =>
                {
                    return Err(GqlError::limit_reached().into());
                }
                FaultKind::PartialError {
                    only,
                    message,
                    code,
                } if *only == root.name => {
                    return Err(GqlError::code(message, code).into());
                }
                _ => {}
            }
        }
        if bucket.is_some_and(|bucket| !bucket.take()) {
            return Err(GqlError::limit_reached().into());
        }
        if root::named(&root.name).is_some_and(|(object, _)| !role.may_read(object)) {
            return Err(GqlError::denied().into());
        }
        let ask = ask.as_ref().map_err(Clone::clone)?;
        root::answer(out, workspace, ask, &root.arguments, self.variables)
    }

    fn selections(&self, root: &Root) -> &[Selection] {
        let mut found: &[Selection] = &[];
        for operation in &self.prepared.document.operations {
            let mut fields = Vec::new();
            gather_roots(
                &self.prepared.document,
                &operation.selections,
                &mut fields,
                0,
            );
            if let Some(field) = fields.into_iter().find(|f| f.offset == root.offset) {
                found = &field.selections;
            }
        }
        found
    }

    fn search(
        &self,
        workspace: &Workspace,
        role: &Role,
        operation: &PreparedOperation,
    ) -> Result<Answered, Refusal> {
        let Some(root) = operation.roots.first() else {
            return Err(Refusal::not_known("search"));
        };
        let document = &self.prepared.document;
        let mut errors = Vec::new();
        for (name, ty) in search_root::REQUIRED {
            if !root.arguments.iter().any(|a| a.name == name) {
                let message = format!(
                    "Field \"search\" argument \"{name}\" of type \"{ty}\" is required, but it was not provided."
                );
                errors.push(GqlError::at(message, document.location(root.offset)));
            }
        }
        validate(
            document,
            &search_root::CONNECTION,
            self.selections(root),
            &mut errors,
        );
        self.require_variables(operation, &mut errors);
        if !errors.is_empty() {
            return Ok(Answered::errors(&errors, None, true));
        }
        self.checked(
            root,
            search_root::answer(workspace, role, &root.arguments, self.variables),
        )
    }

    /// The answer of a validated root field: on an error of its own, `data` is null.
    fn checked(&self, root: &Root, answer: Result<Value, Refusal>) -> Result<Answered, Refusal> {
        match answer {
            Ok(whole) => {
                let kept = project(&self.prepared.document, &whole, self.selections(root))?;
                let mut data = Map::new();
                data.insert(root.key.clone(), kept);
                Ok(Answered {
                    body: json!({"data": data}).to_string().into_bytes(),
                    checked: true,
                })
            }
            Err(Refusal::Service(error)) => Ok(Answered::errors(&[error], Some(Value::Null), true)),
            Err(unknown) => Err(unknown),
        }
    }

    fn require_variables(&self, operation: &PreparedOperation, errors: &mut Vec<GqlError>) {
        for variable in &operation.variables {
            let sent = self
                .variables
                .get(&variable.name)
                .is_some_and(|v| !v.is_null());
            if variable.ty.trim().ends_with('!') && !variable.has_default && !sent {
                let message = format!(
                    "Variable \"${}\" of required type \"{}\" was not provided.",
                    variable.name,
                    variable.ty.trim()
                );
                errors.push(GqlError::at(
                    message,
                    self.prepared.document.location(variable.offset),
                ));
            }
        }
    }

    fn all_unknown(&self, operation: &PreparedOperation) -> Answered {
        let at = |root: &Root| {
            GqlError::unknown_root(&root.name, self.prepared.document.location(root.offset))
        };
        Answered::errors(
            &operation.roots.iter().map(at).collect::<Vec<_>>(),
            None,
            true,
        )
    }

    /// Answers as if no key had been given: each root field is unknown.
    pub(super) fn anonymous(&self) -> Result<Answered, Refusal> {
        Ok(self.all_unknown(self.operation()?))
    }

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
        use super::input::Input;
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
