//! `crm-harness audit`: reads the audit log.

use std::io::{self, Write as _};

use crm_harness::audit::{AuditError, Reader, Row};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::args::{Args, AuditCommand};
use super::render;
use super::report::{End, Misuse};
use super::resolve::data_dir_to_read;

pub(super) fn run(args: &Args, command: &AuditCommand) -> Result<End, Misuse> {
    let folder = data_dir_to_read(args)?;
    let reader = Reader::open(&folder).map_err(misuse)?;
    match command {
        AuditCommand::Tail { count } => tail(args, &reader, *count),
        AuditCommand::Verify { head } => verify(args, &reader, *head),
        AuditCommand::Disclosures { record, recipient } => {
            disclosures(args, &reader, record.as_deref(), recipient.as_deref())
        }
        AuditCommand::Export { from } => export(&reader, *from),
    }
}

fn misuse(error: AuditError) -> Misuse {
    Misuse::new(error.code(), error)
}

fn tail(args: &Args, reader: &Reader, count: u32) -> Result<End, Misuse> {
    let rows = reader.tail(count).map_err(misuse)?;
    if args.json {
        let rows = rows.iter().map(Row::to_json).collect();
        render::print(&render::pretty(&Value::Array(rows)));
        return Ok(End::Done);
    }
    let zone = zone(args)?;
    let head = ["when", "call", "event", "what"]
        .map(str::to_owned)
        .to_vec();
    let lines = rows.iter().map(|row| line(row, &zone));
    let table: Vec<_> = std::iter::once(head).chain(lines).collect();
    render::print(&render::table(&table));
    Ok(End::Done)
}

fn zone(args: &Args) -> Result<TimeZone, Misuse> {
    Ok(match &args.time_zone {
        Some(name) => TimeZone::get(name)?,
        None => TimeZone::system(),
    })
}

fn when(at: i64, zone: &TimeZone, form: &str) -> String {
    Timestamp::from_millisecond(at).map_or_else(
        |_| at.to_string(),
        |at| at.to_zoned(zone.clone()).strftime(form).to_string(),
    )
}

/// Prints the disclosures: a line for each record, or for a message without one.
fn disclosures(
    args: &Args,
    reader: &Reader,
    record: Option<&str>,
    recipient: Option<&str>,
) -> Result<End, Misuse> {
    let mut all = reader.disclosures().map_err(misuse)?;
    all.retain(|one| {
        let of = |wanted: &str| one.what.id.as_deref() == Some(wanted);
        let to = |wanted: &str| one.what.recipients.iter().any(|known| known == wanted);
        record.is_none_or(of) && recipient.is_none_or(to)
    });
    if args.json {
        render::print(&render::pretty(&json!(all)));
        return Ok(End::Done);
    }
    if all.is_empty() {
        render::print("Nothing was given away.\n");
        return Ok(End::Done);
    }
    let zone = zone(args)?;
    let head = [
        "when",
        "event",
        "record",
        "fields",
        "to",
        "message",
        "permitted by",
    ];
    let lines = all.iter().map(|one| {
        let what = &one.what;
        let unsure = if what.certain { "" } else { " (in doubt)" };
        let record = [what.object.as_deref(), what.id.as_deref()];
        let to = what.recipients.iter().map(String::as_str);
        let group = what.group.as_ref().map(|group| format!("team {group}"));
        let to: Vec<_> = to.map(str::to_owned).chain(group).collect();
        let message = what.message.as_deref().unwrap_or("-");
        vec![
            when(one.at, &zone, "%Y-%m-%d %H:%M:%S %Z"),
            format!("{}{unsure}", what.event),
            record.into_iter().flatten().collect::<Vec<_>>().join(" "),
            what.fields.join(", "),
            to.join(", "),
            format!("{}: {message}", what.service),
            what.policies.join(", "),
        ]
    });
    let head = head.map(str::to_owned).to_vec();
    let table: Vec<_> = std::iter::once(head).chain(lines).collect();
    render::print(&render::table(&table));
    Ok(End::Done)
}

fn line(row: &Row, zone: &TimeZone) -> Vec<String> {
    let when = when(row.at, zone, "%Y-%m-%d %H:%M:%S%.3f %Z");
    // The end of a call's id tells calls apart; the JSON has all of it.
    let call = row.call.rsplit('-').next().unwrap_or_default();
    let body = serde_json::from_str(&row.body).unwrap_or_default();
    vec![
        when,
        call.to_owned(),
        row.kind.clone(),
        told(&row.kind, &body),
    ]
}

