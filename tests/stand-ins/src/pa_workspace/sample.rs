//! The sample's PA Workspace, laid out around a given moment: Robin's assistant ([`ROBIN_PA`]) is
//! ready, with two unread mails and three events in Robin's shared calendar, all of the day that it
//! is in Robin's time zone. Sam's ([`SAM_PA`]) is known, and not ready.

use std::collections::BTreeMap;

use jiff::civil::time;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan as _};

use super::store::{CalendarEvent, Email, PaStore};
use crate::clock::iso;
use crate::relay::sample::{ROBIN, SAM};
use crate::twenty::sample::ROBIN_TIME_ZONE;

/// The address of Robin's assistant, which is ready.
pub const ROBIN_PA: &str = "robin-pa@example.com";
/// The address of Sam's assistant, which is not ready.
pub const SAM_PA: &str = "sam-pa@example.com";

/// Returns the relay's user ids of the assistants' owners by address.
pub fn owners() -> BTreeMap<String, String> {
    let of = |pa: &str, user: uuid::Uuid| (pa.to_owned(), user.to_string());
    BTreeMap::from([of(ROBIN_PA, ROBIN), of(SAM_PA, SAM)])
}

struct SampleMail {
    id: &'static str,
    hours_ago: i64,
    from: &'static str,
    subject: &'static str,
    body: &'static str,
}

const MAILS: &[SampleMail] = &[
    SampleMail {
        id: "18f0a0000000001",
        hours_ago: 19,
        from: "Willem de Vries <willem.devries@bluefin.example>",
        subject: "Fleet rollout: dates",
        body: "Hello, could we move the kick-off by a week? Joost is travelling until the 12th. Best, Willem",
    },
    SampleMail {
        id: "18f0a0000000002",
        hours_ago: 2,
        from: "Marta Keller <marta.keller@acme.example>",
        subject: "Re: Line 4 sensor retrofit",
        body: "Robin, the board wants to see the phased plan. Can you send it before Thursday? Marta",
    },
];

/// An event by its start and length in minutes.
struct Planned {
    id: &'static str,
    at: (i8, i8),
    minutes: i64,
    summary: &'static str,
    description: &'static str,
}

const EVENTS: &[Planned] = &[
    Planned {
        id: "evt-standup",
        at: (9, 15),
        minutes: 15,
        summary: "North stand-up",
        description: "",
    },
    Planned {
        id: "evt-acme",
        at: (11, 0),
        minutes: 45,
        summary: "Acme: phased plan",
        description: "Marta Keller, Owen Briggs",
    },
    Planned {
        id: "evt-forecast",
        at: (16, 30),
        minutes: 30,
        summary: "Forecast with Priya",
        description: "",
    },
];

/// The PA Workspace around `now_ms`.
pub(super) fn store(now_ms: i64) -> PaStore {
    let mut store = PaStore::default();
    for mail in MAILS {
        let at = now_ms.saturating_sub(mail.hours_ago.saturating_mul(3_600_000));
        store.emails.push(Email {
            id: mail.id.to_owned(),
            pa_email: ROBIN_PA.to_owned(),
            direction: "inbound",
            thread_id: mail.id.to_owned(),
            subject: mail.subject.to_owned(),
            from: mail.from.to_owned(),
            to: ROBIN_PA.to_owned(),
            date: iso(at),
            body: mail.body.to_owned(),
            label_ids: vec!["INBOX", "UNREAD"],
            reply_to: None,
            headers: None,
            attachments: None,
        });
    }
    let zone = TimeZone::get(ROBIN_TIME_ZONE).unwrap_or(TimeZone::UTC);
    let now = Timestamp::from_millisecond(now_ms).unwrap_or_default();
    let today = now.to_zoned(zone.clone()).date();
    for event in EVENTS {
        let (hour, minute) = event.at;
        let starts = today.to_datetime(time(hour, minute, 0, 0));
        let length: Span = event.minutes.minutes();
        let Ok(start) = starts.to_zoned(zone.clone()) else {
            continue;
        };
        let end = start.saturating_add(length);
        // The calendar's name goes before what the event says.
        let description = format!("[Robin Hale] {}", event.description);
        store.events.push(CalendarEvent {
            id: event.id.to_owned(),
            pa_email: ROBIN_PA.to_owned(),
            summary: event.summary.to_owned(),
            description: description.trim_end().to_owned(),
            start_ms: start.timestamp().as_millisecond(),
            end_ms: end.timestamp().as_millisecond(),
            start: start.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
            end: end.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
        });
    }
    store
}
