//! Settings and limits: the skill's defaults, and the operator's values over them.

use std::collections::{BTreeMap, BTreeSet};

use super::manifest::Additions;
use super::{ConfigError, Environment, Limits, Manifest, Operator};
use component_json::nearest;

/// Returns the skill's settings: of the operator file, where there is one, else of the environment,
/// else the defaults.
///
/// # Errors
/// When a setting that has to name a field does not; the error names the file or the variable that
/// sets it.
pub(super) fn of_skill(
    manifest: &Manifest,
    operator: Option<&Operator>,
    env: Environment<'_>,
) -> Result<BTreeMap<String, String>, ConfigError> {
    let mut settings = BTreeMap::new();
    for (key, asked) in &manifest.settings {
        let name = format!("settings.{key}");
        let given = match operator {
            Some(operator) => {
                (operator.settings.get(key)).map(|value| (operator.place(&name), value.clone()))
            }
            None => (asked.env.as_deref())
                .and_then(|variable| Some((variable.to_owned(), env(variable)?))),
        };
        let default = || Some((manifest.place(&name), asked.default.clone()?));
        let Some((place, value)) = given.or_else(default) else {
            continue;
        };
        if asked.field {
            // The guest treats an empty setting as none.
            if value.is_empty() {
                continue;
            }
            graphql_fields::check_field(&value)
                .map_err(|error| ConfigError::value(place, name, error.to_string()))?;
        }
        settings.insert(key.clone(), value);
    }
    Ok(settings)
}

/// Returns the additions of settings to documents: the fields that extend them, and the custom
/// fields that may be written.
///
/// # Errors
/// When a setting that lists custom fields is not written as `KIND.FIELD, KIND.FIELD`.
pub(super) fn additions(
    manifest: &Manifest,
    operator: Option<&Operator>,
    settings: &BTreeMap<String, String>,
) -> Result<Additions, ConfigError> {
    let mut additions = Additions::default();
    for (key, value) in settings {
        let Some(asked) = manifest.settings.get(key) else {
            continue;
        };
        let name = format!("settings.{key}");
        let place = || match (operator, &asked.env) {
            (Some(operator), _) => operator.place(&name),
            (None, Some(variable)) if asked.default.as_ref() != Some(value) => variable.clone(),
            (None, _) => manifest.place(&name),
        };
        if asked.field {
            additions.fields.insert(key.clone(), value.clone());
        }
        if !asked.custom_fields {
            continue;
        }
        for named in value
            .split(',')
            .map(str::trim)
            .filter(|named| !named.is_empty())
        {
            let field = named
                .split_once('.')
                .filter(|(_, field)| graphql_fields::check_field(field).is_ok());
            let Some((kind, field)) = field else {
                let message =
                    format!("`{named}` is no custom field: write KIND.FIELD, separated by commas");
                return Err(ConfigError::value(place(), name, message));
            };
            let kinds = manifest
                .destinations
                .values()
                .flat_map(|section| &section.documents)
                .flat_map(|document| document.custom.values());
            let kinds: BTreeSet<_> = kinds.map(String::as_str).collect();
            if !kinds.contains(kind) {
                let hint = nearest::hint(kind, kinds.iter().copied());
                let message = format!("no document writes fields of a `{kind}`. {hint}");
                return Err(ConfigError::value(place(), name, message));
            }
            let fields = additions.custom.entry(kind.to_owned()).or_default();
            fields.push(field.to_owned());
        }
    }
    Ok(additions)
}

/// Returns the manifest's limits, narrowed by the operator.
///
/// # Errors
/// When the operator's are wider.
pub(super) fn limits(
    manifest: &Manifest,
    operator: Option<&Operator>,
) -> Result<Limits, ConfigError> {
    let asked = manifest.limits;
    let Some(operator) = operator else {
        return Ok(asked);
    };
    let narrow = operator.limits;
    let limits = Limits {
        time_ms: lower(operator, "time-ms", asked.time_ms, narrow.time_ms)?,
        cpu_ms: lower(operator, "cpu-ms", asked.cpu_ms, narrow.cpu_ms)?,
        memory_mib: lower(operator, "memory-mib", asked.memory_mib, narrow.memory_mib)?,
        requests: lower(operator, "requests", asked.requests, narrow.requests)?,
        concurrent_requests: lower(
            operator,
            "concurrent-requests",
            asked.concurrent_requests,
            narrow.concurrent_requests,
        )?,
        request_bytes: lower(
            operator,
            "request-bytes",
            asked.request_bytes,
            narrow.request_bytes,
        )?,
        response_bytes: lower(
            operator,
            "response-bytes",
            asked.response_bytes,
            narrow.response_bytes,
        )?,
    };
    limits.check(&|key| operator.place(key))?;
    Ok(limits)
}

fn lower<T: PartialOrd + Copy + std::fmt::Display>(
    operator: &Operator,
    key: &str,
    asked: T,
    narrow: Option<T>,
) -> Result<T, ConfigError> {
    match narrow {
        Some(wider) if wider > asked => {
            let message = format!("{wider} is more than the skill asks for: write at most {asked}");
            Err(operator.wrong(format!("limits.{key}"), message))
        }
        Some(narrow) => Ok(narrow),
        None => Ok(asked),
    }
}
