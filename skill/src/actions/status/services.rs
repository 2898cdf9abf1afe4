//! Checks the relay and PA Workspace: whether each answers, takes the token, and knows the caller.

use std::time::Duration;

use crate::bindings::exports::claw::crm::read::DestinationStatus;
use crate::context::Context;
use crate::failure::{self, Failure};
use crate::rest::{Service, errors};
use crate::tezit::{self, RELAY};
use crate::transport::{Outcome, Request, TransportError};
use crate::workspace::{self, WORKSPACE};

/// Checks the relay.
pub(super) fn relay(ctx: &Context<'_>) -> DestinationStatus {
    let unread = match tezit::get_unread(ctx) {
        Ok(unread) => unread,
        Err(failure) => return unset(&RELAY, &failure),
    };
    let members = tezit::get_members(ctx);
    let (first, second, took) = send_timed(ctx, unread, members.as_ref().ok());
    let team = match tezit::read_unread(first) {
        Ok(_) => members.and_then(|_| in_team(ctx, second)),
        Err(failure) => return state(&RELAY, took, Some(&failure), token_accepted(&failure)),
    };
    reachable(&RELAY, took, team.err().as_ref(), Some(true))
}

/// Checks that the caller is in the team that messages go to.
fn in_team(ctx: &Context<'_>, answer: Outcome) -> Result<(), Failure> {
    let members = tezit::read_members(answer)?;
    match tezit::me_as_set(ctx) {
        Some(me) if !members.contains(&me) => Err(failure::denied(
            "permission",
            "The caller's user id at the relay (TEZIT_USER_ID) is of nobody in the team (TEZIT_TEAM_ID).",
            "Ask the operator to correct one of the two.",
        )),
        _ => Ok(()),
    }
}

/// Checks PA Workspace.
pub(super) fn workspace(ctx: &Context<'_>) -> DestinationStatus {
    let health = match workspace::get_health(ctx) {
        Ok(health) => health,
        Err(failure) => return unset(&WORKSPACE, &failure),
    };
    // That it is up needs no token, so something is asked that does: what is on record from now on,
    // which is nothing.
    let entries = workspace::get_timesheet(ctx, Some(ctx.now));
    let (first, second, took) = send_timed(ctx, health, entries.as_ref().ok());
    if let Err(failure) = is_up(first) {
        return state(&WORKSPACE, took, Some(&failure), None);
    }
    let (failure, accepted) = match entries.and_then(|_| workspace::read_timesheet(second)) {
        Ok(_) => (None, Some(true)),
        Err(Failure::NotFound(_)) => {
            let failure = failure::not_found(
                "PA Workspace does not know the caller's assistant.",
                "Ask the operator to check PA_EMAIL, and to finish the set-up of Google Workspace there.",
            );
            (Some(failure), Some(true))
        }
        Err(failure) => {
            let accepted = token_accepted(&failure);
            (Some(failure), accepted)
        }
    };
    reachable(&WORKSPACE, took, failure.as_ref(), accepted)
}

fn is_up(answer: Outcome) -> Result<(), Failure> {
    let response = answer.map_err(|error| errors::transport(WORKSPACE.name, error))?;
    match response.status {
        200 if response.body.trim_ascii_start().starts_with(b"{") => Ok(()),
        200 => Err(errors::no_json(WORKSPACE.name, &response)),
        _ => Err(errors::failure(&WORKSPACE, &response)),
    }
}

/// Sends one request, or two side by side, and measures the time.
fn send_timed(
    ctx: &Context<'_>,
    first: Request,
    second: Option<&Request>,
) -> (Outcome, Outcome, Duration) {
    let begun = ctx.transport.elapsed();
    let requests: Vec<Request> = std::iter::once(first).chain(second.cloned()).collect();
    let mut answers = ctx.transport.send_all(&requests).into_iter();
    let took = ctx.transport.elapsed().saturating_sub(begun);
    let mut next = || answers.next().unwrap_or(Err(TransportError::Refused));
    (next(), next(), took)
}

fn unset(service: &Service, failure: &Failure) -> DestinationStatus {
    DestinationStatus {
        name: service.source.to_owned(),
        configured: false,
        reachable: false,
        credential_accepted: None,
        latency_ms: None,
        problem: Some(failure::explain(failure)),
    }
}

/// Reports on a service that has answered, whatever else is wrong.
fn reachable(
    service: &Service,
    took: Duration,
    failure: Option<&Failure>,
    accepted: Option<bool>,
) -> DestinationStatus {
    DestinationStatus {
        reachable: true,
        latency_ms: Some(millis(took)),
        ..state(service, took, failure, accepted)
    }
}

fn state(
    service: &Service,
    took: Duration,
    failure: Option<&Failure>,
    credential_accepted: Option<bool>,
) -> DestinationStatus {
    let reachable = !matches!(failure, Some(Failure::Unavailable(_)));
    DestinationStatus {
        name: service.source.to_owned(),
        configured: true,
        reachable,
        credential_accepted,
        latency_ms: reachable.then(|| millis(took)),
        problem: failure.map(failure::explain),
    }
}

/// Tells from a failure whether the token was accepted.
fn token_accepted(failure: &Failure) -> Option<bool> {
    match failure {
        Failure::Unauthenticated(_) => Some(false),
        Failure::RateLimited(_) => Some(true),
        Failure::Denied(denial) if denial.code == "permission" => Some(true),
        _ => None,
    }
}

fn millis(took: Duration) -> u32 {
    u32::try_from(took.as_millis()).unwrap_or(u32::MAX)
}
