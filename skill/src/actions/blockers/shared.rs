//! Writes a message about what blocks a deal: no quotes of notes, no exact amounts; titles of tasks
//! in its sentences are logged as disclosed.

use serde::Serialize;

use super::facts::Facts;
use super::report::{by_words, report};
use super::rules::outcome::title;
use crate::actions::message_summary::{MessageSummary, shared_reference};
use crate::bindings::exports::claw::crm::read::{
    BlockerCode, Certainty, Finding, LayerKind, LayerSource, Severity,
};
use crate::context::{Context, STALE_DAYS};
use crate::failure::{self, Failure};
use crate::markdown::count;
use crate::text;
use crate::tezit::envelope::{
    DealView, DisclosureLog, FieldSelection, ShareableKind, advice, deal, json_layer, limits,
    prose_layer,
};
use crate::tezit::message::Message;

/// The confidence of a computed fact, and of a guess from words.
const CONFIDENCE: (u8, u8) = (100, 50);

/// Fills a message with what blocks a deal: as many requests as the report takes.
///
/// # Errors
/// As [`super::blockers`], and `not-found` where nothing was found.
pub(in crate::actions) fn share(
    ctx: &Context<'_>,
    named: &str,
    message: &mut Message,
) -> Result<MessageSummary, Failure> {
    let facts = by_words(ctx, named, STALE_DAYS, false)?;
    let report = report(ctx, &facts);
    let unjudged = u32::try_from(report.unknown.len()).unwrap_or(u32::MAX);
    if report.findings.is_empty() {
        return Err(nothing(&report.label, unjudged));
    }
    let log = &mut message.log;
    let envelope = deal(ctx, log, &view(&facts), FieldSelection::Default(&[]));
    let mut layers = vec![envelope.layer(ctx)];
    let (mut said, mut blockers, mut hints) = (Vec::new(), Vec::new(), Vec::new());
    for finding in &report.findings {
        let sentence = sentence(&facts, finding, log);
        let (source, confidence) = match finding.certainty {
            Certainty::Verified => (LayerSource::Verified, CONFIDENCE.0),
            Certainty::Inferred => (LayerSource::Inferred, CONFIDENCE.1),
        };
        layers.push(prose_layer(
            LayerKind::Fact,
            sentence.clone(),
            source,
            Some(confidence),
        ));
        blockers.push(json_layer(
            LayerKind::Artifact,
            blocker(finding, &sentence),
            source,
        ));
        hints.push(prose_layer(
            LayerKind::Hint,
            finding.next_step.clone(),
            LayerSource::Stated,
            None,
        ));
        said.push(format!("- {sentence}"));
    }
    layers.append(&mut blockers);
    layers.extend(limits(&[ShareableKind::Deal]));
    layers.append(&mut hints);
    layers.extend(advice(message.intent));
    message.layers = layers;

    let number = u32::try_from(said.len()).unwrap_or(u32::MAX);
    let name = message.log.redact_line(&report.label);
    message.say(&format!(
        "{} in the way of the deal \u{201c}{name}\u{201d}:\n{}",
        count(number, "thing is", "things are"),
        said.join("\n")
    ));
    let mut warnings = Vec::new();
    if unjudged > 0 {
        warnings.push(format!(
            "{} could not be judged; crm_blockers says why. The message does not speak of them.",
            count(unjudged, "rule", "rules")
        ));
    }
    Ok(MessageSummary {
        words: format!("what blocks the deal \u{201c}{}\u{201d}", report.label),
        about: vec![shared_reference(&(ShareableKind::Deal, report.id))],
        warnings,
    })
}

fn nothing(label: &str, unjudged: u32) -> Failure {
    let but = if unjudged == 0 {
        "That is good.".to_owned()
    } else {
        format!(
            "That is good, as far as it goes: {} could not be judged.",
            count(unjudged, "rule", "rules")
        )
    };
    failure::not_found(
        format!(
            "Nothing was found in the way of the deal \"{label}\", so there is nothing to send. {but}"
        ),
        "Share the deal itself (`records`) if somebody should see it.",
    )
}

