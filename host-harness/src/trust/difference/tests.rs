//! Tests that every difference of two manifests is seen, and as what.

use serde_json::json;

use super::*;

/// The shipped skill.toml.
fn shipped() -> Map<String, Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../manifests/skill.toml");
    toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// A step to a value: in a table or in a list.
#[derive(Clone, Debug, PartialEq)]
enum WayStep {
    Key(String),
    Nth(usize),
}

/// Calls `found` with the way to each value that is no table and no list with items.
fn leaves(value: &Value, way: &mut Vec<WayStep>, found: &mut dyn FnMut(&[WayStep], &Value)) {
    match value {
        Value::Object(table) if !table.is_empty() => {
            for (key, value) in table {
                way.push(WayStep::Key(key.clone()));
                leaves(value, way, found);
                way.pop();
            }
        }
        Value::Array(list) if !list.is_empty() => {
            for (nth, value) in list.iter().enumerate() {
                way.push(WayStep::Nth(nth));
                leaves(value, way, found);
                way.pop();
            }
        }
        leaf => found(way, leaf),
    }
}

fn find<'v>(root: &'v mut Value, way: &[WayStep]) -> &'v mut Value {
    way.iter().fold(root, |value, at| match at {
        WayStep::Key(key) => &mut value[key.as_str()],
        WayStep::Nth(nth) => &mut value[*nth],
    })
}

fn without(root: &Value, way: &[WayStep]) -> Value {
    let mut root = root.clone();
    let (last, before) = way.split_last().unwrap();
    match (find(&mut root, before), last) {
        (Value::Object(table), WayStep::Key(key)) => drop(table.remove(key).unwrap()),
        (Value::Array(list), WayStep::Nth(nth)) => drop(list.remove(*nth)),
        other => panic!("{other:?}"),
    }
    root
}

fn with(root: &Value, way: &[WayStep], value: Value) -> Value {
    let mut root = root.clone();
    *find(&mut root, way) = value;
    root
}

fn different(old: &Value, new: &Value) -> Vec<Difference> {
    difference(old.as_object().unwrap(), new.as_object().unwrap())
}

/// Checks that a difference is shown with its key, and before and after as texts that differ.
/// Returns how many differences there are.
fn is_seen(old: &Value, new: &Value, way: &[WayStep]) -> usize {
    let changes = different(old, new);
    assert!(!changes.is_empty(), "{way:?}");
    let names: Vec<_> = (way.iter())
        .filter_map(|at| match at {
            WayStep::Key(key) => Some(key.as_str()),
            WayStep::Nth(_) => None,
        })
        .collect();
    let [.., last] = names[..] else {
        panic!("{way:?}")
    };
    let lines: Vec<_> = changes.iter().flat_map(Difference::lines).collect();
    assert!(lines.iter().any(|line| line.contains(last)), "{lines:#?}");
    for line in &lines {
        assert!(line.chars().count() < 1_000, "{line}");
        assert_eq!(redaction::count_hidden(line), 0, "{line}");
        if let Some((before, after)) = line.split_once(" -> ") {
            let before = (before.split_once(" = "))
                .or_else(|| before.split_once(": in the order "))
                .unwrap()
                .1;
            assert_ne!(before, after, "{way:?}");
        }
    }
    changes.len()
}

#[test]
fn every_leaf_of_skill_toml_is_compared() {
    let root = Value::Object(shipped());
    let mut ways = Vec::new();
    leaves(&root, &mut Vec::new(), &mut |way, leaf| {
        ways.push((way.to_vec(), leaf.clone()));
    });
    let (mut lists, mut tables) = (0, 0);
    for (way, leaf) in &ways {
        let other = match leaf {
            Value::String(text) => Value::from(format!("{text}x")),
            Value::Number(number) => Value::from(number.as_u64().unwrap() + 1),
            Value::Bool(truth) => Value::from(!truth),
            // Lists that are empty.
            _ => json!(["x"]),
        };
        let changed = is_seen(&root, &with(&root, way, other), way);
        let removed = is_seen(&root, &without(&root, way), way);
        // What an item of a list is known by makes it another one.
        let known_by = |key: &str| matches!(key, "name" | "method" | "path");
        match &way[way.len().saturating_sub(2)..] {
            [WayStep::Nth(_), WayStep::Key(key)] if known_by(key) => lists += 1,
            [_, WayStep::Nth(_)] => {
                assert_eq!((changed, removed), (2, 1), "{way:?}");
                lists += 1;
            }
            _ => {
                assert_eq!((changed, removed), (1, 1), "{way:?}");
                tables += 1;
            }
        }
    }
    println!(
        "{} leaves, each changed and removed: {tables} in tables, {lists} that tell items of lists",
        ways.len()
    );
    assert!(ways.len() > 900, "{}", ways.len());
    assert_eq!(different(&root, &root), []);
}

