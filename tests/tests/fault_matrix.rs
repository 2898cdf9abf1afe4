//! Every write, every step of it, every fault: resumed until done, there is exactly one of what was
//! to be made, and nothing else. A process of its own for the faults of a killed one is in
//! killed.rs.

use crm_harness::plans::{PlanOutcome, PlanState};
use crm_stand_in::faults::{Fault, FaultKind};
use crm_stand_in::twenty::sample::{HEALTHY, ROBIN};
use crm_tests::{TestEnv, TestOptions, WRITTEN};
use serde_json::{Value, json};

/// A write: its action, its arguments, the root fields of its steps, and what it makes.
struct CrmWrite {
    name: &'static str,
    tool: &'static str,
    arguments: Value,
    /// The root fields of its steps; one that several steps have stands there for each of them.
    roots: &'static [&'static str],
    /// The kinds of record that it makes, each with how many.
    makes: Vec<(&'static str, usize)>,
    /// The document by which the judge reads back.
    reread: &'static [&'static str],
}

fn writes(env: &TestEnv) -> Vec<CrmWrite> {
    let robin = ROBIN.to_string();
    let company = env.with_value("company", "accountOwnerId", Some(&robin));
    let person = env.with_value("person", "companyId", Some(&company));
    let task = env.with_value("task", "assigneeId", Some(&robin));
    let follow_up = |name, about: &str| CrmWrite {
        name,
        tool: "crm_follow_up",
        arguments: json!({"about": about, "title": "Send the quote", "due": "2026-03-20"}),
        roots: &["createTask", "createTaskTargets"],
        makes: vec![("task", 1), ("taskTarget", 1)],
        reread: &["task", "taskTarget"],
    };
    let log = |name, about: &str| CrmWrite {
        name,
        tool: "crm_log",
        arguments: json!({"about": [about], "title": "Call about the crates", "text": "They take **two**."}),
        roots: &["createNote", "createNoteTarget"],
        makes: vec![("note", 1), ("noteTarget", 1)],
        reread: &["note", "noteTarget"],
    };
    let upsert =
        |name, root: &'static [&'static str], kind, id: Option<&str>, set: Value| CrmWrite {
            name,
            tool: "crm_upsert",
            arguments: match id {
                Some(id) => {
                    let mut set = set;
                    set["id"] = json!(id);
                    set
                }
                None => set,
            },
            roots: root,
            makes: id.is_none().then_some((kind, 1)).into_iter().collect(),
            reread: match kind {
                "person" => &["person"],
                "company" => &["company"],
                "opportunity" => &["opportunity"],
                _ => &["task"],
            },
        };
    let deal = HEALTHY.to_string();
    vec![
        follow_up("follow up a deal", &deal),
        follow_up("follow up a company", &company),
        follow_up("follow up a person", &person),
        upsert(
            "make a person",
            &["createPerson"],
            "person",
            None,
            json!({"kind": "person", "firstName": "Ines", "lastName": "Roth", "email": "ines@newcomer.example"}),
        ),
        upsert(
            "make a company",
            &["createCompany"],
            "company",
            None,
            json!({"kind": "company", "name": "Newcomer", "domain": "newcomer.example"}),
        ),
        upsert(
            "make a deal",
            &["createOpportunity"],
            "opportunity",
            None,
            json!({"kind": "opportunity", "name": "A first order", "amount": "10.25", "currency": "EUR"}),
        ),
        upsert(
            "make a task",
            &["createTask"],
            "task",
            None,
            json!({"kind": "task", "title": "Count the crates", "due": "2026-03-20"}),
        ),
        upsert(
            "change a person",
            &["updatePerson"],
            "person",
            Some(&person),
            json!({"kind": "person", "jobTitle": "Head of crates"}),
        ),
        upsert(
            "change a company",
            &["updateCompany"],
            "company",
            Some(&company),
            json!({"kind": "company", "name": "Renamed"}),
        ),
        upsert(
            "change a deal",
            &["updateOpportunity"],
            "opportunity",
            Some(&deal),
            json!({"kind": "opportunity", "name": "Renamed", "amount": "77"}),
        ),
        upsert(
            "change a task",
            &["updateTask"],
            "task",
            Some(&task),
            json!({"kind": "task", "title": "Renamed"}),
        ),
        log("log about a deal", &deal),
        log("log about a company", &company),
        log("log about a person", &person),
        CrmWrite {
            name: "log with all parts",
            tool: "crm_log",
            arguments: json!({
                "about": [deal, company, person], "title": "Met at the fair", "when": "2026-03-10",
                "next": {"title": "Send the quote", "due": "2026-03-20"},
                "deal": {"stage": "MEETING", "amount": "77"},
            }),
            roots: &[
                "createNote",
                "createNoteTarget",
                "createNoteTarget",
                "createNoteTarget",
                "updateOpportunity",
                "createTask",
                "createTaskTargets",
            ],
            makes: vec![
                ("note", 1),
                ("noteTarget", 3),
                ("task", 1),
                ("taskTarget", 1),
            ],
            reread: &["note", "noteTarget", "opportunity", "task", "taskTarget"],
        },
    ]
}

