//! What is special about Twenty, in one place. The rest of this stand-in is SQL over tables; what a
//! reader of GraphQL and PostgreSQL would not expect is named here, with where it is shown: a
//! section of the design's page on Twenty and the name of the quirk there, as the contract's
//! fixtures have it (`tests/product/quirks.rs`).
//!
//! | Section | Quirk | Held by |
//! |---|---|---|
//! | 11.lost, 11.kept | A to-one relation loses the relations nested in it, unless `deletedAt` is selected on it | [`lose_relations`] |
//! | 11.target-gone | A relation to a soft-deleted record reads null, and its id beside it too | [`super::query::Query::from`], [`blank_ids_beside_relations`] |
//! | 11.id-alone, 11.id-filter | The id alone, and filters on it, see it as it is stored | [`blank_ids_beside_relations`] |
//! | 10.3 | A missing variable is no error: a missing filter lets everything through | [`super::input::Input::Undefined`] |
//! | 10.4, 10.5, 10.7 | Unknown fields read null; aliases below the root and arguments of nested to-many relations are ignored | [`super::select`] |
//! | 10.6 | Root fields run at the same time: what one creates is not there for another | [`super::writer`] |
//! | 10.9 | `neq` drops null | SQL's own logic |
//! | 10.10 | A cursor holds the selected sort values only, so nulls and fields that were not selected lose records | [`super::order`] |
//! | 10.12 | 100 tokens, one more every 600 ms, one for each root field | [`super::keys::Bucket`] |
//! | 10.13 | An upsert overwrites and revives | [`super::writer`] |
//! | 10.16 | A date alone is midnight UTC | [`super::value::parse_time`] |
//! | 10.19 | NUL within text fails the request | [`super::data`] |
//! | 10.20, 11.amount-* | Amounts are whole millionths, as a double holds them | [`super::composite`] |
//! | 11.system-objects, 11.read-only-links | System objects take no permissions | [`super::keys::Role`] |
//! | 11.phone-* | A number alone is enough; contradictions are refused | [`phone`] |
//! | 11.emails-alone | Additional addresses alone empty the primary one | [`emptied`] |
//! | 11.note-key | A missing target is told by the name of a constraint alone | [`foreign_key`] |
//! | 11.note-gone | A soft-deleted task or note takes its links along, and brings them back | [`FOLLOWING`] |
//! | 11.ilike | `ilike` minds accents, search does not | [`register`], [`fold`] |
//! | 11.nil-id | The id of zeroes alone is refused | [`parse_id`] |
//! | 2 | Soft-deleted records show only where a filter names `deletedAt` | [`super::filter::Filter`] |
//! | 2 | Pages, nested relations, groups, root fields and hits have a most | [`PAGE_MOST`] and those beside it |
//! | 2 | Search: all words before any word before a part of a word | [`words`], [`RANK_PER_WORD`], [`super::search_root`] |
//! | 2 | Text is never null: empty text is stored as NULL, and NULL reads as empty text | [`empty_text_is_null`], [`null`] |
//! | 3 | Members of an enum compare in the order in which they are declared | [`register`], [`super::query::ordered`] |
//! | 3 | The editor's form of a body is computed from its markdown | [`blocknote`] |
//! | 3 | Unique values count soft-deleted records; the refusal names live ones only | [`unique`], [`super::writer`] |

pub(super) mod blocknote;
pub(super) mod phone;

use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;
use uuid::Uuid;

use super::catalogue::{CATALOGUE, ColumnId, ObjectId};
use super::errors::GqlError;
use super::group::day_in;
use super::input::Input;
use super::select::{RecordMember, RecordShape};
use super::value::{EnumType, Kind, Value};

// Limits (section 2).

/// The most records of a page, and the number without `first`.
pub(super) const PAGE_MOST: usize = 200;
/// The most records of a nested to-many relation, whatever was asked for.
pub(super) const NESTED_MOST: usize = 60;
/// The number of groups without a `limit`.
pub(super) const GROUPS_MOST: usize = 50;
/// The most records that one root field writes.
pub(super) const WRITTEN_MOST: usize = 200;
/// The most root fields of a request.
pub(super) const ROOTS_MOST: usize = 20;
/// The most hits of a page of search.
pub(super) const HITS_MOST: usize = 100;

// Relations (section 11).

/// Takes the relations out of a selection. The service loses those that are nested in a to-one
/// relation without `deletedAt`, since it copies the record when it strips `deletedAt` and fills
/// the original: a to-one reads null, a to-many empty.
pub(super) fn lose_relations(shape: &mut RecordShape) {
    for (_, member) in &mut shape.members {
        let lost = match std::mem::replace(member, RecordMember::Null) {
            RecordMember::One(..) => RecordMember::Null,
            RecordMember::Many {
                target, connection, ..
            } => RecordMember::Lost(target, connection),
            other => other,
        };
        *member = lost;
    }
}