#[test]
fn every_list_of_skill_toml_has_an_order() {
    let root = Value::Object(shipped());
    let mut ways: Vec<Vec<WayStep>> = Vec::new();
    leaves(&root, &mut Vec::new(), &mut |way, _| {
        for (depth, at) in way.iter().enumerate() {
            let list = &way[..depth];
            if matches!(at, WayStep::Nth(1)) && !ways.iter().any(|known| known == list) {
                ways.push(list.to_vec());
            }
        }
    });
    for way in &ways {
        let mut new = root.clone();
        find(&mut new, way).as_array_mut().unwrap().swap(0, 1);
        is_seen(&root, &new, way);
    }
    println!("{} lists, each in another order", ways.len());
    assert!(ways.len() > 30, "{}", ways.len());
}

#[test]
fn first_list_shows_every_value() {
    let root = shipped();
    let changes = difference(&Map::new(), &root);
    let lines: Vec<_> = changes.iter().flat_map(Difference::lines).collect();
    let text = lines.join("\n");
    let mut count = 0;
    leaves(&Value::Object(root), &mut Vec::new(), &mut |way, leaf| {
        let shown = match leaf {
            Value::String(text) if text.chars().count() + 2 > VALUE_MAX => {
                excerpt(text, VALUE_MAX).0
            }
            leaf => whole(leaf),
        };
        assert!(text.contains(&shown), "{way:?}: {shown}");
        count += 1;
    });
    println!("{count} values on {} lines", lines.len());
}

