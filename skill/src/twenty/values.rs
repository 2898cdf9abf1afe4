//! Twenty's values as its answers have them, shared by the typed answers of all documents.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use super::mend::Unreadable;
use crate::bindings::claw::crm::types::{Kind, Link, Member, Money};
use crate::text::{Cutter, Text};

/// A list as Twenty pages it.
#[derive(Debug)]
pub struct Connection<T> {
    /// Its rows.
    pub edges: Vec<Edge<T>>,
}

/// A list with its total.
#[derive(Debug)]
pub struct Counted<T> {
    /// Number of all rows, including those that are not here.
    pub total_count: u32,
    /// Its rows.
    pub edges: Vec<Edge<T>>,
}

/// A row's wrapping.
#[derive(Debug)]
pub struct Edge<T> {
    /// The row.
    pub node: T,
}

// Written out, not derived: the derived readers also take arrays for objects, and there is one of
// each for every kind of row. That made the component a third larger (measured).

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Edge<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_object(deserializer, "a row", |key| key == "node").and_then(|(node, _)| {
            node.map(|node| Self { node })
                .ok_or_else(|| serde::de::Error::missing_field("node"))
        })
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Connection<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_object(deserializer, "a list", |key| key == "edges").and_then(|(edges, _)| {
            edges
                .map(|edges| Self { edges })
                .ok_or_else(|| serde::de::Error::missing_field("edges"))
        })
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Counted<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (edges, total_count) =
            read_object(deserializer, "a list with its total", |key| key == "edges")?;
        Ok(Self {
            edges: edges.ok_or_else(|| serde::de::Error::missing_field("edges"))?,
            total_count: total_count
                .ok_or_else(|| serde::de::Error::missing_field("totalCount"))?,
        })
    }
}

/// Reads the one field that matters and the total, and passes over the rest.
fn read_object<'de, D: Deserializer<'de>, V: Deserialize<'de>>(
    deserializer: D,
    what: &'static str,
    wanted: fn(&str) -> bool,
) -> Result<(Option<V>, Option<u32>), D::Error> {
    struct Object<V> {
        what: &'static str,
        wanted: fn(&str) -> bool,
        value: PhantomData<V>,
    }
    impl<'de, V: Deserialize<'de>> Visitor<'de> for Object<V> {
        type Value = (Option<V>, Option<u32>);

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str(self.what)
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let (mut value, mut total) = (None, None);
            while let Some(key) = map.next_key::<Cow<'de, str>>()? {
                if (self.wanted)(&key) {
                    value = Some(map.next_value()?);
                } else if key == "totalCount" {
                    total = Some(map.next_value()?);
                } else {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            Ok((value, total))
        }
    }
    deserializer.deserialize_map(Object {
        what,
        wanted,
        value: PhantomData,
    })
}

impl<T> Connection<T> {
    /// Returns the rows.
    pub fn rows(self) -> impl Iterator<Item = T> {
        self.edges.into_iter().map(|edge| edge.node)
    }
}

impl<T> Counted<T> {
    /// Creates an empty list.
    pub fn none() -> Self {
        Self {
            total_count: 0,
            edges: Vec::new(),
        }
    }

    /// Returns the rows.
    pub fn rows(self) -> impl Iterator<Item = T> {
        self.edges.into_iter().map(|edge| edge.node)
    }
}

/// The number of rows of a list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Count {
    /// The number.
    pub total_count: u32,
}

/// The end of a page.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PageInfo {
    /// The cursor of the last row.
    pub end_cursor: Option<String>,
    /// Set if another page follows.
    pub has_next_page: bool,
}

/// An enum type of the workspace's schema.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EnumType {
    /// Its values, in order.
    pub enum_values: Option<Vec<EnumValue>>,
}

/// A value of an enum type.
#[derive(Debug, Deserialize)]
pub struct EnumValue {
    /// Name, as stored.
    pub name: Text,
}

