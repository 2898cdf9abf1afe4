//! Makes a task that is linked to a record. These are two writes, and would race in one request, so
//! the task comes first; if it cannot be linked, it is deleted again.

use serde::Serialize;

use super::given::{self, Member};
use super::subject::Subject;
use crate::context::Context;
use crate::day;
use crate::failure::{self, Failure};
use crate::plan::{Draft, Ids};
use crate::text;
use crate::tezit::message::Order;
use crate::twenty::{documents, mutations};

/// A checked task.
#[derive(Serialize)]
pub(super) struct Task {
    title: String,
    note: Option<String>,
    deadline: jiff::Timestamp,
}

/// The values of a request from which ids are derived.
#[derive(Serialize)]
pub(super) struct Asked<'a> {
    about: &'a str,
    /// The title.
    pub(super) title: &'a str,
    note: Option<&'a str>,
    /// The due time.
    pub(super) due: String,
    assignee: &'a str,
}

impl Task {
    /// Checks the arguments. `prefix` stands before their names.
    pub(super) fn given(
        ctx: &Context<'_>,
        prefix: &str,
        title: &str,
        note: Option<&str>,
        due: &str,
    ) -> Result<Self, Failure> {
        let note = note.map(|note| given::note(&format!("{prefix}note"), note));
        Ok(Self {
            title: given::line(&format!("{prefix}title"), title)?,
            note: note.transpose()?.flatten(),
            deadline: day::deadline(ctx.zone(), &format!("{prefix}due"), due)?,
        })
    }

    /// Returns the values from which ids are derived.
    pub(super) fn asked<'a>(&'a self, subject: &'a Subject, member: &'a Member) -> Asked<'a> {
        Asked {
            about: &subject.id,
            title: &self.title,
            note: self.note.as_deref(),
            due: text::instant(self.deadline),
            assignee: &member.id,
        }
    }

    /// Formats the deadline for people.
    pub(super) fn shown(&self, ctx: &Context<'_>) -> String {
        ctx.zone().show_due(self.deadline)
    }

    /// Warns about a deadline in the past.
    pub(super) fn warning(&self, ctx: &Context<'_>) -> Option<String> {
        (ctx.zone().is_overdue(self.deadline, ctx.now))
            .then(|| format!("The task is due in the past ({}).", self.shown(ctx)))
    }

    /// Describes the task.
    pub(super) fn words(&self, ctx: &Context<'_>, subject: &Subject, member: &Member) -> String {
        format!(
            "Make a task \u{201c}{}\u{201d} for {}, due {}, about the {}.",
            self.title,
            member.label(),
            self.shown(ctx),
            subject.shown(),
        )
    }

    /// Makes the steps, and returns them with the id of the task.
    pub(super) fn steps(
        &self,
        ctx: &Context<'_>,
        ids: &Ids,
        asked: &Asked<'_>,
        subject: &Subject,
        member: &Member,
        order: Order,
    ) -> Result<(String, Vec<Draft>), Failure> {
        let task = ids.id("task");
        let make = make(&task, asked, &self.shown(ctx), &member.label())?;
        let link = link(ids, &task, subject)?;
        let delete = Draft::new(
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

fn make(task: &str, asked: &Asked<'_>, due: &str, who: &str) -> Result<Draft, Failure> {
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
    let document = if asked.note.is_some() {
        &documents::CREATE_TASK_WITH_NOTE
    } else {
        &documents::CREATE_TASK
    };
    Draft::new(
        "create-task",
        document,
        &Variables {
            id: task,
            title: asked.title,
            markdown: asked.note,
            due_at: &asked.due,
            assignee_id: asked.assignee,
        },
        format!(
            "Make the task \u{201c}{}\u{201d} for {who}, due {due}.",
            asked.title
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
    Draft::new(
        "link-task",
        document,
        &variables,
        format!("Link it to the {}.", subject.shown()),
    )
}
