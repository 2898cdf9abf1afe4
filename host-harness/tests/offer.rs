//! Checks of a component's exports and imports: tools, texts, schemas, refusals, and the code
//! cache.

mod common;

use crm_harness::{Harness, LoadError, Parts, Setup, StartError, storage};
use serde_json::json;

#[test]
fn read_functions_are_tools_with_descriptions() {
    let harness = common::guest("");
    let names: Vec<_> = harness
        .tools()
        .iter()
        .map(|tool| tool.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "guest_echo",
            "guest_spin",
            "guest_grow",
            "guest_broken",
            "guest_nothing_found",
            "guest_count_up"
        ]
    );
    assert_eq!(
        harness.tools()[0].description,
        "Answers with what it was given."
    );
    assert_eq!(
        harness.tools()[0].input_schema(),
        json!({
            "type": "object",
            "properties": {
                "someText": {"type": "string", "description": "Some text."},
                "count": {"type": "integer", "minimum": 0, "maximum": 4_294_967_295_u32, "description": "A count."},
                "colour": {"type": "string", "enum": ["red", "dark-green"], "description": "A colour."},
                "ratio": {"type": "number", "description": "A ratio."},
                "pick": {
                    "oneOf": [
                        {
                            "type": "object", "properties": {"case": {"const": "nothing"}},
                            "required": ["case"], "additionalProperties": false,
                        },
                        {
                            "type": "object",
                            "properties": {
                                "case": {"const": "numbered"},
                                "value": {"type": "integer", "minimum": 0, "maximum": 4_294_967_295_u32},
                            },
                            "required": ["case", "value"], "additionalProperties": false,
                            "description": "By number.",
                        },
                        {
                            "type": "object",
                            "properties": {
                                "case": {"const": "named"},
                                "name": {"type": "string", "description": "Its name."},
                            },
                            "required": ["case", "name"], "additionalProperties": false,
                        },
                    ],
                    "description": "Pick one.",
                },
            },
            "required": ["someText", "count", "ratio", "pick"],
            "additionalProperties": false,
        })
    );
    assert_eq!(
        harness.tools()[1].input_schema(),
        json!({"type": "object", "properties": {}, "additionalProperties": false})
    );
}

#[test]
fn tools_without_docs_have_no_descriptions() {
    let bytes = common::component(common::WIT, common::WAT, false);
    let harness = common::load(&bytes, common::manifest("")).unwrap();
    assert_eq!(harness.tools().len(), 6);
    assert!(
        harness
            .tools()
            .iter()
            .all(|tool| tool.description.is_empty())
    );
    assert!(
        !harness.tools()[0]
            .input_schema()
            .to_string()
            .contains("description")
    );
}

