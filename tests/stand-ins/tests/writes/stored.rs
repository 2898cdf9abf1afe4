//! The stored state as tests look at it.

use super::*;

#[tokio::test]
async fn sample_has_no_duplicate_unique_values() {
    let running = TwentyStandIn::start(Options {
        size: crm_stand_in::twenty::sample::Size {
            people: 3000,
            opportunities: 10,
            tasks: 10,
        },
        ..Options::default()
    })
    .await
    .unwrap();
    for (object, path) in [
        ("person", "/emails/primaryEmail"),
        ("company", "/domainName/primaryLinkUrl"),
    ] {
        let mut held = std::collections::HashSet::new();
        for record in running.records(object).unwrap() {
            let value = record.pointer(path).unwrap().as_str().unwrap().to_owned();
            assert_eq!(value, value.to_lowercase());
            assert!(value.is_empty() || held.insert(value), "{record}");
        }
        assert!(held.len() > 5);
    }
}

#[tokio::test]
async fn a_reset_takes_every_write_back() {
    let running = start().await;
    let before = running.records("task");
    create_task(&running, json!({"id": NEW, "title": "t"})).await;
    assert_ne!(running.records("task"), before);
    running.reset();
    assert_eq!(running.records("task"), before);
}

#[tokio::test]
async fn state_and_journal_show_over_http() {
    let running = start().await;
    create_task(&running, json!({"id": NEW, "title": "seen"})).await;
    let get = async |path: String| {
        send(running.addr(), "GET", &path, None, String::new())
            .await
            .unwrap()
    };
    let counts = get("/stand-in/records".to_owned()).await.json();
    assert_eq!(counts["task"], json!(running.count("task")));
    let all = get("/stand-in/records/task".to_owned()).await.json();
    assert_eq!(
        all.as_array().unwrap().len(),
        running.count("task").live + running.count("task").deleted
    );
    let one = get(format!("/stand-in/records/task/{NEW}")).await;
    assert_eq!(one.json()["title"], "seen");
    let none = get(format!("/stand-in/records/task/{MISSING}")).await;
    assert_eq!(none.status, 404);
    assert_eq!(
        get("/stand-in/records/nothing".to_owned()).await.status,
        404
    );
    let journal = running.requests().all();
    assert_eq!(journal.len(), 1);
    assert!(journal[0].body.contains("createTask"));
}
