//! The sample workspace tells the stories it claims to tell, whenever it is laid out.

#[allow(dead_code, reason = "each test uses its part")]
mod client;

use client::ask;
use crm_stand_in::Running;
use crm_stand_in::clock::ManualClock;
use crm_stand_in::twenty::keys::FULL_KEY;
use crm_stand_in::twenty::sample::{
    AMBIGUOUS, AMBIGUOUS_WORD, BLOCKER_CASES, EVERYTHING_WRONG, HEALTHY, INJECTED_NOTE, ODD_NAME,
    ROBIN_EMAIL, ROBIN_TIME_ZONE, SOFT_DELETED_DEAL, Size,
};
use crm_stand_in::twenty::{Options, TwentyStandIn};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};

/// Moments that are awkward: around midnight of Robin's zone and of UTC, at both changes of the
/// clocks, at a leap day.
const MOMENTS: &[&str] = &[
    "2026-03-04T15:00:00Z",
    "2026-03-05T04:59:59Z",
    "2026-03-05T05:00:01Z",
    "2026-03-08T07:30:00Z",
    "2026-11-01T05:30:00Z",
    "2028-02-29T23:59:59Z",
];

async fn at(moment: &str) -> Running {
    let clock = ManualClock::at(moment.parse().unwrap());
    TwentyStandIn::start(Options {
        clock: clock.clock(),
        rate_limit: false,
        ..Options::default()
    })
    .await
    .unwrap()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Fires,
    Clear,
    Unknown,
}

use Verdict::{Clear, Fires, Unknown};

const DEAL: &str = "query($id: UUID!) {
  opportunity(filter: {id: {eq: $id}}) {
    createdAt stage closeDate nextStep ownerId pointOfContactId
    amount { amountMicros } company { deletedAt people { edges { node { id } } } }
  }
  opportunities(filter: {id: {eq: $id}}) { edges { node { pointOfContact { id } } } }
  workspaceMembers { edges { node { id } } }
  taskTargets(first: 60, filter: {and: [{targetOpportunityId: {eq: $id}}, {taskId: {is: NOT_NULL}}]}) {
    edges { node { createdAt task { title status dueAt bodyV2 { markdown } assigneeId } } }
  }
  noteTargets(first: 60, filter: {targetOpportunityId: {eq: $id}}) { edges { node { createdAt note { title bodyV2 { markdown } } } } }
  timelineActivities(first: 200, filter: {targetOpportunityId: {eq: $id}}, orderBy: [{happensAt: AscNullsLast}]) {
    edges { node { happensAt properties } }
  }
}";

/// A deal with all that the rules look at.
struct Facts {
    now: Timestamp,
    deal: Value,
    /// With the time of linking.
    tasks: Vec<Value>,
    notes: Vec<Value>,
    timeline: Vec<Value>,
}

fn nodes(connection: &Value) -> Vec<Value> {
    connection["edges"]
        .as_array()
        .unwrap()
        .iter()
        .map(|edge| edge["node"].clone())
        .collect()
}

fn time(value: &Value) -> Option<Timestamp> {
    value.as_str().map(|text| text.parse().unwrap())
}

impl Facts {
    async fn of(running: &Running, moment: &str, id: uuid::Uuid) -> Self {
        let answer = ask(
            running.addr(),
            FULL_KEY,
            DEAL,
            json!({"id": id.to_string()}),
        )
        .await;
        assert!(answer.get("errors").is_none(), "{id}: {answer}");
        let mut data = answer["data"].clone();
        // Who is gone is no member; beside the relation the id would be gone too.
        let members = nodes(&data["workspaceMembers"]);
        let member = |id: &Value| match members.iter().any(|member| member["id"] == *id) {
            true => json!({ "id": id }),
            false => Value::Null,
        };
        data["opportunity"]["owner"] = member(&data["opportunity"]["ownerId"]);
        data["opportunity"]["pointOfContact"] =
            data["opportunities"]["edges"][0]["node"]["pointOfContact"].clone();
        for link in data["taskTargets"]["edges"].as_array_mut().unwrap() {
            let task = &mut link["node"]["task"];
            task["assignee"] = member(&task["assigneeId"]);
        }
        Self {
            now: moment.parse().unwrap(),
            deal: data["opportunity"].clone(),
            tasks: nodes(&data["taskTargets"]),
            notes: nodes(&data["noteTargets"]),
            timeline: nodes(&data["timelineActivities"]),
        }
    }

    fn open(&self) -> Vec<&Value> {
        self.tasks
            .iter()
            .map(|link| &link["task"])
            .filter(|task| task["status"] != "DONE")
            .collect()
    }

