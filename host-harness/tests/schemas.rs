//! The schemas that editors use are those of the types.

use std::path::Path;

use crm_harness::config::schema::{manifest_schema, operator_schema};
use serde_json::{Value, json};

fn shipped(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../manifests/schemas")
        .join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn shipped_schemas_are_current() {
    for (command, name, schema) in [
        ("skill", "skill.schema.json", manifest_schema()),
        ("operator", "operator.schema.json", operator_schema()),
    ] {
        assert_eq!(
            shipped(name),
            format!("{schema:#}\n"),
            "run `crm-harness schema {command} > manifests/schemas/{name}`"
        );
    }
}

#[test]
fn schema_says_what_a_reader_checks() {
    let schema = operator_schema();
    assert_eq!(
        schema["additionalProperties"],
        json!(false),
        "a misspelled key"
    );
    let grant = &schema["$defs"]["GrantSection"];
    assert_eq!(grant["required"], json!(["origin"]));
    assert_eq!(
        grant["properties"]["allow-loopback"]["default"],
        json!(false)
    );
    let rate = &schema["$defs"]["Rate"]["properties"]["requests"];
    assert_eq!(
        (&rate["minimum"], &rate["maximum"]),
        (&json!(1), &json!(100_000))
    );

    let limits = &manifest_schema()["$defs"]["Limits"]["properties"]["time-ms"];
    assert_eq!(
        limits["description"],
        json!("Wall-clock time in milliseconds, 1 to 600000.")
    );
}

#[test]
fn every_key_has_a_description() {
    fn walk(at: &str, value: &Value, missing: &mut Vec<String>) {
        let Some(object) = value.as_object() else {
            return;
        };
        if let Some(properties) = object.get("properties").and_then(Value::as_object) {
            for (name, property) in properties {
                if property.get("description").is_none() {
                    missing.push(format!("{at}.{name}"));
                }
            }
        }
        for (name, inner) in object {
            walk(&format!("{at}.{name}"), inner, missing);
        }
    }
    let mut missing = Vec::new();
    walk("skill", &manifest_schema(), &mut missing);
    walk("operator", &operator_schema(), &mut missing);
    assert!(missing.is_empty(), "{missing:#?}");
}