impl CrmWrite {
    /// The root field of each step, with how many steps before it have the same.
    fn steps(&self) -> impl Iterator<Item = (&'static str, u32)> {
        let roots = self.roots;
        roots.iter().enumerate().map(|(at, root)| {
            let before = roots.iter().take(at).filter(|other| *other == root);
            (*root, u32::try_from(before.count()).unwrap())
        })
    }
}

/// Lists the faults around a write, each with whether the write is stored then.
fn faults() -> Vec<(&'static str, Fault)> {
    let once = Fault::once;
    let plain = |name, kind: FaultKind| {
        let after = match name {
            "reset" => "reset after it was stored",
            "500" => "500 after it was stored",
            "not json" => "not json after it was stored",
            "limit reached" => "limit reached after it was stored",
            "429" => "429 after it was stored",
            _ => "redirect after it was stored",
        };
        [(name, once(kind.clone())), (after, once(kind).after())]
    };
    let mut faults = Vec::new();
    faults.extend(plain("reset", FaultKind::Reset));
    faults.extend(plain("500", FaultKind::Status { code: 500 }));
    faults.extend(plain("not json", FaultKind::NotJson));
    faults.extend(plain(
        "limit reached",
        FaultKind::LimitReached { only: None },
    ));
    faults.extend(plain(
        "429",
        FaultKind::TooManyRequests {
            retry_after_seconds: None,
        },
    ));
    faults.extend(plain(
        "redirect",
        FaultKind::Redirect {
            to: "http://elsewhere.example/".into(),
            code: 302,
        },
    ));
    faults.push(("half an answer", once(FaultKind::Truncated { bytes: None })));
    faults.push((
        "one byte of an answer",
        once(FaultKind::Truncated { bytes: Some(1) }),
    ));
    faults.push(("a huge answer", once(FaultKind::Huge { bytes: None })));
    faults.push((
        "data without an id",
        once(FaultKind::NullAt {
            pointer: "/data".into(),
        }),
    ));
    faults.push(("no answer", once(FaultKind::NoAnswer)));
    faults.push((
        "no answer after it was stored",
        once(FaultKind::NoAnswer).after(),
    ));
    faults
}

/// Counts the stored records of the kinds that are written.
fn counts(env: &TestEnv) -> Vec<(&'static str, usize)> {
    let count = |object| (object, env.twenty.count(object).live);
    WRITTEN.into_iter().map(count).collect()
}

/// Approves, and resumes until the plan is over; how it ended and how many rounds that took.
async fn through(env: &TestEnv, plan: &str, clear_after: usize) -> (PlanOutcome, usize) {
    let mut outcome = env.approve(plan).await.unwrap();
    let mut rounds = 1;
    while !outcome.state.is_over() {
        assert!(rounds < 8, "{plan} comes to no end: {outcome:?}");
        if rounds >= clear_after {
            env.twenty.faults().clear();
        }
        outcome = env.resume(plan).await.unwrap();
        rounds += 1;
    }
    (outcome, rounds)
}

/// One case: what came of it, and what is stored.
async fn case(env: &TestEnv, write: &CrmWrite, label: &str, faults: Vec<Fault>) {
    env.twenty.reset();
    env.twenty.faults().clear();
    let mut arguments = write.arguments.clone();
    arguments["idempotencyKey"] = label.into();
    let before = counts(env);
    let plan = env.propose(write.tool, arguments).await;
    for fault in faults {
        env.twenty.faults().add(fault);
    }
    let (outcome, _) = through(env, &plan, 3).await;
    env.twenty.faults().clear();
    assert_eq!(outcome.state, PlanState::Done, "{label}: {outcome:#?}");
    let mut expected = before;
    for (object, count) in &mut expected {
        let made = write.makes.iter().find(|(kind, _)| kind == object);
        *count += made.map_or(0, |(_, made)| *made);
    }
    assert_eq!(counts(env), expected, "{label}");
    // And once more: nothing is written again.
    let again = env.approve(&plan).await.unwrap();
    assert_eq!(again.state, PlanState::Done, "{label}");
    assert_eq!(counts(env), expected, "{label}, approved again");
    for (links, from, root) in [
        ("taskTarget", "taskId", "create task"),
        ("noteTarget", "noteId", "create note"),
    ] {
        let Some((_, made)) = write.makes.iter().find(|(kind, _)| *kind == links) else {
            continue;
        };
        let mut steps = outcome.steps.iter();
        let step = steps.find(|step| step.what.starts_with(root)).unwrap();
        let id = step.what.rsplit(' ').next().unwrap();
        let all = env.twenty.records(links).unwrap();
        let own = all.iter().filter(|link| link[from] == id);
        assert_eq!(own.count(), *made, "{label}: {links}");
    }
}

