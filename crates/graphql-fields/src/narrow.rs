//! Leaves fields out of trusted documents: those that a key may not read. A service refuses a whole
//! root for one such field.
//!
//! A field that is left out stays in the text as a comment, so that the document it was can be
//! restored from it and be recognized: nobody has to list the narrowed forms of a document, and
//! none can read more than the document itself.
//!
//! ```
//! use graphql_fields::{leave_out, restore};
//! let document = "query Note($id: ID!) {\n  note(id: $id) { id mood { colour } }\n}\n";
//! let narrowed = leave_out(document, |path| path == ["note", "mood"]).unwrap();
//! assert_eq!(narrowed, document.replace("mood { colour }", "\n# without: mood { colour }\n"));
//! let restored = restore(&narrowed).unwrap();
//! assert_eq!(restored.document, document);
//! assert_eq!(restored.left_out, [["note", "mood"]]);
//! ```

use alloc::borrow::ToOwned as _;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

/// The beginning of a line that marks a field which was left out.
const MARKER: &str = "\n# without: ";

/// Most fields that are left out of one document.
const MOST: usize = 64;
/// The deepest nesting of fields that is read.
const DEEPEST: usize = 32;

/// A reason that a field cannot be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NarrowError {
    /// The text is not written as plainly as trusted documents are.
    #[error("a field can be left out of plain fields alone: no alias, fragment or directive")]
    Form,
    /// A field that is to be left out has arguments or a comment within.
    #[error("a field with arguments or a comment in it cannot be left out")]
    Field,
    /// Nothing would be left.
    #[error("nothing would be left of it")]
    Nothing,
}

impl NarrowError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Form => "document-form",
            Self::Field => "document-left-out",
            Self::Nothing => "document-empty",
        }
    }
}

/// A document that was narrowed, as it was before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// Its text.
    pub document: String,
    /// The paths of the fields that were left out: names, the outermost first.
    pub left_out: Vec<Vec<String>>,
}

/// Returns the document without the fields of these paths. A field of which nothing is left goes as
/// a whole.
///
/// # Errors
/// What cannot be left out.
pub fn leave_out(
    document: &str,
    mut unwanted: impl FnMut(&[&str]) -> bool,
) -> Result<String, NarrowError> {
    let mut cuts = Vec::new();
    let fields = Reader::fields(document)?;
    if mark(&fields, &mut Vec::new(), &mut unwanted, &mut cuts)? && !fields.is_empty() {
        return Err(NarrowError::Nothing);
    }
    let mut out = String::with_capacity(document.len() + 32 * cuts.len());
    let mut read = 0;
    for (start, end) in cuts {
        let span = document.get(start..end).ok_or(NarrowError::Form)?;
        if span.contains(['(', '#', '\\']) {
            return Err(NarrowError::Field);
        }
        out.push_str(document.get(read..start).unwrap_or_default());
        out.push_str(MARKER);
        out.push_str(&span.replace('\n', "\\n"));
        out.push('\n');
        read = end;
    }
    out.push_str(document.get(read..).unwrap_or_default());
    Ok(out)
}

/// Returns what a narrowed document was before; none where the text is not exactly what
/// [`leave_out`] makes of a document.
#[must_use]
pub fn restore(text: &str) -> Option<Restored> {
    let mut parts = text.split(MARKER);
    let mut document = parts.next()?.to_string();
    let mut cuts = Vec::new();
    for part in parts {
        if cuts.len() == MOST {
            return None;
        }
        let (span, rest) = part.split_once('\n')?;
        let start = document.len();
        document.push_str(&span.replace("\\n", "\n"));
        cuts.push((start, document.len()));
        document.push_str(rest);
    }
    let fields = Reader::fields(&document).ok()?;
    let mut left_out = Vec::new();
    paths(&fields, &mut Vec::new(), &cuts, &mut left_out);
    let again = leave_out(&document, |path| {
        left_out.iter().any(|one: &Vec<String>| one == path)
    });
    (!cuts.is_empty() && again.as_deref() == Ok(text)).then_some(Restored { document, left_out })
}

/// A field that a document selects.
struct Field<'d> {
    name: &'d str,
    /// The byte range of the field in the document.
    span: (usize, usize),
    below: Vec<Field<'d>>,
}

