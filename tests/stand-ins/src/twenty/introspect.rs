//! Introspection: `__type` on the records' API, and the objects of the metadata API.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::catalogue::{CATALOGUE, Field, FieldSpec, FieldType, Object, composite, plain};
use super::checked::Type;
use super::standard::{ACTOR_SOURCE, STAGE, TASK_STATUS};
use super::value::{EnumType, Kind};

/// The type of this name as `__type` shows it; null if there is none.
pub(super) fn type_named(name: &str) -> Value {
    if let Some(members) = enums().find(|e| e.name == name) {
        let values: Vec<Value> = members
            .choices()
            .iter()
            .map(|(value, label, _)| json!({"name": value, "description": label}))
            .collect();
        return json!({"name": name, "kind": "ENUM", "enumValues": values, "fields": null});
    }
    let Some(object) = CATALOGUE.objects.iter().find(|o| o.spec.type_name == name) else {
        return Value::Null;
    };
    let fields: Vec<Value> = object
        .order
        .iter()
        .filter_map(|field| type_field(object, field))
        .collect();
    json!({"name": name, "kind": "OBJECT", "enumValues": null, "fields": fields})
}

fn enums() -> impl Iterator<Item = &'static EnumType> {
    let of_fields = CATALOGUE
        .objects
        .iter()
        .flat_map(|o| o.columns.iter())
        .filter_map(|c| match c.kind {
            Kind::Enum(members) => Some(members),
            _ => None,
        });
    [&STAGE, &TASK_STATUS, &ACTOR_SOURCE]
        .into_iter()
        .chain(of_fields)
}

fn type_field(object: &Object, name: &str) -> Option<Value> {
    let spec = object.spec.fields.iter().find(|f| f.name == name);
    let (kind, type_name) = match object.fields.get(name)? {
        Field::Elsewhere => return None,
        Field::Composite { composite, .. } => ("OBJECT", composite.type_name.to_owned()),
        Field::One { target, .. } => (
            "OBJECT",
            CATALOGUE.object(*target)?.spec.type_name.to_owned(),
        ),
        Field::Many { target, .. } => (
            "OBJECT",
            format!("{}Connection", CATALOGUE.object(*target)?.spec.type_name),
        ),
        Field::Plain(_) => match spec.map(|s| s.ty) {
            None => ("SCALAR", "ID".to_owned()),
            Some(FieldType::Select(members)) => ("ENUM", members.name.to_owned()),
            Some(FieldType::Uuid) => ("SCALAR", "UUID".to_owned()),
            Some(FieldType::DateTime) => ("SCALAR", "DateTime".to_owned()),
            Some(FieldType::Position) => ("SCALAR", "Position".to_owned()),
            Some(FieldType::Number) => ("SCALAR", "Float".to_owned()),
            Some(FieldType::TsVector) => ("SCALAR", "TSVector".to_owned()),
            Some(FieldType::RawJson | FieldType::Files) => ("SCALAR", "JSON".to_owned()),
            Some(_) => ("SCALAR", "String".to_owned()),
        },
    };
    let relation = matches!(
        object.fields.get(name),
        Some(Field::One { .. } | Field::Many { .. })
    );
    let required = !relation && spec.is_some_and(|s| !s.nullable);
    let ty = if required {
        json!({"name": null, "kind": "NON_NULL", "ofType": {"name": type_name, "kind": kind}})
    } else {
        json!({"name": type_name, "kind": kind, "ofType": null})
    };
    Some(json!({"name": name, "type": ty}))
}

/// `objects` of the metadata API.
pub(super) static OBJECT_CONNECTION: Type = Type {
    name: "ObjectConnection",
    fields: &[
        ("edges", Some(&OBJECT_EDGE)),
        ("pageInfo", Some(&PAGE_INFO)),
    ],
};
static OBJECT_EDGE: Type = Type {
    name: "ObjectEdge",
    fields: &[("node", Some(&OBJECT)), ("cursor", None)],
};
static PAGE_INFO: Type = Type {
    name: "PageInfo",
    fields: &[
        ("hasNextPage", None),
        ("hasPreviousPage", None),
        ("startCursor", None),
        ("endCursor", None),
    ],
};
static OBJECT: Type = Type {
    name: "Object",
    fields: &[
        ("id", None),
        ("nameSingular", None),
        ("namePlural", None),
        ("labelSingular", None),
        ("labelPlural", None),
        ("description", None),
        ("icon", None),
        ("isActive", None),
        ("isSystem", None),
        ("isSearchable", None),
        ("fieldsList", Some(&FIELD)),
    ],
};
static FIELD: Type = Type {
    name: "Field",
    fields: &[
        ("id", None),
        ("type", None),
        ("name", None),
        ("label", None),
        ("description", None),
        ("isActive", None),
        ("isSystem", None),
        ("isNullable", None),
        ("options", None),
    ],
};

