//! A plan in a few words, for doors that show a person little: the whole of it where it fits, else what it amounts to and where to read it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::preview::{Preview, StepPreview};

/// Most recipients that are named beside a message.
const NAMED_MAX: usize = 5;
/// Longest name of a recipient or of a service there, in UTF-16 code units.
const NAME_MAX: usize = 128;

/// How much can be shown, in UTF-16 code units, as JavaScript counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Room {
    /// Of the title.
    pub title: usize,
    /// Of the text.
    pub text: usize,
}

/// A plan in a few words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Brief {
    /// What it is, on one line.
    pub title: String,
    /// What will be sent.
    pub text: String,
    /// Whether the text holds everything that will be sent; if not, it says where to read it.
    pub whole: bool,
    /// Whom it writes to; none if it writes to nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<Message>,
}

/// Whom a plan writes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// The services that carry it.
    pub target: String,
    /// How many get it; a team counts as one, and is named.
    pub count: usize,
    /// The first of them, by name.
    pub recipients: Vec<String>,
    /// Whether somebody of them is not surely of the team.
    pub outside: bool,
}

/// A plan in a few words. `reading` is the command with which a person reads it whole.
#[must_use]
pub fn brief(preview: &Preview, room: Room, reading: &str) -> Brief {
    let steps = || preview.steps.iter().filter(|step| !step.undoes);
    let mut services: BTreeMap<&str, usize> = BTreeMap::new();
    for step in steps() {
        *services.entry(&step.service).or_default() += 1;
    }
    let counts: Vec<String> = services
        .iter()
        .enumerate()
        .map(|(index, (service, count))| match (index, count) {
            (0, 1) => format!("1 write to {service}"),
            (0, count) => format!("{count} writes to {service}"),
            (_, count) => format!("{count} to {service}"),
        })
        .collect();
    let counts = counts.join(", ");
    let title = format!("Plan {}: {counts}", preview.plan.short());
    let message = message(preview);
    let whole = whole(preview);
    let fits = units(&whole) <= room.text;
    let text = if fits {
        // The skill's words are its own; they come last, if there is room for them at all.
        let with_words = format!("{whole}\nThe skill's words: {}", preview.words);
        if units(&with_words) <= room.text {
            with_words
        } else {
            whole
        }
    } else {
        summary(preview, &counts, reading, room.text)
    };
    Brief {
        title: cut(&title, room.title),
        text,
        whole: fits,
        message,
    }
}

/// Everything that will be sent, a step a line.
fn whole(preview: &Preview) -> String {
    let mut lines: Vec<String> = preview
        .steps
        .iter()
        .enumerate()
        .map(|(index, step)| line(index + 1, step))
        .collect();
    for warning in &preview.warnings {
        lines.push(format!("Warning: {warning}"));
    }
    lines.join("\n")
}

fn line(number: usize, step: &StepPreview) -> String {
    let mut text = format!("{number}. {}", step.what);
    if let Some(when) = &step.when {
        text.push_str(&format!(", {when}"));
    }
    let values: Vec<String> = step
        .values
        .iter()
        // The id of the record stands at the beginning of the line.
        .filter(|value| value.before.is_some() || step.record.as_ref() != Some(&value.value))
        .map(|value| {
            let before = value.before.as_deref();
            let before =
                before.map_or_else(String::new, |before| format!("{} -> ", distinct(before)));
            let name = value.name.trim_start_matches("data.");
            format!("{name}: {before}{}", distinct(&value.told()))
        })
        .collect();
    if !values.is_empty() {
        text.push_str(&format!("; {}", values.join("; ")));
    }
    if let Some(group) = &step.group {
        text.push_str(&format!("; read by everybody of the team {group}"));
    }
    for given in &step.disclosures {
        text.push_str(&format!(
            "; gives away {} {}: {}",
            given.kind,
            given.id,
            given.fields.join(", ")
        ));
    }
    text
}

/// A value beside others on one line. One that could pass for more than itself, or for nothing, is put in quotes, as JSON has them.
fn distinct(value: &str) -> Cow<'_, str> {
    let passes = value.trim().is_empty()
        || value.trim() != value
        || [";", "->", "\"", ": "]
            .iter()
            .any(|mark| value.contains(mark));
    if passes {
        Cow::Owned(Value::from(value).to_string())
    } else {
        Cow::Borrowed(value)
    }
}

