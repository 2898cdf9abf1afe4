//! Records beyond the sample's own, for size: spread over members, stages and half a year, the same
//! for the same numbers.

use serde_json::json;
use std::sync::Arc;
use uuid::Uuid;

use super::{Size, company_id, member_id, more_member_email, more_member_id};
use crate::twenty::database::Workspace;
use crate::twenty::value::Value;

const DAY_MS: i64 = 86_400_000;
const FIRST: [&str; 12] = [
    "Alba", "Bilal", "Chiara", "Dmitri", "Esra", "Farid", "Hana", "Ilse", "Jonas", "Kofi", "Lena",
    "Zoltán",
];
const LAST: [&str; 12] = [
    "Abe", "Berg", "Costa", "Dubois", "Eriksen", "Farkas", "Greco", "Haas", "Ito", "Jansen",
    "Kovač", "Nguyen",
];
const DEAL: [&str; 6] = [
    "rollout",
    "renewal",
    "pilot",
    "expansion",
    "migration",
    "audit",
];
const TASK: [&str; 6] = [
    "call",
    "quote",
    "demo",
    "legal review",
    "follow-up",
    "invoice",
];
const STAGES: [&str; 5] = ["NEW", "SCREENING", "MEETING", "PROPOSAL", "CUSTOMER"];
/// Members that bulk records are spread over.
const MEMBERS: u64 = 5;

/// Numbers that look random and come out the same every time (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        let at = self.below(from.len() as u64);
        usize::try_from(at)
            .ok()
            .and_then(|at| from.get(at))
            .copied()
            .unwrap_or_default()
    }

    fn one_of(&mut self, ids: &[Uuid]) -> Option<Uuid> {
        let at = usize::try_from(self.below(ids.len() as u64)).ok()?;
        ids.get(at).copied()
    }

    /// A whole number of milliseconds between two numbers of days.
    fn days(&mut self, from: i64, to: i64) -> i64 {
        let minutes = (to - from) * 24 * 60;
        from * DAY_MS
            + i64::try_from(self.below(minutes.unsigned_abs())).unwrap_or_default() * 60_000
    }

    fn id(&mut self) -> Uuid {
        let bits = (u128::from(self.next()) << 64) | u128::from(self.next());
        uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid()
    }

    fn member(&mut self) -> Value {
        Value::Id(member_id(
            1 + u32::try_from(self.below(MEMBERS)).unwrap_or_default(),
        ))
    }
}

/// Adds the records.
pub(super) fn add(workspace: &Workspace, now_ms: i64, size: Size) -> rusqlite::Result<()> {
    let mut bulk = Bulk {
        workspace,
        written: Ok(()),
        now_ms,
        numbers: Numbers(2041),
        system: [Value::text("IMPORT"), Value::text("System")],
    };
    let companies: Vec<Uuid> = (0..(size.people.max(size.opportunities)).div_ceil(25))
        .map(|n| bulk.company(n))
        .collect();
    let people: Vec<Uuid> = (0..size.people)
        .map(|n| bulk.person(n, &companies))
        .collect();
    let deals: Vec<Uuid> = (0..size.opportunities)
        .map(|n| bulk.deal(n, &companies, &people))
        .collect();
    for n in 0..size.tasks {
        bulk.task(n, &deals, &people);
    }
    bulk.written
}

/// Adds members, who own nothing.
pub(super) fn add_members(
    workspace: &Workspace,
    now_ms: i64,
    members: u32,
) -> rusqlite::Result<()> {
    let created = now_ms - 400 * DAY_MS;
    for n in 1..=members {
        workspace.put(
            "workspaceMember",
            [
                ("id", Value::Id(more_member_id(n))),
                ("createdAt", Value::Time(created)),
                ("updatedAt", Value::Time(created)),
                ("position", Value::Float(0.0)),
                ("name.firstName", Value::text("Member")),
                ("name.lastName", Value::text(n.to_string())),
                ("userEmail", Value::text(more_member_email(n))),
                ("timeZone", Value::text("system")),
            ],
        )?;
    }
    Ok(())
}

struct Bulk<'w> {
    workspace: &'w Workspace,
    /// The first failure ends the writing.
    written: rusqlite::Result<()>,
    now_ms: i64,
    numbers: Numbers,
    system: [Value; 2],
}

