//! Limits of a call.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::ConfigError;

/// Limits of a call, in milliseconds, MiB and bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Limits {
    /// Wall-clock time in milliseconds, 1 to 600000.
    #[schemars(range(min = 1, max = 600_000))]
    pub time_ms: u64,
    /// Processor time in milliseconds, 1 to 600000; waiting takes none.
    #[schemars(range(min = 1, max = 600_000))]
    pub cpu_ms: u64,
    /// Memory of the sandbox in MiB, 1 to 1024.
    #[schemars(range(min = 1, max = 1024))]
    pub memory_mib: u64,
    /// Requests to services.
    pub requests: u32,
    /// Requests at the same time, 1 to 64; more wait.
    #[schemars(range(min = 1, max = 64))]
    pub concurrent_requests: u32,
    /// Bytes of one request's body.
    #[schemars(range(max = 16_777_216))]
    pub request_bytes: usize,
    /// Bytes of one response's body.
    #[schemars(range(max = 67_108_864))]
    pub response_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            time_ms: 20_000,
            cpu_ms: 5_000,
            memory_mib: 64,
            requests: 16,
            concurrent_requests: 8,
            request_bytes: 256 << 10,
            response_bytes: 4 << 20,
        }
    }
}

impl Limits {
    /// Returns every limit with its name in the files.
    #[must_use]
    pub fn named(&self) -> [(&'static str, u64); 7] {
        [
            ("time-ms", self.time_ms),
            ("cpu-ms", self.cpu_ms),
            ("memory-mib", self.memory_mib),
            ("requests", self.requests.into()),
            ("concurrent-requests", self.concurrent_requests.into()),
            ("request-bytes", self.request_bytes as u64),
            ("response-bytes", self.response_bytes as u64),
        ]
    }

    pub(in crate::config) fn check(
        &self,
        place: &dyn Fn(&str) -> String,
    ) -> Result<(), ConfigError> {
        let wrong = |key: &str, message: &str| {
            let key = format!("limits.{key}");
            Err(ConfigError::value(place(&key), key, message))
        };
        if !(1..=600_000).contains(&self.time_ms) {
            return wrong("time-ms", "write 1 to 600000");
        }
        if !(1..=600_000).contains(&self.cpu_ms) {
            return wrong("cpu-ms", "write 1 to 600000");
        }
        if !(1..=64).contains(&self.concurrent_requests) {
            return wrong("concurrent-requests", "write 1 to 64");
        }
        if !(1..=1024).contains(&self.memory_mib) {
            return wrong("memory-mib", "write 1 to 1024");
        }
        if self.request_bytes > 16 << 20 {
            return wrong("request-bytes", "write at most 16777216");
        }
        if self.response_bytes > 64 << 20 {
            return wrong("response-bytes", "write at most 67108864");
        }
        Ok(())
    }
}
