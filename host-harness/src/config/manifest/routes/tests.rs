//! Tests of valid manifests, and of the errors about invalid ones.

use super::*;
use crate::config::Limits;
use crate::config::manifest::documents::digest;

const GOOD: &str = r#"
[skill]
name = "demo"
package = "demo:skill@0.1.0"
[destinations.service]
title = "Service"
origin-env = "SERVICE_URL"
[[destinations.service.routes]]
method = "POST"
path = "/query"
documents = true
[[destinations.service.documents]]
name = "find"
path = "/query"
sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
effect = "query"
variables = { q = "String!" }
"#;

fn parse(text: &str) -> Result<Manifest, String> {
    Manifest::parse(text, Path::new("skill.toml")).map_err(|error| error.to_string())
}

#[test]
fn a_manifest_gives_routes_with_their_documents() {
    let manifest = parse(GOOD).unwrap();
    assert_eq!(manifest.package().unwrap(), ("demo:skill", "0.1.0"));
    assert_eq!(manifest.limits, Limits::default());
    let routes = manifest.routes("service").unwrap();
    assert_eq!(routes[0].id, "service: POST /query");
    let names: Vec<_> = routes[0]
        .documents
        .as_ref()
        .unwrap()
        .iter()
        .map(|d| d.name.as_str())
        .collect();
    assert_eq!(names, ["find"]);
}

const TEXT: &str = "{ a\n  # field: mood-field\n}\n";

/// A manifest whose document can be extended.
fn extensible() -> String {
    let document = format!("sha256 = \"{}\"\ntext = {TEXT:?}", hex(&digest(TEXT)));
    let zeros = format!("sha256 = \"{}\"", "0".repeat(64));
    format!("{GOOD}[settings]\nmood-field = {{ field = true }}\n").replace(&zeros, &document)
}

#[test]
fn only_the_extended_text_of_a_document_is_known() {
    let manifest = parse(&extensible()).unwrap();
    let known = |fields: &[(&str, &str)], text: &str| {
        let fields = fields
            .iter()
            .map(|(key, name)| ((*key).to_owned(), (*name).to_owned()))
            .collect();
        let additions = Additions {
            fields,
            ..Additions::default()
        };
        let routes = manifest.routes_with("service", &additions).unwrap();
        let body = serde_json::json!({ "query": text, "variables": { "q": "x" } }).to_string();
        let documents = routes[0].documents.as_ref().unwrap();
        documents.check(body.as_bytes()).is_ok()
    };
    let extended = "{ a\n  # field: mood-field\n  mood\n}\n";
    let mapped: &[_] = &[("mood-field", "mood")];
    assert!(known(&[], TEXT) && !known(&[], extended));
    assert!(known(mapped, extended) && !known(mapped, TEXT));
    assert!(!known(mapped, &extended.replace("  mood\n", "  mode\n")));
    assert!(known(&[("other", "mood")], TEXT));
}

#[test]
fn text_that_cannot_be_extended_is_refused() {
    let text = "`find`: text";
    for (from, to, expected) in [
        ("{ a\\n", "{ b\\n", text),
        ("{ field = true }", "{ field = false }", "`mood-field`"),
        ("mood-field = {", "mode-field = {", "[settings]"),
        (
            "{ field = true }",
            "{ field = true, default = \"a b\" }",
            "settings.mood-field.default",
        ),
    ] {
        let changed = extensible().replace(from, to);
        assert_ne!(changed, extensible(), "{from}");
        let error = parse(&changed).unwrap_err();
        assert!(error.contains(expected), "{expected}: {error}");
    }
    let block = TEXT.replace("{ a", "{ a(b: \"\"\"c\"\"\")");
    let changed = extensible()
        .replace(&format!("{TEXT:?}"), &format!("{block:?}"))
        .replace(&hex(&digest(TEXT)), &hex(&digest(&block)));
    let error = parse(&changed).unwrap_err();
    assert!(
        error.contains(text) && error.contains("block string"),
        "{error}"
    );
}