/// Every object with its fields, as the metadata API lists them.
pub(super) fn objects() -> Vec<Value> {
    CATALOGUE.objects.iter().map(object).collect()
}

fn object(object: &Object) -> Value {
    let spec = object.spec;
    let fields: Vec<Value> = spec
        .fields
        .iter()
        .enumerate()
        .map(|(nth, f)| field(object, nth, f))
        .collect();
    json!({
        "id": meta_id(object.id, 0),
        "nameSingular": spec.singular,
        "namePlural": spec.plural,
        "labelSingular": spec.label,
        "labelPlural": spec.label_plural,
        "description": null,
        "icon": null,
        "isActive": true,
        "isSystem": spec.system,
        "isSearchable": !spec.searched.is_empty(),
        "fieldsList": fields,
    })
}

fn field(object: &Object, nth: usize, field: &FieldSpec) -> Value {
    let ty = match field.ty {
        FieldType::One(_) | FieldType::Many(..) | FieldType::Elsewhere => "RELATION",
        FieldType::Morph(_) => "MORPH_RELATION",
        other => plain(other)
            .map(|(_, name)| name)
            .or_else(|| composite(other).map(|c| c.metadata))
            .unwrap_or("TEXT"),
    };
    let options = match field.ty {
        FieldType::Select(members) => {
            let option = |(position, (value, label, color)): (usize, &(&str, &str, &str))| {
                let id = meta_id(object.id, 1000 * (nth + 1) + position);
                json!({"id": id, "color": color, "label": label, "value": value, "position": position})
            };
            Value::Array(members.choices().iter().enumerate().map(option).collect())
        }
        _ => Value::Null,
    };
    json!({
        "id": meta_id(object.id, nth + 1),
        "type": ty,
        "name": field.name,
        "label": label(field.name),
        "description": null,
        "isActive": true,
        "isSystem": matches!(field.name, "id" | "createdAt" | "updatedAt" | "deletedAt" | "position" | "searchVector"),
        "isNullable": field.nullable,
        "options": options,
    })
}

fn meta_id(object: usize, nth: usize) -> String {
    Uuid::from_u128(
        0x3e7a_da7a_0000_4000_8000_0000_0000_0000 | (object as u128) << 24 | nth as u128,
    )
    .to_string()
}

/// `closeDate` as people read it: `Close date`.
fn label(name: &str) -> String {
    let mut out = String::new();
    for (nth, letter) in name.chars().enumerate() {
        match (nth, letter.is_ascii_uppercase()) {
            (0, _) => out.push(letter.to_ascii_uppercase()),
            (_, true) => {
                out.push(' ');
                out.push(letter.to_ascii_lowercase());
            }
            _ => out.push(letter),
        }
    }
    out
}

/// One page of the objects: `paging.first` (10 without it), `paging.after`, `filter`.
pub(super) fn page(first: usize, after: Option<&str>, keep: impl Fn(&Value) -> bool) -> Value {
    let all: Vec<Value> = objects().into_iter().filter(|o| keep(o)).collect();
    let cursor = |object: &Value| object.get("id").cloned().unwrap_or_default();
    let start = after
        .and_then(|after| all.iter().position(|o| cursor(o) == after))
        .map_or(0, |at| at + 1);
    let rows: Vec<&Value> = all.iter().skip(start).take(first).collect();
    let mut info = Map::new();
    info.insert(
        "hasNextPage".to_owned(),
        json!(start + rows.len() < all.len()),
    );
    info.insert("hasPreviousPage".to_owned(), json!(start > 0));
    info.insert(
        "startCursor".to_owned(),
        rows.first().map_or(Value::Null, |o| cursor(o)),
    );
    info.insert(
        "endCursor".to_owned(),
        rows.last().map_or(Value::Null, |o| cursor(o)),
    );
    let edges: Vec<Value> = rows
        .into_iter()
        .map(|o| json!({"node": o, "cursor": cursor(o)}))
        .collect();
    json!({"edges": edges, "pageInfo": info})
}
