//! Access rules of the relay.

use super::service::Variant;
use super::store::{RelayStore, Tez};
use crate::rest::{RestRefusal, bearer};
use crate::tokens::verified;

/// The user that a request's token is of.
pub(super) fn caller(
    parts: &hyper::http::request::Parts,
    secret: &str,
    variant: Variant,
    now_ms: i64,
) -> Result<String, RestRefusal> {
    let invalid = |message| RestRefusal::unauthorized("INVALID_TOKEN", message);
    let Some(token) = bearer(parts) else {
        return Err(RestRefusal::unauthorized(
            "UNAUTHORIZED",
            "Bearer token required",
        ));
    };
    let claims = verified(token, secret, now_ms)
        .filter(|claims| variant == Variant::P || claims.is_from_mypa())
        .ok_or_else(|| invalid("Token verification failed"))?;
    if variant == Variant::M && claims.kind.as_deref().is_some_and(|kind| kind != "access") {
        return Err(invalid("Access token required"));
    }
    let user = claims.sub.filter(|sub| !sub.is_empty());
    user.ok_or_else(|| invalid("Token must contain sub claim"))
}

impl RelayStore {
    /// Refuses who is not in the team.
    pub(super) fn member_of(&self, team: &str, user: &str) -> Result<(), RestRefusal> {
        if self.is_member(team, user) {
            Ok(())
        } else {
            Err(RestRefusal::forbidden("Not a member of this team"))
        }
    }

    /// A message that a user may read. Its visibility has no say in it; P asks whom it names as
    /// well.
    pub(super) fn readable(
        &self,
        id: &str,
        user: &str,
        variant: Variant,
    ) -> Result<&Tez, RestRefusal> {
        let Some(tez) = self.find(id) else {
            return Err(RestRefusal::not_found("Tez not found"));
        };
        let team = tez.row.team_id.as_deref();
        let conversation = tez.row.conversation_id.as_deref();
        let readable = tez.row.sender_user_id == user
            || team.is_some_and(|team| self.is_member(team, user))
            || conversation
                .and_then(|id| self.conversation(id))
                .is_some_and(|found| found.party(user).is_some())
            || variant == Variant::P && tez.recipients.iter().any(|named| named.user_id == user);
        if readable {
            Ok(tez)
        } else {
            Err(RestRefusal::forbidden("Access denied"))
        }
    }
}
