//! `deals`: the pipeline. What the deals that meet a filter are worth, by stage, month or owner and
//! by currency, and the first of them. Two requests beside what is looked up to read the filter,
//! whatever the size of the workspace: one that groups and one that lists.

mod company;
mod filter;
mod find;
mod owner;
mod queries;
mod report;
mod rows;
mod totals;
mod words;

pub use queries::{
    DealFilter, DealsByAmount, DealsByChange, DealsByClose, DealsByName, DealsByStage,
    PipelineByMonth, PipelineByOwner, PipelineByStage,
};

use crate::bindings::exports::claw::crm::read::{DealsAnswer, DealsRequest};
use crate::context::Context;
use crate::failure::Failure;

/// Runs the action.
///
/// # Errors
/// As `failure` says; a filter that no deal meets is an answer.
pub fn deals(ctx: &Context<'_>, request: &DealsRequest) -> Result<DealsAnswer, Failure> {
    let wanted = filter::Wanted::read(ctx, request)?;
    let found = find::find(ctx, &wanted)?;
    Ok(report::answer(ctx, &wanted, found))
}
