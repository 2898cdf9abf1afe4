//! Teams and who is in them.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::forms;
use super::service::RelayCall;
use super::store::{RelayStore, Team, TeamMember};
use crate::rest::{Outcome, RestRefusal, data};

impl RelayCall<'_> {
    /// `POST /teams`: whoever makes one is its admin.
    pub(super) fn make_team(&self, store: &mut RelayStore) -> Outcome {
        let (id, name) = forms::team(self.body, self.variant)?;
        let id = match id {
            Some(taken) if store.team(taken).is_some() => {
                return Err(RestRefusal::internal("Failed to create team"));
            }
            Some(free) => free.to_owned(),
            None => store.new_id(),
        };
        store.teams.push(Team {
            id: id.clone(),
            name: name.to_owned(),
            created_by: self.caller.to_owned(),
            created_at: self.now.to_owned(),
            members: vec![self.member(&id, self.caller, "admin")],
        });
        Ok(data(StatusCode::CREATED, json!({"id": id, "name": name})))
    }

    /// `GET /teams`: the caller's.
    pub(super) fn teams(&self, store: &RelayStore) -> Outcome {
        let teams = store.teams.iter();
        let mine: Vec<Value> = teams
            .filter_map(|team| {
                let role = team.role_of(self.caller)?;
                Some(json!({"id": team.id, "name": team.name, "role": role}))
            })
            .collect();
        Ok(data(StatusCode::OK, mine))
    }

    /// `GET /teams/:id/members`.
    pub(super) fn members(&self, store: &RelayStore, id: &str) -> Outcome {
        store.member_of(id, self.caller)?;
        let team = store.team(id);
        Ok(data(StatusCode::OK, team.map(|team| &team.members)))
    }

    /// `POST /teams/:id/members`. One who is in the team already is in it once more.
    pub(super) fn add_member(&self, store: &mut RelayStore, id: &str) -> Outcome {
        let (user, role) = forms::member(self.body)?;
        let team = self.administered(store, id);
        let team = team.ok_or_else(|| RestRefusal::forbidden("Only admins can add members"))?;
        team.members.push(self.member(id, user, role));
        let added = json!({"teamId": id, "userId": user, "role": role});
        Ok(data(StatusCode::CREATED, added))
    }

    /// `DELETE /teams/:id/members/:userId`: an admin removes anybody, anybody themselves.
    pub(super) fn remove_member(&self, store: &mut RelayStore, id: &str, user: &str) -> Outcome {
        let leaving = user == self.caller;
        if !leaving && self.administered(store, id).is_none() {
            return Err(RestRefusal::forbidden("Only admins can remove members"));
        }
        let mut teams = store.teams.iter_mut();
        if let Some(team) = teams.find(|team| team.id == id) {
            team.members.retain(|member| member.user_id != user);
        }
        Ok(data(StatusCode::OK, json!({"removed": true})))
    }

    fn administered<'w>(&self, store: &'w mut RelayStore, id: &str) -> Option<&'w mut Team> {
        let mut teams = store.teams.iter_mut();
        teams.find(|team| team.id == id && team.role_of(self.caller) == Some("admin"))
    }

    fn member(&self, team: &str, user: &str, role: &str) -> TeamMember {
        TeamMember {
            team_id: team.to_owned(),
            user_id: user.to_owned(),
            role: role.to_owned(),
            joined_at: self.now.to_owned(),
        }
    }
}
