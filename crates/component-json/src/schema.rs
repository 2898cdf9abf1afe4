//! Generates JSON Schema (draft 2020-12) from shapes. Types are inlined: there are no `$defs` to
//! look up.

use serde_json::{Map, Value, json};

use super::shape::{CaseShape, RecordShape, Shape};

/// Returns the JSON Schema of a shape.
#[must_use]
pub fn schema(shape: &Shape) -> Value {
    match shape {
        Shape::Bool => json!({"type": "boolean"}),
        // Integers beyond 2^53 are not exact in JSON, so they may also be given as text.
        Shape::Int(int) if int.is_wide() => json!({"type": ["integer", "string"]}),
        Shape::Int(int) => {
            let (low, high) = int.range();
            json!({"type": "integer", "minimum": low as i64, "maximum": high as i64})
        }
        Shape::Float32 | Shape::Float64 => json!({"type": "number"}),
        Shape::Char => json!({"type": "string", "minLength": 1, "maxLength": 1}),
        Shape::String => json!({"type": "string"}),
        Shape::List(item) => json!({"type": "array", "items": schema(item)}),
        Shape::Tuple(items) => {
            let count = items.len();
            let items: Vec<_> = items.iter().map(schema).collect();
            json!({"type": "array", "prefixItems": items, "items": false, "minItems": count, "maxItems": count})
        }
        Shape::Record(record) => object(record, None),
        Shape::Variant(cases) => json!({"oneOf": cases.iter().map(case).collect::<Vec<_>>()}),
        Shape::Enum(names) => json!({"type": "string", "enum": names}),
        Shape::Flags(names) => {
            json!({"type": "array", "items": {"type": "string", "enum": names}, "uniqueItems": true})
        }
        Shape::Option(inner) => json!({"anyOf": [schema(inner), {"type": "null"}]}),
        Shape::Result(ok, err) => {
            let side = |name: &str, shape: Option<&Shape>| {
                let value = shape.map_or_else(|| json!({"type": "null"}), schema);
                json!({"type": "object", "properties": {name: value}, "required": [name], "additionalProperties": false})
            };
            json!({"oneOf": [side("ok", ok.as_deref()), side("err", err.as_deref())]})
        }
    }
}

/// Returns the JSON Schema of an action's arguments: an object, empty if it takes none.
#[must_use]
pub fn arguments(record: Option<&RecordShape>) -> Value {
    record.map_or_else(
        || json!({"type": "object", "properties": {}, "additionalProperties": false}),
        |record| object(record, None),
    )
}

/// Returns the schema of an object with these fields; `tag` is the variant case that they belong
/// to.
fn object(record: &RecordShape, tag: Option<&str>) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    if let Some(tag) = tag {
        properties.insert("case".into(), json!({"const": tag}));
        required.push("case");
    }
    for field in &record.fields {
        // A missing field means `none`, so the property has the type of the option's value.
        let (inner, optional) = match &field.shape {
            Shape::Option(inner) => (inner.as_ref(), true),
            shape => (shape, false),
        };
        let mut property = schema(inner);
        describe(
            &mut property,
            field.docs.as_deref().or_else(|| type_docs(inner)),
        );
        properties.insert(field.json.clone(), property);
        if !optional {
            required.push(&field.json);
        }
    }
    let mut schema = json!({"type": "object", "properties": properties});
    if let Value::Object(members) = &mut schema {
        if !required.is_empty() {
            members.insert("required".into(), json!(required));
        }
        members.insert("additionalProperties".into(), json!(false));
    }
    schema
}

fn case(case: &CaseShape) -> Value {
    let empty = RecordShape {
        docs: None,
        fields: Vec::new(),
    };
    let mut schema = match (case.beside(), &case.payload) {
        (Some(record), _) => object(record, Some(&case.name)),
        (None, None) => object(&empty, Some(&case.name)),
        (None, Some(payload)) => {
            let optional = matches!(payload, Shape::Option(_));
            let inner = if let Shape::Option(inner) = payload {
                inner
            } else {
                payload
            };
            let required = if optional {
                json!(["case"])
            } else {
                json!(["case", "value"])
            };
            json!({
                "type": "object",
                "properties": {"case": {"const": case.name}, "value": schema(inner)},
                "required": required,
                "additionalProperties": false,
            })
        }
    };
    describe(&mut schema, case.docs.as_deref());
    schema
}

fn type_docs(shape: &Shape) -> Option<&str> {
    match shape {
        Shape::Record(record) => record.docs.as_deref(),
        _ => None,
    }
}

fn describe(schema: &mut Value, docs: Option<&str>) {
    if let (Value::Object(members), Some(docs)) = (schema, docs) {
        members.insert("description".into(), docs.into());
    }
}
