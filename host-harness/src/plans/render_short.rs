//! Short texts about a plan, for clients with little room: what it does, to whom, and how much.
//! What is left out is counted.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::preview::{Preview, SharedFields, ShownValue, Sort, StepPreview};
use super::telling::ValueText;
use crate::text::{clip, excerpt, visible};

/// Maximum number of recipients named beside a message.
const NAMED_MAX: usize = 5;
/// Maximum length of a recipient's or a service's name there, in UTF-16 code units.
const NAME_MAX: usize = 128;
/// Digits of a digest that name a plan in a command.
const SHORT: usize = 8;

/// Available room in UTF-16 code units, as JavaScript counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Room {
    /// Room for the title.
    pub title: usize,
    /// Room for the text.
    pub text: usize,
    /// Columns of the narrowest screen.
    #[serde(default)]
    pub columns: Option<usize>,
    /// Lines on that screen that leave room for the person's answer. A text that needs more still
    /// fits into `text`.
    #[serde(default)]
    pub lines: Option<usize>,
}

/// A plan in a few words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Brief {
    /// A description of the plan on one line.
    pub title: String,
    /// A description of what will be sent.
    pub text: String,
    /// True if the text leaves out nothing but ids and constants. In any case it names the command
    /// that shows everything.
    pub whole: bool,
    /// Its messages to people, if it sends any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<Message>,
}

/// The messages that a plan sends to people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// The services that carry it.
    pub target: String,
    /// The number of recipients; a team counts as one, and is named.
    pub count: usize,
    /// The first of them, by name.
    pub recipients: Vec<String>,
    /// True if a recipient is not known to belong to the team.
    pub outside: bool,
}

/// The level of detail: the more there is to show, the less of each is shown.
#[derive(Debug, Clone, Copy)]
struct Level {
    /// Characters of a value.
    value: usize,
    /// Characters of a message.
    message: usize,
    /// Recipients by name.
    people: usize,
    /// Fields of a step beside its sentence.
    fields: usize,
    /// Characters of a warning; 0 for their number alone.
    warning: usize,
    /// Fields of a record that are named when they are disclosed; 0 for their number alone.
    given: usize,
    /// Steps.
    steps: usize,
}

impl Level {
    /// Checks that it shows enough to decide by: the beginning of each message and value.
    const fn is_decent(&self) -> bool {
        self.message >= MESSAGE_DECENT && self.value >= VALUE_DECENT
    }

    const fn is_compact(&self) -> bool {
        self.value < VALUE_COMPACT
    }
}

/// A plan in a few words, without the command to read it whole.
#[derive(Debug, Default)]
struct Summary {
    text: String,
    left: Left,
}

const fn level(sizes: [usize; 7]) -> Level {
    let [value, message, people, fields, warning, given, steps] = sizes;
    Level {
        value,
        message,
        people,
        fields,
        warning,
        given,
        steps,
    }
}

const LEVELS: [Level; 12] = [
    level([200, 400, 20, 20, 200, 20, 32]),
    level([120, 260, 8, 10, 120, 12, 32]),
    level([90, 180, 6, 8, 90, 8, 32]),
    level([70, 130, 5, 6, 70, 8, 32]),
    level([60, 100, 4, 5, 60, 0, 32]),
    level([45, 80, 3, 4, 40, 0, 32]),
    level([40, 60, 3, 3, 0, 0, 32]),
    level([32, 40, 2, 2, 0, 0, 32]),
    level([24, 30, 2, 1, 0, 0, 32]),
    level([20, 20, 2, 0, 0, 0, 32]),
    level([16, 20, 1, 0, 0, 0, 2]),
    level([12, 12, 1, 0, 0, 0, 1]),
];

/// Minimum characters shown of a message, if possible. The names of disclosed fields take
/// precedence over more.
const MESSAGES_LEAST: [usize; 4] = [80, 40, 20, 12];
/// Below this many characters of a value, standard phrases are abbreviated.
const VALUE_COMPACT: usize = 40;
/// Number of omitted characters that is not worth a note.
const NOTE: usize = 24;
/// Below this many characters, a message or a value says too little to decide by.
const MESSAGE_DECENT: usize = 40;
const VALUE_DECENT: usize = 32;