#[test]
fn what_is_known_to_open_or_to_hold_is_said() {
    use Direction::{Narrower, Unknown, Wider};
    let route = |write: Value| {
        json!({"destinations": {"mail": {"rate": {"requests": 10, "seconds": 60},
            "routes": [{"method": "POST", "path": "/send", "write": write}]}}})
    };
    let document = |more: Value| {
        let mut document = json!({"name": "find", "effect": "query"});
        let more = more.as_object().unwrap().clone();
        document.as_object_mut().unwrap().extend(more);
        json!({"destinations": {"crm": {"documents": [document]}}})
    };
    let mut count = 0;
    let mut check = |old: &Value, new: &Value, expected: Direction| {
        for (old, new, expected) in [(old, new, expected), (new, old, expected.reversed())] {
            let changes = different(old, new);
            let [change] = &changes[..] else {
                panic!("{changes:#?}")
            };
            assert_eq!(change.direction, expected, "{change:?}");
            count += 1;
        }
    };
    let bare = route(json!({"act": "mail"}));
    for (key, value, expected) in [
        ("listed", json!(true), Narrower),
        ("listed", json!(false), Unknown),
        ("approval", json!("required"), Narrower),
        ("recipients", json!("/to"), Narrower),
        ("recipients-of-segment", json!(true), Narrower),
        ("group", json!("/team"), Narrower),
        ("event", json!("export"), Wider),
        ("repeat", json!("always"), Wider),
        ("repeat", json!("never"), Unknown),
        (
            "repeat",
            json!({"unless-found": {"text": "/a", "in": "/b"}}),
            Wider,
        ),
        ("body", json!({"/to": "email"}), Wider),
        ("kind", json!("e-mail"), Unknown),
    ] {
        check(&bare, &route(json!({"act": "mail", key: value})), expected);
    }
    for (before, after, expected) in [
        (json!("never"), json!("always"), Wider),
        (json!({"unless-found": {}}), json!("always"), Wider),
        (json!({"unless-found": {}}), json!("never"), Narrower),
    ] {
        let with = |repeat: &Value| route(json!({"act": "mail", "repeat": repeat}));
        check(&with(&before), &with(&after), expected);
    }
    let none = document(json!({}));
    for (more, expected) in [
        (json!({"variables": {"q": "String!"}}), Wider),
        (json!({"values": {"q": ["a"]}}), Narrower),
        (json!({"lengths": {"q": "1..2"}}), Narrower),
        (
            json!({"refers": [{"kind": "company", "id": "id"}]}),
            Narrower,
        ),
        (
            json!({"records": [{"kind": "company", "at": "/a"}]}),
            Narrower,
        ),
        (json!({"custom": {"data": "company"}}), Wider),
        (json!({"effect": "mutation"}), Wider),
        (json!({"text": "query"}), Unknown),
    ] {
        check(&none, &document(more), expected);
    }
    let with = |root: &Value, pointer: &str, value: Value| {
        let mut root = root.clone();
        *root.pointer_mut(pointer).unwrap() = value;
        root
    };
    for (pointer, value, expected) in [
        ("/destinations/mail/rate/requests", json!(11), Wider),
        ("/destinations/mail/rate/seconds", json!(61), Narrower),
        ("/destinations/mail/routes", json!([]), Narrower),
    ] {
        check(&bare, &with(&bare, pointer, value), expected);
    }
    for (old, new, expected) in [
        (
            json!({"kinds": {"a": {"default": ["x"]}}}),
            json!({"kinds": {"a": {"default": ["x", "y"]}}}),
            Wider,
        ),
        (
            json!({"kinds": {"a": {"from": {"x": ["/x"]}}}}),
            json!({"kinds": {"a": {"from": {"x": ["/x", "/y"]}}}}),
            Wider,
        ),
        (
            json!({"kinds": {}}),
            json!({"kinds": {"a": {"record": "x"}}}),
            Wider,
        ),
        (
            json!({"values": {"micros": ["a"]}}),
            json!({"values": {"micros": []}}),
            Wider,
        ),
        (
            json!({"limits": {"requests": 1}}),
            json!({"limits": {"requests": 2}}),
            Wider,
        ),
        (json!({"words": {}}), json!({"words": {"a": 1}}), Unknown),
        (
            json!({"component": {"imports": []}}),
            json!({"component": {"imports": ["wasi:http"]}}),
            Wider,
        ),
    ] {
        check(&old, &new, expected);
    }
    println!("{count} differences with a direction");
}

#[test]
fn long_texts_are_shown_where_they_differ() {
    let long = "a".repeat(5_000);
    let (before, after) = contrast(&format!("{long}b{long}"), &format!("{long}c{long}"));
    assert!(
        before.starts_with("…\"aaaaaaaab") && before.ends_with("more"),
        "{before}"
    );
    assert!(after.starts_with("…\"aaaaaaaac"), "{after}");
    let (before, after) = contrast(&long, &format!("{long}\u{202e}"));
    assert_eq!(
        (before.as_str(), after.as_str()),
        ("…\"aaaaaaaa\"", "…\"aaaaaaaa\\u{202e}\"")
    );
    let hidden = "\u{10ffff}".repeat(200);
    let (before, after) = contrast(&format!("{hidden}x"), &format!("{hidden}y"));
    assert_ne!(before, after);
}

#[test]
fn names_and_values_hide_and_forge_nothing() {
    let hostile = "x\n+ limits.requests = 1\u{1b}[2J\u{202e}";
    let new = json!({
        hostile: {"a": hostile},
        "list": [{"name": hostile, "b": [hostile, {"c": 1}]}, {"name": hostile}],
        "long": {"k".repeat(10_000): "v".repeat(10_000)},
        "table": (0..100).map(|n| (format!("k{n}"), json!(hostile))).collect::<Map<_, _>>(),
    });
    let changes = different(&json!({}), &new);
    let lines: Vec<_> = changes.iter().flat_map(Difference::lines).collect();
    assert!(lines.len() > 100, "{lines:#?}");
    for line in &lines {
        assert!(!line.contains(['\n', '\u{1b}', '\u{202e}']), "{line:?}");
        assert!(line.chars().count() < 400, "{line}");
    }
}
