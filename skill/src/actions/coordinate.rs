//! `coordinate`: proposes one plan over CRM, messages, e-mail and calendar. Each part stands or
//! fails alone.

use serde::Serialize;

use super::handoff::{HandoffRequest, message};
use super::input::{self, reference, within};
use super::make_task::FollowUpTask;
use super::subject::{Subject, look_up};
use crate::bindings::exports::claw::crm::propose::{CoordinateRequest, Email, Event, Plan};
use crate::context::Context;
use crate::failure::{self, Failure};
use crate::plan::{Draft, Ids, caller, plan};
use crate::text::{self, words};
use crate::tezit::envelope::DisclosureLog;
use crate::tezit::message::Order;
use crate::workspace;

/// The destination of e-mail and calendar, as the manifest names it.
const DESTINATION: &str = "workspace";
/// The longest objective, in characters.
const OBJECTIVE: usize = 1_000;
/// The longest subject of an e-mail or summary of an event.
const LINE: usize = 300;
/// The longest text of an e-mail.
const BODY: usize = 10_000;

/// A plan while its parts are added.
struct PlanParts<'a> {
    ctx: &'a Context<'a>,
    ids: Ids,
    about: &'a str,
    objective: &'a str,
    subject: Subject,
    steps: Vec<Draft>,
    words: Vec<String>,
    warnings: Vec<String>,
}

/// Runs the action.
///
/// # Errors
/// As `failure` says: what is wrong with any part is a failure of the whole, since nothing has been
/// sent yet.
pub fn coordinate(ctx: &Context<'_>, request: &CoordinateRequest) -> Result<Plan, Failure> {
    caller(ctx)?;
    let about = words("about", &request.about)?;
    let objective = line("objective", &request.objective, OBJECTIVE)?;
    if request.task.is_none()
        && request.handoff.is_none()
        && request.email.is_none()
        && request.calendar.is_none()
    {
        return Err(failure::invalid_input(
            "request",
            "it has no part",
            "Give at least one of task, handoff, email and calendar.",
        ));
    }
    let task = request.task.as_ref();
    let task = task
        .map(|task| {
            let checked =
                FollowUpTask::check(ctx, "task.", &task.title, task.note.as_deref(), &task.due)?;
            let assignee = task.assignee.as_deref().unwrap_or("me");
            let address = input::member_address(ctx, "task.assignee", assignee)?;
            Ok::<_, Failure>((checked, address))
        })
        .transpose()?;
    let letter = request.email.as_ref().map(EmailDraft::check).transpose()?;
    let entry = request
        .calendar
        .as_ref()
        .map(CalendarEntry::check)
        .transpose()?;
    let sender = match (&letter, &entry) {
        (None, None) => None,
        _ if !workspace::configured(ctx) => return Err(not_set_up()),
        _ => Some(workspace::pa_email(ctx)?),
    };
    let handoff = request.handoff.as_ref();
    let handing = handoff
        .map(|handoff| HandoffRequest::check(ctx, handoff))
        .transpose()?;

    let address = task.as_ref().map(|(_, address)| address.as_str());
    let (subject, members) = look_up(ctx, &about, address)?;
    #[derive(Serialize)]
    struct Seed<'a> {
        about: &'a str,
        objective: &'a str,
        task: Option<(&'a FollowUpTask, &'a str)>,
        handoff: Option<&'a HandoffRequest<'a>>,
        email: Option<&'a EmailDraft>,
        calendar: Option<&'a CalendarEntry>,
    }
    let seed = Seed {
        about: &subject.id,
        objective: &objective,
        task: task
            .as_ref()
            .map(|(task, address)| (task, address.as_str())),
        handoff: handing.as_ref(),
        email: letter.as_ref(),
        calendar: entry.as_ref(),
    };
    let ids = Ids::new(ctx, "coordinate", request.idempotency_key.as_deref(), &seed)?;
    let mut parts = PlanParts {
        ctx,
        ids,
        about: &about,
        objective: &objective,
        subject,
        steps: Vec::new(),
        words: Vec::new(),
        warnings: Vec::new(),
    };
    if let Some((task, address)) = &task {
        let member = input::member(ctx, "task.assignee", address, members.into_iter())?;
        parts.task(task, &member)?;
    }
    if let Some(handing) = &handing {
        parts.handoff(handing)?;
    }
    if let Some((letter, sender)) = letter.as_ref().zip(sender.as_deref()) {
        parts.email(letter, sender)?;
    }
    if let Some((entry, sender)) = entry.as_ref().zip(sender.as_deref()) {
        parts.calendar(entry, sender)?;
    }
    let (email, calendar) = (request.email.as_ref(), request.calendar.as_ref());
    parts.warnings.extend(input::hidden(&[
        ("objective", Some(&request.objective)),
        (
            "task's title",
            request.task.as_ref().map(|task| task.title.as_str()),
        ),
        (
            "task's note",
            request.task.as_ref().and_then(|task| task.note.as_deref()),
        ),
        (
            "message",
            handoff.and_then(|handoff| handoff.message.as_deref()),
        ),
        (
            "question",
            handoff.and_then(|handoff| handoff.ask.as_deref()),
        ),
        (
            "e-mail's subject",
            email.and_then(|email| email.subject.as_deref()),
        ),
        (
            "e-mail's body",
            email.and_then(|email| email.body.as_deref()),
        ),
        (
            "calendar entry",
            calendar.and_then(|entry| entry.summary.as_deref()),
        ),
    ]));
    Ok(parts.finish())
}