/// What it amounts to, and where to read it. What there is no room for is cut and counted, never passed over.
fn summary(preview: &Preview, counts: &str, reading: &str, room: usize) -> String {
    let values: usize = preview.steps.iter().map(|step| step.values.len()).sum();
    let head = format!("Too long to be shown here. It sends {counts}, {values} values in all.");
    let foot = format!(
        "Digest {}\nRead it before you decide: {reading}",
        preview.plan
    );
    let gives: usize = preview
        .steps
        .iter()
        .map(|step| step.disclosures.len())
        .sum();
    let gives = match gives {
        0 => None,
        1 => Some("It gives away fields of 1 record.".to_owned()),
        more => Some(format!("It gives away fields of {more} records.")),
    };
    // Each line with the line break before it.
    let taken = |line: &String| units(line) + 1;
    let mut left =
        room.saturating_sub(units(&head) + taken(&foot) + gives.as_ref().map_or(0, taken));
    let people = people(preview);
    // Names need the other half.
    let share = if people.is_empty() { left } else { left / 2 };
    let warnings = warned(&preview.warnings, share.saturating_sub(1));
    left = left.saturating_sub(warnings.as_ref().map_or(0, taken));
    let people = (!people.is_empty()).then(|| named(&people, left.saturating_sub(1)));
    let lines = [Some(head), people, gives, warnings, Some(foot)];
    let lines: Vec<String> = lines.into_iter().flatten().collect();
    cut(&lines.join("\n"), room)
}

/// The warnings; where there is no room for all of them, the beginning of the first and how many there are.
fn warned(warnings: &[String], room: usize) -> Option<String> {
    let first = warnings.first()?;
    let all: Vec<String> = warnings
        .iter()
        .map(|warning| format!("Warning: {warning}"))
        .collect();
    let all = all.join("\n");
    if units(&all) <= room {
        return Some(all);
    }
    let head = match warnings.len() {
        1 => "Warning: ".to_owned(),
        count => format!("{count} warnings: "),
    };
    Some(format!(
        "{head}{}",
        cut(first, room.saturating_sub(units(&head)))
    ))
}

/// As many names as there is room for, and how many more.
fn named(people: &[String], room: usize) -> String {
    let mut count = people.len();
    loop {
        let names: Vec<&str> = people.iter().take(count).map(String::as_str).collect();
        let more = people.len() - count;
        let text = match more {
            0 => format!("To {}.", names.join(", ")),
            _ if count == 0 => format!("To {} people.", people.len()),
            _ => format!("To {} and {more} more.", names.join(", ")),
        };
        if units(&text) <= room || count == 0 {
            return text;
        }
        count -= 1;
    }
}

/// Everybody who gets something, each once, groups last.
fn people(preview: &Preview) -> Vec<String> {
    let mut people: Vec<String> = Vec::new();
    let mut add = |name: String| {
        if !people.contains(&name) {
            people.push(name);
        }
    };
    for person in preview.steps.iter().flat_map(|step| &step.recipients) {
        // Two people of one name are two.
        add(match &person.name {
            Some(name) => format!("{name} ({})", person.id),
            None => person.id.clone(),
        });
    }
    for group in preview.steps.iter().filter_map(|step| step.group.as_ref()) {
        add(format!("everybody of the team {group}"));
    }
    people
}

