//! Checks the values of a request field by field. Members and links to other records are known only
//! after the lookup; until then they stand beside the rest.

use serde_json::Value;

use super::assignment::Assignment;
use super::types::{self, Fields};
use super::{custom, fields};
use crate::actions::input;
use crate::bindings::claw::crm::types::Kind;
use crate::bindings::exports::claw::crm::propose::{FieldValue, UpsertRequest};
use crate::context::Context;
use crate::failure::{self, Failure};
use crate::ids::uuid;
use crate::twenty::records::Record;
use crate::{day, text};

/// The values that a request sets, and the ids and addresses that are still to be looked up.
#[derive(Debug)]
pub(super) struct DesiredRecord {
    pub(super) kind: Kind,
    pub(super) assignments: Vec<Assignment>,
    /// The id of the company that it names.
    pub(super) company: Option<String>,
    /// The id of the contact that it names.
    pub(super) contact: Option<String>,
    /// The address of the member that it names.
    pub(super) member: Option<String>,
}

impl DesiredRecord {
    fn new(kind: Kind) -> Self {
        Self {
            kind,
            assignments: Vec::new(),
            company: None,
            contact: None,
            member: None,
        }
    }

    /// Returns the text that a path is set to.
    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.assignments
            .iter()
            .find(|set| set.path == path)
            .and_then(|set| set.value.as_str())
    }

    fn has(&self, path: &str) -> bool {
        self.assignments.iter().any(|set| set.path == path)
    }

    /// Refuses to set nothing.
    fn something(self) -> Result<Self, Failure> {
        let links = [&self.company, &self.contact, &self.member];
        if self.assignments.is_empty() && links.into_iter().all(Option::is_none) {
            return Err(fields::none(self.kind));
        }
        Ok(self)
    }

    /// Checks that a new record can be made of it.
    pub(super) fn enough_to_make(&self) -> Result<(), Failure> {
        let (field, fits) = match self.kind {
            Kind::Person => (
                "firstName",
                ["name.firstName", "name.lastName", "emails.primaryEmail"]
                    .iter()
                    .any(|path| self.has(path)),
            ),
            Kind::Company | Kind::Opportunity => ("name", self.has("name")),
            Kind::Task => ("title", self.has("title")),
        };
        if !fits {
            return Err(failure::invalid_input(
                field,
                "there is no such record yet, and a new one needs a name",
                "Give the name, or the id of the record that is meant.",
            ));
        }
        match (
            self.has("amount.amountMicros"),
            self.has("amount.currencyCode"),
        ) {
            (true, false) => Err(no_currency()),
            (false, true) => Err(no_amount()),
            _ => Ok(()),
        }
    }

    /// Checks that a record can take it: an amount and its currency belong together.
    pub(super) fn fits(&self, record: &Record) -> Result<(), Failure> {
        let holds = |path: &str| record.held(path).is_some_and(|held| held.value.is_some());
        let (amount, currency) = ("amount.amountMicros", "amount.currencyCode");
        if self.has(amount) && !self.has(currency) && !holds(currency) {
            return Err(no_currency());
        }
        if self.has(currency) && !self.has(amount) && !holds(amount) {
            return Err(no_amount());
        }
        Ok(())
    }

    /// Warns about the values.
    pub(super) fn warnings(&self, ctx: &Context<'_>) -> Vec<String> {
        let mut warnings = Vec::new();
        if let Some(stage) = self
            .text("stage")
            .filter(|_| self.kind == Kind::Opportunity)
            && ctx.closed_stages().iter().any(|closed| closed == stage)
        {
            warnings.push(format!("The stage {stage} ends the deal."));
        }
        for (path, what) in [
            ("dueAt", "The task is due"),
            ("closeDate", "The deal is to close"),
        ] {
            let time = self.text(path).and_then(|time| time.parse().ok());
            if let Some(time) = time.filter(|time| ctx.zone().is_overdue(*time, ctx.now)) {
                warnings.push(format!(
                    "{what} in the past ({}).",
                    ctx.zone().show_due(time)
                ));
            }
        }
        warnings
    }
}

