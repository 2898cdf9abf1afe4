//! The root field `search`: its arguments, which kinds it goes over, ranking across kinds, and its
//! cursors.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::catalogue::{CATALOGUE, Object};
use super::checked::Type;
use super::database::{HAS_SIGNS, Workspace, number, quoted, read};
use super::document::Argument;
use super::errors::{GqlError, Refusal};
use super::filter::Filter;
use super::input::Input;
use super::keys::Role;
use super::query::{Joins, Query, Sql, column};
use super::quirks::{COVER_PER_WORD, HITS_MOST, RANK_PER_WORD, fold, typed_words};
use super::value::{Kind, Value};

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

struct Found {
    object: &'static Object,
    nth: usize,
    id: Uuid,
    label: String,
    /// `tsRankCD`: zero unless every word matched.
    cover: f64,
    /// `tsRank`.
    rank: f64,
}

impl Found {
    fn compare(&self, other: &Self) -> Ordering {
        other
            .cover
            .total_cmp(&self.cover)
            .then(other.rank.total_cmp(&self.rank))
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
    if limit > HITS_MOST {
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
    let typed = fold(typed.trim());
    let mut found = Vec::new();
    for (nth, object) in kinds {
        let filter = if filter == Input::Undefined {
            Filter::none()
        } else {
            Filter::read(object, &filter)?
        };
        let hits = hits(workspace, (nth, object), &typed, filter)?.into_iter();
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

/// The hits among one kind of records, in no order.
fn hits(
    workspace: &Workspace,
    (nth, object): (usize, &'static Object),
    typed: &str,
    filter: Filter,
) -> Result<Vec<Found>, Refusal> {
    let words = typed_words(typed);
    let source = source(workspace, object, typed, &words)?;
    let labels = object
        .labelled
        .iter()
        .map(|c| format!(", {}", column(object, *c, None)));
    let labels: String = labels.collect();
    let is_hit = Sql::new("t.\"id\" = hit.id", Vec::new());
    let query = Query::filtered(object, filter).and(is_hit, &Joins::new());
    let sql = format!(
        "WITH hit (id, matched, times) AS ({}) SELECT hit.id, hit.matched, hit.times{labels}{}",
        source.text,
        query.from("hit CROSS JOIN ", &Joins::new())
    );
    let values = [source.values.as_slice(), query.values()].concat();
    let found = workspace.query(&sql, &values, |row| {
        let (matched, times): (u32, u32) = (row.get(1)?, row.get(2)?);
        let labels = (0..object.labelled.len()).map(|nth| row.get::<_, Option<String>>(nth + 3));
        let labels = labels.collect::<rusqlite::Result<Vec<_>>>()?;
        let labels: Vec<String> = labels.into_iter().flatten().collect();
        let (cover, rank) = ranks(
            f64::from(times),
            matched as usize == words.len(),
            words.len(),
        );
        let id = read(row.get_ref(0)?, Kind::Id).as_id();
        Ok(id.map(|id| Found {
            object,
            nth,
            id,
            label: labels.join(" "),
            cover,
            rank,
        }))
    })?;
    Ok(found.into_iter().flatten().collect())
}

/// The ids of the records that match, with how many of the words they have and how often they have
/// any: by words, or where no record has one, by a part of a word.
fn source(
    workspace: &Workspace,
    object: &Object,
    typed: &str,
    words: &[&str],
) -> Result<Sql, Refusal> {
    if typed.is_empty() {
        let sql = format!("SELECT \"id\", 0, 0 FROM {}", quoted(object.spec.singular));
        return Ok(Sql::new(sql, Vec::new()));
    }
    let among = Value::Int(number(object.id));
    let by_word = "json_each(?) AS wanted CROSS JOIN word AS w WHERE w.object = ? \
        AND w.word >= wanted.value AND w.word < wanted.value || char(1114111)";
    let values = vec![Value::Json(Arc::new(json!(words))), among.clone()];
    let any = format!("SELECT EXISTS (SELECT 1 FROM {by_word})");
    let any = workspace.query(&any, &values, |row| row.get::<_, bool>(0))?;
    Ok(if any == [true] {
        let sql = "SELECT w.id, count(DISTINCT wanted.key), count(*) FROM";
        Sql::new(format!("{sql} {by_word} GROUP BY w.id"), values)
    } else {
        // A part with a sign in it, as addresses have, is in no word without one.
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let (index, signs) = match typed.bytes().all(plain) {
            true => ("word_by_word", "1"),
            false => ("word_with_signs", HAS_SIGNS),
        };
        let sql = format!(
            "SELECT DISTINCT id, 0, 0 FROM word INDEXED BY {index} \
             WHERE object = ? AND instr(word, ?) AND {signs}"
        );
        Sql::new(sql, vec![among, Value::text(typed)])
    })
}

/// `tsRankCD` and `tsRank`.
fn ranks(times: f64, has_all: bool, words: usize) -> (f64, f64) {
    let words = words.max(1) as f64;
    match has_all {
        true => (COVER_PER_WORD * times / words, RANK_PER_WORD * times),
        false => (0.0, RANK_PER_WORD * times / words),
    }
}

fn page(found: &[Found], more: bool, mut last_ids: BTreeMap<String, String>) -> Json {
    let mut edges = Vec::new();
    let mut end = Json::Null;
    for one in found {
        last_ids.insert(one.object.spec.singular.to_owned(), one.id.to_string());
        let ranks = json!({"tsRankCD": rounded(one.cover), "tsRank": rounded(one.rank)});
        end =
            json!(STANDARD.encode(
                json!({"lastRanks": ranks, "lastRecordIdsPerObject": last_ids}).to_string()
            ));
        edges.push(json!({"cursor": end, "node": {
            "recordId": one.id.to_string(),
            "objectNameSingular": one.object.spec.singular,
            "objectLabelSingular": one.object.spec.label,
            "label": one.label,
            "imageUrl": "",
            "tsRankCD": rounded(one.cover),
            "tsRank": rounded(one.rank),
        }}));
    }
    json!({"edges": edges, "pageInfo": {"endCursor": end, "hasNextPage": more}})
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

    fn is_passed_by(&self, one: &Found) -> bool {
        let near = |a: f64, b: f64| (a - b).abs() < 1e-7;
        let (cover, rank) = (one.cover, one.rank);
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
