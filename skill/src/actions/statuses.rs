//! The statuses of tasks in this workspace, and the open ones among them.

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::failure::{self, Failure};
use crate::twenty::values::EnumType;
use crate::twenty::{Document, Query, documents, fetch};

/// The setting that names the statuses of finished tasks.
pub(super) const SETTING: &str = "done-statuses";

/// A status that every workspace begins with.
const FIRST_STATUS: &str = "TODO";

/// Asks for the statuses.
#[derive(Debug, Serialize)]
pub struct TaskStatuses {}

/// The answer to [`TaskStatuses`].
#[derive(Debug, Deserialize)]
pub struct TaskStatusesData {
    #[serde(rename = "__type")]
    status_type: Option<EnumType>,
}

impl Query for TaskStatuses {
    const DOCUMENT: &'static Document = &documents::TASK_STATUSES;
    type Answer = TaskStatusesData;
}

/// The statuses with which a task is open. A task without status is open too.
pub(super) struct OpenStatuses {
    /// The statuses to ask for, at least one: a request needs some, even where its answer does not
    /// count.
    pub(super) statuses: Vec<String>,
    /// The reason why the statuses are unknown, if they are: the answer about tasks must be ignored
    /// then.
    pub(super) unknown: Option<Failure>,
}

impl OpenStatuses {
    /// Stands in for the statuses where nobody asks about tasks.
    pub(super) fn placeholder() -> Self {
        Self {
            statuses: vec![FIRST_STATUS.to_owned()],
            unknown: None,
        }
    }

    /// Returns the answer about tasks, or the failure that makes it void.
    pub(super) fn validate<T>(&self, tasks: Result<T, Failure>) -> Result<T, Failure> {
        match &self.unknown {
            Some(failure) => Err(failure.clone()),
            None => tasks,
        }
    }
}

/// Reads the open statuses. The host answers this from its cache for some minutes.
pub(super) fn open(ctx: &Context<'_>) -> OpenStatuses {
    let all = match all(ctx) {
        Ok(all) => all,
        Err(failure) => {
            return OpenStatuses {
                statuses: vec![FIRST_STATUS.to_owned()],
                unknown: Some(failure),
            };
        }
    };
    let open: Vec<String> = all
        .iter()
        .filter(|status| !ctx.is_done(status))
        .cloned()
        .collect();
    if open.is_empty() {
        return OpenStatuses {
            statuses: all,
            unknown: Some(failure::unavailable(
                false,
                format!(
                    "The setting \"{SETTING}\" names every status that tasks have, so none would ever be open."
                ),
                format!(
                    "Ask the operator to correct the setting \"{SETTING}\" in the operator file."
                ),
            )),
        };
    }
    OpenStatuses {
        statuses: open,
        unknown: None,
    }
}

fn all(ctx: &Context<'_>) -> Result<Vec<String>, Failure> {
    let reply = fetch(ctx, &TaskStatuses {})?;
    let values = reply
        .errors
        .root("__type", reply.data.status_type)?
        .enum_values
        .unwrap_or_default();
    if values.is_empty() {
        return Err(failure::schema_mismatch(
            "TaskStatusEnum",
            "This CRM's tasks have no statuses.",
        ));
    }
    Ok(values
        .into_iter()
        .map(|value| value.name.as_str().to_owned())
        .collect())
}