/// Lets ids read null beside their relation where the record that they name is not live. Selected
/// without the relation they keep their value.
pub(super) fn blank_ids_beside_relations(shape: &mut RecordShape) {
    let relations: Vec<(ColumnId, ObjectId)> = shape
        .members
        .iter()
        .filter_map(|(_, member)| match member {
            RecordMember::One(column, shape) => Some((*column, shape.object)),
            _ => None,
        })
        .collect();
    for (_, member) in &mut shape.members {
        if let RecordMember::Column(column, _) = member
            && let Some((column, target)) = relations.iter().find(|(of, _)| of == column)
        {
            *member = RecordMember::LiveId(*column, *target);
        }
    }
}

// Values (section 2).

/// Text as it is stored: NULL where it is empty.
pub(super) fn empty_text_is_null(text: &str) -> Value {
    match text.is_empty() {
        true => Value::Null,
        false => Value::Text(text.into()),
    }
}

/// NULL as it reads in an answer.
pub(super) fn null(kind: Kind) -> &'static [u8] {
    match kind {
        Kind::Text => b"\"\"",
        Kind::JsonList => b"[]",
        _ => b"null",
    }
}

/// A UUID as the service accepts it: hyphenated, of a version from 1 to 8 and the usual variant.
/// The all-zero one is none.
pub(super) fn parse_id(text: &str) -> Option<Uuid> {
    let id = if text.len() == 36 {
        Uuid::try_parse(text).ok()?
    } else {
        return None;
    };
    let proper =
        (1..=8).contains(&id.get_version_num()) && id.get_variant() == uuid::Variant::RFC4122;
    proper.then_some(id)
}

/// The schema in which the service's database keeps this workspace.
const DATABASE_SCHEMA: &str = "workspace_4q7m0c2v9x1k8d5t3h6w0b2zr";

/// The database's own message for what is no member of an enum, which shows its schema.
pub(super) fn bad_member(members: &EnumType, text: &str) -> GqlError {
    let message = format!(
        "invalid input value for enum {DATABASE_SCHEMA}.{}: \"{text}\"",
        members.db_name
    );
    GqlError::full(message, "BAD_USER_INPUT", None, "Invalid input provided.")
}

// Comparing, in SQLite (section 2).

/// Registers what SQLite does not have: the order of each enum's members as a collation,
/// `lower_case` over all of Unicode for `ilike`, and `day_in` and `month_in` for groups by day and
/// by month, which is named by its first day.
pub(super) fn register(connection: &Connection) -> rusqlite::Result<()> {
    for column in CATALOGUE.objects.iter().flat_map(|object| &object.columns) {
        if let Kind::Enum(members) = column.kind {
            let rank = move |text: &str| members.position(text);
            connection.create_collation(members.db_name, move |a, b| {
                rank(a).cmp(&rank(b)).then_with(|| a.cmp(b))
            })?;
        }
    }
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("lower_case", 1, flags, |context| {
        let text: Option<String> = context.get(0)?;
        Ok(text.map(|text| text.to_lowercase()))
    })?;
    connection.create_scalar_function("day_in", 2, flags, |context| {
        let (at, zone): (Option<i64>, String) = (context.get(0)?, context.get(1)?);
        let day = at.and_then(|ms| day_in(ms, &zone));
        Ok(day.map(|day| day.to_string()))
    })?;
    connection.create_scalar_function("month_in", 2, flags, |context| {
        let (at, zone): (Option<i64>, String) = (context.get(0)?, context.get(1)?);
        let day = at.and_then(|ms| day_in(ms, &zone));
        Ok(day.map(|day| day.first_of_month().to_string()))
    })
}

/// A pattern of PostgreSQL's LIKE (`%`, `_`, and `\` before either) as one of SQLite's GLOB, which
/// keeps cases apart as LIKE does there.
pub(super) fn glob(pattern: &str) -> String {
    let mut glob = String::with_capacity(pattern.len() + 2);
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        let literal = match letter {
            '%' => {
                glob.push('*');
                continue;
            }
            '_' => {
                glob.push('?');
                continue;
            }
            '\\' => letters.next().unwrap_or('\\'),
            other => other,
        };
        if matches!(literal, '*' | '?' | '[') {
            glob.extend(['[', literal, ']']);
        } else {
            glob.push(literal);
        }
    }
    glob
}

