//! Text of strangers is shown as data and changes nothing.

use super::*;

fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(fields) => fields.values().for_each(|value| texts(value, found)),
        _ => {}
    }
}

#[tokio::test]
async fn answers_hold_no_hidden_text_link_or_html() {
    let env = TestEnv::new().await;
    let mut read = 0;
    for number in 1..=25 {
        let record = env
            .ok(
                "crm_get",
                json!({ "kind": "person", "id": person_id(number).to_string() }),
            )
            .await;
        check(&record);
        read += 1;
    }
    for number in 1..=55 {
        let report = env
            .ok(
                "crm_blockers",
                json!({ "opportunity": deal_id(number).to_string() }),
            )
            .await;
        check(&report);
        read += 1;
    }
    assert_eq!(read, 80);

    fn check(answer: &Value) {
        let mut found = Vec::new();
        texts(answer, &mut found);
        for text in found {
            let hidden = text.chars().find(|character| {
                matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\0')
            });
            assert_eq!(hidden, None, "{text:?}");
        }
        let markdown = answer["markdown"].as_str().unwrap();
        for (at, _) in markdown.match_indices(['<', '[']) {
            assert!(
                markdown[..at].ends_with('\\'),
                "not escaped at {at}: {markdown}"
            );
        }
    }
}

#[tokio::test]
async fn injected_instructions_stay_quoted_data() {
    let env = TestEnv::new().await;
    let injected = INJECTED_NOTE.to_string();
    let mut quoted = 0;
    for number in 1..=55 {
        let (cost, outcome) = env
            .cost(
                "crm_blockers",
                json!({ "opportunity": deal_id(number).to_string() }),
            )
            .await;
        assert!(cost <= 1 && outcome.denials.is_empty(), "{cost}");
        let report = outcome.result().unwrap();
        if report.to_string().contains(&injected) {
            quoted += 1;
            let note = report["findings"]
                .as_array()
                .unwrap()
                .iter()
                .find(|finding| finding["code"] == "noted-blocker");
            if let Some(finding) = note {
                assert_eq!(finding["certainty"], "inferred");
            }
        }
    }
    println!("{quoted} reports name the note that gives orders");
    assert!(
        env.twenty
            .requests()
            .all()
            .iter()
            .all(|request| request.path == "/graphql")
    );
}

#[tokio::test]
async fn strange_queries_are_only_searched_for() {
    let env = TestEnv::new().await;
    for query in ["%", "\\"] {
        let signs = json!({ "query": query });
        let failure = env.fails("crm_search", signs, "invalid-input").await;
        assert_eq!(failure["field"], "query");
    }
    assert_eq!(
        env.twenty.requests().count(),
        0,
        "signs alone list everything"
    );
    for query in [
        "\"; DROP TABLE",
        "{ people { id } }",
        "<script>alert(1)</script>",
        "\u{202e}depot",
        "de\u{0}pot",
        "O'Brien",
        "東京",
        "${query}",
    ] {
        env.ok("crm_search", json!({ "query": query })).await;
    }
    let hidden = env
        .ok("crm_search", json!({ "query": "de\u{0}p\u{200b}ot" }))
        .await;
    assert!(
        hidden["hits"]
            .as_array()
            .unwrap()
            .iter()
            .any(|hit| hit["id"] == EVERYTHING_WRONG.to_string()),
        "{hidden:#}"
    );
}
