//! The types of actions, as far as JSON can represent them, together with their documentation.
//!
//! A [`Shape`] is read once from the component and then serves schema, arguments and answers alike.

use thiserror::Error;
use wasmtime::component::types::{self, Type};

use super::docs::{Docs, first_paragraph};

/// A WIT type.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// True or false.
    Bool,
    /// An integer.
    Int(Int),
    /// A 32-bit number.
    Float32,
    /// A 64-bit number.
    Float64,
    /// One character.
    Char,
    /// Text.
    String,
    /// Any number of values of one type.
    List(Box<Shape>),
    /// A fixed number of values, each of its own type.
    Tuple(Vec<Shape>),
    /// Named fields.
    Record(RecordShape),
    /// One of several cases, some with a payload.
    Variant(Vec<CaseShape>),
    /// One of several names.
    Enum(Vec<String>),
    /// Any of several names.
    Flags(Vec<String>),
    /// An optional value.
    Option(Box<Shape>),
    /// Success or failure.
    Result(Option<Box<Shape>>, Option<Box<Shape>>),
}

/// Integer types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the types of WIT")]
pub enum Int {
    S8,
    U8,
    S16,
    U16,
    S32,
    U32,
    S64,
    U64,
}

/// A record type.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordShape {
    /// Documentation.
    pub docs: Option<String>,
    /// Its fields in order.
    pub fields: Vec<FieldShape>,
}

/// A field of a record.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldShape {
    /// Its name in WIT.
    pub wit: String,
    /// Its name in JSON.
    pub json: String,
    /// Documentation.
    pub docs: Option<String>,
    /// Its type.
    pub shape: Shape,
}

/// A case of a variant.
#[derive(Debug, Clone, PartialEq)]
pub struct CaseShape {
    /// Its name.
    pub name: String,
    /// Documentation.
    pub docs: Option<String>,
    /// Type of the payload, if there is one.
    pub payload: Option<Shape>,
}

impl CaseShape {
    /// Returns the payload's fields if they stand beside the name of the case in JSON.
    #[must_use]
    pub fn beside(&self) -> Option<&RecordShape> {
        match &self.payload {
            Some(Shape::Record(record))
                if record.fields.iter().all(|field| field.json != "case") =>
            {
                Some(record)
            }
            _ => None,
        }
    }
}

impl Int {
    /// Returns the smallest and the largest value.
    #[must_use]
    pub const fn range(self) -> (i128, i128) {
        match self {
            Self::S8 => (i8::MIN as i128, i8::MAX as i128),
            Self::U8 => (0, u8::MAX as i128),
            Self::S16 => (i16::MIN as i128, i16::MAX as i128),
            Self::U16 => (0, u16::MAX as i128),
            Self::S32 => (i32::MIN as i128, i32::MAX as i128),
            Self::U32 => (0, u32::MAX as i128),
            Self::S64 => (i64::MIN as i128, i64::MAX as i128),
            Self::U64 => (0, u64::MAX as i128),
        }
    }

    /// Returns true if a JSON number may not represent every value exactly.
    #[must_use]
    pub const fn is_wide(self) -> bool {
        matches!(self, Self::S64 | Self::U64)
    }
}

/// A type that cannot be converted to JSON and back.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0} cannot be an argument or an answer")]
pub struct Unsupported(String);

/// Named types that an interface's functions may use, for the lookup of their documentation.
#[derive(Debug)]
pub struct TypeNames<'a> {
    types: Vec<NamedType<'a>>,
    docs: &'a Docs,
}

#[derive(Debug)]
struct NamedType<'a> {
    interface: &'a str,
    name: &'a str,
    ty: Type,
}

impl<'a> TypeNames<'a> {
    /// Collects the types that these instances export, each under the name of its interface;
    /// earlier ones are preferred.
    #[must_use]
    pub fn new(
        engine: &'a wasmtime::Engine,
        interfaces: impl IntoIterator<Item = (&'a str, &'a types::ComponentInstance)>,
        docs: &'a Docs,
    ) -> Self {
        let mut types = Vec::new();
        for (interface, instance) in interfaces {
            types.extend(
                instance
                    .exports(engine)
                    .filter_map(|(name, item)| match item.ty {
                        types::ComponentItem::Type(ty) => Some(NamedType {
                            interface,
                            name,
                            ty,
                        }),
                        _ => None,
                    }),
            );
        }
        Self { types, docs }
    }

    /// Returns the documentation of a type. Types have no names at run time: among several equal
    /// ones, the one named `hint` is taken, otherwise the first.
    fn texts(&self, ty: &Type, hint: Option<&str>) -> Texts<'_> {
        let mut alike = self.types.iter().filter(|named| named.ty == *ty);
        let first = alike.next();
        let hinted = first
            .into_iter()
            .chain(alike)
            .find(|named| Some(named.name) == hint);
        Texts(
            hinted
                .or(first)
                .and_then(|named| self.docs.type_docs(named.interface, named.name)),
        )
    }
}

struct Texts<'a>(Option<&'a super::docs::TypeDocs>);

impl Texts<'_> {
    fn whole(&self) -> Option<String> {
        self.0?.docs.as_deref().map(first_paragraph)
    }

    fn item(&self, name: &str) -> Option<String> {
        self.0?.items.get(name).map(|text| first_paragraph(text))
    }
}

