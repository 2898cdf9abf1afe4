//! The objects and fields of a 2.21 workspace, as far as this stand-in keeps them: the one
//! description that tables, filters, sorting, selections, metadata and introspection all follow.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::value::{EnumType, Kind};
use super::{quirks, standard};

/// Index into [`Catalogue::objects`].
pub(super) type ObjectId = usize;
/// Index into [`Object::columns`].
pub(super) type ColumnId = usize;

/// The type of a field as the metadata API names it, with what the standard objects need to know
/// beside.
#[derive(Clone, Copy, Debug)]
pub(crate) enum FieldType {
    Uuid,
    Text,
    DateTime,
    Number,
    Position,
    Select(&'static EnumType),
    RawJson,
    /// The full-text column: it has a name and a type; its content is never shown.
    TsVector,
    FullName,
    Emails,
    Links,
    Phones,
    Currency,
    Address,
    Actor,
    RichText,
    /// Attached files; always null here.
    Files,
    /// To-one: the target's singular name. The column is `<field>Id`.
    One(&'static str),
    /// To-one to one of several objects: `target` over "person" gives `targetPerson` and
    /// `targetPersonId`.
    Morph(&'static [&'static str]),
    /// To-many: the target's singular name and the target's id column that points back.
    Many(&'static str, &'static str),
    /// A relation to an object that this stand-in does not keep.
    Elsewhere,
}

/// A field as the standard objects declare it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FieldSpec {
    pub(crate) name: &'static str,
    pub(crate) ty: FieldType,
    pub(crate) nullable: bool,
}

/// An object as the standard objects declare it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ObjectSpec {
    pub singular: &'static str,
    pub plural: &'static str,
    pub type_name: &'static str,
    pub label: &'static str,
    pub label_plural: &'static str,
    pub system: bool,
    pub(crate) fields: &'static [FieldSpec],
    /// Columns that full-text search reads; none: not searchable.
    pub(crate) searched: &'static [&'static str],
    /// Columns whose values, joined with a space, are the label of a search hit.
    pub label_columns: &'static [&'static str],
    /// Columns of times that are indexed.
    pub(crate) timed: &'static [&'static str],
}

/// A column of a table.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    /// `closeDate`, `name.firstName`, `ownerId`.
    pub(crate) path: String,
    pub(crate) kind: Kind,
}

/// The meaning of a field name in a selection, filter or sort.
#[derive(Clone, Debug)]
pub(crate) enum Field {
    /// One column.
    Plain(ColumnId),
    /// Several columns under one name, each with its name within.
    Composite {
        composite: &'static Composite,
        parts: Vec<(&'static str, ColumnId)>,
    },
    /// A record over an id column. Ids of morph relations read null where the record is not live.
    One { column: ColumnId, target: ObjectId },
    /// The records whose column points here.
    Many { target: ObjectId, column: ColumnId },
    /// A to-many relation to an object that is not kept.
    Elsewhere,
}

/// An object with everything resolved.
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) id: ObjectId,
    pub(crate) spec: &'static ObjectSpec,
    pub(crate) columns: Vec<Column>,
    /// Field names in the order of declaration, id columns included.
    pub(crate) order: Vec<String>,
    pub(crate) fields: HashMap<String, Field>,
    /// Id columns of relations: column, target, whether morph.
    pub(crate) links: Vec<(ColumnId, ObjectId, bool)>,
    pub(crate) timed: Vec<ColumnId>,
    pub(crate) searched: Vec<ColumnId>,
    pub(crate) labelled: Vec<ColumnId>,
    /// Columns whose values may not repeat, with the field's label.
    pub(crate) unique: Vec<(ColumnId, &'static str)>,
    pub(crate) deleted_at: ColumnId,
}

impl Object {
    /// The column of this path.
    pub(crate) fn column(&self, path: &str) -> Option<ColumnId> {
        self.columns.iter().position(|c| c.path == path)
    }

    /// The path of a column.
    pub(crate) fn path(&self, column: ColumnId) -> &str {
        self.columns.get(column).map_or("", |c| c.path.as_str())
    }

    /// The kind of a column's values.
    pub(crate) fn kind(&self, column: ColumnId) -> Kind {
        self.columns.get(column).map_or(Kind::Json, |c| c.kind)
    }

    /// The target of a morph relation whose id this column holds.
    pub(crate) fn morph_target(&self, column: ColumnId) -> Option<ObjectId> {
        self.links
            .iter()
            .find(|(c, _, morph)| *c == column && *morph)
            .map(|(_, target, _)| *target)
    }
}

