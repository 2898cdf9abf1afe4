//! The reach of the component, read from its own import list; and the harness, which knows nothing
//! of this CRM.

use std::fs;
use std::path::Path;

use wasmparser::{ComponentExternalKind, ComponentType, ComponentTypeRef, Parser, Payload};

/// Interfaces that the component may import, without their versions.
const ALLOWED: &[&str] = &[
    "wasi:http/types",
    "wasi:http/outgoing-handler",
    "wasi:config/store",
];
/// Packages of which it may import every interface.
const ALLOWED_PACKAGES: &[&str] = &["wasi:io", "wasi:clocks"];
/// Our own interfaces that only name types.
const TYPES: &[&str] = &["claw:skill/plan", "claw:skill/types", "claw:crm/types"];

/// Imported interfaces, each with how many functions it has.
fn imports(component: &[u8]) -> Vec<(String, usize)> {
    let mut imports = Vec::new();
    let mut functions_of_type: Vec<usize> = Vec::new();
    for payload in Parser::new(0).parse_all(component) {
        match payload.unwrap() {
            Payload::ComponentTypeSection(section) => {
                for ty in section {
                    let functions = match ty.unwrap() {
                        ComponentType::Instance(declarations) => declarations
                            .iter()
                            .filter(|declaration| {
                                matches!(
                                    declaration,
                                    wasmparser::InstanceTypeDeclaration::Export {
                                        ty: ComponentTypeRef::Func(_),
                                        ..
                                    }
                                )
                            })
                            .count(),
                        _ => 0,
                    };
                    functions_of_type.push(functions);
                }
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section {
                    if let wasmparser::ComponentAlias::InstanceExport {
                        kind: ComponentExternalKind::Type,
                        ..
                    } = alias.unwrap()
                    {
                        functions_of_type.push(0);
                    }
                }
            }
            Payload::ComponentImportSection(section) => {
                for import in section {
                    let import = import.unwrap();
                    let functions = match import.ty {
                        ComponentTypeRef::Instance(index) => {
                            functions_of_type[usize::try_from(index).unwrap()]
                        }
                        // Anything but an interface would be a function or a value of its own.
                        _ => 1,
                    };
                    imports.push((import.name.name.to_owned(), functions));
                }
            }
            // Nested components and modules have imports of their own, met by the outer one.
            Payload::ComponentSection { .. } | Payload::ModuleSection { .. } => break,
            _ => {}
        }
    }
    imports
}

#[test]
fn component_imports_are_as_listed() {
    let imports = imports(&crm_tests::component());
    assert!(imports.len() >= 8, "the list was not read: {imports:?}");
    assert!(
        imports
            .iter()
            .any(|(name, functions)| name.starts_with("wasi:http/types@") && *functions > 0),
        "functions were not counted: {imports:?}"
    );
    for (name, functions) in imports {
        let interface = name.split('@').next().unwrap();
        let package = interface.split('/').next().unwrap();
        let types_only = TYPES.contains(&interface) && functions == 0;
        assert!(
            ALLOWED.contains(&interface) || ALLOWED_PACKAGES.contains(&package) || types_only,
            "the component imports {name} ({functions} functions)"
        );
    }
}

#[test]
fn component_carries_its_wit_docs() {
    let component = crm_tests::component();
    let named: Vec<String> = Parser::new(0)
        .parse_all(&component)
        .filter_map(|payload| match payload.unwrap() {
            Payload::CustomSection(section) => Some(section.name().to_owned()),
            _ => None,
        })
        .collect();
    for section in ["wit-docs:claw:skill@0.1.0", "wit-docs:claw:crm@0.1.0"] {
        assert!(
            named.iter().any(|name| name == section),
            "{section} is missing: {named:?}"
        );
    }
}

/// Words of this CRM and its neighbours that have no place in the harness.
const DOMAIN: &[&str] = &[
    "twenty",
    "opportunit",
    "taskTarget",
    "timelineActiv",
    "workspaceMember",
    "closeDate",
    "tezit",
    "/tez/",
    "surfaceText",
    "paEmail",
    "crm.contact",
    "crm_search",
    "follow_ups",
    "follow-ups",
    "blockers",
    "briefing",
];

fn sources(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn the_harness_knows_nothing_of_this_crm() {
    let mut files = Vec::new();
    sources(&crm_tests::root().join("host-harness/src"), &mut files);
    assert!(files.len() > 20, "the sources were not found: {files:?}");
    let mut found = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for (number, line) in text.lines().enumerate() {
            let lower = line.to_lowercase();
            if let Some(word) = DOMAIN
                .iter()
                .find(|word| lower.contains(&word.to_lowercase()))
            {
                found.push(format!("{}:{}: {word}", file.display(), number + 1));
            }
        }
    }
    assert!(
        found.is_empty(),
        "the harness speaks of the CRM:\n{}",
        found.join("\n")
    );
}

#[test]
fn example_operator_file_fits_the_manifest() {
    let root = crm_tests::root();
    let manifest = crm_harness::config::Manifest::read(&root.join("manifests/skill.toml")).unwrap();
    let path = root.join("manifests/operator.example.toml");
    // The key that it names is on no other machine; a variable stands in for the file.
    let text = fs::read_to_string(&path)
        .unwrap()
        .replace("file:/etc/crm-harness/twenty.key", "env:KEY");
    // What it offers in comments fits as well.
    let commented = "# next-step-field = ";
    assert!(text.contains(commented));
    let text = text.replace(commented, "next-step-field = ");
    let operator = crm_harness::config::Operator::parse(&text, &path).unwrap();
    let environment = |name: &str| (name == "KEY").then(|| "a key".to_owned());
    let flags = crm_harness::config::Flags::default();
    let setup =
        crm_harness::Setup::resolve(manifest, Some(&operator), flags, &environment).unwrap();
    assert_eq!(setup.limits.time_ms, 15_000);
    let as_shipped =
        crm_harness::config::Operator::parse(&fs::read_to_string(&path).unwrap(), &path).unwrap();
    let findings = crm_harness::config::lint::lint(&setup.manifest, Some(&as_shipped));
    assert_eq!(findings, [], "lint finds something in what is shipped");
    assert_eq!(setup.settings["next-step-field"], "nextStep");
    assert_eq!(
        setup.callers["robin"].email.as_deref(),
        Some("robin@example.com")
    );
}
