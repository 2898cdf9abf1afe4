//! Tests of values that may cross from one service to another, and of those that may not.

use std::collections::HashSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::json_path::{PathStep, Pattern};

const ID: &str = "0b7e7dee-1f0e-4b8e-9a31-94c6a7c1a001";
const OTHER: &str = "0b7e7dee-1f0e-4b8e-9a31-94c6a7c1a002";
const LONG: &str =
    "They want a discount of a third before the end of the quarter, or they go to Globex.";

fn places() -> Arc<[RecordPlace]> {
    let place = |kind: &str, at| RecordPlace {
        kind: kind.to_owned(),
        at: Pattern::parse(at).unwrap(),
    };
    Arc::from([
        place("note", "/data/notes/*/node"),
        place("shop", "/data/notes/*/node/shop"),
        place("note", "/data/note"),
    ])
}

fn answer() -> Value {
    json!({"data": {
        "notes": [
            {"node": {
                "name": "Acme renewal", "id": ID, "stage": "PROPOSAL", "ownerId": "anna_lee", "note": LONG,
                "price": {"amountMicros": 50_000_500_000_i64, "currency": "EUR"}, "seats": 1234, "rate": 0.12345, "open": true,
                "shop": {"id": OTHER, "name": "Acme Corp", "phone": "+49 30 1234567", "__typename": "ShopType"},
                "ref": ID, "raw": "{\"before\": \"Fox Ltd.\"}",
            }},
            {"node": {"id": OTHER, "name": "Zürich rollout", "stage": "CUSTOMER", "price": {"amountMicros": "123450000"}}},
        ],
        "count": 98765, "tags": ["hidden gem"],
    }})
}

fn names() -> MemberNames {
    let set = |name: &str| HashSet::from([name.to_owned()]);
    MemberNames {
        micros: set("amountMicros"),
        words: set("stage"),
        ids: set("ownerId"),
    }
}

fn values() -> Values {
    let values = Values::new(names());
    values.take_in("notes", &places(), Bytes::from(answer().to_string()));
    values
}

fn nothing(_: &AnswerRecord<'_>, _: &[PathStep<'_>]) -> bool {
    false
}

fn found(values: &Values, to: &str, text: &str) -> Option<String> {
    values
        .check(to, &["x", text], &nothing, &Exempt::default())
        .err()
        .map(|crossing| crossing.to_string())
}

#[test]
fn value_of_another_service_is_found_anywhere() {
    let values = values();
    for (text, at) in [
        (
            "Acme renewal",
            "of note 0b7e7dee-1f0e-4b8e-9a31-94c6a7c1a001, at `/data/notes/*/node/name`",
        ),
        ("acme-renewal", "node/name"),
        ("AcmeRenewal", "node/name"),
        ("about \"ACME\n  Renewal\", late", "node/name"),
        ("ac\u{200b}me ren\u{ad}ewal", "node/name"),
        ("q=acme%20renewal", "node/name"),
        ("q=acme+renewal", "node/name"),
        ("q=acme%2520renewal", "node/name"),
        (r"acme\u0020renewal", "node/name"),
        (
            "xAcme Corpx",
            "of shop 0b7e7dee-1f0e-4b8e-9a31-94c6a7c1a002, at `/data/notes/*/node/shop/name`",
        ),
        (
            "ZÜRICH ROLLOUT",
            "of note 0b7e7dee-1f0e-4b8e-9a31-94c6a7c1a002, at `/data/notes/*/node/name`",
        ),
        (
            "hidden gem",
            "text that came from `notes` at `/data/tags/*`",
        ),
        ("fox ltd.", "node/raw/before"),
        (LONG, "piece of a text that came from `notes`, of note"),
        (
            "I hear they want a discount of a third before long",
            "node/note",
        ),
        ("1234 seats", "number that came from `notes`, of note"),
        ("1,234", "node/seats"),
        ("a1234b", "node/seats"),
        ("0.12345", "node/rate"),
        ("EUR 50,000.50", "node/price/amountMicros"),
        ("50.000,5", "node/price/amountMicros"),
        ("50000500000", "node/price/amountMicros"),
        ("about 50 000", "node/price/amountMicros"),
        ("123.45", "node/price/amountMicros"),
        ("98765", "at `/data/count`"),
        ("+49 (30) 123-4567", "node/shop/phone"),
    ] {
        let crossing = found(&values, "chat", text);
        assert!(
            crossing
                .as_ref()
                .is_some_and(|crossing| crossing.contains(at)),
            "{text}: {crossing:?}"
        );
    }
}