// Search (section 2).

/// The weight of one matched word in `tsRank`, as PostgreSQL weighs it.
pub(super) const RANK_PER_WORD: f64 = 0.060_792_71;
/// The weight of one matched word in `tsRankCD`, which is zero unless every word matched.
pub(super) const COVER_PER_WORD: f64 = 0.1;

/// Lower case without accents.
pub(super) fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.nfd()
        .filter(|c| !is_combining_mark(*c))
        .flat_map(char::to_lowercase)
        .collect()
}

/// The words of a folded text: letters and digits; addresses and domains as a whole, and the domain
/// of an address.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace().flat_map(|piece| {
        let bare = piece.trim_matches(|c: char| !c.is_alphanumeric());
        let bare = bare.split_once("://").map_or(bare, |(_, rest)| rest);
        let host = bare.split_once('@').map(|(_, host)| host);
        let whole =
            (host.is_some() || (bare.contains('.') && !bare.contains(['/', '-']))).then_some(bare);
        let plain = whole.is_none().then(|| plain_words(piece));
        whole
            .into_iter()
            .chain(host)
            .chain(plain.into_iter().flatten())
    })
}

/// The words of what a person typed, folded; the operators of PostgreSQL's query language are no
/// words.
pub(super) fn typed_words(text: &str) -> Vec<&str> {
    text.split(|c: char| c.is_whitespace() || ":&|!()'\"\\<>*".contains(c))
        .flat_map(|piece| {
            if piece.contains(['@', '.']) {
                vec![piece]
            } else {
                plain_words(piece).collect()
            }
        })
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .collect()
}

fn plain_words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
}

// Writing (sections 3 and 11).

/// Objects that the stand-in writes.
pub(super) const WRITTEN: &[&str] = &[
    "person",
    "company",
    "opportunity",
    "task",
    "note",
    "taskTarget",
    "noteTarget",
];

/// Object, column and label of unique values beside the id, soft-deleted records included; the
/// service shows the label to people.
const UNIQUE: &[(&str, &str, &str)] = &[
    ("person", "emails.primaryEmail", "Emails"),
    ("company", "domainName.primaryLinkUrl", "Domain Name"),
];

/// The unique columns of an object beside its id, with their labels.
pub(super) fn unique(object: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let of = UNIQUE
        .iter()
        .filter(move |(singular, ..)| *singular == object);
    of.map(|(_, path, label)| (*path, *label))
}

/// Object, column and value of what a new record holds without being told.
pub(super) const DEFAULTS: &[(&str, &str, &str)] =
    &[("opportunity", "stage", "NEW"), ("task", "status", "TODO")];

/// The links that are soft-deleted and restored together with their record: record, link, the
/// link's column.
pub(super) const FOLLOWING: &[(&str, &str, &str)] = &[
    ("task", "taskTarget", "taskId"),
    ("note", "noteTarget", "noteId"),
];

/// The position of a new record, before all others, given the first one that is there.
pub(super) fn before_all(first: Option<f64>) -> f64 {
    first.unwrap_or(1.0).min(1.0) - 1.0
}

/// A foreign key's name as the service's database makes them up: `FK_` and 27 hexadecimal digits
/// that only the table and the column decide.
pub(super) fn foreign_key(table: &str, column: &str) -> String {
    let digits = format!("{:032x}", digest(&[table, column]));
    format!("FK_{}", digits.get(..27).unwrap_or(&digits))
}

/// A number that these texts decide (FNV-1a): for names and ids that must come out the same every
/// time.
pub(super) fn digest(texts: &[&str]) -> u128 {
    const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0100_0000_0000_0000_0000_013b;
    let bytes = texts
        .iter()
        .flat_map(|text| text.bytes().chain(std::iter::once(0)));
    bytes.fold(BASIS, |hash, byte| {
        (hash ^ u128::from(byte)).wrapping_mul(PRIME)
    })
}

/// Subfields of a composite that the service empties beside what is given: additional e-mail
/// addresses without the primary one take it away.
pub(super) fn emptied(
    metadata: &str,
    parts: &[(&'static str, ColumnId)],
    given: &[(&'static str, ColumnId, &Input)],
) -> Vec<(ColumnId, Value)> {
    let gives = |wanted: &str| given.iter().any(|(part, ..)| *part == wanted);
    if metadata != "EMAILS" || !gives("additionalEmails") || gives("primaryEmail") {
        return Vec::new();
    }
    let primary = parts.iter().find(|(part, _)| *part == "primaryEmail");
    primary
        .map(|(_, column)| (*column, Value::Null))
        .into_iter()
        .collect()
}
