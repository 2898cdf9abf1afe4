//! The type of every answer reads what its document selects.

use super::*;

/// An answer with a value for every selected field, and for each place in it whether it may be
/// null.
pub(super) struct Sample {
    pub(super) answer: Value,
    nullable: Vec<(Vec<String>, bool)>,
}

pub(super) fn sample(schema: &Valid<Schema>, document: &Document) -> Sample {
    let parsed = parse(schema, document);
    let operation = parsed.operations.iter().next().unwrap();
    let mut nullable = Vec::new();
    let answer = object(
        schema,
        &operation.selection_set,
        &mut Vec::new(),
        &mut nullable,
    );
    Sample { answer, nullable }
}

fn object(
    schema: &Valid<Schema>,
    set: &SelectionSet,
    path: &mut Vec<String>,
    nullable: &mut Vec<(Vec<String>, bool)>,
) -> Value {
    let mut fields = Map::new();
    for selection in &set.selections {
        let Selection::Field(field) = selection else {
            panic!("documents use plain fields only")
        };
        path.push(field.name.to_string());
        nullable.push((path.clone(), !field.ty().is_non_null()));
        let value = value(schema, field.ty(), field, path, nullable);
        fields.insert(field.name.to_string(), value);
        path.pop();
    }
    Value::Object(fields)
}

fn value(
    schema: &Valid<Schema>,
    ty: &ast::Type,
    field: &Node<apollo_compiler::executable::Field>,
    path: &mut Vec<String>,
    nullable: &mut Vec<(Vec<String>, bool)>,
) -> Value {
    match ty {
        ast::Type::List(inner) | ast::Type::NonNullList(inner) => {
            path.push("0".to_owned());
            let item = value(schema, inner, field, path, nullable);
            path.pop();
            json!([item])
        }
        ast::Type::Named(name) | ast::Type::NonNullNamed(name) => match name.as_str() {
            "UUID" | "ID" => json!("6f9619ff-8b86-4d01-b42d-00cf4fc964ff"),
            "DateTime" => json!("2026-03-31T12:00:00.000Z"),
            "String" => json!("text"),
            "Int" => json!(3),
            "Float" => json!(0.5),
            "BigFloat" => json!(1_250_500_000),
            "Boolean" => json!(true),
            "JSON" => json!({}),
            name => match schema.types.get(name) {
                Some(ExtendedType::Enum(of)) => json!(of.values.keys().next().unwrap().as_str()),
                _ => object(schema, &field.selection_set, path, nullable),
            },
        },
    }
}

/// Returns the fields that serde passes over when it reads an answer.
fn unread<A: DeserializeOwned>(answer: &Value) -> Result<BTreeSet<String>, serde_json::Error> {
    let mut unread = BTreeSet::new();
    let text = answer.to_string();
    let mut deserializer = serde_json::Deserializer::from_str(&text);
    serde_ignored::deserialize::<_, _, A>(&mut deserializer, |path| {
        unread.insert(path.to_string().replace("?", "").replace("..", "."));
    })?;
    Ok(unread)
}

fn check<Q: Query>(schema: &Valid<Schema>, checked: &mut BTreeSet<&'static str>) {
    let document = Q::DOCUMENT;
    checked.insert(document.name);
    let sample = sample(schema, document);
    let unread = unread::<Q::Answer>(&sample.answer)
        .unwrap_or_else(|error| panic!("{}: {error}", document.name));
    assert!(
        unread.is_empty(),
        "{} selects what no typed answer reads: {unread:?}",
        document.name
    );
    for (path, may_be_null) in &sample.nullable {
        let mut answer = sample.answer.clone();
        *answer.pointer_mut(&format!("/{}", path.join("/"))).unwrap() = Value::Null;
        let read = serde_json::from_value::<Q::Answer>(answer).is_ok();
        assert_eq!(
            read,
            *may_be_null,
            "{}: null at {} {}",
            document.name,
            path.join("."),
            if read { "is read" } else { "is refused" }
        );
    }
}

/// Reads every selected field, and accepts null just where the schema does.
#[test]
fn answer_types_match_the_schema() {
    let schema = schema();
    let mut checked = BTreeSet::new();
    check::<search::Search>(&schema, &mut checked);
    check::<search::Details>(&schema, &mut checked);
    check::<get::GetPerson>(&schema, &mut checked);
    check::<get::GetCompany>(&schema, &mut checked);
    check::<get::GetOpportunity>(&schema, &mut checked);
    check::<get::GetTask>(&schema, &mut checked);
    check::<follow_ups::FollowUps>(&schema, &mut checked);
    check::<follow_ups::FollowUpsNext>(&schema, &mut checked);
    check::<follow_ups::FollowUpsAnyone>(&schema, &mut checked);
    check::<follow_ups::FollowUpsAnyoneNext>(&schema, &mut checked);
    check::<follow_ups::FollowUpsAbout>(&schema, &mut checked);
    check::<blockers::Find>(&schema, &mut checked);
    check::<blockers::Blockers>(&schema, &mut checked);
    check::<blockers::NearbyActivity>(&schema, &mut checked);
    check::<members::Members>(&schema, &mut checked);
    check::<members::MembersById>(&schema, &mut checked);
    check::<members::Employment>(&schema, &mut checked);
    check::<members::MemberByEmail>(&schema, &mut checked);
    check::<deals::DealsByAmount>(&schema, &mut checked);
    check::<deals::DealsByChange>(&schema, &mut checked);
    check::<deals::DealsByClose>(&schema, &mut checked);
    check::<deals::DealsByName>(&schema, &mut checked);
    check::<deals::DealsByStage>(&schema, &mut checked);
    check::<deals::PipelineByMonth>(&schema, &mut checked);
    check::<deals::PipelineByOwner>(&schema, &mut checked);
    check::<deals::PipelineByStage>(&schema, &mut checked);
    check::<deal_fields::DealFields>(&schema, &mut checked);
    check::<stages::Stages>(&schema, &mut checked);
    check::<statuses::TaskStatuses>(&schema, &mut checked);
    check::<briefing::BriefingOverdue>(&schema, &mut checked);
    check::<briefing::BriefingToday>(&schema, &mut checked);
    check::<briefing::BriefingComing>(&schema, &mut checked);
    check::<briefing::BriefingRisk>(&schema, &mut checked);
    check::<status::Access>(&schema, &mut checked);
    check::<status::Metadata>(&schema, &mut checked);
    check::<context::Records>(&schema, &mut checked);
    check::<subject::Lookup>(&schema, &mut checked);
    check::<upsert::FieldTypes>(&schema, &mut checked);
    check::<upsert::FindPerson>(&schema, &mut checked);
    check::<upsert::FindCompany>(&schema, &mut checked);
    check::<upsert::FindOpportunity>(&schema, &mut checked);
    check::<upsert::FindTask>(&schema, &mut checked);
    check::<reread::RereadPerson>(&schema, &mut checked);
    check::<reread::RereadCompany>(&schema, &mut checked);
    check::<reread::RereadOpportunity>(&schema, &mut checked);
    check::<reread::RereadTask>(&schema, &mut checked);
    check::<reread::RereadLink>(&schema, &mut checked);
    check::<notes::RereadNote>(&schema, &mut checked);
    check::<notes::RereadNoteLink>(&schema, &mut checked);
    let all: BTreeSet<&str> = documents::ALL
        .iter()
        .map(|document| document.name)
        .collect();
    assert_eq!(checked, all);
}
