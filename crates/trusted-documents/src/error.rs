//! What can be wrong with a source.

use graphql_fields::NotASetting;

use crate::syntax;

/// A fault of a source, with its line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct SourceError {
    /// The line, from 1.
    pub line: usize,
    /// The fault.
    pub fault: Fault,
}

impl SourceError {
    pub(crate) fn at(source: &str, offset: usize, fault: Fault) -> Self {
        Self {
            line: syntax::line(source, offset),
            fault,
        }
    }
}

/// A reason that a source, or the schema of its directives, cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// A text that is no GraphQL.
    #[error("this is no GraphQL: {0}")]
    Syntax(String),
    /// A definition of a type or a directive among documents.
    #[error("a document holds operations and fragments alone: move this definition to a schema")]
    Definition,
    /// A block string, in which a comment cannot be told from text, or what looks like one.
    #[error("write no `\"\"\"`: a text stands on one line, between single quotation marks")]
    BlockString,
    /// A comment in the form that directives once had, or the mark that the build writes.
    #[error("this comment tells the host nothing: write the directive `@{0}(…)`")]
    Comment(String),
    /// One of GraphQL's own conditions.
    #[error(
        "`@{0}` makes what is read depend on a value: write a document of its own for each form"
    )]
    Condition(String),
    /// A directive that the schema does not declare.
    #[error("no directive `@{directive}` is declared: write one of {known}, or remove it")]
    Undeclared {
        /// Its name.
        directive: String,
        /// The declared ones.
        known: String,
    },
    /// A directive at a place that is not declared for it.
    #[error("`@{directive}` cannot stand on a {place}: it is declared for {places}")]
    Place {
        /// Its name.
        directive: String,
        /// The place, as GraphQL names it.
        place: String,
        /// The declared places.
        places: String,
    },
    /// A second directive of the same name, where the schema allows one.
    #[error("`@{0}` is there twice: write it once")]
    Twice(String),
    /// An argument that the schema does not declare.
    #[error("`@{directive}` has no argument `{argument}`: it takes {known}")]
    UnknownArgument {
        /// The directive.
        directive: String,
        /// The argument.
        argument: String,
        /// The declared ones.
        known: String,
    },
    /// A second argument of the same name.
    #[error("`@{directive}` has `{argument}` twice: write it once")]
    ArgumentTwice {
        /// The directive.
        directive: String,
        /// The argument.
        argument: String,
    },
    /// An argument that is missing.
    #[error("`@{directive}` needs `{argument}`: {takes}")]
    MissingArgument {
        /// The directive.
        directive: String,
        /// The argument.
        argument: String,
        /// A description of its values.
        takes: String,
    },
    /// A value of another type than the schema declares.
    #[error("`{value}` cannot be `{argument}` of `@{directive}`, which is {takes}")]
    Value {
        /// The directive.
        directive: String,
        /// The argument.
        argument: String,
        /// The value, as written.
        value: String,
        /// A description of its values.
        takes: String,
    },
    /// A place for an operator's field on a field without a selection.
    #[error("`@field` has to stand where fields can be selected: on a field with a selection")]
    NoSelection,
    /// A place for an operator's field without a proper setting.
    #[error("`@field`: {0}")]
    Setting(#[from] NotASetting),
    /// A definition in the schema of directives that the build does not read.
    #[error("the schema of directives holds directives and enums alone, not this: remove it")]
    Schema,
    /// A type of an argument that the build does not read.
    #[error(
        "the type of `{argument}` is no String, no Int, no enum of this schema and no list of those: \
         change it, and write no default value"
    )]
    Type {
        /// The argument.
        argument: String,
    },
    /// The text without directives is not what the source says without them.
    #[error(
        "the text without its directives is another document: write each directive on a line of its own"
    )]
    Remains,
}

impl Fault {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Syntax(_) => "source-syntax",
            Self::Definition => "source-definition",
            Self::BlockString => "source-block-string",
            Self::Comment(_) => "directive-comment",
            Self::Condition(_) => "directive-condition",
            Self::Undeclared { .. } => "directive-undeclared",
            Self::Place { .. } => "directive-place",
            Self::Twice(_) => "directive-twice",
            Self::UnknownArgument { .. } => "argument-unknown",
            Self::ArgumentTwice { .. } => "argument-twice",
            Self::MissingArgument { .. } => "argument-missing",
            Self::Value { .. } => "argument-value",
            Self::NoSelection => "field-selection",
            Self::Setting(_) => "field-setting",
            Self::Schema => "schema-definition",
            Self::Type { .. } => "schema-type",
            Self::Remains => "source-remains",
        }
    }
}
