//! Turns the sample's stories into records around a given moment.

use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde_json::json;
use uuid::Uuid;

use super::deals::DEALS;
use super::ordinary::ORDINARY;
use super::people::{COMPANIES, MEMBERS, PEOPLE, ROBIN_TIME_ZONE};
use super::spec::{At, Deal, Event, History, Note, Task};
use super::work::{About, ERRANDS, FIRST_ERRAND, FIRST_REMARK, REMARKS};
use super::{company_id, deal_id, member_id, note_id, person_id, sample_id, task_id};
use crate::twenty::database::Workspace;
use crate::twenty::value::{Value, iso};

const MICROS: i64 = 1_000_000;
const DAY_MS: i64 = 86_400_000;

/// Adds the sample around `now_ms`.
pub(super) fn sample(workspace: &Workspace, now_ms: i64) -> rusqlite::Result<()> {
    let mut layout = LayOut {
        workspace,
        written: Ok(()),
        now_ms,
        zone: TimeZone::get(ROBIN_TIME_ZONE).unwrap_or(TimeZone::UTC),
        links: 0,
        events: 0,
        tasks: 0,
        notes: 0,
    };
    layout.members();
    layout.companies();
    layout.people();
    for (nth, deal) in DEALS.iter().chain(ORDINARY).enumerate() {
        layout.deal(counted(nth), deal);
    }
    layout.tasks = FIRST_ERRAND;
    for errand in ERRANDS {
        layout.task(&errand.task, errand.about, errand.deleted, true);
    }
    layout.notes = FIRST_REMARK;
    for remark in REMARKS {
        layout.note(&remark.note, remark.about, true);
    }
    layout.put(
        "attachment",
        sample_id(10, 1),
        20,
        false,
        vec![
            ("name", Value::text("order-form.pdf")),
            ("targetOpportunityId", Value::Id(deal_id(2))),
        ],
    );
    layout.written
}

fn counted(nth: usize) -> u32 {
    u32::try_from(nth + 1).unwrap_or(u32::MAX)
}

/// 0 stands for nobody and nothing.
fn reference(n: u32, id: fn(u32) -> Uuid) -> Value {
    if n == 0 {
        Value::Null
    } else {
        Value::Id(id(n))
    }
}

/// The links of tasks or of notes: their object, the kind of their ids, the column of what they
/// come from.
struct Links {
    singular: &'static str,
    kind: u8,
    column: &'static str,
}

const TASK_LINKS: Links = Links {
    singular: "taskTarget",
    kind: 7,
    column: "taskId",
};
const NOTE_LINKS: Links = Links {
    singular: "noteTarget",
    kind: 8,
    column: "noteId",
};

struct LayOut<'w> {
    workspace: &'w Workspace,
    /// The first failure ends the writing.
    written: rusqlite::Result<()>,
    now_ms: i64,
    zone: TimeZone,
    links: u32,
    events: u32,
    tasks: u32,
    notes: u32,
}

