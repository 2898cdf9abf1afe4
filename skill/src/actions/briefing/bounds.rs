//! The bounds of a briefing: the day, its horizon, and the instants between the sections.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::bindings::exports::claw::crm::read::SectionName;
use crate::context::Context;
use crate::day::plus_days;

/// People added within this many days are new.
const NEW_DAYS: i32 = 7;

/// The instants that bound the sections.
pub(super) struct Bounds {
    pub(super) day: Date,
    /// The time of the briefing: now, or the first instant of another day than today.
    pub(super) at: Timestamp,
    /// The day after the horizon.
    pub(super) beyond: Date,
    /// The first instant of the day.
    pub(super) start: Timestamp,
    /// The first instant of the next day.
    pub(super) tomorrow: Timestamp,
    /// The first instant after the horizon.
    pub(super) horizon: Timestamp,
    pub(super) people_since: Timestamp,
}

impl Bounds {
    pub(super) fn new(ctx: &Context<'_>, day: Date, horizon: i32) -> Self {
        let zone = ctx.zone();
        let start = zone.start(day);
        Self {
            day,
            at: if zone.date(ctx.now) == day {
                ctx.now
            } else {
                start
            },
            beyond: plus_days(day, horizon + 1),
            start,
            tomorrow: zone.start(plus_days(day, 1)),
            horizon: zone.start(plus_days(day, horizon + 1)),
            people_since: zone.start(plus_days(day, -NEW_DAYS)),
        }
    }
}

/// Checks whether a section is made from other services than the CRM.
pub(super) fn is_elsewhere(name: SectionName) -> bool {
    matches!(name, SectionName::Tez | SectionName::Calendar)
}
