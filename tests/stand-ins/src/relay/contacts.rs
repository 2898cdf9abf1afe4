//! Registered profiles, and finding them.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::forms;
use super::service::{RelayCall, Variant};
use super::store::{Contact, RelayStore};
use crate::rest::{Outcome, RestRefusal, data, list};

impl RelayCall<'_> {
    /// `POST /contacts/register`: makes or replaces the caller's own. What P and M both know and is
    /// left out becomes null; what M alone knows stays as it was.
    pub(super) fn register(&self, store: &mut RelayStore) -> Outcome {
        let profile = forms::profile(self.body, self.variant)?;
        let mut contacts = store.contacts.iter();
        let known = contacts.find(|contact| contact.id == self.caller).cloned();
        let contact = known.unwrap_or_else(|| Contact {
            id: self.caller.to_owned(),
            display_name: String::new(),
            email: None,
            avatar_url: None,
            tez_address: format!("{}@{}", self.caller, self.host),
            status: "active".to_owned(),
            channels: Vec::new(),
            preferred_channel: None,
            phone: None,
            telegram_id: None,
            last_seen_at: None,
            registered_at: self.now.to_owned(),
            updated_at: self.now.to_owned(),
        });
        let given = |value: Option<&str>| value.map(str::to_owned);
        let contact = Contact {
            display_name: profile.display_name.to_owned(),
            email: given(profile.email),
            avatar_url: given(profile.avatar_url),
            channels: profile.channels.map_or(contact.channels, |channels| {
                channels.into_iter().map(str::to_owned).collect()
            }),
            preferred_channel: given(profile.preferred_channel).or(contact.preferred_channel),
            phone: given(profile.phone).or(contact.phone),
            telegram_id: given(profile.telegram_id).or(contact.telegram_id),
            updated_at: self.now.to_owned(),
            ..contact
        };
        let registered = data(StatusCode::CREATED, &contact);
        match store.contacts.iter_mut().find(|c| c.id == contact.id) {
            Some(known) => *known = contact,
            None => store.contacts.push(contact),
        }
        Ok(registered)
    }

    /// `GET /contacts/me`.
    pub(super) fn own_contact(&self, store: &RelayStore) -> Outcome {
        let mine = store.contacts.iter().find(|c| c.id == self.caller);
        let mine = mine.ok_or_else(|| RestRefusal::not_found("Profile not registered"))?;
        Ok(data(StatusCode::OK, mine))
    }

    /// `GET /contacts/search`, over names and addresses; upper and lower case are the same for
    /// ASCII only. P shows everything of everybody, M little of team-mates.
    pub(super) fn search(&self, store: &RelayStore) -> Outcome {
        let query = self.target.parameter("q").unwrap_or_default().trim();
        if super::text::units(query) < 2 {
            let message = "Search query must be at least 2 characters";
            return Err(RestRefusal::invalid(message));
        }
        let query = query.to_ascii_lowercase();
        let has = |text: &str| text.to_ascii_lowercase().contains(&query);
        let fits = |contact: &&Contact| {
            has(&contact.display_name) || contact.email.as_deref().is_some_and(has)
        };
        let contacts = store.contacts.iter();
        let found: Vec<Value> = contacts
            .filter(fits)
            .filter(|contact| self.sees(store, &contact.id))
            .take(self.target.limit("limit", 20, 50))
            .map(|contact| match self.variant {
                Variant::P => json!(contact),
                Variant::M => public(contact),
            })
            .collect();
        Ok(list(&found, &json!({"count": found.len()})))
    }

    /// `GET /contacts/:userId`.
    pub(super) fn contact(&self, store: &RelayStore, id: &str) -> Outcome {
        let found = store.contacts.iter().find(|contact| contact.id == id);
        let found = found.filter(|_| self.sees(store, id));
        let found = found.ok_or_else(|| RestRefusal::not_found("Contact not found"))?;
        Ok(data(StatusCode::OK, public(found)))
    }

    /// `GET /contacts/:userId/routing`, which M does not have.
    pub(super) fn routing(&self, store: &RelayStore, id: &str) -> Outcome {
        if self.variant == Variant::M {
            return Err(RestRefusal::no_route());
        }
        let found = store.contacts.iter().find(|contact| contact.id == id);
        let Some(found) = found else {
            let (status, message) = (StatusCode::NOT_FOUND, "Contact not found");
            return Err(RestRefusal::new(status, "CONTACT_NOT_FOUND", message));
        };
        let (mut channels, mut addresses) = (vec!["tezit"], json!({"tezit": found.tez_address}));
        if let (Some(email), Value::Object(addresses)) = (&found.email, &mut addresses) {
            channels.push("email");
            addresses.insert("email".to_owned(), json!(email));
        }
        let routing = json!({
            "contactId": found.id,
            "displayName": found.display_name,
            "tezAddress": found.tez_address,
            "recommended": "tezit",
            "channels": channels,
            "addresses": addresses,
            "nativeTezAvailable": true,
            "requiresTipLink": false,
        });
        Ok(data(StatusCode::OK, routing))
    }

    /// Returns true if a user is visible to the caller: on M only whoever shares a team, and
    /// themselves.
    fn sees(&self, store: &RelayStore, user: &str) -> bool {
        let mut teams = store.teams.iter();
        self.variant == Variant::P
            || user == self.caller
            || teams.any(|team| team.role_of(user).is_some() && team.role_of(self.caller).is_some())
    }
}

/// Builds the public view of a contact.
fn public(contact: &Contact) -> Value {
    json!({
        "id": contact.id,
        "displayName": contact.display_name,
        "tezAddress": contact.tez_address,
        "status": contact.status,
        "lastSeenAt": contact.last_seen_at,
    })
}