/// An id and nothing else.
#[derive(Debug, Deserialize)]
pub struct Id {
    /// The id.
    pub id: String,
}

/// A person's name.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FullName {
    /// First name.
    pub first_name: Option<Text>,
    /// Last name.
    pub last_name: Option<Text>,
}

impl FullName {
    /// Joins both names.
    pub fn text(&self) -> String {
        let first = self.first_name.as_ref().map_or("", Text::as_str).trim();
        let last = self.last_name.as_ref().map_or("", Text::as_str).trim();
        match (first, last) {
            ("", "") => "(no name)".to_owned(),
            (first, "") => first.to_owned(),
            ("", last) => last.to_owned(),
            (first, last) => format!("{first} {last}"),
        }
    }
}

/// Returns a label for a record whose name may be missing.
pub fn named(text: Option<&Text>) -> &str {
    text.filter(|text| !text.is_empty())
        .map_or("(no name)", Text::as_str)
}

/// A workspace member whom a record names. An answer names its id alone; who that is stands in its
/// place as far as the workspace's members tell it (`members`).
#[derive(Debug, Deserialize)]
#[serde(from = "MemberInAnswer")]
pub struct Colleague {
    /// Id.
    pub id: String,
    /// Name; none of somebody who is not known.
    pub name: Option<FullName>,
    /// E-mail; none of somebody who is not known.
    pub user_email: Option<Text>,
}

/// A member in an answer: an id alone, or the member in its place.
#[derive(Deserialize)]
#[serde(untagged)]
enum MemberInAnswer {
    Id(String),
    #[serde(rename_all = "camelCase")]
    Member {
        id: String,
        name: Option<FullName>,
        user_email: Option<Text>,
    },
}

impl From<MemberInAnswer> for Colleague {
    fn from(member: MemberInAnswer) -> Self {
        let (id, name, user_email) = match member {
            MemberInAnswer::Id(id) => (id, None, None),
            MemberInAnswer::Member {
                id,
                name,
                user_email,
            } => (id, name, user_email),
        };
        Self {
            id,
            name,
            user_email,
        }
    }
}

impl Colleague {
    /// Converts to the form that answers use.
    pub fn member(&self, cutter: &mut Cutter) -> Member {
        Member {
            id: self.id.clone(),
            name: cutter.label(&self.label()),
            email: cutter.label(self.user_email.as_ref().map_or("", Text::as_str)),
        }
    }

    /// Checks that the CRM says who this is: an id that none of its members has may be of one who
    /// was deleted.
    pub fn is_known(&self) -> bool {
        self.user_email.is_some() || self.name.is_some()
    }

    /// Returns the name, or says that it is not known.
    pub fn label(&self) -> String {
        if self.is_known() {
            return full_name(self.name.as_ref());
        }
        format!("somebody unknown (member {})", self.id)
    }

    /// Checks that this is the member with that address.
    pub fn is(&self, email: &str) -> bool {
        same_address(self.user_email.as_ref(), email)
    }
}

/// Compares two addresses, ignoring case.
pub fn same_address(one: Option<&Text>, other: &str) -> bool {
    one.is_some_and(|one| one.as_str().to_lowercase() == other.to_lowercase())
}

/// Formats a name that may be missing.
pub fn full_name(name: Option<&FullName>) -> String {
    name.map_or_else(|| "(no name)".to_owned(), FullName::text)
}

/// A record that has one name.
#[derive(Debug, Deserialize)]
pub struct Named {
    /// Id.
    pub id: String,
    /// Name.
    pub name: Option<Text>,
}

/// A record with a person's name.
#[derive(Debug, Deserialize)]
pub struct NamedPerson {
    /// Id.
    pub id: String,
    /// Name.
    pub name: Option<FullName>,
}

/// A name and nothing else.
#[derive(Debug, Deserialize)]
pub struct JustName {
    /// Name.
    pub name: Option<Text>,
}

