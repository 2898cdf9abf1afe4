//! A directive of a document, held against its declaration.

use std::collections::BTreeMap;

use apollo_parser::cst::{self, CstNode as _};
use apollo_parser::{SyntaxKind, SyntaxNode};

use crate::error::Fault;
use crate::schema::{Argument, Declared, Schema, Type};
use crate::syntax;

/// A directive of a document. It is as its schema declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    name: String,
    line: usize,
    written: String,
    variable: Option<String>,
    arguments: BTreeMap<String, Value>,
}

/// The value of an argument.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    /// A text, or a word of an enum.
    Text(String),
    Number(i64),
    List(Vec<Value>),
}

impl Directive {
    /// Its name, without `@`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The line that it begins in, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// Its text, on one line.
    #[must_use]
    pub fn written(&self) -> &str {
        &self.written
    }

    /// The variable that it stands on; none if it stands on something else.
    #[must_use]
    pub fn variable(&self) -> Option<&str> {
        self.variable.as_deref()
    }

    /// The text or word of an argument; none if it is not given.
    #[must_use]
    pub fn text(&self, argument: &str) -> Option<&str> {
        match self.arguments.get(argument) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The number of an argument; none if it is not given.
    #[must_use]
    pub fn number(&self, argument: &str) -> Option<i64> {
        match self.arguments.get(argument) {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        }
    }

    /// The texts of an argument that is a list; none if it is not given.
    #[must_use]
    pub fn texts(&self, argument: &str) -> Option<Vec<&str>> {
        let Some(Value::List(items)) = self.arguments.get(argument) else {
            return None;
        };
        let texts = items.iter().filter_map(|item| match item {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        });
        Some(texts.collect())
    }

    pub(crate) fn read(
        schema: &Schema,
        declared: &Declared,
        name: &str,
        source: &str,
        written: &cst::Directive,
    ) -> Result<Self, Fault> {
        let on = holder(written.syntax());
        let place = on.as_ref().map(place).unwrap_or_default();
        if !declared.places.contains(&place) {
            return Err(Fault::Place {
                directive: name.to_owned(),
                place,
                places: declared.places.join(", "),
            });
        }
        let mut arguments = BTreeMap::new();
        let all = written.arguments().into_iter();
        for one in all.flat_map(|all| all.arguments()) {
            let argument = syntax::name(one.name());
            let directive = name.to_owned();
            let Some(expected) = declared.arguments.iter().find(|one| one.name == argument) else {
                let known = declared.arguments.iter();
                let known = known.map(|one| format!("`{}`", one.name));
                return Err(Fault::UnknownArgument {
                    directive,
                    argument,
                    known: known.collect::<Vec<_>>().join(", "),
                });
            };
            let given = one.value();
            let Some(value) = given
                .as_ref()
                .and_then(|one| value(schema, &expected.ty, one))
            else {
                return Err(Fault::Value {
                    directive,
                    argument,
                    value: given.map(|one| in_line(one.syntax())).unwrap_or_default(),
                    takes: takes(schema, &expected.ty),
                });
            };
            if arguments.insert(argument.clone(), value).is_some() {
                return Err(Fault::ArgumentTwice {
                    directive,
                    argument,
                });
            }
        }
        let missing = |one: &&Argument| one.required && !arguments.contains_key(&one.name);
        if let Some(missing) = declared.arguments.iter().find(missing) {
            return Err(Fault::MissingArgument {
                directive: name.to_owned(),
                argument: missing.name.clone(),
                takes: takes(schema, &missing.ty),
            });
        }
        let variable = on.and_then(cst::VariableDefinition::cast);
        Ok(Self {
            name: name.to_owned(),
            line: syntax::line(source, syntax::offset(written.syntax())),
            written: in_line(written.syntax()),
            variable: variable.map(|one| syntax::name(one.variable().and_then(|it| it.name()))),
            arguments,
        })
    }
}

/// The definition, variable or selection that a directive stands on.
fn holder(directive: &SyntaxNode) -> Option<SyntaxNode> {
    let mut above = directive.ancestors().skip(1);
    above.find(|node| node.kind() != SyntaxKind::DIRECTIVES)
}

/// The place that a node is for directives, as GraphQL names it.
fn place(holder: &SyntaxNode) -> String {
    match holder.kind() {
        // `QUERY`, `MUTATION` and `SUBSCRIPTION` are what the operation begins with.
        SyntaxKind::OPERATION_DEFINITION => {
            let first = syntax::significant(holder).next();
            first.map(|token| token.text().to_ascii_uppercase())
        }
        // The syntax tree names the others as the language does.
        kind => Some(format!("{kind:?}")),
    }
    .unwrap_or_default()
}

/// A node's text with single spaces for its white space.
fn in_line(node: &SyntaxNode) -> String {
    let text = node.text().to_string();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Reads a value of a type; none if it is of another one. As in GraphQL, a list of one can be
/// written without its brackets.
fn value(schema: &Schema, ty: &Type, written: &cst::Value) -> Option<Value> {
    match (ty, written) {
        (Type::List(inner), cst::Value::ListValue(list)) => {
            let items = list.values().map(|item| value(schema, inner, &item));
            items.collect::<Option<_>>().map(Value::List)
        }
        (Type::List(inner), one) => Some(Value::List(vec![value(schema, inner, one)?])),
        (Type::Text, cst::Value::StringValue(text)) => Some(Value::Text(String::from(text))),
        (Type::Number, cst::Value::IntValue(number)) => {
            in_line(number.syntax()).parse().ok().map(Value::Number)
        }
        (Type::Word(of), cst::Value::EnumValue(word)) => {
            let word = word.text().to_string();
            schema
                .words(of)
                .contains(&word)
                .then_some(Value::Text(word))
        }
        _ => None,
    }
}

fn takes(schema: &Schema, ty: &Type) -> String {
    match ty {
        Type::Text => "a text in quotation marks".to_owned(),
        Type::Number => "a whole number".to_owned(),
        Type::Word(of) => format!("one of {}", schema.words(of).join(", ")),
        Type::List(inner) => format!("{}, or several in brackets", takes(schema, inner)),
    }
}
