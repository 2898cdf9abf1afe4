//! `briefing`: the caller's day in at most four requests, whatever the size of the workspace. Each section stands or fails alone.

mod queries;
mod rows;
mod sections;

use jiff::Timestamp;
use jiff::civil::Date;
pub use queries::{Coming, Overdue, Risk, RiskData, TasksAndDeals, TasksAndPeople, Today};
use queries::{Deal, NewPerson};

use super::stages::stages;
use super::within;
use crate::bindings::exports::claw::crm::read::{
    BriefingReport, BriefingRequest, Section, SectionName, SectionStatus,
};
use crate::context::Context;
use crate::day::{self, plus_days};
use crate::failure::{self, Failure};
use crate::markdown::{Page, count, escape};
use crate::text;
use crate::twenty::values::{Counted, Task};
use crate::twenty::{Reply, decode, fetch_all, prepare};

/// People added within this many days are new.
const NEW_DAYS: i32 = 7;

/// A stage that every workspace begins with.
const FIRST_STAGE: &str = "NEW";

/// All sections, most pressing first.
const SECTIONS: [SectionName; 8] = [
    SectionName::Overdue,
    SectionName::DueToday,
    SectionName::ComingUp,
    SectionName::ClosingSoon,
    SectionName::AtRisk,
    SectionName::NewPeople,
    SectionName::Tez,
    SectionName::Calendar,
];

/// The instants that bound the sections.
struct Bounds {
    day: Date,
    /// The first instant of the day.
    start: Timestamp,
    /// The first instant of the next day.
    tomorrow: Timestamp,
    /// The first instant after the horizon.
    horizon: Timestamp,
    people_since: Timestamp,
}

/// Runs the action.
///
/// # Errors
/// `invalid-input` for a wrong argument or a caller who is not set; the service's own failure where every section that was
/// asked of it failed. Otherwise a section that failed says so.
pub fn briefing(ctx: &Context<'_>, request: &BriefingRequest) -> Result<BriefingReport, Failure> {
    let zone = ctx.zone();
    let date = request
        .day
        .as_deref()
        .map_or_else(|| Ok(zone.date(ctx.now)), |day| day::parse("day", day))?;
    let horizon = i32::from(within("horizonDays", request.horizon_days, 7, 1..=60)?);
    let wanted = wanted(request.sections.as_deref())?;
    let me = ctx.caller_email("caller")?;
    let bounds = Bounds {
        day: date,
        start: zone.start(date),
        tomorrow: zone.start(plus_days(date, 1)),
        horizon: zone.start(plus_days(date, horizon + 1)),
        people_since: zone.start(plus_days(date, -NEW_DAYS)),
    };

    let mut gathered = gather(ctx, me, &bounds, &wanted)?;
    let sections: Vec<(Section, Option<Failure>)> = wanted
        .iter()
        .map(|&name| sections::make(ctx, &bounds, name, &mut gathered))
        .collect();
    // Where the service gave nothing of all that was asked of it, that is the answer.
    let asked = || {
        sections
            .iter()
            .filter(|(section, _)| section.status != SectionStatus::NotConfigured)
    };
    if asked().all(|(section, _)| section.status == SectionStatus::Failed)
        && let Some(failure) = asked().find_map(|(_, failure)| failure.clone())
    {
        return Err(failure);
    }
    let sections: Vec<Section> = sections.into_iter().map(|(section, _)| section).collect();
    let headline = headline(&sections);
    Ok(BriefingReport {
        markdown: markdown(ctx, &bounds, &headline, &sections),
        day: date.to_string(),
        time_zone: zone.name().to_owned(),
        headline,
        sections,
    })
}

fn wanted(sections: Option<&[SectionName]>) -> Result<Vec<SectionName>, Failure> {
    match sections {
        None => Ok(SECTIONS.to_vec()),
        Some([]) => Err(failure::invalid_input(
            "sections",
            "the list is empty",
            "Name at least one section, or leave it out for all.",
        )),
        Some(named) => Ok(SECTIONS
            .into_iter()
            .filter(|section| named.contains(section))
            .collect()),
    }
}

