//! The exports of the CRM skill; compiled for wasm alone, since export names are no names for a native linker.
#![cfg(target_family = "wasm")]
#![allow(unsafe_code, reason = "the generated exports declare symbols")]

use crm_skill::bindings::exports::claw::crm::read;

struct Component;

impl read::Guest for Component {
    fn status() -> Result<read::StatusReport, read::Failure> {
        todo!()
    }
    fn search(request: read::SearchRequest) -> Result<read::SearchAnswer, read::Failure> {
        todo!()
    }
    fn get(request: read::GetRequest) -> Result<read::RecordView, read::Failure> {
        todo!()
    }
    fn follow_ups(request: read::FollowUpsRequest) -> Result<read::FollowUpsPage, read::Failure> {
        todo!()
    }
    fn blockers(request: read::BlockersRequest) -> Result<read::BlockersReport, read::Failure> {
        todo!()
    }
    fn briefing(request: read::BriefingRequest) -> Result<read::BriefingReport, read::Failure> {
        todo!()
    }
}

crm_skill::bindings::export!(Component);