/// Describes the body of a row on one line.
fn told(kind: &str, body: &Value) -> String {
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let number = |name: &str| body.get(name).and_then(Value::as_u64).unwrap_or(0);
    let took = || {
        format!(
            "{:.1} ms",
            std::time::Duration::from_micros(number("micros")).as_secs_f64() * 1e3
        )
    };
    match kind {
        "call" => match text("caller") {
            "" => text("action").to_owned(),
            caller => format!("{} for {caller}", text("action")),
        },
        "request" => format!("{} {}", text("rule"), text("document")),
        "refusal" => format!("{}: {}", text("code"), text("reason")),
        "answer" => match body.get("status") {
            Some(status) => format!(
                "{} {status}, {} bytes, {}",
                text("rule"),
                number("bytes"),
                took()
            ),
            None => format!("{} {}, {}", text("rule"), text("end"), took()),
        },
        "result" => format!(
            "{}, {} requests, {} refused, {} sources, {}",
            text("outcome"),
            number("requests"),
            number("refused"),
            body.get("sources")
                .and_then(Value::as_array)
                .map_or(0, Vec::len),
            took()
        ),
        "ruling" => {
            let verdict = match body.get("permitted").and_then(Value::as_bool) {
                Some(true) => "permitted",
                _ => "denied",
            };
            let policies: Vec<_> = body
                .get("policies")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            let by = if policies.is_empty() {
                "no policy".to_owned()
            } else {
                policies.join(", ")
            };
            let about = [text("deed"), text("object"), text("id")];
            let about: Vec<_> = about.into_iter().filter(|part| !part.is_empty()).collect();
            format!("{verdict}: {} by {by}", about.join(" "))
        }
        "plan" => {
            let short = text("plan").get(..12).unwrap_or_default();
            match text("by") {
                "" => format!("{short} {}", text("state")),
                by => format!("{short} {} by {by}", text("state")),
            }
        }
        "shared" => {
            let fields = body.get("fields").and_then(Value::as_array);
            let fields: Vec<_> = fields
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            let recipients = body
                .get("recipients")
                .and_then(Value::as_array)
                .map_or(0, Vec::len);
            let about = [text("event"), text("object"), text("id")];
            let about: Vec<_> = about.into_iter().filter(|part| !part.is_empty()).collect();
            format!(
                "{}: {} to {recipients} at {}",
                about.join(" "),
                fields.join(", "),
                text("service")
            )
        }
        "gap" => "rows before this one are missing".to_owned(),
        "head" => "the file audit.head was missing beside these rows and was made anew".to_owned(),
        "void" => format!(
            "what row {} says did not happen: it could not be made sure of",
            number("row")
        ),
        "lost" => format!("{} events before this one are missing", number("events")),
        _ => body.to_string(),
    }
}

fn verify(
    args: &Args,
    reader: &Reader,
    head: Option<crm_harness::audit::Head>,
) -> Result<End, Misuse> {
    let report = reader.verify(head).map_err(misuse)?;
    let whole = report.faults.is_empty();
    if args.json {
        let faults: Vec<_> = report.faults.iter().map(ToString::to_string).collect();
        let notices: Vec<_> = report.notices.iter().map(ToString::to_string).collect();
        render::print(&render::pretty(&json!({
            "whole": whole,
            "rows": report.rows,
            "head": report.head.to_string(),
            "faults": faults,
            "notices": notices,
        })));
    } else {
        for fault in &report.faults {
            render::complain(&fault.to_string());
        }
        for notice in &report.notices {
            render::note(&notice.to_string());
        }
        let rows = report.rows;
        let found = if whole { "complete" } else { "NOT complete" };
        render::print(&format!(
            "The audit log is {found}: {rows} rows.\nhead {}\n",
            report.head
        ));
        if whole && head.is_none() {
            render::note(
                "keep that head elsewhere and give it to `audit verify --head` later: it shows whether somebody who can write here rewrote the log",
            );
        }
    }
    Ok(if whole { End::Done } else { End::Failed })
}

/// Prints a row per line.
fn export(reader: &Reader, from: u64) -> Result<End, Misuse> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let written = reader
        .rows(from, &mut |row| writeln!(out, "{}", row.to_json()))
        .and_then(|()| out.flush().map_err(AuditError::Output));
    match written {
        // The reader may have closed the pipe, having seen enough.
        Err(AuditError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            Ok(End::Done)
        }
        other => other.map(|()| End::Done).map_err(misuse),
    }
}
