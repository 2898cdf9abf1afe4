//! Days in the caller's time zone. The zone's rules come from the harness: the component has no
//! zone database.

use base64::Engine as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use crate::failure::{self, Failure};

/// The caller's time zone.
#[derive(Debug, Clone)]
pub struct Zone {
    name: String,
    rules: TimeZone,
}

impl Zone {
    /// Builds a zone from its IANA name and its rules (base64 of a TZif file, RFC 9636). Without
    /// readable rules it is UTC, by name too.
    pub fn new(name: Option<String>, data: Option<String>) -> Self {
        let rules = name.as_deref().zip(data).and_then(|(name, data)| {
            let data = base64::engine::general_purpose::STANDARD
                .decode(data)
                .ok()?;
            TimeZone::tzif(name, &data).ok()
        });
        match (name, rules) {
            (Some(name), Some(rules)) => Self { name, rules },
            _ => Self {
                name: "UTC".to_owned(),
                rules: TimeZone::UTC,
            },
        }
    }

    /// Returns the IANA name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the day on which an instant falls.
    pub fn date(&self, time: Timestamp) -> Date {
        time.to_zoned(self.rules.clone()).date()
    }

    /// Returns the first instant of a day, which is not always midnight.
    pub fn start(&self, day: Date) -> Timestamp {
        day.to_zoned(self.rules.clone())
            .map_or(Timestamp::MIN, |start| start.timestamp())
    }

    /// Formats the time of day of an instant, such as `09:30`.
    pub fn time(&self, time: Timestamp) -> String {
        let local = time.to_zoned(self.rules.clone());
        format!("{:02}:{:02}", local.hour(), local.minute())
    }

    /// Interprets a due time: as a whole day, or as an instant.
    pub fn due(&self, time: Timestamp) -> Due {
        let local = time.to_zoned(self.rules.clone());
        let day = local.date();
        let ends_day = (local.hour(), local.minute()) == (23, 59);
        if time == self.start(day) || ends_day {
            return self.whole_day(day);
        }
        // A date without a time, such as a form gives, is stored as midnight in UTC.
        let utc = time.to_zoned(TimeZone::UTC);
        if time == utc_midnight(utc.date()) {
            return self.whole_day(utc.date());
        }
        Due {
            day,
            overdue_from: time,
            whole_day: false,
        }
    }

    fn whole_day(&self, day: Date) -> Due {
        Due {
            day,
            overdue_from: self.start(plus_days(day, 1)),
            whole_day: true,
        }
    }

    /// Checks whether something is overdue. All actions share this rule: what is due on a whole day
    /// becomes overdue with the next day, anything else at its instant.
    pub fn is_overdue(&self, due: Timestamp, now: Timestamp) -> bool {
        now >= self.due(due).overdue_from
    }

    /// Formats a due time for people: the day, and the time unless it means the whole day.
    pub fn show_due(&self, time: Timestamp) -> String {
        let due = self.due(time);
        if due.whole_day {
            due.day.to_string()
        } else {
            self.show(time)
        }
    }

    /// Returns the first instant of a day's last minute.
    pub fn last_minute(&self, day: Date) -> Timestamp {
        self.start(plus_days(day, 1))
            .checked_sub(1.minute())
            .unwrap_or(Timestamp::MAX)
    }

    /// Formats an instant for people: the day, and the time unless it is the day's first or last
    /// minute.
    pub fn show(&self, time: Timestamp) -> String {
        let local = time.to_zoned(self.rules.clone());
        match (local.hour(), local.minute()) {
            (0, 0) | (23, 59) => local.date().to_string(),
            (hour, minute) => format!("{} {hour:02}:{minute:02}", local.date()),
        }
    }
}

/// A due time as it was meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// The day.
    pub day: Date,
    /// The instant from which on it is overdue.
    pub overdue_from: Timestamp,
    /// Set if the whole day is meant: at its first instant, in its last minute, or at midnight in
    /// UTC.
    pub whole_day: bool,
}

