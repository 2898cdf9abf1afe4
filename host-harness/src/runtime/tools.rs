//! Derives the tools of a component: one for each function of its `read` and `propose` interfaces.

use serde_json::{Map, Value};
use thiserror::Error;
use wasmtime::Engine;
use wasmtime::component::Component;
use wasmtime::component::types::{
    ComponentExtern, ComponentFunc, ComponentInstance, ComponentItem,
};

use component_json::docs::Docs;
use component_json::schema;
use component_json::shape::{RecordShape, Shape, TypeNames, Unsupported};

/// Name of the interface whose functions only read.
pub const READ: &str = "read";
/// Name of the interface whose functions propose plans.
pub const PROPOSE: &str = "propose";

/// An action of a skill.
#[derive(Debug, Clone)]
pub struct Tool {
    /// Name: package and function, such as `notes_find_all`.
    pub name: String,
    /// Description, from the skill's WIT docs.
    pub description: String,
    /// Effect on the services, given by the interface that holds the function.
    pub effect: ToolEffect,
    /// Full name of the interface that holds the function.
    pub interface: String,
    /// The function's name in WIT.
    pub function: String,
    /// Type of the arguments; `None` if it takes none.
    pub input: Option<RecordShape>,
    /// Type of the answer.
    pub output: Option<Shape>,
    /// Type of the failure.
    pub failure: Option<Shape>,
}

/// Effect of an action on the services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToolEffect {
    /// Reads only.
    Read,
    /// Proposes a plan, which the host performs once it is approved.
    Propose,
}

impl ToolEffect {
    /// Returns the effect's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Propose => "propose",
        }
    }

    /// Returns the action group that access policies use for this effect.
    #[must_use]
    pub const fn group(self) -> &'static str {
        match self {
            Self::Read => "reads",
            Self::Propose => "proposes",
        }
    }

    /// Returns the effect of an interface's functions, by the interface's short name.
    pub(super) fn of_interface(short: &str) -> Option<Self> {
        match short {
            READ => Some(Self::Read),
            PROPOSE => Some(Self::Propose),
            _ => None,
        }
    }
}

impl Tool {
    /// Returns the JSON Schema of the arguments.
    #[must_use]
    pub fn input_schema(&self) -> Value {
        schema::arguments(self.input.as_ref())
    }

    /// Returns the JSON Schema of the arguments, shortened for a model. Arguments are validated
    /// against the full schema.
    #[must_use]
    pub fn brief_schema(&self) -> Map<String, Value> {
        let mut schema = match self.input_schema() {
            Value::Object(schema) => schema,
            _ => Map::new(),
        };
        super::slim::slim(&mut schema);
        schema
    }

    /// Returns the JSON Schema of the component's answer; null if there is none.
    #[must_use]
    pub fn output_schema(&self) -> Value {
        self.output.as_ref().map_or(Value::Null, schema)
    }
}

/// A function that cannot be a tool.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ToolError {
    /// The parameters or the result do not have the required form.
    #[error(
        "the function `{function}` must take nothing or one record, and return a result with a failure: {found}"
    )]
    Form {
        /// The function.
        function: String,
        /// The form that was found.
        found: String,
    },
    /// A type that JSON cannot represent.
    #[error("the function `{function}`: {source}")]
    Unsupported {
        /// The function.
        function: String,
        /// The type.
        source: Unsupported,
    },
}

/// An interface of a component: its full name and its type.
pub(super) struct Interface<'a> {
    pub(super) name: &'a str,
    pub(super) instance: ComponentInstance,
}

/// A function's parameters and result, as read from the component.
pub(super) struct Signature {
    pub(super) params: Vec<Shape>,
    pub(super) result: Shape,
}