#[derive(Debug)]
pub(super) struct Catalogue {
    pub(crate) objects: Vec<Object>,
    by_singular: HashMap<&'static str, ObjectId>,
}

/// The column that every table has first.
pub(super) const ID: ColumnId = 0;

/// The catalogue of the standard objects.
pub(super) static CATALOGUE: LazyLock<Catalogue> =
    LazyLock::new(|| Catalogue::build(standard::OBJECTS));

impl Catalogue {
    pub(super) fn object(&self, id: ObjectId) -> Option<&Object> {
        self.objects.get(id)
    }

    pub(super) fn singular(&self, name: &str) -> Option<&Object> {
        self.by_singular.get(name).and_then(|id| self.object(*id))
    }

    fn build(specs: &'static [ObjectSpec]) -> Self {
        let by_singular: HashMap<&'static str, ObjectId> = specs
            .iter()
            .enumerate()
            .map(|(i, s)| (s.singular, i))
            .collect();
        // Columns first: to-many fields refer to columns of other objects.
        let columns: Vec<Vec<Column>> = specs.iter().map(columns_of).collect();
        let objects = specs
            .iter()
            .enumerate()
            .filter_map(|(id, spec)| {
                Some(resolve(
                    id,
                    spec,
                    columns.get(id)?.clone(),
                    &columns,
                    &by_singular,
                ))
            })
            .collect();
        Self {
            objects,
            by_singular,
        }
    }
}

/// A composite type: its names in the GraphQL schema and the metadata API, and its subfields.
#[derive(Debug)]
pub(crate) struct Composite {
    pub(crate) type_name: &'static str,
    pub(crate) metadata: &'static str,
    pub(crate) parts: &'static [(&'static str, Kind)],
}

/// The composite that a field's type is, if it is one.
pub(crate) fn composite(ty: FieldType) -> Option<&'static Composite> {
    Some(match ty {
        FieldType::FullName => &FULL_NAME,
        FieldType::Emails => &EMAILS,
        FieldType::Links => &LINKS,
        FieldType::Phones => &PHONES,
        FieldType::Currency => &CURRENCY,
        FieldType::Address => &ADDRESS,
        FieldType::Actor => &ACTOR,
        FieldType::RichText => &RICH_TEXT,
        _ => return None,
    })
}

static FULL_NAME: Composite = Composite {
    type_name: "FullName",
    metadata: "FULL_NAME",
    parts: &[("firstName", Kind::Text), ("lastName", Kind::Text)],
};
static EMAILS: Composite = Composite {
    type_name: "Emails",
    metadata: "EMAILS",
    parts: &[
        ("primaryEmail", Kind::Text),
        ("additionalEmails", Kind::JsonList),
    ],
};
static LINKS: Composite = Composite {
    type_name: "Links",
    metadata: "LINKS",
    parts: &[
        ("primaryLinkLabel", Kind::Text),
        ("primaryLinkUrl", Kind::Text),
        ("secondaryLinks", Kind::JsonList),
    ],
};
static PHONES: Composite = Composite {
    type_name: "Phones",
    metadata: "PHONES",
    parts: &[
        ("primaryPhoneNumber", Kind::Text),
        ("primaryPhoneCountryCode", Kind::Text),
        ("primaryPhoneCallingCode", Kind::Text),
        ("additionalPhones", Kind::JsonList),
    ],
};
static CURRENCY: Composite = Composite {
    type_name: "Currency",
    metadata: "CURRENCY",
    parts: &[
        ("amountMicros", Kind::Int),
        ("currencyCode", Kind::NullableText),
    ],
};
static ADDRESS: Composite = Composite {
    type_name: "Address",
    metadata: "ADDRESS",
    parts: &[
        ("addressStreet1", Kind::Text),
        ("addressStreet2", Kind::Text),
        ("addressCity", Kind::Text),
        ("addressPostcode", Kind::Text),
        ("addressState", Kind::Text),
        ("addressCountry", Kind::Text),
        ("addressLat", Kind::Float),
        ("addressLng", Kind::Float),
    ],
};
static ACTOR: Composite = Composite {
    type_name: "Actor",
    metadata: "ACTOR",
    parts: &[
        ("source", Kind::Enum(&standard::ACTOR_SOURCE)),
        ("workspaceMemberId", Kind::Id),
        ("name", Kind::Text),
        ("context", Kind::Json),
    ],
};
static RICH_TEXT: Composite = Composite {
    type_name: "RichText",
    metadata: "RICH_TEXT",
    parts: &[("blocknote", Kind::NullableText), ("markdown", Kind::Text)],
};

