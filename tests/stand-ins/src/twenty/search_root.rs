//! The root field `search`: its arguments, which kinds it goes over, ranking across kinds, and its
//! cursors.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::catalogue::{CATALOGUE, ID, Object};
use super::checked::Type;
use super::document::Argument;
use super::errors::{GqlError, Refusal};
use super::filter::Filter;
use super::find::scan;
use super::input::Input;
use super::keys::Role;
use super::search::{Hit, Query};
use super::table::{Row, RowId, Table, Workspace};
use super::value::Value;

/// The result type of `search`.
pub(super) static CONNECTION: Type = Type {
    name: "SearchResultConnection",
    fields: &[("edges", Some(&EDGE)), ("pageInfo", Some(&PAGE_INFO))],
};
static EDGE: Type = Type {
    name: "SearchResultEdge",
    fields: &[("node", Some(&RECORD)), ("cursor", None)],
};
static PAGE_INFO: Type = Type {
    name: "SearchResultPageInfo",
    fields: &[("endCursor", None), ("hasNextPage", None)],
};
static RECORD: Type = Type {
    name: "SearchRecord",
    fields: &[
        ("recordId", None),
        ("objectNameSingular", None),
        ("objectLabelSingular", None),
        ("label", None),
        ("imageUrl", None),
        ("tsRankCD", None),
        ("tsRank", None),
    ],
};

/// The arguments that must be there, with their types.
pub(super) const REQUIRED: [(&str, &str); 2] = [("searchInput", "String!"), ("limit", "Int!")];

/// Kinds in the order in which equal ranks are listed.
const ORDER: [&str; 6] = [
    "person",
    "company",
    "opportunity",
    "task",
    "note",
    "workspaceMember",
];

struct Found<'w> {
    object: &'static Object,
    nth: usize,
    row: Row<'w>,
    id: Uuid,
    hit: Hit,
}

impl Found<'_> {
    fn compare(&self, other: &Self) -> Ordering {
        other
            .hit
            .cover
            .total_cmp(&self.hit.cover)
            .then(other.hit.rank.total_cmp(&self.hit.rank))
            .then(self.nth.cmp(&other.nth))
            .then(self.id.cmp(&other.id))
    }
}

/// The answer, whole; a selection is taken of it afterwards.
pub(super) fn answer(
    workspace: &Workspace,
    role: &Role,
    arguments: &[Argument],
    variables: &Map<String, Json>,
) -> Result<Json, Refusal> {
    let argument = |name: &str| {
        arguments
            .iter()
            .find(|a| a.name == name)
            .map_or(Input::Undefined, |a| Input::resolve(&a.value, variables))
    };
    let limit = match argument("limit") {
        Input::Number(n) => n.as_u64().and_then(|n| usize::try_from(n).ok()),
        _ => None,
    };
    let (Some(limit), Input::Text(typed)) = (limit, argument("searchInput")) else {
        return Err(Refusal::not_known(
            "search with a limit or an input of another type",
        ));
    };
    if limit > 100 {
        return Err(GqlError::full(
            "Limit cannot exceed 100 items",
            "BAD_USER_INPUT",
            None,
            super::errors::GENERIC,
        )
        .into());
    }
    let kinds = kinds(
        &argument("includedObjectNameSingulars"),
        &argument("excludedObjectNameSingulars"),
        role,
    )?;
    let filter = argument("filter");
    let after = match argument("after") {
        Input::Undefined | Input::Null => None,
        Input::Text(text) if text.is_empty() => None,
        Input::Text(text) => Some(After::read(&text)?),
        other => {
            return Err(Refusal::not_known(format!(
                "search after {}",
                other.inspect()
            )));
        }
    };
    let query = Query::new(&typed);
    let mut found = Vec::new();
    for (nth, object) in kinds {
        let Some(table) = workspace.table(object.id) else {
            continue;
        };
        let filter = if filter == Input::Undefined {
            Filter::none()
        } else {
            Filter::read(object, &filter)?
        };
        let hits = hits(workspace, table, &query, &filter)
            .into_iter()
            .map(|(hit, row, id)| Found {
                object,
                nth,
                row,
                id,
                hit,
            });
        found.extend(hits.filter(|one| after.as_ref().is_none_or(|after| after.is_passed_by(one))));
    }
    if limit + 1 < found.len() {
        found.select_nth_unstable_by(limit + 1, Found::compare);
        found.truncate(limit + 1);
    }
    found.sort_unstable_by(Found::compare);
    let more = found.len() > limit;
    found.truncate(limit);
    Ok(page(
        &found,
        more,
        after.map(|a| a.last_ids).unwrap_or_default(),
    ))
}