/// A filter for overdue tasks that a service can evaluate: all due before an instant, except at
/// times that stand for a whole day which has not passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OverdueFilter {
    /// The instant.
    pub before: String,
    /// The times.
    pub whole_days: Vec<String>,
}

impl OverdueFilter {
    /// Builds the filter for an instant.
    pub fn at(zone: &Zone, now: Timestamp) -> Self {
        let today = zone.date(now);
        Self {
            before: precise(after(now).min(zone.last_minute(today))),
            whole_days: vec![
                precise(zone.start(today)),
                precise(utc_midnight(today)),
                precise(utc_midnight(plus_days(today, 1))),
            ],
        }
    }
}

/// Returns the next instant that a service can tell apart: services keep milliseconds.
pub fn after(time: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(time.as_millisecond().saturating_add(1)).unwrap_or(time)
}

/// Formats an instant to the millisecond, for comparisons.
pub fn precise(time: Timestamp) -> String {
    Timestamp::from_millisecond(time.as_millisecond())
        .unwrap_or(time)
        .to_string()
}

/// Returns midnight of a day in UTC, the way a date without a time is stored.
pub fn utc_midnight(day: Date) -> Timestamp {
    day.to_zoned(TimeZone::UTC)
        .map_or(Timestamp::MIN, |start| start.timestamp())
}

/// Writes a day out, such as `Sunday 22 November 2026`.
pub fn long(day: Date) -> String {
    use jiff::civil::Weekday as W;
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let weekday = match day.weekday() {
        W::Monday => "Monday",
        W::Tuesday => "Tuesday",
        W::Wednesday => "Wednesday",
        W::Thursday => "Thursday",
        W::Friday => "Friday",
        W::Saturday => "Saturday",
        W::Sunday => "Sunday",
    };
    let month = usize::try_from(day.month())
        .ok()
        .and_then(|month| MONTHS.get(month.checked_sub(1)?))
        .copied()
        .unwrap_or("");
    format!("{weekday} {} {month} {}", day.day(), day.year())
}

/// Counts whole days from one day to another; negative if the second is earlier.
pub fn days_between(from: Date, to: Date) -> i32 {
    from.until(to).map_or(0, |span| span.get_days())
}

/// Returns the day that many days later.
pub fn plus_days(day: Date, days: i32) -> Date {
    day.checked_add(days.days())
        .unwrap_or(if days < 0 { Date::MIN } else { Date::MAX })
}

/// Parses a date given as `YYYY-MM-DD`.
///
/// # Errors
/// `invalid-input` for anything else, and for years outside 1970 to 2999.
pub fn parse(field: &str, text: &str) -> Result<Date, Failure> {
    let well_formed = text.len() == 10
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'-');
    let date = if well_formed {
        text.parse::<Date>().ok()
    } else {
        None
    };
    date.filter(|date| (1970..=2999).contains(&date.year()))
        .ok_or_else(|| {
            failure::invalid_input(
                field,
                "this is no date",
                "Give a day as YYYY-MM-DD, such as 2026-03-31.",
            )
        })
}

/// Parses a deadline: a day as `YYYY-MM-DD`, which means its end in the caller's zone, or an
/// instant with its offset (RFC 3339), to the second.
///
/// # Errors
/// `invalid-input` for anything else, and for years outside 1970 to 2999.
pub fn deadline(zone: &Zone, field: &str, text: &str) -> Result<Timestamp, Failure> {
    let text = text.trim();
    if text.len() <= 10 {
        let day = parse(field, text)?;
        return Ok(last_second(zone, day));
    }
    let instant = text
        .parse::<Timestamp>()
        .ok()
        .and_then(|time| Timestamp::from_second(time.as_second()).ok());
    let within = |time: &Timestamp| (1970..=2999).contains(&zone.date(*time).year());
    instant.filter(within).ok_or_else(|| {
        failure::invalid_input(
            field,
            "this is neither a date nor a date and time",
            "Give a day as YYYY-MM-DD, or a date and time with its offset as 2026-03-31T17:00:00+02:00.",
        )
    })
}

