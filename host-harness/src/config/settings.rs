//! Settings that are no secret, and limits: the skill's defaults under what the operator says.

use std::collections::BTreeMap;

use super::{ConfigError, Environment, Limits, Manifest, Operator};

/// The skill's settings: default, then operator file, then environment.
pub(super) fn of_skill(
    manifest: &Manifest,
    operator: Option<&Operator>,
    env: Environment<'_>,
) -> BTreeMap<String, String> {
    let mut settings = BTreeMap::new();
    for (key, asked) in &manifest.settings {
        let from_env = asked.env.as_deref().and_then(env);
        let from_file = operator.and_then(|operator| operator.settings.get(key).cloned());
        if let Some(value) = from_env.or(from_file).or_else(|| asked.default.clone()) {
            settings.insert(key.clone(), value);
        }
    }
    settings
}

/// The manifest's limits, narrowed by the operator.
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
