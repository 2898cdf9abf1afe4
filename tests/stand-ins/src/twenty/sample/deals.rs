//! The sample's deals: one story for each finding of the blocker rules, and ordinary ones around
//! them.

use uuid::Uuid;

use super::deal_id;
use super::spec::{At, Deal, Event, FINE, History, Note, TASK, Task};

/// For one blocker rule: a deal on which it fires, one on which it reads fine, and one on which it
/// cannot tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockerCase {
    /// The rule's code.
    pub code: &'static str,
    /// The rule finds something.
    pub fires: Uuid,
    /// The rule finds nothing, and has all it needs to say so.
    pub clear: Uuid,
    /// The rule lacks the data it would need.
    pub unknown: Uuid,
}

const fn case(code: &'static str, fires: u32, clear: u32, unknown: u32) -> BlockerCase {
    BlockerCase {
        code,
        fires: deal_id(fires),
        clear: deal_id(clear),
        unknown: deal_id(unknown),
    }
}

/// Every blocker rule with its three deals. Closed stage: `CUSTOMER`; threshold of
/// `single-threaded`: 50,000 units.
pub const BLOCKER_CASES: &[BlockerCase] = &[
    case("overdue-task", 3, 4, 5),
    case("no-next-step", 6, 2, 5),
    case("close-date-passed", 7, 2, 8),
    case("close-date-near", 9, 10, 8),
    case("stale", 11, 2, 12),
    case("stalled-stage", 13, 2, 14),
    case("close-date-pushed", 15, 16, 12),
    case("no-owner", 17, 2, 18),
    case("no-contact", 19, 2, 20),
    case("single-threaded", 21, 22, 23),
    case("no-amount", 24, 2, 25),
    case("unassigned-task", 26, 4, 27),
    case("noted-blocker", 28, 29, 30),
];

/// A deal with every blocker that can stand beside the others: all but `close-date-near` (its close
/// date has passed) and `single-threaded` (it has no amount).
pub const EVERYTHING_WRONG: Uuid = deal_id(1);
/// A deal on which every rule reads fine.
pub const HEALTHY: Uuid = deal_id(2);
/// A word that the names of exactly two deals have in common.
pub const AMBIGUOUS_WORD: &str = "Acme";
/// Those two deals.
pub const AMBIGUOUS: [Uuid; 2] = [deal_id(31), deal_id(32)];
/// A deal whose name has what SQL patterns, JSON and HTML treat specially.
pub const ODD_NAME: Uuid = deal_id(33);
/// A deal with no open task and a close date within days, whose next step stands in the workspace's
/// own field `nextStep`.
pub const NEXT_STEP_IN_FIELD: Uuid = deal_id(58);
/// A deal that was soft-deleted and still has a task linked to it.
pub const SOFT_DELETED_DEAL: Uuid = deal_id(56);

const DONE: Task = Task {
    status: Some("DONE"),
    ..TASK
};

