//! Matching of values against expectations. An object of one of these members alone is a matcher:
//!
//! * `{"any": true}`: whatever it is.
//! * `{"contains": [...]}`: a text with all of these in it, or a list with an element for each.
//! * `{"oneOf": [...]}`: one of these.
//! * `{"optional": ...}`: this, or left out.
//! * `{"length": n}`: a list of so many.
//! * `{"none": true}`: not there.
//! * `{"from": {"call": n, "at": "/pointer"}}`: the value there in the answer of an earlier call,
//!   counted from 0.
//!
//! Texts are the same whatever their case.

use serde_json::{Map, Value};

use super::Call;

/// Returns true if a value fits. An absent value is null.
#[must_use]
pub fn fits(expected: &Value, got: &Value) -> bool {
    if let Some((name, inner)) = matcher(expected) {
        return match (name, inner) {
            ("any", _) => !got.is_null(),
            ("none", _) => got.is_null(),
            ("optional", inner) => got.is_null() || fits(inner, got),
            ("oneOf", Value::Array(all)) => all.iter().any(|one| fits(one, got)),
            ("contains", Value::Array(all)) => all.iter().all(|one| contains(got, one)),
            ("length", length) => got.as_array().map(|list| list.len() as u64) == length.as_u64(),
            _ => false,
        };
    }
    match (expected, got) {
        (Value::String(expected), Value::String(got)) => folded(expected) == folded(got),
        (Value::Array(expected), Value::Array(got)) => {
            expected.len() == got.len()
                && expected
                    .iter()
                    .zip(got)
                    .all(|(one, other)| fits(one, other))
        }
        (Value::Object(expected), Value::Object(got)) => {
            let known = expected
                .iter()
                .all(|(name, inner)| fits(inner, got.get(name).unwrap_or(&Value::Null)));
            known
                && got
                    .iter()
                    .all(|(name, value)| value.is_null() || expected.contains_key(name))
        }
        (expected, got) => expected == got,
    }
}

/// Returns true if every expected argument fits and no other is given but those that are free.
#[must_use]
pub fn arguments_fit(call: &Call, expected: &Map<String, Value>, got: &Map<String, Value>) -> bool {
    let mut got = got.clone();
    got.retain(|name, _| expected.contains_key(name) || !call.free.contains(name));
    fits(&Value::Object(expected.clone()), &Value::Object(got))
}

/// The name of a matcher and what stands in it.
#[must_use]
pub fn matcher(value: &Value) -> Option<(&str, &Value)> {
    const NAMES: [&str; 7] = [
        "any", "contains", "oneOf", "optional", "length", "none", "from",
    ];
    let members = value.as_object().filter(|members| members.len() == 1)?;
    let (name, inner) = members.iter().next()?;
    NAMES
        .contains(&name.as_str())
        .then_some((name.as_str(), inner))
}

fn contains(got: &Value, wanted: &Value) -> bool {
    match (got, wanted) {
        (Value::String(got), Value::String(wanted)) => folded(got).contains(&folded(wanted)),
        (Value::Array(got), wanted) => got.iter().any(|one| fits(wanted, one)),
        _ => false,
    }
}

fn folded(text: &str) -> String {
    text.trim().to_lowercase()
}

/// Puts the values of earlier answers where they are asked for.
///
/// # Errors
/// Where there is no such value.
pub fn filled(value: &Value, answers: &[Value]) -> Result<Value, String> {
    if let Some(("from", from)) = matcher(value) {
        let call = from["call"]
            .as_u64()
            .and_then(|call| usize::try_from(call).ok());
        let at = from["at"].as_str().unwrap_or_default();
        let answer = call.and_then(|call| answers.get(call));
        return answer
            .and_then(|answer| answer.pointer(at))
            .cloned()
            .ok_or_else(|| format!("there is no value at {from}"));
    }
    Ok(match value {
        Value::Array(all) => Value::Array(
            all.iter()
                .map(|one| filled(one, answers))
                .collect::<Result<_, _>>()?,
        ),
        Value::Object(members) => {
            let filled = members
                .iter()
                .map(|(name, one)| Ok((name.clone(), filled(one, answers)?)));
            Value::Object(filled.collect::<Result<_, String>>()?)
        }
        other => other.clone(),
    })
}

