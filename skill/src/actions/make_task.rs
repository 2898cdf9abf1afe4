//! Makes a task that is linked to a record. These are two writes, and would race in one request, so
//! the task comes first; if it cannot be linked, it is deleted again.

use serde::Serialize;

use super::input::{self, WorkspaceMember};
use super::subject::Subject;
use crate::context::Context;
use crate::failure::{self, Failure};
use crate::plan::{Draft, Ids};
use crate::tezit::message::Order;
use crate::twenty::{documents, mutations};
use crate::{day, text};

/// A checked task.
#[derive(Serialize)]
pub(super) struct FollowUpTask {
    title: String,
    note: Option<String>,
    deadline: jiff::Timestamp,
}

/// The values of a request from which ids are derived.
#[derive(Serialize)]
pub(super) struct TaskSeed<'a> {
    about: &'a str,
    /// The title.
    pub(super) title: &'a str,
    note: Option<&'a str>,
    /// The due time.
    pub(super) due: String,
    assignee: &'a str,
}

impl FollowUpTask {
    /// Checks the arguments. `prefix` stands before their names.
    pub(super) fn check(
        ctx: &Context<'_>,
        prefix: &str,
        title: &str,
        note: Option<&str>,
        due: &str,
    ) -> Result<Self, Failure> {
        let note = note.map(|note| input::note(&format!("{prefix}note"), note));
        Ok(Self {
            title: input::line(&format!("{prefix}title"), title)?,
            note: note.transpose()?.flatten(),
            deadline: day::deadline(ctx.zone(), &format!("{prefix}due"), due)?,
        })
    }

    /// Returns the values from which ids are derived.
    pub(super) fn seed<'a>(
        &'a self,
        subject: &'a Subject,
        member: &'a WorkspaceMember,
    ) -> TaskSeed<'a> {
        TaskSeed {
            about: &subject.id,
            title: &self.title,
            note: self.note.as_deref(),
            due: text::instant(self.deadline),
            assignee: &member.id,
        }
    }

    /// Formats the deadline for people.
    pub(super) fn due_text(&self, ctx: &Context<'_>) -> String {
        ctx.zone().show_due(self.deadline)
    }

    /// Warns about a deadline in the past.
    pub(super) fn warning(&self, ctx: &Context<'_>) -> Option<String> {
        (ctx.zone().is_overdue(self.deadline, ctx.now))
            .then(|| format!("The task is due in the past ({}).", self.due_text(ctx)))
    }

    /// Describes the task.
    pub(super) fn words(
        &self,
        ctx: &Context<'_>,
        subject: &Subject,
        member: &WorkspaceMember,
    ) -> String {
        format!(
            "Make a task \u{201c}{}\u{201d} for {}, due {}, about the {}.",
            self.title,
            member.label(),
            self.due_text(ctx),
            subject.shown(),
        )
    }

    /// Makes the steps, and returns them with the id of the task.
    pub(super) fn steps(
        &self,
        ctx: &Context<'_>,
        ids: &Ids,
        seed: &TaskSeed<'_>,
        subject: &Subject,
        member: &WorkspaceMember,
        order: Order,
    ) -> Result<(String, Vec<Draft>), Failure> {
        let task = ids.id("task");
        let make = make(&task, seed, &self.due_text(ctx), &member.label())?;
        let link = link(ids, &task, subject)?;
        let delete = mutations::step(
            "delete-task",
            &documents::DELETE_TASK,
            &serde_json::json!({ "id": task }),
            format!(
                "Delete the task \u{201c}{}\u{201d} again, because it could not be linked.",
                self.title
            ),
        )?
        .compensating("link-task");
        let (make, link) = match order {
            Order::InOrder => (make, link),
            Order::Alone => (make.after(&[]), link.after(&["create-task"])),
        };
        Ok((task, vec![make, link, delete]))
    }
}

fn make(task: &str, seed: &TaskSeed<'_>, due: &str, who: &str) -> Result<Draft, Failure> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Variables<'a> {
        id: &'a str,
        title: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        markdown: Option<&'a str>,
        due_at: &'a str,
        assignee_id: &'a str,
    }
    let document = if seed.note.is_some() {
        &documents::CREATE_TASK_WITH_NOTE
    } else {
        &documents::CREATE_TASK
    };
    mutations::step(
        "create-task",
        document,
        &Variables {
            id: task,
            title: seed.title,
            markdown: seed.note,
            due_at: &seed.due,
            assignee_id: seed.assignee,
        },
        format!(
            "Make the task \u{201c}{}\u{201d} for {who}, due {due}.",
            seed.title
        ),
    )
}

fn link(ids: &Ids, task: &str, subject: &Subject) -> Result<Draft, Failure> {
    let (document, target) = mutations::link(subject.kind).ok_or_else(|| {
        failure::invalid_input(
            "about",
            "a task cannot be linked to a task",
            "Name a person, a company or a deal.",
        )
    })?;
    let variables = serde_json::json!({ "id": ids.id("link"), "taskId": task, target: subject.id });
    mutations::step(
        "link-task",
        document,
        &variables,
        format!("Link it to the {}.", subject.shown()),
    )
}