impl Shape {
    /// Returns the shape of a component's type; `hint` is the name that the type probably has.
    ///
    /// # Errors
    /// Returns an error for types that JSON cannot represent: resources, streams, futures, maps,
    /// error contexts, lists of fixed length, and an option inside an option.
    pub fn of(ty: &Type, names: &TypeNames<'_>, hint: Option<&str>) -> Result<Self, Unsupported> {
        let inner = |ty: &Type| Self::of(ty, names, None);
        let boxed = |ty: Option<Type>| ty.map(|ty| inner(&ty).map(Box::new)).transpose();
        Ok(match ty {
            Type::Bool => Self::Bool,
            Type::S8 => Self::Int(Int::S8),
            Type::U8 => Self::Int(Int::U8),
            Type::S16 => Self::Int(Int::S16),
            Type::U16 => Self::Int(Int::U16),
            Type::S32 => Self::Int(Int::S32),
            Type::U32 => Self::Int(Int::U32),
            Type::S64 => Self::Int(Int::S64),
            Type::U64 => Self::Int(Int::U64),
            Type::Float32 => Self::Float32,
            Type::Float64 => Self::Float64,
            Type::Char => Self::Char,
            Type::String => Self::String,
            Type::List(list) => Self::List(Box::new(inner(&list.ty())?)),
            Type::Tuple(tuple) => Self::Tuple(
                tuple
                    .types()
                    .map(|ty| inner(&ty))
                    .collect::<Result<_, _>>()?,
            ),
            Type::Record(record) => Self::record(record, &names.texts(ty, hint), names)?,
            Type::Variant(variant) => Self::variant(variant, &names.texts(ty, hint), names)?,
            Type::Enum(cases) => Self::Enum(cases.names().map(str::to_owned).collect()),
            Type::Flags(flags) => Self::Flags(flags.names().map(str::to_owned).collect()),
            Type::Option(option) => match inner(&option.ty())? {
                Self::Option(_) => return Err(Unsupported("an option inside an option".into())),
                shape => Self::Option(Box::new(shape)),
            },
            Type::Result(result) => Self::Result(boxed(result.ok())?, boxed(result.err())?),
            Type::Own(_) | Type::Borrow(_) => return Err(Unsupported("a resource".into())),
            Type::Future(_) => return Err(Unsupported("a future".into())),
            Type::Stream(_) => return Err(Unsupported("a stream".into())),
            Type::Map(_) => return Err(Unsupported("a map".into())),
            Type::ErrorContext => return Err(Unsupported("an error context".into())),
            Type::FixedLengthList(_) => return Err(Unsupported("a list of fixed length".into())),
        })
    }

    fn record(
        record: &types::Record,
        texts: &Texts<'_>,
        names: &TypeNames<'_>,
    ) -> Result<Self, Unsupported> {
        let mut fields = Vec::new();
        for field in record.fields() {
            fields.push(FieldShape {
                wit: field.name.to_owned(),
                json: camel_case(field.name),
                docs: texts.item(field.name),
                shape: Self::of(&field.ty, names, None)?,
            });
        }
        Ok(Self::Record(RecordShape {
            docs: texts.whole(),
            fields,
        }))
    }

    fn variant(
        variant: &types::Variant,
        texts: &Texts<'_>,
        names: &TypeNames<'_>,
    ) -> Result<Self, Unsupported> {
        let mut cases = Vec::new();
        for case in variant.cases() {
            let payload = case.ty.map(|ty| Self::of(&ty, names, None)).transpose()?;
            cases.push(CaseShape {
                name: case.name.to_owned(),
                docs: texts.item(case.name),
                payload,
            });
        }
        Ok(Self::Variant(cases))
    }

    /// Describes the type in words, for error messages.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Bool => "true or false".into(),
            Self::Int(int) => {
                let (low, high) = int.range();
                format!("a whole number from {low} to {high}")
            }
            Self::Float32 | Self::Float64 => "a number".into(),
            Self::Char => "one character".into(),
            Self::String => "text".into(),
            Self::List(_) => "a list".into(),
            Self::Tuple(items) => format!("a list of exactly {}", items.len()),
            Self::Record(_) => "an object".into(),
            Self::Variant(_) => "an object with `case`".into(),
            Self::Enum(names) => format!("one of {}", quoted(names)),
            Self::Flags(names) => format!("a list of some of {}", quoted(names)),
            Self::Option(inner) => inner.describe(),
            Self::Result(..) => "an object with `ok` or `err`".into(),
        }
    }
}

fn quoted(names: &[String]) -> String {
    names
        .iter()
        .map(|name| format!("\"{name}\""))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Converts kebab case to camel case: `stale-days` to `staleDays`.
#[must_use]
pub fn camel_case(kebab: &str) -> String {
    let mut name = String::with_capacity(kebab.len());
    for (index, word) in kebab.split('-').enumerate() {
        let mut letters = word.chars();
        match (index, letters.next()) {
            (0, _) => name.push_str(&word.to_lowercase()),
            (_, Some(first)) => {
                name.extend(first.to_uppercase());
                name.push_str(&letters.as_str().to_lowercase());
            }
            (_, None) => {}
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_camel_case() {
        for (kebab, camel) in [
            ("id", "id"),
            ("stale-days", "staleDays"),
            ("URL-of-x", "urlOfX"),
            ("a1-b2", "a1B2"),
        ] {
            assert_eq!(camel_case(kebab), camel);
        }
    }
}
