//! Gathers the data of the sections: side by side, in one round for all services.

use super::bounds::{Bounds, is_elsewhere};
use super::queries::{BriefingComing, BriefingOverdue, BriefingToday, NewPerson};
use super::{calendar, messages};
use crate::actions::stages::stages;
use crate::actions::statuses::{self, OpenStatuses};
use crate::bindings::exports::claw::crm::read::SectionName;
use crate::context::Context;
use crate::day::{self, plus_days, precise, utc_midnight};
use crate::failure::Failure;
use crate::text;
use crate::transport::{Outcome, Request, TransportError};
use crate::twenty::rows::Deal;
use crate::twenty::values::{Counted, Task};
use crate::twenty::{Prepared, Query, Reply, decode, fetch_all_beside, prepare};
use crate::workspace::Event;

/// A stage that every workspace begins with.
const FIRST_STAGE: &str = "NEW";

/// The answers, root by root; none where a root was not asked for.
pub(super) struct Gathered {
    pub(super) overdue: Option<Result<PartialList<Task>, Failure>>,
    pub(super) today: Option<Result<PartialList<Task>, Failure>>,
    pub(super) coming: Option<Result<PartialList<Task>, Failure>>,
    pub(super) closing: Option<Result<PartialList<Deal>, Failure>>,
    pub(super) open: Option<Result<PartialList<Deal>, Failure>>,
    pub(super) people: Option<Result<PartialList<NewPerson>, Failure>>,
    pub(super) messages: Option<Result<messages::Inbox, Failure>>,
    pub(super) events: Option<Result<Vec<Event>, Failure>>,
}

/// Sends the requests of the wanted sections side by side. Three lists of tasks need three
/// requests, since a root may stand in a request once; the other lists ride along.
pub(super) fn gather(
    ctx: &Context<'_>,
    me: String,
    bounds: &Bounds,
    wanted: &[SectionName],
) -> Gathered {
    use SectionName as S;
    let want = |sections: [S; 2]| sections.iter().any(|section| wanted.contains(section));
    let deals = if want([S::ClosingSoon, S::AtRisk]) {
        OpenStages::read(ctx)
    } else {
        OpenStages::None {
            stage: FIRST_STAGE.to_owned(),
        }
    };
    // Where there are no deals to be had, the tasks can still be asked for, with a stage that is
    // only there to be one.
    let (named, ask) = match &deals {
        OpenStages::InStages(stages) => (stages.clone(), true),
        OpenStages::None { stage } => (vec![stage.clone()], false),
        OpenStages::Unknown(_) => (vec![FIRST_STAGE.to_owned()], false),
    };
    let want = |tasks: S, others: S, ask: bool| {
        wanted.contains(&tasks) || (ask && wanted.contains(&others))
    };
    let instant = text::instant;
    let open = if wanted.iter().all(|&name| is_elsewhere(name)) {
        OpenStatuses::placeholder()
    } else {
        statuses::open(ctx)
    };
    let late = day::OverdueFilter::at(ctx.zone(), bounds.at);
    let midnight = |days: i32| precise(utc_midnight(plus_days(bounds.day, days)));
    let beyond = precise(utc_midnight(bounds.beyond));

    let overdue = want(S::Overdue, S::ClosingSoon, ask).then(|| BriefingOverdue {
        me: me.clone(),
        before: late.before.clone(),
        whole_days: late.whole_days,
        open: open.statuses.clone(),
        stages: named.clone(),
        closes_from: instant(bounds.start),
        closes_until: instant(bounds.horizon),
        closes_after: vec![beyond.clone()],
        closes_on: vec![midnight(0)],
    });
    let today = want(S::DueToday, S::AtRisk, ask).then(|| BriefingToday {
        me: me.clone(),
        from: late.before,
        until: instant(bounds.tomorrow),
        after: vec![midnight(1)],
        on: vec![precise(bounds.start), midnight(0)],
        open: open.statuses.clone(),
        stages: named,
    });
    let coming = want(S::ComingUp, S::NewPeople, true).then(|| BriefingComing {
        me,
        from: instant(bounds.tomorrow),
        until: instant(bounds.horizon),
        after: vec![beyond],
        on: vec![midnight(1)],
        open: open.statuses.clone(),
        people_since: instant(bounds.people_since),
    });

    // Each is left out where it cannot be made, and its sections then say why.
    let mut out = Batch::default();
    let overdue = overdue.map(|query| out.crm(ctx, &query));
    let today = today.map(|query| out.crm(ctx, &query));
    let coming = coming.map(|query| out.crm(ctx, &query));
    let relay = wanted.contains(&S::Tez).then(|| messages::requests(ctx));
    let calendar = wanted
        .contains(&S::Calendar)
        .then(|| calendar::request(ctx, bounds));
    let relay = relay.map(|requests| requests.map(|requests| out.others(requests)));
    let calendar = calendar.map(|request| request.map(|request| out.others(vec![request])));

    let (answers, others) = fetch_all_beside(ctx, &out.prepared, out.others);
    let (mut answers, mut others) = (answers.into_iter(), others.into_iter());
    let mut overdue =
        overdue.map(|sent| sent.and_then(|()| decode::<BriefingOverdue>(next(&mut answers))));
    let mut today =
        today.map(|sent| sent.and_then(|()| decode::<BriefingToday>(next(&mut answers))));
    let mut coming =
        coming.map(|sent| sent.and_then(|()| decode::<BriefingComing>(next(&mut answers))));
    let messages = relay.map(|sent| {
        sent.map(|number| others.by_ref().take(number).collect())
            .and_then(|answers| messages::Inbox::read(ctx, answers))
    });
    let events = calendar.map(|sent| sent.and_then(|_| calendar::read(next(&mut others))));

    let tasks =
        |part: Option<Result<PartialList<Task>, Failure>>| part.map(|part| open.validate(part));
    let mut gathered = Gathered {
        overdue: tasks(part(&mut overdue, "tasks", |data| data.tasks.take())),
        today: tasks(part(&mut today, "tasks", |data| data.tasks.take())),
        coming: tasks(part(&mut coming, "tasks", |data| data.tasks.take())),
        closing: part(&mut overdue, "opportunities", |data| {
            data.opportunities.take()
        }),
        open: part(&mut today, "opportunities", |data| {
            data.opportunities.take()
        }),
        people: part(&mut coming, "people", |data| data.people.take()),
        messages,
        events,
    };
    match deals {
        OpenStages::InStages(_) => {}
        // What came beside the tasks is in a stage that nobody asked about.
        OpenStages::None { .. } => {
            gathered.closing = Some(Ok(PartialList::none()));
            gathered.open = Some(Ok(PartialList::none()));
        }
        OpenStages::Unknown(failure) => {
            gathered.closing = Some(Err(failure.clone()));
            gathered.open = Some(Err(failure));
        }
    }
    gathered
}