#[test]
fn an_error_names_file_and_key() {
    for (from, to, expected) in [
        ("title = \"Service\"", "titel = \"Service\"", "titel"),
        ("title = \"Service\"", "titel = \"Service\"", "line 6"),
        (
            "method = \"POST\"",
            "method = \"post\"",
            "destinations.service.routes[0].method",
        ),
        (
            "path = \"/query\"\ndocuments",
            "path = \"/query/\"\ndocuments",
            "routes[0].path",
        ),
        ("documents = true", "documents = false", "documents[0]"),
        ("sha256 = \"0", "sha256 = \"X", "`find`: sha256"),
        ("String!", "String!!", "`find`: variables.q"),
        ("demo:skill@0.1.0", "demo:skill", "skill.package"),
    ] {
        let error = parse(&GOOD.replace(from, to)).unwrap_err();
        assert!(
            error.contains(expected) && error.contains("skill.toml"),
            "{expected}: {error}"
        );
    }
}

/// A manifest with a route that answers with a group.
fn group_route(path: &str, more: &str) -> Result<Manifest, String> {
    parse(&format!(
        "{GOOD}[[destinations.service.routes]]\nmethod = \"GET\"\npath = \"{path}\"\n{more}\n\
         people = {{ at = \"/data/*\", id = \"/id\", group = true }}\n\
         [settings]\nteam = {{ about = \"A team.\" }}\n"
    ))
}

#[test]
fn group_of_the_askers_choice_is_refused() {
    const SEGMENT: &str = "path-settings = { \"1\" = \"setting team\" }";
    for (path, more) in [
        ("/own/members", ""),
        ("/teams/*/members", SEGMENT),
        ("/members?team", "query = { team = \"setting team\" }"),
    ] {
        assert!(group_route(path, more).is_ok(), "{path} {more}");
    }
    for (path, more, expected) in [
        ("/teams/*/members", "", "bind the segment"),
        ("/teams/*/parts/*", SEGMENT, "\"2\""),
        ("/teams/*/members?limit", SEGMENT, "bind the query key"),
        (
            "/members?team,other",
            "query = { team = \"setting team\" }",
            "other",
        ),
        (
            "/teams/*/members",
            "path-settings = { \"2\" = \"setting team\" }",
            "path-settings",
        ),
        (
            "/teams/*/members",
            "path-settings = { \"0\" = \"setting team\" }",
            "path-settings",
        ),
        (
            "/teams/*/members",
            "path-settings = { \"1\" = \"setting none\" }",
            "[settings]",
        ),
        (
            "/members",
            "query = { team = \"setting team\" }",
            "lists no query key",
        ),
    ] {
        let error = group_route(path, more).unwrap_err();
        assert!(error.contains(expected), "{path} {more}: {error}");
    }
}

#[test]
fn cost_out_of_bounds_is_refused() {
    for (cost, good) in [
        ("0", true),
        ("1000", true),
        ("1001", false),
        ("4294967295", false),
    ] {
        let text = GOOD.replace("variables = {", &format!("cost = {cost}\nvariables = {{"));
        match parse(&text) {
            Ok(_) => assert!(good, "{cost}"),
            Err(error) => assert!(
                !good && error.contains("documents `find`: cost: write 0 to 1000"),
                "{error}"
            ),
        }
    }
}

#[test]
fn values_and_lengths_of_variables_are_checked() {
    let with =
        |more: &str| parse(&GOOD.replace("variables = {", &format!("{more}\nvariables = {{")));
    for good in ["values = { q = [\"a\"] }", "lengths = { q = \"2..200\" }"] {
        assert!(with(good).is_ok(), "{good}");
    }
    for (bad, expected) in [
        ("values = { other = [\"a\"] }", "`find`: values.other"),
        ("values = { q = [] }", "`find`: values.q"),
        ("lengths = { q = \"2\" }", "`find`: lengths.q"),
        ("lengths = { other = \"1..2\" }", "`find`: lengths.other"),
    ] {
        let error = with(bad).unwrap_err();
        assert!(error.contains(expected), "{bad}: {error}");
    }
}