impl Named {
    /// Converts to a link in an answer.
    pub fn link(&self, kind: Kind, cutter: &mut Cutter) -> Link {
        Link {
            kind,
            id: self.id.clone(),
            label: cutter.label(named(self.name.as_ref())),
        }
    }
}

impl NamedPerson {
    /// Converts to a link in an answer.
    pub fn link(&self, cutter: &mut Cutter) -> Link {
        Link {
            kind: Kind::Person,
            id: self.id.clone(),
            label: cutter.label(&full_name(self.name.as_ref())),
        }
    }
}

/// A web address.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Links {
    /// The first.
    pub primary_link_url: Option<Text>,
}

/// Formatted text.
#[derive(Debug, Deserialize)]
pub struct RichText {
    /// As Markdown.
    pub markdown: Option<Text>,
}

impl RichText {
    /// Returns the text, if there is any.
    pub fn text(body: Option<&Self>) -> Option<&str> {
        body.and_then(|body| body.markdown.as_ref())
            .filter(|text| !text.is_empty())
            .map(Text::as_str)
    }
}

/// An amount of money.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Currency {
    /// Millionths of the currency's unit.
    pub amount_micros: Option<Micros>,
    /// ISO 4217, as a rule; Twenty does not check it.
    pub currency_code: Option<Text>,
}

impl Currency {
    /// Returns the amount, where there is one.
    pub fn money(amount: Option<&Self>, cutter: &mut Cutter) -> Option<Money> {
        let amount = amount?;
        let micros = amount.amount_micros?;
        Some(Money {
            amount: micros.shown(),
            currency: cutter.label(amount.currency_code.as_ref().map_or("", Text::as_str)),
        })
    }

    /// Returns the millionths, where there are any.
    pub fn micros(amount: Option<&Self>) -> Option<Micros> {
        amount?.amount_micros
    }
}

/// Formats an amount: `12000.5 EUR`.
pub fn money(money: &Money) -> String {
    format!("{} {}", money.amount, money.currency)
        .trim_end()
        .to_owned()
}

/// Millionths of a currency's unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Micros(pub i128);

/// Up to here JSON's numbers, which are doubles, hold every whole number.
const EXACT: i128 = 1 << 53;

/// Decimal places of millionths.
const PLACES: u32 = 6;

impl Micros {
    /// Formats a decimal without superfluous zeros.
    ///
    /// ```
    /// use crm_skill::twenty::values::Micros;
    /// assert_eq!(Micros(1_250_500_000).decimal(), "1250.5");
    /// assert_eq!(Micros(-10).decimal(), "-0.00001");
    /// ```
    pub fn decimal(self) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (units, rest) = (
            self.0.unsigned_abs() / 1_000_000,
            self.0.unsigned_abs() % 1_000_000,
        );
        if rest == 0 {
            return format!("{sign}{units}");
        }
        format!(
            "{sign}{units}.{}",
            format!("{rest:06}").trim_end_matches('0')
        )
    }

    /// Formats the amount for people: with "about" where the CRM's number is a double and may be
    /// rounded.
    ///
    /// ```
    /// use crm_skill::twenty::values::Micros;
    /// assert_eq!(Micros(15_000_000_000_000_000).shown(), "15000000000");
    /// assert_eq!(Micros(15_000_000_000_000_002).shown(), "about 15000000000.000002");
    /// ```
    pub fn shown(self) -> String {
        let about = if self.is_exact() { "" } else { "about " };
        format!("{about}{}", self.decimal())
    }

    /// Checks that no other amount of as many decimals reads the same. With each decimal place
    /// less, a double holds amounts that are twice as large: whole units up to about 576 billion.
    pub fn is_exact(self) -> bool {
        let places = (1..=PLACES).take_while(|&places| self.0 % 10_i128.pow(places) == 0);
        let spare = places.count();
        self.0.unsigned_abs() <= EXACT.unsigned_abs() << spare
    }

    /// Checks that the amount can be written: a double holds it exactly, and it is within the CRM's
    /// whole numbers.
    pub fn is_writable(self) -> bool {
        i64::try_from(self.0).is_ok() && (self.0 as f64) as i128 == self.0
    }

    /// Returns the number as it is sent, where it can be.
    pub fn number(self) -> Option<i64> {
        i64::try_from(self.0).ok().filter(|_| self.is_writable())
    }

    /// Returns the nearest amounts that can be written, below and above.
    pub fn nearest(self) -> (Self, Self) {
        let below = {
            let near = (self.0 as f64) as i128;
            if near > self.0 {
                ((self.0 as f64).next_down()) as i128
            } else {
                near
            }
        };
        let above = ((below as f64).next_up()) as i128;
        (Self(below), Self(above))
    }
}

