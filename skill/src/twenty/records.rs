//! Records before and after a write: compares the values of writable fields with planned ones.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use unicode_normalization::UnicodeNormalization as _;

use super::custom::Mapped;
use super::hidden;
use super::kinds::object;
use super::mend::{NOT_READABLE, Unreadable};
use super::rows::{Emails, Phones};
use super::values::{Colleague, Currency, FullName, Id, Links, Micros, RichText, full_name, named};
use crate::bindings::claw::crm::types::Kind;
use crate::context::Context;
use crate::text::{self, Text};

/// A company that somebody works at.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EmployerLink {
    pub(crate) id: String,
    pub(crate) name: Option<Text>,
    #[expect(
        dead_code,
        reason = "selected so that what is nested in it is not lost"
    )]
    deleted_at: Option<Timestamp>,
    #[expect(dead_code, reason = "selected for the harness: it decides by owners")]
    #[serde(rename = "accountOwnerId")]
    account_owner: Option<Colleague>,
}

/// A person.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PersonRecord {
    pub(crate) id: String,
    updated_at: Option<Timestamp>,
    pub(crate) name: Option<FullName>,
    pub(crate) emails: Option<Emails>,
    pub(crate) job_title: Option<Text>,
    phones: Option<Phones>,
    pub(crate) company: Option<EmployerLink>,
    /// Fields that the key may not read.
    #[serde(skip)]
    hidden: Vec<String>,
    #[serde(default, rename = "$unreadable")]
    unreadable: Unreadable,
}

/// A company.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CompanyRecord {
    pub(crate) id: String,
    updated_at: Option<Timestamp>,
    pub(crate) name: Option<Text>,
    pub(crate) domain_name: Option<Links>,
    #[serde(rename = "accountOwnerId")]
    account_owner: Option<Colleague>,
    /// Fields that the key may not read.
    #[serde(skip)]
    hidden: Vec<String>,
    #[serde(default, rename = "$unreadable")]
    unreadable: Unreadable,
}

/// A company by id and name.
#[derive(Debug, Deserialize)]
pub struct CompanyLink {
    pub(crate) id: String,
    pub(crate) name: Option<Text>,
}

/// A deal.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OpportunityRecord {
    pub(crate) id: String,
    updated_at: Option<Timestamp>,
    pub(crate) name: Option<Text>,
    pub(crate) stage: Text,
    pub(crate) amount: Option<Currency>,
    pub(crate) close_date: Option<Timestamp>,
    pub(crate) company: Option<CompanyLink>,
    point_of_contact: Option<Id>,
    #[serde(rename = "ownerId")]
    owner: Option<Colleague>,
    /// The field that the operator mapped, and what it holds.
    #[serde(skip)]
    mapped: Option<(String, HeldValue)>,
    /// Fields that the key may not read.
    #[serde(skip)]
    hidden: Vec<String>,
    #[serde(default, rename = "$unreadable")]
    unreadable: Unreadable,
}

/// A task.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskRecord {
    pub(crate) id: String,
    updated_at: Option<Timestamp>,
    pub(crate) title: Option<Text>,
    body_v2: Option<RichText>,
    status: Option<Text>,
    due_at: Option<Timestamp>,
    #[serde(rename = "assigneeId")]
    assignee: Option<Colleague>,
    /// Fields that the key may not read.
    #[serde(skip)]
    hidden: Vec<String>,
    #[serde(default, rename = "$unreadable")]
    unreadable: Unreadable,
}

/// A record of some kind.
#[derive(Debug)]
pub enum Record {
    /// A person.
    Person(PersonRecord),
    /// A company.
    Company(CompanyRecord),
    /// A deal.
    Opportunity(OpportunityRecord),
    /// A task.
    Task(TaskRecord),
}

/// The value of a field.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct HeldValue {
    /// The value in the form of a write's data; none where the field is empty.
    pub value: Option<Value>,
    /// The value for people.
    pub shown: Option<String>,
}

impl HeldValue {
    /// Stands for an unreadable value: equal to no planned one, and not empty.
    fn unreadable() -> Self {
        Self {
            value: Some(Value::Null),
            shown: Some(NOT_READABLE.to_owned()),
        }
    }

