//! Input objects among the variables of a document: named paths with scalar values, and nothing
//! else.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::variables::{VariableMisfit, VariableType};

/// Deepest nesting of an object.
const DEPTH_MAX: usize = 4;

/// An object of named paths, such as `name` or `amount.amountMicros`, each with the type of its
/// value. A path that is left out stays as it is in the service; null is not accepted.
///
/// There are no lists, and no objects but those on the way to a listed path, so that an order, a
/// filter or a nested write cannot be smuggled in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Input {
    paths: BTreeMap<String, VariableType>,
    /// Custom fields that the operator allows beside the paths, with any scalar value.
    custom: Vec<String>,
}

impl Input {
    /// Creates an input object of these paths and, at its top level, these custom fields.
    #[must_use]
    pub fn new(paths: BTreeMap<String, VariableType>, custom: Vec<String>) -> Self {
        Self { paths, custom }
    }

    /// Returns the paths with their types.
    pub fn paths(&self) -> impl Iterator<Item = (&str, &VariableType)> {
        self.paths.iter().map(|(path, ty)| (path.as_str(), ty))
    }

    /// Checks that a value is an object of these paths and types.
    ///
    /// # Errors
    /// Returns the first mismatch.
    pub fn check(&self, value: &Value) -> Result<(), VariableMisfit> {
        let Value::Object(members) = value else {
            return Err(VariableMisfit::Type);
        };
        members.iter().try_for_each(|(name, value)| {
            match self.custom.iter().any(|known| known == name) && !self.paths.contains_key(name) {
                true => custom(value),
                false => self.member(name, name, value, 1),
            }
        })
    }

    fn member(
        &self,
        path: &str,
        name: &str,
        value: &Value,
        depth: usize,
    ) -> Result<(), VariableMisfit> {
        if name.contains('.') {
            return Err(VariableMisfit::Member);
        }
        if let Some(declared) = self.paths.get(path) {
            return declared.check(value).and(match value {
                // A variable can be a list of scalars; a value of an object cannot.
                Value::Array(_) | Value::Null => Err(VariableMisfit::Type),
                _ => Ok(()),
            });
        }
        let below = format!("{path}.");
        let leads = self.paths.keys().any(|known| known.starts_with(&below));
        match value {
            Value::Object(members) if leads && depth < DEPTH_MAX => {
                members.iter().try_for_each(|(name, value)| {
                    self.member(&format!("{below}{name}"), name, value, depth + 1)
                })
            }
            _ if leads => Err(VariableMisfit::Type),
            _ => Err(VariableMisfit::Member),
        }
    }
}

/// A JSON value in which no object names a member twice. Parsers differ in which of two they keep,
/// and the value that is checked has to be the one that is read.
pub(in crate::outbound) struct Unique(pub(in crate::outbound) Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct UniqueMembers;
        impl<'de> Visitor<'de> for UniqueMembers {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON value")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
                let mut members = Map::new();
                while let Some((name, Unique(value))) = map.next_entry::<String, Unique>()? {
                    if members.insert(name, value).is_some() {
                        return Err(serde::de::Error::custom("a member is given twice"));
                    }
                }
                Ok(Value::Object(members))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
                let mut items = Vec::new();
                while let Some(Unique(item)) = list.next_element()? {
                    items.push(item);
                }
                Ok(Value::Array(items))
            }

            fn visit_str<E>(self, text: &str) -> Result<Value, E> {
                Ok(text.into())
            }

            fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
                Ok(number.into())
            }

            fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
                Ok(number.into())
            }

            fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
                Ok(number.into())
            }

            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }
        }
        deserializer.deserialize_any(UniqueMembers).map(Unique)
    }
}

fn custom(value: &Value) -> Result<(), VariableMisfit> {
    match value {
        Value::String(text) if text.len() > super::variables::TEXT_MAX => Err(VariableMisfit::Size),
        Value::String(_) | Value::Number(_) | Value::Bool(_) => Ok(()),
        Value::Null | Value::Array(_) | Value::Object(_) => Err(VariableMisfit::Type),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn input() -> Input {
        let paths = [
            ("name", "String"),
            ("price.micros", "Float"),
            ("price.currency", "Word"),
            ("ownerId", "UUID"),
        ];
        let paths = paths.map(|(path, ty)| (path.to_owned(), VariableType::parse(ty).unwrap()));
        Input::new(paths.into(), vec!["mood".into()])
    }

    #[test]
    fn only_listed_paths_of_their_type_pass() {
        let id = "0b7e7dee-1f0e-4b8e-9a31-94c6a7c1a001";
        for (value, expected) in [
            (json!({}), Ok(())),
            (json!({"name": "a", "ownerId": id}), Ok(())),
            (json!({"price": {"micros": 5, "currency": "EUR"}}), Ok(())),
            (json!({"price": {"micros": 5}}), Ok(())),
            (json!({"mood": "good"}), Ok(())),
            (json!({"mood": 3}), Ok(())),
            (json!({"mood": {"eq": 3}}), Err(VariableMisfit::Type)),
            (json!({"mood": null}), Err(VariableMisfit::Type)),
            (json!({"name": null}), Err(VariableMisfit::Type)),
            (json!({"name": ["a"]}), Err(VariableMisfit::Type)),
            (json!({"name": {"set": "a"}}), Err(VariableMisfit::Type)),
            (json!({"price": 5}), Err(VariableMisfit::Type)),
            (json!({"price": {"micros": "5"}}), Err(VariableMisfit::Type)),
            (json!({"price": {"other": 5}}), Err(VariableMisfit::Member)),
            (json!({"ownerId": "me"}), Err(VariableMisfit::Type)),
            (
                json!({"owner": {"connect": {"where": {"id": id}}}}),
                Err(VariableMisfit::Member),
            ),
            (
                json!({"createdAt": "2026-01-01"}),
                Err(VariableMisfit::Member),
            ),
            (json!({"price.micros": 5}), Err(VariableMisfit::Member)),
            (json!([]), Err(VariableMisfit::Type)),
            (json!("x"), Err(VariableMisfit::Type)),
            (json!(null), Err(VariableMisfit::Type)),
        ] {
            assert_eq!(input().check(&value), expected, "{value}");
        }
    }

    #[test]
    fn duplicate_member_is_refused() {
        let read = |text: &str| serde_json::from_str::<Unique>(text).map(|Unique(value)| value);
        assert_eq!(
            read(r#"{"a":{"b":1.5},"c":"x"}"#).unwrap(),
            json!({"a": {"b": 1.5}, "c": "x"})
        );
        for twice in [
            r#"{"name":"a","name":"b"}"#,
            r#"{"name":"a","n\u0061me":"b"}"#,
            r#"{"price":{"micros":1,"micros":2}}"#,
            r#"{"name":[{"a":1,"a":1}]}"#,
        ] {
            assert!(read(twice).is_err(), "{twice}");
        }
    }
}
