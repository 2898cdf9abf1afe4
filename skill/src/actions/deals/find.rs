//! Sends the two requests side by side: the one that groups and the one that lists.

use super::filter::Wanted;
use super::queries::{
    DealsByAmount, DealsByChange, DealsByClose, DealsByName, DealsByStage, Group, GroupsData,
    ListData, ListedDeal, PipelineByMonth, PipelineByOwner, PipelineByStage,
};
use crate::bindings::exports::claw::crm::read::{DealsBy, DealsSort};
use crate::context::Context;
use crate::failure::Failure;
use crate::transport::{Outcome, TransportError};
use crate::twenty::values::Counted;
use crate::twenty::{Prepared, Reply, decode, fetch_all, prepare};

/// A part of an answer, and a note about rows of it that could not be read.
pub(super) type Fetched<T> = Result<(T, Option<String>), Failure>;

/// The answers; one of them at least is there.
pub(super) struct Found {
    pub(super) deals: Fetched<Counted<ListedDeal>>,
    pub(super) groups: Fetched<Vec<Group>>,
}

/// Asks for the deals and the groups.
pub(super) fn find(ctx: &Context<'_>, wanted: &Wanted) -> Result<Found, Failure> {
    let requests = [list_request(ctx, wanted)?, groups_request(ctx, wanted)?];
    let mut answers = fetch_all(ctx, &requests).into_iter();
    let mut next = || answers.next().unwrap_or(Err(TransportError::Refused));
    let (deals, groups) = (deals(wanted, next()), groups(wanted, next()));
    match (deals, groups) {
        (Err(failure), Err(_)) => Err(failure),
        (deals, groups) => Ok(Found { deals, groups }),
    }
}

fn list_request(ctx: &Context<'_>, wanted: &Wanted) -> Result<Prepared, Failure> {
    let (filter, limit) = (wanted.filter.clone(), wanted.limit);
    match wanted.sort {
        DealsSort::Amount => prepare(ctx, &DealsByAmount { filter, limit }),
        DealsSort::Changed => prepare(ctx, &DealsByChange { filter, limit }),
        DealsSort::CloseDate => prepare(ctx, &DealsByClose { filter, limit }),
        DealsSort::Name => prepare(ctx, &DealsByName { filter, limit }),
        DealsSort::Stage => prepare(ctx, &DealsByStage { filter, limit }),
    }
}

fn groups_request(ctx: &Context<'_>, wanted: &Wanted) -> Result<Prepared, Failure> {
    let filter = wanted.filter.clone();
    match wanted.by {
        DealsBy::Month => {
            let zone = ctx.zone().name().to_owned();
            prepare(ctx, &PipelineByMonth { filter, zone })
        }
        DealsBy::Owner => prepare(ctx, &PipelineByOwner { filter }),
        DealsBy::Stage => prepare(ctx, &PipelineByStage { filter }),
    }
}

fn deals(wanted: &Wanted, answer: Outcome) -> Fetched<Counted<ListedDeal>> {
    let Reply { data, errors } = match wanted.sort {
        DealsSort::Amount => decode::<DealsByAmount>(answer),
        DealsSort::Changed => decode::<DealsByChange>(answer),
        DealsSort::CloseDate => decode::<DealsByClose>(answer),
        DealsSort::Name => decode::<DealsByName>(answer),
        DealsSort::Stage => decode::<DealsByStage>(answer),
    }?;
    let ListData { opportunities } = data;
    let deals = errors.root("opportunities", opportunities)?;
    Ok((deals, errors.lost("opportunities")))
}

fn groups(wanted: &Wanted, answer: Outcome) -> Fetched<Vec<Group>> {
    let Reply { data, errors } = match wanted.by {
        DealsBy::Month => decode::<PipelineByMonth>(answer),
        DealsBy::Owner => decode::<PipelineByOwner>(answer),
        DealsBy::Stage => decode::<PipelineByStage>(answer),
    }?;
    let GroupsData {
        opportunities_group_by: groups,
    } = data;
    let groups = errors.root("opportunitiesGroupBy", groups)?;
    Ok((groups, errors.lost("opportunitiesGroupBy")))
}