impl<'de> Deserialize<'de> for Micros {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Whole;
        impl Visitor<'_> for Whole {
            type Value = Micros;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a whole number of millionths")
            }

            fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Micros, E> {
                Ok(Micros(value.into()))
            }

            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Micros, E> {
                Ok(Micros(value.into()))
            }

            fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Micros, E> {
                // JavaScript prints whole numbers from 1e21 on with an exponent. Nothing is worth
                // more than 1e30 millionths.
                if value.fract() == 0.0 && value.abs() <= 1e30 {
                    Ok(Micros(value as i128))
                } else {
                    Err(E::custom("an amount that is no whole number of millionths"))
                }
            }
        }
        deserializer.deserialize_any(Whole)
    }
}

/// The target of a task's link.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// A person.
    pub target_person: Option<NamedPerson>,
    /// A company.
    pub target_company: Option<Named>,
    /// A deal.
    pub target_opportunity: Option<Named>,
}

impl Target {
    /// Converts to links in an answer.
    pub fn links(&self, cutter: &mut Cutter) -> Vec<Link> {
        let person = self
            .target_person
            .as_ref()
            .map(|person| person.link(cutter));
        let company = self
            .target_company
            .as_ref()
            .map(|company| company.link(Kind::Company, cutter));
        let opportunity = self
            .target_opportunity
            .as_ref()
            .map(|deal| deal.link(Kind::Opportunity, cutter));
        [opportunity, person, company]
            .into_iter()
            .flatten()
            .collect()
    }
}

/// Collects the targets of a task's links, each once.
pub fn links(targets: Option<&Connection<Target>>, cutter: &mut Cutter) -> Vec<Link> {
    let mut links: Vec<Link> = Vec::new();
    for link in targets
        .into_iter()
        .flat_map(|targets| &targets.edges)
        .flat_map(|edge| edge.node.links(cutter))
    {
        if !links.iter().any(|known| known.id == link.id) {
            links.push(link);
        }
    }
    links
}

/// A task of which only these fields were asked.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    /// Id.
    pub id: String,
    /// Time of the last change.
    pub updated_at: Option<Timestamp>,
    /// Title.
    pub title: Option<Text>,
    /// Body, where it was selected.
    pub body_v2: Option<RichText>,
    /// Its status.
    pub status: Option<Text>,
    /// Due time.
    pub due_at: Option<Timestamp>,
    /// Assignee.
    #[serde(rename = "assigneeId")]
    pub assignee: Option<Colleague>,
    /// Linked records, where they were selected.
    pub task_targets: Option<Connection<Target>>,
    /// Fields that could not be read.
    #[serde(default, rename = "$unreadable")]
    pub unreadable: Unreadable,
}

/// Drops repeated rows, by a key, and keeps the order.
pub fn unique<T>(rows: impl Iterator<Item = T>, key: impl Fn(&T) -> &str) -> Vec<T> {
    let mut unique: Vec<T> = Vec::new();
    for row in rows {
        if !unique.iter().any(|known| key(known) == key(&row)) {
            unique.push(row);
        }
    }
    unique
}
