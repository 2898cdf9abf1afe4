//! Takes the directives out of a source.

use std::ops::Range;

use apollo_parser::SyntaxKind;
use apollo_parser::cst::{self, CstNode as _};

use crate::directive::Directive;
use crate::error::{Fault, SourceError};
use crate::syntax;

/// A place for a field that the operator names: the end of a selection.
pub(crate) struct Mark {
    /// The offset of the brace that closes it.
    brace: usize,
    setting: String,
}

impl Mark {
    /// Reads what a directive says of the field that it stands on.
    pub(crate) fn read(directive: &Directive, group: &cst::Directives) -> Result<Self, Fault> {
        let setting = directive.text("setting").unwrap_or_default();
        graphql_fields::check_setting(setting)?;
        let field = group.syntax().parent().and_then(cst::Field::cast);
        let selection = field.and_then(|field| field.selection_set());
        let brace = selection.and_then(|selection| selection.r_curly_token());
        Ok(Self {
            brace: syntax::start(&brace.ok_or(Fault::NoSelection)?),
            setting: setting.to_owned(),
        })
    }

    /// The mark on a line of its own, where `graphql_fields` finds it, as the last of its
    /// selection.
    fn edit(&self, source: &str) -> Edit {
        let (marker, setting) = (graphql_fields::MARKER, &self.setting);
        let before = source.get(..self.brace).unwrap_or(source);
        let line = before.trim_end_matches([' ', '\t']);
        if line.ends_with('\n') {
            let indentation = before.get(line.len()..).unwrap_or_default();
            return Edit {
                range: line.len()..line.len(),
                text: format!("{indentation}  {marker} {setting}\n"),
            };
        }
        Edit {
            range: self.brace..self.brace,
            text: format!("\n{marker} {setting}\n"),
        }
    }
}

/// A part of the source, and the text in its place.
struct Edit {
    range: Range<usize>,
    text: String,
}

/// Returns the source without its directives, and with a mark for each place of an operator's
/// field.
pub(crate) fn strip(
    source: &str,
    tree: &cst::Document,
    mut marks: Vec<Mark>,
) -> Result<String, SourceError> {
    // In the order of the text; those of one brace in the order of their directives.
    marks.sort_by_key(|mark| mark.brace);
    let groups = tree
        .syntax()
        .descendants()
        .filter_map(cst::Directives::cast);
    let mut edits: Vec<Edit> = groups.filter_map(|group| cut(source, &group)).collect();
    edits.extend(marks.iter().map(|mark| mark.edit(source)));
    edits.sort_by_key(|edit| edit.range.start);
    let mut text = String::with_capacity(source.len());
    let mut read = 0;
    for edit in &edits {
        text.push_str(source.get(read..edit.range.start).unwrap_or_default());
        text.push_str(&edit.text);
        read = edit.range.end;
    }
    text.push_str(source.get(read..).unwrap_or_default());
    if is_without_directives(&text, tree, &marks) {
        return Ok(text);
    }
    let first = edits.first().map_or(0, |edit| edit.range.start);
    Err(SourceError::at(source, first, Fault::Remains))
}

/// Cuts a run of directives with all that is between it and the token before it.
fn cut(source: &str, group: &cst::Directives) -> Option<Edit> {
    let mut tokens = syntax::significant(group.syntax());
    let first = tokens.next()?;
    let last = tokens.last().unwrap_or_else(|| first.clone());
    let mut before = std::iter::successors(first.prev_token(), |token| token.prev_token());
    let mut after = std::iter::successors(last.next_token(), |token| token.next_token());
    let start = before.find(syntax::is_significant);
    let start = start.map_or(0, |token| syntax::end(&token));
    let end = syntax::end(&last);
    let next = after.find(syntax::is_significant);
    let (end, text) = match next {
        Some(next) if next.kind() == SyntaxKind::L_CURLY => {
            let brace = syntax::start(&next);
            let between = source.get(end..brace)?;
            match between.trim().is_empty() {
                true => (brace, " "),
                false => (end, ""),
            }
        }
        // Names that would grow together.
        Some(next) if syntax::start(&next) == end && next.kind() != SyntaxKind::R_PAREN => {
            (end, " ")
        }
        _ => (end, ""),
    };
    Some(Edit {
        range: start..end,
        text: text.to_owned(),
    })
}

/// Checks that a text has the tokens of a source but for its directives, and places for fields
/// where these say so.
fn is_without_directives(text: &str, source: &cst::Document, marks: &[Mark]) -> bool {
    let Ok(stripped) = syntax::parse(text) else {
        return false;
    };
    let kept = syntax::significant(source.syntax()).filter(|token| {
        let mut above = token.parent_ancestors();
        above.all(|node| node.kind() != SyntaxKind::DIRECTIVES)
    });
    let kept = kept.map(|token| (token.kind(), token.text().to_owned()));
    let sent = syntax::significant(stripped.syntax());
    let sent: Vec<_> = sent
        .map(|token| (token.kind(), token.text().to_owned()))
        .collect();
    let settings = graphql_fields::settings(text);
    sent.iter().all(|(kind, _)| *kind != SyntaxKind::AT)
        && kept.eq(sent)
        && settings.is_ok_and(|found| found.eq(marks.iter().map(|mark| mark.setting.as_str())))
}