/// What the requests gave, root by root; none where it was not asked.
struct Gathered {
    overdue: Option<Result<Counted<Task>, Failure>>,
    today: Option<Result<Counted<Task>, Failure>>,
    coming: Option<Result<Counted<Task>, Failure>>,
    closing: Option<Result<Counted<Deal>, Failure>>,
    open: Option<Result<Counted<Deal>, Failure>>,
    people: Option<Result<Counted<NewPerson>, Failure>>,
}

/// Sends side by side what the wanted sections need. Three lists of tasks need three requests, since a root may stand in a
/// request once; the other lists ride along.
fn gather(
    ctx: &Context<'_>,
    me: String,
    bounds: &Bounds,
    wanted: &[SectionName],
) -> Result<Gathered, Failure> {
    use SectionName as S;
    let want = |sections: [S; 2]| sections.iter().any(|section| wanted.contains(section));
    let deals = if want([S::ClosingSoon, S::AtRisk]) {
        Deals::of(ctx)
    } else {
        Deals::None {
            stage: FIRST_STAGE.to_owned(),
        }
    };
    // Where there are no deals to be had, the tasks can still be asked for, with a stage that is only there to be one.
    let (named, ask) = match &deals {
        Deals::InStages(stages) => (stages.clone(), true),
        Deals::None { stage } => (vec![stage.clone()], false),
        Deals::Unknown(_) => (vec![FIRST_STAGE.to_owned()], false),
    };
    let want = |tasks: S, others: S, ask: bool| {
        wanted.contains(&tasks) || (ask && wanted.contains(&others))
    };
    let instant = text::instant;

    let overdue = want(S::Overdue, S::ClosingSoon, ask).then(|| Overdue {
        me: me.clone(),
        before: instant(bounds.start),
        stages: named.clone(),
        closes_from: instant(bounds.start),
        closes_until: instant(bounds.horizon),
    });
    let today = want(S::DueToday, S::AtRisk, ask).then(|| Today {
        me: me.clone(),
        from: instant(bounds.start),
        until: instant(bounds.tomorrow),
        stages: named,
    });
    let coming = want(S::ComingUp, S::NewPeople, true).then(|| Coming {
        me,
        from: instant(bounds.tomorrow),
        until: instant(bounds.horizon),
        people_since: instant(bounds.people_since),
    });

    let overdue = overdue.map(|query| prepare(ctx, &query)).transpose()?;
    let today = today.map(|query| prepare(ctx, &query)).transpose()?;
    let coming = coming.map(|query| prepare(ctx, &query)).transpose()?;
    let asked = (overdue.is_some(), today.is_some(), coming.is_some());
    let requests: Vec<_> = [overdue, today, coming].into_iter().flatten().collect();
    let mut answers = fetch_all(ctx, &requests).into_iter();
    let mut next = |asked: bool| if asked { answers.next() } else { None };
    let mut overdue = next(asked.0).map(decode::<Overdue>);
    let mut today = next(asked.1).map(decode::<Today>);
    let mut coming = next(asked.2).map(decode::<Coming>);

    let mut gathered = Gathered {
        overdue: part(&mut overdue, "tasks", |data| data.tasks.take()),
        today: part(&mut today, "tasks", |data| data.tasks.take()),
        coming: part(&mut coming, "tasks", |data| data.tasks.take()),
        closing: part(&mut overdue, "opportunities", |data| {
            data.opportunities.take()
        }),
        open: part(&mut today, "opportunities", |data| {
            data.opportunities.take()
        }),
        people: part(&mut coming, "people", |data| data.people.take()),
    };
    match deals {
        Deals::InStages(_) => {}
        // What came beside the tasks is in a stage that nobody asked about.
        Deals::None { .. } => {
            gathered.closing = Some(Ok(Counted::none()));
            gathered.open = Some(Ok(Counted::none()));
        }
        Deals::Unknown(failure) => {
            gathered.closing = Some(Err(failure.clone()));
            gathered.open = Some(Err(failure));
        }
    }
    Ok(gathered)
}

