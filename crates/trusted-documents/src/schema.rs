//! The directives that a schema file declares, and documents read by it.

use std::collections::{BTreeMap, BTreeSet};

use apollo_parser::SyntaxKind;
use apollo_parser::cst::{self, CstNode as _, Definition};

use crate::Document;
use crate::directive::Directive;
use crate::error::{Fault, SourceError};
use crate::strip::{self, Mark};
use crate::syntax;

/// The directive that marks a place for a field which the operator names.
const FIELD: &str = "field";

/// GraphQL's own conditions, which no trusted document has.
const CONDITIONS: [&str; 2] = ["skip", "include"];

/// The directives that a schema file declares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schema {
    directives: BTreeMap<String, Declared>,
    /// The values of each enum.
    enums: BTreeMap<String, Vec<String>>,
}

/// A declared directive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Declared {
    repeatable: bool,
    /// As GraphQL names them, such as `QUERY`.
    pub(crate) places: Vec<String>,
    pub(crate) arguments: Vec<Argument>,
}

/// A declared argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Argument {
    pub(crate) name: String,
    pub(crate) ty: Type,
    pub(crate) required: bool,
}

/// The type of an argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Type {
    Text,
    Number,
    /// One of an enum's values.
    Word(String),
    List(Box<Type>),
}

impl Schema {
    /// Reads a schema of directives.
    ///
    /// # Errors
    /// What is no declaration of a directive or of an enum, and what the build could not check.
    pub fn read(text: &str) -> Result<Self, SourceError> {
        let mut schema = Self::default();
        let mut waiting = Vec::new();
        for definition in syntax::parse(text)?.definitions() {
            match definition {
                Definition::EnumTypeDefinition(of) => {
                    let values = of.enum_values_definition().into_iter();
                    let values = values.flat_map(|all| all.enum_value_definitions());
                    let values =
                        values.filter_map(|one| Some(one.enum_value()?.text().to_string()));
                    let name = syntax::name(of.name());
                    schema.enums.insert(name, values.collect());
                }
                Definition::DirectiveDefinition(directive) => waiting.push(directive),
                other => {
                    let offset = syntax::offset(other.syntax());
                    return Err(SourceError::at(text, offset, Fault::Schema));
                }
            }
        }
        for directive in waiting {
            let declared = schema.declared(text, &directive)?;
            let name = syntax::name(directive.name());
            if schema.directives.insert(name.clone(), declared).is_some() {
                let offset = syntax::offset(directive.syntax());
                return Err(SourceError::at(text, offset, Fault::Twice(name)));
            }
        }
        Ok(schema)
    }

    fn declared(
        &self,
        text: &str,
        directive: &cst::DirectiveDefinition,
    ) -> Result<Declared, SourceError> {
        let mut arguments = Vec::new();
        let inputs = directive.arguments_definition().into_iter();
        for input in inputs.flat_map(|all| all.input_value_definitions()) {
            let name = syntax::name(input.name());
            let ty = input.ty().filter(|_| input.default_value().is_none());
            let Some((ty, required)) = ty.and_then(|ty| self.argument_type(&ty)) else {
                let fault = Fault::Type { argument: name };
                return Err(SourceError::at(text, syntax::offset(input.syntax()), fault));
            };
            arguments.push(Argument { name, ty, required });
        }
        let places = directive.directive_locations().into_iter();
        let places = places.flat_map(|all| all.directive_locations());
        Ok(Declared {
            repeatable: directive.repeatable_token().is_some(),
            places: places
                .filter_map(|place| Some(place.text()?.to_string()))
                .collect(),
            arguments,
        })
    }

    /// A type, and true if it takes no null.
    fn argument_type(&self, ty: &cst::Type) -> Option<(Type, bool)> {
        let named = |named: cst::NamedType| match syntax::name(named.name()).as_str() {
            "String" => Some(Type::Text),
            "Int" => Some(Type::Number),
            other if self.enums.contains_key(other) => Some(Type::Word(other.to_owned())),
            _ => None,
        };
        let list = |list: cst::ListType| {
            let (inner, _) = self.argument_type(&list.ty()?)?;
            Some(Type::List(Box::new(inner)))
        };
        match ty {
            cst::Type::NamedType(ty) => Some((named(ty.clone())?, false)),
            cst::Type::ListType(ty) => Some((list(ty.clone())?, false)),
            cst::Type::NonNullType(ty) => {
                let named = ty.named_type().and_then(named);
                Some((named.or_else(|| list(ty.list_type()?))?, true))
            }
        }
    }

    pub(crate) fn directive(&self, name: &str) -> Option<&Declared> {
        self.directives.get(name)
    }

    /// The values of an enum.
    pub(crate) fn words(&self, of: &str) -> &[String] {
        self.enums.get(of).map(Vec::as_slice).unwrap_or_default()
    }

    /// Reads the source of a document.
    ///
    /// # Errors
    /// The first directive that is not as the schema declares it, and what could be mistaken for
    /// one.
    pub fn document(&self, source: &str) -> Result<Document, SourceError> {
        let tree = syntax::parse(source)?;
        for definition in tree.definitions() {
            if !definition.is_executable_definition() {
                let offset = syntax::offset(definition.syntax());
                return Err(SourceError::at(source, offset, Fault::Definition));
            }
        }
        self.refuse_misspelled(source, &tree)?;
        let mut directives = Vec::new();
        let mut marks = Vec::new();
        for node in tree.syntax().descendants() {
            let Some(group) = cst::Directives::cast(node) else {
                continue;
            };
            let mut seen = BTreeSet::new();
            for written in group.directives() {
                let fault =
                    |fault| SourceError::at(source, syntax::offset(written.syntax()), fault);
                let name = syntax::name(written.name());
                let declared = self
                    .directive(&name)
                    .ok_or_else(|| fault(self.undeclared(&name)))?;
                if !seen.insert(name.clone()) && !declared.repeatable {
                    return Err(fault(Fault::Twice(name)));
                }
                let directive =
                    Directive::read(self, declared, &name, source, &written).map_err(fault)?;
                if name == FIELD {
                    marks.push(Mark::read(&directive, &group).map_err(fault)?);
                }
                directives.push(directive);
            }
        }
        let text = strip::strip(source, &tree, marks)?;
        Ok(Document { text, directives })
    }

    fn undeclared(&self, name: &str) -> Fault {
        if CONDITIONS.contains(&name) {
            return Fault::Condition(name.to_owned());
        }
        let known = self.directives.keys().map(|known| format!("`@{known}`"));
        Fault::Undeclared {
            directive: name.to_owned(),
            known: known.collect::<Vec<_>>().join(", "),
        }
    }

    /// Refuses comments that look like directives, or like the mark that the build writes, and
    /// block strings, in which such a comment would be none.
    fn refuse_misspelled(&self, source: &str, tree: &cst::Document) -> Result<(), SourceError> {
        if let Some(offset) = source.find("\"\"\"") {
            return Err(SourceError::at(source, offset, Fault::BlockString));
        }
        let tokens = tree.syntax().descendants_with_tokens();
        for token in tokens.filter_map(|element| element.into_token()) {
            if token.kind() != SyntaxKind::COMMENT {
                continue;
            }
            let comment = token.text().trim_start_matches(['#', ' ', '\t']);
            let key = comment.split_once(':').map(|(key, _)| key.trim_end());
            if let Some(key) = key.filter(|key| self.directive(key).is_some()) {
                let fault = Fault::Comment(key.to_owned());
                return Err(SourceError::at(source, syntax::start(&token), fault));
            }
        }
        Ok(())
    }
}