/// Fitness of a summary to decide by, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fitness {
    /// It is longer than there is room for.
    Cut,
    /// It leaves out steps.
    SomeSteps,
    /// It shows every step, but too little of messages and values.
    AllSteps,
    /// It shows enough of each, and only counts warnings.
    Decent,
    /// It shows the warnings as well.
    Warned,
    /// It fits on one screen as well.
    OneScreen,
}

/// Returns the levels of detail, highest first. The beginning of a message is shortened last.
fn levels() -> impl Iterator<Item = Level> {
    let mut most = usize::MAX;
    MESSAGES_LEAST.into_iter().flat_map(move |least| {
        let range = least..std::mem::replace(&mut most, least);
        LEVELS.into_iter().flat_map(move |level| {
            let sizes = LEVELS.into_iter().map(|level| level.message);
            let range = range.clone();
            let sizes = sizes.filter(move |message| range.contains(message));
            sizes.map(move |message| Level { message, ..level })
        })
    })
}

/// Renders a plan in a few words. `reading` is the command that shows it whole, without the digest.
#[must_use]
pub fn brief(preview: &Preview, room: Room, reading: &str) -> Brief {
    let digits = preview.plan.as_str();
    let foot = format!("{reading} {}", digits.get(..SHORT).unwrap_or(digits));
    let most = room.text.saturating_sub(units(&foot) + 1);
    let mains = mains(&preview.steps);
    let narrow = |text: &str| {
        let (Some(columns), Some(lines)) = (room.columns, room.lines) else {
            return true;
        };
        wrapped(text, columns) + wrapped(&foot, columns) <= lines
    };
    // People, action, the beginning of a message and warnings take precedence over a screen without
    // scrolling.
    let fitness = |level: &Level, text: &str| match level {
        _ if units(text) > most => Fitness::Cut,
        level if level.steps < mains.len() => Fitness::SomeSteps,
        level if !level.is_decent() => Fitness::AllSteps,
        level if level.warning == 0 && !preview.warnings.is_empty() => Fitness::Decent,
        _ if !narrow(text) => Fitness::Warned,
        _ => Fitness::OneScreen,
    };
    let mut best = (Fitness::Cut, Summary::default());
    for level in levels() {
        let found = summary(preview, &mains, level);
        let fitness = fitness(&level, &found.text);
        // Of equals, the first says the most; of those that do not fit, the last is cut the least.
        if fitness > best.0 || fitness == Fitness::Cut && best.0 == Fitness::Cut {
            best = (fitness, found);
        }
        if fitness == Fitness::OneScreen {
            break;
        }
    }
    let (_, found) = best;
    let (text, whole) = (cut(&found.text, most), found.left.is_nothing());
    Brief {
        title: title(&preview.steps, LEVELS[0].value, room.title),
        text: cut(&format!("{text}\n{foot}"), room.text),
        whole,
        message: message(preview),
    }
}

/// Groups the steps that a plan is for, each with those that complete its sentence. Compensation
/// steps are left out.
fn mains(steps: &[StepPreview]) -> Vec<Vec<&StepPreview>> {
    let mut mains: Vec<Vec<&StepPreview>> = Vec::new();
    let mut waiting: Vec<&StepPreview> = Vec::new();
    for step in steps.iter().filter(|step| !step.compensates) {
        match mains.last_mut() {
            // Parts before the first sentence belong to it.
            _ if step.said.part && step.said.said.is_empty() => waiting.push(step),
            Some(main) if step.said.part => main.push(step),
            _ => {
                let mut main = vec![step];
                main.append(&mut waiting);
                mains.push(main);
            }
        }
    }
    match mains.last_mut() {
        Some(main) => main.append(&mut waiting),
        None => mains.extend(waiting.into_iter().map(|step| vec![step])),
    }
    mains
}

