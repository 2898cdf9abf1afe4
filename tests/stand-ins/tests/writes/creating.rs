//! Creates: ids, defaults, duplicates, links, and what comes of several at once.

use super::*;

#[tokio::test]
async fn created_task_has_id_defaults_and_time() {
    let running = start().await;
    let before = running.count("task");
    let data = json!({"id": NEW, "title": "Send the order form", "bodyV2": {"markdown": "By **Friday**"}, "dueAt": "2026-11-25T09:00:00+02:00"});
    let answer = create_task(&running, data).await;
    let task = &answer["data"]["createTask"];
    assert_eq!(task["id"], NEW);
    assert_eq!(task["title"], "Send the order form");
    assert_eq!(task["status"], "TODO");
    assert_eq!(task["dueAt"], "2026-11-25T07:00:00.000Z");
    assert_eq!(task["createdAt"], "2026-11-22T20:30:00.000Z");
    assert_eq!(task["updatedAt"], task["createdAt"]);
    assert_eq!(
        task["createdBy"],
        json!({"source": "API", "name": "stand-in"})
    );
    assert_eq!(task["bodyV2"]["markdown"], "By **Friday**");
    let blocks: Value =
        serde_json::from_str(task["bodyV2"]["blocknote"].as_str().unwrap()).unwrap();
    assert_eq!(blocks[0]["type"], "paragraph");
    assert_eq!(
        blocks[0]["content"],
        json!([{"type": "text", "text": "By ", "styles": {}}, {"type": "text", "text": "Friday", "styles": {"bold": true}}])
    );
    assert_eq!(
        running.count("task"),
        count(before.live + 1, before.deleted)
    );
    let read = run(
        &running,
        "query($i:UUID!){ task(filter:{id:{eq:$i}}){ title position } search: tasks(filter:{createdAt:{gte:\"2026-11-22T20:30:00Z\"}}){ totalCount } }",
        json!({"i": NEW}),
    )
    .await;
    assert_eq!(
        read["data"]["task"],
        json!({"title": "Send the order form", "position": -1})
    );
    assert_eq!(read["data"]["search"]["totalCount"], 1);
}

#[tokio::test]
async fn what_was_written_is_found_by_search() {
    let running = start().await;
    create_task(&running, json!({"id": NEW, "title": "Zyzzyva paperwork"})).await;
    let found = run(
        &running,
        "query{ search(searchInput:\"zyzz\", limit:5, includedObjectNameSingulars:[\"task\"]){ edges{node{recordId label}} } }",
        json!({}),
    )
    .await;
    assert_eq!(
        found["data"]["search"]["edges"],
        json!([{"node": {"recordId": NEW, "label": "Zyzzyva paperwork"}}])
    );
}

