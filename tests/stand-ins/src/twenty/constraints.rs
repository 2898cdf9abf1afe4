//! Constraints of the service's database when records are written: unique columns, foreign keys,
//! and column defaults.

/// A column whose values may not repeat, soft-deleted records included.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unique {
    object: &'static str,
    pub(super) path: &'static str,
    /// The field's label, which the service shows to people.
    pub(super) label: &'static str,
}

const UNIQUE: &[Unique] = &[
    Unique {
        object: "person",
        path: "emails.primaryEmail",
        label: "Emails",
    },
    Unique {
        object: "company",
        path: "domainName.primaryLinkUrl",
        label: "Domain Name",
    },
];

/// The unique columns of an object beside its id.
pub(super) fn unique(object: &str) -> impl Iterator<Item = &'static Unique> + use<'_> {
    UNIQUE.iter().filter(move |unique| unique.object == object)
}

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

/// Object, column and value of what a new record holds without being told.
pub(super) const DEFAULTS: &[(&str, &str, &str)] =
    &[("opportunity", "stage", "NEW"), ("task", "status", "TODO")];

/// The links that are soft-deleted and restored together with their record: record, link, the
/// link's column.
pub(super) const FOLLOWING: &[(&str, &str, &str)] = &[
    ("task", "taskTarget", "taskId"),
    ("note", "noteTarget", "noteId"),
];

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