fn kinds(
    included: &Input,
    excluded: &Input,
    role: &Role,
) -> Result<Vec<(usize, &'static Object)>, Refusal> {
    let names = |input: &Input| match input {
        Input::Undefined | Input::Null => Ok(None),
        Input::List(items) => Ok(Some(
            items
                .iter()
                .filter_map(|i| i.as_text().map(str::to_owned))
                .collect::<Vec<_>>(),
        )),
        Input::Text(one) => Ok(Some(vec![one.clone()])),
        other => Err(Refusal::not_known(format!(
            "kinds to search: {}",
            other.inspect()
        ))),
    };
    let (included, excluded) = (names(included)?, names(excluded)?.unwrap_or_default());
    if included.is_none() && !role.reads_everything {
        return Err(GqlError::denied().into());
    }
    let wanted = |name: &str| {
        included
            .as_ref()
            .is_none_or(|list| list.iter().any(|n| n == name))
            && !excluded.iter().any(|n| n == name)
    };
    let kinds: Vec<_> = ORDER
        .iter()
        .enumerate()
        .filter(|(_, name)| wanted(name))
        .filter_map(|(nth, name)| Some((nth, CATALOGUE.singular(name)?)))
        .collect();
    if kinds.iter().any(|(_, object)| !role.may_read(object)) {
        return Err(GqlError::denied().into());
    }
    Ok(kinds)
}

fn hits<'w>(
    workspace: &'w Workspace,
    table: &'w Table,
    query: &Query,
    filter: &Filter,
) -> Vec<(Hit, Row<'w>, Uuid)> {
    let every = scan(table)
        .enumerate()
        .filter_map(|(at, _)| RowId::try_from(at).ok());
    let hits = table.words.find(query, every);
    let passes = |row: Row<'_>| {
        (filter.shows_deleted || row.is_live())
            && filter.condition.holds(workspace, row) == Some(true)
    };
    let found = hits
        .into_iter()
        .filter_map(|hit| Some((hit, table.row(hit.row)?)));
    found
        .filter(|(_, row)| passes(*row))
        .filter_map(|(hit, row)| Some((hit, row, row.get(ID)?.as_id()?)))
        .collect()
}

fn page(found: &[Found<'_>], more: bool, mut last_ids: BTreeMap<String, String>) -> Json {
    let mut edges = Vec::new();
    let mut end = Json::Null;
    for one in found {
        last_ids.insert(one.object.spec.singular.to_owned(), one.id.to_string());
        let ranks = json!({"tsRankCD": rounded(one.hit.cover), "tsRank": rounded(one.hit.rank)});
        end =
            json!(STANDARD.encode(
                json!({"lastRanks": ranks, "lastRecordIdsPerObject": last_ids}).to_string()
            ));
        edges.push(json!({"cursor": end, "node": {
            "recordId": one.id.to_string(),
            "objectNameSingular": one.object.spec.singular,
            "objectLabelSingular": one.object.spec.label,
            "label": label(one.object, one.row),
            "imageUrl": "",
            "tsRankCD": rounded(one.hit.cover),
            "tsRank": rounded(one.hit.rank),
        }}));
    }
    json!({"edges": edges, "pageInfo": {"endCursor": end, "hasNextPage": more}})
}

fn label(object: &Object, row: Row<'_>) -> String {
    let parts: Vec<&str> = object
        .labelled
        .iter()
        .filter_map(|c| row.get(*c).and_then(Value::as_text))
        .collect();
    parts.join(" ")
}

/// PostgreSQL's ranks are single precision.
fn rounded(rank: f64) -> Json {
    let rounded = (rank * 1e8).round() / 1e8;
    if rounded == 0.0 {
        json!(0)
    } else {
        json!(rounded)
    }
}

/// The position after which a page of hits begins.
struct After {
    cover: f64,
    rank: f64,
    last_ids: BTreeMap<String, String>,
}

impl After {
    fn read(cursor: &str) -> Result<Self, Refusal> {
        let unknown = || Refusal::not_known("search after a cursor that is not one of its own");
        let json: Json = serde_json::from_slice(&STANDARD.decode(cursor).map_err(|_| unknown())?)
            .map_err(|_| unknown())?;
        let rank = |name: &str| {
            json.pointer(&format!("/lastRanks/{name}"))
                .and_then(Json::as_f64)
                .ok_or_else(unknown)
        };
        let ids = json
            .get("lastRecordIdsPerObject")
            .and_then(Json::as_object)
            .ok_or_else(unknown)?;
        let last_ids = ids
            .iter()
            .filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned())))
            .collect();
        Ok(Self {
            cover: rank("tsRankCD")?,
            rank: rank("tsRank")?,
            last_ids,
        })
    }

    fn is_passed_by(&self, one: &Found<'_>) -> bool {
        let near = |a: f64, b: f64| (a - b).abs() < 1e-7;
        let (cover, rank) = (one.hit.cover, one.hit.rank);
        if !near(cover, self.cover) {
            return cover < self.cover;
        }
        if !near(rank, self.rank) {
            return rank < self.rank;
        }
        self.last_ids
            .get(one.object.spec.singular)
            .is_none_or(|last| one.id.to_string() > *last)
    }
}
