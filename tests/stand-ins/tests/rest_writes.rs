//! Writes that were recorded over the real service's REST API say the same when they are made over
//! GraphQL here: both go through the same code there. Each is made on a stand-in of its own that
//! has what the recording presupposes.
//!
//! The recordings are not part of the repository; without them there is nothing to do.

#[allow(dead_code, reason = "each test uses its part")]
mod client;

use std::path::Path;

use client::{ask, send};
use crm_stand_in::Running;
use crm_stand_in::twenty::keys::{FULL_KEY, READ_ONLY_KEY};
use crm_stand_in::twenty::sample::ROBIN;
use crm_stand_in::twenty::{Options, TwentyStandIn};
use serde_json::{Map, Value, json};

/// Path, singular name, plural name of the objects that are written.
const OBJECTS: &[(&str, &str, &str)] = &[
    ("people", "Person", "People"),
    ("companies", "Company", "Companies"),
    ("opportunities", "Opportunity", "Opportunities"),
    ("tasks", "Task", "Tasks"),
    ("notes", "Note", "Notes"),
    ("taskTargets", "TaskTarget", "TaskTargets"),
    ("noteTargets", "NoteTarget", "NoteTargets"),
];

/// Id columns, and the objects that they point to; members cannot be made, so one of the sample's
/// stands in for them.
const LINKS: &[(&str, &str)] = &[
    ("companyId", "Company"),
    ("pointOfContactId", "Person"),
    ("taskId", "Task"),
    ("noteId", "Note"),
    ("targetCompanyId", "Company"),
    ("targetOpportunityId", "Opportunity"),
    ("targetPersonId", "Person"),
];

const MEMBERS: &[&str] = &["assigneeId", "ownerId", "accountOwnerId"];

/// Fields that the service sets itself, whatever was asked, or that are not kept here.
const NOT_COMPARED: &[&str] = &[
    "createdAt",
    "updatedAt",
    "position",
    "searchVector",
    "avatarFile",
    "updatedBy",
];

/// Recordings that are about something else than the stand-in plays: connecting by another record's
/// value, phone numbers that are taken apart, requests that are no JSON or too long, fields and
/// stages that the workspace got in between.
const LEFT_OUT: &[&str] = &[
    "rest-batch-empty",
    "rest-custom-field-update",
    "rest-error-413-body-too-large",
    "rest-error-batch-object-instead-of-array",
    "rest-error-create-bad-phone",
    "rest-error-custom-field-before",
    "rest-error-malformed-json",
    "rest-error-opportunity-connect-company-not-found",
    "rest-error-opportunity-connect-missing",
    "rest-opportunity-connect-person-email",
    "rest-opportunity-disconnect",
    "rest-opportunity-new-stage-option",
    "rest-task-assignee-by-email",
    "rest-task-create-lone-surrogate",
];

/// A recorded write.
struct Recorded {
    name: String,
    singular: &'static str,
    plural: &'static str,
    /// The id in the path, of an update.
    id: Option<String>,
    batch: bool,
    upsert: bool,
    body: Value,
    status: u64,
    answer: Value,
}

fn read(path: &Path) -> Option<Recorded> {
    let json: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let name = json["name"].as_str()?.to_owned();
    let method = json["request"]["method"].as_str()?;
    let (path, query) = match json["request"]["path"].as_str()?.split_once('?') {
        Some((path, query)) => (path, query),
        None => (json["request"]["path"].as_str()?, ""),
    };
    let path = path.strip_prefix("/rest/")?;
    let (batch, path) = match path.strip_prefix("batch/") {
        Some(path) => (true, path),
        None => (false, path),
    };
    let (object, id) = match path.split_once('/') {
        Some((object, id)) => (object, Some(id.to_owned())),
        None => (path, None),
    };
    let (_, singular, plural) = OBJECTS.iter().find(|(path, ..)| *path == object)?;
    let is_write = match method {
        "POST" => id.is_none(),
        "PATCH" | "PUT" => id.as_ref().is_some_and(|id| id.len() == 36),
        _ => false,
    };
    let status = json["response"]["status"].as_u64();
    let fits = is_write && status.is_some() && matches!(query, "" | "upsert=true");
    (fits && !LEFT_OUT.contains(&name.as_str())).then(|| Recorded {
        name,
        singular,
        plural,
        id,
        batch,
        upsert: query == "upsert=true",
        body: match status {
            Some(200..300) => with_robin(&json["request"]["body"]),
            _ => json["request"]["body"].clone(),
        },
        status: status.unwrap_or_default(),
        answer: with_robin(&json["response"]["body"]),
    })
}

/// The same with one of the sample's members for the recorded one.
fn with_robin(value: &Value) -> Value {
    let mut value = value.clone();
    let records = match &mut value {
        Value::Array(all) => all.iter_mut().collect(),
        other => {
            let path = other.pointer_mut("/data");
            match path {
                Some(Value::Object(data)) => data.values_mut().collect(),
                _ => vec![other],
            }
        }
    };
    for record in records {
        for member in MEMBERS {
            if let Some(slot) = record.get_mut(member).filter(|id| id.is_string()) {
                *slot = json!(ROBIN.to_string());
            }
        }
    }
    value
}