/// Returns a description of a plan on one line of at most `room` UTF-16 units: every sentence, or
/// the first and the number of others.
pub(super) fn title(steps: &[StepPreview], value: usize, room: usize) -> String {
    let mains = mains(steps);
    let firsts: Vec<&StepPreview> = mains
        .iter()
        .filter_map(|main| main.first().copied())
        .collect();
    // The names of changed fields complete the sentence about a change, if there is room.
    let changed = |level: &Level| {
        let [step] = firsts.as_slice() else {
            return None;
        };
        let values = step.values.iter();
        let names = values
            .filter(|value| value.sort == Sort::Value && value.before.is_some())
            .map(|value| visible(value.title.as_ref().unwrap_or(&value.name)));
        let names: Vec<_> = names.collect();
        let said = step.said.say(level.value.min(value), level.people);
        (!names.is_empty()).then(|| format!("{said}: {}", names.join(", ")))
    };
    let all = |level: &Level| {
        let said = firsts
            .iter()
            .map(|step| step.said.say(level.value.min(value), level.people));
        said.collect::<Vec<_>>().join("; ")
    };
    let short = |level: &Level| {
        let first = firsts
            .first()
            .map(|step| step.said.say(level.value.min(value), level.people));
        let more = match firsts.len().saturating_sub(1) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!("{}{more}", first.unwrap_or_default())
    };
    let fits = |text: &String| units(text) <= room;
    let wide = || LEVELS.iter().filter(|level| level.value >= 40);
    wide()
        .filter_map(changed)
        .find(fits)
        .or_else(|| wide().map(all).find(fits))
        .or_else(|| LEVELS.iter().map(short).find(fits))
        .unwrap_or_else(|| cut(&LEVELS.last().map(short).unwrap_or_default(), room))
}

/// Counts of what a text leaves out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Left {
    characters: usize,
    values: usize,
    /// Ids and constants, which carry no information of their own.
    folded: usize,
    /// Anything else that is only counted: steps, recipients, warnings, names of fields.
    others: usize,
}

impl Left {
    fn is_nothing(&self) -> bool {
        (self.characters, self.values, self.others) == (0, 0, 0)
    }

    fn say(&self) -> Option<String> {
        let counts = [
            (self.values, "value", "values"),
            (self.characters, "character", "characters"),
            (self.folded, "id or constant", "ids and constants"),
        ];
        let said = counts
            .into_iter()
            .filter(|(count, ..)| *count > 0)
            .map(|(count, one, more)| counted(count, one, more));
        let said: Vec<String> = said.collect();
        (!said.is_empty()).then(|| format!("Left out: {}.", said.join(", ")))
    }
}

fn counted(count: usize, one: &str, more: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { more })
}

/// Renders the plan at a level of detail.
fn summary(preview: &Preview, mains: &[Vec<&StepPreview>], level: Level) -> Summary {
    let mut left = Left::default();
    let mut lines: Vec<String> = Vec::new();
    let many = mains.len() > 1;
    for (index, main) in mains.iter().take(level.steps).enumerate() {
        let number = if many {
            format!("{}. ", index + 1)
        } else {
            String::new()
        };
        main_lines(&number, main, level, &mut lines, &mut left);
    }
    if let Some(more) = mains.get(level.steps..).filter(|more| !more.is_empty()) {
        lines.push(others(more, level, &mut left));
    }
    repeats(preview, level, &mut lines, &mut left);
    warnings(&preview.warnings, level, &mut lines, &mut left);
    let undoing = preview.steps.iter().filter(|step| step.compensates);
    let (mut compensates, mut values) = (0, 0);
    for step in undoing {
        compensates += 1;
        values += step.values.len();
    }
    if compensates > 0 {
        left.folded += values;
        lines.push(match compensates {
            _ if level.is_compact() => "Taken back if it fails.".to_owned(),
            1 => "If that fails, 1 step takes back what was done.".to_owned(),
            more => format!("If that fails, {more} steps take back what was done."),
        });
    }
    lines.extend(left.say());
    Summary {
        text: lines.join("\n"),
        left,
    }
}

