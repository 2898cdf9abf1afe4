//! `briefing`: the caller's day in at most four requests to the CRM, ten to the relay and one to
//! the calendar, whatever the size of the workspace. Each section stands or fails alone.

mod bounds;
mod calendar;
mod content;
mod gather;
mod messages;
mod queries;
mod report;
mod rows;
mod sections;
mod shared;

pub use queries::{
    BriefingComing, BriefingOverdue, BriefingRisk, BriefingRiskData, BriefingToday, TasksAndDeals,
    TasksAndPeople,
};
pub use report::briefing;
pub(super) use shared::share;