/// Collects the places of unwanted fields; whether all of these are.
fn mark<'d>(
    fields: &[Field<'d>],
    path: &mut Vec<&'d str>,
    unwanted: &mut dyn FnMut(&[&str]) -> bool,
    cuts: &mut Vec<(usize, usize)>,
) -> Result<bool, NarrowError> {
    let mut all = true;
    for field in fields {
        path.push(field.name);
        let before = cuts.len();
        let whole = unwanted(path)
            || (!field.below.is_empty() && mark(&field.below, path, unwanted, cuts)?);
        path.pop();
        if whole {
            cuts.truncate(before);
            cuts.push(field.span);
        }
        all &= whole;
    }
    Ok(all)
}

fn paths<'d>(
    fields: &[Field<'d>],
    path: &mut Vec<&'d str>,
    cuts: &[(usize, usize)],
    found: &mut Vec<Vec<String>>,
) {
    for field in fields {
        path.push(field.name);
        if cuts.contains(&field.span) {
            found.push(path.iter().map(|name| (*name).to_owned()).collect());
        } else {
            paths(&field.below, path, cuts, found);
        }
        path.pop();
    }
}

/// Reads what a document selects.
struct Reader<'d> {
    text: &'d str,
    at: usize,
    depth: usize,
}

impl<'d> Reader<'d> {
    /// The root fields of the one operation.
    fn fields(text: &'d str) -> Result<Vec<Field<'d>>, NarrowError> {
        let mut reader = Self {
            text,
            at: 0,
            depth: 0,
        };
        loop {
            match reader.peek() {
                Some(b'{') => break,
                Some(b'(') => reader.skip_arguments()?,
                Some(byte) if is_name(byte) => {
                    reader.name();
                }
                _ => return Err(NarrowError::Form),
            }
        }
        let fields = reader.selection()?;
        match reader.peek() {
            None => Ok(fields),
            Some(_) => Err(NarrowError::Form),
        }
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The next byte that is no white space, comma or comment.
    fn peek(&mut self) -> Option<u8> {
        loop {
            match self.byte()? {
                b' ' | b'\t' | b'\n' | b'\r' | b',' => self.at += 1,
                b'#' => {
                    while self.byte().is_some_and(|byte| byte != b'\n') {
                        self.at += 1;
                    }
                }
                byte => return Some(byte),
            }
        }
    }

    fn name(&mut self) -> &'d str {
        let start = self.at;
        while self.byte().is_some_and(is_name) {
            self.at += 1;
        }
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// Parses a selection set between braces.
    fn selection(&mut self) -> Result<Vec<Field<'d>>, NarrowError> {
        self.at += 1;
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(NarrowError::Form);
        }
        let mut fields = Vec::new();
        loop {
            match self.peek() {
                Some(b'}') => {
                    self.at += 1;
                    self.depth -= 1;
                    return Ok(fields);
                }
                Some(byte) if is_name(byte) => {
                    let start = self.at;
                    let name = self.name();
                    let mut end = self.at;
                    if self.peek() == Some(b'(') {
                        self.skip_arguments()?;
                        end = self.at;
                    }
                    let mut below = Vec::new();
                    match self.peek() {
                        Some(b'{') => {
                            below = self.selection()?;
                            end = self.at;
                        }
                        Some(b':' | b'@') => return Err(NarrowError::Form),
                        _ => {}
                    }
                    fields.push(Field {
                        name,
                        span: (start, end),
                        below,
                    });
                }
                _ => return Err(NarrowError::Form),
            }
        }
    }

    /// Goes behind the closing parenthesis.
    fn skip_arguments(&mut self) -> Result<(), NarrowError> {
        let mut depth = 0_usize;
        loop {
            match self.peek().ok_or(NarrowError::Form)? {
                b'(' => depth += 1,
                b')' => depth -= 1,
                b'"' => self.skip_text()?,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return Ok(());
            }
        }
    }

    /// Goes to the closing quotation mark. A text over several lines stands in no trusted document.
    fn skip_text(&mut self) -> Result<(), NarrowError> {
        loop {
            self.at += 1;
            match self.byte() {
                Some(b'\\') => self.at += 1,
                Some(b'"') => return Ok(()),
                Some(b'\n') | None => return Err(NarrowError::Form),
                Some(_) => {}
            }
        }
    }
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
