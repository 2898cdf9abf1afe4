//! Rows of records that several documents select; a field that a document does not select is none.

use jiff::Timestamp;
use serde::Deserialize;

use super::mend::Unreadable;
use super::values::{Colleague, Currency, FullName, JustName, NamedPerson};
use crate::text::Text;

/// A person.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    /// Id.
    pub id: String,
    /// Time of the last change.
    pub updated_at: Option<Timestamp>,
    /// Name.
    pub name: Option<FullName>,
    /// Job title.
    pub job_title: Option<Text>,
    /// E-mail addresses.
    pub emails: Option<Emails>,
    /// Phone numbers.
    pub phones: Option<Phones>,
    /// Employer.
    pub company: Option<Employer>,
    /// Fields that could not be read.
    #[serde(default, rename = "$unreadable")]
    pub unreadable: Unreadable,
}

/// A person's e-mail addresses.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Emails {
    /// The first.
    pub primary_email: Option<Text>,
    /// The others, where that was asked.
    pub additional_emails: Option<Vec<Text>>,
}

impl Emails {
    /// Returns the other addresses.
    pub fn additional(&self) -> impl Iterator<Item = String> {
        let others = self.additional_emails.iter().flatten();
        others.map(|other| other.as_str().to_owned())
    }
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
    /// Returns the first number with its calling code, if there is one. A calling code alone is no
    /// number.
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

/// The company that somebody works at.
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
    /// Its account owner.
    #[serde(rename = "accountOwnerId")]
    pub account_owner: Option<Colleague>,
}

/// A deal.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deal {
    /// Id.
    pub id: String,
    /// Time of the last change.
    pub updated_at: Option<Timestamp>,
    /// Name.
    pub name: Option<Text>,
    /// Stage, as stored.
    pub stage: Text,
    /// Amount.
    pub amount: Option<Currency>,
    /// Close date.
    pub close_date: Option<Timestamp>,
    /// Owner.
    #[serde(rename = "ownerId")]
    pub owner: Option<Colleague>,
    /// Company.
    pub company: Option<JustName>,
    /// Point of contact.
    pub point_of_contact: Option<NamedPerson>,
    /// Fields that could not be read.
    #[serde(default, rename = "$unreadable")]
    pub unreadable: Unreadable,
}

/// An entry of a record's timeline.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Activity {
    /// Id.
    pub id: String,
    /// Time of the last change.
    pub updated_at: Option<Timestamp>,
    /// Time of the event.
    pub happens_at: Timestamp,
    /// Type of the event, such as `linked-task.created`.
    pub name: Option<Text>,
    /// Name of the linked record.
    pub linked_record_cached_name: Option<Text>,
    #[expect(dead_code, reason = "selected for the harness: it decides by owners")]
    target_opportunity: Option<OwnedDeal>,
    #[expect(dead_code, reason = "selected for the harness: it decides by owners")]
    target_company: Option<OwnedCompany>,
    #[expect(dead_code, reason = "selected for the harness: it decides by owners")]
    target_task: Option<OwnedTask>,
    #[expect(dead_code, reason = "selected for the harness: it decides by owners")]
    target_person: Option<PersonTarget>,
    /// Fields that could not be read.
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
struct PersonTarget {
    #[expect(
        dead_code,
        reason = "selected so that what is nested in it is not lost"
    )]
    deleted_at: Option<Timestamp>,
    #[expect(dead_code, reason = "selected for the harness: it decides by owners")]
    company: Option<OwnedCompany>,
}
