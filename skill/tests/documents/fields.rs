//! The list of used fields is what the documents name.

use super::*;

/// Types of our schema that are objects of the CRM, by the name that its metadata give them.
fn crm_object(schema: &Valid<Schema>, name: &str) -> Option<String> {
    let ExtendedType::Object(object) = schema.types.get(name)? else {
        return None;
    };
    let record = object.fields.contains_key("id");
    record.then(|| {
        name.chars()
            .take(1)
            .flat_map(char::to_lowercase)
            .chain(name.chars().skip(1))
            .collect()
    })
}

/// Every `object.field` that a document names, selected or filtered or sorted by or written.
fn used_fields(schema: &Valid<Schema>, document: &Document) -> BTreeSet<String> {
    let parsed = parse(schema, document);
    let operation = parsed.operations.iter().next().unwrap();
    let mut used = BTreeSet::new();
    selected(schema, &operation.selection_set, &mut used);
    for act in directives(document, "acts").into_iter().take(1) {
        let kind = act.text("kind").unwrap();
        for input in directives(document, "input") {
            let field = input.text("path").unwrap().split('.').next().unwrap();
            used.insert(format!("{kind}.{field}"));
        }
    }
    used
}

fn selected(schema: &Valid<Schema>, set: &SelectionSet, used: &mut BTreeSet<String>) {
    for selection in &set.selections {
        let Selection::Field(field) = selection else {
            continue;
        };
        if let Some(object) = crm_object(schema, set.ty.as_str()) {
            used.insert(format!("{object}.{}", field.name));
        }
        for argument in &field.arguments {
            if let Some(definition) = field.definition.argument_by_name(&argument.name) {
                input(schema, &definition.ty, &argument.value, used);
            }
        }
        selected(schema, &field.selection_set, used);
    }
}

fn input(schema: &Valid<Schema>, ty: &ast::Type, value: &ast::Value, used: &mut BTreeSet<String>) {
    match value {
        ast::Value::List(items) => items
            .iter()
            .for_each(|item| input(schema, ty.item_type(), item, used)),
        ast::Value::Object(fields) => {
            let name = ty.inner_named_type();
            let Some(ExtendedType::InputObject(definition)) = schema.types.get(name) else {
                return;
            };
            let of = ["Filter", "Order", "GroupBy", "CreateInput"]
                .iter()
                .find_map(|suffix| name.as_str().strip_suffix(suffix));
            for (field, value) in fields {
                if let Some(object) = of.and_then(|of| crm_object(schema, of))
                    && !matches!(field.as_str(), "and" | "or" | "not")
                {
                    used.insert(format!("{object}.{field}"));
                }
                let definition = definition.fields.get(field).unwrap();
                input(schema, &definition.ty, value, used);
            }
        }
        _ => {}
    }
}

#[test]
fn used_fields_match_the_documents() {
    let schema = schema();
    let mut fields: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for document in all() {
        for field in used_fields(&schema, document) {
            fields.entry(field).or_default().push(document.name);
        }
    }
    let mut text = String::from(
        "# Every field of the CRM that a trusted document names; `status` holds it against the workspace.\n",
    );
    text.push_str(
        "# Kept by the test `documents`: run it with BLESS=1 after changing a document.\n",
    );
    for (field, documents) in &fields {
        text.push_str(&format!("{field}: {}\n", documents.join(", ")));
    }
    let path = graphql().join("used-fields.txt");
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    assert!(
        fs::read_to_string(&path).unwrap() == text,
        "used-fields.txt is stale: run this test with BLESS=1"
    );
}

/// The list and the sums of the pipeline are about the same deals: a document has one form, so each
/// holds the filter whole.
#[test]
fn pipeline_documents_have_one_filter() {
    let filter = |document: &'static Document| {
        let (_, rest) = document.text.split_once("filter: {").unwrap();
        let (filter, _) = rest.split_once("gte: $anyAmount").unwrap();
        filter.split_whitespace().collect::<Vec<_>>()
    };
    let first = filter(&documents::DEALS_BY_AMOUNT);
    assert!(first.len() > 100, "{first:?}");
    for other in [
        &documents::DEALS_BY_CHANGE,
        &documents::DEALS_BY_CLOSE,
        &documents::DEALS_BY_NAME,
        &documents::DEALS_BY_STAGE,
        &documents::PIPELINE_BY_MONTH,
        &documents::PIPELINE_BY_OWNER,
        &documents::PIPELINE_BY_STAGE,
    ] {
        assert_eq!(filter(other), first, "{}", other.name);
    }
}