fn no_currency() -> Failure {
    failure::invalid_input(
        "currency",
        "an amount without a currency says nothing, and the record has none",
        "Give the currency (ISO 4217), such as EUR.",
    )
}

fn no_amount() -> Failure {
    failure::invalid_input(
        "amount",
        "a currency without an amount says nothing, and the record has none",
        "Give the amount as well.",
    )
}

/// Adds a field of one line.
fn line(
    assignments: &mut Vec<Assignment>,
    (field, name, path): (&str, &str, &str),
    given: Option<&str>,
) -> Result<(), Failure> {
    if let Some(given) = given {
        assignments.push(Assignment::text(name, path, &input::line(field, given)?));
    }
    Ok(())
}

fn deadline(
    ctx: &Context<'_>,
    assignments: &mut Vec<Assignment>,
    (field, name, path): (&str, &str, &str),
    given: Option<&str>,
) -> Result<(), Failure> {
    let Some(given) = given else { return Ok(()) };
    let time = day::deadline(ctx.zone(), field, given)?;
    let value = Value::from(text::instant(time));
    assignments.push(Assignment::with_display(
        name,
        path,
        value,
        &ctx.zone().show_due(time),
    ));
    Ok(())
}

/// Adds the fields whose form the workspace says: one whose values are its options, by name and
/// value, and its custom fields, whose names are none of our `own`.
fn of_workspace(
    ctx: &Context<'_>,
    wanted: &mut DesiredRecord,
    choice: Option<(&str, &str)>,
    own: &[&str],
    custom: Option<&[FieldValue]>,
) -> Result<(), Failure> {
    let kind = wanted.kind;
    let needed = choice.is_some() || custom.is_some_and(|fields| !fields.is_empty());
    let types = needed.then(|| Fields::read(ctx, kind)).transpose()?;
    if let Some((name, given)) = choice {
        let field = types.as_ref().and_then(|types| types.get(name));
        let field = field.ok_or_else(|| {
            failure::schema_mismatch(
                name,
                format!("This CRM does not have the field \"{name}\"."),
            )
        })?;
        let option = types::option(field, name, given)?;
        wanted
            .assignments
            .push(Assignment::text(name, name, &option));
    }
    let custom = custom::assignments(ctx, kind, own, custom, types.as_ref())?;
    wanted.assignments.extend(custom);
    Ok(())
}

pub(super) fn person(ctx: &Context<'_>, request: &UpsertRequest) -> Result<DesiredRecord, Failure> {
    let mut wanted = DesiredRecord::new(Kind::Person);
    let assignments = &mut wanted.assignments;
    let first = request.first_name.as_deref();
    line(
        assignments,
        ("firstName", "first name", "name.firstName"),
        first,
    )?;
    let last = request.last_name.as_deref();
    line(
        assignments,
        ("lastName", "last name", "name.lastName"),
        last,
    )?;
    if let Some(email) = &request.email {
        let email = input::email("email", email)?;
        assignments.push(Assignment::text("e-mail", "emails.primaryEmail", &email));
    }
    if let Some(phone) = &request.phone {
        let phone = input::phone("phone", phone)?;
        let said = if phone.is_empty() { "none" } else { &phone };
        let value = Value::from(phone.as_str());
        assignments.push(Assignment::with_display(
            "phone",
            "phones.primaryPhoneNumber",
            value,
            said,
        ));
    }
    let job = request.job_title.as_deref();
    line(assignments, ("jobTitle", "job title", "jobTitle"), job)?;
    let own = [
        "name",
        "emails",
        "phones",
        "jobTitle",
        "company",
        "companyId",
    ];
    of_workspace(ctx, &mut wanted, None, &own, request.custom.as_deref())?;
    wanted.company = id("company", request.company.as_deref())?;
    wanted.something()
}

