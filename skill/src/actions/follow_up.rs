//! `follow_up`: proposes a task linked to a person, a company or a deal, and a message that hands
//! it over, if that is asked for.

use super::handoff::{HandoffRequest, message};
use super::input::{self, reference};
use super::make_task::FollowUpTask;
use super::subject::look_up;
use crate::bindings::exports::claw::crm::propose::{FollowUpRequest, Plan};
use crate::context::Context;
use crate::failure::Failure;
use crate::plan::{Ids, caller, plan};
use crate::text::words;
use crate::tezit::envelope::NewTask;
use crate::tezit::message::Order;

/// Runs the action. Nothing is written.
///
/// # Errors
/// As `failure` says: `not-found` and `ambiguous` speak of what the follow-up is about, or of the
/// colleague it is handed to.
pub fn follow_up(ctx: &Context<'_>, request: &FollowUpRequest) -> Result<Plan, Failure> {
    caller(ctx)?;
    let about = words("about", &request.about)?;
    let task = FollowUpTask::check(
        ctx,
        "",
        &request.title,
        request.note.as_deref(),
        &request.due,
    )?;
    let assignee = request.assignee.as_deref().unwrap_or("me");
    let address = input::member_address(ctx, "assignee", assignee)?;
    let handing = request
        .handoff
        .as_ref()
        .map(|handoff| HandoffRequest::check(ctx, handoff))
        .transpose()?;

    let (subject, members) = look_up(ctx, &about, Some(&address))?;
    let member = input::member(ctx, "assignee", &address, members.into_iter())?;
    let key = request.idempotency_key.as_deref();
    let seed = task.seed(&subject, &member);
    let ids = Ids::new(ctx, "follow-up", key, &seed)?;
    let (id, mut steps) = task.steps(ctx, &ids, &seed, &subject, &member, Order::InOrder)?;
    let mut said = task.words(ctx, &subject, &member);
    let mut warnings: Vec<String> = task.warning(ctx).into_iter().collect();
    if let Some(handing) = &handing {
        let made = NewTask {
            id: &id,
            title: seed.title,
            due: &seed.due,
            owner: subject.owned_by(&member.id),
            about: &subject.link(),
        };
        let line = format!(
            "Task: \u{201c}{}\u{201d}, due {}{}.",
            seed.title,
            task.due_text(ctx),
            handing.whose(ctx, &address),
        );
        let message = message(ctx, handing, &about, &subject, Some((&made, line)), None);
        let ids = Ids::new(ctx, "hand-over", key, &(&id, handing))?;
        let sending = message.send(ctx, &ids, &handing.audience, Order::InOrder)?;
        steps.extend(sending.steps);
        warnings.extend(sending.warnings);
        said = format!("{said} Then hand it over to {}.", sending.whom);
    }
    let handoff = request.handoff.as_ref();
    warnings.extend(input::hidden(&[
        ("title", Some(&request.title)),
        ("note", request.note.as_deref()),
        (
            "message",
            handoff.and_then(|handoff| handoff.message.as_deref()),
        ),
        (
            "question",
            handoff.and_then(|handoff| handoff.ask.as_deref()),
        ),
    ]));
    Ok(plan(
        &ids,
        said,
        vec![reference(subject.kind, &subject.id)],
        warnings,
        steps,
    ))
}