/// An environment whose calls end soon, so that what never answers is given up soon.
async fn env() -> TestEnv {
    TestEnv::with(TestOptions {
        operator: Some(
            "allow-loopback = true\n[limits]\ntime-ms = 1200\n[callers.robin]\nemail = \"robin@example.com\"\nrole = \"member\"",
        ),
        ..TestOptions::default()
    })
    .await
}

async fn world_of_robin() -> TestEnv {
    let mut env = env().await;
    env.caller.id = Some("robin".into());
    env.caller.role = Some("member".into());
    env
}

#[tokio::test]
async fn every_write_step_survives_every_fault() {
    let env = world_of_robin().await;
    let mut cases = 0;
    for write in writes(&env) {
        for (root, skip) in write.steps() {
            for (name, fault) in faults() {
                for (times, often) in [(Some(1), "once"), (None, "until it is mended")] {
                    // Each of these takes all the time that a call has.
                    if times.is_none() && name.starts_with("no answer") {
                        continue;
                    }
                    let fault = Fault {
                        times,
                        skip,
                        ..fault.clone().on_root(root)
                    };
                    let label = format!("{}, {root} {skip}: {name}, {often}", write.name);
                    case(&env, &write, &label, vec![fault]).await;
                    cases += 1;
                }
            }
        }
    }
    println!("{cases} cases: one fault at one step");
    assert!(cases > 700);
}

#[tokio::test]
async fn lost_answer_survives_a_failed_read_back() {
    let env = world_of_robin().await;
    let mut cases = 0;
    for write in writes(&env) {
        for (root, skip) in write.steps() {
            for lost in [
                Fault::once(FaultKind::Reset).after().on_root(root),
                Fault::once(FaultKind::Reset).on_root(root),
                Fault::once(FaultKind::Truncated { bytes: None }).on_root(root),
            ] {
                for blind in [
                    FaultKind::Reset,
                    FaultKind::Status { code: 502 },
                    FaultKind::NotJson,
                ] {
                    let reads = write.reread.iter().map(|read| Fault {
                        times: None,
                        ..Fault::once(blind.clone()).on_root(read)
                    });
                    // What the action itself reads comes before the faults.
                    let lost = Fault {
                        skip,
                        ..lost.clone()
                    };
                    let label = format!("{}, {root}: {lost:?}, blind: {blind:?}", write.name);
                    let faults = std::iter::once(lost).chain(reads).collect();
                    case(&env, &write, &label, faults).await;
                    cases += 1;
                }
            }
        }
    }
    println!("{cases} cases: a lost answer, and a judge who cannot read");
    assert!(cases > 200);
}

#[tokio::test]
async fn dropped_calls_are_resumed() {
    let env = world_of_robin().await;
    let mut cases = 0;
    for write in writes(&env) {
        for (root, skip) in write.steps() {
            for after in [false, true] {
                env.twenty.reset();
                env.twenty.faults().clear();
                let mut arguments = write.arguments.clone();
                arguments["idempotencyKey"] = format!("dropped {root} {skip} {after}").into();
                let before = counts(&env);
                let plan = env.propose(write.tool, arguments).await;
                let mut hang = Fault::once(FaultKind::NoAnswer).on_root(root);
                hang.after = after;
                hang.skip = skip;
                env.twenty.faults().add(hang);
                let seen = env.twenty.requests().count();
                // Dropped as soon as the request that never gets an answer has arrived.
                tokio::select! {
                    done = env.approve(&plan) => panic!("{}: {done:?}", write.name),
                    () = arrived(&env, seen, root, skip) => {}
                }
                env.twenty.faults().clear();
                let outcome = env.resume(&plan).await.unwrap();
                assert_eq!(
                    outcome.state,
                    PlanState::Done,
                    "{}, {root}, {after}: {outcome:#?}",
                    write.name
                );
                let made: usize = write.makes.iter().map(|(_, made)| made).sum();
                let sum =
                    |counts: &[(&str, usize)]| counts.iter().map(|(_, count)| count).sum::<usize>();
                assert_eq!(
                    sum(&counts(&env)),
                    sum(&before) + made,
                    "{}, {root}, {after}",
                    write.name
                );
                cases += 1;
            }
        }
    }
    println!("{cases} cases: dropped in the middle");
}

/// Waits until a request with this root field has arrived after the first `seen` ones, and after so
/// many of its own kind.
async fn arrived(env: &TestEnv, seen: usize, root: &str, before: u32) {
    let field = format!(" {root}(");
    loop {
        let requests = env.twenty.requests().all();
        let own = requests
            .iter()
            .skip(seen)
            .filter(|request| request.body.contains(&field));
        if own.count() > before.try_into().unwrap() {
            return;
        }
        tokio::task::yield_now().await;
    }
}