#[test]
fn text_that_is_no_foreign_value_may_go() {
    let values = values();
    for text in [
        "",
        "Acme",
        "a renewal of Acme",
        "acme: a renewal",
        ID,
        "anna_lee",
        "PROPOSAL, CUSTOMER",
        "our customer has a proposal",
        "ShopType",
        "EUR",
        "true",
        "12345, 234, 12341",
        "123",
        "discount of a third",
        "10k to 50k EUR",
        "/conversations/0b7e7dee-1f0e-4b8e-9a31-94c6a7c1a001/messages",
        "node, price, amountMicros",
        "x-0b7e1234-1f0e-1234-9a31-94c6a7c11234.",
    ] {
        assert_eq!(found(&values, "chat", text), None, "{text}");
    }
    assert_eq!(
        found(&values, "notes", "Acme renewal, 1234"),
        None,
        "it came from there"
    );
    assert_eq!(found(&Values::default(), "chat", "Acme renewal"), None);
}

#[test]
fn only_listed_members_hold_words_and_ids() {
    let body = json!({"data": {"note": {
        "id": ID, "name": "SIEMENS", "jobTitle": "DIRECTOR", "stage": "PROPOSAL", "iban": "DE89370400440532013000",
        "taxId": "secret-tax-number-4711", "ownerId": "anna_lee", "code": {"stage": "Not a word"}, "shopId": 47_110_815,
    }}});
    let values = Values::new(names());
    // Repeating an answer changes nothing.
    for _ in 0..3 {
        values.take_in("notes", &places(), Bytes::from(body.to_string()));
    }
    for (text, at) in [
        ("Siemens", "name"),
        ("the director", "jobTitle"),
        ("DE89 3704 0044 0532 0130 00", "iban"),
        ("secret-tax-number-4711", "taxId"),
        ("not a word", "code/stage"),
        ("47110815", "shopId"),
    ] {
        let crossing = found(&values, "chat", text).unwrap_or_default();
        assert!(
            crossing.contains(&format!("/data/note/{at}")),
            "{text}: {crossing}"
        );
    }
    for text in ["a proposal", "anna_lee", ID] {
        assert_eq!(found(&values, "chat", text), None, "{text}");
    }
}

#[test]
fn text_is_found_in_every_look_alike_form() {
    let values = Values::new(names());
    let body = json!({"data": {"note": {"id": ID, "name": "Northern Depot", "owner": "José García GmbH", "city": "НОВОСТЬ"}}});
    values.take_in("notes", &places(), Bytes::from(body.to_string()));
    for sent in [
        "Jose\u{301} Garci\u{301}a GmbH",
        "JOSE GARCIA GMBH",
        "Jos&eacute; Garc&iacute;a GmbH",
        "𝐍𝐨𝐫𝐭𝐡𝐞𝐫𝐧 𝐃𝐞𝐩𝐨𝐭",
        "Ｎｏｒｔｈｅｒｎ Ｄｅｐｏｔ",
        "Nоrthеrn Dероt",
        "NОRТНЕRN DЕРОТ",
        "ɴᴏʀᴛʜᴇʀɴ ᴅᴇᴘᴏᴛ",
        "N0rthern Dep0t",
        "Northem Depot",
        "xxNorthernDepotxx",
        "Northern-Depot",
        "N.o.r.t.h.e.r.n D.e.p.o.t",
        "nor\nthern de\npot",
        "Northern&#32;Depot",
        "Northern&nbsp;Depot",
        "Northern&amp;#32;Depot",
        "Northern%20Depot",
        "Northern\\u0020Depot",
        "NORTHERN_DEPOT",
        "новость",
        "Новость",
    ] {
        assert!(found(&values, "chat", sent).is_some(), "{sent:?}");
    }
    for other in [
        "Northern lights, then the depot",
        "a depot",
        "José",
        "north and repot",
        "GmbH",
    ] {
        assert_eq!(found(&values, "chat", other), None, "{other}");
    }
}

#[test]
fn only_disclosed_values_may_go() {
    let values = values();
    let disclosed = |record: &AnswerRecord<'_>, place: &[PathStep<'_>]| match place {
        [PathStep::Name("name")] => record.kind == "note" && record.id == ID,
        [PathStep::Name("note" | "price"), ..] => record.kind == "note" && record.id == ID,
        _ => false,
    };
    let check = |text: &str| values.check("chat", &[text], &disclosed, &Exempt::default());
    for text in [
        "Acme renewal",
        LONG,
        "50,000.50 EUR",
        "they want a discount of a third",
    ] {
        assert_eq!(check(text), Ok(()), "{text}");
    }
    for text in [
        "Zürich rollout",
        "Acme Corp",
        "1234",
        "123.45",
        "Acme renewal for Acme Corp",
    ] {
        assert!(check(text).is_err(), "{text}");
    }
}