/// A root of an answer, or why it is not there.
fn part<A, T>(
    reply: &mut Option<Result<Reply<A>, Failure>>,
    name: &str,
    take: impl FnOnce(&mut A) -> Option<T>,
) -> Option<Result<T, Failure>> {
    reply.as_mut().map(|reply| match reply {
        Ok(reply) => {
            let root = take(&mut reply.data);
            reply.errors.root(name, root)
        }
        Err(failure) => Err(failure.clone()),
    })
}

/// Which deals are open.
enum Deals {
    /// Those in one of these stages; there is one at least.
    InStages(Vec<String>),
    /// None: the operator closes every stage, or nobody asks. A stage that the workspace has.
    None { stage: String },
    /// The stages could not be read.
    Unknown(Failure),
}

impl Deals {
    fn of(ctx: &Context<'_>) -> Self {
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

/// The day in one sentence.
fn headline(sections: &[Section]) -> String {
    let total = |name: SectionName| {
        sections
            .iter()
            .find(|section| section.name == name && section.status == SectionStatus::Ok)
            .map_or(0, |section| section.total)
    };
    let parts: Vec<String> = [
        (total(SectionName::Overdue), "task overdue", "tasks overdue"),
        (
            total(SectionName::DueToday),
            "task due today",
            "tasks due today",
        ),
        (
            total(SectionName::ClosingSoon),
            "deal closing soon",
            "deals closing soon",
        ),
        (total(SectionName::AtRisk), "deal at risk", "deals at risk"),
    ]
    .into_iter()
    .filter(|&(number, _, _)| number > 0)
    .map(|(number, one, many)| count(number, one, many))
    .collect();
    let failed = sections
        .iter()
        .any(|section| section.status == SectionStatus::Failed);
    match (parts.is_empty(), failed) {
        (true, true) => "Not everything could be read.".to_owned(),
        (true, false) => "Nothing is pressing.".to_owned(),
        (false, true) => format!("{}; not everything could be read.", parts.join(", ")),
        (false, false) => format!("{}.", parts.join(", ")),
    }
}

fn title(name: SectionName) -> &'static str {
    match name {
        SectionName::Overdue => "Overdue",
        SectionName::DueToday => "Due today",
        SectionName::ComingUp => "Coming up",
        SectionName::ClosingSoon => "Closing soon",
        SectionName::AtRisk => "At risk",
        SectionName::NewPeople => "New people",
        SectionName::Tez => "Messages",
        SectionName::Calendar => "Calendar",
    }
}

/// Empty sections are left out, unless they could not be read; what is not set up is named at the end, in one line.
fn markdown(ctx: &Context<'_>, bounds: &Bounds, headline: &str, sections: &[Section]) -> String {
    let mut page = Page::titled(&format!(
        "{}, {}",
        day::long(bounds.day),
        escape(ctx.zone().name())
    ));
    page.line(headline);
    for section in sections {
        match section.status {
            SectionStatus::Ok if section.total == 0 && section.why.is_none() => {}
            SectionStatus::Ok => {
                let of = section
                    .examined
                    .map(|examined| format!(" of {examined} examined"))
                    .unwrap_or_default();
                page.heading(&format!("{} ({}{of})", title(section.name), section.total));
                for row in &section.rows {
                    let gap = if row.details.is_empty() { "" } else { ": " };
                    page.bullet(&format!(
                        "{}{gap}{} ({})",
                        escape(&row.label),
                        escape(&row.details),
                        row.id
                    ));
                }
                let shown = u32::try_from(section.rows.len()).unwrap_or(u32::MAX);
                if section.total > shown {
                    page.bullet(&format!("and {} more", section.total - shown));
                }
                if let Some(why) = &section.why {
                    page.line(&escape(why));
                }
            }
            SectionStatus::Failed => {
                page.heading(title(section.name));
                page.line(&format!(
                    "Could not be read: {}",
                    escape(section.why.as_deref().unwrap_or_default())
                ));
            }
            SectionStatus::NotConfigured => {}
        }
    }
    let absent: Vec<&str> = sections
        .iter()
        .filter(|section| section.status == SectionStatus::NotConfigured)
        .map(|section| title(section.name))
        .collect();
    if !absent.is_empty() {
        page.line("");
        page.line(&format!("Not set up: {}", absent.join(", ")));
    }
    page.finish()
}
