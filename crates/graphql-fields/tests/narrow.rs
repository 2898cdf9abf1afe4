//! Leaving fields out of documents, and recognizing what is left.

use graphql_fields::{NarrowError, leave_out, restore};

const DEAL: &str = "# One deal,\n# with its tasks.\nquery Deal($id: UUID!, $s: String!) {\n  deal(filter: { id: { eq: $id }, amount: { gte: 3 }, note: { eq: \") } amount\" } }) {\n    id amount { micros currency } closeDate\n    firm { id name }\n    # field: next-step-field\n    tasks {\n      edges {\n        node { title }\n      }\n    }\n  }\n  others(first: 1) { edges { node { id } } }\n}\n";

fn without(paths: &[&[&str]]) -> Result<String, NarrowError> {
    leave_out(DEAL, |path| paths.contains(&path))
}

#[test]
fn field_left_out_stands_in_a_comment() {
    let narrowed = without(&[&["deal", "amount"]]).unwrap();
    let expected = DEAL.replacen(
        "amount { micros currency }",
        "\n# without: amount { micros currency }\n",
        1,
    );
    assert_eq!(narrowed, expected);
    let restored = restore(&narrowed).unwrap();
    assert_eq!(restored.document, DEAL);
    assert_eq!(
        restored.left_out,
        [["deal", "amount"].map(str::to_owned).to_vec()]
    );
}

#[test]
fn parent_without_fields_goes_as_a_whole() {
    let narrowed = without(&[
        &["deal", "tasks", "edges", "node", "title"],
        &["deal", "firm", "id"],
    ])
    .unwrap();
    assert!(narrowed.contains(
        "# without: tasks {\\n      edges {\\n        node { title }\\n      }\\n    }\n"
    ));
    assert!(narrowed.contains("firm { \n# without: id\n name }"));
    let restored = restore(&narrowed).unwrap();
    assert_eq!(restored.document, DEAL);
    assert_eq!(restored.left_out.len(), 2);
    assert_eq!(without(&[]).unwrap(), DEAL);
}

#[test]
fn what_cannot_be_left_out_is_refused() {
    // A root has arguments, and a deal without fields is none.
    assert_eq!(without(&[&["deal"]]), Err(NarrowError::Field));
    for (document, expected) in [
        ("{ a: b { c } }", NarrowError::Form),
        ("{ b @skip { c } }", NarrowError::Form),
        ("{ ...F } fragment F on X { id }", NarrowError::Form),
        ("{ b", NarrowError::Form),
        ("{ b(x: \"\"\"t\n\"\"\") }", NarrowError::Form),
        ("", NarrowError::Form),
        ("{ b { c } }", NarrowError::Nothing),
        ("{ a b { c # field: x\n d } }", NarrowError::Field),
    ] {
        let unwanted = |path: &[&str]| path == ["b"];
        assert_eq!(leave_out(document, unwanted), Err(expected), "{document}");
    }
}

/// A text that is not exactly what leaving fields out makes would hide more than fields: an
/// argument without which everything is read.
#[test]
fn only_whole_fields_are_recognized() {
    let cut = |what: &str| DEAL.replacen(what, &format!("\n# without: {what}\n"), 1);
    for what in [
        "filter: { id: { eq: $id }, amount: { gte: 3 }, note: { eq: \") } amount\" } }",
        "amount: { gte: 3 }",
        "(first: 1)",
        "first: 1",
        "$s: String!",
        "{ micros currency }",
        "id amount",
        "others(first: 1) { edges { node { id } } }",
        "query Deal",
        "",
    ] {
        assert_eq!(restore(&cut(what)), None, "{what}");
    }
    assert_eq!(restore(DEAL), None, "nothing was left out");
    let twice =
        cut("amount { micros currency }").replacen("closeDate", "\n# without: closeDate\n ", 1);
    assert_eq!(
        restore(&twice).map(|restored| restored.document == DEAL),
        Some(false),
        "another document"
    );
    assert_eq!(restore("{ a \n# without: b"), None);
    assert_eq!(restore("{ a \n# without: b } { c\n }"), None);
    assert!(restore("{ a \n# without: b\n }").is_some());
}
