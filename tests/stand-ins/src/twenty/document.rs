//! GraphQL documents: parsed into a small tree that keeps where things stand, with syntax errors
//! worded as graphql-js does.

use std::collections::HashMap;

use apollo_parser::cst::{self, CstNode as _};
use apollo_parser::{Lexer, Parser, TokenKind};

use super::errors::GqlError;

/// A parsed document.
#[derive(Debug)]
pub(super) struct Document {
    pub text: String,
    pub operations: Vec<Operation>,
    pub fragments: HashMap<String, Vec<Selection>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OperationKind {
    Query,
    Mutation,
    Subscription,
}

#[derive(Debug)]
pub(super) struct Operation {
    pub kind: OperationKind,
    pub name: Option<String>,
    pub variables: Vec<VariableDefinition>,
    pub selections: Vec<Selection>,
}

/// A declared variable.
#[derive(Debug)]
pub(super) struct VariableDefinition {
    pub name: String,
    pub ty: String,
    pub offset: usize,
    pub has_default: bool,
}

/// An item of a selection set.
#[derive(Debug)]
pub(super) enum Selection {
    Field(SelectedField),
    Inline {
        directives: Vec<Directive>,
        selections: Vec<Selection>,
    },
    Spread {
        name: String,
        directives: Vec<Directive>,
    },
}

#[derive(Debug)]
pub(super) struct SelectedField {
    pub alias: Option<String>,
    pub name: String,
    pub offset: usize,
    pub arguments: Vec<Argument>,
    pub directives: Vec<Directive>,
    pub selections: Vec<Selection>,
}

/// An argument, or a field of an object literal.
#[derive(Clone, Debug)]
pub(super) struct Argument {
    pub name: String,
    pub offset: usize,
    pub value: Literal,
}

#[derive(Debug)]
pub(super) struct Directive {
    pub name: String,
    pub arguments: Vec<Argument>,
}

/// A value as written.
#[derive(Clone, Debug)]
pub(super) enum Literal {
    Variable(String),
    Null,
    Bool(bool),
    Number(serde_json::Number),
    String(String),
    Enum(String),
    List(Vec<Literal>),
    Object(Vec<Argument>),
}

impl Document {
    /// Parses a document.
    pub(super) fn parse(text: &str) -> Result<Self, GqlError> {
        let tree = Parser::new(text).parse();
        if let Some(error) = tree.errors().min_by_key(|e| e.index()) {
            return Err(syntax_error(text, error.index()));
        }
        let mut document = Self {
            text: text.to_owned(),
            operations: Vec::new(),
            fragments: HashMap::new(),
        };
        for definition in tree.document().definitions() {
            match definition {
                cst::Definition::OperationDefinition(op) => {
                    document.operations.push(operation(&op))
                }
                cst::Definition::FragmentDefinition(fragment) => {
                    let name = fragment
                        .fragment_name()
                        .and_then(|n| n.name())
                        .map(|n| n.text().to_string());
                    document.fragments.insert(
                        name.unwrap_or_default(),
                        selections(fragment.selection_set()),
                    );
                }
                _ => {}
            }
        }
        Ok(document)
    }

    /// Line and column of an offset, both from 1; columns count UTF-16 units as JavaScript does.
    pub(super) fn location(&self, offset: usize) -> (usize, usize) {
        location(&self.text, offset)
    }
}

fn location(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset.min(text.len())).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .encode_utf16()
        .count()
        + 1;
    (line, column)
}

fn operation(op: &cst::OperationDefinition) -> Operation {
    let kind = match op.operation_type() {
        Some(ty) if ty.mutation_token().is_some() => OperationKind::Mutation,
        Some(ty) if ty.subscription_token().is_some() => OperationKind::Subscription,
        _ => OperationKind::Query,
    };
    let variables = op
        .variable_definitions()
        .into_iter()
        .flat_map(|list| list.variable_definitions());
    let variables = variables.map(|definition| VariableDefinition {
        name: definition
            .variable()
            .and_then(|v| v.name())
            .map(|n| n.text().to_string())
            .unwrap_or_default(),
        ty: definition
            .ty()
            .map(|ty| ty.source_string())
            .unwrap_or_default(),
        offset: offset(definition.syntax()),
        has_default: definition.default_value().is_some(),
    });
    Operation {
        kind,
        name: op.name().map(|n| n.text().to_string()),
        variables: variables.collect(),
        selections: selections(op.selection_set()),
    }
}

fn offset(node: &apollo_parser::SyntaxNode) -> usize {
    usize::from(node.text_range().start())
}

