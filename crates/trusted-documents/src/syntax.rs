//! Syntax trees of GraphQL, and what reading them takes.

use apollo_parser::cst::{self, CstNode as _};
use apollo_parser::{Parser, SyntaxKind, SyntaxNode, SyntaxToken};

use crate::error::{Fault, SourceError};

/// Parses a document or a schema.
///
/// # Errors
/// The first place at which the text is no GraphQL.
pub fn parse(text: &str) -> Result<cst::Document, SourceError> {
    let tree = Parser::new(text).parse();
    match tree.errors().min_by_key(|error| error.index()) {
        Some(error) => Err(SourceError::at(
            text,
            error.index(),
            Fault::Syntax(error.message().to_owned()),
        )),
        None => Ok(tree.document()),
    }
}

/// Returns a type as GraphQL writes it, such as `[String!]!`.
#[must_use]
pub fn type_name(ty: &cst::Type) -> String {
    significant(ty.syntax())
        .map(|token| token.text().to_owned())
        .collect()
}

/// The line of an offset, from 1.
pub(crate) fn line(text: &str, offset: usize) -> usize {
    let before = text.get(..offset).unwrap_or(text);
    before.matches('\n').count() + 1
}

/// The tokens of a node that mean something.
pub(crate) fn significant(node: &SyntaxNode) -> impl Iterator<Item = SyntaxToken> + use<> {
    node.descendants_with_tokens()
        .filter_map(|element| element.into_token())
        .filter(is_significant)
}

/// True if a token means something: no white space, comment or comma.
pub(crate) fn is_significant(token: &SyntaxToken) -> bool {
    !matches!(
        token.kind(),
        SyntaxKind::WHITESPACE | SyntaxKind::COMMENT | SyntaxKind::COMMA
    )
}

pub(crate) fn start(token: &SyntaxToken) -> usize {
    token.text_range().start().into()
}

pub(crate) fn end(token: &SyntaxToken) -> usize {
    token.text_range().end().into()
}

/// The offset of a node's first token.
pub(crate) fn offset(node: &SyntaxNode) -> usize {
    node.text_range().start().into()
}

pub(crate) fn name(name: Option<cst::Name>) -> String {
    name.map(|name| name.text().to_string()).unwrap_or_default()
}