#[test]
fn value_may_go_if_one_place_is_disclosed() {
    let values = Values::new(MemberNames::default());
    let body = json!({"data": {
        "notes": [{"node": {"id": ID, "name": "Acme Corp: renewal 5000", "seats": 5000, "shop": {"id": OTHER, "name": "Acme Corp"}}}],
        "note": {"id": OTHER, "name": "Acme Corp", "text": LONG, "other": LONG},
    }});
    values.take_in("notes", &places(), Bytes::from(body.to_string()));
    let check = |text: &str, kind: &str, id: &str, field: &str| {
        let disclosed = |record: &AnswerRecord<'_>, place: &[PathStep<'_>]| {
            record.kind == kind
                && record.id == id
                && matches!(place, [PathStep::Name(name), ..] if *name == field)
        };
        values
            .check("chat", &[text], &disclosed, &Exempt::default())
            .is_ok()
    };
    assert!(check("Acme Corp", "shop", OTHER, "name"));
    assert!(check("Acme Corp", "note", OTHER, "name"));
    assert!(
        check("Acme Corp", "note", ID, "name"),
        "it is part of what is disclosed"
    );
    assert!(
        check("5000", "note", ID, "name"),
        "it is part of what is disclosed"
    );
    assert!(check(LONG, "note", OTHER, "other"));
    assert!(!check("Acme Corp", "shop", ID, "name"));
    assert!(!check("5000", "note", OTHER, "name"));
    assert!(!check(LONG, "note", OTHER, "name"));
}

#[test]
fn arguments_and_settings_may_go() {
    let values = values();
    let arguments = json!({"about": "the ACME renewal", "seats": 1234, "text": ["I know: they want a discount of a third"], "flag": true});
    let exempt = Exempt::of(&arguments, ["hidden  gem"]);
    let check = |text: &str| values.check("chat", &[text], &nothing, &exempt);
    for text in [
        "Acme renewal",
        "1,234",
        "hidden gem",
        "They want a discount of a third",
    ] {
        assert_eq!(check(text), Ok(()), "{text}");
    }
    for text in [
        "Acme Corp",
        "98765",
        "They want a discount of a third before the end of the quarter",
    ] {
        assert!(check(text).is_err(), "{text}");
    }
}

#[test]
fn answer_that_is_not_json_counts_in_pieces() {
    let places = places();
    for body in [
        "<html><h1>Acme renewal</h1><p>1234567</p></html>".to_owned(),
        "name,size\nAcme renewal,1234567\n".to_owned(),
        "{\"name\": \"Acme renewal\", \"size\": 1234567".to_owned(),
        format!(
            "{}{{\"a\": \"Acme renewal\", \"b\": 1234567}}{}",
            "[".repeat(200),
            "]".repeat(200)
        ),
    ] {
        let values = Values::new(MemberNames::default());
        values.take_in("notes", &places, Bytes::from(body.clone()));
        assert!(
            found(&values, "chat", "the acme renewal").is_some(),
            "{body}"
        );
        assert!(found(&values, "chat", "1,234,567").is_some(), "{body}");
    }
}

#[test]
fn too_many_answers_let_nothing_go() {
    let (values, places) = (Values::new(MemberNames::default()), places());
    for _ in 0..=ANSWERS_MAX {
        values.take_in("notes", &places, Bytes::from_static(b"{}"));
    }
    let from = "notes".to_owned();
    assert_eq!(
        values.check("chat", &["hi"], &nothing, &Exempt::default()),
        Err(Crossing::TooMuch { from })
    );
    assert_eq!(
        values.check("notes", &["hi"], &nothing, &Exempt::default()),
        Ok(())
    );
    let values = Values::new(MemberNames::default());
    let mut half = vec![b' '; BYTES_MAX / 2];
    half[0] = b'1';
    let half = Bytes::from(half);
    values.take_in("notes", &places, half.clone());
    values.take_in("notes", &places, half.clone());
    assert_eq!(found(&values, "chat", "hi"), None);
    values.take_in("notes", &places, Bytes::from_static(b"1"));
    assert!(found(&values, "chat", "hi").is_some());
}