fn view<'a>(facts: &'a Facts<'_>) -> DealView<'a> {
    let deal = &facts.deal;
    DealView {
        id: &deal.id,
        updated_at: deal.updated_at,
        name: deal.name.as_ref(),
        stage: &deal.stage,
        amount: deal.amount.as_ref(),
        close_date: deal.close_date,
        owner: deal.owner.as_ref().and_then(|owner| owner.name.as_ref()),
        contact: None,
        next_step: Some(facts.next_step.text().map(str::to_owned)),
        unreadable: &deal.unreadable,
    }
}

/// Returns a finding as a sentence that may leave. It holds no more of the CRM than the deal's
/// default fields, which the envelope discloses, and titles of tasks, which are logged here.
fn sentence(facts: &Facts<'_>, finding: &Finding, log: &mut DisclosureLog) -> String {
    if finding.code == BlockerCode::NotedBlocker {
        return "Somebody seems to have written that something is in its way; this is guessed from the words of a note or task."
            .to_owned();
    }
    let tasks = facts.tasks.iter().flat_map(|tasks| &tasks.rows);
    for task in tasks {
        let title = title(task);
        let named = finding.sentence.contains(&format!("\"{title}\""));
        let shown = finding
            .evidence
            .iter()
            .any(|evidence| evidence.provenance.id == task.id);
        if named && shown {
            log.disclose(ShareableKind::Task, &task.id, "title");
        }
    }
    let (line, _) = text::line(&finding.sentence, usize::MAX);
    log.redact(&line)
}

/// Formats a blocker by the Tezit coordination profile.
fn blocker(finding: &Finding, sentence: &str) -> String {
    #[derive(Serialize)]
    struct Item<'a> {
        item_type: &'static str,
        title: &'static str,
        status: &'static str,
        priority: &'static str,
        blocker: Blocker<'a>,
    }
    #[derive(Serialize)]
    struct Blocker<'a> {
        description: &'a str,
        impact: &'static str,
    }
    let (title, impact) = title_and_impact(finding.code);
    let item = Item {
        item_type: "blocker",
        title,
        status: "pending",
        priority: match finding.severity {
            Severity::High => "high",
            Severity::Medium => "medium",
            Severity::Low => "low",
        },
        blocker: Blocker {
            description: sentence,
            impact,
        },
    };
    serde_json::to_string(&item).unwrap_or_default()
}

/// Returns a finding's title and its effect on the deal.
fn title_and_impact(code: BlockerCode) -> (&'static str, &'static str) {
    match code {
        BlockerCode::OverdueTask => (
            "Overdue task",
            "Something that was planned has not been done.",
        ),
        BlockerCode::NoNextStep => ("No next step", "Nobody moves it forward."),
        BlockerCode::CloseDatePassed => ("Close date passed", "The forecast is wrong."),
        BlockerCode::CloseDateNear => ("Close date near", "It may not close in time."),
        BlockerCode::Stale => ("Quiet", "The customer may have lost interest."),
        BlockerCode::StalledStage => ("Stalled stage", "Something keeps it from the next stage."),
        BlockerCode::CloseDatePushed => ("Close date pushed", "The forecast may be wrong again."),
        BlockerCode::NoOwner => ("No owner", "Nobody answers for it."),
        BlockerCode::NoContact => ("No contact", "Nobody is known to talk to."),
        BlockerCode::SingleThreaded => ("One contact", "If that person leaves, the deal does too."),
        BlockerCode::NoAmount => ("No amount", "Nobody knows how much it matters."),
        BlockerCode::UnassignedTask => ("Unassigned task", "Nobody does it."),
        BlockerCode::NotedBlocker => ("Noted blocker", "What was written may hold it up."),
    }
}
