//! Input schemas without what a model does not need to read: every one of these bytes is in front of it all the time. The harness
//! holds arguments against the whole schema whatever is left out here.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Words that say nothing by themselves.
const EMPTY: [&str; 12] = [
    "a", "an", "the", "it", "its", "their", "of", "is", "to", "as", "this", "that",
];
/// The largest numbers of types: no bound that somebody has set.
const WIDEST: [i64; 4] = [
    u8::MAX as i64,
    u16::MAX as i64,
    u32::MAX as i64,
    i32::MAX as i64,
];

/// Leaves out that nothing else may be given, bounds that are the type's own, descriptions that say what the name says, and those
/// that stand at the same name before.
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

/// The name of a variant's case.
fn case(schema: &Map<String, Value>) -> Option<String> {
    let name = schema.get("properties")?.get("case")?.get("const")?;
    name.as_str().map(str::to_owned)
}

/// Takes a description away that tells nothing new.
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

/// The words of a text or of a name in camel case, in small letters.
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
    fn what_is_left_out_is_what_a_model_knows_anyway() {
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
