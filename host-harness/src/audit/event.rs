//! Events as bodies of rows, which define what the audit log may contain, field by field.

use serde::{Deserialize, Serialize, Serializer};

use crate::digest::hex;
use crate::events::{
    AnswerSource, Began, Decided, DisclosureEvent, Ended, Finished, Phase, Planned, RequestEnd,
    Ruled,
};

/// Kinds of rows.
pub(super) const CALL: &str = "call";
pub(super) const REQUEST: &str = "request";
pub(super) const REFUSAL: &str = "refusal";
pub(super) const ANSWER: &str = "answer";
pub(super) const RESULT: &str = "result";
pub(super) const RULING: &str = "ruling";
pub(super) const PLAN: &str = "plan";
/// Something was disclosed, or redacted before that.
pub(super) const SHARED: &str = "shared";
/// Rows are missing before this one.
pub(super) const GAP: &str = "gap";
/// The head file was missing and was created again.
pub(super) const HEAD: &str = "head";
/// The event of an earlier row did not happen: the row was written, but could not be made durable.
pub(super) const VOID: &str = "void";
/// Events are missing that could be neither written nor held.
pub(super) const LOST: &str = "lost";

#[derive(Serialize)]
pub(super) struct CallBody<'a> {
    action: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    caller: Option<&'a str>,
    component: &'a str,
    policy: &'a str,
    #[serde(rename = "permittedBy", skip_serializing_if = "<[_]>::is_empty")]
    permitted_by: &'a [String],
}

impl<'a> From<&Began<'a>> for CallBody<'a> {
    fn from(event: &Began<'a>) -> Self {
        Self {
            action: event.action,
            caller: event.caller,
            component: event.component,
            policy: event.policy,
            permitted_by: event.permitted_by,
        }
    }
}

#[derive(Serialize)]
pub(super) struct RulingBody<'a> {
    deed: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    permitted: bool,
    policies: &'a [String],
}

impl<'a> From<&Ruled<'a>> for RulingBody<'a> {
    fn from(event: &Ruled<'a>) -> Self {
        let (object, id) = event.record.unzip();
        Self {
            deed: event.deed,
            by: event.by,
            plan: event.plan,
            object,
            id,
            permitted: event.permitted,
            policies: event.policies,
        }
    }
}

#[derive(Serialize)]
pub(super) struct PlanBody<'a> {
    plan: &'a str,
    state: &'a str,
    steps: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'a str>,
}

impl<'a> From<&Planned<'a>> for PlanBody<'a> {
    fn from(event: &Planned<'a>) -> Self {
        Self {
            plan: event.plan,
            state: event.state,
            steps: event.steps,
            by: event.by,
        }
    }
}

/// Names and ids only. Parsed again by [`super::disclosures`].
#[derive(Serialize)]
pub(super) struct SharedBody<'a> {
    event: &'a str,
    plan: &'a str,
    step: usize,
    service: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    fields: &'a [String],
    recipients: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'a str>,
    policies: &'a [String],
    policy: &'a str,
    certain: bool,
}

impl<'a> From<&DisclosureEvent<'a>> for SharedBody<'a> {
    fn from(event: &DisclosureEvent<'a>) -> Self {
        let (object, id) = event.record.unzip();
        Self {
            event: event.event,
            plan: event.plan,
            step: event.step,
            service: event.service,
            message: event.message,
            object,
            id,
            fields: event.fields,
            recipients: event.recipients,
            group: event.group,
            policies: event.policies,
            policy: event.policy,
            certain: event.certain,
        }
    }
}

#[derive(Serialize)]
pub(super) struct RequestBody<'a> {
    phase: &'static str,
    destination: Option<&'a str>,
    rule: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<&'a str>,
    bytes: usize,
}

impl<'a> From<&Decided<'a>> for RequestBody<'a> {
    fn from(event: &Decided<'a>) -> Self {
        Self {
            phase: phase(event.phase),
            destination: event.destination,
            rule: event.rule,
            document: event.document,
            bytes: event.request_bytes,
        }
    }
}

/// Only destination and reason of a refused request, with digest and length of the rest.
#[derive(Serialize)]
pub(super) struct RefusalBody<'a> {
    phase: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination: Option<&'a str>,
    code: &'a str,
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    nearest: Option<&'a str>,
    url_bytes: usize,
    bytes: usize,
    sha256: String,
}

impl<'a> RefusalBody<'a> {
    pub(super) fn of(event: &Decided<'a>) -> Option<Self> {
        let refused = event.refused?;
        Some(Self {
            phase: phase(event.phase),
            destination: event.destination,
            code: refused.denial.code.as_str(),
            reason: &refused.denial.reason,
            nearest: refused.denial.nearest.as_deref(),
            url_bytes: refused.url_bytes,
            bytes: event.request_bytes,
            sha256: hex(&refused.sha256),
        })
    }
}

#[derive(Serialize)]
pub(super) struct AnswerBody<'a> {
    destination: &'a str,
    rule: &'a str,
    end: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<usize>,
    micros: u64,
}

impl<'a> From<&Finished<'a>> for AnswerBody<'a> {
    fn from(event: &Finished<'a>) -> Self {
        let (end, status, bytes) = match event.end {
            RequestEnd::Answered { status, bytes } => ("answered", Some(status), Some(bytes)),
            RequestEnd::FromMemory => ("from-memory", None, None),
            RequestEnd::Failed(code) => (code, None, None),
            RequestEnd::Abandoned => ("abandoned", None, None),
        };
        Self {
            destination: event.destination,
            rule: event.rule,
            end,
            status,
            bytes,
            micros: micros(event.elapsed),
        }
    }
}

#[derive(Serialize)]
pub(super) struct ResultBody<'a> {
    outcome: &'a str,
    requests: u32,
    refused: u32,
    micros: u64,
    #[serde(skip_serializing_if = "<[_]>::is_empty", serialize_with = "sources")]
    sources: &'a [AnswerSource],
}

impl<'a> From<&Ended<'a>> for ResultBody<'a> {
    fn from(event: &Ended<'a>) -> Self {
        Self {
            outcome: event.outcome,
            requests: event.requests,
            refused: event.refused,
            micros: micros(event.elapsed),
            sources: event.sources,
        }
    }
}

fn sources<S: Serializer>(sources: &[AnswerSource], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Shown<'a> {
        object: &'a str,
        id: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        updated_at: Option<i64>,
    }
    serializer.collect_seq(sources.iter().map(|source| Shown {
        object: &source.object,
        id: source.id.to_string(),
        updated_at: source.updated_at,
    }))
}

/// The body of a [`VOID`] row.
#[derive(Serialize, Deserialize)]
pub(super) struct VoidBody {
    /// The number of the row that is void.
    pub(super) row: u64,
}

impl VoidBody {
    /// Reads which row does not hold; 0, which is none, where the body does not tell.
    pub(super) fn row_of(body: &str) -> u64 {
        serde_json::from_str(body).map_or(0, |body: Self| body.row)
    }
}

/// The body of a [`LOST`] row.
#[derive(Serialize)]
pub(super) struct LostBody {
    /// The number of missing events.
    pub(super) events: u64,
}

/// The body of a [`HEAD`] row.
#[derive(Serialize)]
pub(super) struct HeadBody {
    /// The last row that was found.
    pub(super) found: String,
}

#[derive(Serialize)]
pub(super) struct GapBody {
    /// The head in the file; `unreadable` if it holds none.
    pub(super) kept: String,
    /// The last row that was found.
    pub(super) found: String,
}

fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Read => "read",
        Phase::Perform => "perform",
    }
}

fn micros(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
