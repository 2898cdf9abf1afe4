//! The sample workspace: a small company world laid out around a given moment, the same every time.
//!
//! Days are Robin's: Robin Hale ([`ROBIN`]) is the caller of the demo and works in
//! [`ROBIN_TIME_ZONE`]. Everything is placed relative to the moment of starting, so "three days
//! overdue" holds whenever that is.

mod bulk;
mod deals;
mod lay_out;
mod ordinary;
mod people;
mod spec;
mod work;

pub use deals::{
    AMBIGUOUS, AMBIGUOUS_WORD, BLOCKER_CASES, BlockerCase, EVERYTHING_WRONG, HEALTHY,
    NEXT_STEP_IN_FIELD, ODD_NAME, SOFT_DELETED_DEAL,
};
pub use people::{
    FORMER_MEMBER, FORMER_PERSON, INJECTED_NOTE, ROBIN, ROBIN_EMAIL, ROBIN_TIME_ZONE, SAM,
    SAM_EMAIL,
};
use uuid::Uuid;

use super::database::Workspace;
use super::value::{Choices, with_choices};

/// The number of records beside the sample workspace's own. The same numbers give the same records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// People, at companies of their own.
    pub people: u32,
    /// Opportunities with a short history each.
    pub opportunities: u32,
    /// Tasks over all members, due within 90 days before and after, each linked to one record.
    pub tasks: u32,
}

/// A sample member's id; 1 is Robin, 2 Sam.
pub const fn member_id(n: u32) -> Uuid {
    sample_id(1, n)
}

/// A sample company's id, from 1.
pub const fn company_id(n: u32) -> Uuid {
    sample_id(2, n)
}

/// A sample person's id, from 1.
pub const fn person_id(n: u32) -> Uuid {
    sample_id(3, n)
}

/// A sample deal's id, from 1.
pub const fn deal_id(n: u32) -> Uuid {
    sample_id(4, n)
}

/// A sample task's id, from 1.
pub const fn task_id(n: u32) -> Uuid {
    sample_id(5, n)
}

/// A sample note's id, from 1.
pub const fn note_id(n: u32) -> Uuid {
    sample_id(6, n)
}

/// The id of one of the sample's links, timeline entries or attachments.
const fn sample_id(kind: u8, n: u32) -> Uuid {
    Uuid::from_u128((0x5a00_0000 | kind as u128) << 96 | 0x4000 << 64 | 0x8000 << 48 | n as u128)
}

/// The id of a member beside the sample's own, from 1; by id they come after those.
pub const fn more_member_id(n: u32) -> Uuid {
    member_id(1_000 + n)
}

/// The address of a member beside the sample's own.
pub fn more_member_email(n: u32) -> String {
    format!("member{n}@bulk.example.org")
}

/// Statuses of tasks that a workspace has made for itself.
#[derive(Clone, Copy, Debug)]
pub struct TaskStatuses {
    /// Value, label and colour of each, in order. A new task has the first.
    pub choices: &'static [(&'static str, &'static str, &'static str)],
    /// Replacements for TODO, IN_PROGRESS and DONE in the sample's tasks: old and new status.
    pub of_sample: [(&'static str, &'static str); 3],
}

impl TaskStatuses {
    /// Does something as a workspace with these statuses does; without any, as a new one.
    pub(super) fn hold<T>(statuses: Option<Self>, run: impl FnOnce() -> T) -> T {
        let choices: Option<Choices> = statuses.map(|statuses| statuses.choices);
        with_choices(choices.map(|choices| ("TaskStatusEnum", choices)), run)
    }

    /// Gives the tasks of a workspace these statuses.
    fn lay_over(self, workspace: &Workspace) -> rusqlite::Result<()> {
        let sql = "UPDATE task SET status = CASE status \
            WHEN ? THEN ? WHEN ? THEN ? WHEN ? THEN ? ELSE status END";
        let pairs = self.of_sample.iter();
        workspace.change(sql, pairs.flat_map(|(before, after)| [before, after]))
    }
}

/// The workspace around `now_ms`, with so many more records and members, and these statuses of
/// tasks.
pub(super) fn workspace(
    now_ms: i64,
    size: Size,
    members: u32,
    statuses: Option<TaskStatuses>,
) -> rusqlite::Result<Workspace> {
    Workspace::filled(|workspace| {
        lay_out::sample(workspace, now_ms)?;
        bulk::add(workspace, now_ms, size)?;
        bulk::add_members(workspace, now_ms, members)?;
        statuses.map_or(Ok(()), |statuses| statuses.lay_over(workspace))
    })
}
