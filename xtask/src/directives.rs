//! Reads what the directives of a trusted document tell the host: whose records it answers with,
//! what it does to which record, and what its variables may hold. The schema of the directives,
//! skill/graphql/directives.graphql, says what each means; what a schema cannot check is checked
//! here.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use trusted_documents::Directive;

use crate::documents::Effect;

/// The meaning of a document's directives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Access {
    /// `@acts`: what a mutation does, the record first that it is about.
    pub(crate) acts: Vec<Acts>,
    /// `@refers`: records that what a mutation writes refers to.
    pub(crate) refers: Vec<Refers>,
    /// `@record`: where an answer's records are.
    pub(crate) records: Vec<Record>,
    /// `@input`: types of what an object among the variables may hold, by variable and path.
    pub(crate) inputs: BTreeMap<String, BTreeMap<String, String>>,
    /// `@values`: all values that a variable may have.
    pub(crate) values: BTreeMap<String, Vec<String>>,
    /// `@length`: ranges such as `2..200`, by variable.
    pub(crate) lengths: BTreeMap<String, String>,
    /// `@customFields`: the kinds whose custom fields an object may hold as well, by variable.
    pub(crate) custom: BTreeMap<String, String>,
    /// `@destination`: the path of the route, if it is not the usual one.
    pub(crate) destination: Option<String>,
    /// `@cacheable`: for how many seconds the host may answer it from memory; 0 is not at all.
    pub(crate) cacheable_seconds: u32,
}

/// The effect of a mutation on a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Acts {
    pub(crate) verb: String,
    pub(crate) kind: String,
    /// A path in the variables, such as `id` or `data.id`.
    pub(crate) id: String,
}

/// A record that a mutation refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refers {
    pub(crate) kind: String,
    /// A path in the variables, such as `data.companyId`.
    pub(crate) id: String,
}

/// Records of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) kind: String,
    /// A JSON pointer below `data`; `*` is every item.
    pub(crate) at: String,
    /// JSON pointers below the record, by the attribute that stands there; of several with `|`
    /// between them the first counts whose parent is there.
    pub(crate) attributes: BTreeMap<String, String>,
}

/// Types of variables that are no enums.
const SCALARS: [&str; 8] = [
    "String", "ID", "Int", "Float", "Boolean", "UUID", "DateTime", "Date",
];
/// The attributes of a record that access policies can ask about, and its label for people.
const ATTRIBUTES: [&str; 4] = ["owner", "stage", "email", "label"];

impl Access {
    /// Reads the directives of a document.
    ///
    /// # Errors
    /// The first directive that says what cannot be, and a mutation that does not say what it does.
    pub(crate) fn read(
        directives: &[Directive],
        effect: Effect,
        variables: &[(String, String)],
    ) -> Result<Self> {
        let mut access = Self::default();
        for directive in directives {
            access
                .add(directive, variables)
                .with_context(|| format!("line {}: `{}`", directive.line(), directive.written()))?;
        }
        if effect == Effect::Mutation && access.acts.is_empty() {
            bail!(
                "a mutation says what it does: `@acts(verb: VERB, kind: KIND, id: \"VARIABLE\")`"
            );
        }
        // The gate cannot know the words of a workspace's own enum: how many of them leave is
        // bounded at least.
        let open = variables.iter().find(|(name, ty)| {
            let named = ty.trim_matches(['[', ']', '!']);
            effect == Effect::Query
                && !SCALARS.contains(&named)
                && !access.values.contains_key(name)
                && !access.lengths.contains_key(name)
        });
        if let Some((name, _)) = open {
            bail!(
                "`${name}` is an enum: list its values (`@values(only: [\"A\", \"B\"])`), or say how many it takes where the workspace has values of its own (`@length(least: 1, most: 100)`)"
            );
        }
        Ok(access)
    }