    fn days_since(&self, at: Timestamp) -> i64 {
        (self.now.as_second() - at.as_second()).div_euclid(86_400)
    }

    /// Whole days in Robin's zone from today to the close date.
    fn days_to_close(&self) -> Option<i64> {
        let zone = TimeZone::get(ROBIN_TIME_ZONE).unwrap();
        let day = |at: Timestamp| at.to_zoned(zone.clone()).date();
        let close = time(&self.deal["closeDate"])?;
        Some(i64::from((day(close) - day(self.now)).get_days()))
    }

    fn next_step(&self) -> Verdict {
        let dated: Vec<Timestamp> = self
            .open()
            .iter()
            .filter_map(|task| time(&task["dueAt"]))
            .collect();
        if dated.iter().any(|due| *due >= self.now) || self.deal["nextStep"] != "" {
            Clear
        } else if self.open().len() > dated.len() {
            Unknown
        } else {
            Fires
        }
    }

    fn changes(&self, field: &str) -> Vec<(&Value, Timestamp)> {
        let changes = self.timeline.iter().map(|entry| {
            (
                &entry["properties"]["diff"][field],
                time(&entry["happensAt"]).unwrap(),
            )
        });
        changes.filter(|(diff, _)| diff.is_object()).collect()
    }

    fn judge(&self, code: &str) -> Verdict {
        let fires = |found: bool| if found { Fires } else { Clear };
        let amount = self.deal["amount"]["amountMicros"].as_i64();
        let gone = |id: &str, record: &str| !self.deal[id].is_null() && self.deal[record].is_null();
        match code {
            "overdue-task" => {
                let open = self.open();
                if open
                    .iter()
                    .any(|task| time(&task["dueAt"]).is_some_and(|due| due < self.now))
                {
                    Fires
                } else if !open.is_empty() && open.iter().all(|task| task["dueAt"].is_null()) {
                    Unknown
                } else {
                    Clear
                }
            }
            "no-next-step" => self.next_step(),
            "close-date-passed" => self.days_to_close().map_or(Unknown, |days| fires(days < 0)),
            "close-date-near" => self.days_to_close().map_or(Unknown, |days| {
                let early = self.deal["stage"] == "NEW" || self.deal["stage"] == "SCREENING";
                fires((0..=7).contains(&days) && (early || self.next_step() == Fires))
            }),
            "stale" => {
                let linked = self
                    .tasks
                    .iter()
                    .chain(&self.notes)
                    .filter_map(|link| time(&link["createdAt"]));
                let happened = self
                    .timeline
                    .iter()
                    .filter_map(|entry| time(&entry["happensAt"]));
                linked
                    .chain(happened)
                    .max()
                    .map_or(Unknown, |last| fires(self.days_since(last) > 14))
            }
            "stalled-stage" => {
                let made = time(&self.deal["createdAt"]).unwrap();
                let first = self
                    .timeline
                    .first()
                    .and_then(|entry| time(&entry["happensAt"]));
                match (self.changes("stage").last(), first) {
                    (Some((_, at)), _) => fires(self.days_since(*at) > 30),
                    (None, Some(first)) if first.as_second() - made.as_second() <= 86_400 => {
                        fires(self.days_since(made) > 30)
                    }
                    _ => Unknown,
                }
            }
            "close-date-pushed" if self.timeline.is_empty() => Unknown,
            "close-date-pushed" => {
                let later = self
                    .changes("closeDate")
                    .into_iter()
                    .filter(|(diff, _)| time(&diff["after"]) > time(&diff["before"]));
                fires(later.count() >= 2)
            }
            "no-owner" if gone("ownerId", "owner") => Unknown,
            "no-owner" => fires(self.deal["owner"].is_null()),
            "no-contact" if gone("pointOfContactId", "pointOfContact") => Unknown,
            "no-contact" => fires(self.deal["pointOfContact"].is_null()),
            "single-threaded" => {
                let mut known: Vec<String> = nodes(&self.deal["company"]["people"])
                    .iter()
                    .map(|p| p["id"].to_string())
                    .collect();
                known.push(self.deal["pointOfContact"]["id"].to_string());
                known.sort();
                known.dedup();
                amount.map_or(Unknown, |amount| {
                    fires(known.len() == 1 && amount >= 50_000_000_000)
                })
            }
            "no-amount" => match amount {
                None => Fires,
                Some(0) => Unknown,
                Some(_) => Clear,
            },
            "unassigned-task" => {
                let open = self.open();
                if open.iter().any(|task| task["assigneeId"].is_null()) {
                    Fires
                } else if open.iter().any(|task| task["assignee"].is_null()) {
                    Unknown
                } else {
                    Clear
                }
            }
            "noted-blocker" => {
                let texts: Vec<&Value> = self
                    .open()
                    .into_iter()
                    .chain(self.notes.iter().map(|link| &link["note"]))
                    .collect();
                let says = |text: &&Value| {
                    let text =
                        format!("{} {}", text["title"], text["bodyV2"]["markdown"]).to_lowercase();
                    let words: Vec<&str> = text
                        .split(|c: char| !c.is_alphanumeric())
                        .filter(|w| !w.is_empty())
                        .collect();
                    words
                        .iter()
                        .any(|w| ["blocked", "blocker", "stuck"].contains(w))
                        || words.windows(2).any(|w| w == ["waiting", "on"])
                };
                if texts.is_empty() {
                    Unknown
                } else {
                    fires(texts.iter().any(says))
                }
            }
            other => panic!("no such rule: {other}"),
        }
    }
}

