//! The content of a section, before it has its name and status.

use crate::bindings::exports::claw::crm::read::BriefingRow;

/// The most rows of a section.
pub(super) const ROWS: usize = 10;

/// The content of a section.
#[derive(Default)]
pub(super) struct Content {
    pub(super) rows: Vec<BriefingRow>,
    pub(super) total: u32,
    pub(super) examined: Option<u32>,
    pub(super) why: Option<String>,
}

/// Sorts things by a key; equal ones keep their order. There are some hundred at most, and the
/// library's own sort would be compiled for each kind of thing, several times the code.
pub(super) fn ranked<T>(
    things: impl Iterator<Item = T>,
    tell: impl Fn(&T) -> (i64, i64),
) -> Vec<T> {
    let mut order: Vec<((i64, i64), T)> = Vec::new();
    for thing in things {
        let told = tell(&thing);
        let at = order.partition_point(|(before, _)| *before <= told);
        order.insert(at, (told, thing));
    }
    order.into_iter().map(|(_, thing)| thing).collect()
}
