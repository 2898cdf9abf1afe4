//! Tests of refusals in the service's words, and of behaviour that is not known.

use super::*;

#[tokio::test]
async fn dangling_link_names_only_its_constraint() {
    let running = start().await;
    let before = running.count("taskTarget");
    for (column, link) in [
        (
            "taskId",
            json!({"taskId": MISSING, "targetOpportunityId": HEALTHY.to_string()}),
        ),
        (
            "targetOpportunityId",
            json!({"taskId": task_id(1).to_string(), "targetOpportunityId": MISSING}),
        ),
    ] {
        let fine =
            json!({"taskId": task_id(1).to_string(), "targetOpportunityId": HEALTHY.to_string()});
        let answer = run(&running, LINK, json!({"d": [fine, link]})).await;
        assert_eq!(answer["data"]["createTaskTargets"], Value::Null);
        let message = error(&answer)["message"].as_str().unwrap();
        let constraint = message
            .strip_prefix(
                "insert or update on table \"taskTarget\" violates foreign key constraint \"FK_",
            )
            .and_then(|rest| rest.strip_suffix('"'))
            .unwrap();
        assert_eq!(constraint.len(), 27);
        assert!(!message.contains(column));
        assert_eq!(
            error(&answer)["extensions"],
            json!({
                "userFriendlyMessage": "This operation references a record that does not exist or cannot be modified due to existing relationships.",
                "code": "BAD_USER_INPUT",
            })
        );
    }
    assert_eq!(running.count("taskTarget"), before, "all or nothing");
}

#[tokio::test]
async fn missing_record_is_not_found() {
    let running = start().await;
    for mutation in [
        "updateTask(id:$i,data:{title:\"x\"})",
        "deleteTask(id:$i)",
        "restoreTask(id:$i)",
        "destroyTask(id:$i)",
    ] {
        let query = format!("mutation($i:UUID!){{ {mutation}{{ id }} }}");
        let answer = run(&running, &query, json!({"i": MISSING})).await;
        assert_eq!(
            error(&answer),
            &json!({
                "message": "Record not found",
                "extensions": {"subCode": "RECORD_NOT_FOUND", "userFriendlyMessage": "This record does not exist or has been deleted.", "code": "NOT_FOUND"}
            })
        );
    }
}

#[tokio::test]
async fn wrong_field_type_or_member_is_refused() {
    let running = start().await;
    for (data, message) in [
        (
            json!({"body": "x"}),
            "Object task doesn't have any \"body\" field.",
        ),
        (
            json!({"title": {"a": 1}}),
            "Invalid string value { a: 1 } for text field \"title\"",
        ),
        (
            json!({"dueAt": "next friday"}),
            "Invalid value 'next friday' for date-time field \"dueAt\". Expected format: 'YYYY-MM-DDTHH:mm:ssZ'",
        ),
        (
            json!({"status": "LOST"}),
            "Invalid value \"LOST\" for field \"status\". Valid values are: TODO, IN_PROGRESS, DONE",
        ),
        (
            json!({"assigneeId": "robin"}),
            "Invalid UUID value 'robin' for field \"assigneeId\"",
        ),
        (
            json!({"bodyV2": "plain"}),
            "Invalid object value 'plain' for field \"bodyV2\"",
        ),
        (
            json!({"taskTargets": []}),
            "One-to-many relation taskTargets field does not support write operations.",
        ),
    ] {
        let answer = create_task(&running, data).await;
        assert_eq!(error(&answer)["message"], message);
        assert_eq!(error(&answer)["extensions"]["code"], "BAD_USER_INPUT");
        assert_eq!(error(&answer)["extensions"]["subCode"], "INVALID_ARGS_DATA");
    }
    let answer = create_task(&running, json!({"id": "not-a-uuid"})).await;
    assert_eq!(
        error(&answer)["message"],
        "Value \"not-a-uuid\" is not a valid UUID"
    );
    let answer = create_task(&running, json!({"bodyV2": null})).await;
    assert_eq!(
        error(&answer)["message"],
        "Cannot read properties of null (reading 'blocknote')"
    );
    let answer = create_task(&running, json!({"title": "t", "assigneeId": MISSING})).await;
    assert!(
        error(&answer)["message"]
            .as_str()
            .unwrap()
            .starts_with("insert or update on table \"task\"")
    );
    let answer = create_task(
        &running,
        json!({"title": "t", "assigneeId": ROBIN.to_string(), "status": null}),
    )
    .await;
    assert_eq!(answer["data"]["createTask"]["status"], Value::Null);
}

#[tokio::test]
async fn read_only_key_writes_nothing() {
    let running = start().await;
    let before = running.count("task");
    for key in [READ_ONLY_KEY, NARROW_KEY] {
        let answer = ask(
            running.addr(),
            key,
            CREATE_TASK,
            json!({"d": {"id": NEW, "title": "x"}}),
        )
        .await;
        assert_eq!(answer["data"], json!({"createTask": null}));
        assert_eq!(
            error(&answer),
            &json!({
                "message": "Entity performing the request does not have permission",
                "extensions": {"userFriendlyMessage": "User does not have permission.", "subCode": "PERMISSION_DENIED", "code": "FORBIDDEN"}
            })
        );
    }
    assert_eq!(running.count("task"), before);
}