    fn add(&mut self, directive: &Directive, variables: &[(String, String)]) -> Result<()> {
        match directive.name() {
            "acts" => self.acts(directive, variables),
            "refers" => self.refers(directive, variables),
            "record" => self.record(directive),
            "input" => self.input(directive),
            "customFields" => {
                let kind = text(directive, "kind")?.to_owned();
                self.custom.insert(variable(directive)?, kind);
                Ok(())
            }
            "values" => self.values(directive),
            "length" => self.length(directive),
            "destination" => {
                let path = text(directive, "path")?;
                if !path.starts_with('/') {
                    bail!("`{path}` is no path: it starts with `/`");
                }
                self.destination = Some(path.to_owned());
                Ok(())
            }
            "cacheable" => {
                let seconds = number(directive, "seconds")?;
                self.cacheable_seconds = u32::try_from(seconds)
                    .with_context(|| format!("write 0 to {} seconds", u32::MAX))?;
                Ok(())
            }
            // It is in the text.
            "field" => Ok(()),
            _ => bail!("nothing is made of it: read it in xtask/src/directives.rs, or remove it"),
        }
    }

    fn values(&mut self, directive: &Directive) -> Result<()> {
        let values = directive.texts("only").unwrap_or_default();
        if values.is_empty() {
            bail!("it lists no value");
        }
        let values = values.into_iter().map(str::to_owned).collect();
        self.values.insert(variable(directive)?, values);
        Ok(())
    }

    fn length(&mut self, directive: &Directive) -> Result<()> {
        let (least, most) = (number(directive, "least")?, number(directive, "most")?);
        if least < 0 || most < 1 || least > most {
            bail!("{least} to {most} is no range: `least` is 0 or more, and `most` not below it");
        }
        let range = format!("{least}..{most}");
        self.lengths.insert(variable(directive)?, range);
        Ok(())
    }

    fn acts(&mut self, directive: &Directive, variables: &[(String, String)]) -> Result<()> {
        let acts = Acts {
            verb: text(directive, "verb")?.to_owned(),
            kind: text(directive, "kind")?.to_owned(),
            id: id(directive, variables)?,
        };
        if self.acts.contains(&acts) {
            bail!("it is there twice");
        }
        self.acts.push(acts);
        Ok(())
    }

    fn refers(&mut self, directive: &Directive, variables: &[(String, String)]) -> Result<()> {
        let refers = Refers {
            kind: text(directive, "kind")?.to_owned(),
            id: id(directive, variables)?,
        };
        if self.refers.contains(&refers) {
            bail!("it is there twice");
        }
        self.refers.push(refers);
        Ok(())
    }

    fn record(&mut self, directive: &Directive) -> Result<()> {
        let mut attributes = BTreeMap::new();
        for name in ATTRIBUTES {
            let Some(pointers) = directive.texts(name) else {
                continue;
            };
            if pointers.is_empty() {
                bail!("`{name}` lists no JSON pointer: remove it");
            }
            for pointer in &pointers {
                check_pointer(pointer)?;
            }
            attributes.insert(name.to_owned(), pointers.join("|"));
        }
        let at = text(directive, "at")?;
        check_pointer(at)?;
        self.records.push(Record {
            kind: text(directive, "kind")?.to_owned(),
            at: at.to_owned(),
            attributes,
        });
        Ok(())
    }

    fn input(&mut self, directive: &Directive) -> Result<()> {
        let path = text(directive, "path")?;
        if path.split('.').any(|name| !is_name(name)) {
            bail!(
                "`{path}` is no path: write names with dots between them, such as `amount.currencyCode`"
            );
        }
        let ty = text(directive, "type")?;
        let paths = self.inputs.entry(variable(directive)?).or_default();
        if paths.insert(path.to_owned(), ty.to_owned()).is_some() {
            bail!("`{path}` is there twice");
        }
        Ok(())
    }
}

/// A text that the schema of the directives requires.
fn text<'d>(directive: &'d Directive, argument: &str) -> Result<&'d str> {
    let text = directive.text(argument);
    text.with_context(|| format!("give `{argument}`, and require it in directives.graphql"))
}

/// A number that the schema of the directives requires.
fn number(directive: &Directive, argument: &str) -> Result<i64> {
    let number = directive.number(argument);
    number.with_context(|| format!("give `{argument}`, and require it in directives.graphql"))
}

/// The variable that a directive stands on.
fn variable(directive: &Directive) -> Result<String> {
    let variable = directive.variable().map(str::to_owned);
    variable.context("write it on a variable, and declare it for VARIABLE_DEFINITION alone")
}