impl LayOut<'_> {
    /// A day from today at a time of day in Robin's zone.
    fn at(&self, At(day, hour, minute): At) -> i64 {
        let now = Timestamp::from_millisecond(self.now_ms).unwrap_or_default();
        let date = now
            .to_zoned(self.zone.clone())
            .date()
            .saturating_add(day.days());
        let local = date.at(hour, minute, 0, 0).to_zoned(self.zone.clone());
        local.map_or(self.now_ms + day * DAY_MS, |at| {
            at.timestamp().as_millisecond()
        })
    }

    /// So many days ago, in the morning; never in the future.
    fn ago(&self, days: i64) -> i64 {
        self.at(At(-days, 9, 0)).min(self.now_ms - 2 * 3_600_000)
    }

    fn put(
        &mut self,
        singular: &str,
        id: Uuid,
        made: i64,
        deleted: bool,
        values: Vec<(&str, Value)>,
    ) {
        let created = self.ago(made);
        let deleted_at = if deleted {
            Value::Time(self.ago(1))
        } else {
            Value::Null
        };
        let common = [
            ("id", Value::Id(id)),
            ("createdAt", Value::Time(created)),
            ("updatedAt", Value::Time(created)),
            ("deletedAt", deleted_at),
            ("position", Value::Float(0.0)),
            ("createdBy.source", Value::text("MANUAL")),
            ("createdBy.name", Value::text("System")),
            ("updatedBy.source", Value::text("MANUAL")),
            ("updatedBy.name", Value::text("System")),
        ];
        if self.written.is_ok() {
            let values = common.into_iter().chain(values);
            self.written = self.workspace.put(singular, values);
        }
    }

    fn members(&mut self) {
        for (nth, member) in MEMBERS.iter().enumerate() {
            let n = counted(nth);
            let values = vec![
                ("name.firstName", Value::text(member.first)),
                ("name.lastName", Value::text(member.last)),
                ("colorScheme", Value::text("System")),
                ("locale", Value::text("en")),
                ("userEmail", Value::text(member.email)),
                ("calendarStartDay", Value::Float(7.0)),
                ("userId", Value::Id(sample_id(11, n))),
                ("timeZone", Value::text(member.time_zone)),
                ("dateFormat", Value::text("SYSTEM")),
                ("timeFormat", Value::text("SYSTEM")),
                ("numberFormat", Value::text("SYSTEM")),
            ];
            self.put("workspaceMember", member_id(n), 400, member.deleted, values);
        }
    }

    fn companies(&mut self) {
        for (nth, company) in COMPANIES.iter().enumerate() {
            let values = vec![
                ("name", Value::text(company.name)),
                ("domainName.primaryLinkUrl", Value::text(company.domain)),
                ("address.addressCity", Value::text(company.city)),
                ("accountOwnerId", reference(company.owner, member_id)),
            ];
            self.put("company", company_id(counted(nth)), 365, false, values);
        }
    }

    fn people(&mut self) {
        for (nth, person) in PEOPLE.iter().enumerate() {
            let n = counted(nth);
            let domain = COMPANIES
                .get((person.company as usize).wrapping_sub(1))
                .map_or("example.com", |c| c.domain);
            let email = if person.mailbox.is_empty() {
                String::new()
            } else {
                format!("{}@{domain}", person.mailbox)
            };
            let values = vec![
                ("name.firstName", Value::text(person.first)),
                ("name.lastName", Value::text(person.last)),
                ("emails.primaryEmail", Value::text(email)),
                (
                    "phones.primaryPhoneNumber",
                    Value::text(format!("555{:06}", 10_000 + n)),
                ),
                ("phones.primaryPhoneCallingCode", Value::text("+1")),
                ("phones.primaryPhoneCountryCode", Value::text("US")),
                ("jobTitle", Value::text(person.job)),
                ("companyId", reference(person.company, company_id)),
            ];
            self.put("person", person_id(n), person.made, person.deleted, values);
        }
    }

    fn deal(&mut self, n: u32, deal: &Deal) {
        let mut values = vec![
            ("name", Value::text(deal.name)),
            ("stage", Value::text(deal.stage)),
            (
                "closeDate",
                deal.close
                    .map_or(Value::Null, |day| Value::Time(self.at(At(day, 12, 0)))),
            ),
            ("companyId", reference(deal.company, company_id)),
            ("ownerId", reference(deal.owner, member_id)),
            ("pointOfContactId", reference(deal.contact, person_id)),
            ("nextStep", Value::text(deal.next_step)),
        ];
        if let Some(amount) = deal.amount {
            values.push(("amount.amountMicros", Value::Int(amount * MICROS)));
            values.push(("amount.currencyCode", Value::text(deal.currency)));
        }
        self.put("opportunity", deal_id(n), deal.age, deal.deleted, values);
        if deal.history == History::Whole {
            self.event(n, deal.age, "opportunity.created", json!({}), None);
        }
        for event in deal.events {
            let (ago, diff) = match event {
                Event::Stage(ago, before, after) => {
                    (*ago, json!({"stage": {"before": before, "after": after}}))
                }
                Event::Close(ago, before, after) => {
                    let day = |day| iso(self.at(At(day, 12, 0)));
                    (
                        *ago,
                        json!({"closeDate": {"before": day(*before), "after": day(*after)}}),
                    )
                }
                Event::Amount(ago, before, after) => {
                    let money = |units: &i64| json!({"amountMicros": units * MICROS, "currencyCode": deal.currency});
                    (
                        *ago,
                        json!({"amount": {"before": money(before), "after": money(after)}}),
                    )
                }
            };
            self.event(n, ago, "opportunity.updated", json!({"diff": diff}), None);
        }
        for task in deal.tasks {
            self.task(task, About::Deal(n), false, deal.history != History::None);
        }
        for note in deal.notes {
            self.note(note, About::Deal(n), deal.history != History::None);
        }
    }

    fn event(
        &mut self,
        deal: u32,
        ago: i64,
        name: &str,
        properties: serde_json::Value,
        linked: Option<(Uuid, &str)>,
    ) {
        self.events += 1;
        let mut values = vec![
            ("name", Value::text(name)),
            ("happensAt", Value::Time(self.ago(ago))),
            ("properties", Value::Json(Arc::new(properties))),
            ("workspaceMemberId", Value::Id(member_id(1))),
            ("targetOpportunityId", Value::Id(deal_id(deal))),
        ];
        if let Some((id, title)) = linked {
            values.push(("linkedRecordId", Value::Id(id)));
            values.push(("linkedRecordCachedName", Value::text(title)));
        }
        self.put(
            "timelineActivity",
            sample_id(9, self.events),
            ago,
            false,
            values,
        );
    }

    fn task(&mut self, task: &Task, about: About, deleted: bool, recorded: bool) {
        self.tasks += 1;
        let id = task_id(self.tasks);
        let values = vec![
            ("title", Value::text(task.title)),
            ("bodyV2.markdown", Value::text(task.body)),
            (
                "dueAt",
                task.due
                    .map_or(Value::Null, |due| Value::Time(self.at(due))),
            ),
            ("status", task.status.map_or(Value::Null, Value::text)),
            ("assigneeId", reference(task.assignee, member_id)),
        ];
        self.put("task", id, task.made, deleted, values);
        self.link(&TASK_LINKS, id, task.made, about, deleted);
        self.linked_event(
            about,
            task.made,
            "linked-task.created",
            id,
            task.title,
            recorded && !deleted,
        );
    }

    fn note(&mut self, note: &Note, about: About, recorded: bool) {
        self.notes += 1;
        let id = note_id(self.notes);
        let values = vec![
            ("title", Value::text(note.title)),
            ("bodyV2.markdown", Value::text(note.body)),
        ];
        self.put("note", id, note.made, false, values);
        self.link(&NOTE_LINKS, id, note.made, about, false);
        self.linked_event(
            about,
            note.made,
            "linked-note.created",
            id,
            note.title,
            recorded,
        );
    }

    fn linked_event(
        &mut self,
        about: About,
        ago: i64,
        name: &str,
        id: Uuid,
        title: &str,
        recorded: bool,
    ) {
        if let (About::Deal(n) | About::DealTwice(n) | About::DealAndPerson(n, _), true) =
            (about, recorded)
        {
            self.event(n, ago, name, json!({}), Some((id, title)));
        }
    }

    fn link(&mut self, from: &Links, id: Uuid, made: i64, about: About, deleted: bool) {
        let deal = |n| ("targetOpportunityId", Value::Id(deal_id(n)));
        let person = |n| ("targetPersonId", Value::Id(person_id(n)));
        let rows = match about {
            About::Nothing => vec![],
            About::Person(n) => vec![vec![person(n)]],
            About::Company(n) => vec![vec![("targetCompanyId", Value::Id(company_id(n)))]],
            About::Deal(n) => vec![vec![deal(n)]],
            About::DealTwice(n) => vec![vec![deal(n)], vec![deal(n)]],
            About::DealAndPerson(n, p) => vec![vec![deal(n), person(p)]],
        };
        for mut row in rows {
            self.links += 1;
            row.push((from.column, Value::Id(id)));
            self.put(
                from.singular,
                sample_id(from.kind, self.links),
                made,
                deleted,
                row,
            );
        }
    }
}
