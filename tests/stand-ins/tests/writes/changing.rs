//! Updates, upserts, soft deletes, restores and destroys.

use super::*;

#[tokio::test]
async fn updated_at_moves_with_every_write() {
    let running = start().await;
    let update = "mutation($i:UUID!,$d:TaskUpdateInput!){ updateTask(id:$i,data:$d){ createdAt updatedAt } }";
    let created = create_task(&running, json!({"id": NEW, "title": "t"})).await;
    let mut last = created["data"]["createTask"]["updatedAt"]
        .as_str()
        .unwrap()
        .to_owned();
    for title in ["a", "b", "b"] {
        let answer = run(&running, update, json!({"i": NEW, "d": {"title": title}})).await;
        let updated = answer["data"]["updateTask"]["updatedAt"].as_str().unwrap();
        assert!(updated > last.as_str(), "{updated} after {last}");
        last = updated.to_owned();
    }
}

#[tokio::test]
async fn upsert_overwrites_revives_and_keeps_creator() {
    let running = start().await;
    create_task(
        &running,
        json!({"id": NEW, "title": "first", "createdBy": {"source": "AGENT", "name": "Scribe"}, "bodyV2": {"markdown": "kept"}}),
    )
    .await;
    let delete = "mutation($i:UUID!){ deleteTask(id:$i){ id deletedAt updatedAt } }";
    let deleted = run(&running, delete, json!({"i": NEW})).await;
    let deleted = &deleted["data"]["deleteTask"];
    assert_eq!(deleted["deletedAt"], deleted["updatedAt"]);
    let answer = run(
        &running,
        UPSERT_TASK,
        json!({"d": {"id": NEW, "title": "second", "createdBy": {"source": "API", "name": "x"}}}),
    )
    .await;
    assert_eq!(answer["data"]["createTask"]["title"], "second");
    assert!(answer["data"]["createTask"]["updatedAt"].as_str() > deleted["updatedAt"].as_str());
    let stored = running.record("task", NEW).unwrap();
    assert_eq!(stored["deletedAt"], Value::Null);
    assert_eq!(stored["createdBy"]["source"], "AGENT");
    assert_eq!(stored["createdBy"]["name"], "Scribe");
    assert_eq!(stored["bodyV2"]["markdown"], "kept");
}

#[tokio::test]
async fn an_upsert_finds_a_person_by_email() {
    let running = start().await;
    let before = running.count("person");
    let taken = running.record("person", &person_id(2).to_string()).unwrap();
    let answer = run(
        &running,
        "mutation($d:PersonCreateInput!){ createPerson(data:$d, upsert:true){ id jobTitle name{firstName} } }",
        json!({"d": {"emails": {"primaryEmail": taken["emails"]["primaryEmail"]}, "jobTitle": "Chair"}}),
    )
    .await;
    let person = &answer["data"]["createPerson"];
    assert_eq!(person["id"], person_id(2).to_string());
    assert_eq!(person["jobTitle"], "Chair");
    assert_eq!(person["name"]["firstName"], taken["name"]["firstName"]);
    assert_eq!(running.count("person"), before);
}

#[tokio::test]
async fn update_changes_only_named_subfields() {
    let running = start().await;
    let person = person_id(3).to_string();
    let before = running.record("person", &person).unwrap();
    let answer = run(
        &running,
        "mutation($i:UUID!,$d:PersonUpdateInput!){ updatePerson(id:$i,data:$d){ name{firstName lastName} } }",
        json!({"i": person, "d": {"name": {"firstName": "Changed"}}}),
    )
    .await;
    assert_eq!(
        answer["data"]["updatePerson"]["name"],
        json!({"firstName": "Changed", "lastName": before["name"]["lastName"]})
    );
    let deal = deal_id(2).to_string();
    let before = running.record("opportunity", &deal).unwrap();
    let answer = run(
        &running,
        "mutation($i:UUID!,$d:OpportunityUpdateInput!){ updateOpportunity(id:$i,data:$d){ stage closeDate amount{amountMicros currencyCode} } }",
        json!({"i": deal, "d": {"amount": {"amountMicros": 1_500_000.75}, "stage": "PROPOSAL", "closeDate": "2026-12-05"}}),
    )
    .await;
    assert_eq!(
        answer["data"]["updateOpportunity"],
        json!({"stage": "PROPOSAL", "closeDate": "2026-12-05T00:00:00.000Z", "amount": {"amountMicros": 1_500_000, "currencyCode": before["amount"]["currencyCode"]}})
    );
    let after = running.record("opportunity", &deal).unwrap();
    assert_eq!(after["name"], before["name"]);
    assert_eq!(after["createdBy"], before["createdBy"]);
    assert_eq!(after["updatedBy"]["source"], "API");
    assert_ne!(after["updatedAt"], before["updatedAt"]);
}