fn message(preview: &Preview) -> Option<Message> {
    let people = people(preview);
    if people.is_empty() {
        return None;
    }
    let writes = |step: &&StepPreview| !step.recipients.is_empty() || step.group.is_some();
    let writing: Vec<&StepPreview> = preview.steps.iter().filter(writes).collect();
    let mut services: Vec<&str> = writing.iter().map(|step| step.service.as_str()).collect();
    services.dedup();
    Some(Message {
        target: cut(&services.join(", "), NAME_MAX),
        count: people.len(),
        recipients: people
            .iter()
            .take(NAMED_MAX)
            .map(|name| cut(name, NAME_MAX))
            .collect(),
        outside: writing.iter().any(|step| step.outside),
    })
}

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// No more than so many code units.
fn cut(text: &str, room: usize) -> String {
    if units(text) <= room {
        return text.to_owned();
    }
    let mut left = room.saturating_sub(3);
    let mut kept: String = text
        .chars()
        .take_while(|character| {
            let fits = character.len_utf16() <= left;
            left = left.saturating_sub(character.len_utf16());
            fits
        })
        .collect();
    kept.push_str("...");
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Approval;
    use crate::plan::preview::{Shared, Shown};
    use crate::plan::{Digest, Person, PlanState};

    const ROOM: Room = Room {
        title: 80,
        text: 512,
    };

    fn step(number: usize) -> StepPreview {
        StepPreview {
            id: format!("s{number}"),
            what: format!("create thing {number}"),
            to: "Service at https://service.example".into(),
            request: "POST /query".into(),
            document: None,
            when: None,
            values: vec![
                Shown {
                    name: "id".into(),
                    value: number.to_string(),
                    whole: None,
                    before: None,
                },
                Shown {
                    name: "data.title".into(),
                    value: "Call them".into(),
                    whole: None,
                    before: Some("Write to them".into()),
                },
            ],
            recipients: Vec::new(),
            group: None,
            disclosures: Vec::new(),
            redacted: Vec::new(),
            repeats: Vec::new(),
            words: String::new(),
            policies: Vec::new(),
            record: Some(number.to_string()),
            service: "Service".into(),
            undoes: false,
            outside: false,
        }
    }

    fn plan(steps: Vec<StepPreview>) -> Preview {
        Preview {
            plan: Digest::of(b"plan"),
            tool: "tool".into(),
            proposer: "robin".into(),
            state: PlanState::Waiting,
            expires: String::new(),
            approval: Approval::Required,
            words: "Do it".into(),
            warnings: Vec::new(),
            steps,
        }
    }

    fn letter(to: &[&str]) -> StepPreview {
        StepPreview {
            what: "message: letter to them".into(),
            service: "Post".into(),
            values: vec![Shown {
                name: "text".into(),
                value: "x".repeat(600),
                whole: None,
                before: None,
            }],
            recipients: to
                .iter()
                .map(|name| Person {
                    id: format!("id-of-{name}"),
                    name: Some((*name).to_owned()),
                })
                .collect(),
            disclosures: vec![Shared {
                kind: "thing".into(),
                id: "1".into(),
                fields: vec!["name".into()],
                expanded: Vec::new(),
            }],
            ..step(2)
        }
    }

    #[test]
    fn what_fits_is_shown_whole_each_value_once_and_the_skills_words_last() {
        let mut undo = step(1);
        undo.undoes = true;
        undo.when = Some("only if step 1 fails for good".into());
        let told = brief(&plan(vec![step(1), undo]), ROOM, "read it");
        assert!(told.whole);
        let digest = Digest::of(b"plan");
        assert_eq!(
            told.title,
            format!("Plan {}: 1 write to Service", digest.short())
        );
        assert_eq!(
            told.text,
            "1. create thing 1; title: Write to them -> Call them\n2. create thing 1, only if step 1 fails for good; title: Write to them -> Call them\nThe skill's words: Do it"
        );
        assert_eq!(told.message, None);
    }

    #[test]
    fn no_value_is_left_out_because_it_stands_within_another_and_none_passes_for_two() {
        let mut change = step(17);
        let value = |name: &str, before: Option<&str>, value: &str| Shown {
            name: name.into(),
            value: value.into(),
            whole: None,
            before: before.map(Into::into),
        };
        change.values = vec![
            value("id", None, "17"),
            value("data.amount", Some("8000"), "1"),
            value("data.place", None, "thing"),
            value("data.rank", Some("3"), "17"),
            value("data.title", None, "Call; amount: 9"),
            value("data.note", Some("old -> new"), ""),
        ];
        let told = brief(&plan(vec![change]), ROOM, "read it");
        assert!(told.whole);
        assert!(
            told.text.starts_with(
                "1. create thing 17; amount: 8000 -> 1; place: thing; rank: 3 -> 17; title: \"Call; amount: 9\"; note: \"old -> new\" -> \"\"\n"
            ),
            "{}",
            told.text
        );
    }

    #[test]
    fn what_does_not_fit_is_told_by_counts_recipients_digest_and_where_to_read_it() {
        let told = brief(
            &plan(vec![step(1), letter(&["Sam", "Kim"])]),
            ROOM,
            "read it",
        );
        assert!(!told.whole);
        assert_eq!(
            told.text,
            format!(
                "Too long to be shown here. It sends 1 write to Post, 1 to Service, 3 values in all.\nTo Sam (id-of-Sam), Kim (id-of-Kim).\nIt gives away fields of 1 record.\nDigest {}\nRead it before you decide: read it",
                Digest::of(b"plan")
            )
        );
        let message = told.message.unwrap();
        assert_eq!(message.target, "Post");
        assert_eq!(message.count, 2);
        assert!(!message.outside);
    }

    #[test]
    fn whatever_is_in_a_plan_its_text_stays_within_the_room_and_names_the_digest() {
        let names: Vec<String> = (0..60).map(|n| format!("Somebody \u{1f600} {n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut plan = plan(vec![letter(&names)]);
        plan.warnings = vec!["w".repeat(400), "short".into()];
        let told = brief(&plan, ROOM, "crm-harness plan show");
        assert!(units(&told.text) <= ROOM.text, "{}", told.text);
        assert!(units(&told.title) <= ROOM.title);
        assert!(told.text.contains(plan.plan.as_str()));
        assert!(told.text.contains("crm-harness plan show"));
        assert!(told.text.contains("more."), "{}", told.text);
        assert!(told.text.contains("fields of 1 record"), "{}", told.text);
        assert!(told.text.contains("2 warnings: www"), "{}", told.text);
        // A command that is too long is cut before anything else.
        let told = brief(&plan, ROOM, &"/folder".repeat(100));
        assert!(units(&told.text) <= ROOM.text, "{}", told.text);
        assert!(told.text.contains(plan.plan.as_str()));
        let message = told.message.unwrap();
        assert_eq!((message.count, message.recipients.len()), (60, NAMED_MAX));
    }

    #[test]
    fn a_message_to_somebody_outside_says_so_and_a_team_counts_as_one() {
        let mut outside = letter(&["Sam"]);
        outside.outside = true;
        outside.group = Some("north".into());
        let message = brief(&plan(vec![outside]), ROOM, "").message.unwrap();
        assert!(message.outside);
        assert_eq!(
            message.recipients,
            ["Sam (id-of-Sam)", "everybody of the team north"]
        );
    }
}