#[tokio::test]
async fn a_key_that_only_reads_still_links() {
    let running = start().await;
    let link = json!([{"id": NEW, "taskId": task_id(1).to_string(), "targetOpportunityId": HEALTHY.to_string()}]);
    let answer = ask(running.addr(), READ_ONLY_KEY, LINK, json!({"d": link})).await;
    assert_eq!(
        answer["data"]["createTaskTargets"][0]["id"], NEW,
        "{answer}"
    );
    assert!(running.record("taskTarget", NEW).is_some());
}

#[tokio::test]
async fn each_root_field_of_a_mutation_costs_a_token() {
    let running = TwentyStandIn::start(Options {
        clock: ManualClock::at("2026-11-22T20:30:00Z".parse().unwrap()).clock(),
        ..Options::default()
    })
    .await
    .unwrap();
    let two = "mutation($t:TaskCreateInput!,$n:NoteCreateInput!){ createTask(data:$t){ id } createNote(data:$n){ id } }";
    let before = (running.count("task").live, running.count("note").live);
    for _ in 0..50 {
        let answer = run(
            &running,
            two,
            json!({"t": {"title": "t"}, "n": {"title": "n"}}),
        )
        .await;
        assert_eq!(answer.get("errors"), None);
    }
    let answer = run(
        &running,
        two,
        json!({"t": {"title": "t"}, "n": {"title": "n"}}),
    )
    .await;
    assert_eq!(
        answer["data"],
        json!({"createTask": null, "createNote": null})
    );
    assert_eq!(
        answer["errors"][0]["extensions"]["subCode"],
        "LIMIT_REACHED"
    );
    assert_eq!(
        (running.count("task").live, running.count("note").live),
        (before.0 + 50, before.1 + 50)
    );
}

#[tokio::test]
async fn a_phone_number_without_a_digit_is_refused() {
    let running = start().await;
    let before = running.count("person");
    let query = "mutation($n:String){ createPerson(data:{phones:{primaryPhoneNumber:$n}}){ id } }";
    let answer = run(&running, query, json!({"n": "abc"})).await;
    let message = "Provided phone number is invalid abc";
    assert_eq!(
        error(&answer),
        &json!({
            "message": message,
            "extensions": {"userFriendlyMessage": message, "code": "BAD_USER_INPUT", "subCode": "INVALID_PHONE_NUMBER"}
        })
    );
    assert_eq!(running.count("person"), before);
}

#[tokio::test]
async fn unknown_behaviour_answers_501() {
    let running = start().await;
    let id = json!({"i": task_id(1).to_string(), "gone": task_id(217).to_string()});
    for query in [
        "mutation($i:UUID!){ deleteTasks(filter:{id:{eq:$i}}){ id } }",
        "mutation($i:UUID!){ mergeTasks(ids:[$i]){ id } }",
        "mutation{ createWorkspaceMember(data:{}){ id } }",
        "mutation{ createTask(data:{title:\"t\", assignee:{connect:{where:{userEmail:\"a@b.example\"}}}}){ id } }",
        "mutation{ createTask(data:{title:\"t\", bodyV2:{blocknote:\"[]\"}}){ id } }",
        "mutation{ createTask(data:{title:\"t\", bodyV2:{markdown:\"# heading\"}}){ bodyV2{blocknote} } }",
        "mutation{ createTask(data:{title:\"kept back\"}){ id } createPerson(data:{phones:{primaryPhoneNumber:\"030 12\"}}){ id } }",
        "mutation($gone:UUID!){ updateTask(id:$gone, data:{title:\"t\"}){ id } }",
        "mutation($i:UUID!){ restoreTask(id:$i){ id } }",
        "mutation($i:UUID!){ updateTask(id:$i, data:{title:\"t\"}){ id } people{ totalCount } }",
        "mutation($i:UUID!){ deleteTask(id:$i){ id taskTargets{ edges{node{id}} } } }",
        "mutation{ createTasks(data:[]){ id } }",
        "mutation{ createTask{ id } }",
    ] {
        assert_not_known(&running, query, id.clone()).await;
    }
}

#[tokio::test]
async fn markdown_of_unknown_form_is_stored() {
    let running = start().await;
    let answer = run(
        &running,
        "mutation($d:TaskCreateInput!){ createTask(data:$d){ bodyV2{markdown} } }",
        json!({"d": {"id": NEW, "title": "t", "bodyV2": {"markdown": "# Heading\n\n- one\n- two"}}}),
    )
    .await;
    assert_eq!(
        answer["data"]["createTask"]["bodyV2"]["markdown"],
        "# Heading\n\n- one\n- two"
    );
    assert_not_known(
        &running,
        "query($i:UUID!){ task(filter:{id:{eq:$i}}){ bodyV2{blocknote} } }",
        json!({"i": NEW}),
    )
    .await;
}
