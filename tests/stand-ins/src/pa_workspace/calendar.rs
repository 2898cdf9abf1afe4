//! A PA's calendar: what its owner shares with it, and the log of what it did.

use hyper::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::service::PaCall;
use super::store::{Action, CalendarEvent, PaStore};
use crate::clock::iso;
use crate::rest::{Outcome, RestRefusal, data, list};

impl PaCall<'_> {
    /// `POST /api/calendar/log-action`.
    pub(super) fn log_action(&self, store: &mut PaStore) -> Outcome {
        let fields = ["paEmail", "actionType", "summary"].map(|name| self.text(name));
        let [Some(pa), Some(kind), Some(summary)] = fields else {
            let message = "paEmail, actionType, and summary are required";
            return Err(RestRefusal::invalid(message));
        };
        self.nobody_elses(pa)?;
        let id = self.log(store, pa, kind, summary, self.body);
        let logged = json!({
            "id": id,
            "paEmail": pa,
            "actionType": kind,
            "summary": summary,
            "timestamp": self.clock.now_iso(),
        });
        Ok(data(StatusCode::CREATED, logged))
    }

    /// `GET /api/calendar/timesheet`, the latest first.
    pub(super) fn timesheet(&self, store: &PaStore) -> Outcome {
        let pa = self.named_pa()?;
        if self.is_ready(pa) {
            self.owned(pa)?;
        } else if !self.is_service() {
            return Err(RestRefusal::not_found("PA not found"));
        }
        let (from, to) = (self.instant("from")?, self.instant("to")?);
        let within = |action: &&Action| {
            let at = action.timestamp.parse().map(Timestamp::as_millisecond);
            let at = at.unwrap_or_default();
            from.is_none_or(|from| from <= at) && to.is_none_or(|to| at <= to)
        };
        let actions = store.actions.iter().filter(|action| action.pa_email == pa);
        let mut actions: Vec<&Action> = actions.filter(within).collect();
        actions.sort_by(|a, b| b.timestamp.cmp(&a.timestamp));
        Ok(list(&actions, &json!({"total": actions.len()})))
    }

    /// `GET /api/calendar/shared-events`, by their start. `maxResults` is the size of a page, and
    /// all pages are read.
    pub(super) fn shared_events(&self, store: &PaStore) -> Outcome {
        let pa = self.named_pa()?;
        self.ready(pa)?;
        let (from, to) = (self.instant("from")?, self.instant("to")?);
        let within = |event: &&CalendarEvent| {
            from.is_none_or(|from| event.end_ms > from) && to.is_none_or(|to| event.start_ms < to)
        };
        let events = store.events.iter().filter(|event| event.pa_email == pa);
        let mut events: Vec<&CalendarEvent> = events.filter(within).collect();
        events.sort_by(|a, b| a.start.cmp(&b.start));
        let shown: Vec<Value> = events.into_iter().map(listed).collect();
        Ok(list(&shown, &json!({"total": shown.len()})))
    }

    /// Writes down what a PA did; its calendar gets it as well, once there is one.
    pub(super) fn log(
        &self,
        store: &mut PaStore,
        pa: &str,
        kind: &str,
        summary: &str,
        more: &Value,
    ) -> String {
        let id = store.new_id();
        let synced = self.is_ready(pa);
        let given = |name: &str| more.get(name).filter(|value| !value.is_null()).cloned();
        let seconds = self.clock.now_ms().div_euclid(1000);
        store.actions.push(Action {
            id: id.clone(),
            pa_email: pa.to_owned(),
            action_type: kind.to_owned(),
            summary: summary.to_owned(),
            timestamp: iso(seconds.saturating_mul(1000)),
            duration_ms: given("durationMs"),
            card_id: given("cardId"),
            email_message_id: given("emailMessageId"),
            calendar_event_id: given("calendarEventId"),
            google_calendar_event_id: synced.then(|| format!("logged-{id}")),
            calendar_sync_status: if synced { "synced" } else { "pending" },
        });
        id
    }

    /// A moment that the query names, in milliseconds: with an offset, or a date for its start in
    /// UTC.
    fn instant(&self, name: &str) -> Result<Option<i64>, RestRefusal> {
        let Some(text) = self.target.parameter(name) else {
            return Ok(None);
        };
        let day = |text: &str| {
            let date: jiff::civil::Date = text.parse().ok()?;
            let midnight = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
            Some(midnight.timestamp())
        };
        let at = text.parse().ok().or_else(|| day(text));
        let at = at.ok_or_else(|| {
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            RestRefusal::new(status, "CALENDAR_ERROR", "Invalid time value")
        })?;
        Ok(Some(Timestamp::as_millisecond(at)))
    }
}

fn listed(event: &CalendarEvent) -> Value {
    json!({
        "eventId": event.id,
        "summary": event.summary,
        "description": event.description,
        "start": event.start,
        "end": event.end,
    })
}