/// The deals with a story, in the order of their ids, from 1; those of [`super::ordinary`] follow.
pub(super) const DEALS: &[Deal] = &[
    // 1: everything wrong at once.
    Deal {
        name: "Northern depot relaunch",
        company: 2,
        stage: "MEETING",
        amount: None,
        close: Some(-12),
        owner: 0,
        contact: 0,
        age: 120,
        events: &[
            Event::Stage(100, "NEW", "MEETING"),
            Event::Close(80, -60, -40),
            Event::Close(50, -40, -12),
        ],
        tasks: &[Task {
            title: "Blocked: waiting on legal for the framework contract",
            body: "No answer since the second reminder.",
            due: Some(At(-20, 12, 0)),
            assignee: 0,
            made: 45,
            ..TASK
        }],
        notes: &[],
        ..FINE
    },
    // 2: healthy.
    Deal {
        name: "Line 4 sensor retrofit",
        contact: 1,
        ..FINE
    },
    // 3: an overdue task.
    Deal {
        name: "Cold chain monitoring",
        company: 2,
        contact: 4,
        tasks: &[
            Task {
                title: "Send revised quote to Willem",
                due: Some(At(-3, 17, 0)),
                made: 10,
                ..TASK
            },
            Task {
                title: "Book the site visit",
                due: Some(At(6, 10, 0)),
                ..TASK
            },
        ],
        ..FINE
    },
    // 4: what was overdue or unassigned is done.
    Deal {
        name: "Ward tablet rollout",
        company: 3,
        contact: 7,
        owner: 2,
        tasks: &[
            Task {
                title: "Collect security questionnaire",
                due: Some(At(-8, 17, 0)),
                assignee: 0,
                made: 20,
                ..DONE
            },
            Task {
                title: "Review questionnaire with Noah",
                due: Some(At(2, 14, 0)),
                assignee: 2,
                ..TASK
            },
        ],
        ..FINE
    },
    // 5: the only open task has no date.
    Deal {
        name: "Spare parts portal",
        company: 7,
        contact: 15,
        owner: 4,
        tasks: &[Task {
            title: "Think about pricing tiers",
            assignee: 4,
            ..TASK
        }],
        ..FINE
    },
    // 6: nothing is planned.
    Deal {
        name: "Studio archive migration",
        company: 8,
        contact: 17,
        tasks: &[Task {
            title: "Inventory of tapes",
            due: Some(At(-5, 12, 0)),
            made: 15,
            ..DONE
        }],
        ..FINE
    },
    // 7: should have closed.
    Deal {
        name: "Turbine data lake",
        company: 6,
        contact: 13,
        owner: 5,
        close: Some(-6),
        ..FINE
    },
    // 8: nobody said when.
    Deal {
        name: "Loom diagnostics trial",
        company: 5,
        contact: 11,
        owner: 3,
        close: None,
        ..FINE
    },
    // 9: closes in four days and is still being screened.
    Deal {
        name: "Harbour festival streaming",
        company: 8,
        contact: 17,
        stage: "SCREENING",
        close: Some(4),
        age: 30,
        events: &[Event::Stage(12, "NEW", "SCREENING")],
        ..FINE
    },
    // 10: closes in five days and is ready for it.
    Deal {
        name: "Dispatch board renewal",
        company: 2,
        contact: 5,
        close: Some(5),
        ..FINE
    },
    // 11: quiet for weeks.
    Deal {
        name: "Smart meter framework",
        company: 6,
        contact: 13,
        age: 60,
        events: &[
            Event::Stage(29, "NEW", "MEETING"),
            Event::Stage(24, "MEETING", "PROPOSAL"),
        ],
        tasks: &[Task {
            title: "Prepare the framework workshop",
            due: Some(At(9, 9, 0)),
            made: 26,
            ..TASK
        }],
        notes: &[Note {
            title: "After the demo",
            body: "They will come back to us after their reorganisation.",
            made: 22,
        }],
        ..FINE
    },
    // 12: nothing was ever recorded.
    Deal {
        name: "Imported lead 2041",
        company: 4,
        contact: 9,
        owner: 2,
        history: History::None,
        events: &[],
        tasks: &[],
        notes: &[],
        ..FINE
    },
    // 13: in one stage for six weeks.
    Deal {
        name: "Hangar lighting refit",
        company: 4,
        contact: 10,
        stage: "MEETING",
        age: 90,
        events: &[
            Event::Stage(45, "NEW", "MEETING"),
            Event::Amount(6, 70_000, 84_000),
        ],
        ..FINE
    },
    // 14: its history begins long after the deal, and knows no stage change.
    Deal {
        name: "Legacy support contract",
        company: 7,
        contact: 16,
        owner: 4,
        stage: "MEETING",
        age: 240,
        history: History::Partial,
        events: &[Event::Amount(11, 60_000, 84_000)],
        ..FINE
    },
    // 15: pushed twice.
    Deal {
        name: "Warehouse robotics phase two",
        company: 2,
        contact: 6,
        events: &[
            Event::Stage(40, "NEW", "MEETING"),
            Event::Close(30, -20, 5),
            Event::Stage(9, "MEETING", "PROPOSAL"),
            Event::Close(5, 5, 38),
        ],
        ..FINE
    },
    // 16: moved once later and once earlier.
    Deal {
        name: "Clinic onboarding wave",
        company: 3,
        contact: 8,
        owner: 2,
        events: &[
            Event::Stage(40, "NEW", "MEETING"),
            Event::Close(30, 20, 60),
            Event::Stage(9, "MEETING", "PROPOSAL"),
            Event::Close(7, 60, 38),
        ],
        ..FINE
    },
    // 17: nobody owns it.
    Deal {
        name: "Inbound: packaging audit",
        company: 1,
        contact: 2,
        owner: 0,
        ..FINE
    },
    // 18: its owner is gone.
    Deal {
        name: "Quality lab extension",
        company: 3,
        contact: 7,
        owner: 6,
        ..FINE
    },
    // 19: nobody to talk to.
    Deal {
        name: "Municipal tender 77",
        company: 5,
        contact: 0,
        owner: 3,
        ..FINE
    },
    // 20: the contact is gone.
    Deal {
        name: "Billing integration",
        company: 3,
        contact: 26,
        owner: 2,
        ..FINE
    },
    // 21: a large deal hangs on one person.
    Deal {
        name: "Juniper platform licence",
        company: 10,
        contact: 21,
        amount: Some(120_000),
        ..FINE
    },
    // 22: a small one does too.
    Deal {
        name: "Juniper training day",
        company: 10,
        contact: 21,
        amount: Some(8_000),
        ..FINE
    },
    // 23: one person, and no saying how large.
    Deal {
        name: "Kestrel maintenance app",
        company: 11,
        contact: 22,
        owner: 4,
        amount: None,
        ..FINE
    },
    // 24: no amount.
    Deal {
        name: "Winter tyre logistics",
        company: 2,
        contact: 5,
        amount: None,
        ..FINE
    },
    // 25: an amount that says nothing.
    Deal {
        name: "Goodwill extension",
        company: 1,
        contact: 2,
        amount: Some(0),
        ..FINE
    },
    // 26: nobody does the task.
    Deal {
        name: "Mill floor dashboards",
        company: 5,
        contact: 12,
        owner: 3,
        tasks: &[Task {
            title: "Draft the data agreement",
            due: Some(At(5, 12, 0)),
            assignee: 0,
            ..TASK
        }],
        ..FINE
    },
    // 27: whoever did it is gone.
    Deal {
        name: "Grid outage alerts",
        company: 6,
        contact: 13,
        owner: 5,
        tasks: &[Task {
            title: "Test the alert relay",
            due: Some(At(7, 12, 0)),
            assignee: 6,
            ..TASK
        }],
        ..FINE
    },
    // 28: a note says what is wrong.
    Deal {
        name: "Press room upgrade",
        company: 8,
        contact: 17,
        notes: &[Note {
            title: "Status",
            body: "We are stuck: procurement is waiting on a signed data agreement.",
            made: 2,
        }],
        ..FINE
    },
    // 29: the words are there, but not as words.
    Deal {
        name: "Tooling catalogue",
        company: 7,
        contact: 15,
        owner: 4,
        notes: &[Note {
            title: "Good news",
            body: "Legal unblocked the annex. Roadblocks cleared; Ms Stuckert signs on Friday.",
            made: 2,
        }],
        ..FINE
    },
    // 30: nothing to read.
    Deal {
        name: "Fabric sample kiosk",
        company: 5,
        contact: 11,
        owner: 3,
        tasks: &[Task {
            title: "Kick-off",
            due: Some(At(-3, 12, 0)),
            assignee: 3,
            made: 9,
            ..DONE
        }],
        notes: &[],
        ..FINE
    },
    // 31 and 32: two names with one word in common.
    Deal {
        name: "Acme pilot rollout",
        company: 1,
        contact: 1,
        stage: "MEETING",
        close: Some(21),
        ..FINE
    },
    Deal {
        name: "Acme renewal",
        company: 1,
        contact: 2,
        amount: Some(46_500),
        close: Some(3),
        next_step: "Countersign the order form",
        ..FINE
    },
    // 33: a name for every parser.
    Deal {
        name: "100%_sure \"quoted\" \\ O'Neil & <Sons>",
        company: 4,
        contact: 9,
        owner: 2,
        ..FINE
    },
    // 34: two links of one task, and one link to deal and person at once (see the layout).
    Deal {
        name: "Ferry ticketing",
        company: 6,
        contact: 14,
        owner: 5,
        amount: Some(63_250),
        currency: "NOK",
        next_step: "Agree the pilot route",
        ..FINE
    },
    // 35: a long text with orders to whoever reads it; the note itself is among the people's notes.
    Deal {
        name: "Catalogue translation",
        company: 12,
        contact: 23,
        amount: Some(2_400_000),
        currency: "JPY",
        next_step: "Send glossary",
        notes: &[
            Note {
                title: "\u{202e}Reversed\u{202c} title",
                body: "Zero\u{200b}width and **bold** <img src=x onerror=alert(1)> text.",
                made: 4,
            },
            Note {
                title: "Workshop",
                body: "Glossary first, then the tooling.",
                made: 12,
            },
        ],
        ..FINE
    },
];