#[test]
fn refusal_repeats_no_name_that_could_be_data() {
    let values = Values::new(MemberNames::default());
    let body = json!({"anna@example.com": {"Acme Corp": ["hidden gem"]}, "x": {"id": "not an id", "y": "hidden pearl"}});
    let place = RecordPlace {
        kind: "thing".to_owned(),
        at: Pattern::parse("/x").unwrap(),
    };
    values.take_in("notes", &Arc::from([place]), Bytes::from(body.to_string()));
    let crossing = found(&values, "chat", "hidden gem").unwrap();
    assert!(crossing.contains("at `/*/*/*`"), "{crossing}");
    let crossing = found(&values, "chat", "hidden pearl").unwrap();
    assert!(crossing.contains("from `notes` at `/x/y`"), "{crossing}");
}

proptest! {
    #[test]
    fn text_is_found_in_any_words_and_any_case(
        value in "[a-zäß]{3,10} [a-z0-9A-Z.]{3,20}", before in "[ -~]{0,40}", behind in "[ -~]{0,40}", upper in any::<bool>(),
        hidden in 0_usize..12,
    ) {
        let values = Values::new(MemberNames::default());
        values.take_in("notes", &places(), Bytes::from(json!({"a": value}).to_string()));
        let mut sent = if upper { value.chars().flat_map(char::to_uppercase).collect() } else { value.clone() };
        let cut = sent.char_indices().nth(hidden).map_or(sent.len(), |(index, _)| index);
        sent.insert(cut, '\u{2060}');
        let crossing = values.check("chat", &[&format!("{before} {sent} {behind}")], &nothing, &Exempt::default());
        let is_crossing = matches!(crossing, Err(Crossing::Value { what: ValueKind::Text, .. }));
        prop_assert!(is_crossing, "{:?}", crossing);
        let exempt = Exempt::of(&json!([value]), []);
        prop_assert_eq!(values.check("chat", &[&value], &nothing, &exempt), Ok(()));
    }

    #[test]
    fn piece_of_a_long_text_is_found(value in "[a-z ]{50,200}", from in 0_usize..100, length in 30_usize..60) {
        let values = Values::new(MemberNames::default());
        values.take_in("notes", &places(), Bytes::from(json!({"a": value}).to_string()));
        let mut plain = String::new();
        text::push(&value, fold::Order::Case, &mut plain);
        prop_assume!(plain.len() >= LONG_MIN);
        let piece = plain.get(from..(from + length).min(plain.len())).unwrap_or_default();
        let crossing = values.check("chat", &[piece], &nothing, &Exempt::default());
        prop_assert_eq!(crossing.is_err(), piece.trim().len() >= PIECE, "{:?}", crossing);
    }

    #[test]
    fn number_is_found_in_any_grouping(number in 1000_u64..10_000_000_000, sign in "[,. ']", before in "[a-z ]{0,9}", behind in "[a-z ]{0,9}") {
        let values = Values::new(MemberNames::default());
        values.take_in("notes", &places(), Bytes::from(json!({"a": number}).to_string()));
        let digits = number.to_string();
        let grouped = digits.char_indices().fold(String::new(), |mut grouped, (index, digit)| {
            if index > 0 && (digits.len() - index) % 3 == 0 {
                grouped.push_str(&sign);
            }
            grouped.push(digit);
            grouped
        });
        for sent in [&digits, &grouped] {
            let crossing = values.check("chat", &[&format!("{before}{sent}{behind}")], &nothing, &Exempt::default());
            prop_assert!(crossing.is_err(), "{sent}");
            let longer = format!("{before}9{digits}{behind}");
            prop_assert!(values.check("chat", &[&longer], &nothing, &Exempt::default()).is_ok());
        }
    }

    #[test]
    fn any_answer_can_be_searched(body in ".{0,80}", text in ".{0,80}") {
        let values = Values::new(MemberNames::default());
        values.take_in("notes", &places(), Bytes::from(body.clone()));
        let _ = values.check("chat", &[&text], &nothing, &Exempt::default());
        // An answer sent as it came is found if it contains anything that counts.
        let mut plain = String::new();
        text::push(&body, fold::Order::Case, &mut plain);
        let counts = plain.len() >= LONG_MIN && plain.is_ascii() && serde_json::from_str::<Value>(&body).is_err() && !body.contains(['%', '\\', '+', '&']);
        if counts && text::without_uuids(&plain) == plain {
            prop_assert!(values.check("chat", &[&body], &nothing, &Exempt::default()).is_err());
        }
    }
}