#[tokio::test]
async fn task_links_are_deleted_and_restored_with_it() {
    let running = start().await;
    let task = task_id(1).to_string();
    let links = "query($t:UUID!){ taskTargets(filter:{taskId:{eq:$t}}){ totalCount } }";
    let of_task = async || {
        run(&running, links, json!({"t": task})).await["data"]["taskTargets"]["totalCount"]
            .as_u64()
            .unwrap()
    };
    let before = of_task().await;
    assert!(before > 0);
    for (mutation, expected) in [("deleteTask", 0), ("restoreTask", before)] {
        let query = format!("mutation($i:UUID!){{ {mutation}(id:$i){{ id deletedAt }} }}");
        let answer = run(&running, &query, json!({"i": task})).await;
        assert_eq!(
            answer["data"][mutation]["deletedAt"].is_null(),
            mutation == "restoreTask"
        );
        assert_eq!(of_task().await, expected, "{mutation}");
    }
    let delete = "mutation($i:UUID!){ deleteTask(id:$i){ deletedAt } }";
    let first = run(&running, delete, json!({"i": task})).await;
    let again = run(&running, delete, json!({"i": task})).await;
    assert!(
        again["data"]["deleteTask"]["deletedAt"].as_str()
            > first["data"]["deleteTask"]["deletedAt"].as_str()
    );
}

#[tokio::test]
async fn note_links_are_deleted_and_restored_with_it() {
    let running = start().await;
    let note = "mutation($n:NoteCreateInput!){ createNote(data:$n){ id } }";
    run(
        &running,
        note,
        json!({"n": {"id": NEW, "title": "Blocked"}}),
    )
    .await;
    let link = "mutation($l:NoteTargetCreateInput!){ createNoteTarget(data:$l){ id } }";
    let data = json!({"id": OTHER, "noteId": NEW, "targetOpportunityId": HEALTHY.to_string()});
    run(&running, link, json!({"l": data})).await;
    for (mutation, gone) in [("deleteNote", true), ("restoreNote", false)] {
        let query = format!("mutation($i:UUID!){{ {mutation}(id:$i){{ id }} }}");
        run(&running, &query, json!({"i": NEW})).await;
        let stored = running.record("noteTarget", OTHER).unwrap();
        assert_eq!(!stored["deletedAt"].is_null(), gone, "{mutation}");
    }
}

#[tokio::test]
async fn released_address_can_be_reused() {
    let running = start().await;
    let create = "mutation($d:PersonCreateInput!){ createPerson(data:$d){ id } }";
    let with = |id: &str| json!({"d": {"id": id, "emails": {"primaryEmail": "first@example.org"}}});
    run(&running, create, with(NEW)).await;
    assert_eq!(
        error(&run(&running, create, with(OTHER)).await)["message"],
        "A duplicate entry was detected"
    );
    let update = "mutation($i:UUID!,$d:PersonUpdateInput!){ updatePerson(id:$i,data:$d){ id } }";
    let other = json!({"emails": {"primaryEmail": "second@example.org"}});
    run(&running, update, json!({"i": NEW, "d": other})).await;
    let answer = run(&running, create, with(OTHER)).await;
    assert_eq!(answer["data"]["createPerson"]["id"], OTHER);
    assert_eq!(
        error(&run(&running, update, json!({"i": OTHER, "d": other})).await)["extensions"]["conflictingRecordId"],
        NEW
    );
    run(
        &running,
        "mutation($i:UUID!){ destroyPerson(id:$i){ id } }",
        json!({"i": NEW}),
    )
    .await;
    let answer = run(&running, update, json!({"i": OTHER, "d": other})).await;
    assert_eq!(answer["data"]["updatePerson"]["id"], OTHER);
}

