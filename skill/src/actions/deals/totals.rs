//! Adds up the groups that the CRM gives: by key, and by currency. Sums of different currencies are
//! never added.

use std::collections::BTreeSet;

use super::filter::Wanted;
use super::owner;
use super::queries::Group;
use crate::bindings::exports::claw::crm::read::{CurrencySum, DealsBy, DealsGroup};
use crate::context::Context;
use crate::failure::{self, Failure};
use crate::text::{self, Text};
use crate::twenty::values::{Colleague, Micros};

/// The number of groups that is asked for: as many may not be all of them.
const GROUPS: usize = 200;

/// The groups and the sums of all.
#[derive(Default)]
pub(super) struct Totals {
    pub(super) groups: Vec<DealsGroup>,
    pub(super) sums: Vec<CurrencySum>,
    /// The number of deals in all groups; none where they are not all of the groups.
    pub(super) counted: Option<u32>,
    pub(super) missing: Vec<String>,
}

/// Adds up the groups.
pub(super) fn totals(
    ctx: &Context<'_>,
    wanted: &Wanted,
    groups: &[Group],
    lost: Option<String>,
) -> Result<Totals, Failure> {
    let mut missing: Vec<String> = lost
        .map(|lost| format!("sums: {lost}"))
        .into_iter()
        .collect();
    if groups.len() >= GROUPS {
        missing.push(format!(
            "sums: there are more groups than the {GROUPS} that were read"
        ));
    }
    let mut keyed: Vec<(Option<String>, Vec<CurrencyPart>)> = Vec::new();
    let mut all: Vec<CurrencyPart> = Vec::new();
    let mut counted = 0_u32;
    let mut unsummed = 0_u32;
    for group in groups {
        let mut values = group.group_by_dimension_values.iter();
        let key = some(values.next()).map(|key| match wanted.by {
            DealsBy::Month => month(&key),
            DealsBy::Stage | DealsBy::Owner => Ok(key),
        });
        let key = key.transpose()?;
        let currency = some(values.next());
        let deals = group.total_count;
        counted = counted.saturating_add(deals);
        let sum = group.sum_amount_amount_micros.filter(|_| !wanted.no_amount);
        if sum.is_none() && !wanted.no_amount {
            unsummed = unsummed.saturating_add(deals);
        }
        let part = CurrencyPart {
            currency,
            deals,
            sum: sum.map(|micros| (micros.0, micros.is_exact())),
        };
        add(&mut all, part.clone());
        match keyed.iter_mut().find(|(known, _)| *known == key) {
            Some((_, parts)) => add(parts, part),
            None => keyed.push((key, vec![part])),
        }
    }
    // Without some of the groups, no sum is of all.
    let sums = match missing.is_empty() {
        true => shown(all),
        false => Vec::new(),
    };
    if unsummed > 0 {
        missing.push(format!("sums: those of {unsummed} deals could not be read"));
    }
    let whole = missing.is_empty();
    let labels = Labels::read(ctx, wanted, &keyed);
    let mut groups: Vec<(Place, DealsGroup)> = keyed
        .into_iter()
        .map(|(key, parts)| labels.group(wanted, key, parts))
        .collect();
    groups.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(Totals {
        groups: groups.into_iter().map(|(_, group)| group).collect(),
        sums,
        counted: whole.then_some(counted),
        missing,
    })
}

/// The deals of one currency.
#[derive(Clone)]
struct CurrencyPart {
    currency: Option<String>,
    deals: u32,
    /// Millionths, and whether they are exact.
    sum: Option<(i128, bool)>,
}

fn add(parts: &mut Vec<CurrencyPart>, part: CurrencyPart) {
    match parts
        .iter_mut()
        .find(|known| known.currency == part.currency)
    {
        None => parts.push(part),
        Some(known) => {
            known.deals = known.deals.saturating_add(part.deals);
            // A sum that lacks a part would read as the whole.
            known.sum = known
                .sum
                .zip(part.sum)
                .map(|((one, exact), (other, too))| (one.saturating_add(other), exact && too));
        }
    }
}

