//! Makes a briefing out of its sections.

use super::bounds::{Bounds, is_elsewhere};
use super::{gather, sections};
use crate::actions::input::within;
use crate::bindings::exports::claw::crm::read::{
    BriefingReport, BriefingRequest, Section, SectionName, SectionStatus,
};
use crate::context::Context;
use crate::day;
use crate::failure::{self, Failure};
use crate::markdown::{MarkdownPage, count, escape};
use crate::twenty::hidden;

/// All sections, most pressing first.
const SECTIONS: [SectionName; 8] = [
    SectionName::Overdue,
    SectionName::DueToday,
    SectionName::ComingUp,
    SectionName::ClosingSoon,
    SectionName::AtRisk,
    SectionName::NewPeople,
    SectionName::Tez,
    SectionName::Calendar,
];

/// Runs the action.
///
/// # Errors
/// `invalid-input` for a wrong argument or a caller who is not set; the service's own failure where
/// every section that was asked of it failed. Otherwise a section that failed says so.
pub fn briefing(ctx: &Context<'_>, request: &BriefingRequest) -> Result<BriefingReport, Failure> {
    let zone = ctx.zone();
    let date = request
        .day
        .as_deref()
        .map_or_else(|| Ok(zone.date(ctx.now)), |day| day::parse("day", day))?;
    let horizon = i32::from(within("horizonDays", request.horizon_days, 7, 1..=60)?);
    let wanted = wanted(request.sections.as_deref())?;
    let me = if wanted.iter().all(|name| is_elsewhere(*name)) {
        String::new()
    } else {
        ctx.caller_email("caller")?
    };
    let bounds = Bounds::new(ctx, date, horizon);

    let mut gathered = gather::gather(ctx, me, &bounds, &wanted);
    let sections: Vec<(Section, Option<Failure>)> = wanted
        .iter()
        .map(|&name| sections::make(ctx, &bounds, name, &mut gathered))
        .collect();
    // Where the service gave nothing of all that was asked of it, that is the answer.
    let asked = || {
        sections
            .iter()
            .filter(|(section, _)| section.status != SectionStatus::NotConfigured)
    };
    if asked().all(|(section, _)| section.status == SectionStatus::Failed)
        && let Some(failure) = asked().find_map(|(_, failure)| failure.clone())
    {
        return Err(failure);
    }
    let sections: Vec<Section> = sections.into_iter().map(|(section, _)| section).collect();
    let headline = headline(&sections);
    Ok(BriefingReport {
        markdown: hidden::with_note(ctx, markdown(ctx, &bounds, &headline, &sections)),
        day: date.to_string(),
        time_zone: zone.name().to_owned(),
        headline,
        sections,
    })
}

fn wanted(sections: Option<&[SectionName]>) -> Result<Vec<SectionName>, Failure> {
    match sections {
        None => Ok(SECTIONS.to_vec()),
        Some([]) => Err(failure::invalid_input(
            "sections",
            "the list is empty",
            "Name at least one section, or leave it out for all.",
        )),
        Some(named) => Ok(SECTIONS
            .into_iter()
            .filter(|section| named.contains(section))
            .collect()),
    }
}

/// Sums up the day in one sentence.
pub(super) fn headline(sections: &[Section]) -> String {
    let total = |name: SectionName| {
        sections
            .iter()
            .find(|section| section.name == name && section.status == SectionStatus::Ok)
            .map_or(0, |section| section.total)
    };
    let parts: Vec<String> = [
        (total(SectionName::Overdue), "task overdue", "tasks overdue"),
        (
            total(SectionName::DueToday),
            "task due today",
            "tasks due today",
        ),
        (
            total(SectionName::ClosingSoon),
            "deal closing soon",
            "deals closing soon",
        ),
        (total(SectionName::AtRisk), "deal at risk", "deals at risk"),
        (
            total(SectionName::Tez),
            "message waiting",
            "messages waiting",
        ),
        (total(SectionName::Calendar), "event", "events"),
    ]
    .into_iter()
    .filter(|&(number, _, _)| number > 0)
    .map(|(number, one, many)| count(number, one, many))
    .collect();
    let failed = sections
        .iter()
        .any(|section| section.status == SectionStatus::Failed);
    match (parts.is_empty(), failed) {
        (true, true) => "Not everything could be read.".to_owned(),
        (true, false) => "Nothing is pressing.".to_owned(),
        (false, true) => format!("{}; not everything could be read.", parts.join(", ")),
        (false, false) => format!("{}.", parts.join(", ")),
    }
}

pub(super) fn title(name: SectionName) -> &'static str {
    match name {
        SectionName::Overdue => "Overdue",
        SectionName::DueToday => "Due today",
        SectionName::ComingUp => "Coming up",
        SectionName::ClosingSoon => "Closing soon",
        SectionName::AtRisk => "At risk",
        SectionName::NewPeople => "New people",
        SectionName::Tez => "Messages",
        SectionName::Calendar => "Calendar",
    }
}

/// Formats the briefing. Empty sections are left out, unless they could not be read; services that
/// are not set up are named at the end, in one line.
fn markdown(ctx: &Context<'_>, bounds: &Bounds, headline: &str, sections: &[Section]) -> String {
    let mut page = MarkdownPage::titled(&format!(
        "{}, {}",
        day::long(bounds.day),
        escape(ctx.zone().name())
    ));
    page.line(headline);
    for section in sections {
        match section.status {
            SectionStatus::Ok if section.total == 0 && section.why.is_none() => {}
            SectionStatus::Ok => {
                let of = section
                    .examined
                    .map(|examined| format!(" of {examined} examined"))
                    .unwrap_or_default();
                page.heading(&format!("{} ({}{of})", title(section.name), section.total));
                for row in &section.rows {
                    let gap = if row.details.is_empty() { "" } else { ": " };
                    page.bullet(&format!(
                        "{}{gap}{} ({})",
                        escape(&row.label),
                        escape(&row.details),
                        row.id
                    ));
                }
                let shown = u32::try_from(section.rows.len()).unwrap_or(u32::MAX);
                if section.total > shown {
                    page.bullet(&format!("and {} more", section.total - shown));
                }
                if let Some(why) = &section.why {
                    page.line(&escape(why));
                }
            }
            SectionStatus::Failed => {
                page.heading(title(section.name));
                page.line(&format!(
                    "Could not be read: {}",
                    escape(section.why.as_deref().unwrap_or_default())
                ));
            }
            SectionStatus::NotConfigured => {}
        }
    }
    let absent: Vec<&str> = sections
        .iter()
        .filter(|section| section.status == SectionStatus::NotConfigured)
        .map(|section| title(section.name))
        .collect();
    if !absent.is_empty() {
        page.line("");
        page.line(&format!("Not set up: {}", absent.join(", ")));
    }
    page.finish()
}
