//! The sample's ordinary deals: open, won, and one that is gone.

use super::spec::{Deal, Event, FINE};

/// The deals in the order of their ids, which go on from those with a story.
pub(super) const ORDINARY: &[Deal] = &[
    // 36 on: open.
    Deal {
        name: "Vertrag Ersatzteile Süd",
        company: 7,
        contact: 16,
        owner: 4,
        currency: "EUR",
        ..FINE
    },
    Deal {
        name: "توسعة المستودع",
        company: 9,
        contact: 19,
        owner: 3,
        stage: "MEETING",
        ..FINE
    },
    Deal {
        name: "Night shift scheduling",
        company: 3,
        contact: 7,
        close: Some(6),
        ..FINE
    },
    Deal {
        name: "Sample tracking",
        company: 10,
        contact: 21,
        amount: Some(19_900),
        stage: "SCREENING",
        events: &[Event::Stage(9, "NEW", "SCREENING")],
        ..FINE
    },
    Deal {
        name: "Avionics spares hub",
        company: 11,
        contact: 22,
        owner: 4,
        amount: Some(31_000),
        currency: "EUR",
        ..FINE
    },
    Deal {
        name: "Route planning add-on",
        company: 2,
        contact: 4,
        stage: "NEW",
        age: 6,
        events: &[],
        ..FINE
    },
    Deal {
        name: "Solar roof feasibility",
        company: 6,
        contact: 14,
        owner: 5,
        stage: "NEW",
        close: None,
        age: 12,
        events: &[],
        currency: "NOK",
        ..FINE
    },
    Deal {
        name: "Yarn inventory",
        company: 5,
        contact: 12,
        owner: 3,
        currency: "EUR",
        ..FINE
    },
    Deal {
        name: "Podcast hosting",
        company: 8,
        contact: 18,
        amount: Some(5_200),
        currency: "GBP",
        ..FINE
    },
    Deal {
        name: "Whiskey cask ledger",
        company: 4,
        contact: 10,
        owner: 2,
        currency: "EUR",
        ..FINE
    },
    Deal {
        name: "Forklift telemetry",
        company: 1,
        contact: 3,
        close: Some(12),
        next_step: "Demo for the plant team",
        ..FINE
    },
    // Won.
    Deal {
        name: "Line 3 sensor retrofit",
        stage: "CUSTOMER",
        close: Some(-40),
        events: &[Event::Stage(40, "PROPOSAL", "CUSTOMER")],
        ..FINE
    },
    Deal {
        name: "Cold chain pilot",
        company: 2,
        contact: 4,
        stage: "CUSTOMER",
        close: Some(-70),
        age: 150,
        events: &[Event::Stage(70, "PROPOSAL", "CUSTOMER")],
        tasks: &[],
        ..FINE
    },
    Deal {
        name: "Ward tablet pilot",
        company: 3,
        contact: 7,
        owner: 2,
        stage: "CUSTOMER",
        close: Some(-33),
        events: &[Event::Stage(33, "PROPOSAL", "CUSTOMER")],
        tasks: &[],
        ..FINE
    },
    Deal {
        name: "Design system licence",
        company: 5,
        contact: 11,
        owner: 3,
        stage: "CUSTOMER",
        close: Some(-15),
        events: &[Event::Stage(15, "MEETING", "CUSTOMER")],
        tasks: &[],
        ..FINE
    },
    Deal {
        name: "Broadcast control room",
        company: 8,
        contact: 17,
        stage: "CUSTOMER",
        close: Some(-8),
        events: &[Event::Stage(8, "PROPOSAL", "CUSTOMER")],
        tasks: &[],
        ..FINE
    },
    Deal {
        name: "Press line automation",
        company: 7,
        contact: 15,
        owner: 4,
        stage: "CUSTOMER",
        close: Some(-90),
        age: 200,
        events: &[Event::Stage(90, "PROPOSAL", "CUSTOMER")],
        tasks: &[],
        ..FINE
    },
    Deal {
        name: "Juniper starter package",
        company: 10,
        contact: 21,
        stage: "CUSTOMER",
        amount: Some(9_500),
        close: Some(-21),
        events: &[Event::Stage(21, "PROPOSAL", "CUSTOMER")],
        tasks: &[],
        ..FINE
    },
    Deal {
        name: "Port handbook",
        company: 2,
        contact: 6,
        stage: "CUSTOMER",
        amount: Some(12_750),
        close: Some(-3),
        events: &[Event::Stage(3, "PROPOSAL", "CUSTOMER")],
        tasks: &[],
        ..FINE
    },
    Deal {
        name: "社内研修プログラム",
        company: 12,
        contact: 23,
        stage: "CUSTOMER",
        amount: Some(1_100_000),
        currency: "JPY",
        close: Some(-28),
        events: &[Event::Stage(28, "PROPOSAL", "CUSTOMER")],
        tasks: &[],
        ..FINE
    },
    // 56: gone.
    Deal {
        name: "Withdrawn bid",
        company: 4,
        contact: 9,
        owner: 2,
        deleted: true,
        ..FINE
    },
    // 57: no company.
    Deal {
        name: "Walk-in enquiry",
        company: 0,
        contact: 24,
        stage: "NEW",
        amount: Some(12_000),
        age: 8,
        events: &[],
        ..FINE
    },
    // 58: closes in days, and what comes next stands in a field of its own, not in a task.
    Deal {
        name: "Tram depot lighting",
        company: 6,
        contact: 13,
        owner: 5,
        currency: "NOK",
        close: Some(5),
        next_step: "Sign *after* the board on Friday",
        tasks: &[],
        notes: &[],
        ..FINE
    },
];