/// The kind of a field of one column, with its metadata name.
pub(super) fn plain(ty: FieldType) -> Option<(Kind, &'static str)> {
    Some(match ty {
        FieldType::Uuid => (Kind::Id, "UUID"),
        FieldType::Text => (Kind::Text, "TEXT"),
        FieldType::DateTime => (Kind::Time, "DATE_TIME"),
        FieldType::Number => (Kind::Float, "NUMBER"),
        FieldType::Position => (Kind::Float, "POSITION"),
        FieldType::Select(members) => (Kind::Enum(members), "SELECT"),
        FieldType::RawJson => (Kind::Json, "RAW_JSON"),
        FieldType::TsVector => (Kind::Json, "TS_VECTOR"),
        FieldType::Files => (Kind::Json, "FILES"),
        _ => return None,
    })
}

/// `target` and `person` make `targetPerson`.
pub(super) fn morph_name(field: &str, target: &str) -> String {
    let mut letters = target.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    field.chars().chain(first).chain(letters).collect()
}

fn columns_of(spec: &ObjectSpec) -> Vec<Column> {
    let mut columns = Vec::new();
    for field in spec.fields {
        if let Some((kind, _)) = plain(field.ty) {
            columns.push(Column {
                path: field.name.to_owned(),
                kind,
            });
        } else if let Some(composite) = composite(field.ty) {
            columns.extend(composite.parts.iter().map(|(part, kind)| Column {
                path: format!("{}.{part}", field.name),
                kind: *kind,
            }));
        } else {
            for name in one_names(field) {
                columns.push(Column {
                    path: format!("{}Id", name.0),
                    kind: Kind::Id,
                });
            }
        }
    }
    columns
}

/// Names and targets of the to-one relations that a field declares.
pub(super) fn one_names(field: &FieldSpec) -> Vec<(String, &'static str)> {
    match field.ty {
        FieldType::One(target) => vec![(field.name.to_owned(), target)],
        FieldType::Morph(targets) => targets
            .iter()
            .map(|t| (morph_name(field.name, t), *t))
            .collect(),
        _ => Vec::new(),
    }
}

fn resolve(
    id: ObjectId,
    spec: &'static ObjectSpec,
    columns: Vec<Column>,
    all: &[Vec<Column>],
    by_singular: &HashMap<&'static str, ObjectId>,
) -> Object {
    let find = |path: &str| columns.iter().position(|c| c.path == path);
    let find_all = |paths: &[&str]| paths.iter().filter_map(|p| find(p)).collect::<Vec<_>>();
    let mut order = Vec::new();
    let mut fields = HashMap::new();
    let mut links = Vec::new();
    let mut declare = |name: String, field: Field| {
        order.push(name.clone());
        fields.insert(name, field);
    };
    for field in spec.fields {
        if let Some(column) = find(field.name) {
            declare(field.name.to_owned(), Field::Plain(column));
        } else if let Some(composite) = composite(field.ty) {
            let parts = composite.parts.iter();
            let parts = parts
                .filter_map(|(p, _)| Some((*p, find(&format!("{}.{p}", field.name))?)))
                .collect();
            declare(field.name.to_owned(), Field::Composite { composite, parts });
        } else if let FieldType::Many(target, back) = field.ty {
            let resolved = by_singular.get(target).and_then(|target| {
                let column = all.get(*target)?.iter().position(|c| c.path == back)?;
                Some(Field::Many {
                    target: *target,
                    column,
                })
            });
            declare(field.name.to_owned(), resolved.unwrap_or(Field::Elsewhere));
        } else if let FieldType::Elsewhere = field.ty {
            declare(field.name.to_owned(), Field::Elsewhere);
        } else {
            for (name, target) in one_names(field) {
                let id_name = format!("{name}Id");
                let Some(column) = find(&id_name) else {
                    continue;
                };
                declare(id_name, Field::Plain(column));
                if let Some(target) = by_singular.get(target) {
                    links.push((column, *target, matches!(field.ty, FieldType::Morph(_))));
                    declare(
                        name,
                        Field::One {
                            column,
                            target: *target,
                        },
                    );
                }
            }
        }
    }
    let deleted_at = find("deletedAt").unwrap_or_default();
    let (timed, searched, labelled) = (
        find_all(spec.timed),
        find_all(spec.searched),
        find_all(spec.label_columns),
    );
    let unique = quirks::unique(spec.singular);
    let unique = unique.filter_map(|(path, label)| Some((find(path)?, label)));
    let unique = unique.collect();
    Object {
        id,
        spec,
        columns,
        order,
        fields,
        links,
        timed,
        searched,
        labelled,
        unique,
        deleted_at,
    }
}