    fn text(text: Option<&Text>) -> Self {
        let Some(text) = text.filter(|text| !text.is_empty()) else {
            return Self::default();
        };
        Self {
            value: Some(Value::from(text.as_str())),
            shown: Some(text::line(text.as_str(), text::LABEL).0),
        }
    }

    /// Reads a plain value of a custom field; none for any other.
    fn plain(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Null => Self::default(),
            Value::String(held) => Self::text(Some(&Text::from(held.as_str()))),
            Value::Bool(_) | Value::Number(_) => Self {
                value: Some(value.clone()),
                shown: Some(value.to_string()),
            },
            Value::Array(_) | Value::Object(_) => return None,
        })
    }

    fn time(time: Option<Timestamp>) -> Self {
        Self {
            value: time.map(|time| Value::from(time.to_string())),
            shown: time.map(text::instant),
        }
    }

    fn link(id: &str, name: Option<&Text>) -> Self {
        let name = name.filter(|name| !name.is_empty());
        Self {
            value: Some(Value::from(id)),
            shown: Some(name.map_or_else(
                || id.to_owned(),
                |name| format!("{} ({id})", text::line(name.as_str(), text::LABEL).0),
            )),
        }
    }

    fn owner(owner: Option<&Colleague>) -> Self {
        owner.map_or_else(Self::default, |owner| {
            Self::link(&owner.id, owner.user_email.as_ref())
        })
    }
}

impl Record {
    /// Adds the custom field that the operator mapped.
    #[must_use]
    pub fn with_mapped(mut self, mapped: &Mapped) -> Self {
        if let Self::Opportunity(deal) = &mut self {
            deal.mapped = mapped
                .value(&deal.id)
                .and_then(|(field, value)| Some((field.to_owned(), HeldValue::plain(value)?)));
        }
        self
    }

    /// Masks the fields that the key may not read: their values are unknown.
    #[must_use]
    pub fn masked(mut self, ctx: &Context<'_>) -> Self {
        let own = object(self.kind());
        let hidden = ctx.hidden();
        let names = hidden.iter().filter(|field| field.object == own);
        let names = names.map(|field| field.name.clone()).collect();
        match &mut self {
            Self::Person(record) => record.hidden = names,
            Self::Company(record) => record.hidden = names,
            Self::Opportunity(record) => record.hidden = names,
            Self::Task(record) => record.hidden = names,
        }
        self
    }

    /// Returns the kind of record.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Person(_) => Kind::Person,
            Self::Company(_) => Kind::Company,
            Self::Opportunity(_) => Kind::Opportunity,
            Self::Task(_) => Kind::Task,
        }
    }

    /// Returns the id.
    pub fn id(&self) -> &str {
        match self {
            Self::Person(record) => &record.id,
            Self::Company(record) => &record.id,
            Self::Opportunity(record) => &record.id,
            Self::Task(record) => &record.id,
        }
    }

    /// Returns the name, on one line.
    pub fn label(&self) -> String {
        let label = match self {
            Self::Person(record) => full_name(record.name.as_ref()),
            Self::Company(record) => named(record.name.as_ref()).to_owned(),
            Self::Opportunity(record) => named(record.name.as_ref()).to_owned(),
            Self::Task(record) => named(record.title.as_ref()).to_owned(),
        };
        text::line(&label, text::LABEL).0
    }

    /// Returns the time of the last change.
    pub fn updated_at(&self) -> Option<Timestamp> {
        match self {
            Self::Person(record) => record.updated_at,
            Self::Company(record) => record.updated_at,
            Self::Opportunity(record) => record.updated_at,
            Self::Task(record) => record.updated_at,
        }
    }

    /// Returns the value of the field at a path of a write's data (such as `name.firstName`); none
    /// where this skill does not read it, or the key may not.
    pub fn held(&self, path: &str) -> Option<HeldValue> {
        if self.unreadable().covers(path) {
            return Some(HeldValue::unreadable());
        }
        let hidden = match self {
            Self::Person(record) => &record.hidden,
            Self::Company(record) => &record.hidden,
            Self::Opportunity(record) => &record.hidden,
            Self::Task(record) => &record.hidden,
        };
        let field = path.split('.').next().unwrap_or(path);
        if hidden.iter().any(|name| hidden::same(name, field)) {
            return None;
        }
        match self {
            Self::Person(record) => record.held(path),
            Self::Company(record) => record.held(path),
            Self::Opportunity(record) => record.held(path),
            Self::Task(record) => record.held(path),
        }
    }

    /// Returns the fields that could not be read.
    pub fn unreadable(&self) -> &Unreadable {
        match self {
            Self::Person(record) => &record.unreadable,
            Self::Company(record) => &record.unreadable,
            Self::Opportunity(record) => &record.unreadable,
            Self::Task(record) => &record.unreadable,
        }
    }

    /// Checks whether the field at a path has a planned value; none where this skill cannot tell.
    pub fn holds(&self, path: &str, planned: &Value) -> Option<bool> {
        let held = self.held(path)?;
        Some(same(path, planned, held.value.as_ref()))
    }
}

