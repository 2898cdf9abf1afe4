//! Values that may go to any service.

use std::collections::HashSet;

use serde_json::Value;

use super::number::{self, Decimal};
use super::outgoing::{Form, Haystack};

/// Texts and numbers that may go to any service since they came from none: the caller's arguments,
/// and settings.
#[derive(Debug, Default)]
pub struct Exempt {
    pub(super) text: Haystack,
    pub(super) numbers: HashSet<Decimal>,
}

impl Exempt {
    /// Collects the texts and numbers of a call's arguments, and of settings.
    #[must_use]
    pub fn of<'s>(arguments: &Value, settings: impl IntoIterator<Item = &'s str>) -> Self {
        let mut texts = Vec::new();
        said(arguments, &mut texts);
        texts.extend(settings.into_iter().map(str::to_owned));
        let text = Haystack::as_given(texts.iter().map(String::as_str));
        let mut numbers = HashSet::new();
        number::each(text.text(Form::Spaced), &mut |number| {
            numbers.insert(number);
        });
        Self { text, numbers }
    }
}

/// Collects the texts and numbers of arguments.
fn said(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text.clone()),
        Value::Number(number) => texts.push(number.to_string()),
        Value::Array(items) => items.iter().for_each(|item| said(item, texts)),
        Value::Object(members) => members.values().for_each(|member| said(member, texts)),
        Value::Null | Value::Bool(_) => {}
    }
}