/// The record or records that were answered.
fn answered(recorded: &Recorded) -> Vec<&Map<String, Value>> {
    let data = recorded.answer["data"].as_object().unwrap();
    match data.values().next().unwrap() {
        Value::Array(all) => all.iter().map(|one| one.as_object().unwrap()).collect(),
        one => vec![one.as_object().unwrap()],
    }
}

/// Builds the selection that reads back every recorded field.
fn selection(record: &Map<String, Value>) -> String {
    let fields = record
        .iter()
        .filter(|(name, _)| !NOT_COMPARED.contains(&name.as_str()))
        .map(|(name, value)| match value {
            Value::Object(parts) if !parts.is_empty() => {
                format!("{name}{{{}}}", selection(parts))
            }
            _ => name.clone(),
        });
    fields.collect::<Vec<_>>().join(" ")
}

async fn make(running: &Running, singular: &str, data: Value) {
    let query = format!(
        "mutation($d:{singular}CreateInput!){{ create{singular}(data:$d, upsert:true){{ id }} }}"
    );
    let answer = ask(running.addr(), FULL_KEY, &query, json!({"d": data})).await;
    assert_eq!(answer.get("errors"), None, "{data}");
}

/// Makes what the recording presupposes: the records that it points to, and the record that it
/// changes, holding what the answer shows and the request does not say.
async fn presuppose(running: &Running, recorded: &Recorded) {
    let bodies = match &recorded.body {
        Value::Array(all) => all.clone(),
        one => vec![one.clone()],
    };
    let missing = recorded.name.contains("missing") || recorded.name.ends_with("create-fk");
    let mut pointing = bodies.clone();
    if recorded.status < 300 {
        let records = answered(recorded).into_iter();
        pointing.extend(records.map(|r| Value::Object(r.clone())));
    }
    for (column, singular) in LINKS {
        for id in pointing.iter().filter_map(|body| body[*column].as_str()) {
            // Of an error about a missing record, only what its name says is missing.
            let is_it = recorded.name.ends_with(&singular.to_lowercase())
                || recorded.name.ends_with("create-fk");
            if !(missing && is_it) {
                make(running, singular, json!({"id": id})).await;
            }
        }
    }
    if recorded.status < 300 {
        for (record, body) in answered(recorded).into_iter().zip(&bodies) {
            if record["createdAt"] == record["updatedAt"] {
                continue;
            }
            let mut data = record.clone();
            let known = |name: &String, value: &Value| {
                // Numbers and links that are empty are none.
                let empty = match name.as_str() {
                    "phones" => value["primaryPhoneNumber"] == "",
                    "linkedinLink" => value["primaryLinkUrl"] == "",
                    "bodyV2" => value["markdown"] == "",
                    _ => value.is_null(),
                };
                let own = matches!(name.as_str(), "deletedAt" | "createdBy");
                !empty && !own && !NOT_COMPARED.contains(&name.as_str())
            };
            data.retain(|name, value| known(name, value));
            for (name, given) in body.as_object().unwrap() {
                match (data.get_mut(name), given) {
                    // The subfields that the request does not name stay.
                    (Some(Value::Object(parts)), Value::Object(given)) => {
                        parts.retain(|part, _| !given.contains_key(part) || part == "primaryEmail");
                    }
                    _ if name != "id" => {
                        data.remove(name);
                    }
                    _ => {}
                }
            }
            data.retain(|_, value| value.as_object().is_none_or(|parts| !parts.is_empty()));
            make(running, recorded.singular, Value::Object(data)).await;
        }
        return;
    }
    match (&recorded.id, recorded.answer["messages"][0].as_str()) {
        (_, Some("A duplicate entry was detected")) if !recorded.batch => {
            let body = &bodies[0];
            let mut data = Map::new();
            for name in ["id", "emails"] {
                data.extend(body.get(name).map(|v| (name.to_owned(), v.clone())));
            }
            make(running, recorded.singular, Value::Object(data)).await;
        }
        (_, Some("A duplicate entry was detected")) if !recorded.upsert => {
            let email = &bodies[1]["emails"];
            make(running, recorded.singular, json!({"emails": email})).await;
        }
        (Some(_), Some("Record not found")) | (None, _) => {}
        (Some(id), _) => make(running, recorded.singular, json!({"id": id})).await,
    }
}

