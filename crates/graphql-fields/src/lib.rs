//! Extends trusted documents by fields that an operator names. A guest does it before it sends one,
//! the host before it computes which hash to let through: one function, so that both speak of the
//! same bytes.
//!
//! A document says itself where it can be extended, and by which setting. The marker is a comment
//! line inside a selection set; the build writes it where the document's source has the directive
//! `@field` (crate `trusted-documents`):
//!
//! ```
//! use graphql_fields::extend;
//! let document =
//!     "query Note($id: ID!) {\n  note(id: $id) {\n    id\n    # field: mood-field\n  }\n}\n";
//! let extended = extend(document, |setting| (setting == "mood-field").then_some("mood")).unwrap();
//! assert_eq!(extended, document.replace("mood-field\n", "mood-field\n    mood\n"));
//! // Where the operator names no field, the document is sent as it stands.
//! assert_eq!(extend(document, |_| None::<&str>).unwrap(), document);
//! ```
//!
//! The inserted text is a plain name and nothing else: no alias (not every service honours one), no
//! argument, no directive, no selection. A name can therefore widen a document by one field of the
//! record it stands in, and by nothing more.

#![warn(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod narrow;

pub use narrow::{NarrowError, Restored, leave_out, restore};

use alloc::borrow::Cow;
use alloc::string::{String, ToString as _};

/// The beginning of a marker line, after its indentation. The setting follows a space.
pub const MARKER: &str = "# field:";

/// The longest name of a field or a setting, in bytes: Twenty and PostgreSQL take no longer one.
pub const LONGEST: usize = 63;

/// A reason that a document cannot be extended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExtendError {
    /// A line that begins as a marker does and is none.
    #[error(
        "line {line}: a place for a field is written `# field: SETTING`, with a setting of at most {LONGEST} of a-z, 0-9 and `-`"
    )]
    Marker {
        /// The line, from 1.
        line: usize,
    },
    /// A document with a marker in which a comment cannot be told from text without parsing it.
    #[error("line {line}: a document with a place for a field cannot hold a block string")]
    BlockString {
        /// The line, from 1.
        line: usize,
    },
    /// The value of the setting is not a field name.
    #[error("`{setting}`: {source}")]
    Field {
        /// The setting.
        setting: String,
        /// The rule for field names that the value breaks.
        source: NotAField,
    },
}

impl ExtendError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Marker { .. } => "document-marker",
            Self::BlockString { .. } => "document-block-string",
            Self::Field { .. } => "document-field",
        }
    }
}

/// A text that is no name of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "write the name of one plain field, such as `nextStep`: a small letter, then letters and digits, at most {LONGEST} in all"
)]
pub struct NotAField;

/// Checks that a text is the name of one plain field.
///
/// # Errors
/// When it is not, with what one looks like.
pub fn check_field(name: &str) -> Result<(), NotAField> {
    let mut bytes = name.bytes();
    let good = bytes.next().is_some_and(|first| first.is_ascii_lowercase())
        && bytes.all(|byte| byte.is_ascii_alphanumeric())
        && name.len() <= LONGEST;
    if good { Ok(()) } else { Err(NotAField) }
}

/// A text that is no name of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "write the name of a setting, such as `next-step-field`: at most {LONGEST} of a-z, 0-9 and `-`"
)]
pub struct NotASetting;

/// Checks that a text is the name of a setting.
///
/// # Errors
/// When it is not, with what one looks like.
pub fn check_setting(name: &str) -> Result<(), NotASetting> {
    let mut bytes = name.bytes();
    let good = (1..=LONGEST).contains(&name.len())
        && bytes.all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    if good { Ok(()) } else { Err(NotASetting) }
}

/// The settings that a document has places for, in the order of the places; one may stand there
/// several times.
///
/// # Errors
/// Where a line begins as a marker and is none, and where a document with one holds a block string.
pub fn settings(document: &str) -> Result<impl Iterator<Item = &str>, ExtendError> {
    check(document)?;
    Ok(lines(document).filter_map(|line| match line {
        Line::Marker { setting, .. } => Some(setting),
        Line::Wrong | Line::Other => None,
    }))
}

/// The document with a line after each of its places whose setting names a field: the place's
/// indentation, the name, and the place's own line break. `field` gives what a setting says, none
/// where it is not set.
///
/// # Errors
/// As [`settings`], and where a setting's value is no name of a field.
pub fn extend<S: AsRef<str>>(
    document: &str,
    mut field: impl FnMut(&str) -> Option<S>,
) -> Result<Cow<'_, str>, ExtendError> {
    check(document)?;
    let mut extended: Option<String> = None;
    let mut read = 0;
    for (text, line) in document.split_inclusive('\n').zip(lines(document)) {
        if let Line::Marker {
            indentation,
            setting,
        } = line
            && let Some(name) = field(setting)
        {
            let name = name.as_ref();
            check_field(name).map_err(|source| ExtendError::Field {
                setting: setting.to_string(),
                source,
            })?;
            let out = extended
                .get_or_insert_with(|| document.get(..read).unwrap_or_default().to_string());
            let line_break = text.strip_prefix(text.trim_end_matches(['\r', '\n']));
            out.push_str(text);
            // The last line of a text can be without one.
            let line_break = line_break.filter(|found| !found.is_empty());
            if line_break.is_none() {
                out.push('\n');
            }
            out.push_str(indentation);
            out.push_str(name);
            out.push_str(line_break.unwrap_or("\n"));
        } else if let Some(out) = &mut extended {
            out.push_str(text);
        }
        read += text.len();
    }
    Ok(extended.map_or(Cow::Borrowed(document), Cow::Owned))
}

/// A line of a document by its role in extending it.
enum Line<'d> {
    /// A place for the field that a setting names.
    Marker {
        indentation: &'d str,
        setting: &'d str,
    },
    /// It begins as a place does and is none.
    Wrong,
    Other,
}

fn lines(document: &str) -> impl Iterator<Item = Line<'_>> {
    document.split_inclusive('\n').map(|text| {
        let line = text.strip_suffix('\n').unwrap_or(text);
        let line = line.strip_suffix('\r').unwrap_or(line);
        let comment = line.trim_start_matches([' ', '\t']);
        let Some(setting) = comment.strip_prefix(MARKER) else {
            return Line::Other;
        };
        let setting = setting.strip_prefix(' ').unwrap_or_default();
        if check_setting(setting).is_err() {
            return Line::Wrong;
        }
        let indentation = line.get(..line.len() - comment.len()).unwrap_or_default();
        Line::Marker {
            indentation,
            setting,
        }
    })
}

/// Every marker is well formed, and none can be part of a text: GraphQL's one string that spans
/// lines is the block string.
fn check(document: &str) -> Result<(), ExtendError> {
    let mut marked = false;
    for (index, line) in lines(document).enumerate() {
        match line {
            Line::Wrong => return Err(ExtendError::Marker { line: index + 1 }),
            Line::Marker { .. } => marked = true,
            Line::Other => {}
        }
    }
    let block = document
        .split('\n')
        .position(|line| line.contains("\"\"\""));
    match block {
        Some(index) if marked => Err(ExtendError::BlockString { line: index + 1 }),
        _ => Ok(()),
    }
}
