//! A client for PA Workspace, which sends e-mail and keeps the calendar of the caller's assistant.

use jiff::Timestamp;

use crate::context::Context;
use crate::failure::{self, Failure};
use crate::rest::{JsonCursor, Service, ShapeError};
use crate::text::{self, Text};
use crate::transport::{Outcome, Path, Request};

/// PA Workspace.
pub static WORKSPACE: Service = Service {
    source: "workspace",
    name: "PA Workspace",
    setting: "workspace.base-url",
    address: "PA_WORKSPACE_API_URL",
    token: "PA_WORKSPACE_SERVICE_TOKEN",
    permission: "Ask the operator whether the assistant (PA_EMAIL) is the caller's own: nobody else's may be used.",
};

/// Checks whether PA Workspace is set up.
pub fn configured(ctx: &Context<'_>) -> bool {
    WORKSPACE.base_url(ctx).is_ok()
}

/// Returns the address of the caller's assistant (`caller.pa-email`).
///
/// # Errors
/// `unavailable` where the operator has named none.
pub fn pa_email(ctx: &Context<'_>) -> Result<String, Failure> {
    ctx.setting("caller.pa-email").ok_or_else(|| {
        failure::unavailable(
            false,
            "No assistant is set for the caller, in whose name PA Workspace acts.",
            "Ask the operator to set PA_EMAIL, or \"pa-email\" in the caller's settings.",
        )
    })
}

/// The time at which an event begins or ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventTime {
    /// At this moment.
    At(Timestamp),
    /// On a day, as `YYYY-MM-DD`.
    Day(jiff::civil::Date),
}

impl EventTime {
    fn read(part: &JsonCursor<'_>) -> Result<Self, ShapeError> {
        let day = part.word()?.parse().ok().filter(|_| {
            // A moment would be read as its day.
            part.word().is_ok_and(|text| text.len() == 10)
        });
        match day {
            Some(day) => Ok(Self::Day(day)),
            None => part.time().map(Self::At),
        }
    }
}

/// An event of a calendar that is shared with the assistant.
#[derive(Debug)]
pub struct Event {
    /// Its id in the calendar.
    pub id: String,
    /// The event's title.
    pub summary: Text,
    /// The calendar that it is of, where that is told.
    pub calendar: Option<String>,
    /// The beginning.
    pub start: EventTime,
    /// The end, where the calendar has one; an all-day event ends before this day.
    pub end: Option<EventTime>,
}

impl Event {
    fn read(part: &JsonCursor<'_>) -> Result<Self, ShapeError> {
        let described = part
            .at("description")
            .some()
            .map(|text| text.text())
            .transpose()?;
        // PA Workspace puts the calendar's name before the description, in brackets.
        let calendar = described.as_ref().and_then(|text| {
            let (calendar, _) = text.as_str().strip_prefix('[')?.split_once(']')?;
            Some(text::line(calendar, text::LABEL).0)
        });
        Ok(Self {
            id: part.at("eventId").word()?,
            summary: part.at("summary").text()?,
            calendar,
            start: EventTime::read(&part.at("start"))?,
            // The service writes an empty text where the calendar has none.
            end: match part.at("end").some() {
                Some(end) if !end.text()?.is_empty() => Some(EventTime::read(&end)?),
                _ => None,
            },
        })
    }
}

/// Asks for the events from one moment up to another.
///
/// # Errors
/// `unavailable` where PA Workspace or the assistant is not set up.
pub fn get_events(ctx: &Context<'_>, from: Timestamp, to: Timestamp) -> Result<Request, Failure> {
    let path = Path::new("/api/calendar/shared-events")
        .query("paEmail", &pa_email(ctx)?)
        .query("from", &text::instant(from))
        .query("to", &text::instant(to))
        .query("maxResults", "100");
    WORKSPACE.get(ctx, path)
}

/// Reads the events.
///
/// # Errors
/// What PA Workspace said.
pub fn read_events(answer: Outcome) -> Result<Vec<Event>, Failure> {
    let answer = WORKSPACE.read(answer)?;
    let events: Result<_, ShapeError> = answer.data().items()?.iter().map(Event::read).collect();
    Ok(events?)
}

/// An entry of the assistant's timesheet.
#[derive(Debug)]
pub struct TimesheetEntry {
    /// The type of action, such as `crm_follow_up`.
    pub action: String,
    /// The description.
    pub summary: Text,
    /// Duration in milliseconds.
    pub duration_ms: Option<u32>,
    /// The time of logging, to the second.
    pub at: Timestamp,
}

/// Asks for the whole timesheet, or for its entries after a moment.
///
/// # Errors
/// `unavailable` where PA Workspace or the assistant is not set up.
pub fn get_timesheet(ctx: &Context<'_>, from: Option<Timestamp>) -> Result<Request, Failure> {
    let path = Path::new("/api/calendar/timesheet").query("paEmail", &pa_email(ctx)?);
    WORKSPACE.get(
        ctx,
        match from {
            Some(from) => path.query("from", &text::instant(from)),
            None => path,
        },
    )
}

/// Reads the timesheet, newest entry first.
///
/// # Errors
/// What PA Workspace said.
pub fn read_timesheet(answer: Outcome) -> Result<Vec<TimesheetEntry>, Failure> {
    let answer = WORKSPACE.read(answer)?;
    let entry = |part: &JsonCursor<'_>| {
        Ok(TimesheetEntry {
            action: part.at("actionType").word()?,
            summary: part.at("summary").text()?,
            duration_ms: part
                .at("durationMs")
                .some()
                .map(|ms| ms.number())
                .transpose()?,
            at: part.at("timestamp").time()?,
        })
    };
    let entries: Result<_, ShapeError> = answer.data().items()?.iter().map(entry).collect();
    Ok(entries?)
}

/// Asks whether PA Workspace is up; that needs no token.
///
/// # Errors
/// `unavailable` where it is not set up.
pub fn get_health(ctx: &Context<'_>) -> Result<Request, Failure> {
    WORKSPACE.get(ctx, Path::new("/health/ready"))
}
