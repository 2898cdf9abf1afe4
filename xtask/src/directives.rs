//! Reads the comment lines at the head of a trusted document: whose records it answers with, what
//! it does to which record, and what its variables may hold.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};

use crate::documents::Effect;

/// The directives of a document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Access {
    /// `# acts: VERB KIND $variable`: what a mutation does, and the variable with the record's id;
    /// a line for each record, the one that it is about first.
    pub(crate) acts: Vec<Acts>,
    /// `# refers: KIND $variable`: a record that what a mutation writes refers to, and the variable
    /// with its id; it may be left out.
    pub(crate) refers: Vec<Refers>,
    /// `# record: KIND /POINTER [owner=/POINTER|/POINTER] [stage=/POINTER] [email=/POINTER]
    /// [label=/POINTER]`: where an answer's records are. The owner is an e-mail address, or the id
    /// of a record with one; of several pointers the first counts whose parent is there.
    pub(crate) records: Vec<Record>,
    /// `# input: VARIABLE.PATH TYPE`: what an object among the variables may hold, by variable and
    /// path.
    pub(crate) inputs: BTreeMap<String, BTreeMap<String, String>>,
    /// `# values: VARIABLE VALUE VALUE ...`: all values that a variable may have.
    pub(crate) values: BTreeMap<String, Vec<String>>,
    /// `# length: VARIABLE 2..200`: fewest and most items of a list; of a text fewest letters and
    /// digits, and most characters.
    pub(crate) lengths: BTreeMap<String, String>,
    /// `# input: VARIABLE.* custom KIND`: objects that may also hold the custom fields that the
    /// operator names for a kind.
    pub(crate) custom: BTreeMap<String, String>,
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
    /// JSON pointers below the record, by the attribute that stands there.
    pub(crate) attributes: BTreeMap<String, String>,
}

/// The verbs of a mutation's effect on a record.
const VERBS: [&str; 4] = ["create", "link", "change", "delete"];
/// Types of variables that are no enums.
const SCALARS: [&str; 8] = [
    "String", "ID", "Int", "Float", "Boolean", "UUID", "DateTime", "Date",
];
/// The attributes of a record that access policies can ask about, and its label for people.
const ATTRIBUTES: [&str; 4] = ["owner", "stage", "email", "label"];