/// The recorded write as a mutation.
fn mutation(recorded: &Recorded, fields: &str) -> (String, Value) {
    let (one, many, data) = (recorded.singular, recorded.plural, recorded.body.clone());
    let upsert = recorded.upsert;
    match &recorded.id {
        Some(id) => (
            format!(
                "mutation($i:UUID!,$d:{one}UpdateInput!){{ x: update{one}(id:$i,data:$d){{ {fields} }} }}"
            ),
            json!({"i": id, "d": data}),
        ),
        None if recorded.batch => (
            format!(
                "mutation($d:[{one}CreateInput!]!){{ x: create{many}(data:$d,upsert:{upsert}){{ {fields} }} }}"
            ),
            json!({"d": data}),
        ),
        None => (
            format!(
                "mutation($d:{one}CreateInput!){{ x: create{one}(data:$d,upsert:{upsert}){{ {fields} }} }}"
            ),
            json!({"d": data}),
        ),
    }
}

/// Ids that were made up become one, the key's name becomes one, the names of constraints become
/// one.
fn normal(mut value: Value, recorded: &Recorded) -> Value {
    let chosen = recorded.body.to_string();
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|name, _| !NOT_COMPARED.contains(&name.as_str()));
        let id = fields.get("id").and_then(Value::as_str).unwrap_or_default();
        if recorded.id.is_none() && !chosen.contains(id) && (recorded.batch || !recorded.upsert) {
            fields.insert("id".to_owned(), json!("made up"));
        }
        if fields
            .get("createdBy")
            .is_some_and(|by| by["source"] == "API")
        {
            fields["createdBy"]["name"] = json!("the key's");
        }
        let blocks = fields
            .get_mut("bodyV2")
            .and_then(|body| body.get_mut("blocknote"));
        if let Some(blocks) = blocks
            && let Some(text) = blocks.as_str()
        {
            let mut parsed: Value = serde_json::from_str(text).unwrap();
            for block in parsed.as_array_mut().unwrap() {
                block.as_object_mut().unwrap().remove("id");
            }
            *blocks = parsed;
        }
    }
    value
}

fn message(text: &str) -> String {
    match text.split_once("\"FK_") {
        Some((before, name)) => format!("{before}\"FK_ and {} more", name.len()),
        None => text.to_owned(),
    }
}

/// The difference between what was recorded and what is answered, if there is one.
async fn difference(recorded: &Recorded) -> Option<String> {
    let running = TwentyStandIn::start(Options {
        rate_limit: false,
        ..Options::default()
    })
    .await
    .unwrap();
    presuppose(&running, recorded).await;
    let fields = if recorded.status < 300 {
        let fields = selection(answered(recorded)[0]);
        // Only paragraphs have an editor form that is known.
        let markdown = recorded.answer.to_string();
        if markdown.contains("# ") || markdown.contains("<b>") {
            fields.replace("blocknote ", "")
        } else {
            fields
        }
    } else {
        "id".to_owned()
    };
    let (query, variables) = mutation(recorded, &fields);
    let key = if recorded.name.contains("readonly") {
        READ_ONLY_KEY
    } else {
        FULL_KEY
    };
    let body = json!({"query": query, "variables": variables}).to_string();
    let answer = send(running.addr(), "POST", "/graphql", Some(key), body)
        .await
        .unwrap();
    if answer.status != 200 {
        return Some(format!("{}: {}", recorded.name, answer.text()));
    }
    let answer = answer.json();
    let (wanted, got) = if recorded.status < 300 {
        let got = match answer["data"]["x"].clone() {
            Value::Array(all) => all,
            one => vec![one],
        };
        let mut wanted: Vec<Value> = answered(recorded)
            .into_iter()
            .map(|record| normal(Value::Object(record.clone()), recorded))
            .collect();
        for record in &mut wanted {
            if !fields.contains("blocknote") && record.get("bodyV2").is_some() {
                record["bodyV2"]
                    .as_object_mut()
                    .unwrap()
                    .remove("blocknote");
            }
        }
        let got: Vec<Value> = got.into_iter().map(|one| normal(one, recorded)).collect();
        (json!(wanted), json!(got))
    } else {
        let said = |text: &Value| json!(message(text.as_str().unwrap_or_default()));
        (
            said(&recorded.answer["messages"][0]),
            said(&answer["errors"][0]["message"]),
        )
    };
    (wanted != got).then(|| {
        format!(
            "{}:\n  recorded {wanted}\n  answered {got}\n  {answer}",
            recorded.name
        )
    })
}

#[tokio::test]
async fn rest_writes_replay_the_same_over_graphql() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/recordings/twenty");
    if !folder.is_dir() {
        println!("skipped: no recordings at {}", folder.display());
        return;
    }
    let mut all: Vec<Recorded> = std::fs::read_dir(&folder)
        .unwrap()
        .filter_map(|entry| read(&entry.unwrap().path()))
        .collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    let mut differences = Vec::new();
    for recorded in &all {
        differences.extend(difference(recorded).await);
    }
    let names: Vec<&str> = all.iter().map(|r| r.name.as_str()).collect();
    println!("{} replayed: {}", all.len(), names.join(" "));
    assert!(
        differences.is_empty(),
        "{} differences:\n{}",
        differences.len(),
        differences.join("\n")
    );
    assert_eq!(all.len(), 57, "replayed");
}