/// Returns the sums by currency, those without one last.
fn shown(mut parts: Vec<CurrencyPart>) -> Vec<CurrencySum> {
    parts.sort_by(|one, other| {
        let key = |part: &CurrencyPart| (part.currency.is_none(), part.currency.clone());
        key(one).cmp(&key(other))
    });
    parts
        .into_iter()
        .filter_map(|part| {
            let (micros, exact) = part.sum?;
            let about = if exact { "" } else { "about " };
            Some(CurrencySum {
                currency: part.currency,
                deals: part.deals,
                sum: format!("{about}{}", Micros(micros).decimal()),
            })
        })
        .collect()
}

/// Cuts a key or a currency; an empty text counts as none.
fn some(value: Option<&Option<Text>>) -> Option<String> {
    let value = value?.as_ref().filter(|text| !text.is_empty())?;
    Some(text::line(value.as_str(), text::LABEL).0)
}

/// Reads a month off its first day.
fn month(key: &str) -> Result<String, Failure> {
    let first = key.parse::<jiff::civil::Date>().ok();
    let first = first.filter(|day| day.day() == 1 && key.len() == 10);
    let month = first.and_then(|_| key.get(..7)).map(str::to_owned);
    month.ok_or_else(|| {
        failure::schema_mismatch(
            "groupByDimensionValues",
            "The CRM names a month by something else than its first day.",
        )
    })
}

/// The place of a group among the others: those without a key last.
type Place = (bool, usize, String);

/// The names of keys.
struct Labels {
    owners: Vec<Colleague>,
}

impl Labels {
    fn read(
        ctx: &Context<'_>,
        wanted: &Wanted,
        groups: &[(Option<String>, Vec<CurrencyPart>)],
    ) -> Self {
        let ids: BTreeSet<String> = match wanted.by {
            DealsBy::Owner => groups.iter().filter_map(|(key, _)| key.clone()).collect(),
            DealsBy::Stage | DealsBy::Month => BTreeSet::new(),
        };
        Self {
            owners: owner::named(ctx, &ids),
        }
    }

    fn group(
        &self,
        wanted: &Wanted,
        key: Option<String>,
        parts: Vec<CurrencyPart>,
    ) -> (Place, DealsGroup) {
        let (key, label) = match (wanted.by, key) {
            (DealsBy::Stage, None) => (None, "no stage".to_owned()),
            (DealsBy::Month, None) => (None, "no close date".to_owned()),
            (DealsBy::Owner, None) if wanted.no_owner => (None, "no owner".to_owned()),
            // The relation reads null for both (recorded), and nothing else can be grouped by.
            (DealsBy::Owner, None) => (None, "no owner, or one who has left".to_owned()),
            (DealsBy::Owner, Some(id)) => self.owner(id),
            (DealsBy::Stage | DealsBy::Month, Some(key)) => (Some(key.clone()), key),
        };
        let at = match wanted.by {
            DealsBy::Stage => {
                let is = |stage: &String| Some(stage) == key.as_ref();
                wanted.order.iter().position(is).unwrap_or(usize::MAX)
            }
            DealsBy::Month | DealsBy::Owner => 0,
        };
        let place = (key.is_none(), at, label.to_lowercase());
        let deals = parts
            .iter()
            .fold(0_u32, |sum, part| sum.saturating_add(part.deals));
        let group = DealsGroup {
            key,
            label,
            deals,
            sums: shown(parts),
        };
        (place, group)
    }

    /// Returns an owner's address, by which arguments name them, and name.
    fn owner(&self, id: String) -> (Option<String>, String) {
        let known = self
            .owners
            .iter()
            .find(|member| member.id.eq_ignore_ascii_case(&id));
        match known {
            Some(member) => {
                let email = member
                    .user_email
                    .as_ref()
                    .map(|email| email.as_str().to_owned());
                let (label, _) = text::line(&member.label(), text::LABEL);
                (Some(email.unwrap_or(id)), label)
            }
            None => {
                let label = format!("somebody unknown (member {id})");
                (Some(id), label)
            }
        }
    }
}
