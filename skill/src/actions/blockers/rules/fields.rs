//! Rules about owner, contacts and amount.

use super::super::facts::Facts;
use super::outcome::{RuleOutcome, fires, unknown};
use crate::bindings::exports::claw::crm::read::Severity;
use crate::twenty::values::{Currency, Micros};

/// Nobody owns it.
pub(super) fn no_owner(facts: &Facts<'_>) -> RuleOutcome {
    match &facts.deal.owner {
        Some(owner) if owner.is_known() => RuleOutcome::Clear,
        Some(_) => unknown("Its owner is no member any more, or may not be read."),
        None => fires(
            Severity::High,
            "Nobody owns it.",
            vec![facts.of_deal("owner", "none")],
            "Give it an owner.",
        ),
    }
}

/// It has no point of contact.
pub(super) fn no_contact(facts: &Facts<'_>) -> RuleOutcome {
    match (
        &facts.deal.point_of_contact_id,
        &facts.deal.point_of_contact,
    ) {
        (_, Some(_)) => RuleOutcome::Clear,
        (Some(_), None) => unknown("Its point of contact was deleted, or may not be read."),
        (None, None) => fires(
            Severity::Medium,
            "It has no point of contact.",
            vec![facts.of_deal("point of contact", "none")],
            "Find out who decides there and set that person as point of contact.",
        ),
    }
}

/// One known contact (the point of contact and the company's people) and an amount at or over the
/// threshold.
pub(super) fn single_threaded(facts: &Facts<'_>) -> RuleOutcome {
    let micros = match Currency::micros(facts.deal.amount.as_ref()) {
        Some(Micros(micros @ 1..)) => micros,
        _ => return unknown("It has no amount, so nobody can say how much hangs on its contacts."),
    };
    if micros < i128::from(facts.ctx.single_threaded_amount()) * 1_000_000 {
        return RuleOutcome::Clear;
    }
    let contact = facts.deal.point_of_contact.as_ref();
    if contact.is_none() && facts.deal.point_of_contact_id.is_some() {
        return unknown("Its point of contact was deleted, or may not be read.");
    }
    let contacts = match &facts.deal.company {
        None => u32::from(contact.is_some()),
        Some(company) => match &company.people {
            None => return unknown("The people of its company could not be read."),
            Some(people) => {
                let counted = contact.is_none_or(|contact| {
                    people.edges.iter().any(|edge| edge.node.id == contact.id)
                });
                people.total_count + u32::from(!counted)
            }
        },
    };
    if contacts != 1 {
        return RuleOutcome::Clear;
    }
    fires(
        Severity::Low,
        "Only one contact is known for an amount of this size.",
        vec![
            facts.of_deal("known contacts", "1"),
            facts.of_deal("amount", Micros(micros).shown()),
        ],
        "Get to know a second person there.",
    )
}

/// It has no amount.
pub(super) fn no_amount(facts: &Facts<'_>) -> RuleOutcome {
    match Currency::micros(facts.deal.amount.as_ref()) {
        None => fires(
            Severity::Low,
            "It has no amount.",
            vec![facts.of_deal("amount", "none")],
            "Estimate what it is worth.",
        ),
        Some(Micros(0)) => unknown("Its amount is 0, which may mean that nobody has set it."),
        Some(_) => RuleOutcome::Clear,
    }
}
