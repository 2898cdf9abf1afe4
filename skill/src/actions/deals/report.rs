//! The answer: the numbers, the groups, the first deals, and all of it as text for a person.

use super::filter::Wanted;
use super::find::Found;
use super::queries::ListedDeal;
use super::rows::{line, row};
use super::totals::{Totals, totals};
use crate::bindings::claw::crm::types::Money;
use crate::bindings::exports::claw::crm::read::{
    CurrencySum, DealRow, DealsAnswer, DealsBy, DealsGroup, DealsSort,
};
use crate::context::Context;
use crate::day::utc_midnight;
use crate::failure::{self, Failure};
use crate::markdown::{MarkdownPage, count, escape};
use crate::twenty::hidden;
use crate::twenty::values::money;

/// The most groups that the text names.
const GROUPS: usize = 20;

/// Makes the answer.
pub(super) fn answer(ctx: &Context<'_>, wanted: &Wanted, found: Found) -> DealsAnswer {
    let mut missing = Vec::new();
    let mut note = |part: &str, failure: &Failure| {
        missing.push(format!("{part}: {}", failure::sentence(failure)));
    };
    let groups = found
        .groups
        .and_then(|(groups, lost)| totals(ctx, wanted, &groups, lost));
    let summed = groups.is_ok();
    let sums = groups.unwrap_or_else(|failure| {
        note("sums", &failure);
        Totals::default()
    });
    let (mut deals, total, lost) = match found.deals {
        Ok((list, lost)) => {
            let total = list.total_count;
            (list.rows().collect(), Some(total), lost)
        }
        Err(failure) => {
            note("deals", &failure);
            (Vec::new(), None, None)
        }
    };
    missing.extend(lost.map(|lost| format!("deals: {lost}")));
    missing.extend(sums.missing.iter().cloned());
    missing.extend(by_stage(wanted, &mut deals, total, &sums));
    let total = total.or(sums.counted.filter(|_| wanted.no_amount));
    let without_amount = match (total, sums.counted) {
        (Some(total), _) if wanted.no_amount => Some(total),
        (Some(total), Some(counted)) if counted <= total => Some(total - counted),
        (Some(_), Some(_)) => {
            missing.push("deals changed while they were counted".to_owned());
            None
        }
        _ => None,
    };
    let rows: Vec<DealRow> = deals.iter().map(|deal| row(ctx, deal)).collect();
    let mut answer = DealsAnswer {
        markdown: String::new(),
        total,
        without_amount,
        sums: sums.sums,
        by: wanted.by,
        groups: sums.groups,
        deals: rows,
        missing,
    };
    let page = page(ctx, wanted, &answer, &deals, summed);
    answer.markdown = hidden::with_note(ctx, page.finish());
    answer
}

fn page(
    ctx: &Context<'_>,
    wanted: &Wanted,
    answer: &DealsAnswer,
    deals: &[ListedDeal],
    summed: bool,
) -> MarkdownPage {
    let title = match answer.total {
        None => "Deals".to_owned(),
        Some(0) => "No deals".to_owned(),
        Some(total) => count(total, "deal", "deals"),
    };
    let mut page = MarkdownPage::titled(&title);
    if answer.total == Some(0) {
        page.line(&format!("Nothing meets this: {}.", wanted.words));
    } else {
        page.line(&format!("Asked for: {}.", wanted.words));
    }
    for line in together(wanted, answer) {
        page.line(&line);
    }
    groups(ctx, wanted, answer, summed, &mut page);
    if !deals.is_empty() {
        let order = match wanted.sort {
            DealsSort::CloseDate => "soonest to close first",
            DealsSort::Amount => "largest first",
            DealsSort::Changed => "changed last first",
            DealsSort::Stage => "in the order of their stages",
            DealsSort::Name => "by name",
        };
        page.heading(&format!("Deals, {order}"));
        for (deal, row) in deals.iter().zip(&answer.deals) {
            page.bullet(&line(ctx, deal, row));
        }
        let shown = u32::try_from(deals.len()).unwrap_or(u32::MAX);
        let more = answer.total.unwrap_or(0).saturating_sub(shown);
        if more > 0 {
            page.line(&format!("And {more} more."));
        }
        if wanted.sort == DealsSort::Amount && currencies(&answer.deals) > 1 {
            page.line("Largest by the number alone, whatever its currency.");
        }
    }
    for part in &answer.missing {
        page.line(&format!(
            "Not known: {}.",
            escape(part.trim_end_matches('.'))
        ));
    }
    page
}