fn not_set_up() -> Failure {
    failure::unavailable(
        false,
        "PA Workspace is not set up, so there is no e-mail and no calendar.",
        "Leave out `email` and `calendar`, or ask the operator to set PA_WORKSPACE_API_URL.",
    )
}

/// Checks one line of text of at most so many characters.
fn line(field: &str, given: &str, most: usize) -> Result<String, Failure> {
    let line = input::note(field, given)?.unwrap_or_default();
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.chars().count() {
        0 => Err(failure::invalid_input(
            field,
            "it is empty",
            "Give at least one word, or leave it out if it is optional.",
        )),
        length if length > most => Err(failure::invalid_input(
            field,
            format!("it is longer than {most} characters"),
            "Give a shorter text.",
        )),
        _ => Ok(line),
    }
}

/// A checked e-mail.
#[derive(Serialize)]
struct EmailDraft {
    to: String,
    subject: Option<String>,
    body: Option<String>,
}

impl EmailDraft {
    fn check(email: &Email) -> Result<Self, Failure> {
        let subject = email.subject.as_deref();
        let subject = subject.map(|subject| line("email.subject", subject, LINE));
        let body = super::handoff::optional_text("email.body", email.body.as_deref())?;
        if body
            .as_ref()
            .is_some_and(|body| body.chars().count() > BODY)
        {
            return Err(too_long("email.body"));
        }
        Ok(Self {
            to: input::email("email.to", &email.to)?,
            subject: subject.transpose()?,
            body,
        })
    }
}

fn too_long(field: &str) -> Failure {
    failure::invalid_input(
        field,
        format!("it would be longer than {BODY} characters"),
        "Give a shorter text.",
    )
}

/// A checked calendar entry.
#[derive(Serialize)]
struct CalendarEntry {
    summary: Option<String>,
    minutes: Option<u16>,
}

impl CalendarEntry {
    fn check(event: &Event) -> Result<Self, Failure> {
        let summary = event.summary.as_deref();
        let summary = summary.map(|summary| line("calendar.summary", summary, LINE));
        let minutes = event.duration;
        if minutes.is_some() {
            within("calendar.duration", minutes, 1, 1..=1440)?;
        }
        Ok(Self {
            summary: summary.transpose()?,
            minutes,
        })
    }
}

