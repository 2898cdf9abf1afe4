//! Sources of trusted documents: what is sent of them, and what is refused.

use apollo_parser::cst::CstNode as _;
use apollo_parser::{Lexer, TokenKind};
use proptest::prelude::*;
use trusted_documents::{FileError, Schema, Sources, parse, type_name};

const SCHEMA: &str = r#"
"Where records are."
directive @record(
  "As the service names it."
  kind: Kind!
  at: String!
  owner: [String!]
) repeatable on QUERY | MUTATION
directive @length(least: Int!, most: Int!) on VARIABLE_DEFINITION
directive @cacheable(seconds: Int!) on QUERY
directive @field(setting: String!) repeatable on FIELD
directive @everywhere on FRAGMENT_SPREAD | INLINE_FRAGMENT | FRAGMENT_DEFINITION | SUBSCRIPTION
enum Kind { deal firm }
"#;

fn schema() -> Schema {
    Schema::read(SCHEMA).unwrap()
}

fn text(source: &str) -> String {
    let document = schema().document(source);
    document.unwrap_or_else(|e| panic!("{source}: {e}")).text
}

#[test]
fn directives_are_read_and_taken_out() {
    let source = "# A deal, with its firm.
query Deal($id: UUID!, $open: [Mood!]! @length(least: 1, most: 100))
  @record(kind: deal, at: \"/deal\", owner: [\"/a\", \"/b\"])
  @record(kind: firm, at: \"/deal/firm\", owner: \"/c\")
{
  deal(filter: { id: { eq: $id } }) @field(setting: \"mood-field\") @field(setting: \"next\") {
    id # and nothing else
  }
}
";
    let document = schema().document(source).unwrap();
    assert_eq!(
        document.text,
        "# A deal, with its firm.
query Deal($id: UUID!, $open: [Mood!]!) {
  deal(filter: { id: { eq: $id } }) {
    id # and nothing else
    # field: mood-field
    # field: next
  }
}
"
    );
    let [length, deal, firm, field, _] = document.directives.as_slice() else {
        panic!("{:?}", document.directives)
    };
    assert_eq!((length.name(), length.line()), ("length", 2));
    assert_eq!(length.variable(), Some("open"));
    assert_eq!(length.number("most"), Some(100));
    assert_eq!(length.text("most"), None);
    assert_eq!((deal.line(), deal.variable()), (3, None));
    assert_eq!(deal.text("kind"), Some("deal"));
    assert_eq!(deal.texts("owner"), Some(vec!["/a", "/b"]));
    assert_eq!(firm.texts("owner"), Some(vec!["/c"]));
    assert_eq!(firm.texts("at"), None);
    assert_eq!(field.written(), "@field(setting: \"mood-field\")");
}

#[test]
fn everything_else_stays_to_the_byte() {
    for (source, expected) in [
        ("{ a }", "{ a }"),
        ("query Q @cacheable(seconds: 1) { a }", "query Q { a }"),
        ("query Q@cacheable(seconds:1){a}", "query Q {a}"),
        ("query @cacheable(seconds: 1) { a }", "query { a }"),
        (
            "query Q\r\n  @cacheable(seconds: 1) # kept for a second\r\n  @record(kind: deal, at: \"/)\")\r\n{\r\n  a\r\n}\r\n",
            "query Q {\r\n  a\r\n}\r\n",
        ),
        (
            "query Q @cacheable(seconds: 1) # that long\n{ a }",
            "query Q # that long\n{ a }",
        ),
        (
            "query Q($a: Int @length(least: 1, most: 2), $b: Int) { a }",
            "query Q($a: Int, $b: Int) { a }",
        ),
        (
            "query Q(\n  $a: Int = 3\n    @length(least: 1, most: 2)\n  $b: Int\n) { a }",
            "query Q(\n  $a: Int = 3\n  $b: Int\n) { a }",
        ),
        (
            "query Q($a: Int@length(least:1,most:2)$b: Int@length(least:1,most:2)) { a }",
            "query Q($a: Int $b: Int) { a }",
        ),
        (
            "{ ...F@everywhere a ... on B @everywhere { c }d } fragment F on A @everywhere { b }",
            "{ ...F a ... on B { c }d } fragment F on A { b }",
        ),
        ("{ ...F@everywhere\n\na }", "{ ...F\n\na }"),
        (
            "{ a(b: \"@cacheable(seconds: 1)\") # @cacheable(seconds: 1)\n}",
            "{ a(b: \"@cacheable(seconds: 1)\") # @cacheable(seconds: 1)\n}",
        ),
        (
            "{ a @field(setting: \"b\") { c } d }",
            "{ a { c \n# field: b\n} d }",
        ),
        (
            "{\n\ta @field(setting: \"b\") {\n\t\tc { d }\n\t}\n}",
            "{\n\ta {\n\t\tc { d }\n\t  # field: b\n\t}\n}",
        ),
        (
            "{ a @field(setting: \"b\") { c @field(setting: \"d\") { e } } }",
            "{ a { c { e \n# field: d\n} \n# field: b\n} }",
        ),
    ] {
        assert_eq!(text(source), expected, "{source:?}");
        // What is sent has nothing to take out.
        if !expected.contains("# field") {
            assert_eq!(text(expected), expected);
        }
    }
}

#[test]
fn place_for_a_field_is_extended() {
    let text = text("{ a @field(setting: \"b\") { c } }");
    let extended = graphql_fields::extend(&text, |_| Some("mood")).unwrap();
    assert_eq!(extended, "{ a { c \n# field: b\nmood\n} }");
}

#[test]
fn wrong_source_names_line_and_fix() {
    for (source, code, expected) in [
        ("", "source-syntax", "line 1: this is no GraphQL"),
        ("{ a", "source-syntax", "line 1: this is no GraphQL"),
        (
            "{ a }\ntype B { c: Int }",
            "source-definition",
            "line 2: a document holds operations and fragments alone",
        ),
        (
            "{ a(b: \"\"\"c\"\"\") }",
            "source-block-string",
            "single quotation marks",
        ),
        (
            "{ a\n# \"\"\"\n}",
            "source-block-string",
            "line 2: write no `\"\"\"`",
        ),
        (
            "# A deal.\n# record: deal /deal\n{ a }",
            "directive-comment",
            "line 2: this comment tells the host nothing: write the directive `@record(…)`",
        ),
        (
            "{ a {\n  b\n  #field : c\n} }",
            "directive-comment",
            "line 3",
        ),
        (
            "query Q($a: Boolean!) {\n  a\n  b @skip(if: $a)\n}",
            "directive-condition",
            "line 3: `@skip` makes what is read depend on a value",
        ),
        (
            "{ a ... @include(if: true) { b } }",
            "directive-condition",
            "write a document of its own",
        ),
        (
            "query Q @recrod(kind: deal) { a }",
            "directive-undeclared",
            "no directive `@recrod` is declared: write one of `@cacheable`, `@everywhere`",
        ),
        (
            "{ a @deprecated }",
            "directive-undeclared",
            "no directive `@deprecated`",
        ),
        (
            "mutation M @cacheable(seconds: 1) { a }",
            "directive-place",
            "`@cacheable` cannot stand on a MUTATION: it is declared for QUERY",
        ),
        (
            "subscription S @cacheable(seconds: 1) { a }",
            "directive-place",
            "on a SUBSCRIPTION",
        ),
        (
            "query Q($a: Int @record(kind: deal, at: \"/a\")) { a }",
            "directive-place",
            "on a VARIABLE_DEFINITION: it is declared for QUERY, MUTATION",
        ),
        (
            "{ a @cacheable(seconds: 1) }",
            "directive-place",
            "on a FIELD",
        ),
        (
            "{ ...F @cacheable(seconds: 1) }",
            "directive-place",
            "on a FRAGMENT_SPREAD",
        ),
        (
            "{ ... @cacheable(seconds: 1) { a } }",
            "directive-place",
            "on a INLINE_FRAGMENT",
        ),
        (
            "fragment F on A @cacheable(seconds: 1) { a }",
            "directive-place",
            "on a FRAGMENT_DEFINITION",
        ),
        (
            "query Q\n@cacheable(seconds: 1)\n@cacheable(seconds: 1) { a }",
            "directive-twice",
            "line 3: `@cacheable` is there twice",
        ),
        (
            "query Q @cacheable(seconds: 1, minutes: 2) { a }",
            "argument-unknown",
            "no argument `minutes`: it takes `seconds`",
        ),
        (
            "query Q @cacheable(seconds: 1, seconds: 2) { a }",
            "argument-twice",
            "`seconds` twice",
        ),
        (
            "query Q @record(kind: deal) { a }",
            "argument-missing",
            "`@record` needs `at`: a text in quotation marks",
        ),
        (
            "query Q @cacheable { a }",
            "argument-missing",
            "needs `seconds`: a whole number",
        ),
        (
            "query Q @cacheable(seconds: \"1\") { a }",
            "argument-value",
            "`\"1\"` cannot be `seconds` of `@cacheable`, which is a whole number",
        ),
        (
            "query Q @cacheable(seconds: 1.5) { a }",
            "argument-value",
            "`1.5`",
        ),
        (
            "query Q @cacheable(seconds: 99999999999999999999) { a }",
            "argument-value",
            "whole number",
        ),
        (
            "query Q @record(kind: task, at: \"/a\") { a }",
            "argument-value",
            "one of deal, firm",
        ),
        (
            "query Q @record(kind: \"deal\", at: \"/a\") { a }",
            "argument-value",
            "one of deal, firm",
        ),
        (
            "query Q @record(kind: deal, at: null) { a }",
            "argument-value",
            "`null`",
        ),
        (
            "query Q($a: String) @record(kind: deal, at: $a) { a }",
            "argument-value",
            "`$a` cannot be `at`",
        ),
        (
            "query Q @record(kind: deal, at: \"/a\", owner: [\"/b\", 1]) { a }",
            "argument-value",
            "or several in brackets",
        ),
        (
            "{ a @field(setting: \"b\") }",
            "field-selection",
            "has to stand where fields can be selected",
        ),
        (
            "{ a @field(setting: \"B\") { c } }",
            "field-setting",
            "`@field`: write the name of a setting, such as `next-step-field`",
        ),
        (
            "{ a @field(setting: \"\") { c } }",
            "field-setting",
            "name of a setting",
        ),
        (
            "{ a @field(setting: \"b\\n c\") { c } }",
            "field-setting",
            "name of a setting",
        ),
    ] {
        let error = schema().document(source).unwrap_err();
        assert_eq!(error.fault.code(), code, "{source}: {error}");
        let error = error.to_string();
        assert!(error.contains(expected), "{source}: {error}");
    }
}

#[test]
fn wrong_schema_is_refused() {
    for (schema, code, expected) in [
        ("directive @a(", "source-syntax", "line 1"),
        (
            "enum A { B }\ntype Query { a: Int }",
            "schema-definition",
            "line 2: the schema of directives holds directives and enums alone",
        ),
        (
            "directive @a on QUERY\ndirective @a on QUERY",
            "directive-twice",
            "line 2: `@a` is there twice",
        ),
        (
            "directive @a(b: Float) on QUERY",
            "schema-type",
            "the type of `b` is no String",
        ),
        (
            "directive @a(b: [Float!]!) on QUERY",
            "schema-type",
            "type of `b`",
        ),
        (
            "directive @a(b: Int = 3) on QUERY",
            "schema-type",
            "write no default value",
        ),
    ] {
        let error = Schema::read(schema).unwrap_err();
        assert_eq!(error.fault.code(), code, "{schema}: {error}");
        assert!(error.to_string().contains(expected), "{schema}: {error}");
    }
}

#[test]
fn error_names_the_file() {
    let graphql = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../skill/graphql");
    let sources = Sources::open(&graphql).unwrap();
    let queries = sources.files("queries").unwrap();
    assert!(queries.len() > 30 && queries.is_sorted());
    assert!(sources.files("nothing").unwrap().is_empty());
    for file in queries {
        sources.read(&file).unwrap();
    }
    // A schema holds what no document does.
    let error = sources.read(&graphql.join("schema.graphql")).unwrap_err();
    let FileError::Source { .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(error.code(), "source-definition");
    assert!(error.to_string().contains("schema.graphql:4: "), "{error}");
    let error = sources.read(&graphql.join("none.graphql")).unwrap_err();
    assert_eq!(error.code(), "file");
    assert!(error.to_string().contains("none.graphql"), "{error}");
}

#[test]
fn types_are_named_without_white_space() {
    let tree = parse("query Q($a: [ [Int !]\n]!, $b: ID = 3) { a }").unwrap();
    let types = tree.syntax().descendants();
    let types = types.filter_map(apollo_parser::cst::VariableDefinition::cast);
    let types: Vec<_> = types.map(|one| type_name(&one.ty().unwrap())).collect();
    assert_eq!(types, ["[[Int!]]!", "ID"]);
}

/// The tokens of a text that mean something.
fn tokens(text: &str) -> Vec<String> {
    let ignored = [
        TokenKind::Whitespace,
        TokenKind::Comment,
        TokenKind::Comma,
        TokenKind::Eof,
    ];
    Lexer::new(text)
        .map(Result::unwrap)
        .filter(|token| !ignored.contains(&token.kind()))
        .map(|token| token.data().to_owned())
        .collect()
}

/// White space, commas and comments.
fn gap() -> impl Strategy<Value = String> {
    let gap = "( |\n|\r\n|\t|,|# [a-z@(){}\" ]{0,6}\n){0,3}";
    gap.prop_filter("no block string", |gap| !gap.contains("\"\"\""))
}

/// A run of directives for an operation, or none, in a gap.
fn directives() -> impl Strategy<Value = String> {
    let one = prop_oneof![
        Just("@record(kind: deal, at: \"/{a}\")"),
        Just("@record(kind:firm,at:\"# field: a\" owner:[])"),
        Just("@record # (\n(kind: deal\nat: \")\", owner: \"/@\")"),
    ];
    proptest::collection::vec((gap(), one).prop_map(|(gap, one)| gap + one), 0..3)
        .prop_map(|all| all.concat())
}

/// A run of places for fields, or none, in a gap.
fn places() -> impl Strategy<Value = String> {
    let one =
        (gap(), "[a-c]").prop_map(|(gap, setting)| format!("{gap}@field(setting: \"{setting}\")"));
    proptest::collection::vec(one, 0..3).prop_map(|all| all.concat())
}

proptest! {
    /// What is sent says the same as the source without its directives, wherever white space and
    /// comments stand.
    #[test]
    fn stripped_text_keeps_all_other_tokens(
        gaps in proptest::collection::vec(gap(), 4),
        operation in directives(),
        first in places(),
        second in places(),
    ) {
        let [a, b, c, d] = gaps.as_slice() else { panic!("four gaps") };
        let with = |operation: &str, first: &str, second: &str| {
            format!("query Q{operation}{a}{{b{first}{b}{{c{c}d{second} {{ e{d}}} }} }}")
        };
        let source = with(&operation, &first, &second);
        let document = schema().document(&source).unwrap();
        prop_assert_eq!(tokens(&document.text), tokens(&with("", "", "")));
        let written = source.matches("@record").count() + source.matches("@field").count();
        // Comments can hold an `@`, but no whole directive.
        prop_assert_eq!(document.directives.len(), written);
        let settings = |run: &str| {
            let parts: Vec<_> = run.split("setting: \"").skip(1).map(|rest| rest[..1].to_owned()).collect();
            parts
        };
        // The inner place ends first.
        let expected = [settings(&second), settings(&first)].concat();
        let found: Vec<_> = graphql_fields::settings(&document.text).unwrap().map(str::to_owned).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn any_text_is_read_or_refused(source in "(query|\\{|\\}|\\(|\\)|@record|@field|:|\"|#|\n| |a|\\$a|\\PC){0,24}") {
        if let Ok(document) = schema().document(&source) {
            prop_assert!(!tokens(&document.text).contains(&"@".to_owned()));
        }
    }
}
