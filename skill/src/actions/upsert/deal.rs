//! Changes of a deal that another proposal makes beside its own steps.

use serde_json::{Map, Value};

use super::assignment::Assignment;
use super::lookup;
use super::plan::RecordChange;
use super::set::{self, DesiredRecord};
use crate::bindings::claw::crm::types::Kind;
use crate::bindings::exports::claw::crm::propose::{DealChange, UpsertRequest};
use crate::context::Context;
use crate::failure::{self, Failure};
use crate::twenty::mutations::{Leaf, nested};

/// Checked values of a deal.
pub(in crate::actions) struct DealValues(DesiredRecord);

impl DealValues {
    /// Checks the values. `part` stands before the names of arguments.
    pub(in crate::actions) fn check(
        ctx: &Context<'_>,
        part: &str,
        change: &DealChange,
    ) -> Result<Self, Failure> {
        let request = request(change);
        if [
            &change.stage,
            &change.amount,
            &change.currency,
            &change.close_date,
        ]
        .iter()
        .all(|given| given.is_none())
        {
            return Err(failure::invalid_input(
                part,
                "no value is given, so nothing of the deal is to be changed",
                "Give at least one of stage, amount, currency and closeDate, or leave it out.",
            ));
        }
        set::opportunity(ctx, &request)
            .map(Self)
            .map_err(|failure| failure::within(failure, part))
    }

    /// Returns the values from which ids are derived.
    pub(in crate::actions) fn seed(&self) -> Map<String, Value> {
        let leaves: Vec<Leaf> = self.0.assignments.iter().map(Assignment::leaf).collect();
        nested(&leaves)
    }

    /// Reads the deal, in one request, and makes the step that changes it; none where it holds all
    /// values already.
    pub(in crate::actions) fn step(
        self,
        ctx: &Context<'_>,
        part: &str,
        id: &str,
    ) -> Result<Option<RecordChange>, Failure> {
        let (wanted, found) = lookup::opportunity(ctx, Some(id), self.0)?;
        let record = found.record.ok_or_else(|| {
            failure::not_found(
                "The deal was deleted just now.",
                "Search for it by name with crm_search.",
            )
        })?;
        RecordChange::find(ctx, &wanted, &record, true)
            .map_err(|failure| failure::within(failure, part))
    }
}

/// Builds the request that sets these values and no others.
fn request(change: &DealChange) -> UpsertRequest {
    UpsertRequest {
        kind: Kind::Opportunity,
        id: None,
        name: None,
        first_name: None,
        last_name: None,
        email: None,
        phone: None,
        job_title: None,
        domain: None,
        amount: change.amount.clone(),
        currency: change.currency.clone(),
        stage: change.stage.clone(),
        close_date: change.close_date.clone(),
        company: None,
        contact: None,
        owner: None,
        title: None,
        note: None,
        due: None,
        status: None,
        assignee: None,
        custom: None,
        idempotency_key: None,
    }
}
