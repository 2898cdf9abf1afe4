//! The surroundings of an action: the services, the settings, the caller and the time.

use std::cell::{OnceCell, Ref, RefCell};
use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::bindings::claw::skill::types::Failure;
use crate::day::Zone;
use crate::hidden_fields::HiddenField;
use crate::transport::Transport;
use crate::{failure, text};

/// Settings that are not secret, by key. The harness sets those that begin with `caller.` for each
/// call, so that a model cannot claim to be somebody else.
pub trait Settings {
    /// The value, or none where it is not set.
    fn get(&self, key: &str) -> Option<String>;
}

/// An action's surroundings, for one call.
pub struct Context<'a> {
    /// The way out.
    pub transport: &'a dyn Transport,
    settings: &'a dyn Settings,
    /// The time at which the call began.
    pub now: Timestamp,
    zone: OnceCell<Zone>,
    hidden: RefCell<BTreeSet<HiddenField>>,
}

/// Days without activity after which a deal is stale, unless the caller gives another number.
pub const STALE_DAYS: u16 = 14;

impl<'a> Context<'a> {
    /// Creates the context of one call.
    pub fn new(transport: &'a dyn Transport, settings: &'a dyn Settings, now: Timestamp) -> Self {
        Self {
            transport,
            settings,
            now,
            zone: OnceCell::new(),
            hidden: RefCell::default(),
        }
    }

    /// Returns the fields that the CRM key may not read, as far as this call has found out.
    pub fn hidden(&self) -> Ref<'_, BTreeSet<HiddenField>> {
        self.hidden.borrow()
    }

    /// Remembers fields that the key may not read.
    pub(crate) fn hide(&self, fields: BTreeSet<HiddenField>) {
        self.hidden.borrow_mut().extend(fields);
    }

    /// Returns a setting's value; an empty one counts as not set.
    pub fn setting(&self, key: &str) -> Option<String> {
        self.settings
            .get(key)
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty())
    }

    /// Returns Twenty's base URL (`twenty.base-url`), with no slash at the end; none where Twenty
    /// is not set up.
    pub fn crm_base_url(&self) -> Option<String> {
        self.setting("twenty.base-url")
            .map(|url| url.trim_end_matches('/').to_owned())
    }

    /// Returns the caller's e-mail address (`caller.email`), lower-cased, by which the CRM knows
    /// them.
    ///
    /// # Errors
    /// `invalid-input` where the harness named no caller: "me" then means nobody.
    pub fn caller_email(&self, field: &str) -> Result<String, Failure> {
        self.setting("caller.email").map(|email| email.to_lowercase()).ok_or_else(|| {
            failure::invalid_input(
                field,
                "\"me\" has no meaning here, because no caller is set",
                "Ask the operator to set the caller's e-mail address in the harness (--caller-email or the operator file), or name a colleague's e-mail address.",
            )
        })
    }

    /// Returns the caller's time zone (`time-zone`, with its data in `time-zone-data`); UTC where
    /// none is set.
    pub fn zone(&self) -> &Zone {
        self.zone
            .get_or_init(|| Zone::new(self.setting("time-zone"), self.setting("time-zone-data")))
    }

    /// Returns the stages that end a deal (`closed-stages`, separated by commas; by default
    /// `CUSTOMER`, the only closed one of a new workspace).
    pub fn closed_stages(&self) -> Vec<String> {
        listed(
            &self
                .setting("closed-stages")
                .unwrap_or_else(|| "CUSTOMER".to_owned()),
        )
    }

    /// Returns the statuses of finished tasks (`done-statuses`, separated by commas; by default
    /// `DONE`, the only one of a new workspace). A status that means "cancelled" belongs here too.
    pub fn done_statuses(&self) -> Vec<String> {
        listed(
            &self
                .setting("done-statuses")
                .unwrap_or_else(|| "DONE".to_owned()),
        )
    }

    /// Checks whether tasks of this status are finished.
    pub fn is_done(&self, status: &str) -> bool {
        self.done_statuses().iter().any(|done| done == status)
    }

    /// Returns the amount from which a deal should have more than one contact
    /// (`single-threaded-amount`, in units of its currency; by default 50,000).
    pub fn single_threaded_amount(&self) -> u32 {
        self.setting("single-threaded-amount")
            .and_then(|value| value.parse().ok())
            .unwrap_or(50_000)
    }

    /// Returns the current time in the form that answers use.
    pub fn fetched_at(&self) -> String {
        text::instant(self.now)
    }
}

/// Splits a list at its commas.
fn listed(list: &str) -> Vec<String> {
    list.split(',')
        .map(|one| one.trim().to_owned())
        .filter(|one| !one.is_empty())
        .collect()
}