impl PlanParts<'_> {
    fn task(
        &mut self,
        task: &FollowUpTask,
        member: &input::WorkspaceMember,
    ) -> Result<(), Failure> {
        let seed = task.seed(&self.subject, member);
        let (_, steps) = task.steps(
            self.ctx,
            &self.ids,
            &seed,
            &self.subject,
            member,
            Order::Alone,
        )?;
        self.words.push(task.words(self.ctx, &self.subject, member));
        self.warnings.extend(task.warning(self.ctx));
        self.steps.extend(steps);
        Ok(())
    }

    fn handoff(&mut self, handing: &HandoffRequest<'_>) -> Result<(), Failure> {
        let message = message(
            self.ctx,
            handing,
            self.about,
            &self.subject,
            None,
            Some(self.objective),
        );
        let sending = message.send(self.ctx, &self.ids, &handing.audience, Order::Alone)?;
        self.words.push(format!(
            "Hand the {} over to {}.",
            self.subject.shown(),
            sending.whom
        ));
        self.warnings.extend(sending.warnings);
        self.steps.extend(sending.steps);
        Ok(())
    }

    fn email(&mut self, letter: &EmailDraft, sender: &str) -> Result<(), Failure> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Body<'a> {
            pa_email: &'a str,
            to: &'a str,
            subject: &'a str,
            body: &'a str,
        }
        let mut log = DisclosureLog::default();
        let subject = match &letter.subject {
            Some(subject) => log.redact(subject),
            None => log.redact(&text::line(self.objective, LINE).0),
        };
        let body = match &letter.body {
            Some(body) => log.redact(body),
            None => {
                let named = self.subject.named(self.about, &mut log);
                format!(
                    "{}\n\nThis is about the {named}.",
                    log.redact(self.objective)
                )
            }
        };
        // Taking something out can make a text longer.
        if subject.chars().count() > LINE {
            return Err(too_long("email.subject"));
        }
        if body.chars().count() > BODY {
            return Err(too_long("email.body"));
        }
        let words = format!("Send {} an e-mail: \u{201c}{subject}\u{201d}.", letter.to);
        let step = Draft::post(
            "email",
            DESTINATION,
            "/api/email/send",
            &Body {
                pa_email: sender,
                to: &letter.to,
                subject: &subject,
                body: &body,
            },
            words.clone(),
        )?
        .after(&[])
        .once(self.ids.id("email"))
        .disclosing(log.disclosures());
        self.redacted("e-mail", &log);
        self.words.push(words);
        self.steps.push(step);
        Ok(())
    }

    fn calendar(&mut self, entry: &CalendarEntry, sender: &str) -> Result<(), Failure> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Body<'a> {
            pa_email: &'a str,
            action_type: &'static str,
            summary: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            duration_ms: Option<u32>,
        }
        let mut log = DisclosureLog::default();
        let summary = match &entry.summary {
            Some(summary) => log.redact(summary),
            None => log.redact(&text::line(self.objective, LINE).0),
        };
        if summary.chars().count() > LINE {
            return Err(too_long("calendar.summary"));
        }
        let words = format!("Log in the calendar: \u{201c}{summary}\u{201d}.");
        let step = Draft::post(
            "calendar",
            DESTINATION,
            "/api/calendar/log-action",
            &Body {
                pa_email: sender,
                action_type: "crm_follow_up",
                summary: &summary,
                duration_ms: entry.minutes.map(|minutes| u32::from(minutes) * 60_000),
            },
            words.clone(),
        )?
        .after(&[])
        .once(self.ids.id("calendar"));
        self.redacted("calendar entry", &log);
        self.words.push(words);
        self.steps.push(step);
        Ok(())
    }

    fn redacted(&mut self, what: &str, log: &DisclosureLog) {
        let redacted: Vec<&str> = log.redacted().collect();
        if !redacted.is_empty() {
            let redacted = redacted.join(", ");
            self.warnings
                .push(format!("Taken out of the {what}: {redacted}."));
        }
    }

    fn finish(self) -> Plan {
        let about = reference(self.subject.kind, &self.subject.id);
        plan(
            &self.ids,
            self.words.join(" "),
            vec![about],
            self.warnings,
            self.steps,
        )
    }
}