fn main_lines(
    number: &str,
    main: &[&StepPreview],
    level: Level,
    lines: &mut Vec<String>,
    left: &mut Left,
) {
    let said = main
        .iter()
        .map(|step| step.said.say(level.value, level.people));
    let said: Vec<String> = said.filter(|said| !said.is_empty()).collect();
    let mut sentence = format!("{number}{}", said.join(", "));
    let values = || {
        main.iter()
            .flat_map(|step| step.values.iter().map(move |value| (*step, value)))
    };
    let context: Vec<&ShownValue> = values()
        .filter(|(_, value)| value.sort == Sort::Context)
        .map(|(_, value)| value)
        .collect();
    if let Some(context) = in_context(&context, level) {
        sentence.push_str(&format!(", with {context}"));
    }
    lines.push(sentence);
    for step in main {
        let people = step.audience.people.len();
        left.others += people.saturating_sub(level.people);
    }
    let mut fields: Vec<String> = Vec::new();
    let mut messages = 0;
    for (step, value) in values() {
        let told = step.said.places.contains(&value.place);
        match value.sort {
            Sort::Context => {}
            Sort::Folded if told => {}
            Sort::Folded => left.folded += 1,
            // The sentence may have cut it.
            _ if told => left.characters += missing(value, level.value),
            Sort::Message => {
                let (text, more) = match &value.told {
                    ValueText::Text(text) => beginning(text, level.message),
                    told => (told.say(level.message), 0),
                };
                // The text itself says how many are left out.
                left.others += more;
                let more = match more {
                    0 => String::new(),
                    more if level.is_compact() => format!("\u{2026} ({more} more)"),
                    more => format!("\u{2026} ({more} more characters)"),
                };
                // The first is taken for the message itself.
                let title = value.title.as_ref().filter(|_| messages > 0);
                let title = title.map_or_else(String::new, |title| format!("{}: ", visible(title)));
                messages += 1;
                lines.push(format!("{title}{text}{more}"));
            }
            Sort::Value if fields.len() < level.fields => {
                left.characters += missing(value, level.value);
                let name = visible(value.title.as_ref().unwrap_or(&value.name)).into_owned();
                let before = value.before.as_ref();
                let before = before.map_or_else(String::new, |before| {
                    let (shown, more) = replaced(before, level.value);
                    left.characters += more;
                    format!("{shown} -> ")
                });
                fields.push(format!("{name}: {before}{}", value.say(level.value)));
            }
            Sort::Value => left.values += 1,
        }
    }
    if !fields.is_empty() {
        lines.push(fields.join("; "));
    }
    let given: Vec<&SharedFields> = main.iter().flat_map(|step| &step.disclosures).collect();
    let (named, more) = given.split_at(given.len().min(level.people));
    if level.value < VALUE_DECENT && !given.is_empty() {
        lines.push(format!("Gives away {}", fields_of(&given, "", left)));
        return;
    }
    lines.extend(named.iter().map(|given| gives(given, level, left)));
    if !more.is_empty() {
        lines.push(format!("Gives away {}", fields_of(more, "more ", left)));
    }
}

/// Counts the fields of several records, and those of them beyond the default.
fn fields_of(all: &[&SharedFields], more: &str, left: &mut Left) -> String {
    left.others += all.len();
    let fields = all.iter().map(|given| given.fields.len()).sum();
    let beyond: usize = all.iter().map(|given| given.expanded.len()).sum();
    let beyond = match beyond {
        0 => String::new(),
        count => format!(", {count} of them beyond the default"),
    };
    let fields = counted(fields, "field", "fields");
    let records = if all.len() == 1 { "record" } else { "records" };
    format!("{fields} of {} {more}{records}{beyond}", all.len())
}

/// Returns the beginning of a text in quotes, or the whole text if a note about the rest would be
/// as long as the rest.
fn beginning(text: &str, most: usize) -> (String, usize) {
    let (shown, more) = excerpt(text, most + NOTE);
    if more == 0 {
        return (shown, 0);
    }
    excerpt(text, most)
}

/// Returns the same of a text that is escaped already, as warnings are.
fn escaped_beginning(text: &str, most: usize) -> (&str, usize) {
    match clip(text, most + NOTE) {
        (_, more) if more > 0 => clip(text, most),
        whole => whole,
    }
}

/// Returns the beginning of a value that is replaced, so that it leaves room for the new one, and
/// how much is left out. It is escaped already.
fn replaced(before: &str, most: usize) -> (String, usize) {
    match escaped_beginning(before, most) {
        (shown, 0) => (shown.to_owned(), 0),
        (shown, more) => {
            let quote = if before.starts_with('"') { "\"" } else { "" };
            (format!("{shown}{quote}\u{2026}"), more)
        }
    }
}

/// Counts the characters of a value that are left out.
fn missing(value: &ShownValue, most: usize) -> usize {
    match &value.told {
        ValueText::Text(text) => excerpt(text, most).1,
        _ => 0,
    }
}