#[tokio::test]
async fn an_id_is_made_where_none_is_given() {
    let running = start().await;
    let first = create_task(&running, json!({"title": "one"})).await["data"]["createTask"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let second = create_task(&running, json!({"title": "two"})).await["data"]["createTask"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_ne!(first, second);
    assert_eq!(uuid::Uuid::parse_str(&first).unwrap().get_version_num(), 4);
}

#[tokio::test]
async fn existing_id_is_a_duplicate_even_if_deleted() {
    let running = start().await;
    for id in [task_id(1), task_id(217)] {
        let answer = create_task(&running, json!({"id": id.to_string(), "title": "again"})).await;
        assert_eq!(answer["data"], json!({"createTask": null}));
        assert_eq!(
            error(&answer),
            &json!({
                "message": "A duplicate entry was detected",
                "extensions": {"userFriendlyMessage": "This record already exists. Please check your data and try again.", "code": "BAD_USER_INPUT"}
            })
        );
    }
    assert_ne!(
        running.record("task", &task_id(1).to_string()).unwrap()["title"],
        "again"
    );
}

#[tokio::test]
async fn of_fifty_creates_with_one_id_exactly_one_wins() {
    let running = start().await;
    let before = running.count("task").live;
    let all: Vec<_> = (0..50)
        .map(|n| {
            let addr = running.addr();
            let data = json!({"d": {"id": NEW, "title": format!("by {n}")}});
            tokio::spawn(async move { ask(addr, FULL_KEY, CREATE_TASK, data).await })
        })
        .collect();
    let (mut won, mut lost) = (Vec::new(), 0);
    for one in all {
        let answer = one.await.unwrap();
        match answer["data"]["createTask"]["title"].as_str() {
            Some(title) => won.push(title.to_owned()),
            None => {
                assert_eq!(error(&answer)["message"], "A duplicate entry was detected");
                lost += 1;
            }
        }
    }
    assert_eq!((won.len(), lost), (1, 49));
    assert_eq!(running.count("task").live, before + 1);
    assert_eq!(
        running.record("task", NEW).unwrap()["title"],
        won[0].as_str()
    );
}

#[tokio::test]
async fn unique_values_ignore_case() {
    let running = start().await;
    let create =
        "mutation($d:PersonCreateInput!){ createPerson(data:$d){ id emails{primaryEmail} } }";
    let taken = running.record("person", &person_id(1).to_string()).unwrap();
    let email = taken["emails"]["primaryEmail"].as_str().unwrap();
    let answer = run(
        &running,
        create,
        json!({"d": {"emails": {"primaryEmail": email.to_uppercase()}}}),
    )
    .await;
    assert_eq!(
        error(&answer),
        &json!({
            "message": "A duplicate entry was detected",
            "extensions": {
                "userFriendlyMessage": "This Emails value is already in use. Please check your data and try again.",
                "conflictingRecordId": person_id(1).to_string(),
                "conflictingObjectNameSingular": "person",
                "code": "BAD_USER_INPUT"
            }
        })
    );
    run(
        &running,
        "mutation($i:UUID!){ deletePerson(id:$i){ id } }",
        json!({"i": person_id(1).to_string()}),
    )
    .await;
    let answer = run(
        &running,
        create,
        json!({"d": {"emails": {"primaryEmail": email}}}),
    )
    .await;
    assert_eq!(
        error(&answer)["extensions"],
        json!({"userFriendlyMessage": "This record already exists. Please check your data and try again.", "code": "BAD_USER_INPUT"})
    );
    let answer = run(
        &running,
        create,
        json!({"d": {"emails": {"primaryEmail": "Nobody.Yet@Example.org"}}}),
    )
    .await;
    assert_eq!(
        answer["data"]["createPerson"]["emails"]["primaryEmail"],
        "nobody.yet@example.org"
    );
    let company = running
        .record("company", &company_id(1).to_string())
        .unwrap();
    let answer = run(
        &running,
        "mutation($d:CompanyCreateInput!){ createCompany(data:$d){ id } }",
        json!({"d": {"name": "Copy", "domainName": {"primaryLinkUrl": company["domainName"]["primaryLinkUrl"]}}}),
    )
    .await;
    assert_eq!(
        error(&answer)["extensions"]["conflictingRecordId"],
        company_id(1).to_string()
    );
}

#[tokio::test]
async fn soft_deleted_target_is_accepted_as_null() {
    let running = start().await;
    let link = json!({"id": NEW, "taskId": task_id(1).to_string(), "targetOpportunityId": SOFT_DELETED_DEAL.to_string()});
    let answer = run(&running, LINK, json!({"d": [link]})).await;
    assert_eq!(
        answer["data"]["createTaskTargets"],
        json!([{"id": NEW, "taskId": task_id(1).to_string(), "targetOpportunityId": null}])
    );
    assert_eq!(
        running.record("taskTarget", NEW).unwrap()["targetOpportunityId"],
        SOFT_DELETED_DEAL.to_string()
    );
}

#[tokio::test]
async fn link_beside_its_new_task_is_refused() {
    let both = "mutation B($t:TaskCreateInput!,$l:[TaskTargetCreateInput!]!){ createTask(data:$t){ id } createTaskTargets(data:$l){ id } }";
    let running = start().await;
    let before = running.count("taskTarget");
    let variables = json!({"t": {"id": NEW, "title": "race"}, "l": [{"id": OTHER, "taskId": NEW, "targetOpportunityId": HEALTHY.to_string()}]});
    let answer = run(&running, both, variables).await;
    assert_eq!(
        answer["data"],
        json!({"createTask": {"id": NEW}, "createTaskTargets": null})
    );
    assert!(
        error(&answer)["message"]
            .as_str()
            .unwrap()
            .contains("violates foreign key constraint")
    );
    assert_eq!(running.count("taskTarget"), before);
    let link = json!({"id": OTHER, "taskId": NEW, "targetOpportunityId": HEALTHY.to_string()});
    let answer = run(&running, LINK, json!({"d": [link]})).await;
    assert_eq!(answer["data"]["createTaskTargets"][0]["id"], OTHER);
}

#[tokio::test]
async fn many_are_created_all_or_nothing() {
    let running = start().await;
    let before = running.count("task");
    let many = "mutation($d:[TaskCreateInput!]!){ createTasks(data:$d){ id title } }";
    let twice = json!({"d": [{"id": NEW, "title": "a"}, {"id": NEW, "title": "b"}]});
    assert_eq!(
        error(&run(&running, many, twice).await)["message"],
        "A duplicate entry was detected"
    );
    assert_eq!(running.count("task"), before);
    let fine = json!({"d": [{"id": NEW, "title": "a"}, {"id": OTHER, "title": "b"}]});
    assert_eq!(
        run(&running, many, fine).await["data"]["createTasks"],
        json!([{"id": NEW, "title": "a"}, {"id": OTHER, "title": "b"}])
    );
    assert_eq!(running.count("task").live, before.live + 2);
}

#[tokio::test]
async fn url_is_stored_normalised() {
    let running = start().await;
    let create =
        "mutation($d:CompanyCreateInput!){ createCompany(data:$d){ domainName{primaryLinkUrl} } }";
    let with = |url: &str| json!({"d": {"domainName": {"primaryLinkUrl": url}}});
    for (given, kept) in [
        ("https://Harbor.Example/", "https://harbor.example"),
        (
            "https://Harbor.Example/About/Us",
            "https://harbor.example/About/Us",
        ),
        ("Harbor.Example", "Harbor.Example"),
        ("", ""),
    ] {
        let answer = run(&running, create, with(given)).await;
        assert_eq!(
            answer["data"]["createCompany"]["domainName"]["primaryLinkUrl"],
            kept
        );
    }
    let answer = run(&running, create, with("https://HARBOR.example")).await;
    assert_eq!(error(&answer)["message"], "A duplicate entry was detected");
    for unknown in [
        "mailto:a@harbor.example",
        "https://harbor.example:8080",
        "https://hafen-ä.example",
    ] {
        assert_not_known(&running, create, with(unknown)).await;
    }
}
