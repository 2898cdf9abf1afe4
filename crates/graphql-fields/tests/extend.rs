//! Properties of extended documents, for documents and names of any kind.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use apollo_parser::Parser;
use apollo_parser::cst::{CstNode as _, Definition, Selection};
use graphql_fields::{ExtendError, LONGEST, check_field, extend, settings};
use proptest::prelude::*;

const DEAL: &str = "# A deal.\nquery Deal($id: UUID!) {\n  deal(filter: { id: { eq: $id } }) {\n    id\n    # field: next-step-field\n    # field: mood-field\n    name\n  }\n}\n";

#[test]
fn field_is_written_on_its_own_line_after_marker() {
    let extended = extend(DEAL, |setting| (setting == "mood-field").then_some("mood2")).unwrap();
    assert_eq!(
        extended,
        DEAL.replace("    name\n", "    mood2\n    name\n")
    );
    assert_eq!(
        settings(DEAL).unwrap().collect::<Vec<_>>(),
        ["next-step-field", "mood-field"]
    );
}

#[test]
fn added_line_keeps_breaks_and_indentation() {
    for (document, expected) in [
        (
            "{\r\n\t# field: a\r\n}\r\n",
            "{\r\n\t# field: a\r\n\tx\r\n}\r\n",
        ),
        ("{ id\n# field: a\n}", "{ id\n# field: a\nx\n}"),
        ("# field: a", "# field: a\nx\n"),
    ] {
        assert_eq!(extend(document, |_| Some("x")).unwrap(), expected);
    }
}

#[test]
fn what_is_no_name_of_a_field_is_refused() {
    let longest = "a".repeat(LONGEST);
    for good in ["a", "nextStep", "x1", &longest] {
        assert_eq!(check_field(good), Ok(()), "{good}");
    }
    let too_long = "a".repeat(LONGEST + 1);
    for wrong in [
        "",
        " nextStep",
        "nextStep ",
        "NextStep",
        "_next",
        "next_step",
        "__typename",
        "1st",
        "next step",
        "next,step",
        "a:b",
        "a{b}",
        "a(b:1)",
        "a@skip",
        "...F",
        "a\nb",
        "a#",
        "a.b",
        "nächster",
        "a\u{200b}b",
        "a\0",
        "$a",
        &too_long,
    ] {
        assert!(check_field(wrong).is_err(), "{wrong:?}");
        let error = extend(DEAL, |_| Some(wrong)).unwrap_err();
        assert_eq!(error.code(), "document-field");
        assert!(error.to_string().contains("next-step-field"), "{error}");
    }
}

#[test]
fn malformed_marker_is_an_error() {
    for wrong in [
        "# field:",
        "# field: ",
        "# field:a",
        "# field:  a",
        "# field: A",
        "# field: a b",
        "# field: a ",
        "# field: a\rname",
        "# field: a_b",
    ] {
        let document = format!("{{\n  {wrong}\n}}\n");
        assert_eq!(
            extend(&document, |_| Some("x")).unwrap_err(),
            ExtendError::Marker { line: 2 },
            "{wrong:?}"
        );
        assert!(settings(&document).is_err());
    }
    // Other comments are comments.
    for comment in ["# fields: a", "#field: a", "id # field: a", "## field: a"] {
        let document = format!("{{\n  {comment}\n}}\n");
        assert!(matches!(
            extend(&document, |_| Some("x")),
            Ok(Cow::Borrowed(_))
        ));
    }
}

#[test]
fn a_place_within_a_block_string_is_refused() {
    let document = "{\n  a(b: \"\"\"\n  # field: c\n  \"\"\")\n}\n";
    assert_eq!(
        extend(document, |_| Some("x")).unwrap_err(),
        ExtendError::BlockString { line: 2 }
    );
}

/// The plain fields of the only root of a document, which must parse.
fn selected(document: &str) -> Vec<String> {
    let parsed = Parser::new(document).parse();
    let errors: Vec<_> = parsed.errors().collect();
    assert!(errors.is_empty(), "{document}: {errors:?}");
    let definitions: Vec<_> = parsed.document().definitions().collect();
    let [Definition::OperationDefinition(query)] = definitions.as_slice() else {
        panic!("not one query: {document}")
    };
    let kind = query.operation_type();
    assert!(kind.is_none_or(|kind| kind.query_token().is_some()));
    let roots: Vec<_> = query.selection_set().unwrap().selections().collect();
    let [Selection::Field(root)] = roots.as_slice() else {
        panic!("not one root: {document}")
    };
    root.selection_set()
        .unwrap()
        .selections()
        .map(|item| match item {
            Selection::Field(field)
                if field.alias().is_none()
                    && field.arguments().is_none()
                    && field.directives().is_none()
                    && field.selection_set().is_none() =>
            {
                field.name().unwrap().text().to_string()
            }
            other => panic!("no plain field: {}", other.source_string()),
        })
        .collect()
}

