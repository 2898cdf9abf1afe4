//! Applies the rules to a deal, and reports what blocks it.

use super::facts::Facts;
use super::find;
use super::rules::outcome::RuleOutcome;
use super::rules::{self, RULES};
use crate::actions::get::deal_line;
use crate::actions::input::within;
use crate::bindings::exports::claw::crm::read::{
    BlockersReport, BlockersRequest, Certainty, Finding, OpportunityFields, Severity, Unjudged,
};
use crate::context::{Context, STALE_DAYS};
use crate::failure::Failure;
use crate::markdown::{MarkdownPage, count, escape};
use crate::text::{self, Cutter, words as checked_words};
use crate::twenty::{self, hidden};

/// Runs the action.
///
/// # Errors
/// As `failure` says. What cannot be read beside the deal makes rules `unknown`, not the action
/// fail.
pub fn blockers(ctx: &Context<'_>, request: &BlockersRequest) -> Result<BlockersReport, Failure> {
    let stale_days = within("staleDays", request.stale_days, STALE_DAYS, 1..=365)?;
    let named = checked_words("opportunity", &request.opportunity)?;
    let facts = by_words(ctx, &named, stale_days, request.widen.unwrap_or(false))?;
    Ok(report(ctx, &facts))
}

/// Reads the facts about the deal with an id or a name.
pub(super) fn by_words<'a>(
    ctx: &'a Context<'a>,
    named: &str,
    stale_days: u16,
    widen: bool,
) -> Result<Facts<'a>, Failure> {
    let id = find::by_name(ctx, named)?;
    Facts::read(ctx, id, stale_days, widen)
}

/// Applies every rule.
pub(super) fn report(ctx: &Context<'_>, facts: &Facts<'_>) -> BlockersReport {
    let mut cutter = Cutter::default();
    let mut findings = Vec::new();
    let mut unknown = Vec::new();
    let mut clear = Vec::new();
    for &(code, rule) in RULES {
        let why = rules::unread(ctx, code).or_else(|| rules::unreadable(facts, code));
        let outcome = match why {
            _ if facts.closed && rules::is_about_open_deals(code) => RuleOutcome::Clear,
            Some(why) => RuleOutcome::Unknown(why),
            None => rule(facts),
        };
        match outcome {
            RuleOutcome::Clear => clear.push(code),
            RuleOutcome::Unknown(reason) => unknown.push(Unjudged { code, reason }),
            RuleOutcome::Fires(fired) => findings.push(Finding {
                code,
                severity: fired.severity,
                certainty: fired.certainty,
                sentence: fired.sentence,
                evidence: fired.evidence,
                next_step: fired.next_step,
            }),
        }
    }
    // Worst first; the order of the rules decides among equals (the sort is stable).
    findings.sort_by_key(|finding: &Finding| match finding.severity {
        Severity::High => 0,
        Severity::Medium => 1,
        Severity::Low => 2,
    });
    let opportunity = facts.fields(&mut cutter);
    BlockersReport {
        markdown: markdown(ctx, facts, &opportunity, &findings, &unknown),
        id: facts.deal.id.clone(),
        label: opportunity.name.clone(),
        opportunity,
        findings,
        unknown,
        clear,
        last_activity: facts.last_activity.time().map(text::instant),
        missing: facts.missing.clone(),
        truncated: cutter.cut,
        provenance: twenty::provenance(ctx, "opportunity", &facts.deal.id, facts.deal.updated_at),
    }
}

fn markdown(
    ctx: &Context<'_>,
    facts: &Facts<'_>,
    fields: &OpportunityFields,
    findings: &[Finding],
    unknown: &[Unjudged],
) -> String {
    let number = u32::try_from(findings.len()).unwrap_or(u32::MAX);
    let title = match number {
        0 if unknown.is_empty() => "nothing in the way".to_owned(),
        0 => "nothing found in the way".to_owned(),
        number => count(number, "blocker", "blockers"),
    };
    let mut page = MarkdownPage::titled(&format!("{}: {title}", escape(&fields.name)));
    page.line(&format!(
        "{} ({})",
        escape(&deal_line(ctx, fields, facts.deal.close_date)),
        facts.deal.id
    ));
    for missing in &facts.missing {
        page.line(&format!("Not shown, {}", escape(missing)));
    }
    if let Some(unread) = hidden::sentence(ctx) {
        page.line(&escape(&unread));
    }
    if facts.closed {
        page.line("This deal is closed; rules about open deals are not applied.");
    }
    if !findings.is_empty() {
        page.line("");
    }
    for finding in findings {
        let severity = match finding.severity {
            Severity::High => "HIGH",
            Severity::Medium => "medium",
            Severity::Low => "low",
        };
        let guess = if finding.certainty == Certainty::Inferred {
            " (inferred)"
        } else {
            ""
        };
        page.bullet(&format!(
            "**{severity}** {}{guess}",
            escape(&finding.sentence)
        ));
        page.line(&format!("  Next: {}", escape(&finding.next_step)));
    }
    if !unknown.is_empty() {
        page.heading("Could not be judged");
        for unjudged in unknown {
            page.bullet(&format!(
                "{}: {}",
                rules::name(unjudged.code),
                escape(&unjudged.reason)
            ));
        }
    }
    page.finish()
}
