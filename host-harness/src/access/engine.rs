//! The policy engine: Cedar, with the few entities that this harness knows.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use cedar_policy::{
    Authorizer, Context, Decision as CedarDecision, Entities, Entity, EntityId, EntityTypeName,
    EntityUid, PolicyId, PolicySet, Request, RestrictedExpression, Schema, ValidationMode,
    Validator,
};
use thiserror::Error;

use super::decision::{AccessRequest, Approval, Audience, Decision};
use crate::config::{Caller, PolicyTexts, Setup, Trust};
use crate::observed::{Attributes, Owner, RecordKey};

/// The policy of a skill without policies of its own: everybody reads, nobody writes.
const READS_ALONE: &str =
    "@id(\"everyone-reads\") permit (principal, action in Action::\"reads\", resource);";

/// Errors of loading policies.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AccessError {
    /// The schema is not valid Cedar.
    #[error("{}: {message}", path.display())]
    Schema {
        /// The file.
        path: PathBuf,
        /// Cedar's error message.
        message: String,
    },
    /// The policies are not valid Cedar.
    #[error("{}: {message}", path.display())]
    Policies {
        /// The file.
        path: PathBuf,
        /// Cedar's error message.
        message: String,
    },
    /// The policies do not fit the schema.
    #[error("{}: {message}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Cedar's error message.
        message: String,
    },
    /// The schema does not have the harness's own entities.
    #[error("the schema has no {0}: keep the entities of the shipped one")]
    Entities(String),
}

impl AccessError {
    /// Returns the stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Schema { .. } => "access-schema",
            Self::Policies { .. } => "access-policies",
            Self::Invalid { .. } => "access-invalid",
            Self::Entities(_) => "access-entities",
        }
    }
}

impl Audience<'_> {
    fn context(self) -> Vec<(String, RestrictedExpression)> {
        let truth = RestrictedExpression::new_bool;
        let recipients = self.recipients.iter().map(|recipient| text(recipient));
        vec![
            (
                "recipients".to_owned(),
                RestrictedExpression::new_set(recipients),
            ),
            ("group".to_owned(), truth(self.group)),
            ("outside".to_owned(), truth(self.outside)),
            ("listed".to_owned(), truth(self.listed)),
        ]
    }
}

/// The policy engine. It decides, and does nothing else.
pub struct Access {
    policies: PolicySet,
    schema: Option<Schema>,
    authorizer: Authorizer,
    names: EntityNames,
    /// Teams by e-mail address, from the operator file.
    teams: BTreeMap<String, Vec<String>>,
    /// The role of a caller without one.
    default_role: &'static str,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access")
            .field("policies", &self.policies.policies().count())
            .finish_non_exhaustive()
    }
}

struct EntityNames {
    team: EntityTypeName,
    member: EntityTypeName,
    skill: EntityTypeName,
    service: EntityTypeName,
    record: EntityTypeName,
    plan: EntityTypeName,
    action: EntityTypeName,
}

impl EntityNames {
    fn new() -> Result<Self, AccessError> {
        let named = |name: &str| {
            EntityTypeName::from_str(name).map_err(|_| AccessError::Entities(name.to_owned()))
        };
        Ok(Self {
            team: named("Team")?,
            member: named("Member")?,
            skill: named("Skill")?,
            service: named("Service")?,
            record: named("Record")?,
            plan: named("Plan")?,
            action: named("Action")?,
        })
    }
}

fn uid(ty: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(ty.clone(), EntityId::new(id))
}