fn last_second(zone: &Zone, day: Date) -> Timestamp {
    zone.start(plus_days(day, 1))
        .checked_sub(1.second())
        .unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_day_is_a_date() {
        assert_eq!(
            parse("day", "2026-02-28").unwrap().to_string(),
            "2026-02-28"
        );
        for wrong in [
            "2026-02-30",
            "28.2.2026",
            "2026-2-8",
            "tomorrow",
            "",
            "2026-02-28T10:00:00Z",
            "-200-01-01",
            "1802-01-01",
        ] {
            assert!(
                matches!(parse("day", wrong), Err(Failure::InvalidInput(_))),
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_deadline_is_the_end_of_a_day_or_an_instant() {
        let zone = Zone::new(None, None);
        for (given, expected) in [
            ("2026-03-31", "2026-03-31T23:59:59Z"),
            (" 2026-12-31 ", "2026-12-31T23:59:59Z"),
            ("2026-03-31T17:00:00+02:00", "2026-03-31T15:00:00Z"),
            ("2026-03-31T17:00:00.250Z", "2026-03-31T17:00:00Z"),
        ] {
            assert_eq!(deadline(&zone, "due", given).unwrap().to_string(), expected);
        }
        for wrong in [
            "",
            "tomorrow",
            "2026-02-30",
            "2026-03-31T17:00:00",
            "2026-03-31 at five",
            "1802-01-01T00:00:00Z",
            "9999-12-31T00:00:00Z",
        ] {
            assert!(
                matches!(deadline(&zone, "due", wrong), Err(Failure::InvalidInput(_))),
                "{wrong}"
            );
        }
    }

    fn zone(name: &str, offset: i8) -> Zone {
        Zone {
            name: name.to_owned(),
            rules: TimeZone::fixed(jiff::tz::offset(offset)),
        }
    }

    #[test]
    fn a_day_as_a_whole_is_overdue_from_the_next_on() {
        for offset in [-12, -5, 0, 1, 9, 14] {
            let zone = zone("somewhere", offset);
            let day: Date = "2026-03-10".parse().unwrap();
            let next = zone.start(plus_days(day, 1));
            let just_before = next.checked_sub(1.nanosecond()).unwrap();
            for due in [
                zone.start(day),
                zone.last_minute(day),
                last_second(&zone, day),
                utc_midnight(day),
            ] {
                let meant = zone.due(due);
                assert_eq!((meant.day, meant.whole_day), (day, true), "{offset} {due}");
                assert!(!zone.is_overdue(due, due), "{offset} {due}");
                assert!(!zone.is_overdue(due, just_before), "{offset} {due}");
                assert!(zone.is_overdue(due, next), "{offset} {due}");
                assert_eq!(zone.show_due(due), "2026-03-10", "{offset} {due}");
            }
            // Not on the hour in any of these zones.
            let timed: Timestamp = "2026-03-10T10:17:00Z".parse().unwrap();
            assert!(!zone.due(timed).whole_day);
            assert!(!zone.is_overdue(timed, timed.checked_sub(1.nanosecond()).unwrap()));
            assert!(zone.is_overdue(timed, timed));
        }
    }

    #[test]
    fn a_day_is_written_out() {
        assert_eq!(
            long("2026-11-22".parse().unwrap()),
            "Sunday 22 November 2026"
        );
        assert_eq!(
            long("2026-01-01".parse().unwrap()),
            "Thursday 1 January 2026"
        );
    }

    #[test]
    fn days_are_counted_across_months() {
        let day = |text: &str| text.parse::<Date>().unwrap();
        assert_eq!(days_between(day("2026-01-31"), day("2026-03-01")), 29);
        assert_eq!(days_between(day("2026-03-01"), day("2026-01-31")), -29);
        assert_eq!(plus_days(day("2026-02-27"), 3), day("2026-03-02"));
    }
}
