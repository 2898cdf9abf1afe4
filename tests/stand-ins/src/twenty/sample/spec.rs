//! The words the sample's stories are told in: deals, tasks, notes and what happened, with days
//! counted from today.

/// A point in time, as a day from today and a time of day in Robin's zone.
#[derive(Clone, Copy)]
pub(super) struct At(pub i64, pub i8, pub i8);

#[derive(Clone, Copy)]
pub(super) struct Task {
    pub title: &'static str,
    pub body: &'static str,
    pub due: Option<At>,
    /// `None`: without a status.
    pub status: Option<&'static str>,
    /// The member; 0 is nobody.
    pub assignee: u32,
    /// Age in days.
    pub made: i64,
}

#[derive(Clone, Copy)]
pub(super) struct Note {
    pub title: &'static str,
    pub body: &'static str,
    /// Age in days.
    pub made: i64,
}

/// Something in a deal's history, so many days ago.
#[derive(Clone, Copy)]
pub(super) enum Event {
    /// The stage went from one to the other.
    Stage(i64, &'static str, &'static str),
    /// The close date moved from one day to another, both counted from today.
    Close(i64, i64, i64),
    /// The amount changed, from and to whole units.
    Amount(i64, i64, i64),
}

/// Entries of a deal's history besides its events.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum History {
    /// Everything since the deal was made.
    Whole,
    /// Only what came later: the making is not in it.
    Partial,
    /// Nothing was recorded.
    None,
}

/// A deal and everything about it.
#[derive(Clone, Copy)]
pub(super) struct Deal {
    pub name: &'static str,
    /// The company; 0 is none.
    pub company: u32,
    pub stage: &'static str,
    /// Whole units of the currency.
    pub amount: Option<i64>,
    pub currency: &'static str,
    /// Days from today.
    pub close: Option<i64>,
    /// The member; 0 is nobody.
    pub owner: u32,
    /// The person; 0 is nobody.
    pub contact: u32,
    /// Age in days.
    pub age: i64,
    pub next_step: &'static str,
    pub history: History,
    pub events: &'static [Event],
    pub tasks: &'static [Task],
    pub notes: &'static [Note],
    pub deleted: bool,
}

/// An open task of Robin's; the base of others.
pub(super) const TASK: Task = Task {
    title: "",
    body: "",
    due: None,
    status: Some("TODO"),
    assignee: 1,
    made: 4,
};

/// A deal on which every rule reads fine; the base of others.
pub(super) const FINE: Deal = Deal {
    name: "",
    company: 1,
    stage: "PROPOSAL",
    amount: Some(84_000),
    currency: "USD",
    close: Some(38),
    owner: 1,
    contact: 1,
    age: 60,
    next_step: "",
    history: History::Whole,
    events: &[
        Event::Stage(40, "NEW", "MEETING"),
        Event::Stage(9, "MEETING", "PROPOSAL"),
    ],
    tasks: &[Task {
        title: "Walk through the proposal",
        due: Some(At(4, 15, 0)),
        ..TASK
    }],
    notes: &[Note {
        title: "Call summary",
        body: "Budget confirmed for this quarter. They like the **phased** plan.",
        made: 3,
    }],
    deleted: false,
};
