//! Trusted documents (persisted queries): a request body passes only if it carries the exact text
//! of a known document and exactly its variables.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::digest::hex;
use crate::observed::places::{OptionsAt, RecordAt};
use crate::outbound::body::json_input::{Input, Unique};
use crate::outbound::body::variables::{VariableMisfit, VariableType};
use crate::outbound::dlp::values::RecordPlace;

/// The effect of a document on the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Reads only.
    Query,
    /// Writes.
    Mutation,
}

/// One trusted document.
#[derive(Debug, Clone)]
pub struct Document {
    /// Its name in the manifest.
    pub name: String,
    /// SHA-256 of its exact text.
    pub sha256: [u8; 32],
    /// Its effect.
    pub effect: Effect,
    /// Its variables: each is required, and no other is allowed.
    pub variables: Vec<(String, Declared)>,
    /// Seconds for which the host may answer it from the cache; 0 for never.
    pub cacheable_seconds: u32,
    /// Tokens that it takes from the rate limit of the destination; 0 for none.
    pub cost: u32,
    /// Its acts on records, if it writes; the record that it is about comes first.
    pub acts: Vec<Acts>,
    /// Records that its write refers to.
    pub refers: Vec<Refers>,
    /// Places of records in its answer.
    pub records: Vec<RecordAt>,
    /// Place in its answer of the labels of field options.
    pub options: Option<OptionsAt>,
    /// The places of `records`, as data loss prevention takes them.
    pub places: Arc<[RecordPlace]>,
}

/// The declaration of a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Declared {
    /// A scalar or a list of scalars.
    Scalar(VariableType),
    /// An object of listed paths.
    Input(Input),
}

impl Declared {
    fn check(&self, value: &Value) -> Result<(), VariableMisfit> {
        match self {
            Self::Scalar(scalar) => scalar.check(value),
            Self::Input(input) => input.check(value),
        }
    }
}

impl fmt::Display for Declared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scalar(scalar) => scalar.fmt(f),
            Self::Input(_) => f.write_str("as an object of listed paths"),
        }
    }
}

/// An act of a document on a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acts {
    /// The act: `create`, `link`, `change` or `delete`.
    pub verb: Verb,
    /// The record's kind, in the skill's words.
    pub kind: String,
    /// Path to the record's id among the variables: names, the outermost first.
    pub id: Vec<String>,
}

/// A record that a write refers to, such as the company of a deal: the write links something to
/// that record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refers {
    /// The record's kind, in the skill's words.
    pub kind: String,
    /// Path to the record's id among the variables: names, the outermost first. The id may be left
    /// out.
    pub id: Vec<String>,
}

/// Acts of a document on a record; access policies name their actions by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// Creates it.
    Create,
    /// Links something to it.
    Link,
    /// Changes it.
    Change,
    /// Deletes it.
    Delete,
}

impl Verb {
    /// All verbs.
    pub const ALL: [Self; 4] = [Self::Create, Self::Link, Self::Change, Self::Delete];

    /// Returns the name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Link => "link",
            Self::Change => "change",
            Self::Delete => "delete",
        }
    }
}

/// A reason why a body is refused. Names variables and documents, never a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyRefusal {
    /// Not an object of exactly a document and its variables.
    Shape,
    /// A document that the manifest does not list.
    UnknownDocument {
        /// SHA-256 of its text, in hexadecimal.
        sha256: String,
    },
    /// A declared variable is missing.
    Missing {
        /// The document.
        document: String,
        /// The variable.
        variable: String,
    },
    /// A variable that is not declared. Its name is the guest's choice, and is not repeated.
    Undeclared {
        /// The document.
        document: String,
    },
    /// A variable of another type.
    Unfit {
        /// The document.
        document: String,
        /// The variable.
        variable: String,
        /// The declared type.
        declared: String,
        /// The mismatch.
        unfit: VariableMisfit,
    },
}

/// The trusted documents of one route.
#[derive(Debug, Clone, Default)]
pub struct Documents(Vec<Document>);

impl Documents {
    /// Creates a set of documents. The caller ensures that their digests are unique.
    #[must_use]
    pub fn new(documents: Vec<Document>) -> Self {
        Self(documents)
    }