#[tokio::test]
async fn rules_fire_clear_and_unknown_on_their_deals() {
    assert_eq!(BLOCKER_CASES.len(), 13);
    let mut wrong = Vec::new();
    for moment in MOMENTS {
        let running = at(moment).await;
        for case in BLOCKER_CASES {
            for (id, wanted) in [
                (case.fires, Fires),
                (case.clear, Clear),
                (case.unknown, Unknown),
            ] {
                let judged = Facts::of(&running, moment, id).await.judge(case.code);
                if judged != wanted {
                    wrong.push(format!(
                        "{moment} {} on {id}: {judged:?} instead of {wanted:?}",
                        case.code
                    ));
                }
            }
        }
        for case in BLOCKER_CASES {
            let judged = Facts::of(&running, moment, HEALTHY).await.judge(case.code);
            if judged != Clear {
                wrong.push(format!(
                    "{moment} {} on the healthy deal: {judged:?}",
                    case.code
                ));
            }
            let judged = Facts::of(&running, moment, EVERYTHING_WRONG)
                .await
                .judge(case.code);
            let wanted = match case.code {
                "close-date-near" => Clear,
                "single-threaded" => Unknown,
                _ => Fires,
            };
            if judged != wanted {
                wrong.push(format!("{moment} {} on the deal with everything wrong: {judged:?} instead of {wanted:?}", case.code));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn robins_day_fills_each_section_at_any_time() {
    const DAY: &str = "query($me: String!, $from: DateTime!, $to: DateTime!) { tasks(filter: {and: [
        {assignee: {userEmail: {eq: $me}}}, {dueAt: {gte: $from}}, {dueAt: {lt: $to}},
        {or: [{status: {neq: DONE}}, {status: {is: NULL}}]}]}) { totalCount edges { node { title status dueAt } } } }";
    const NEAR: &str = "query($me: String!, $from: DateTime!, $to: DateTime!) {
        opportunities(filter: {and: [{owner: {userEmail: {eq: $me}}}, {stage: {neq: CUSTOMER}}, {closeDate: {gte: $from}}, {closeDate: {lt: $to}}]}) { totalCount }
        people(filter: {createdAt: {gte: $from}}) { totalCount } }";
    for moment in MOMENTS {
        let running = at(moment).await;
        let today = moment
            .parse::<Timestamp>()
            .unwrap()
            .to_zoned(TimeZone::get(ROBIN_TIME_ZONE).unwrap())
            .date();
        let midnight = |days: i64| {
            (today + days.days())
                .in_tz(ROBIN_TIME_ZONE)
                .unwrap()
                .timestamp()
                .to_string()
        };
        let due = async |from, to| {
            let span = json!({"me": ROBIN_EMAIL, "from": midnight(from), "to": midnight(to)});
            nodes(&ask(running.addr(), FULL_KEY, DAY, span).await["data"]["tasks"])
        };
        assert!(due(-60, 0).await.len() >= 4, "{moment}: overdue");
        let due_today = due(0, 1).await;
        assert_eq!(due_today.len(), 3, "{moment}: due today");
        let late = (today.at(23, 30, 0, 0))
            .in_tz(ROBIN_TIME_ZONE)
            .unwrap()
            .timestamp();
        assert!(
            due_today
                .iter()
                .any(|task| time(&task["dueAt"]) == Some(late)),
            "{moment}: one at half past eleven in the evening"
        );
        let coming = due(1, 8).await;
        assert!(
            coming.len() >= 4 && coming.iter().any(|task| task["status"].is_null()),
            "{moment}: coming up"
        );
        let span = json!({"me": ROBIN_EMAIL, "from": midnight(0), "to": midnight(8)});
        let near = ask(running.addr(), FULL_KEY, NEAR, span).await;
        assert!(
            near["data"]["opportunities"]["totalCount"].as_u64() >= Some(3),
            "{moment}: closing soon: {near}"
        );
        let span = json!({"me": ROBIN_EMAIL, "from": midnight(-3), "to": midnight(8)});
        let new = ask(running.addr(), FULL_KEY, NEAR, span).await;
        assert_eq!(
            new["data"]["people"]["totalCount"], 4,
            "{moment}: new people"
        );
    }
}

