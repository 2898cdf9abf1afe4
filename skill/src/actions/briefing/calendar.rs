//! The day's events, from the calendars that are shared with the caller's assistant.

use super::bounds::Bounds;
use super::content::{Content, ROWS, ranked};
use crate::actions::render::parts;
use crate::bindings::exports::claw::crm::read::{BriefingRow, RowKind};
use crate::context::Context;
use crate::failure::Failure;
use crate::text::{self, Cutter};
use crate::transport::{Outcome, Request};
use crate::workspace::{self, Event, EventTime, WORKSPACE};

/// Asks for the day's events.
pub(super) fn request(ctx: &Context<'_>, bounds: &Bounds) -> Result<Request, Failure> {
    workspace::get_events(ctx, bounds.start, bounds.tomorrow)
}

/// Reads the events.
pub(super) fn read(answer: Outcome) -> Result<Vec<Event>, Failure> {
    workspace::read_events(answer)
}

/// Selects the day's events: all-day events first, then by their beginning. One that is in several
/// calendars counts once.
pub(super) fn content(ctx: &Context<'_>, bounds: &Bounds, events: Vec<Event>) -> Content {
    let mut of_day: Vec<&Event> = Vec::new();
    for event in &events {
        if is_of(event, bounds) && of_day.iter().all(|known| known.id != event.id) {
            of_day.push(event);
        }
    }
    let in_order = ranked(of_day.into_iter(), |event| match event.start {
        EventTime::Day(_) => (0, 0),
        EventTime::At(start) => (1, start.as_millisecond()),
    });
    Content {
        total: u32::try_from(in_order.len()).unwrap_or(u32::MAX),
        rows: in_order
            .into_iter()
            .take(ROWS)
            .map(|event| row(ctx, bounds, event))
            .collect(),
        ..Content::default()
    }
}

/// Checks that an event is on the day: the service also answers all-day events of the neighbouring
/// zones.
fn is_of(event: &Event, bounds: &Bounds) -> bool {
    let begun = match event.start {
        EventTime::Day(day) => day <= bounds.day,
        EventTime::At(start) => start < bounds.tomorrow,
    };
    let lasts = match (&event.end, &event.start) {
        (Some(EventTime::Day(day)), _) => *day > bounds.day,
        (Some(EventTime::At(end)), EventTime::At(start)) if end == start => *end >= bounds.start,
        (Some(EventTime::At(end)), _) => *end > bounds.start,
        (None, EventTime::Day(day)) => *day == bounds.day,
        (None, EventTime::At(start)) => *start >= bounds.start,
    };
    begun && lasts
}

fn row(ctx: &Context<'_>, bounds: &Bounds, event: &Event) -> BriefingRow {
    let mut cutter = Cutter::default();
    let zone = ctx.zone();
    let shown = |time| {
        if zone.date(time) == bounds.day {
            zone.time(time)
        } else {
            zone.show(time)
        }
    };
    let time = match (&event.start, &event.end) {
        (EventTime::Day(_), _) => "all day".to_owned(),
        (EventTime::At(start), Some(EventTime::At(end))) => {
            format!("{} to {}", shown(*start), shown(*end))
        }
        (EventTime::At(start), _) => shown(*start),
    };
    BriefingRow {
        kind: RowKind::Event,
        id: event.id.clone(),
        label: cutter.label(event.summary.as_str()),
        details: parts([
            Some(time),
            event
                .calendar
                .as_ref()
                .map(|name| format!("calendar {name}")),
        ]),
        date: Some(match event.start {
            EventTime::Day(day) => day.to_string(),
            EventTime::At(start) => text::instant(start),
        }),
        truncated: cutter.cut,
        provenance: WORKSPACE.provenance(ctx, "event", &event.id, None),
    }
}
