//! Plans as a person reads them: what will be sent, and what came of it. One text for every door.

use super::preview::{Preview, StepPreview};
use super::{Outcome, PlanState, StepOutcome};
use crate::text::{Emphasis, table};

/// What will be sent, for a person.
#[must_use]
pub fn preview(preview: &Preview, emphasis: &Emphasis) -> String {
    let mut text = format!("Plan {}\n", preview.plan.short());
    let mut rows = vec![
        vec![
            "  proposed by".to_owned(),
            format!("{} for {}", preview.tool, preview.proposer),
        ],
        vec!["  skill's words".to_owned(), preview.words.clone()],
    ];
    for warning in &preview.warnings {
        rows.push(vec!["  warning".to_owned(), warning.clone()]);
    }
    text.push_str(&table(&rows, emphasis));
    for (index, step) in preview.steps.iter().enumerate() {
        text.push_str(&one(index + 1, step, emphasis));
    }
    text.push_str(&format!("\n  digest {}\n", preview.plan));
    text
}

fn one(number: usize, step: &StepPreview, emphasis: &Emphasis) -> String {
    let when = step
        .when
        .as_ref()
        .map(|when| format!(", {when}"))
        .unwrap_or_default();
    let mut text = format!("\n  {number}. {}{when}\n", step.what);
    let document = step
        .document
        .as_ref()
        .map(|name| format!(", document {name}"))
        .unwrap_or_default();
    let mut rows = vec![vec![
        "     to".to_owned(),
        format!("{}, {}{document}", step.to, step.request),
    ]];
    for value in &step.values {
        let shown = match &value.before {
            Some(before) => format!("{before}  ->  {}", value.told()),
            None => value.told().into_owned(),
        };
        rows.push(vec![format!("     {}", value.name), shown]);
    }
    for person in &step.recipients {
        let told = match &person.name {
            Some(name) => format!("{name} ({})", person.id),
            None => person.id.clone(),
        };
        rows.push(vec!["     goes to".to_owned(), told]);
    }
    if let Some(group) = &step.group {
        rows.push(vec![
            "     can be read by".to_owned(),
            format!("everybody of the team {group}"),
        ]);
    }
    for given in &step.disclosures {
        let beyond = if given.expanded.is_empty() {
            String::new()
        } else {
            format!(" (beyond the default: {})", given.expanded.join(", "))
        };
        rows.push(vec![
            "     gives away".to_owned(),
            format!(
                "{} {}: {}{beyond}",
                given.kind,
                given.id,
                given.fields.join(", ")
            ),
        ]);
    }
    if !step.redacted.is_empty() {
        rows.push(vec!["     taken out".to_owned(), step.redacted.join(", ")]);
    }
    for repeat in &step.repeats {
        rows.push(vec!["     repeats".to_owned(), repeat.clone()]);
    }
    let policies = if step.policies.is_empty() {
        "none".to_owned()
    } else {
        step.policies.join(", ")
    };
    rows.push(vec!["     permitted by".to_owned(), policies]);
    text.push_str(&table(&rows, emphasis));
    text
}

/// What came of a plan, for a person.
#[must_use]
pub fn outcome(outcome: &Outcome, emphasis: &Emphasis) -> String {
    let mut text = format!("\n{}", outcome.state.as_str());
    if let Some(reason) = &outcome.reason {
        text.push_str(&format!(": {reason}"));
    }
    text.push('\n');
    if outcome.state != PlanState::Waiting {
        let row = |step: &StepOutcome| {
            vec![
                format!("  {}", step.state.as_str()),
                step.what.clone(),
                step.detail.clone().unwrap_or_default(),
            ]
        };
        let rows: Vec<_> = outcome.steps.iter().map(row).collect();
        text.push_str(&table(&rows, emphasis));
    }
    text.push_str(&format!("{}\n", outcome.next));
    text
}