impl PersonRecord {
    fn held(&self, path: &str) -> Option<HeldValue> {
        let name = self.name.as_ref();
        Some(match path {
            "name.firstName" => HeldValue::text(name.and_then(|name| name.first_name.as_ref())),
            "name.lastName" => HeldValue::text(name.and_then(|name| name.last_name.as_ref())),
            "emails.primaryEmail" => HeldValue::text(self.email()),
            "jobTitle" => HeldValue::text(self.job_title.as_ref()),
            "phones.primaryPhoneNumber" => {
                let number = Phones::number(self.phones.as_ref());
                HeldValue::text(number.as_deref().map(Text::from).as_ref())
            }
            "companyId" => self
                .company
                .as_ref()
                .map_or_else(HeldValue::default, |company| {
                    HeldValue::link(&company.id, company.name.as_ref())
                }),
            _ => return None,
        })
    }

    /// Returns the e-mail address.
    pub(crate) fn email(&self) -> Option<&Text> {
        self.emails.as_ref()?.primary_email.as_ref()
    }

    /// Returns the employer's name.
    pub(crate) fn company_name(&self) -> Option<&Text> {
        self.company.as_ref()?.name.as_ref()
    }
}

impl CompanyRecord {
    fn held(&self, path: &str) -> Option<HeldValue> {
        Some(match path {
            "name" => HeldValue::text(self.name.as_ref()),
            "domainName.primaryLinkUrl" => HeldValue::text(self.link()),
            "accountOwnerId" => HeldValue::owner(self.account_owner.as_ref()),
            _ => return None,
        })
    }

    /// Returns the web address.
    pub(crate) fn link(&self) -> Option<&Text> {
        self.domain_name.as_ref()?.primary_link_url.as_ref()
    }
}

impl OpportunityRecord {
    fn held(&self, path: &str) -> Option<HeldValue> {
        Some(match path {
            "name" => HeldValue::text(self.name.as_ref()),
            "stage" => HeldValue::text(Some(&self.stage)),
            "amount.amountMicros" => {
                let micros = Currency::micros(self.amount.as_ref());
                HeldValue {
                    value: micros.map(number),
                    shown: micros.map(Micros::shown),
                }
            }
            "amount.currencyCode" => HeldValue::text(
                self.amount
                    .as_ref()
                    .and_then(|amount| amount.currency_code.as_ref()),
            ),
            "closeDate" => HeldValue::time(self.close_date),
            "companyId" => self
                .company
                .as_ref()
                .map_or_else(HeldValue::default, |company| {
                    HeldValue::link(&company.id, company.name.as_ref())
                }),
            "pointOfContactId" => self
                .point_of_contact
                .as_ref()
                .map_or_else(HeldValue::default, |person| {
                    HeldValue::link(&person.id, None)
                }),
            "ownerId" => HeldValue::owner(self.owner.as_ref()),
            path => {
                let (_, held) = self.mapped.as_ref().filter(|(field, _)| field == path)?;
                held.clone()
            }
        })
    }
}

