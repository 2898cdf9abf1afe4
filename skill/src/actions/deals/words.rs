//! Says a filter in words, so that a reader sees what was counted.

use jiff::civil::Date;

use super::owner::OwnerFilter;
use crate::markdown::escape;
use crate::text;
use crate::twenty::values::Micros;

/// The first and the last day of a period, where it has them.
pub(super) type Days = (Option<Date>, Option<Date>);

/// The way in which stages were given.
#[derive(Clone, Copy)]
pub(super) enum StageWords {
    Open,
    Any,
    Named,
}

/// A filter, to be described.
pub(super) struct Described<'f> {
    pub(super) stages: StageWords,
    pub(super) chosen: &'f [String],
    pub(super) owner: &'f OwnerFilter,
    pub(super) company: Option<String>,
    pub(super) closes: Days,
    pub(super) changed: Option<Date>,
    pub(super) no_amount: bool,
    pub(super) amounts: (Option<Micros>, Option<Micros>),
}

impl Described<'_> {
    /// Describes the filter as Markdown, such as `open deals of Ada Byron, closing until
    /// 2026-03-31`.
    pub(super) fn sentence(&self) -> String {
        let mut said = match self.stages {
            StageWords::Open => "open deals".to_owned(),
            StageWords::Any => "deals in any stage".to_owned(),
            StageWords::Named => format!("deals in {}", escape(&self.chosen.join(" or "))),
        };
        match self.owner {
            OwnerFilter::Anyone => {}
            OwnerFilter::Nobody => said.push_str(" without an owner"),
            OwnerFilter::Member(member) => {
                let (name, _) = text::line(&member.label(), text::LABEL);
                said.push_str(&format!(" of {}", escape(&name)));
            }
        }
        if self.no_amount {
            said.push_str(" without an amount");
        }
        if let Some(company) = &self.company {
            said.push_str(&format!(" with {}", escape(company)));
        }
        let (from, to) = self.amounts;
        let amounts = range(from.map(Micros::decimal), to.map(Micros::decimal), "up to");
        let (first, last) = self.closes;
        let closes = range(day(first), day(last), "until");
        let changed = self.changed.map(|since| format!("since {since}"));
        for (what, range) in [
            ("amounts in any currency", amounts),
            ("closing", closes),
            ("changed", changed),
        ] {
            if let Some(range) = range {
                said.push_str(&format!(", {what} {range}"));
            }
        }
        said
    }
}

fn day(day: Option<Date>) -> Option<String> {
    day.map(|day| day.to_string())
}

fn range(from: Option<String>, to: Option<String>, until: &str) -> Option<String> {
    match (from, to) {
        (None, None) => None,
        (Some(from), None) => Some(format!("from {from} on")),
        (None, Some(to)) => Some(format!("{until} {to}")),
        (Some(from), Some(to)) if from == to => Some(format!("at {to}")),
        (Some(from), Some(to)) => Some(format!("from {from} to {to}")),
    }
}