/// The place of a record's id in declared variables.
fn id(directive: &Directive, variables: &[(String, String)]) -> Result<String> {
    let path = text(directive, "id")?;
    let mut names = path.split('.');
    let name = names.next().unwrap_or(path);
    if path.starts_with('$') {
        bail!("write the variable `{path}` without its `$`");
    }
    if !variables.iter().any(|(known, _)| known == name) {
        bail!("the operation declares no variable `${name}`");
    }
    if !names.all(is_name) {
        bail!("`{path}` is no path: write names with dots between them, such as `data.id`");
    }
    Ok(path.to_owned())
}

fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic())
        && bytes.all(|byte| byte.is_ascii_alphanumeric())
}

fn check_pointer(text: &str) -> Result<()> {
    if !text.starts_with('/') {
        bail!("`{text}` is no JSON pointer: it starts with `/`");
    }
    if text.contains('|') {
        bail!("write several JSON pointers as a list instead of `{text}`");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use trusted_documents::Schema;

    use super::*;
    use crate::documents;

    /// Reads a document by the schema that is in use.
    fn read(source: &str) -> Result<Access> {
        let schema = Schema::read(include_str!("../../skill/graphql/directives.graphql"))?;
        let document = schema.document(source)?;
        let (effect, variables, _) = documents::operation(&document.text)?;
        Access::read(&document.directives, effect, &variables)
    }

    #[test]
    fn directives_declare_acts_and_records() {
        let source = "# Changes a task.
mutation M(
  $id: UUID!
  $data: TaskInput!
    @input(path: \"name\", type: String)
    @input(path: \"price.micros\", type: Float)
    @customFields(kind: task)
)
  @acts(verb: change, kind: task, id: \"id\")
  @refers(kind: company, id: \"data.companyId\")
{ m }
";
        let access = read(source).unwrap();
        let [acts] = access.acts.as_slice() else {
            panic!("{:?}", access.acts)
        };
        assert_eq!(
            (acts.verb.as_str(), acts.kind.as_str(), acts.id.as_str()),
            ("change", "task", "id")
        );
        let refers = &access.refers[0];
        assert_eq!(
            (refers.kind.as_str(), refers.id.as_str()),
            ("company", "data.companyId")
        );
        assert_eq!(access.inputs["data"]["name"], "String");
        assert_eq!(access.inputs["data"]["price.micros"], "Float");
        assert_eq!(access.custom["data"], "task");
        let source = "query Q($data: Mood! @values(only: [\"A\", \"B\"]), $id: ID! @length(least: 2, most: 200)) { q }";
        let access = read(source).unwrap();
        assert_eq!(access.values["data"], ["A", "B"]);
        assert_eq!(access.lengths["id"], "2..200");
        let source = "query Q @record(kind: task, at: \"/items/*/node\", owner: [\"/owner/email\", \"/id\"], stage: \"/stage\", label: \"/name\") { q }";
        let access = read(source).unwrap();
        assert_eq!(access.records[0].at, "/items/*/node");
        assert_eq!(access.records[0].attributes["owner"], "/owner/email|/id");
        assert_eq!(access.records[0].attributes["stage"], "/stage");
        assert_eq!(access.records[0].attributes["label"], "/name");
        let source = "query Q @destination(path: \"/metadata\") @cacheable(seconds: 300) { q }";
        let access = read(source).unwrap();
        assert_eq!(access.destination.as_deref(), Some("/metadata"));
        assert_eq!(access.cacheable_seconds, 300);
    }

    #[test]
    fn malformed_directive_names_its_line() {
        let mutation = "mutation M($id: UUID!, $data: ItemInput! VARIABLE)\nOPERATION { m }";
        let query = "query Q($id: UUID! VARIABLE, $data: UUID!)\nOPERATION { q }";
        for (form, variable, operation, expected) in [
            (mutation, "", "", "says what it does"),
            (
                query,
                "",
                "@acts(verb: create, kind: task, id: \"id\")",
                "line 2: `@acts` cannot stand on a QUERY",
            ),
            (
                mutation,
                "",
                "@acts(verb: eat, kind: task, id: \"id\")",
                "one of create",
            ),
            (
                mutation,
                "",
                "@acts(verb: create, kind: item, id: \"id\")",
                "one of company",
            ),
            (
                mutation,
                "",
                "@acts(verb: create, kind: task, id: \"$id\")",
                "without its `$`",
            ),
            (
                mutation,
                "",
                "@acts(verb: create, kind: task, id: $id)",
                "a text in quotation marks",
            ),
            (
                mutation,
                "",
                "@acts(verb: create, kind: task, id: \"other\")",
                "line 2: `@acts(verb: create, kind: task, id: \"other\")`: the operation declares no variable `$other`",
            ),
            (
                mutation,
                "",
                "@acts(verb: create, kind: task, id: \"data.\")",
                "no path",
            ),
            (
                mutation,
                "",
                "@acts(verb: create, kind: task, id: \"id\") @acts(verb: create, kind: task, id: \"id\")",
                "twice",
            ),
            (
                query,
                "",
                "@refers(kind: task, id: \"id\")",
                "cannot stand on a QUERY",
            ),
            (
                mutation,
                "",
                "@acts(verb: create, kind: task, id: \"id\") @refers(kind: task, id: \"other\")",
                "no variable `$other`",
            ),
            (
                mutation,
                "",
                "@refers(kind: task, id: \"id\") @refers(kind: task, id: \"id\")",
                "twice",
            ),
            (query, "@values(only: [])", "", "no value"),
            (query, "@values", "", "needs `only`"),
            (query, "", "@values(only: \"a\")", "cannot stand on a QUERY"),
            (
                query,
                "@values(only: \"a\") @values(only: \"b\")",
                "",
                "twice",
            ),
            (query, "@length", "", "needs `least`"),
            (query, "@length(least: 5)", "", "needs `most`"),
            (query, "@length(least: 5, most: 2)", "", "no range"),
            (query, "@length(least: 0, most: 0)", "", "no range"),
            (query, "@length(least: -1, most: 2)", "", "no range"),
            (
                query,
                "@length(least: 1, most: 2) @length(least: 1, most: 2)",
                "",
                "twice",
            ),
            (
                "query Q($data: ItemInput! VARIABLE)\nOPERATION { q }",
                "",
                "",
                "`$data` is an enum",
            ),
            (
                query,
                "",
                "@record(kind: task, at: \"items\")",
                "line 2: `@record(kind: task, at: \"items\")`: `items` is no JSON pointer",
            ),
            (
                query,
                "",
                "@record(kind: task, at: \"/items\", owner: [\"/a\", \"b\"])",
                "no JSON pointer",
            ),
            (
                query,
                "",
                "@record(kind: task, at: \"/items\", owner: \"/a|/b\")",
                "as a list",
            ),
            (
                query,
                "",
                "@record(kind: task, at: \"/items\", owner: [])",
                "lists no JSON pointer",
            ),
            (
                query,
                "",
                "@record(kind: task, at: \"/items\", colour: \"/c\")",
                "no argument `colour`: it takes `kind`, `at`, `owner`",
            ),
            (mutation, "@input(type: String)", "", "needs `path`"),
            (
                mutation,
                "@input(path: \"a\", type: String) @input(path: \"a\", type: Int)",
                "",
                "twice",
            ),
            (mutation, "@input(path: \"*\", type: String)", "", "no path"),
            (
                mutation,
                "@input(path: \"a\", type: Colour)",
                "",
                "one of Boolean",
            ),
            (
                mutation,
                "@customFields(kind: task) @customFields(kind: task)",
                "",
                "twice",
            ),
            (query, "", "@destination(path: \"metadata\")", "no path"),
            (query, "", "@cacheable(seconds: -1)", "write 0 to"),
        ] {
            let source = form
                .replace("VARIABLE", variable)
                .replace("OPERATION", operation);
            let error = format!("{:#}", read(&source).unwrap_err());
            assert!(error.contains(expected), "{source:?}: {error}");
        }
    }

    #[test]
    fn directive_without_a_reader_is_an_error() {
        let schema = Schema::read("directive @mood on QUERY").unwrap();
        let document = schema.document("query Q @mood { q }").unwrap();
        let error = Access::read(&document.directives, Effect::Query, &[]).unwrap_err();
        let error = format!("{error:#}");
        assert!(error.contains("line 1: `@mood`: nothing"), "{error}");
    }
}