impl TaskRecord {
    fn held(&self, path: &str) -> Option<HeldValue> {
        Some(match path {
            "title" => HeldValue::text(self.title.as_ref()),
            "bodyV2.markdown" => HeldValue::text(
                self.body_v2
                    .as_ref()
                    .and_then(|body| body.markdown.as_ref()),
            ),
            "status" => HeldValue::text(self.status.as_ref()),
            "dueAt" => HeldValue::time(self.due_at),
            "assigneeId" => HeldValue::owner(self.assignee.as_ref()),
            _ => return None,
        })
    }
}

/// Writes an amount as JSON.
fn number(micros: Micros) -> Value {
    i64::try_from(micros.0).map_or_else(|_| Value::from(micros.0 as f64), Value::from)
}

/// Compares two values of a field as people would: times by the instant, addresses without their
/// decoration.
fn same(path: &str, planned: &Value, held: Option<&Value>) -> bool {
    let Some(held) = held else {
        return planned.as_str().is_some_and(|text| text.trim().is_empty());
    };
    let (planned, held) = match (planned, held) {
        (Value::String(planned), Value::String(held)) => (planned.trim(), held.trim()),
        (planned, held) => {
            return planned == held || planned.as_f64().is_some_and(|p| held.as_f64() == Some(p));
        }
    };
    let time = |text: &str| text.parse::<Timestamp>().ok();
    match path {
        "emails.primaryEmail" => planned.to_lowercase() == held.to_lowercase(),
        "domainName.primaryLinkUrl" => domain(planned) == domain(held),
        "phones.primaryPhoneNumber" => digits(planned) == digits(held),
        path if path.ends_with("Id") => planned.eq_ignore_ascii_case(held),
        _ => {
            same_text(planned, held)
                || time(planned).is_some_and(|planned| time(held) == Some(planned))
        }
    }
}

/// Extracts the digits of a phone number with its calling code, for comparison: Twenty keeps the
/// code beside the number.
fn digits(number: &str) -> String {
    number.chars().filter(char::is_ascii_digit).collect()
}

/// Compares two texts in one Unicode form, whether or not accents are characters of their own.
pub(super) fn same_text(one: &str, other: &str) -> bool {
    one == other || one.nfc().eq(other.nfc())
}

/// Extracts the host name of a web address, without `www.`, for comparison: Twenty stores addresses
/// as they were typed.
pub fn domain(address: &str) -> String {
    let address = address.trim().to_lowercase();
    let rest = address
        .split_once("://")
        .map_or(address.as_str(), |(_, rest)| rest);
    let host = rest.split(['/', '?', '#', ':']).next().unwrap_or_default();
    let host = host.strip_prefix("www.").unwrap_or(host);
    host.trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn web_address_is_reduced_to_its_host() {
        for address in [
            "acme.example",
            "https://www.Acme.example/",
            "http://acme.example:8080/shop?x#y",
            " ACME.example. ",
        ] {
            assert_eq!(domain(address), "acme.example", "{address}");
        }
        assert_ne!(domain("shop.acme.example"), "acme.example");
    }

    #[test]
    fn values_compare_as_people_compare_them() {
        for (path, planned, held, expected) in [
            (
                "dueAt",
                json!("2026-03-31T12:00:00Z"),
                json!("2026-03-31T12:00:00.000Z"),
                true,
            ),
            (
                "dueAt",
                json!("2026-03-31T12:00:00Z"),
                json!("2026-03-31T12:00:01Z"),
                false,
            ),
            ("dueAt", json!("2026-03-31T12:00:00Z"), json!("soon"), false),
            ("title", json!("Call "), json!("Call"), true),
            ("title", json!("Call"), json!("call"), false),
            ("amount.amountMicros", json!(5), json!(5.0), true),
            ("amount.amountMicros", json!(5), json!(6), false),
            (
                "domainName.primaryLinkUrl",
                json!("a.example"),
                json!("https://www.a.example/"),
                true,
            ),
            ("emails.primaryEmail", json!("a@b.c"), json!("A@b.C"), true),
            ("ownerId", json!("ab"), json!("AB"), true),
        ] {
            assert_eq!(
                same(path, &planned, Some(&held)),
                expected,
                "{path}: {planned} {held}"
            );
        }
        assert!(!same("title", &json!("x"), None));
    }
}
