//! `log`: proposes a note on something that happened, linked to the records that it is about; and
//! in the same plan a next step, and changes of the deal. Each of the three stands or fails alone.
//!
//! Planning takes one request to Twenty for all records that are given by their ids, a search for
//! each that is given by name (a second one where nothing has all of its words), and one request
//! where the deal is to change.

use serde::Serialize;
use serde_json::{Map, Value};

use super::input::{self, reference};
use super::make_note::{NoteDraft, RECORDS};
use super::make_task::{FollowUpTask, TaskSeed};
use super::subject::{Subject, look_up_all};
use super::upsert::DealValues;
use crate::bindings::claw::crm::types::Kind;
use crate::bindings::exports::claw::crm::propose::{LogRequest, Plan};
use crate::context::Context;
use crate::failure::{self, Failure};
use crate::plan::{Ids, caller, plan};
use crate::text::words;
use crate::tezit::message::Order;

/// The argument that says what changes of the deal.
const DEAL: &str = "deal";

/// Runs the action. Nothing is written.
///
/// # Errors
/// As `failure` says: what is wrong with one record or part is a failure of the whole, since
/// nothing has been sent yet.
pub fn log(ctx: &Context<'_>, request: &LogRequest) -> Result<Plan, Failure> {
    caller(ctx)?;
    let about = names(&request.about)?;
    let note = NoteDraft::check(
        ctx,
        &request.title,
        request.text.as_deref(),
        request.when.as_deref(),
    )?;
    let next = request.next.as_ref();
    let task = next
        .map(|next| {
            let checked =
                FollowUpTask::check(ctx, "next.", &next.title, next.note.as_deref(), &next.due)?;
            let assignee = next.assignee.as_deref().unwrap_or("me");
            let address = input::member_address(ctx, "next.assignee", assignee)?;
            Ok::<_, Failure>((checked, address))
        })
        .transpose()?;
    let change = request.deal.as_ref();
    let change = change
        .map(|change| DealValues::check(ctx, DEAL, change))
        .transpose()?;

    let address = task.as_ref().map(|(_, address)| address.as_str());
    let (subjects, members) = look_up_all(ctx, &about, address)?;
    let member = task
        .as_ref()
        .map(|(_, address)| input::member(ctx, "next.assignee", address, members.into_iter()))
        .transpose()?;
    let changing = change
        .map(|change| Ok::<_, Failure>((only_deal(&subjects)?, change)))
        .transpose()?;
    // What comes next is about the deal, if there is one.
    let first = subjects
        .iter()
        .find(|subject| subject.kind == Kind::Opportunity)
        .or(subjects.first());
    let next_step = match (&task, &member, first) {
        (Some((task, _)), Some(member), Some(subject)) => {
            Some((task, task.seed(subject, member), subject, member))
        }
        _ => None,
    };

    #[derive(Serialize)]
    struct Seed<'a> {
        note: (&'a str, &'a str),
        about: Vec<&'a str>,
        next: Option<&'a TaskSeed<'a>>,
        deal: Option<Map<String, Value>>,
    }
    let seed = Seed {
        note: note.seed(),
        about: subjects.iter().map(|subject| subject.id.as_str()).collect(),
        next: next_step.as_ref().map(|(_, seed, ..)| seed),
        deal: changing.as_ref().map(|(_, change)| change.seed()),
    };
    let ids = Ids::new(ctx, "log", request.idempotency_key.as_deref(), &seed)?;

    let order = if next_step.is_some() || changing.is_some() {
        Order::Alone
    } else {
        Order::InOrder
    };
    let mut steps = note.steps(&ids, &subjects, order)?;
    let mut said = vec![note.words(&subjects)];
    let mut warnings = Vec::new();
    if let Some((deal, change)) = changing {
        match change.step(ctx, DEAL, &deal.id)? {
            Some(change) => {
                steps.push(change.step.after(&[]));
                said.push(change.words);
                warnings.extend(change.warnings);
            }
            None => warnings.push(format!(
                "The {} holds the given values already, so nothing of it is changed.",
                deal.shown()
            )),
        }
    }
    if let Some((task, seed, subject, member)) = &next_step {
        let (_, made) = task.steps(ctx, &ids, seed, subject, member, Order::Alone)?;
        steps.extend(made);
        said.push(task.words(ctx, subject, member));
        warnings.extend(task.warning(ctx));
    }
    warnings.extend(input::hidden(&[
        ("title", Some(&request.title)),
        ("text", request.text.as_deref()),
        ("next step's title", next.map(|next| next.title.as_str())),
        (
            "next step's note",
            next.and_then(|next| next.note.as_deref()),
        ),
    ]));
    let about = subjects
        .iter()
        .map(|subject| reference(subject.kind, &subject.id))
        .collect();
    Ok(plan(&ids, said.join(" "), about, warnings, steps))
}

/// Checks the names of the records.
fn names(given: &[String]) -> Result<Vec<String>, Failure> {
    if given.is_empty() || given.len() > RECORDS {
        let reason = match given.len() {
            0 => "it names no record".to_owned(),
            many => format!("it names {many} records, and a note is about at most {RECORDS}"),
        };
        return Err(failure::invalid_input(
            "about",
            reason,
            format!("Name 1 to {RECORDS} people, companies or deals, by id or name."),
        ));
    }
    given.iter().map(|name| words("about", name)).collect()
}

/// Returns the only deal, whose values are to change.
fn only_deal(subjects: &[Subject]) -> Result<&Subject, Failure> {
    let mut deals = subjects
        .iter()
        .filter(|subject| subject.kind == Kind::Opportunity);
    match (deals.next(), deals.count()) {
        (Some(deal), 0) => Ok(deal),
        (None, _) => Err(failure::invalid_input(
            DEAL,
            "there is no deal in `about` that could change",
            "Name the deal in `about` as well, or leave `deal` out.",
        )),
        (Some(_), more) => Err(failure::invalid_input(
            DEAL,
            format!(
                "there are {} deals in `about`, and it does not say which of them changes",
                more + 1
            ),
            "Name one deal in `about`, or change the deals one by one with crm_upsert.",
        )),
    }
}