impl Access {
    /// Loads policies and validates them against their schema; without texts everybody reads and
    /// nobody writes. `callers` are the people whom the operator names; `default_role` is the role
    /// of a caller without one.
    ///
    /// # Errors
    /// When a text is invalid; the error names its file.
    pub fn new<'c>(
        texts: Option<&PolicyTexts>,
        callers: impl IntoIterator<Item = &'c Caller>,
        default_role: &'static str,
    ) -> Result<Self, AccessError> {
        let (policies, schema) = match texts {
            None => (parse(READS_ALONE, Path::new("built-in policies"))?, None),
            Some(texts) => {
                let (schema, _warnings) =
                    Schema::from_cedarschema_str(&texts.schema).map_err(|error| {
                        AccessError::Schema {
                            path: texts.schema_path.clone(),
                            message: told(&error),
                        }
                    })?;
                let policies = parse(&texts.policies, &texts.policies_path)?;
                let result =
                    Validator::new(schema.clone()).validate(&policies, ValidationMode::Strict);
                if let Some(error) = result.validation_errors().next() {
                    return Err(AccessError::Invalid {
                        path: texts.policies_path.clone(),
                        message: told(error),
                    });
                }
                (policies, Some(schema))
            }
        };
        let teams = callers
            .into_iter()
            .filter_map(|caller| {
                Some((
                    caller.email.as_deref()?.to_lowercase(),
                    caller.teams.clone(),
                ))
            })
            .collect();
        Ok(Self {
            policies,
            schema,
            authorizer: Authorizer::new(),
            names: EntityNames::new()?,
            teams,
            default_role,
        })
    }

    /// Loads the policies of a set-up. Without an operator file, the caller runs the harness and
    /// counts as a member.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn of(setup: &Setup) -> Result<Self, AccessError> {
        let default_role = match setup.trust {
            Trust::NoOperator => "member",
            _ => "",
        };
        Self::new(setup.access.as_ref(), setup.callers.values(), default_role)
    }

    /// Returns the decision on an access request of a caller.
    #[must_use]
    pub fn decide(&self, caller: &Caller, deed: AccessRequest<'_>) -> Decision {
        match self.ask(caller, deed) {
            Ok(decision) => decision,
            Err(why) => Decision::undecided(why),
        }
    }

    fn ask(&self, caller: &Caller, deed: AccessRequest<'_>) -> Result<Decision, String> {
        let named = |error: &dyn fmt::Display| error.to_string();
        let email = caller.email.as_deref().unwrap_or_default().to_lowercase();
        if email.is_empty() && !matches!(deed, AccessRequest::Act { .. }) {
            // Two callers without an address would be the same principal.
            return Err("the caller has no e-mail address: the operator gives one by `email` under [callers.NAME]".into());
        }
        let principal = uid(&self.names.member, &email);
        let mut entities = vec![self.member(&email, self.role(caller), &caller.teams)?];
        let mut group = None;
        let (action, resource, context) = match deed {
            AccessRequest::Act { tool, group: of } => {
                group = Some(of);
                let resource = uid(&self.names.skill, "skill");
                entities.push(Entity::new_no_attrs(resource.clone(), HashSet::new()));
                (tool, resource, Context::empty())
            }
            AccessRequest::Write {
                verb,
                record,
                attributes,
                new,
                undo,
                fields,
            } => {
                let resource = self.record(record, attributes, new, &email, &mut entities)?;
                let fields = fields.iter().map(|field| text(field));
                let context = Context::from_pairs([
                    ("fields".to_owned(), RestrictedExpression::new_set(fields)),
                    ("undo".to_owned(), RestrictedExpression::new_bool(undo)),
                ]);
                (verb, resource, context.map_err(|error| named(&error))?)
            }
            AccessRequest::Send {
                act,
                service,
                audience,
            } => {
                let resource = uid(&self.names.service, service);
                entities.push(Entity::new_no_attrs(resource.clone(), HashSet::new()));
                let context = Context::from_pairs(audience.context());
                (act, resource, context.map_err(|error| named(&error))?)
            }
            AccessRequest::Give {
                verb,
                record,
                attributes,
                new,
                fields,
                audience,
            } => {
                let resource = self.record(record, attributes, new, &email, &mut entities)?;
                let fields = fields.iter().map(|field| text(field));
                let mut pairs = audience.context();
                pairs.push(("fields".to_owned(), RestrictedExpression::new_set(fields)));
                let context = Context::from_pairs(pairs);
                (verb, resource, context.map_err(|error| named(&error))?)
            }
            AccessRequest::Approve { plan, proposer } => {
                let proposer = proposer.to_lowercase();
                let resource = uid(&self.names.plan, plan);
                let about = HashMap::from([(
                    "proposer".to_owned(),
                    RestrictedExpression::new_entity_uid(uid(&self.names.member, &proposer)),
                )]);
                if proposer != email {
                    entities.push(self.other(&proposer)?);
                }
                let entity = Entity::new(resource.clone(), about, HashSet::new());
                entities.push(entity.map_err(|error| named(&error))?);
                ("approve", resource, Context::empty())
            }
        };
        let asked = uid(&self.names.action, action);
        if self.schema.is_none() {
            // If there is a schema, it defines the groups of actions.
            let groups = group.map(|group| uid(&self.names.action, group));
            let entity = Entity::new_no_attrs(asked.clone(), groups.into_iter().collect());
            entities.push(entity);
        }
        let schema = self.schema.as_ref();
        let request = Request::new(principal, asked, resource, context, schema)
            .map_err(|_| format!("the access schema has no action `{action}` of this form"))?;
        let entities =
            Entities::from_entities(entities, schema).map_err(|error| error.to_string())?;
        self.evaluate(&request, &entities)
    }

    /// Returns a record as an entity, and its owner as another.
    fn record(
        &self,
        record: &RecordKey,
        attributes: &Attributes,
        new: bool,
        caller: &str,
        entities: &mut Vec<Entity>,
    ) -> Result<EntityUid, String> {
        let owner = match &attributes.owner {
            Owner::Unknown => {
                return Err(format!(
                    "the service did not say who owns the {}, so nobody may touch it or give it away; if its owner has left, a person gives it a new one in the service",
                    record.kind
                ));
            }
            Owner::None => None,
            Owner::Member(email) => Some(email.as_str()),
        };
        let mut about = HashMap::from([
            ("kind".to_owned(), text(&record.kind)),
            (
                "owned".to_owned(),
                RestrictedExpression::new_bool(owner.is_some()),
            ),
            ("new".to_owned(), RestrictedExpression::new_bool(new)),
        ]);
        if let Some(owner) = owner {
            about.insert(
                "owner".to_owned(),
                RestrictedExpression::new_entity_uid(uid(&self.names.member, owner)),
            );
            if owner != caller {
                entities.push(self.other(owner)?);
            }
        }
        if let Some(stage) = &attributes.stage {
            about.insert("stage".to_owned(), text(stage));
        }
        let resource = uid(
            &self.names.record,
            &format!("{}/{}", record.kind, record.id),
        );
        let entity = Entity::new(resource.clone(), about, HashSet::new());
        entities.push(entity.map_err(|error| error.to_string())?);
        Ok(resource)
    }

    /// Returns the entity of somebody other than the caller.
    fn other(&self, email: &str) -> Result<Entity, String> {
        let teams = self.teams.get(email).map_or(&[][..], Vec::as_slice);
        self.member(email, "", teams)
    }

    fn evaluate(&self, request: &Request, entities: &Entities) -> Result<Decision, String> {
        let response = self
            .authorizer
            .is_authorized(request, &self.policies, entities);
        if let Some(error) = response.diagnostics().errors().next() {
            return Err(format!("a policy could not be evaluated: {error}"));
        }
        let deciding: Vec<&PolicyId> = response.diagnostics().reason().collect();
        let auto = !deciding.is_empty()
            && deciding
                .iter()
                .all(|id| self.policies.annotation(id, "approval") == Some("auto"));
        let mut policies: Vec<_> = deciding.iter().map(ToString::to_string).collect();
        policies.sort();
        Ok(Decision {
            permitted: response.decision() == CedarDecision::Allow,
            policies,
            approval: if auto {
                Approval::Auto
            } else {
                Approval::Required
            },
            undecided: None,
        })
    }

    fn member(&self, email: &str, role: &str, teams: &[String]) -> Result<Entity, String> {
        let teams: Vec<_> = teams
            .iter()
            .map(|team| uid(&self.names.team, team))
            .collect();
        let set = teams
            .iter()
            .cloned()
            .map(RestrictedExpression::new_entity_uid);
        let about = HashMap::from([
            ("role".to_owned(), text(role)),
            ("teams".to_owned(), RestrictedExpression::new_set(set)),
        ]);
        Entity::new(
            uid(&self.names.member, email),
            about,
            teams.into_iter().collect(),
        )
        .map_err(|error| error.to_string())
    }

    /// Returns the caller's role.
    #[must_use]
    pub fn role<'c>(&self, caller: &'c Caller) -> &'c str {
        caller.role.as_deref().unwrap_or(self.default_role)
    }
}

