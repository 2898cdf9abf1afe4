//! Rows of records as several documents select them. Not every document selects all of it; what was not asked for is none.

use jiff::Timestamp;
use serde::Deserialize;

use super::mend::Unreadable;
use super::records::Emails;
use super::values::{Colleague, Currency, FullName, JustName, NamedPerson};
use crate::text::Text;

/// A person.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    /// Id.
    pub id: String,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
    /// Name.
    pub name: Option<FullName>,
    /// Job title.
    pub job_title: Option<Text>,
    /// E-mail addresses.
    pub emails: Option<Emails>,
    /// Phone numbers.
    pub phones: Option<Phones>,
    /// Where they work.
    pub company: Option<Employer>,
    /// What could not be read.
    #[serde(default, rename = "$unreadable")]
    pub unreadable: Unreadable,
}

/// A person's phone numbers.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Phones {
    /// The first one's calling code.
    pub primary_phone_calling_code: Option<Text>,
    /// The first one.
    pub primary_phone_number: Option<Text>,
}

impl Phones {
    /// The first number with its calling code, if there is one. A calling code alone is no number.
    pub fn number(phones: Option<&Self>) -> Option<String> {
        let some = |text: &Option<Text>| {
            let text = text.as_ref().filter(|text| !text.is_empty())?;
            Some(text.as_str().to_owned())
        };
        let number = some(&phones?.primary_phone_number)?;
        Some(match some(&phones?.primary_phone_calling_code) {
            Some(code) => format!("{code} {number}"),
            None => number,
        })
    }
}

/// Where somebody works.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Employer {
    /// Its name.
    pub name: Option<Text>,
    #[expect(
        dead_code,
        reason = "selected so that what is nested in it is not lost"
    )]
    deleted_at: Option<Timestamp>,
    #[expect(dead_code, reason = "selected for the harness: it decides by owners")]
    #[serde(rename = "accountOwnerId")]
    account_owner: Option<Colleague>,
}

/// A deal.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deal {
    /// Id.
    pub id: String,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
    /// Name.
    pub name: Option<Text>,
    /// Stage, as stored.
    pub stage: Text,
    /// Amount.
    pub amount: Option<Currency>,
    /// When it is to close.
    pub close_date: Option<Timestamp>,
    /// Owner.
    #[serde(rename = "ownerId")]
    pub owner: Option<Colleague>,
    /// Company.
    pub company: Option<JustName>,
    /// Point of contact.
    pub point_of_contact: Option<NamedPerson>,
    /// What could not be read.
    #[serde(default, rename = "$unreadable")]
    pub unreadable: Unreadable,
}

/// An entry of a record's timeline.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Activity {
    /// Id.
    pub id: String,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
    /// When it happened.
    pub happens_at: Timestamp,
    /// What happened, such as `linked-task.created`.
    pub name: Option<Text>,
    /// The name of what was linked.
    pub linked_record_cached_name: Option<Text>,
    #[expect(dead_code, reason = "selected for the harness: it decides by owners")]
    target_opportunity: Option<OwnedDeal>,
    #[expect(dead_code, reason = "selected for the harness: it decides by owners")]
    target_company: Option<OwnedCompany>,
    #[expect(dead_code, reason = "selected for the harness: it decides by owners")]
    target_task: Option<OwnedTask>,
    #[expect(dead_code, reason = "selected for the harness: it decides by owners")]
    target_person: Option<Employed>,
    /// What could not be read.
    #[serde(default, rename = "$unreadable")]
    pub unreadable: Unreadable,
}

#[derive(Debug, Deserialize)]
struct OwnedDeal {
    #[expect(dead_code, reason = "selected for the harness: it decides by owners")]
    #[serde(rename = "ownerId")]
    owner: Option<Colleague>,
}

#[derive(Debug, Deserialize)]
struct OwnedCompany {
    #[expect(dead_code, reason = "selected for the harness: it decides by owners")]
    #[serde(rename = "accountOwnerId")]
    account_owner: Option<Colleague>,
}

#[derive(Debug, Deserialize)]
struct OwnedTask {
    #[expect(dead_code, reason = "selected for the harness: it decides by owners")]
    #[serde(rename = "assigneeId")]
    assignee: Option<Colleague>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Employed {
    #[expect(
        dead_code,
        reason = "selected so that what is nested in it is not lost"
    )]
    deleted_at: Option<Timestamp>,
    #[expect(dead_code, reason = "selected for the harness: it decides by owners")]
    company: Option<OwnedCompany>,
}
