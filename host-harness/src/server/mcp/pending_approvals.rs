//! Open questions that a client takes to its person and answers in a second request, each under a
//! single-use random name.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::digest::hex;

/// Most open questions; beyond that the oldest is dropped, and its plan stays waiting.
const OPEN_MAX: usize = 1024;

/// A question for approval of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    /// The plan's digest.
    pub(super) plan: String,
    /// The tool that proposed it.
    pub(super) tool: String,
    /// The caller who is asked, by their name in the audit log.
    pub(super) caller: Option<String>,
}

/// The open questions.
#[derive(Default)]
pub(super) struct PendingApprovals(Mutex<HashMap<String, (Instant, Question)>>);

impl PendingApprovals {
    /// Stores a question, and returns the name that its answer has to carry; `None` if the system
    /// has no randomness, and then nobody is asked.
    pub(super) fn ask(&self, question: Question, waits: Duration) -> Option<String> {
        let mut name = [0; 16];
        getrandom::fill(&mut name).ok()?;
        let name = hex(&name);
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        open.retain(|_, (until, _)| *until > now);
        if open.len() >= OPEN_MAX {
            let oldest = open.iter().min_by_key(|(_, (until, _))| *until);
            if let Some(oldest) = oldest.map(|(name, _)| name.clone()) {
                open.remove(&oldest);
            }
        }
        open.insert(name.clone(), (now + waits, question));
        Some(name)
    }

    /// Takes the question of this name, if it was asked of this caller about a call of this tool
    /// and is still open.
    pub(super) fn answered(
        &self,
        name: &str,
        tool: &str,
        caller: Option<&str>,
    ) -> Option<Question> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, question) = open.get(name)?;
        if question.tool != tool || question.caller.as_deref() != caller {
            return None;
        }
        let in_time = *until > Instant::now();
        let (_, question) = open.remove(name)?;
        in_time.then_some(question)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question() -> Question {
        Question {
            plan: "p".into(),
            tool: "t".into(),
            caller: Some("a".into()),
        }
    }

    #[test]
    fn question_is_answered_once_and_in_time() {
        let asked = PendingApprovals::default();
        let hour = Duration::from_secs(3600);
        let name = asked.ask(question(), hour).unwrap();
        assert_eq!(asked.answered(&name, "t", Some("b")), None);
        assert_eq!(asked.answered(&name, "other", Some("a")), None);
        assert_eq!(asked.answered("nonsense", "t", Some("a")), None);
        assert_eq!(asked.answered(&name, "t", Some("a")), Some(question()));
        assert_eq!(asked.answered(&name, "t", Some("a")), None);
        let late = asked.ask(question(), Duration::ZERO).unwrap();
        assert_eq!(asked.answered(&late, "t", Some("a")), None);
    }

    #[test]
    fn oldest_of_too_many_questions_is_dropped() {
        let asked = PendingApprovals::default();
        let hour = Duration::from_secs(3600);
        let first = asked.ask(question(), hour).unwrap();
        for _ in 0..OPEN_MAX {
            asked.ask(question(), hour);
        }
        assert_eq!(asked.answered(&first, "t", Some("a")), None);
        assert_eq!(asked.0.lock().unwrap().len(), OPEN_MAX);
    }
}