fn text(text: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(text.to_owned())
}

/// Parses policies, each under the name in its `@id`.
fn parse(text: &str, path: &Path) -> Result<PolicySet, AccessError> {
    let wrong = |message: String| AccessError::Policies {
        path: path.to_owned(),
        message,
    };
    let parsed = PolicySet::from_str(text).map_err(|error| wrong(told(&error)))?;
    let mut named = PolicySet::new();
    for policy in parsed.policies() {
        let Some(id) = policy.annotation("id").filter(|id| !id.is_empty()) else {
            return Err(wrong(format!(
                "a policy has no name: write @id(\"...\") before it:\n{policy}"
            )));
        };
        if let Some(approval) = policy.annotation("approval")
            && !matches!(approval, "required" | "auto")
        {
            return Err(wrong(format!(
                "`{id}`: @approval is \"required\" or \"auto\", not \"{approval}\""
            )));
        }
        let renamed = policy.new_id(PolicyId::new(id));
        named
            .add(renamed)
            .map_err(|_| wrong(format!("two policies are called `{id}`: rename one")))?;
    }
    Ok(named)
}

/// Returns the message of an error with those of its causes.
fn told(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let text = next.to_string();
        if !told.contains(&text) {
            told = format!("{told}: {text}");
        }
        cause = next.source();
    }
    told
}

#[cfg(test)]
mod tests;