/// A guest whose world imports something.
fn importing(import: &str, interface: &str) -> (String, String) {
    let wit = format!(
        "package test:guest@0.1.0;\ninterface door {{ {interface} }}\n\
         interface read {{ variant failure {{ other }} go: func() -> result<u32, failure>; }}\n\
         world guest {{ {import} export read; }}"
    );
    let imported = if import.is_empty() {
        ""
    } else {
        "(import \"test:guest/door@0.1.0\" \"open\" (func))"
    };
    let wat = format!(
        "(module {imported} (memory (export \"memory\") 1)
           (func (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32) (i32.const 64))
           (func (export \"test:guest/read@0.1.0#go\") (result i32) (i32.const 64)))"
    );
    (wit, wat)
}

#[test]
fn forbidden_import_is_refused_by_name() {
    let (wit, wat) = importing("import door;", "open: func();");
    match common::load(&common::component(&wit, &wat, false), common::manifest(""))
        .err()
        .unwrap()
    {
        StartError::Component(LoadError::Import(name)) => assert_eq!(name, "test:guest/door@0.1.0"),
        other => panic!("{other}"),
    }
    let (wit, wat) = importing("", "open: func();");
    assert!(common::load(&common::component(&wit, &wat, false), common::manifest("")).is_ok());
}

#[test]
fn types_only_import_is_allowed() {
    // The guest of the other tests uses a types interface, which its component therefore imports.
    let harness = common::guest("");
    assert_eq!(
        harness.skill().inspection().imports,
        ["test:guest/types@0.1.0"]
    );
}

#[test]
fn a_function_of_another_form_is_refused_by_name() {
    for (function, told) in [
        ("go: func(a: u32) -> result<u32, failure>;", "no record"),
        (
            "go: func(a: thing, b: thing) -> result<u32, failure>;",
            "several parameters",
        ),
        ("go: func();", "returns nothing"),
        ("go: func() -> u32;", "does not return a result"),
        ("go: func() -> result<u32>;", "no failure"),
        (
            "go: func() -> result<option<option<u32>>, failure>;",
            "an option inside an option",
        ),
        (
            "resource r; go: func() -> result<r, failure>;",
            "a resource",
        ),
    ] {
        let wit = format!(
            "package test:guest@0.1.0;\n\
             interface read {{ record thing {{ a: u32 }} variant failure {{ other }} {function} }}\n\
             world guest {{ export read; }}"
        );
        let mut resolve = wit_parser::Resolve::default();
        let package = resolve.push_str("guest.wit", &wit).unwrap();
        let world = resolve.select_world(&[package], Some("guest")).unwrap();
        let mangling = wit_parser::ManglingAndAbi::Standard32;
        let mut module = wit_component::dummy_module(&resolve, world, mangling);
        wit_component::embed_component_metadata(
            &mut module,
            &resolve,
            world,
            wit_component::StringEncoding::UTF8,
        )
        .unwrap();
        let bytes = wit_component::ComponentEncoder::default()
            .module(&module)
            .unwrap()
            .encode()
            .unwrap();
        let error = common::load(&bytes, common::manifest("")).err().unwrap();
        assert!(
            matches!(error, StartError::Component(LoadError::Tool(_))),
            "{function}: {error}"
        );
        let text = error.to_string();
        assert!(text.contains("`go`") && text.contains(told), "{text}");
    }
}

#[test]
fn component_without_actions_is_refused() {
    let wit = |exports: &str| {
        format!(
            "package test:guest@0.1.0;\n\
             interface read {{ variant failure {{ other }} go: func() -> result<u32, failure>; }}\n\
             interface propose {{ variant failure {{ other }} plan: func() -> result<u32, failure>; }}\n\
             interface other {{ plan: func() -> u32; }}\n\
             world guest {{ {exports} }}"
        )
    };
    let load = |exports: &str| {
        let mut resolve = wit_parser::Resolve::default();
        let package = resolve.push_str("guest.wit", &wit(exports)).unwrap();
        let world = resolve.select_world(&[package], Some("guest")).unwrap();
        let mut module =
            wit_component::dummy_module(&resolve, world, wit_parser::ManglingAndAbi::Standard32);
        wit_component::embed_component_metadata(
            &mut module,
            &resolve,
            world,
            wit_component::StringEncoding::UTF8,
        )
        .unwrap();
        let bytes = wit_component::ComponentEncoder::default()
            .module(&module)
            .unwrap()
            .encode()
            .unwrap();
        common::load(&bytes, common::manifest(""))
    };
    assert!(matches!(
        load("export other;").err().unwrap(),
        StartError::Component(LoadError::NoActions(_))
    ));
    assert!(matches!(
        load("export read; export propose;").err().unwrap(),
        StartError::Component(LoadError::NoJudge(_))
    ));
    let harness = load("export read; export other;").unwrap();
    assert_eq!(harness.tools().len(), 1);
    let exports = &harness.skill().inspection().exports;
    let other = exports
        .iter()
        .find(|exported| exported.interface == "test:guest/other@0.1.0")
        .unwrap();
    assert!(other.not_offered.is_some());
}

#[test]
fn a_second_start_compiles_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let directory = storage::private_directory(&folder.path().join("code")).unwrap();
    let bytes = common::component(common::WIT, common::WAT, true);
    let load = || {
        let setup =
            Setup::resolve(common::manifest(""), None, Default::default(), &|_| None).unwrap();
        Harness::load(&bytes, setup, Parts::default(), Some(&directory)).unwrap()
    };
    assert!(load().skill().was_compiled());
    assert!(!load().skill().was_compiled());
}
