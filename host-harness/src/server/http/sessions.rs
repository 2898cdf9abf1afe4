//! Tracks sessions: each belongs to the caller who began it, and no caller has more than a share of
//! them.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use rmcp::transport::streamable_http_server::SessionManager as _;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;

use super::HttpLimits;
use super::refusal::Refusal;

pub(super) struct Sessions {
    manager: Arc<LocalSessionManager>,
    open: Mutex<HashMap<String, Session>>,
    all: usize,
    each: usize,
}

struct Session {
    caller: String,
    used: Instant,
    under_way: Arc<AtomicUsize>,
}

/// Marks a session as having a request in flight, until dropped.
#[derive(Debug)]
pub(super) struct InUse(Arc<AtomicUsize>);

impl Drop for InUse {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Sessions {
    pub(super) fn new(manager: Arc<LocalSessionManager>, limits: HttpLimits) -> Self {
        Self {
            manager,
            open: Mutex::default(),
            all: limits.sessions,
            each: limits.sessions_of_caller,
        }
    }

    fn open(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn count(&self) -> u64 {
        self.forget_ended().await;
        u64::try_from(self.open().len()).unwrap_or(u64::MAX)
    }

    /// Removes sessions that ended by themselves.
    async fn forget_ended(&self) {
        // In this order, since a session may begin meanwhile.
        let mut ended: HashSet<String> = self.open().keys().cloned().collect();
        for id in self.manager.sessions.read().await.keys() {
            ended.remove(id.as_ref());
        }
        self.open().retain(|id, session| {
            session.under_way.load(Ordering::SeqCst) > 0 || !ended.contains(id)
        });
    }

    /// Marks a session of the caller as in use. Another caller's session is refused like an unknown
    /// one.
    pub(super) fn enter(&self, id: &str, caller: &str) -> Result<InUse, Refusal> {
        let mut open = self.open();
        match open.get_mut(id) {
            Some(session) if session.caller == caller => {
                session.used = Instant::now();
                session.under_way.fetch_add(1, Ordering::SeqCst);
                Ok(InUse(Arc::clone(&session.under_way)))
            }
            _ => Err(Refusal::Session),
        }
    }

    /// Makes room for one more session of this caller, if necessary by closing their least recently
    /// used one.
    pub(super) async fn make_room(&self, caller: &str) -> Result<(), Refusal> {
        if self.room(caller) == SessionRoom::Free {
            return Ok(());
        }
        self.forget_ended().await;
        match self.room(caller) {
            SessionRoom::Free => Ok(()),
            SessionRoom::None => Err(Refusal::Busy),
            SessionRoom::Of(oldest) => {
                self.leave(&oldest);
                let id = oldest.into();
                // It may have ended meanwhile.
                let _ = self.manager.close_session(&id).await;
                Ok(())
            }
        }
    }

    fn room(&self, caller: &str) -> SessionRoom {
        let open = self.open();
        let own = open.iter().filter(|(_, session)| session.caller == caller);
        let count = own.clone().count();
        if count < self.each && open.len() < self.all {
            return SessionRoom::Free;
        }
        // A caller with too many sessions loses their least recently used idle one, and never one
        // to another caller.
        let idle = own.filter(|(_, session)| session.under_way.load(Ordering::SeqCst) == 0);
        let oldest = idle.min_by_key(|(_, session)| session.used);
        oldest.map_or(SessionRoom::None, |(id, _)| SessionRoom::Of(id.clone()))
    }

    /// Adds a session that has begun.
    pub(super) fn begun(&self, id: &str, caller: &str) {
        let session = Session {
            caller: caller.to_owned(),
            used: Instant::now(),
            under_way: Arc::default(),
        };
        self.open().insert(id.to_owned(), session);
    }

    /// Removes a session that has ended.
    pub(super) fn leave(&self, id: &str) {
        self.open().remove(id);
    }
}

#[derive(Debug, PartialEq, Eq)]
enum SessionRoom {
    Free,
    /// Room if this session is closed.
    Of(String),
    None,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sessions(all: usize, each: usize) -> Sessions {
        let limits = HttpLimits {
            sessions: all,
            sessions_of_caller: each,
            ..HttpLimits::default()
        };
        Sessions::new(Arc::default(), limits)
    }

    #[test]
    fn a_session_is_its_callers_alone() {
        let sessions = sessions(4, 4);
        sessions.begun("s", "a");
        assert!(sessions.enter("s", "a").is_ok());
        assert_eq!(sessions.enter("s", "b").unwrap_err(), Refusal::Session);
        assert_eq!(sessions.enter("t", "a").unwrap_err(), Refusal::Session);
        sessions.leave("s");
        assert_eq!(sessions.enter("s", "a").unwrap_err(), Refusal::Session);
    }

    #[test]
    fn least_recently_used_session_makes_room() {
        let sessions = sessions(3, 2);
        sessions.begun("a1", "a");
        sessions.begun("a2", "a");
        assert_eq!(sessions.room("b"), SessionRoom::Free);
        drop(sessions.enter("a1", "a").unwrap());
        assert_eq!(sessions.room("a"), SessionRoom::Of("a2".into()));
        let _in_use = sessions.enter("a2", "a").unwrap();
        assert_eq!(sessions.room("a"), SessionRoom::Of("a1".into()));
        sessions.begun("b1", "b");
        assert_eq!(sessions.room("c"), SessionRoom::None);
    }
}