    /// Returns every document.
    pub fn iter(&self) -> impl Iterator<Item = &Document> {
        self.0.iter()
    }

    /// Finds the document that a body carries, and checks its variables.
    ///
    /// # Errors
    /// Returns the reason why the body is refused.
    pub fn check(&self, body: &[u8]) -> Result<&Document, BodyRefusal> {
        // A serde struct also reads from an array: `["...", {}]` would pass without this.
        if body.first() != Some(&b'{') {
            return Err(BodyRefusal::Shape);
        }
        let body: Body<'_> = serde_json::from_slice(body).map_err(|_| BodyRefusal::Shape)?;
        let document = match self.of_text(&body.query) {
            Some(document) => document,
            None => self
                .narrowed(&body.query)
                .ok_or_else(|| BodyRefusal::UnknownDocument {
                    sha256: hex(&Sha256::digest(body.query.as_bytes())),
                })?,
        };
        document.check_variables(body.variables)?;
        Ok(document)
    }

    fn of_text(&self, text: &str) -> Option<&Document> {
        let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        self.0.iter().find(|document| document.sha256 == digest)
    }

    /// Returns the document that a text becomes once the fields are restored that a key may not
    /// read. Such a text reads less, and nothing else.
    fn narrowed(&self, text: &str) -> Option<&Document> {
        let restored = graphql_fields::restore(text)?;
        let document = self.of_text(&restored.document)?;
        let may = |path: &Vec<String>| document.effect == Effect::Query && document.may_lack(path);
        restored.left_out.iter().all(may).then_some(document)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body<'a> {
    #[serde(borrow)]
    query: Cow<'a, str>,
    #[serde(borrow, default)]
    variables: Option<&'a RawValue>,
}

impl Document {
    /// Returns true if no decision depends on a missing field. Without an owner nothing is
    /// permitted; without a stage a policy that forbids by stage would not forbid; without an id
    /// the rest cannot be attributed to a record.
    fn may_lack(&self, path: &[String]) -> bool {
        let decides = |place: &RecordAt| {
            let names = |steps: &[String]| {
                let mut names = place.at.iter().chain(steps).filter(|step| *step != "*");
                path.iter().all(|name| names.next() == Some(name))
            };
            place.stage.as_deref().is_some_and(names)
        };
        path.last().is_some_and(|name| name != "id") && !self.records.iter().any(decides)
    }

    fn check_variables(&self, raw: Option<&RawValue>) -> Result<(), BodyRefusal> {
        let given = match raw {
            Some(raw) if raw.get().starts_with('{') => {
                serde_json::from_str::<RawVariables<'_>>(raw.get())
                    .map_err(|_| BodyRefusal::Shape)?
                    .0
            }
            Some(raw) if raw.get() != "null" => return Err(BodyRefusal::Shape),
            _ => Vec::new(),
        };
        for (name, declared) in &self.variables {
            let Some((_, raw)) = given.iter().find(|(key, _)| key == name) else {
                return Err(BodyRefusal::Missing {
                    document: self.name.clone(),
                    variable: name.clone(),
                });
            };
            let value = match declared {
                Declared::Scalar(_) => serde_json::from_str(raw.get()),
                Declared::Input(_) => serde_json::from_str(raw.get()).map(|Unique(value)| value),
            };
            let value: Value = value.map_err(|_| BodyRefusal::Shape)?;
            declared.check(&value).map_err(|unfit| BodyRefusal::Unfit {
                document: self.name.clone(),
                variable: name.clone(),
                declared: declared.to_string(),
                unfit,
            })?;
        }
        // Names are unique on both sides and every declared one was found, so a longer list holds
        // an undeclared one.
        if given.len() > self.variables.len() {
            return Err(BodyRefusal::Undeclared {
                document: self.name.clone(),
            });
        }
        Ok(())
    }
}

/// The members of an object in order, each name once.
struct RawVariables<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for RawVariables<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct BodyMembers;
        impl<'de> Visitor<'de> for BodyMembers {
            type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of variables")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members: Self::Value = Vec::new();
                while let Some(BorrowedKey(key)) = map.next_key()? {
                    if members.iter().any(|(known, _)| *known == key) {
                        return Err(serde::de::Error::custom("a variable is given twice"));
                    }
                    members.push((key, map.next_value()?));
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(BodyMembers).map(Self)
    }
}

#[derive(Deserialize)]
struct BorrowedKey<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    const QUERY: &str =
        "query Find($q: String!, $limit: Int) { find(q: $q, limit: $limit) { id } }";