/// Counts the records and texts in the context of a message.
fn in_context(context: &[&ShownValue], level: Level) -> Option<String> {
    // The texts that hold it; what stands beside each says only what sort of text it is.
    let texts = context.iter().copied().filter(|value| value.is_content);
    let (mut records, mut others, mut size) = (0, 0, 0);
    for text in texts {
        size += text.size();
        match text.reading.is_empty() {
            true => others += 1,
            false => records += 1,
        }
    }
    let records = (records > 0).then(|| counted(records, "record", "records"));
    let others = (others > 0).then(|| counted(others, "text", "texts"));
    let said: Vec<String> = records.into_iter().chain(others).collect();
    let characters = if level.is_compact() {
        "chars"
    } else {
        "characters"
    };
    let context = if level.is_compact() {
        ""
    } else {
        "the context of "
    };
    (!said.is_empty()).then(|| format!("{context}{} ({size} {characters})", said.join(" and ")))
}

fn gives(given: &SharedFields, level: Level, left: &mut Left) -> String {
    let record = given.told.say(level.value);
    let count = given.fields.len();
    let fields = if count <= level.given.max(2) {
        given.fields.join(", ")
    } else {
        left.others += 1;
        counted(count, "field", "fields")
    };
    // Fields beyond the default are named as long as there is room for anything.
    let beyond = match given.expanded.len() {
        0 => String::new(),
        more if more <= level.given.max(3) => {
            format!(", beyond the default: {}", given.expanded.join(", "))
        }
        more => format!(", {more} of them beyond the default"),
    };
    format!("Gives away of {record}: {fields}{beyond}")
}

/// Summarizes the steps that there is no room for, by service, with all their recipients.
fn others(more: &[Vec<&StepPreview>], level: Level, left: &mut Left) -> String {
    let steps: Vec<&StepPreview> = more.iter().flatten().copied().collect();
    left.others += more.len();
    left.values += steps
        .iter()
        .flat_map(|step| &step.values)
        .filter(|value| value.sort != Sort::Folded)
        .count();
    let services: BTreeSet<&str> = steps.iter().map(|step| step.service.as_str()).collect();
    let services: Vec<&str> = services.into_iter().collect();
    let mut people: Vec<&ValueText> = Vec::new();
    for person in steps.iter().flat_map(|step| &step.audience.people) {
        if !people.contains(&person) {
            people.push(person);
        }
    }
    let group = steps.iter().any(|step| step.audience.group);
    let mut said = format!("and {} more ({})", more.len(), services.join(", "));
    if !people.is_empty() || group {
        let audience = super::telling::AudienceText {
            people: people.into_iter().cloned().collect(),
            group,
            outside: steps.iter().any(|step| step.audience.outside),
        };
        said.push_str(&format!(", to {}", audience.say(level.people, level.value)));
    }
    said
}

/// Lists the fields of records that texts repeat and the plan does not disclose: a warning of the
/// host's own, and as such the last to be counted only.
fn repeats(preview: &Preview, level: Level, lines: &mut Vec<String>, left: &mut Left) {
    if preview.steps.iter().any(|step| step.partly_compared) {
        lines.push(format!(
            "Warning: the text could not be compared with all answers of the last {} minutes",
            super::recent::minutes()
        ));
    }
    let mut all: Vec<&SharedFields> = Vec::new();
    for given in preview.steps.iter().flat_map(|step| &step.repeated) {
        if !all.contains(&given) {
            all.push(given);
        }
    }
    for given in all.iter().take(level.people) {
        let count = given.fields.len();
        let fields = if count <= level.given.max(3) {
            given.fields.join(", ")
        } else {
            left.others += 1;
            counted(count, "field", "fields")
        };
        let record = given.told.say(level.value);
        lines.push(format!(
            "Warning: the text repeats the {fields} of {record}, which it does not give away"
        ));
    }
    let more = all.get(level.people..).unwrap_or_default();
    if !more.is_empty() {
        lines.push(format!(
            "Warning: the text repeats {}, which it does not give away",
            fields_of(more, "more ", left)
        ));
    }
}

/// Renders the skill's warnings, or their number.
fn warnings(all: &[String], level: Level, lines: &mut Vec<String>, left: &mut Left) {
    if all.is_empty() {
        return;
    }
    if level.warning == 0 {
        left.others += all.len();
        lines.push(counted(
            all.len(),
            "warning of the skill",
            "warnings of the skill",
        ));
        return;
    }
    for warning in all {
        let (shown, more) = escaped_beginning(warning, level.warning);
        left.characters += more;
        let end = if more > 0 { "\u{2026}" } else { "" };
        lines.push(format!("The skill warns: \"{shown}\"{end}"));
    }
}