/// Arguments to run with: what is expected, with the example's values where that is a matcher.
///
/// # Errors
/// Where a matcher stands for no value and the example has none.
pub fn arguments(
    expected: &Map<String, Value>,
    example: &Map<String, Value>,
) -> Result<Map<String, Value>, String> {
    let mut arguments = Map::new();
    for (name, inner) in expected {
        if let Some(value) =
            value(inner, example.get(name)).map_err(|error| format!("{name}: {error}"))?
        {
            arguments.insert(name.clone(), value);
        }
    }
    for (name, value) in example {
        arguments
            .entry(name.clone())
            .or_insert_with(|| value.clone());
    }
    Ok(arguments)
}

fn value(expected: &Value, example: Option<&Value>) -> Result<Option<Value>, String> {
    match (matcher(expected), expected, example) {
        (Some(_), _, Some(example)) => Ok(Some(example.clone())),
        (Some(("optional" | "none", _)), ..) => Ok(None),
        (Some(("oneOf", all)), ..) => all.get(0).map_or(Ok(None), |first| value(first, None)),
        (Some((name, _)), ..) => Err(format!("the matcher `{name}` needs a value in the example")),
        (None, Value::Object(members), Some(Value::Object(example))) => {
            arguments(members, example).map(|all| Some(Value::Object(all)))
        }
        (None, Value::Object(members), None) => {
            arguments(members, &Map::new()).map(|all| Some(Value::Object(all)))
        }
        (None, Value::Array(all), example) => {
            let values = all.iter().enumerate().map(|(at, one)| {
                let example = example.and_then(|example| example.get(at));
                value(one, example).map(|made| made.unwrap_or_default())
            });
            Ok(Some(values.collect::<Result<_, _>>()?))
        }
        (None, expected, _) => Ok(Some(expected.clone())),
    }
}

/// Returns the value at a JSON pointer in which `*` is every element of a list; null if there is
/// none.
#[must_use]
pub fn at(value: &Value, pointer: &str) -> Value {
    match pointer.split_once("/*") {
        None => value.pointer(pointer).cloned().unwrap_or_default(),
        Some((before, after)) => match value.pointer(before) {
            Some(Value::Array(all)) => all.iter().map(|one| at(one, after)).collect(),
            _ => Value::Null,
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_fit_themselves_and_their_matchers() {
        for (expected, fitting, other) in [
            (json!("Sam Okafor"), json!("sam okafor "), json!("Sam")),
            (
                json!({"contains": ["depot"]}),
                json!("Northern Depot relaunch"),
                json!("north"),
            ),
            (
                json!({"contains": ["a", "c"]}),
                json!(["c", "a", "b"]),
                json!(["a", "b"]),
            ),
            (
                json!({"oneOf": ["me", {"contains": ["@"]}]}),
                json!("robin@example.com"),
                json!("you"),
            ),
            (json!({"optional": 7}), Value::Null, json!(8)),
            (json!({"any": true}), json!(0), Value::Null),
            (json!({"none": true}), Value::Null, json!("x")),
            (json!({"length": 2}), json!([1, 2]), json!([1])),
            (json!(["a"]), json!(["A"]), json!(["a", "b"])),
            (
                json!({"to": "Sam", "ask": {"optional": {"any": true}}}),
                json!({"to": "sam", "note": null}),
                json!({"to": "Sam", "note": "x"}),
            ),
        ] {
            assert!(
                fits(&expected, &fitting),
                "{expected} does not fit {fitting}"
            );
            assert!(!fits(&expected, &other), "{expected} fits {other}");
        }
    }

    #[test]
    fn values_come_from_examples_and_earlier_answers() {
        let expected = json!({"id": {"from": {"call": 0, "at": "/hits/0/id"}}, "note": {"any": true}, "to": {"oneOf": ["a", "b"]}, "when": {"optional": "x"}});
        let answers = [json!({"hits": [{"id": "1"}]})];
        let filled = filled(&expected, &answers).unwrap();
        let Value::Object(filled) = filled else {
            panic!("no object")
        };
        let example = json!({"note": "hello", "limit": 3});
        let made = arguments(&filled, example.as_object().unwrap()).unwrap();
        assert_eq!(
            Value::Object(made),
            json!({"id": "1", "note": "hello", "to": "a", "limit": 3})
        );
        assert!(
            arguments(&filled, &Map::new())
                .unwrap_err()
                .contains("note")
        );
        assert!(super::filled(&expected, &[]).is_err());
    }

    #[test]
    fn a_star_is_every_element() {
        let value = json!({"a": [{"b": [{"c": 1}, {"c": 2}]}, {"b": []}]});
        assert_eq!(at(&value, "/a/*/b/*/c"), json!([[1, 2], []]));
        assert_eq!(at(&value, "/a/0/b/1/c"), json!(2));
        assert_eq!(at(&value, "/x/*"), Value::Null);
    }
}