#[tokio::test]
async fn deleted_deal_leaves_dangling_links() {
    let running = start().await;
    let link = json!({"id": NEW, "taskId": task_id(1).to_string(), "targetOpportunityId": deal_id(2).to_string()});
    run(&running, LINK, json!({"d": [link]})).await;
    run(
        &running,
        "mutation($i:UUID!){ deleteOpportunity(id:$i){ id } }",
        json!({"i": deal_id(2).to_string()}),
    )
    .await;
    let read = run(
        &running,
        "query($i:UUID!){ taskTarget(filter:{id:{eq:$i}}){ targetOpportunityId targetOpportunity{id} } }",
        json!({"i": NEW}),
    )
    .await;
    assert_eq!(
        read["data"]["taskTarget"],
        json!({"targetOpportunityId": null, "targetOpportunity": null})
    );
}

#[tokio::test]
async fn destroy_removes_record_and_links() {
    let running = start().await;
    create_task(&running, json!({"id": NEW, "title": "gone soon"})).await;
    let link = json!({"id": OTHER, "taskId": NEW, "targetOpportunityId": HEALTHY.to_string()});
    run(&running, LINK, json!({"d": [link]})).await;
    create_task(&running, json!({"title": "stays Quokka"})).await;
    let answer = run(
        &running,
        "mutation($i:UUID!){ destroyTask(id:$i){ id title } }",
        json!({"i": NEW}),
    )
    .await;
    assert_eq!(
        answer["data"]["destroyTask"],
        json!({"id": NEW, "title": "gone soon"})
    );
    assert_eq!(running.record("task", NEW), None);
    assert_eq!(running.record("taskTarget", OTHER), None);
    let found = run(
        &running,
        "query{ search(searchInput:\"quokka\", limit:5, includedObjectNameSingulars:[\"task\"]){ edges{node{label}} } }",
        json!({}),
    )
    .await;
    assert_eq!(
        found["data"]["search"]["edges"],
        json!([{"node": {"label": "stays Quokka"}}])
    );
    let answer = create_task(&running, json!({"id": NEW, "title": "free again"})).await;
    assert_eq!(answer["data"]["createTask"]["title"], "free again");
}

#[tokio::test]
async fn bulk_update_needs_a_filter_and_caps_at_200() {
    let running = TwentyStandIn::start(Options {
        rate_limit: false,
        size: crm_stand_in::twenty::sample::Size {
            tasks: 300,
            ..Default::default()
        },
        ..Options::default()
    })
    .await
    .unwrap();
    let many = "mutation($f:TaskFilterInput!,$d:TaskUpdateInput!){ updateTasks(filter:$f,data:$d){ id title } }";
    let answer = run(&running, many, json!({"d": {"title": "no"}})).await;
    assert_eq!(
        error(&answer)["message"],
        "Missing required argument: \"filter\" (object)"
    );
    let answer = run(&running, many, json!({"f": {}, "d": {"title": "no"}})).await;
    assert_eq!(
        error(&answer),
        &json!({
            "message": "Cannot update more than 200 records at once",
            "extensions": {"userFriendlyMessage": "You can only update up to 200 records at once.", "code": "BAD_USER_INPUT"}
        })
    );
    let ids = [task_id(1).to_string(), task_id(2).to_string()];
    let answer = run(
        &running,
        many,
        json!({"f": {"id": {"in": ids}}, "d": {"title": "both"}}),
    )
    .await;
    assert_eq!(
        answer["data"]["updateTasks"],
        json!([{"id": ids[0], "title": "both"}, {"id": ids[1], "title": "both"}])
    );
}