/// Returns all recipients, each once, groups last.
fn people(preview: &Preview) -> Vec<String> {
    let mut people: Vec<String> = Vec::new();
    let mut add = |name: String| {
        if !people.contains(&name) {
            people.push(name);
        }
    };
    for person in preview.steps.iter().flat_map(|step| &step.recipients) {
        // Two people may have the same name.
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

/// Returns the number of lines that a text takes at this width.
fn wrapped(text: &str, columns: usize) -> usize {
    let lines = text.split('\n');
    lines
        .map(|line| units(line).div_ceil(columns.max(1)).max(1))
        .sum()
}

/// Cuts a text to at most `room` code units.
fn cut(text: &str, room: usize) -> String {
    if units(text) <= room {
        return text.to_owned();
    }
    let mut left = room.saturating_sub(1);
    let mut kept: String = text
        .chars()
        .take_while(|character| {
            let fits = character.len_utf16() <= left;
            left = left.saturating_sub(character.len_utf16());
            fits
        })
        .collect();
    if room > 0 {
        kept.push('\u{2026}');
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::super::preview::tests::{body, facts, letter, preview_of, step};
    use super::*;
    use crate::plans::Known;

    const ROOM: Room = Room {
        title: 80,
        text: 512,
        columns: None,
        lines: None,
    };
    const READING: &str = "show plan";

    fn made(title: &str) -> (super::super::Step, super::super::Facts) {
        let variables = serde_json::json!({"data": {"title": title, "colour": "red"}}).to_string();
        (
            step(&body(&variables), Vec::new()),
            facts(Some("make"), None),
        )
    }

    fn foot(preview: &Preview) -> String {
        format!("{READING} {}", &preview.plan.as_str()[..8])
    }

    #[test]
    fn short_plan_is_told_whole() {
        let preview = preview_of(vec![made("Call; amount: 9")], Known::default());
        let told = brief(&preview, ROOM, READING);
        assert!(told.whole);
        assert_eq!(told.title, "New thing \"Call; amount: 9\"");
        assert_eq!(
            told.text,
            format!(
                "New thing \"Call; amount: 9\"\ndata.colour: \"red\"\n{}",
                foot(&preview)
            )
        );
        assert_eq!(told.message, None);
    }

    #[test]
    fn long_message_names_who_and_how_much() {
        let text = "Please look at this. ".repeat(40);
        let steps = vec![made("Call"), letter(&["Sam Okafor", "Kim"], &text)];
        let preview = preview_of(steps, Known::default());
        let told = brief(&preview, ROOM, READING);
        assert!(!told.whole);
        assert_eq!(
            told.title,
            "New thing \"Call\"; Message to Sam Okafor and Kim (outside the team)"
        );
        assert!(units(&told.text) <= ROOM.text);
        for said in [
            "1. New thing \"Call\"",
            "2. Message to Sam Okafor and Kim (outside the team)",
            "\"Please look at this.",
            "more characters)",
            "Gives away of thing 5a0b7dee-1f0e-4b8e-9a31-94c6a7c1a001 (an id that no answer named): name, price, beyond the default: price",
        ] {
            assert!(told.text.contains(said), "{said} is not in\n{}", told.text);
        }
        let message = told.message.unwrap();
        assert_eq!((message.count, message.outside), (2, true));
        // The parts shown and left out add up to the whole message.
        let shown = told
            .text
            .split('"')
            .find(|part| part.starts_with("Please"))
            .unwrap();
        let more = text.chars().count() - shown.chars().count();
        assert!(
            told.text.contains(&format!("({more} more characters)")),
            "{}",
            told.text
        );
    }

    #[test]
    fn long_old_value_leaves_room_for_the_new() {
        let mut preview = preview_of(vec![made("Call")], Known::default());
        for value in &mut preview.steps[0].values {
            if value.name.ends_with("colour") {
                value.before = Some(format!("\"{}\"", "o".repeat(480)));
            }
        }
        let told = brief(&preview, ROOM, READING);
        assert!(
            told.text.contains("oo\"\u{2026} -> \"red\""),
            "{}",
            told.text
        );
        assert!(told.text.contains("characters"), "{}", told.text);
        assert!(!told.whole);
    }

    #[test]
    fn many_recipients_and_steps_are_counted() {
        let names: Vec<String> = (0..60).map(|n| format!("Somebody \u{1f600} {n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut steps: Vec<_> = (0..31).map(|n| made(&format!("Thing {n}"))).collect();
        steps.push(letter(&names, "Hi"));
        let mut preview = preview_of(steps, Known::default());
        preview.warnings = vec!["w".repeat(400), "short".into()];
        let told = brief(&preview, ROOM, READING);
        assert!(units(&told.text) <= ROOM.text, "{}", told.text);
        assert!(units(&told.title) <= ROOM.title, "{}", told.title);
        assert!(told.title.ends_with(" and 31 more"), "{}", told.title);
        assert!(told.text.ends_with(&foot(&preview)), "{}", told.text);
        assert!(told.text.contains(" more (service), to "), "{}", told.text);
        assert!(
            told.text.contains(" more (outside the team)"),
            "{}",
            told.text
        );
        assert!(
            told.text.contains("2 warnings of the skill"),
            "{}",
            told.text
        );
        let message = told.message.unwrap();
        assert_eq!((message.count, message.recipients.len()), (60, NAMED_MAX));
    }

    #[test]
    fn steps_and_recipients_precede_details() {
        let text = "Please look at this. ".repeat(40);
        let steps: Vec<_> = ["Sam Okafor", "Kim", "Alex Ember"]
            .into_iter()
            .map(|name| letter(&[name], &text))
            .collect();
        let preview = preview_of(steps, Known::default());
        let told = brief(&preview, ROOM, READING);
        for said in [
            "1. Message to Sam Okafor",
            "to Kim",
            "3. Message to Alex Ember",
        ] {
            assert!(told.text.contains(said), "{said} is not in\n{}", told.text);
        }
        assert!(told.text.matches("\"Please").count() == 3, "{}", told.text);
    }

    #[test]
    fn repeated_values_are_a_warning_in_every_room() {
        let (step, mut facts) = letter(&["Sam"], &"word ".repeat(500));
        if let Some(sends) = &mut facts.sends {
            sends.repeats = std::mem::take(&mut sends.gives);
        }
        let preview = preview_of(vec![(step, facts)], Known::default());
        for text in [512, 400, 300] {
            let told = brief(&preview, Room { text, ..ROOM }, READING);
            assert!(
                told.text
                    .contains("Warning: the text repeats the name, price of thing 5a0b7dee"),
                "{}",
                told.text
            );
        }
    }

    #[test]
    fn warnings_are_read_before_a_screen_is_kept() {
        let narrow = Room {
            columns: Some(38),
            lines: Some(9),
            ..ROOM
        };
        let mut preview = preview_of(
            vec![letter(&["Sam"], &"word ".repeat(500))],
            Known::default(),
        );
        preview.warnings = vec!["The whole team can read it.".into(); 3];
        let told = brief(&preview, narrow, READING);
        let count = told.text.matches("The whole team can read it.").count();
        assert_eq!(count, 3, "{}", told.text);
    }

    #[test]
    fn text_fits_a_narrow_screen_where_it_can() {
        let narrow = Room {
            columns: Some(38),
            lines: Some(9),
            ..ROOM
        };
        let preview = preview_of(
            vec![letter(&["Sam"], &"word ".repeat(500))],
            Known::default(),
        );
        let told = brief(&preview, narrow, READING);
        assert!(wrapped(&told.text, 38) <= 9, "{}", told.text);
        assert!(told.text.contains("Sam"), "{}", told.text);
    }

    #[test]
    fn group_counts_as_one_and_is_named() {
        let (step, mut facts) = letter(&["Sam"], "Hi");
        if let Some(sends) = &mut facts.sends {
            sends.group = Some("north".into());
        }
        let preview = preview_of(vec![(step, facts)], Known::default());
        let told = brief(&preview, ROOM, READING);
        assert!(
            told.title.contains("Sam and the whole team"),
            "{}",
            told.title
        );
        assert_eq!(
            told.message.unwrap().recipients,
            ["Sam (id-of-Sam)", "everybody of the team north"]
        );
    }

    #[test]
    fn two_people_of_one_name_are_told_apart() {
        let (step, mut facts) = letter(&["Sam", "Sam"], "Hi");
        if let Some(person) = facts
            .sends
            .as_mut()
            .and_then(|sends| sends.recipients.first_mut())
        {
            person.id = "another".into();
        }
        let preview = preview_of(vec![(step, facts)], Known::default());
        let told = brief(&preview, ROOM, READING);
        assert!(
            told.title.contains("Sam (another) and Sam (id-of-Sam)"),
            "{}",
            told.title
        );
    }
}