pub(super) fn company(
    ctx: &Context<'_>,
    request: &UpsertRequest,
) -> Result<DesiredRecord, Failure> {
    let mut wanted = DesiredRecord::new(Kind::Company);
    let assignments = &mut wanted.assignments;
    line(
        assignments,
        ("name", "name", "name"),
        request.name.as_deref(),
    )?;
    if let Some(domain) = &request.domain {
        let domain = input::domain("domain", domain)?;
        assignments.push(Assignment::text(
            "domain",
            "domainName.primaryLinkUrl",
            &domain,
        ));
    }
    let own = ["name", "domainName", "accountOwner", "accountOwnerId"];
    of_workspace(ctx, &mut wanted, None, &own, request.custom.as_deref())?;
    wanted.member = address(ctx, "owner", request.owner.as_deref())?;
    wanted.something()
}

pub(super) fn opportunity(
    ctx: &Context<'_>,
    request: &UpsertRequest,
) -> Result<DesiredRecord, Failure> {
    let mut wanted = DesiredRecord::new(Kind::Opportunity);
    let assignments = &mut wanted.assignments;
    line(
        assignments,
        ("name", "name", "name"),
        request.name.as_deref(),
    )?;
    if let Some(amount) = &request.amount {
        let micros = input::micros("amount", amount)?;
        let shown = micros.decimal();
        let value = Value::from(micros.number());
        assignments.push(Assignment::with_display(
            "amount",
            "amount.amountMicros",
            value,
            &shown,
        ));
    }
    if let Some(currency) = &request.currency {
        let currency = input::currency("currency", currency)?;
        assignments.push(Assignment::text(
            "currency",
            "amount.currencyCode",
            &currency,
        ));
    }
    let close = request.close_date.as_deref();
    deadline(
        ctx,
        assignments,
        ("closeDate", "close date", "closeDate"),
        close,
    )?;
    let own = [
        "name",
        "amount",
        "stage",
        "closeDate",
        "company",
        "companyId",
        "pointOfContact",
        "pointOfContactId",
        "owner",
        "ownerId",
    ];
    let stage = request.stage.as_deref().map(|stage| ("stage", stage));
    of_workspace(ctx, &mut wanted, stage, &own, request.custom.as_deref())?;
    wanted.company = id("company", request.company.as_deref())?;
    wanted.contact = id("contact", request.contact.as_deref())?;
    wanted.member = address(ctx, "owner", request.owner.as_deref())?;
    wanted.something()
}

pub(super) fn task(ctx: &Context<'_>, request: &UpsertRequest) -> Result<DesiredRecord, Failure> {
    let mut wanted = DesiredRecord::new(Kind::Task);
    let assignments = &mut wanted.assignments;
    line(
        assignments,
        ("title", "title", "title"),
        request.title.as_deref(),
    )?;
    if let Some(note) = &request.note {
        let note = input::note("note", note)?.ok_or_else(|| {
            failure::invalid_input(
                "note",
                "it is empty",
                "Give a text, or leave the field out.",
            )
        })?;
        assignments.push(Assignment::text("note", "bodyV2.markdown", &note));
    }
    deadline(
        ctx,
        assignments,
        ("due", "due", "dueAt"),
        request.due.as_deref(),
    )?;
    let own = [
        "title",
        "bodyV2",
        "dueAt",
        "status",
        "assignee",
        "assigneeId",
    ];
    let status = request.status.as_deref().map(|status| ("status", status));
    of_workspace(ctx, &mut wanted, status, &own, request.custom.as_deref())?;
    wanted.member = address(ctx, "assignee", request.assignee.as_deref())?;
    wanted.something()
}

fn id(field: &str, given: Option<&str>) -> Result<Option<String>, Failure> {
    given.map(|given| uuid(field, given.trim())).transpose()
}

fn address(ctx: &Context<'_>, field: &str, given: Option<&str>) -> Result<Option<String>, Failure> {
    given
        .map(|given| input::member_address(ctx, field, given))
        .transpose()
}
