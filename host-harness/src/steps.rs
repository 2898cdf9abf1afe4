//! Finding values in JSON by steps: the parts of a JSON pointer (RFC 6901), in which `*` is every item of a list.

use serde_json::Value;

/// What stands below a value. A null on the way is what is found: a record without a company has no company's owner.
pub(crate) fn at<'v>(value: &'v Value, steps: &[String]) -> Option<&'v Value> {
    steps.iter().try_fold(value, |value, step| match value {
        Value::Null => Some(value),
        value => value.get(step.as_str()),
    })
}

/// Everything below a value that the steps lead to.
pub(crate) fn each<'v>(value: &'v Value, steps: &[String], take: &mut dyn FnMut(&'v Value)) {
    let Some((step, rest)) = steps.split_first() else {
        return take(value);
    };
    match (step.as_str(), value) {
        ("*", Value::Array(items)) => items.iter().for_each(|item| each(item, rest, take)),
        ("*", _) => {}
        (step, value) => {
            if let Some(below) = value.get(step) {
                each(below, rest, take);
            }
        }
    }
}
