//! The actions, one file each. Each is a plain function of a context and a request.

pub mod answer_request;
pub mod blockers;
pub mod briefing;
pub mod context;
pub mod coordinate;
pub mod deal_fields;
pub mod deals;
pub mod follow_up;
pub mod follow_ups;
mod full_text;
pub mod get;
mod handoff;
mod input;
pub mod log;
mod make_note;
mod make_task;
mod message_summary;
mod render;
pub mod search;
mod search_term;
pub mod share;
pub mod stages;
pub mod status;
pub mod statuses;
pub mod subject;
pub mod upsert;