fn selections(set: Option<cst::SelectionSet>) -> Vec<Selection> {
    let Some(set) = set else { return Vec::new() };
    set.selections()
        .map(|selection| match selection {
            cst::Selection::Field(field) => Selection::Field(SelectedField {
                alias: field
                    .alias()
                    .and_then(|a| a.name())
                    .map(|n| n.text().to_string()),
                name: field
                    .name()
                    .map(|n| n.text().to_string())
                    .unwrap_or_default(),
                offset: offset(field.syntax()),
                arguments: arguments(field.arguments()),
                directives: directives(field.directives()),
                selections: selections(field.selection_set()),
            }),
            cst::Selection::InlineFragment(inline) => Selection::Inline {
                directives: directives(inline.directives()),
                selections: selections(inline.selection_set()),
            },
            cst::Selection::FragmentSpread(spread) => Selection::Spread {
                name: spread
                    .fragment_name()
                    .and_then(|n| n.name())
                    .map(|n| n.text().to_string())
                    .unwrap_or_default(),
                directives: directives(spread.directives()),
            },
        })
        .collect()
}

fn directives(list: Option<cst::Directives>) -> Vec<Directive> {
    let list = list.into_iter().flat_map(|list| list.directives());
    list.map(|directive| Directive {
        name: directive
            .name()
            .map(|n| n.text().to_string())
            .unwrap_or_default(),
        arguments: arguments(directive.arguments()),
    })
    .collect()
}

fn arguments(list: Option<cst::Arguments>) -> Vec<Argument> {
    let list = list.into_iter().flat_map(|list| list.arguments());
    list.map(|argument| Argument {
        name: argument
            .name()
            .map(|n| n.text().to_string())
            .unwrap_or_default(),
        offset: offset(argument.syntax()),
        value: argument.value().map_or(Literal::Null, literal),
    })
    .collect()
}

fn literal(value: cst::Value) -> Literal {
    let source = value.source_string();
    let source = source.trim();
    match value {
        cst::Value::Variable(variable) => Literal::Variable(
            variable
                .name()
                .map(|n| n.text().to_string())
                .unwrap_or_default(),
        ),
        cst::Value::StringValue(text) => Literal::String(String::from(text)),
        cst::Value::FloatValue(_) | cst::Value::IntValue(_) => {
            source.parse().map_or(Literal::Null, Literal::Number)
        }
        cst::Value::BooleanValue(_) => Literal::Bool(source == "true"),
        cst::Value::NullValue(_) => Literal::Null,
        cst::Value::EnumValue(_) => Literal::Enum(source.to_owned()),
        cst::Value::ListValue(list) => Literal::List(list.values().map(literal).collect()),
        cst::Value::ObjectValue(object) => {
            let fields = object.object_fields().map(|field| Argument {
                name: field
                    .name()
                    .map(|n| n.text().to_string())
                    .unwrap_or_default(),
                offset: offset(field.syntax()),
                value: field.value().map_or(Literal::Null, literal),
            });
            Literal::Object(fields.collect())
        }
    }
}

/// graphql-js wants a name wherever an argument, a field or an object field may stand, and
/// otherwise just finds the token unexpected.
fn syntax_error(text: &str, at: usize) -> GqlError {
    let mut open: Vec<&str> = Vec::new();
    let mut found = "<EOF>".to_owned();
    let mut offset = text.len();
    let mut previous = TokenKind::Eof;
    for token in Lexer::new(text) {
        let Ok(token) = token else { break };
        let ignored = matches!(
            token.kind(),
            TokenKind::Whitespace | TokenKind::Comment | TokenKind::Comma
        );
        if token.index() >= at && !ignored {
            offset = token.index();
            found = describe(token.kind(), token.data());
            break;
        }
        match token.kind() {
            TokenKind::LCurly => open.push("{"),
            TokenKind::LParen => open.push("("),
            TokenKind::LBracket => open.push("["),
            TokenKind::RCurly | TokenKind::RParen | TokenKind::RBracket => {
                open.pop();
            }
            _ => {}
        }
        if !ignored {
            previous = token.kind();
        }
    }
    let wants_name = matches!(open.last(), Some(&"{" | &"(")) && previous != TokenKind::Colon;
    let message = if wants_name {
        format!("Syntax Error: Expected Name, found {found}.")
    } else {
        format!("Syntax Error: Unexpected {found}.")
    };
    GqlError::at(message, location(text, offset))
}

fn describe(kind: TokenKind, data: &str) -> String {
    match kind {
        TokenKind::Name => format!("Name \"{data}\""),
        TokenKind::Int => format!("Int \"{data}\""),
        TokenKind::Float => format!("Float \"{data}\""),
        TokenKind::StringValue => format!("String {data}"),
        TokenKind::Eof => "<EOF>".to_owned(),
        _ => format!("\"{data}\""),
    }
}