impl Bulk<'_> {
    fn put(
        &mut self,
        singular: &str,
        id: Uuid,
        created_ms: i64,
        values: impl IntoIterator<Item = (&'static str, Value)>,
    ) {
        let [source, name] = self.system.clone();
        let common = [
            ("id", Value::Id(id)),
            ("createdAt", Value::Time(created_ms)),
            ("updatedAt", Value::Time(created_ms)),
            ("position", Value::Float(0.0)),
            ("createdBy.source", source.clone()),
            ("createdBy.name", name.clone()),
            ("updatedBy.source", source),
            ("updatedBy.name", name),
        ];
        if self.written.is_ok() {
            let values = common.into_iter().chain(values);
            self.written = self.workspace.put(singular, values);
        }
    }

    fn company(&mut self, n: u32) -> Uuid {
        let (id, created) = (
            self.numbers.id(),
            self.now_ms + self.numbers.days(-400, -200),
        );
        let name = format!("{} Holding {n}", self.numbers.pick(&LAST));
        let owner = self.numbers.member();
        let domain = Value::text(format!("bulk{n}.example.org"));
        self.put(
            "company",
            id,
            created,
            [
                ("name", Value::text(name)),
                ("domainName.primaryLinkUrl", domain),
                ("accountOwnerId", owner),
            ],
        );
        id
    }

    fn person(&mut self, n: u32, companies: &[Uuid]) -> Uuid {
        let (id, created) = (self.numbers.id(), self.now_ms + self.numbers.days(-200, -1));
        let (first, last) = (
            self.numbers.pick(&FIRST),
            format!("{} {n}", self.numbers.pick(&LAST)),
        );
        let company = self
            .numbers
            .one_of(companies)
            .map_or(Value::Null, Value::Id);
        let values = [
            ("name.firstName", Value::text(first)),
            ("name.lastName", Value::text(last)),
            (
                "emails.primaryEmail",
                Value::text(format!("p{n}@bulk.example.org")),
            ),
            ("companyId", company),
        ];
        self.put("person", id, created, values);
        id
    }

    fn deal(&mut self, n: u32, companies: &[Uuid], people: &[Uuid]) -> Uuid {
        let (id, created) = (
            self.numbers.id(),
            self.now_ms + self.numbers.days(-180, -60),
        );
        let stage = self.numbers.pick(&STAGES);
        let amount = i64::try_from(1 + self.numbers.below(900)).unwrap_or_default() * 1_000_000_000;
        let values = [
            (
                "name",
                Value::text(format!("Deal {n} {}", self.numbers.pick(&DEAL))),
            ),
            ("stage", Value::text(stage)),
            ("amount.amountMicros", Value::Int(amount)),
            (
                "amount.currencyCode",
                Value::text(if n.is_multiple_of(3) { "EUR" } else { "USD" }),
            ),
            (
                "closeDate",
                Value::Time(self.now_ms + self.numbers.days(-90, 90)),
            ),
            ("ownerId", self.numbers.member()),
            (
                "companyId",
                self.numbers
                    .one_of(companies)
                    .map_or(Value::Null, Value::Id),
            ),
            (
                "pointOfContactId",
                self.numbers.one_of(people).map_or(Value::Null, Value::Id),
            ),
        ];
        self.put("opportunity", id, created, values);
        self.event(id, created, "opportunity.created", json!({}));
        let (changed, before) = (
            self.now_ms + self.numbers.days(-59, 0),
            self.numbers.pick(&STAGES),
        );
        self.event(
            id,
            changed,
            "opportunity.updated",
            json!({"diff": {"stage": {"before": before, "after": stage}}}),
        );
        id
    }

    fn event(&mut self, deal: Uuid, at_ms: i64, name: &str, properties: serde_json::Value) {
        let id = self.numbers.id();
        let values = [
            ("name", Value::text(name)),
            ("happensAt", Value::Time(at_ms)),
            ("properties", Value::Json(Arc::new(properties))),
            ("targetOpportunityId", Value::Id(deal)),
        ];
        self.put("timelineActivity", id, at_ms, values);
    }

    fn task(&mut self, n: u32, deals: &[Uuid], people: &[Uuid]) {
        let (id, created) = (self.numbers.id(), self.now_ms + self.numbers.days(-120, -1));
        let status = match self.numbers.below(20) {
            0..=8 => Value::text("DONE"),
            9..=12 => Value::text("IN_PROGRESS"),
            13 => Value::Null,
            _ => Value::text("TODO"),
        };
        let due = if self.numbers.below(10) == 0 {
            Value::Null
        } else {
            Value::Time(self.now_ms + self.numbers.days(-90, 90))
        };
        let assignee = if self.numbers.below(12) == 0 {
            Value::Null
        } else {
            self.numbers.member()
        };
        let values = [
            (
                "title",
                Value::text(format!("Task {n} {}", self.numbers.pick(&TASK))),
            ),
            ("status", status),
            ("dueAt", due),
            ("assigneeId", assignee),
        ];
        self.put("task", id, created, values);
        let target = match (self.numbers.one_of(deals), self.numbers.one_of(people)) {
            (Some(deal), _) => ("targetOpportunityId", Value::Id(deal)),
            (None, Some(person)) => ("targetPersonId", Value::Id(person)),
            // The sample's companies with stories that hang on what is linked to them are left
            // alone.
            (None, None) => ("targetCompanyId", Value::Id(company_id(1 + n % 9))),
        };
        let link = self.numbers.id();
        self.put(
            "taskTarget",
            link,
            created,
            [("taskId", Value::Id(id)), target],
        );
    }
}
