//! The deals of the list: in the form of the answer, and as lines for people.

use super::queries::ListedDeal;
use crate::actions::render::{member, parts};
use crate::bindings::claw::crm::types::Kind;
use crate::bindings::exports::claw::crm::read::DealRow;
use crate::context::Context;
use crate::markdown::escape;
use crate::text::{self, Cutter};
use crate::twenty;
use crate::twenty::hidden::hides;
use crate::twenty::values::{Currency, money, named};

/// Converts a deal to the form of the answer.
pub(super) fn row(ctx: &Context<'_>, deal: &ListedDeal) -> DealRow {
    let mut cutter = Cutter::default();
    let company = deal.company.as_ref();
    DealRow {
        id: deal.id.clone(),
        label: cutter.label(named(deal.name.as_ref())),
        stage: cutter.label(deal.stage.as_str()),
        amount: Currency::money(deal.amount.as_ref(), &mut cutter),
        close_date: deal.close_date.map(text::instant),
        owner: member(deal.owner.as_ref(), &mut cutter),
        company: company.map(|company| company.link(Kind::Company, &mut cutter)),
        changed: deal.updated_at.map(text::instant),
        unreadable: deal.unreadable.names(),
        truncated: cutter.cut,
        provenance: twenty::provenance(ctx, "opportunity", &deal.id, deal.updated_at),
    }
}

/// Formats a deal as one line of Markdown.
pub(super) fn line(ctx: &Context<'_>, deal: &ListedDeal, row: &DealRow) -> String {
    let zone = ctx.zone();
    // What could not be read is named as that, and is not missing.
    let none = |field: &str, said: &str| {
        let known = !deal.unreadable.has(field) && !hides(ctx, "opportunity", field);
        known.then(|| said.to_owned())
    };
    let amount = match &row.amount {
        Some(amount) if amount.currency.is_empty() => {
            Some(format!("{} without a currency", amount.amount))
        }
        Some(amount) => Some(escape(&money(amount))),
        None => none("amount", "no amount"),
    };
    let closes = match deal.close_date {
        Some(date) => Some(format!("closes {}", zone.due(date).day)),
        None => none("closeDate", "no close date"),
    };
    let owner = match &row.owner {
        Some(owner) => Some(escape(&owner.name)),
        None => none("ownerId", "no owner"),
    };
    let details = parts([
        Some(escape(&row.stage)),
        amount,
        closes,
        row.company.as_ref().map(|company| escape(&company.label)),
        owner,
        deal.updated_at
            .map(|time| format!("changed {}", zone.date(time))),
        deal.unreadable.describe(),
    ]);
    format!("{}: {details} ({})", escape(&row.label), row.id)
}
