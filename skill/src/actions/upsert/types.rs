//! The fields of this workspace's records, with types and options. The host answers them from its
//! cache.

use serde::Serialize;
use serde_json::Value;

use crate::actions::status::{FieldMetadata, MetadataData, in_order};
use crate::bindings::claw::crm::types::Kind;
use crate::context::Context;
use crate::failure::{self, Failure};
use crate::text;
use crate::twenty::kinds::object;
use crate::twenty::{Document, Query, documents, fetch};

/// The most options that a sentence names.
const NAMED: usize = 40;

/// Asks for the fields with their types.
#[derive(Debug, Serialize)]
pub struct FieldTypes {}

impl Query for FieldTypes {
    const DOCUMENT: &'static Document = &documents::FIELD_TYPES;
    type Answer = MetadataData;
}

/// The fields of one kind of record.
#[derive(Debug)]
pub(super) struct Fields(Vec<FieldMetadata>);

impl Fields {
    /// Reads the fields of a kind.
    pub(super) fn read(ctx: &Context<'_>, kind: Kind) -> Result<Self, Failure> {
        let reply = fetch(ctx, &FieldTypes {})?;
        let objects = reply.errors.root("objects", reply.data.objects)?;
        objects
            .rows()
            .find(|one| one.name_singular == object(kind))
            .map(|object| Self(object.fields_list))
            .ok_or_else(|| {
                failure::schema_mismatch(
                    object(kind),
                    format!(
                        "This CRM does not say which fields its {} records have.",
                        object(kind)
                    ),
                )
            })
    }

    /// Returns the field of a name, if it is there and not switched off.
    pub(super) fn get(&self, name: &str) -> Option<&FieldMetadata> {
        self.0
            .iter()
            .find(|field| field.name == name && field.is_active != Some(false))
    }
}

/// The stages of this workspace's deals, with their labels.
#[derive(Debug)]
pub(in crate::actions) struct StageOptions(FieldMetadata);

/// Reads the stages with their labels.
pub(in crate::actions) fn stage_options(ctx: &Context<'_>) -> Result<StageOptions, Failure> {
    let fields = Fields::read(ctx, Kind::Opportunity)?.0;
    let is_stage = |field: &FieldMetadata| field.name == "stage";
    let stage = fields.into_iter().find(is_stage);
    stage.map(StageOptions).ok_or_else(|| {
        failure::schema_mismatch("stage", "This CRM does not have the field \"stage\".")
    })
}

impl StageOptions {
    /// Finds the stage that a caller means, by its value or its label.
    pub(in crate::actions) fn choose(
        &self,
        argument: &str,
        given: &str,
    ) -> Result<String, Failure> {
        option(&self.0, argument, given)
    }

    /// Returns the values in order.
    pub(in crate::actions) fn values(&self) -> Vec<String> {
        options(&self.0)
            .into_iter()
            .map(|(value, _)| value)
            .collect()
    }
}

/// Finds the option of a field that a caller means, by its value or its label.
pub(super) fn option(
    field: &FieldMetadata,
    argument: &str,
    given: &str,
) -> Result<String, Failure> {
    let wanted = text::clean(given).trim().to_lowercase();
    let options = options(field);
    let by = |fits: &dyn Fn(&(String, String)) -> bool| options.iter().find(|option| fits(option));
    let found = by(&|(value, _)| value == given.trim())
        .or_else(|| by(&|(value, _)| value.to_lowercase() == wanted))
        .or_else(|| by(&|(_, label)| label.to_lowercase() == wanted));
    if let Some((value, _)) = found {
        return Ok(value.clone());
    }
    let nearest = options.iter().min_by_key(|(value, label)| {
        let to = |text: &str| strsim::levenshtein(&text.to_lowercase(), &wanted);
        to(value).min(to(label))
    });
    let Some((nearest, _)) = nearest else {
        return Err(failure::schema_mismatch(
            &field.name,
            format!("This CRM says of no option of \"{}\".", field.name),
        ));
    };
    let all: Vec<&str> = options
        .iter()
        .take(NAMED)
        .map(|(value, _)| value.as_str())
        .collect();
    Err(failure::invalid_input(
        argument,
        format!(
            "this workspace has no option \"{}\" for it",
            text::line(&text::clean(given), 80).0
        ),
        format!("Give one of {}; the nearest is {nearest}.", all.join(", ")),
    ))
}

/// Returns value and label of each option, in order.
fn options(field: &FieldMetadata) -> Vec<(String, String)> {
    let options = field.options.as_ref().map(in_order);
    options
        .into_iter()
        .flatten()
        .filter_map(|option| {
            let value = text::clean(option.get("value")?.as_str()?);
            let label = option.get("label").and_then(Value::as_str);
            let label = label.map_or_else(|| value.clone(), text::clean);
            Some((value, label))
        })
        .collect()
}
