//! A hundred thousand tasks: they are all there, and the questions of a briefing agree with one
//! another.

#[allow(dead_code, reason = "each test uses its part")]
mod client;

use client::ask;
use crm_stand_in::clock::ManualClock;
use crm_stand_in::twenty::keys::FULL_KEY;
use crm_stand_in::twenty::sample::{ROBIN_EMAIL, Size};
use crm_stand_in::twenty::{Options, TwentyStandIn};
use serde_json::{Value, json};

const TASKS: u32 = 100_000;

#[tokio::test]
async fn a_hundred_thousand_tasks_answer_a_briefing() {
    let clock = ManualClock::at("2026-03-04T15:00:00Z".parse().unwrap());
    let size = Size {
        people: 2_000,
        opportunities: 1_000,
        tasks: TASKS,
    };
    let running = TwentyStandIn::start(Options {
        clock: clock.clock(),
        size,
        rate_limit: false,
        ..Options::default()
    })
    .await
    .unwrap();
    let addr = running.addr();

    let count = |answer: &Value| answer["data"]["tasks"]["totalCount"].as_u64().unwrap();
    let all = count(
        &ask(
            addr,
            FULL_KEY,
            "query{ tasks(first:1){ totalCount } }",
            json!({}),
        )
        .await,
    );
    assert!(all > u64::from(TASKS));

    // The same question four ways: by the member's address, by the member's id, by parts of the
    // time, and by groups.
    let me = ask(
        addr,
        FULL_KEY,
        "query($e:String!){ workspaceMembers(filter:{userEmail:{eq:$e}}){ edges{node{id}} } }",
        json!({"e": ROBIN_EMAIL}),
    )
    .await["data"]["workspaceMembers"]["edges"][0]["node"]["id"]
        .clone();
    let (start, end) = ("2026-02-01T00:00:00Z", "2026-03-05T05:00:00Z");
    let open = "{or:[{status:{neq:DONE}},{status:{is:NULL}}]}";
    let by_address = format!(
        "query($e:String!,$f:DateTime!,$t:DateTime!){{ tasks(first:10, filter:{{and:[{{assignee:{{userEmail:{{eq:$e}}}}}},{{dueAt:{{gte:$f}}}},{{dueAt:{{lt:$t}}}},{open}]}}, orderBy:[{{dueAt:AscNullsLast}}]){{ totalCount edges{{node{{dueAt}}}} }} }}"
    );
    let answer = ask(
        addr,
        FULL_KEY,
        &by_address,
        json!({"e": ROBIN_EMAIL, "f": start, "t": end}),
    )
    .await;
    let found = count(&answer);
    assert!(found > 1_000, "{found}");
    let due: Vec<&str> = answer["data"]["tasks"]["edges"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|e| e["node"]["dueAt"].as_str())
        .collect();
    assert!(due.len() == 10 && due.is_sorted() && due[0] >= "2026-02-01");

    let by_id = format!(
        "query($m:UUID!,$f:DateTime!,$t:DateTime!){{ tasks(first:1, filter:{{and:[{{assigneeId:{{eq:$m}}}},{{dueAt:{{gte:$f}}}},{{dueAt:{{lt:$t}}}},{open}]}}){{ totalCount }} }}"
    );
    let span = |from: &str, to: &str| json!({"m": me, "f": from, "t": to});
    assert_eq!(
        count(&ask(addr, FULL_KEY, &by_id, span(start, end)).await),
        found
    );
    let middle = "2026-02-17T12:00:00Z";
    let parts = count(&ask(addr, FULL_KEY, &by_id, span(start, middle)).await)
        + count(&ask(addr, FULL_KEY, &by_id, span(middle, end)).await);
    assert_eq!(parts, found);

    let groups = "query($m:UUID!,$f:DateTime!,$t:DateTime!){ tasksGroupBy(groupBy:[{status:true}], filter:{and:[{assigneeId:{eq:$m}},{dueAt:{gte:$f}},{dueAt:{lt:$t}}]}){ groupByDimensionValues totalCount } }";
    let groups = ask(addr, FULL_KEY, groups, span(start, end)).await;
    let groups = groups["data"]["tasksGroupBy"].as_array().unwrap().clone();
    let not_done = groups
        .iter()
        .filter(|g| g["groupByDimensionValues"][0] != "DONE")
        .filter_map(|g| g["totalCount"].as_u64());
    assert_eq!(not_done.sum::<u64>(), found);
}