/// Tells the sums of all, and how many deals are in none.
fn together(wanted: &Wanted, answer: &DealsAnswer) -> Vec<String> {
    let mut lines = Vec::new();
    if !answer.sums.is_empty() {
        lines.push(format!("Together: {}.", sums(&answer.sums)));
    }
    let without = answer.without_amount.filter(|_| !wanted.no_amount);
    match without {
        None | Some(0) => {}
        Some(1) => lines.push("1 has no amount and is in no sum.".to_owned()),
        Some(number) => lines.push(format!("{number} have no amount and are in no sum.")),
    }
    lines
}

fn groups(
    ctx: &Context<'_>,
    wanted: &Wanted,
    answer: &DealsAnswer,
    summed: bool,
    page: &mut MarkdownPage,
) {
    // One stage is all that was asked for, and its sums are those of all.
    let only = wanted.by == DealsBy::Stage && wanted.filter.stages.len() == 1;
    if !summed || answer.groups.is_empty() || only {
        return;
    }
    page.heading(match wanted.by {
        DealsBy::Stage => "By stage",
        DealsBy::Month => "By month of the close date",
        DealsBy::Owner => "By owner",
    });
    for group in answer.groups.iter().take(GROUPS) {
        page.bullet(&group_line(group));
    }
    let more = answer.groups.len().saturating_sub(GROUPS);
    if more > 0 {
        page.line(&format!("And {more} more of these."));
    }
    let zone = ctx.zone();
    let today = zone.date(ctx.now);
    if wanted.by == DealsBy::Month && utc_midnight(today) < zone.start(today) {
        // The CRM groups by the instant, and knows no days.
        page.line(&format!(
            "Months are those of {}: a close date without a time that is the first of a month counts in the month before.",
            escape(zone.name())
        ));
    }
}

fn group_line(group: &DealsGroup) -> String {
    let said = if group.sums.is_empty() {
        count(group.deals, "deal", "deals")
    } else {
        sums(&group.sums)
    };
    format!("{}: {said}", escape(&group.label))
}

/// Lists sums, one a currency: `84000 USD in 1 deal`.
fn sums(sums: &[CurrencySum]) -> String {
    let each = sums.iter().map(|one| {
        let deals = count(one.deals, "deal", "deals");
        match &one.currency {
            None => format!("{} without a currency in {deals}", one.sum),
            Some(currency) => {
                let amount = Money {
                    amount: one.sum.clone(),
                    currency: currency.clone(),
                };
                format!("{} in {deals}", escape(&money(&amount)))
            }
        }
    });
    each.collect::<Vec<_>>().join(", ")
}

fn currencies(deals: &[DealRow]) -> usize {
    let mut known: Vec<&str> = Vec::new();
    for amount in deals.iter().filter_map(|deal| deal.amount.as_ref()) {
        if !known.contains(&amount.currency.as_str()) {
            known.push(&amount.currency);
        }
    }
    known.len()
}

/// Puts the deals into the order of the stages, and says so where others may come before them: that
/// the CRM sorts stages in the workspace's order is not recorded.
fn by_stage(
    wanted: &Wanted,
    deals: &mut [ListedDeal],
    total: Option<u32>,
    sums: &Totals,
) -> Option<String> {
    if wanted.sort != DealsSort::Stage {
        return None;
    }
    let place = |stage: &str| {
        let stages = &mut wanted.order.iter();
        stages
            .position(|known| known == stage)
            .unwrap_or(usize::MAX)
    };
    let places: Vec<usize> = deals
        .iter()
        .map(|deal| place(deal.stage.as_str()))
        .collect();
    let sorted = places.is_sorted();
    deals.sort_by_key(|deal| place(deal.stage.as_str()));
    let all = total.is_some_and(|total| usize::try_from(total).is_ok_and(|n| n <= places.len()));
    let first = places.iter().min().copied().unwrap_or(usize::MAX);
    let earliest = wanted.filter.stages.iter().map(|stage| place(stage)).min();
    let before = |group: &DealsGroup| group.key.as_deref().is_some_and(|key| place(key) < first);
    let known = earliest == Some(first)
        || wanted.by == DealsBy::Stage && sums.counted == total && !sums.groups.iter().any(before);
    if deals.is_empty() || all || (sorted && known) {
        return None;
    }
    Some("deals: whether others are in an earlier stage than these".to_owned())
}