impl Access {
    /// Reads the comment lines that a document starts with.
    ///
    /// # Errors
    /// The first line that is not written as it has to be, and a mutation that does not say what it
    /// does.
    pub(crate) fn read(text: &str, effect: Effect, variables: &[(String, String)]) -> Result<Self> {
        let mut access = Self::default();
        let comments = text.lines().map_while(|line| line.strip_prefix('#'));
        for comment in comments.map(str::trim) {
            let Some((key, value)) = comment.split_once(':') else {
                continue;
            };
            let words: Vec<&str> = value.split_whitespace().collect();
            let read = match key {
                "acts" => access.acts(&words, variables),
                "refers" => access.refers(&words, variables),
                "record" => access.record(&words),
                "input" => access.input(&words, variables),
                "values" => access.values(&words, variables),
                "length" => access.length(&words, variables),
                _ => Ok(()),
            };
            read.with_context(|| format!("`# {comment}`"))?;
        }
        match (effect, access.acts.is_empty()) {
            (Effect::Mutation, true) => {
                bail!("a mutation says what it does: `# acts: VERB KIND $variable`")
            }
            (Effect::Query, false) => bail!("a query does nothing to a record: remove `# acts`"),
            (Effect::Query, true) if !access.refers.is_empty() => {
                bail!("a query does nothing to a record: remove `# refers`")
            }
            _ => {}
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
                "`${name}` is an enum: list its values (`# values: {name} A B`), or say how many it takes where the workspace has values of its own (`# length: {name} 1..100`)"
            );
        }
        Ok(access)
    }

    fn values(&mut self, words: &[&str], variables: &[(String, String)]) -> Result<()> {
        let [variable, values @ ..] = words else {
            bail!("write `# values: VARIABLE VALUE VALUE ...`");
        };
        declared(variable, variables)?;
        if values.is_empty() {
            bail!("it lists no value");
        }
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        if self.values.insert((*variable).to_owned(), values).is_some() {
            bail!("it is there twice");
        }
        Ok(())
    }

    fn length(&mut self, words: &[&str], variables: &[(String, String)]) -> Result<()> {
        let [variable, range] = words else {
            bail!("write `# length: VARIABLE 2..200`");
        };
        declared(variable, variables)?;
        let ends = range.split_once("..").and_then(|(least, most)| {
            Some((least.parse::<usize>().ok()?, most.parse::<usize>().ok()?))
        });
        if !ends.is_some_and(|(least, most)| least <= most && most > 0) {
            bail!("`{range}` is no range: write it as `2..200`");
        }
        if self
            .lengths
            .insert((*variable).to_owned(), (*range).to_owned())
            .is_some()
        {
            bail!("it is there twice");
        }
        Ok(())
    }

    fn acts(&mut self, words: &[&str], variables: &[(String, String)]) -> Result<()> {
        let [verb, kind, id] = words else {
            bail!("write `# acts: VERB KIND $variable`");
        };
        let Some(id) = id.strip_prefix('$') else {
            bail!("write the variable with its `$`");
        };
        if !VERBS.contains(verb) {
            bail!("`{verb}` is none of {}", VERBS.join(", "));
        }
        declared(id, variables)?;
        let acts = Acts {
            verb: (*verb).to_owned(),
            kind: (*kind).to_owned(),
            id: id.to_owned(),
        };
        if self.acts.contains(&acts) {
            bail!("it is there twice");
        }
        self.acts.push(acts);
        Ok(())
    }

    fn refers(&mut self, words: &[&str], variables: &[(String, String)]) -> Result<()> {
        let [kind, id] = words else {
            bail!("write `# refers: KIND $variable`");
        };
        let Some(id) = id.strip_prefix('$') else {
            bail!("write the variable with its `$`");
        };
        declared(id, variables)?;
        let refers = Refers {
            kind: (*kind).to_owned(),
            id: id.to_owned(),
        };
        if self.refers.contains(&refers) {
            bail!("it is there twice");
        }
        self.refers.push(refers);
        Ok(())
    }

    fn record(&mut self, words: &[&str]) -> Result<()> {
        let [kind, at, attributes @ ..] = words else {
            bail!(
                "write `# record: KIND /POINTER [owner=/POINTER] [stage=/POINTER] [email=/POINTER] [label=/POINTER]`"
            );
        };
        let mut record = Record {
            kind: (*kind).to_owned(),
            at: pointer(at)?,
            attributes: BTreeMap::new(),
        };
        for attribute in attributes {
            let Some((name, at)) = attribute.split_once('=') else {
                bail!("`{attribute}` has no `=`");
            };
            if !ATTRIBUTES.contains(&name) {
                bail!("`{name}` is none of {}", ATTRIBUTES.join(", "));
            }
            for one in at.split('|') {
                pointer(one)?;
            }
            record.attributes.insert(name.to_owned(), at.to_owned());
        }
        self.records.push(record);
        Ok(())
    }

    fn input(&mut self, words: &[&str], variables: &[(String, String)]) -> Result<()> {
        let Some((path, rest)) = words.split_first() else {
            bail!("write `# input: VARIABLE.PATH TYPE`");
        };
        let Some((variable, path)) = path.split_once('.') else {
            bail!("`{path}` has no path below its variable");
        };
        declared(variable, variables)?;
        match (path, rest) {
            ("*", ["custom", kind]) => {
                self.custom.insert(variable.to_owned(), (*kind).to_owned());
            }
            (path, [ty]) if path != "*" => {
                let paths = self.inputs.entry(variable.to_owned()).or_default();
                if paths.insert(path.to_owned(), (*ty).to_owned()).is_some() {
                    bail!("it is there twice");
                }
            }
            _ => bail!("write `# input: VARIABLE.PATH TYPE` or `# input: VARIABLE.* custom KIND`"),
        }
        Ok(())
    }
}

