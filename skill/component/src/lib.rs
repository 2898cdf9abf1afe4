//! The exports of the CRM skill; compiled for wasm alone, since export names are no names for a
//! native linker.

#![warn(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]
#![cfg(target_family = "wasm")]
#![allow(unsafe_code, reason = "the generated exports declare symbols")]

use crm_skill::bindings::claw::skill::plan::Step;
use crm_skill::bindings::exports::claw::crm::{propose, read};
use crm_skill::bindings::exports::claw::skill::judge;
use crm_skill::wasi::run;
use crm_skill::{actions, judge as judging};

struct Component;

impl read::Guest for Component {
    fn status() -> Result<read::StatusReport, read::Failure> {
        run(actions::status::status)
    }

    fn search(request: read::SearchRequest) -> Result<read::SearchAnswer, read::Failure> {
        run(|ctx| actions::search::search(ctx, &request))
    }

    fn get(request: read::GetRequest) -> Result<read::RecordView, read::Failure> {
        run(|ctx| actions::get::get(ctx, &request))
    }

    fn follow_ups(request: read::FollowUpsRequest) -> Result<read::FollowUpsPage, read::Failure> {
        run(|ctx| actions::follow_ups::follow_ups(ctx, &request))
    }

    fn blockers(request: read::BlockersRequest) -> Result<read::BlockersReport, read::Failure> {
        run(|ctx| actions::blockers::blockers(ctx, &request))
    }

    fn briefing(request: read::BriefingRequest) -> Result<read::BriefingReport, read::Failure> {
        run(|ctx| actions::briefing::briefing(ctx, &request))
    }

    fn context(request: read::ContextRequest) -> Result<read::ContextAnswer, read::Failure> {
        run(|ctx| actions::context::context(ctx, &request))
    }

    fn deals(request: read::DealsRequest) -> Result<read::DealsAnswer, read::Failure> {
        run(|ctx| actions::deals::deals(ctx, &request))
    }
}

impl propose::Guest for Component {
    fn follow_up(request: propose::FollowUpRequest) -> Result<propose::Plan, propose::Failure> {
        run(|ctx| actions::follow_up::follow_up(ctx, &request))
    }

    fn upsert(request: propose::UpsertRequest) -> Result<propose::Plan, propose::Failure> {
        run(|ctx| actions::upsert::upsert(ctx, &request))
    }

    fn log(request: propose::LogRequest) -> Result<propose::Plan, propose::Failure> {
        run(|ctx| actions::log::log(ctx, &request))
    }

    fn share(request: propose::ShareRequest) -> Result<propose::Plan, propose::Failure> {
        run(|ctx| actions::share::share(ctx, &request))
    }

    fn answer_request(
        request: propose::AnswerRequestRequest,
    ) -> Result<propose::Plan, propose::Failure> {
        run(|ctx| actions::answer_request::answer_request(ctx, &request))
    }

    fn coordinate(request: propose::CoordinateRequest) -> Result<propose::Plan, propose::Failure> {
        run(|ctx| actions::coordinate::coordinate(ctx, &request))
    }
}

impl judge::Guest for Component {
    fn ready(step: Step) -> judge::Readiness {
        run(|ctx| judging::ready(ctx, &step))
    }

    fn answer(step: Step, answer: Option<judge::ServiceAnswer>) -> judge::Verdict {
        run(|ctx| judging::answer(ctx, &step, answer.as_ref()))
    }
}

crm_skill::bindings::export!(Component);
