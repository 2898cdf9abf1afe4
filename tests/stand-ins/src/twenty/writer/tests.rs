//! Properties of writing for any order of writes: a rolled-back request leaves no trace, and
//! unique values stay unique.

use std::collections::HashMap;

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::twenty::input::Input;
use crate::twenty::{data, state};

fn id(n: u8) -> String {
    Uuid::from_u128(0x5a00_0000_0000_4000_8000_0000_0000_0000 | u128::from(n)).to_string()
}

/// One root field.
#[derive(Clone, Debug)]
enum Step {
    Create(&'static str, Json, bool),
    Update(&'static str, u8, Json),
    SoftDelete(&'static str, u8),
    Restore(&'static str, u8),
    Destroy(&'static str, u8),
}

fn object() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("person"), Just("task"), Just("taskTarget")]
}

fn data_of(object: &'static str) -> BoxedStrategy<Json> {
    match object {
        "person" => (0..4u8, 0..3u8)
            .prop_map(|(n, word)| {
                json!({"emails": {"primaryEmail": format!("p{n}@example.com")}, "jobTitle": format!("word{word}")})
            })
            .boxed(),
        "task" => (0..3u8)
            .prop_map(|word| json!({"title": format!("word{word} more")}))
            .boxed(),
        _ => (0..6u8, 0..6u8)
            .prop_map(|(task, person)| json!({"taskId": id(task), "targetPersonId": id(person)}))
            .boxed(),
    }
}

fn step() -> impl Strategy<Value = Step> {
    (object(), 0..6u8, any::<bool>(), 0..8u8).prop_flat_map(|(object, n, upsert, kind)| {
        data_of(object).prop_map(move |mut data| match kind {
            0..4 => {
                data["id"] = json!(id(n));
                Step::Create(object, data, upsert)
            }
            4 => Step::Update(object, n, data),
            5 => Step::SoftDelete(object, n),
            6 => Step::Restore(object, n),
            _ => Step::Destroy(object, n),
        })
    })
}

fn take(writer: &mut Writer<'_>, step: &Step) -> Result<(), Refusal> {
    let kept = |name: &str| CATALOGUE.singular(name).unwrap();
    let uuid = |n: u8| Uuid::parse_str(&id(n)).unwrap();
    match step {
        Step::Create(object, given, upsert) => {
            let draft = data::read(kept(object), &Input::from(given), true)?;
            writer.create(kept(object), &draft, *upsert).map(|_| ())
        }
        Step::Update(object, n, given) => {
            let draft = data::read(kept(object), &Input::from(given), false)?;
            writer.update(kept(object), uuid(*n), &draft)
        }
        Step::SoftDelete(object, n) => writer.soft_delete(kept(object), uuid(*n)),
        Step::Restore(object, n) => writer.restore(kept(object), uuid(*n)),
        Step::Destroy(object, n) => writer.destroy(kept(object), uuid(*n)),
    }
}

/// One root field a step, whether it goes through or not.
fn take_all(writer: &mut Writer<'_>, steps: &[Step]) {
    for step in steps {
        let _ = writer.root(|writer| take(writer, step));
    }
}

/// One request a step.
fn carry_out(workspace: &mut Workspace, steps: &[Step]) {
    for step in steps {
        let mut writer = Writer::new(workspace, 0).unwrap();
        take_all(&mut writer, std::slice::from_ref(step));
        writer.commit().unwrap();
    }
}

/// Everything that is stored, and the words that search goes by.
fn whole(workspace: &Workspace) -> Vec<Json> {
    let words = "SELECT object, word, hex(id) FROM word ORDER BY object, word, id";
    let words = workspace.query(words, &[], |row| {
        let (object, word, id): (i64, String, String) = row.try_into()?;
        Ok(json!([object, word, id]))
    });
    ["person", "task", "taskTarget"]
        .into_iter()
        .flat_map(|singular| state::records(workspace, singular).unwrap())
        .chain(words.unwrap())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_request_that_is_taken_back_leaves_no_trace(
        before in proptest::collection::vec(step(), 0..30),
        request in proptest::collection::vec(step(), 1..12),
    ) {
        let mut workspace = Workspace::filled(|_| Ok(())).unwrap();
        carry_out(&mut workspace, &before);
        let as_it_was = whole(&workspace);
        let mut writer = Writer::new(&mut workspace, 0).unwrap();
        take_all(&mut writer, &request);
        drop(writer);
        prop_assert_eq!(whole(&workspace), as_it_was);
    }

    #[test]
    fn unique_columns_and_links_hold(
        steps in proptest::collection::vec(step(), 0..60),
    ) {
        let mut workspace = Workspace::filled(|_| Ok(())).unwrap();
        carry_out(&mut workspace, &steps);
        let mut holders: HashMap<String, usize> = HashMap::new();
        for person in state::records(&workspace, "person").unwrap() {
            *holders.entry(person["emails"]["primaryEmail"].to_string()).or_default() += 1;
        }
        prop_assert!(holders.values().all(|n| *n == 1), "{holders:?}");
        for link in state::records(&workspace, "taskTarget").unwrap() {
            for (column, object) in [("taskId", "task"), ("targetPersonId", "person")] {
                let to = link[column].as_str().unwrap();
                prop_assert!(state::record_with(&workspace, object, to).is_some());
            }
        }
    }
}