fn declared(path: &str, variables: &[(String, String)]) -> Result<()> {
    let name = path.split('.').next().unwrap_or(path);
    if variables.iter().any(|(known, _)| known == name) {
        return Ok(());
    }
    bail!("the operation declares no variable `${name}`")
}

fn pointer(text: &str) -> Result<String> {
    if text.starts_with('/') {
        return Ok(text.to_owned());
    }
    bail!("`{text}` is no JSON pointer: it starts with `/`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables() -> Vec<(String, String)> {
        [("id", "UUID!"), ("data", "ItemInput!")]
            .map(|(name, ty)| (name.to_owned(), ty.to_owned()))
            .to_vec()
    }

    #[test]
    fn directives_declare_acts_and_records() {
        let text = "# Changes an item.\n# acts: change item $id\n# refers: shop $data.shopId\n# input: data.name String\n# input: data.price.micros Float\n# input: data.* custom item\nmutation M {}\n# acts: delete item $id\n";
        let access = Access::read(text, Effect::Mutation, &variables()).unwrap();
        let acts = &access.acts[0];
        assert_eq!(
            (acts.verb.as_str(), acts.kind.as_str(), acts.id.as_str()),
            ("change", "item", "id")
        );
        let refers = &access.refers[0];
        assert_eq!(
            (refers.kind.as_str(), refers.id.as_str()),
            ("shop", "data.shopId")
        );
        assert_eq!(access.inputs["data"]["price.micros"], "Float");
        assert_eq!(access.custom["data"], "item");
        let text = "# values: data A B\n# length: id 2..200\nquery Q {}\n";
        let access = Access::read(text, Effect::Query, &variables()).unwrap();
        assert_eq!(access.values["data"], ["A", "B"]);
        assert_eq!(access.lengths["id"], "2..200");
        let text = "# record: item /items/*/node owner=/owner/email stage=/stage label=/name\nquery Q {}\n";
        let access = Access::read(text, Effect::Query, &[]).unwrap();
        assert_eq!(access.records[0].at, "/items/*/node");
        assert_eq!(access.records[0].attributes["owner"], "/owner/email");
        assert_eq!(access.records[0].attributes["label"], "/name");
    }

    #[test]
    fn malformed_directive_names_its_line() {
        for (effect, text, expected) in [
            (Effect::Mutation, "# Only words.", "says what it does"),
            (Effect::Query, "# acts: create item $id", "does nothing"),
            (Effect::Mutation, "# acts: eat item $id", "none of create"),
            (Effect::Mutation, "# acts: create item id", "with its `$`"),
            (
                Effect::Mutation,
                "# acts: create item $other",
                "no variable `$other`",
            ),
            (
                Effect::Mutation,
                "# acts: create item $id\n# acts: create item $id",
                "twice",
            ),
            (Effect::Query, "# refers: item $id", "does nothing"),
            (
                Effect::Mutation,
                "# acts: create item $id\n# refers: shop $other",
                "no variable `$other`",
            ),
            (Effect::Query, "# values: id", "no value"),
            (Effect::Query, "# values: other a", "no variable `$other`"),
            (Effect::Query, "# values: id a\n# values: id b", "twice"),
            (Effect::Query, "# length: id", "write `# length"),
            (Effect::Query, "# length: id 5", "no range"),
            (Effect::Query, "# length: id 5..2", "no range"),
            (Effect::Query, "# Only words.", "`$data` is an enum"),
            (Effect::Query, "# record: item items", "no JSON pointer"),
            (
                Effect::Query,
                "# record: item /items owner=/a|b",
                "no JSON pointer",
            ),
            (
                Effect::Query,
                "# record: item /items colour=/c",
                "none of owner",
            ),
            (Effect::Query, "# input: data String", "no path"),
            (
                Effect::Query,
                "# input: data.a String\n# input: data.a Int",
                "twice",
            ),
            (Effect::Query, "# input: data.* String", "custom KIND"),
        ] {
            let error = format!(
                "{:#}",
                Access::read(text, effect, &variables()).unwrap_err()
            );
            assert!(error.contains(expected), "{text:?}: {error}");
        }
    }
}