/// Lines of a selection: plain fields, comments, places. No block strings: a document that has both
/// those and a place is refused (`a_place_within_a_block_string_is_refused`).
fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z][A-Za-z0-9]{0,8}",
        "# [^\r\n]{0,12}".prop_filter("no place, no block string", |line| {
            !line.starts_with("# field:") && !line.contains("\"\"\"")
        }),
        "# field: [a-c]",
    ]
}

proptest! {
    #[test]
    fn only_named_fields_are_added(
        lines in proptest::collection::vec(line(), 1..12),
        mapped in proptest::collection::btree_map("[a-d]", "[a-z][A-Za-z0-9]{0,62}", 0..4),
    ) {
        let document = format!("query Q {{\n  root {{\n    first\n    {}\n  }}\n}}\n", lines.join("\n    "));
        let extended = extend(&document, |setting| mapped.get(setting)).unwrap();
        // What a reader of GraphQL sees: the fields of before, and after each place the one that
        // was named.
        let mut expected = vec!["first".to_owned()];
        for line in &lines {
            if let Some(setting) = line.strip_prefix("# field: ") {
                expected.extend(mapped.get(setting).cloned());
            } else if !line.starts_with('#') {
                expected.push(line.clone());
            }
        }
        prop_assert_eq!(selected(&extended), expected);
        // Taking the added lines out again gives the document to the byte.
        let mut original = String::new();
        let mut kept = document.split_inclusive('\n').peekable();
        for line in extended.split_inclusive('\n') {
            if kept.peek() == Some(&line) {
                original.push_str(kept.next().unwrap());
            }
        }
        prop_assert_eq!(&original, &document);
    }

    #[test]
    fn the_order_of_the_settings_does_not_matter(
        mapped in proptest::collection::btree_map("[a-c]", "[a-z][A-Za-z0-9]{0,8}", 0..4),
    ) {
        let document = "{\n  # field: c\n  # field: a\n  # field: b\n}\n";
        let hashed: HashMap<String, String> = mapped.clone().into_iter().collect();
        let reversed: Vec<(&String, &String)> = mapped.iter().rev().collect();
        let sorted = extend(document, |setting| mapped.get(setting)).unwrap();
        prop_assert_eq!(&sorted, &extend(document, |setting| hashed.get(setting)).unwrap());
        let listed = |setting: &str| reversed.iter().find(|(key, _)| *key == setting).map(|(_, name)| *name);
        prop_assert_eq!(&sorted, &extend(document, listed).unwrap());
    }

    #[test]
    fn any_text_is_extended_or_refused(document in "(\\PC|\n|\r|# field: a|\"|\\{|\\}){0,64}") {
        if let Ok(extended) = extend(&document, |_| None::<&str>) {
            prop_assert!(matches!(extended, Cow::Borrowed(text) if text == document));
            let places = settings(&document).unwrap().count();
            let extended = extend(&document, |_| Some("x")).unwrap();
            let grown = extended.len() - document.len();
            prop_assert_eq!(grown == 0, places == 0);
        }
    }

    #[test]
    fn different_fields_give_different_documents(one in "[a-z][A-Za-z0-9]{0,8}", other in "[a-z][A-Za-z0-9]{0,8}") {
        let with = |name: &str| extend(DEAL, |_| Some(name)).unwrap().into_owned();
        prop_assert_eq!(with(&one) == with(&other), one == other);
        prop_assert_ne!(with(&one), DEAL);
    }

    #[test]
    fn no_text_but_a_plain_name_gets_in(name in "\\PC{0,70}") {
        let fields: BTreeMap<&str, &str> = BTreeMap::from([("next-step-field", name.as_str())]);
        if let Ok(extended) = extend(DEAL, |setting| fields.get(setting)) {
            prop_assert_eq!(selected_of_deal(&extended), ["id", name.as_str(), "name"]);
        }
    }
}

fn selected_of_deal(document: &str) -> Vec<String> {
    // The root's own argument is no matter here.
    selected(
        &document
            .replace("($id: UUID!)", "")
            .replace("(filter: { id: { eq: $id } })", ""),
    )
}
