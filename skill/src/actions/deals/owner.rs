//! Reads whose deals are meant, and names the owners of groups.

use std::collections::BTreeSet;

use crate::actions::input;
use crate::context::Context;
use crate::failure::{self, Failure};
use crate::transport::Outcome;
use crate::twenty::members::{self, MemberByEmail, Members};
use crate::twenty::values::Colleague;
use crate::twenty::{Prepared, Query, fetch_all, pattern, prepare};

/// The owners whose deals are meant.
pub(super) enum OwnerFilter {
    Anyone,
    Nobody,
    Member(Colleague),
}

impl OwnerFilter {
    pub(super) fn read(ctx: &Context<'_>, given: Option<&str>) -> Result<Self, Failure> {
        let given = given.map_or("anyone", str::trim);
        match given.to_lowercase().as_str() {
            "anyone" => return Ok(Self::Anyone),
            "none" => return Ok(Self::Nobody),
            "me" => {}
            text if text.contains('@') => {}
            _ => {
                return Err(failure::invalid_input(
                    "owner",
                    "this is neither \"me\", \"none\" nor \"anyone\", and no e-mail address",
                    "Give a colleague's e-mail address as the CRM has it; crm_status lists them.",
                ));
            }
        }
        let address = input::member_address(ctx, "owner", given)?;
        match with_address(ctx, &address)? {
            Some(member) => Ok(Self::Member(member)),
            None => Err(input::no_member(ctx, "owner", &address)),
        }
    }
}

/// Finds a member on the page of members that the host keeps, or by a request of its own where
/// there are more of them.
fn with_address(ctx: &Context<'_>, address: &str) -> Result<Option<Colleague>, Failure> {
    let has = |member: &Colleague| member.is(address);
    let (members, more) = members::page(ask(ctx, &Members {})?)?;
    match members.into_iter().find(has) {
        None if more => {
            let email = pattern(address);
            let found = members::with_address(ask(ctx, &MemberByEmail { email })?)?;
            Ok(found.into_iter().find(has))
        }
        found => Ok(found),
    }
}

/// Reads who these members are; those whom the CRM does not name are not among them.
pub(super) fn named(ctx: &Context<'_>, ids: &BTreeSet<String>) -> Vec<Colleague> {
    if ids.is_empty() {
        return Vec::new();
    }
    let exchange = |requests: &[Prepared]| fetch_all(ctx, requests);
    ask(ctx, &Members {}).map_or_else(
        |_| Vec::new(),
        |answer| members::by_ids(ctx, ids, answer, &exchange),
    )
}

fn ask<Q: Query>(ctx: &Context<'_>, query: &Q) -> Result<Outcome, Failure> {
    let prepared = prepare(ctx, query)?;
    let answer = fetch_all(ctx, &[prepared]).pop();
    answer.ok_or_else(|| {
        failure::unavailable(false, "The members were not asked for.", "Call again.")
    })
}
