//! Mutations do what the real service was seen to do, and nothing where that is not known.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

#[allow(dead_code, reason = "each test uses its part")]
mod client;

use client::{ask, send};
use crm_stand_in::clock::ManualClock;
use crm_stand_in::twenty::keys::{FULL_KEY, NARROW_KEY, READ_ONLY_KEY};
use crm_stand_in::twenty::sample::{
    HEALTHY, ROBIN, SOFT_DELETED_DEAL, company_id, deal_id, person_id, task_id,
};
use crm_stand_in::twenty::{Options, TwentyStandIn};
use crm_stand_in::{Count, Running};
use serde_json::{Value, json};

const NEW: &str = "7f1d3c52-9a4e-4b6f-8c21-5e0d9b7a6c31";
const OTHER: &str = "7f1d3c52-9a4e-4b6f-8c21-5e0d9b7a6c32";
const MISSING: &str = "7f1d3c52-9a4e-4b6f-8c21-5e0d9b7affff";

const CREATE_TASK: &str = "mutation C($d:TaskCreateInput!){ createTask(data:$d){ id title status dueAt createdAt updatedAt createdBy{source name} bodyV2{markdown blocknote} } }";
const UPSERT_TASK: &str =
    "mutation U($d:TaskCreateInput!){ createTask(data:$d, upsert:true){ id title updatedAt } }";
const LINK: &str = "mutation L($d:[TaskTargetCreateInput!]!){ createTaskTargets(data:$d){ id taskId targetOpportunityId } }";

/// A stand-in without a limit, at a clock that stands still.
async fn start() -> Running {
    TwentyStandIn::start(Options {
        clock: ManualClock::at("2026-11-22T20:30:00Z".parse().unwrap()).clock(),
        rate_limit: false,
        ..Options::default()
    })
    .await
    .unwrap()
}

async fn run(running: &Running, query: &str, variables: Value) -> Value {
    ask(running.addr(), FULL_KEY, query, variables).await
}

async fn create_task(running: &Running, data: Value) -> Value {
    run(running, CREATE_TASK, json!({"d": data})).await
}

/// The only error of an answer.
fn error(answer: &Value) -> &Value {
    assert_eq!(answer["errors"].as_array().unwrap().len(), 1, "{answer}");
    &answer["errors"][0]
}

fn count(live: usize, deleted: usize) -> Count {
    Count { live, deleted }
}

/// Asks for something unknown: it answers 501, and everything stays as it was.
async fn assert_not_known(running: &Running, query: &str, variables: Value) {
    let state = |running: &Running| {
        let objects = ["task", "taskTarget", "person", "company", "opportunity"];
        objects.map(|object| running.records(object).unwrap())
    };
    let before = state(running);
    let body = json!({"query": query, "variables": variables}).to_string();
    let answer = send(running.addr(), "POST", "/graphql", Some(FULL_KEY), body)
        .await
        .unwrap();
    assert_eq!(answer.status, 501, "{query}: {}", answer.text());
    let said = answer.json()["error"].as_str().unwrap().to_owned();
    assert!(
        said.starts_with("not implemented by this stand-in: "),
        "{said}"
    );
    assert!(state(running) == before, "{query} changed something");
}

#[tokio::test]
async fn a_created_task_has_the_chosen_id_the_defaults_and_the_clocks_time() {
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
async fn every_write_moves_the_time_of_change_even_while_the_clock_stands() {
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
async fn an_id_that_is_there_is_a_duplicate_also_of_a_deleted_record() {
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
async fn unique_values_are_compared_in_lower_case_and_name_the_live_record_that_holds_them() {
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
async fn an_upsert_overwrites_revives_and_keeps_who_made_the_record() {
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
async fn a_link_to_nothing_is_refused_by_the_name_of_a_constraint_only() {
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
            json!({"userFriendlyMessage": "Invalid input provided.", "code": "BAD_USER_INPUT"})
        );
    }
    assert_eq!(running.count("taskTarget"), before, "all or nothing");
}

#[tokio::test]
async fn a_soft_deleted_target_is_accepted_and_reads_null() {
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
async fn a_task_and_its_links_in_one_request_race_and_only_the_task_is_created() {
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
async fn an_update_changes_only_the_subfields_that_it_names() {
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
async fn a_record_that_is_missing_is_not_found_whatever_is_to_be_done_with_it() {
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
async fn a_deleted_task_takes_its_links_along_and_a_restored_one_brings_them_back() {
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
async fn a_deleted_note_takes_its_links_along_and_a_restored_one_brings_them_back() {
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
async fn an_address_that_is_given_up_is_free_for_another_person() {
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
async fn a_deleted_deal_leaves_its_links_which_then_point_nowhere() {
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
async fn a_destroyed_record_is_gone_with_its_links_and_every_index_still_finds_the_others() {
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
async fn data_of_the_wrong_field_type_or_member_is_refused_as_such() {
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
async fn a_key_that_may_not_write_is_refused_and_writes_nothing() {
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
async fn an_update_of_many_needs_a_filter_and_stops_at_two_hundred() {
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

#[tokio::test]
async fn what_is_not_known_of_the_real_service_answers_501_and_stores_nothing() {
    let running = start().await;
    let id = json!({"i": task_id(1).to_string(), "gone": task_id(217).to_string()});
    for query in [
        "mutation($i:UUID!){ deleteTasks(filter:{id:{eq:$i}}){ id } }",
        "mutation($i:UUID!){ mergeTasks(ids:[$i]){ id } }",
        "mutation{ createWorkspaceMember(data:{}){ id } }",
        "mutation{ createTask(data:{title:\"t\", assignee:{connect:{where:{userEmail:\"a@b.example\"}}}}){ id } }",
        "mutation{ createTask(data:{title:\"t\", bodyV2:{blocknote:\"[]\"}}){ id } }",
        "mutation{ createTask(data:{title:\"t\", bodyV2:{markdown:\"# heading\"}}){ bodyV2{blocknote} } }",
        "mutation{ createTask(data:{title:\"kept back\"}){ id } createPerson(data:{phones:{primaryPhoneNumber:\"abc\"}}){ id } }",
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
async fn markdown_whose_editor_form_is_not_known_is_stored_and_read() {
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

#[tokio::test]
async fn no_two_records_of_the_sample_hold_one_unique_value() {
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
async fn the_stored_state_shows_over_http_and_mutations_are_in_the_journal() {
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
