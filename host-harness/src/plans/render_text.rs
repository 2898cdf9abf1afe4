//! Renders plans and outcomes as text, the same for every client.
//!
//! First comes what the plan does, in the host's words, then everything that is sent, a row for
//! each value. No row contains a line break, and a row with a text from outside the host begins
//! with a quote, so that nothing in a plan can pass for a row of the host's own.

use super::preview::{Preview, ShownValue, Sort, StepPreview};
use super::{PlanOutcome, PlanState, StepOutcome};
use crate::text::{Emphasis, cell, table, visible};

/// Maximum number of lines of a message in the first part; it stands whole among the values.
const MESSAGE_LINES: usize = 40;

/// Renders what a plan will send.
#[must_use]
pub fn preview(preview: &Preview, emphasis: &Emphasis) -> String {
    let mut text = format!("{}\n", visible(&preview.deed));
    for (index, step) in preview.steps.iter().enumerate() {
        text.push_str(&told(index + 1, step, emphasis));
    }
    text.push('\n');
    let mut rows: Vec<Vec<String>> = Vec::new();
    for warning in &preview.warnings {
        rows.push(vec!["  warning".to_owned(), quoted(warning)]);
    }
    rows.push(vec![
        "  proposed by".to_owned(),
        format!("{} for {}", preview.tool, preview.proposer),
    ]);
    if let Some(old) = &preview.replaces {
        rows.push(vec![
            "  replaces".to_owned(),
            format!("plan {}", old.short()),
        ]);
    }
    rows.push(vec!["  skill's words".to_owned(), quoted(&preview.words)]);
    text.push_str(&table(&rows, emphasis));
    text.push_str("\nWhat is sent, value by value:\n");
    for (index, step) in preview.steps.iter().enumerate() {
        text.push_str(&sent(index + 1, step, emphasis));
    }
    text.push_str(&format!("\n  digest {}\n", preview.plan));
    text
}

/// Quotes a text that is escaped already.
fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

/// Describes a step in words.
fn told(number: usize, step: &StepPreview, emphasis: &Emphasis) -> String {
    let when = step
        .when
        .as_ref()
        .map(|when| format!(", {when}"))
        .unwrap_or_default();
    let mut text = format!("\n  {number}. {}{when}\n", visible(&step.deed));
    let mut rows: Vec<Vec<String>> = Vec::new();
    for person in &step.recipients {
        let told = match &person.name {
            Some(name) => format!("{} ({})", quoted(name), quoted(&person.id)),
            None => quoted(&person.id),
        };
        rows.push(vec!["     goes to".to_owned(), told]);
    }
    if let Some(group) = &step.group {
        rows.push(vec![
            "     can be read by".to_owned(),
            format!("everybody of the team {}", quoted(group)),
        ]);
    }
    for value in step
        .values
        .iter()
        .filter(|value| value.sort == Sort::Message)
    {
        rows.extend(message(value));
    }
    for value in step.values.iter().filter(|value| is_told(value)) {
        let title = value.title.as_ref().unwrap_or(&value.name);
        let means = value.means.as_ref().unwrap_or(&value.value);
        let shown = match &value.before {
            Some(before) => format!("{before}  ->  {means}"),
            None => means.clone(),
        };
        rows.push(vec![format!("     {}", visible(title)), shown]);
    }
    for given in &step.disclosures {
        let beyond = if given.expanded.is_empty() {
            String::new()
        } else {
            format!(" (beyond the default: {})", given.expanded.join(", "))
        };
        rows.push(vec![
            "     gives away".to_owned(),
            format!("of {}: {}{beyond}", given.record, given.fields.join(", ")),
        ]);
    }
    if !step.redacted.is_empty() {
        rows.push(vec!["     taken out".to_owned(), step.redacted.join(", ")]);
    }
    for repeat in &step.repeats {
        rows.push(vec![
            "     repeats".to_owned(),
            visible(repeat).into_owned(),
        ]);
    }
    text.push_str(&table(&rows, emphasis));
    text
}

/// Checks whether a value stands beside the sentence: it has a display name or replaces another
/// value, and is no part of a message's context.
fn is_told(value: &ShownValue) -> bool {
    value.sort == Sort::Value && (value.title.is_some() || value.before.is_some())
}

/// Renders a message line by line, as its recipients read it.
fn message(value: &ShownValue) -> Vec<Vec<String>> {
    let title = value.title.as_deref().unwrap_or(&value.name);
    let text = match &value.told {
        super::telling::ValueText::Text(text) => text.as_str(),
        _ => {
            return vec![vec![
                format!("     {}", visible(title)),
                value.value.clone(),
            ]];
        }
    };
    let mut rows: Vec<Vec<String>> = Vec::new();
    let lines: Vec<&str> = text.split('\n').collect();
    for (index, line) in lines.iter().take(MESSAGE_LINES).enumerate() {
        let name = if index == 0 { title } else { "" };
        rows.push(vec![format!("     {}", visible(name)), cell(line)]);
    }
    if let Some(more) = lines
        .len()
        .checked_sub(MESSAGE_LINES)
        .filter(|more| *more > 0)
    {
        rows.push(vec![
            String::new(),
            format!("and {more} more lines, see below"),
        ]);
    }
    rows
}

/// Renders everything that a step sends.
fn sent(number: usize, step: &StepPreview, emphasis: &Emphasis) -> String {
    let document = step
        .document
        .as_ref()
        .map(|name| format!(", document {name}"))
        .unwrap_or_default();
    let policies = if step.policies.is_empty() {
        "none".to_owned()
    } else {
        step.policies.join(", ")
    };
    let mut text = format!(
        "\n  {number}. {} to {}{document}, permitted by {}\n",
        step.request,
        visible(&step.to),
        visible(&policies)
    );
    let mut rows: Vec<Vec<String>> = Vec::new();
    for value in &step.values {
        rows.push(vec![format!("     {}", value.name), beside(value)]);
        for part in &value.reading {
            rows.push(vec![format!("       > {}", part.name), part.value.clone()]);
        }
    }
    text.push_str(&table(&rows, emphasis));
    text
}

/// Renders a value as it is sent, with its meaning and the value that it replaces in brackets.
fn beside(value: &ShownValue) -> String {
    let means = value.means.iter().cloned();
    let before = value
        .before
        .iter()
        .map(|before| format!("before: {before}"));
    let notes: Vec<String> = means.chain(before).collect();
    if notes.is_empty() {
        return value.value.clone();
    }
    format!("{}  ({})", value.value, notes.join("; "))
}

/// Renders the outcome of a plan.
#[must_use]
pub fn outcome(outcome: &PlanOutcome, emphasis: &Emphasis) -> String {
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