#[tokio::test]
async fn sample_holds_hostile_names_and_notes() {
    let running = at(MOMENTS[0]).await;
    let named = "query($q: String!) { opportunities(filter: {name: {ilike: $q}}) { edges { node { id } } } }";
    let found = |answer: Value| {
        nodes(&answer["data"]["opportunities"])
            .iter()
            .map(|n| n["id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let with_word = found(
        ask(
            running.addr(),
            FULL_KEY,
            named,
            json!({"q": format!("%{AMBIGUOUS_WORD}%")}),
        )
        .await,
    );
    assert_eq!(with_word, AMBIGUOUS.map(|id| id.to_string()));
    let odd = found(
        ask(
            running.addr(),
            FULL_KEY,
            named,
            json!({"q": "100\\%\\_sure%"}),
        )
        .await,
    );
    assert_eq!(odd, [ODD_NAME.to_string()]);
    assert!(
        found(
            ask(
                running.addr(),
                FULL_KEY,
                named,
                json!({"q": "100\\%-sure%"})
            )
            .await
        )
        .is_empty()
    );
    let gone = ask(
        running.addr(),
        FULL_KEY,
        named,
        json!({"q": "Withdrawn bid"}),
    )
    .await;
    assert!(found(gone).is_empty(), "{SOFT_DELETED_DEAL} is hidden");
    let note = "query($id: UUID!) { note(filter: {id: {eq: $id}}) { title bodyV2 { markdown } } }";
    let note = ask(
        running.addr(),
        FULL_KEY,
        note,
        json!({"id": INJECTED_NOTE.to_string()}),
    )
    .await;
    assert!(
        note["data"]["note"]["bodyV2"]["markdown"]
            .as_str()
            .unwrap()
            .contains("ignore previous instructions")
    );
}

/// Every record of an object, as a list of ids.
async fn ids(running: &Running, plural: &str) -> Vec<String> {
    let query = format!(
        "query($a: String) {{ {plural}(first: 200, after: $a) {{ pageInfo {{ endCursor hasNextPage }} edges {{ node {{ id }} }} }} }}"
    );
    let (mut all, mut after) = (Vec::new(), Value::Null);
    loop {
        let answer = ask(running.addr(), FULL_KEY, &query, json!({"a": after})).await;
        let page = &answer["data"][plural];
        all.extend(
            nodes(page)
                .iter()
                .map(|n| n["id"].as_str().unwrap().to_owned()),
        );
        if page["pageInfo"]["hasNextPage"] != true {
            return all;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
}

#[tokio::test]
async fn bulk_records_are_stable_and_paged() {
    let start = |size| {
        TwentyStandIn::start(Options {
            size,
            rate_limit: false,
            ..Options::default()
        })
    };
    let size = Size {
        people: 300,
        opportunities: 250,
        tasks: 450,
    };
    let (plain, one, other) = (
        start(Size::default()).await.unwrap(),
        start(size).await.unwrap(),
        start(size).await.unwrap(),
    );
    for (plural, more) in [("people", 300), ("opportunities", 250), ("tasks", 450)] {
        let (own, mut first, second) = (
            ids(&plain, plural).await,
            ids(&one, plural).await,
            ids(&other, plural).await,
        );
        assert_eq!(first, second);
        assert!(first.is_sorted(), "{plural} come in the order of ids");
        first.dedup();
        assert_eq!(first.len(), own.len() + more, "{plural}");
    }
}

#[tokio::test]
async fn search_finds_parts_with_and_without_signs() {
    let running = at(MOMENTS[0]).await;
    // No word begins with these: the first without its first letter, the second within a name.
    let (address, name) = (&ROBIN_EMAIL[1..], "obi");
    let query = "query($q:String!){ search(searchInput:$q, limit:5, includedObjectNameSingulars:[\"workspaceMember\"]){ edges{node{label tsRank}} } }";
    for typed in [address, name] {
        let answer = ask(running.addr(), FULL_KEY, query, json!({"q": typed})).await;
        let hits = &answer["data"]["search"]["edges"];
        assert_eq!(hits.as_array().map(Vec::len), Some(1), "{typed}: {answer}");
        assert_eq!(hits[0]["node"]["tsRank"], 0, "{typed}: {answer}");
        let label = hits[0]["node"]["label"].as_str().unwrap();
        assert!(label.starts_with("Robin"), "{typed}: {label}");
    }
}