pub(super) fn signature(
    engine: &Engine,
    interface: &Interface<'_>,
    imported: &[Interface<'_>],
    docs: &Docs,
    function: &str,
) -> Result<Option<Signature>, ToolError> {
    let known = std::iter::once(interface)
        .chain(imported)
        .map(|known| (known.name, &known.instance));
    let names = TypeNames::new(engine, known, docs);
    let unsupported = |source| ToolError::Unsupported {
        function: function.to_owned(),
        source,
    };
    for (name, item) in interface.instance.exports(engine) {
        let ComponentItem::ComponentFunc(ty) = item.ty else {
            continue;
        };
        if name != function {
            continue;
        }
        let params = ty
            .params()
            .map(|(_, param)| Shape::of(&param, &names, None))
            .collect::<Result<_, _>>()
            .map_err(unsupported)?;
        let Some(result) = ty.results().next() else {
            return Ok(None);
        };
        let result = Shape::of(&result, &names, None).map_err(unsupported)?;
        return Ok(Some(Signature { params, result }));
    }
    Ok(None)
}

/// Returns the tools of an interface, in the order of their definition.
pub(super) fn tools(
    engine: &Engine,
    package: &str,
    effect: ToolEffect,
    interface: &Interface<'_>,
    imported: &[Interface<'_>],
    docs: &Docs,
) -> Result<Vec<Tool>, ToolError> {
    // A type that the interface does not name itself comes from an interface that it uses, which is
    // then imported.
    let known = std::iter::once(interface)
        .chain(imported)
        .map(|known| (known.name, &known.instance));
    let names = TypeNames::new(engine, known, docs);
    let prefix = package
        .rsplit(':')
        .next()
        .unwrap_or(package)
        .replace('-', "_");
    let mut tools = Vec::new();
    for (function, item) in interface.instance.exports(engine) {
        if let ComponentItem::ComponentFunc(ty) = item.ty {
            let name = format!("{prefix}_{}", function.replace('-', "_"));
            let description = docs.function(interface.name, function).unwrap_or_default();
            let mut tool = tool(name, description, function, &ty, &names)?;
            interface.name.clone_into(&mut tool.interface);
            tool.effect = effect;
            tools.push(tool);
        }
    }
    Ok(tools)
}

fn tool(
    name: String,
    description: String,
    function: &str,
    ty: &ComponentFunc,
    names: &TypeNames<'_>,
) -> Result<Tool, ToolError> {
    let form = |found: &str| ToolError::Form {
        function: function.to_owned(),
        found: found.to_owned(),
    };
    let unsupported = |source| ToolError::Unsupported {
        function: function.to_owned(),
        source,
    };
    if ty.async_() {
        return Err(form("it is async"));
    }
    let mut params = ty.params();
    let input = match (params.next(), params.next()) {
        (None, _) => None,
        (Some((_, param)), None) => {
            let hint = format!("{function}-request");
            match Shape::of(&param, names, Some(&hint)).map_err(unsupported)? {
                Shape::Record(record) => Some(record),
                _ => return Err(form("its parameter is no record")),
            }
        }
        (Some(_), Some(_)) => return Err(form("it takes several parameters")),
    };
    let mut results = ty.results();
    let (Some(result), None) = (results.next(), results.next()) else {
        return Err(form("it returns nothing"));
    };
    let Shape::Result(output, failure) = Shape::of(&result, names, None).map_err(unsupported)?
    else {
        return Err(form("it does not return a result"));
    };
    let Some(failure) = failure else {
        return Err(form("its result has no failure"));
    };
    Ok(Tool {
        name,
        description,
        effect: ToolEffect::Read,
        interface: String::new(),
        function: function.to_owned(),
        input,
        output: output.map(|shape| *shape),
        failure: Some(*failure),
    })
}

/// Returns the instances among a component's imports or exports.
pub(super) fn instances<'a>(
    items: impl Iterator<Item = (&'a str, ComponentExtern<'a>)>,
) -> Vec<Interface<'a>> {
    let instance = |(name, item): (&'a str, ComponentExtern<'a>)| match item.ty {
        ComponentItem::ComponentInstance(instance) => Some(Interface { name, instance }),
        _ => None,
    };
    items.filter_map(instance).collect()
}

/// Returns the names of an interface's functions.
pub(super) fn functions(engine: &Engine, interface: &Interface<'_>) -> Vec<String> {
    let functions = interface
        .instance
        .exports(engine)
        .filter_map(|(name, item)| match item.ty {
            ComponentItem::ComponentFunc(_) => Some(name.to_owned()),
            _ => None,
        });
    functions.collect()
}

/// Returns the export index of an interface's function.
pub(super) fn export_index(
    component: &Component,
    interface: &str,
    function: &str,
) -> Option<wasmtime::component::ComponentExportIndex> {
    let instance = component.get_export_index(None, interface)?;
    component.get_export_index(Some(&instance), function)
}
