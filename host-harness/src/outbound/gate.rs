//! The gate: decides whether a request may leave. [`Gate::admit`] lists its checks in their order,
//! for reads of a component and for writes of the host alike.

use bytes::Bytes;

use super::call_context::CallContext;
use super::outgoing::Outgoing;
use super::policy::{Allowed, Policy, PolicyDecision, Request};
use super::read_check;
use super::secrets::CredentialError;
use super::secrets::credentials::{Credentials, Ready};
use crate::denial::{Denial, DenialCode};
use crate::events::Phase;

/// Policy and credentials.
pub(super) struct Gate {
    pub(super) policy: Policy,
    pub(super) credentials: Credentials,
}

/// A request that may leave.
pub(super) struct Admitted<'g> {
    /// The rule that lets it through.
    pub(super) allowed: Allowed<'g>,
    /// The credential of its destination, if that takes one.
    pub(super) credential: Option<Ready>,
}

impl Gate {
    /// Checks a request. The first check that it does not pass decides.
    ///
    /// # Errors
    /// Returns the refusal.
    pub(super) fn admit(
        &self,
        context: &CallContext,
        outgoing: &Outgoing,
    ) -> Result<Admitted<'_>, Denial> {
        within_request_limit(context)?;
        let body = within_size_limit(context, outgoing)?;
        // Scheme, host, port, method, path, query, bound settings, headers, document and variables
        // or the shape of the body, in this order.
        let allowed = self.by_policy(context, outgoing, body)?;
        let credential = self.with_credential(context, &allowed)?;
        within_data_loss_rules(context, outgoing, &allowed)?;
        Ok(Admitted {
            allowed,
            credential,
        })
    }

    fn by_policy(
        &self,
        context: &CallContext,
        outgoing: &Outgoing,
        body: &[u8],
    ) -> Result<Allowed<'_>, Denial> {
        let request = Request {
            method: &outgoing.method,
            url: &outgoing.url,
            headers: &outgoing.headers,
            body,
        };
        let decision = self
            .policy
            .decide_for(context.phase, &request, &context.settings);
        match decision {
            PolicyDecision::Allow(allowed) => Ok(allowed),
            PolicyDecision::Deny(denial) => Err(denial),
        }
    }

    fn with_credential(
        &self,
        context: &CallContext,
        allowed: &Allowed<'_>,
    ) -> Result<Option<Ready>, Denial> {
        let destination = allowed.destination;
        self.credential(&destination.name, context.caller.as_deref())
            .map_err(|error| {
                let reason = format!(
                    "{} cannot be used: no credential is set up for it.",
                    destination.title
                );
                Denial::new(DenialCode::Credential, reason, error.to_string()).at(&destination.name)
            })
    }

    /// Returns the current credential of a destination for a caller; `None` if the destination
    /// takes none.
    ///
    /// # Errors
    /// Fails if it takes one and there is none.
    pub(super) fn credential(
        &self,
        destination: &str,
        caller: Option<&str>,
    ) -> Result<Option<Ready>, CredentialError> {
        self.credentials.ready(destination, caller)
    }
}

/// Counts the request, and refuses it beyond the limit of the call.
fn within_request_limit(context: &CallContext) -> Result<(), Denial> {
    if context.attempt() {
        Ok(())
    } else {
        Err(too_many_requests(context))
    }
}

/// Refuses a body that is larger than the limit of one request, or of all that a call may hold.
fn within_size_limit<'o>(
    context: &CallContext,
    outgoing: &'o Outgoing,
) -> Result<&'o Bytes, Denial> {
    outgoing.body.as_ref().ok_or_else(|| {
        if context.is_full() {
            return too_much_held(context);
        }
        Denial::new(
            DenialCode::RequestSize,
            format!(
                "A request's body was larger than {} bytes (`request-bytes`).",
                context.limits().request_bytes
            ),
            "The limit is `request-bytes` under [limits] in skill.toml; an operator can only lower it.",
        )
    })
}

/// Refuses a component's read that carries values of another service, or of unknown provenance.
/// Requests of the host itself were checked when they were proposed.
fn within_data_loss_rules(
    context: &CallContext,
    outgoing: &Outgoing,
    allowed: &Allowed<'_>,
) -> Result<(), Denial> {
    match &context.guard {
        Some(guard) if context.phase == Phase::Read => {
            read_check::check_read(guard, allowed, outgoing)
        }
        _ => Ok(()),
    }
}

pub(super) fn too_many_requests(context: &CallContext) -> Denial {
    Denial::new(
        DenialCode::RequestLimit,
        format!(
            "The action made more than {} requests (`requests`).",
            context.limits().requests
        ),
        "The limit is `requests` under [limits] in skill.toml; an operator can only lower it.",
    )
}

pub(super) fn too_much_held(context: &CallContext) -> Denial {
    Denial::new(
        DenialCode::BodySize,
        format!(
            "The action's requests and their answers came to more than {} MiB (`memory-mib`).",
            context.limits().body_bytes >> 20
        ),
        "The limit is `memory-mib` under [limits] in skill.toml, of what a call may have and of what is held for it; an operator can only lower it.",
    )
}
