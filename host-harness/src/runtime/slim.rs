//! Shortens the input schemas of listed tools, since a model reads them with every prompt. The
//! harness validates arguments against the full schema regardless.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Stop words, ignored where a description is compared with a name.
const EMPTY: [&str; 12] = [
    "a", "an", "the", "it", "its", "their", "of", "is", "to", "as", "this", "that",
];
/// Largest values of integer types: bounds of the type, not of the skill.
const WIDEST: [i64; 4] = [
    u8::MAX as i64,
    u16::MAX as i64,
    u32::MAX as i64,
    i32::MAX as i64,
];

/// Removes `additionalProperties`, bounds that come from the type alone, descriptions that only
/// repeat the name, and descriptions that were given before for the same name.
pub(super) fn slim(schema: &mut Map<String, Value>) {
    walk(schema, &mut BTreeSet::new());
}

fn walk(schema: &mut Map<String, Value>, told: &mut BTreeSet<(String, String)>) {
    schema.remove("additionalProperties");
    let widest = schema.get("maximum").and_then(Value::as_i64);
    if widest.is_some_and(|most| WIDEST.contains(&most)) {
        schema.remove("minimum");
        schema.remove("maximum");
    }
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        for (name, property) in properties {
            if let Value::Object(property) = property {
                describe(name, property, told);
                walk(property, told);
            }
        }
    }
    for several in ["oneOf", "anyOf", "prefixItems"] {
        if let Some(Value::Array(schemas)) = schema.get_mut(several) {
            for inner in schemas {
                if let Value::Object(inner) = inner {
                    if let Some(name) = case(inner) {
                        describe(&name, inner, told);
                    }
                    walk(inner, told);
                }
            }
        }
    }
    if let Some(Value::Object(items)) = schema.get_mut("items") {
        walk(items, told);
    }
}

/// Returns the name of a variant's case.
fn case(schema: &Map<String, Value>) -> Option<String> {
    let name = schema.get("properties")?.get("case")?.get("const")?;
    name.as_str().map(str::to_owned)
}

/// Removes a description that adds nothing to the name, or was given before.
fn describe(name: &str, schema: &mut Map<String, Value>, told: &mut BTreeSet<(String, String)>) {
    let Some(description) = schema.get("description").and_then(Value::as_str) else {
        return;
    };
    let named = words(name);
    let restates = words(description)
        .iter()
        .all(|word| EMPTY.contains(&word.as_str()) || named.contains(word));
    if restates || !told.insert((name.to_owned(), description.to_owned())) {
        schema.remove("description");
    }
}

/// Returns the words of a text, or of a name in camel case, in lower case.
fn words(text: &str) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    let mut word = String::new();
    // `e-mail` is `email`.
    for c in text.chars().filter(|c| *c != '-') {
        if !c.is_alphanumeric() || c.is_uppercase() {
            words.insert(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
    }
    words.insert(word);
    words.remove("");
    words
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn redundant_parts_of_a_schema_are_left_out() {
        let item = json!({"type": "object", "additionalProperties": false, "properties": {
            "name": {"type": "string", "description": "Its name in the service."},
        }, "required": ["name"]});
        let case = json!({"type": "object", "additionalProperties": false, "description": "A person.", "properties": {
            "case": {"const": "person"},
            "firstName": {"type": "string", "description": "First name."},
            "jobTitle": {"type": "string", "description": "Their job title, as they write it."},
            "more": {"type": "array", "items": item, "description": "More."},
        }});
        let mut schema = json!({"type": "object", "additionalProperties": false, "required": ["what"], "properties": {
            "what": {"oneOf": [case, case], "description": "What to set."},
            "count": {"type": "integer", "minimum": 0, "maximum": 4_294_967_295_u32},
            "limit": {"type": "integer", "minimum": 1, "maximum": 50},
        }});
        let Value::Object(schema) = &mut schema else {
            panic!("no object")
        };
        slim(schema);
        let items = |name: Value| json!({"type": "object", "properties": {"name": name}, "required": ["name"]});
        let case = |job: Value, name: Value| {
            json!({"type": "object", "properties": {
                "case": {"const": "person"},
                "firstName": {"type": "string"},
                "jobTitle": job,
                "more": {"type": "array", "items": items(name)},
            }})
        };
        let told = json!({"type": "string", "description": "Their job title, as they write it."});
        let named = json!({"type": "string", "description": "Its name in the service."});
        let plain = json!({"type": "string"});
        let expected = json!({"type": "object", "required": ["what"], "properties": {
            "what": {"oneOf": [case(told, named), case(plain.clone(), plain)], "description": "What to set."},
            "count": {"type": "integer"},
            "limit": {"type": "integer", "minimum": 1, "maximum": 50},
        }});
        assert_eq!(Value::Object(schema.clone()), expected);
    }
}
