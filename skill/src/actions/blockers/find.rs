//! Which deal a name means: the one of that name, or the only one whose name or company's name has it in it.

use serde::{Deserialize, Serialize};

use crate::actions::parts;
use crate::bindings::claw::skill::types::{Candidate, RecordRef};
use crate::context::Context;
use crate::failure::{self, Failure};
use crate::text::{Cutter, Text};
use crate::twenty::values::{Colleague, Counted, JustName, named};
use crate::twenty::{Document, Query, documents, fetch, pattern};

/// How many candidates are offered.
const CANDIDATES: usize = 10;

/// Asks for deals by name.
#[derive(Debug, Serialize)]
pub struct Find {
    pattern: String,
}

/// What it answers.
#[derive(Debug, Deserialize)]
pub struct FindData {
    opportunities: Option<Counted<Found>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    id: String,
    name: Option<Text>,
    stage: Text,
    close_date: Option<jiff::Timestamp>,
    company: Option<JustName>,
    #[expect(dead_code, reason = "selected for the harness: it decides by owners")]
    #[serde(rename = "ownerId")]
    owner: Option<Colleague>,
}

impl Query for Find {
    const DOCUMENT: &'static Document = &documents::BLOCKERS_FIND;
    type Answer = FindData;
}

/// The id of the deal that is meant.
///
/// # Errors
/// `not-found` where none fits, `ambiguous` with the candidates where several do.
pub(super) fn by_name(ctx: &Context<'_>, name: &str) -> Result<String, Failure> {
    let reply = fetch(
        ctx,
        &Find {
            pattern: format!("%{}%", pattern(name)),
        },
    )?;
    let found = reply
        .errors
        .root("opportunities", reply.data.opportunities)?;
    let total = found.total_count;
    let rows: Vec<Found> = found.rows().collect();
    let wanted = name.to_lowercase();
    let exact: Vec<&Found> = rows
        .iter()
        .filter(|row| named(row.name.as_ref()).trim().to_lowercase() == wanted)
        .collect();
    match (exact.as_slice(), rows.as_slice()) {
        ([one], _) => Ok(one.id.clone()),
        ([], [one]) => Ok(one.id.clone()),
        ([], []) => Err(failure::not_found(
            format!("There is no deal called \"{name}\", and none of a company of that name."),
            "Search for it with crm_search, or give its id.",
        )),
        ([], all) => Err(ambiguous(ctx, name, total, all.iter())),
        (several, _) => Err(ambiguous(
            ctx,
            name,
            u32::try_from(several.len()).unwrap_or(total),
            several.iter().copied(),
        )),
    }
}

fn ambiguous<'r>(
    ctx: &Context<'_>,
    name: &str,
    total: u32,
    rows: impl Iterator<Item = &'r Found>,
) -> Failure {
    let candidates = rows
        .take(CANDIDATES)
        .map(|row| {
            let mut cutter = Cutter::default();
            Candidate {
                ref_: RecordRef {
                    kind: "opportunity".to_owned(),
                    id: row.id.clone(),
                },
                label: cutter.label(named(row.name.as_ref())),
                details: parts([
                    Some(cutter.label(row.stage.as_str())),
                    row.close_date
                        .map(|date| format!("closes {}", ctx.zone().date(date))),
                    row.company
                        .as_ref()
                        .and_then(|company| company.name.as_ref())
                        .map(|name| cutter.label(name.as_str())),
                ]),
            }
        })
        .collect();
    failure::ambiguous(
        "opportunity",
        format!("{total} deals fit \"{name}\"."),
        candidates,
    )
}
