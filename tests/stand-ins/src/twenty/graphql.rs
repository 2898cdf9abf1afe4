//! From a GraphQL request to its answer: which operation, which roots, who may, what it costs, and
//! how errors are put.

use serde_json::{Map, Value, json};

use super::checked::{project, validate};
use super::database::Workspace;
use super::document::{Literal, OperationKind, Selection};
use super::documents::{Prepared, PreparedOperation, Root, What, gather_roots};
use super::errors::{GqlError, Refusal};
use super::keys::{Bucket, Caller, Role};
use super::quirks::{ROOTS_MOST, blocknote};
use super::value::write_str;
use super::{hidden, introspect, root, search_root};
use crate::faults::{FaultKind, Struck};

/// A request as it arrived.
pub(super) struct Call<'r> {
    pub prepared: &'r Prepared,
    pub operation_name: Option<&'r str>,
    pub variables: &'r Map<String, Value>,
}

/// The context that a request runs with.
pub(super) struct Means<'m> {
    pub caller: &'m Caller<'m>,
    /// `None` where nothing is limited.
    pub bucket: Option<&'m Bucket>,
    pub faults: &'m [Struck],
}

impl Means<'_> {
    /// The error that a fault wants of a root field, before it runs or after it has.
    pub(super) fn fail(&self, root: &str, after: bool) -> Result<(), Refusal> {
        for fault in self.faults.iter().filter(|fault| fault.after == after) {
            match &fault.kind {
                FaultKind::LimitReached { only }
                    if only.as_ref().is_none_or(|only| only == root) =>
                {
                    return Err(GqlError::limit_reached().into());
                }
                FaultKind::PartialError {
                    only,
                    message,
                    code,
                } if only == root => {
                    return Err(GqlError::code(message, code).into());
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Takes the token that a root field costs.
    pub(super) fn pay(&self) -> Result<(), Refusal> {
        match self.bucket {
            Some(bucket) if !bucket.take() => Err(GqlError::limit_reached().into()),
            _ => Ok(()),
        }
    }
}

/// An answer: status 200 and the body, or what the stand-in does not know.
pub(super) struct Answered {
    pub body: Vec<u8>,
    /// True if it comes from the part of the service that names the charset.
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
    pub(super) fn operation(&self) -> Result<&PreparedOperation, Refusal> {
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

    pub(super) fn is_mutation(&self) -> bool {
        self.operation()
            .is_ok_and(|operation| operation.kind == OperationKind::Mutation)
    }

    /// The caller's role, or the answer to a request that is refused as a whole.
    pub(super) fn admit<'m>(
        &self,
        operation: &PreparedOperation,
        means: &Means<'m>,
    ) -> Result<&'m Role, Answered> {
        let Caller::Role(role) = means.caller else {
            return Err(self.all_unknown(operation));
        };
        let roots = &operation.roots;
        let refuse = |message: String| {
            let error = GqlError::code(message, "BAD_USER_INPUT");
            Err(Answered::errors(&[error], Some(json!({})), false))
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
        match repeated {
            Some((_, root)) => refuse(format!("Duplicate root resolver: \"{}\"", root.name)),
            None => Ok(role),
        }
    }

    /// Runs a query against the records' API.
    pub(super) fn records(
        &self,
        workspace: &Workspace,
        means: &Means<'_>,
    ) -> Result<Answered, Refusal> {
        let operation = self.operation()?;
        let role = match self.admit(operation, means) {
            Ok(role) => role,
            Err(refused) => return Ok(refused),
        };
        let roots = &operation.roots;
        if operation.kind != OperationKind::Query {
            return Err(Refusal::not_known("subscriptions"));
        }
        let unknown: Vec<GqlError> = roots
            .iter()
            .filter(|root| matches!(root.what, What::Write(_) | What::Other))
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
        self.no_defaults(operation)?;
        self.gather(roots, |out, root| {
            self.root(out, workspace, role, means, root)
        })
    }

    /// Variables with defaults that were not sent are not known.
    pub(super) fn no_defaults(&self, operation: &PreparedOperation) -> Result<(), Refusal> {
        let definition = operation
            .variables
            .iter()
            .find(|v| v.has_default && !self.variables.contains_key(&v.name));
        definition.map_or(Ok(()), |definition| {
            Err(Refusal::not_known(format!(
                "what the default of ${} does",
                definition.name
            )))
        })
    }

    /// The answers of root fields put together: null and an error where one fails.
    pub(super) fn gather(
        &self,
        roots: &[Root],
        mut answer: impl FnMut(&mut Vec<u8>, &Root) -> Result<(), Refusal>,
    ) -> Result<Answered, Refusal> {
        let mut body = b"{\"data\":{".to_vec();
        let mut errors = Vec::new();
        for (nth, root) in roots.iter().enumerate() {
            if nth > 0 {
                body.push(b',');
            }
            write_str(&mut body, &root.key);
            body.push(b':');
            let start = body.len();
            match answer(&mut body, root) {
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
        if blocknote::is_unknown_in(&body) {
            return Err(Refusal::not_known("the editor's form of this markdown"));
        }
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
        means: &Means<'_>,
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
        means.fail(&root.name, false)?;
        means.fail(&root.name, true)?;
        means.pay()?;
        if root::named(&root.name).is_some_and(|(object, _)| !role.may_read(object)) {
            return Err(GqlError::denied().into());
        }
        let ask = ask.as_ref().map_err(Clone::clone)?;
        hidden::check(role, ask, &root.arguments, self.variables)?;
        root::answer(out, workspace, ask, &root.arguments, self.variables)
    }

    pub(super) fn selections(&self, root: &Root) -> &[Selection] {
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
    pub(super) fn checked(
        &self,
        root: &Root,
        answer: Result<Value, Refusal>,
    ) -> Result<Answered, Refusal> {
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

    pub(super) fn require_variables(
        &self,
        operation: &PreparedOperation,
        errors: &mut Vec<GqlError>,
    ) {
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
}