/// The requests of the first round.
#[derive(Default)]
struct Batch {
    prepared: Vec<Prepared>,
    others: Vec<Request>,
}

impl Batch {
    fn crm<Q: Query>(&mut self, ctx: &Context<'_>, query: &Q) -> Result<(), Failure> {
        self.prepared.push(prepare(ctx, query)?);
        Ok(())
    }

    /// Adds requests to other services, and returns their number.
    fn others(&mut self, requests: Vec<Request>) -> usize {
        let number = requests.len();
        self.others.extend(requests);
        number
    }
}

fn next(answers: &mut impl Iterator<Item = Outcome>) -> Outcome {
    answers.next().unwrap_or(Err(TransportError::Refused))
}

/// A list, with a note about rows that had to be left out.
pub(super) struct PartialList<T> {
    pub(super) rows: Counted<T>,
    /// The note, if rows were left out.
    pub(super) lost: Option<String>,
}

impl<T> PartialList<T> {
    /// Creates an empty list.
    fn none() -> Self {
        Self {
            rows: Counted::none(),
            lost: None,
        }
    }
}

/// Takes a root from an answer, or the reason for its lack.
fn part<A, T>(
    reply: &mut Option<Result<Reply<A>, Failure>>,
    name: &str,
    take: impl FnOnce(&mut A) -> Option<Counted<T>>,
) -> Option<Result<PartialList<T>, Failure>> {
    reply.as_mut().map(|reply| match reply {
        Ok(reply) => {
            let root = take(&mut reply.data);
            let lost = reply.errors.lost(name);
            reply
                .errors
                .root(name, root)
                .map(|rows| PartialList { rows, lost })
        }
        Err(failure) => Err(failure.clone()),
    })
}

/// The stages of open deals.
enum OpenStages {
    /// Those in one of these stages; there is one at least.
    InStages(Vec<String>),
    /// None: the operator closes every stage, or nobody asks. A stage that the workspace has.
    None { stage: String },
    /// The stages could not be read.
    Unknown(Failure),
}

impl OpenStages {
    fn read(ctx: &Context<'_>) -> Self {
        let all = match stages(ctx) {
            Ok(all) => all,
            Err(failure) => return Self::Unknown(failure),
        };
        let closed = ctx.closed_stages();
        let open: Vec<String> = all
            .iter()
            .filter(|stage| !closed.contains(stage))
            .cloned()
            .collect();
        if open.is_empty() {
            let stage = all.into_iter().next();
            Self::None {
                stage: stage.unwrap_or_else(|| FIRST_STAGE.to_owned()),
            }
        } else {
            Self::InStages(open)
        }
    }
}