    fn documents() -> Documents {
        Documents::new(vec![Document {
            name: "find".into(),
            sha256: Sha256::digest(QUERY.as_bytes()).into(),
            effect: Effect::Query,
            variables: [("q", "String!"), ("limit", "Int")]
                .map(|(name, ty)| {
                    let scalar = VariableType::parse(ty).unwrap();
                    (name.to_owned(), Declared::Scalar(scalar))
                })
                .to_vec(),
            cacheable_seconds: 0,
            cost: 1,
            acts: Vec::new(),
            refers: Vec::new(),
            records: Vec::new(),
            options: None,
            places: Arc::default(),
        }])
    }

    fn outcome(body: &str) -> String {
        match documents().check(body.replace("QUERY", QUERY).as_bytes()) {
            Ok(document) => document.name.clone(),
            Err(BodyRefusal::Shape) => "shape".into(),
            Err(BodyRefusal::UnknownDocument { .. }) => "unknown".into(),
            Err(BodyRefusal::Missing { variable, .. }) => format!("missing {variable}"),
            Err(BodyRefusal::Undeclared { .. }) => "undeclared".into(),
            Err(BodyRefusal::Unfit { variable, .. }) => format!("unfit {variable}"),
        }
    }

    #[test]
    fn only_exact_document_and_variables_pass() {
        for (body, expected) in [
            (
                r#"{"query":"QUERY","variables":{"q":"a","limit":null}}"#,
                "find",
            ),
            (
                r#"{"variables":{"limit":3,"q":"a"},"query":"QUERY"}"#,
                "find",
            ),
            (
                r#"{"query":"QUERY ","variables":{"q":"a","limit":null}}"#,
                "unknown",
            ),
            (r#"{"query":"{ secrets }"}"#, "unknown"),
            (r#"{"query":"QUERY"}"#, "missing q"),
            (r#"{"query":"QUERY","variables":null}"#, "missing q"),
            (
                r#"{"query":"QUERY","variables":{"q":"a"}}"#,
                "missing limit",
            ),
            (
                r#"{"query":"QUERY","variables":{"q":null,"limit":null}}"#,
                "unfit q",
            ),
            (
                r#"{"query":"QUERY","variables":{"q":{"ilike":"%"},"limit":null}}"#,
                "unfit q",
            ),
            (
                r#"{"query":"QUERY","variables":{"q":"a","limit":null,"filter":{}}}"#,
                "undeclared",
            ),
            (
                r#"{"query":"QUERY","variables":{"q":"a","q":"b","limit":null}}"#,
                "shape",
            ),
            (
                r#"{"query":"QUERY","variables":{"q":"a","\u0071":"b","limit":null}}"#,
                "shape",
            ),
            (r#"{"query":"QUERY","variables":["a",null]}"#, "shape"),
            (r#"{"query":"QUERY","variables":"{}"}"#, "shape"),
            (
                r#"{"query":"QUERY","query":"QUERY","variables":{"q":"a","limit":null}}"#,
                "shape",
            ),
            (
                r#"{"query":"QUERY","qu\u0065ry":"x","variables":{"q":"a","limit":null}}"#,
                "shape",
            ),
            (
                r#"{"query":"QUERY","operationName":"x","variables":{"q":"a","limit":null}}"#,
                "shape",
            ),
            (
                r#"{"query":"QUERY","extensions":{},"variables":{"q":"a","limit":null}}"#,
                "shape",
            ),
            (
                r#"{"query":"QUERY","variables":{"q":"a","limit":null}} {}"#,
                "shape",
            ),
            (r#"["QUERY",{"q":"a","limit":null}]"#, "shape"),
            (
                r#"[{"query":"QUERY","variables":{"q":"a","limit":null}}]"#,
                "shape",
            ),
            (
                r#" {"query":"QUERY","variables":{"q":"a","limit":null}}"#,
                "shape",
            ),
            ("", "shape"),
        ] {
            assert_eq!(outcome(body), expected, "{body}");
        }
    }
}
