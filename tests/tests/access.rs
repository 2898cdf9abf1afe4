//! Decisions of the shipped policies: role by owner by team by action, with the policies that
//! decide. The table is data.

use crm_harness::Caller;
use crm_harness::access::{Access, AccessRequest, Approval, Audience};
use crm_harness::config::Manifest;
use crm_harness::observed::{Attributes, Owner, RecordKey};
use crm_tests::{TestEnv, root};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AccessTable {
    people: Vec<Person>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Person {
    name: String,
    role: Option<String>,
    teams: Vec<String>,
}

impl Person {
    fn caller(&self) -> Caller {
        Caller {
            id: Some(self.name.clone()),
            email: Some(email(&self.name)),
            role: self.role.clone(),
            teams: self.teams.clone(),
            ..Caller::default()
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    who: String,
    deed: String,
    /// A person's name, `nobody`, or `unknown`.
    #[serde(default = "unknown")]
    owner: String,
    /// The fields that it sets.
    #[serde(default)]
    fields: Vec<String>,
    #[serde(default = "opportunity")]
    kind: String,
    #[serde(default)]
    new: bool,
    #[serde(default)]
    undo: bool,
    /// For `approve`: who proposed the plan.
    proposer: Option<String>,
    /// For what is sent or given away: whether it leaves the team, and whether the operator lists
    /// who gets it.
    #[serde(default)]
    outside: bool,
    #[serde(default)]
    listed: bool,
    /// The policies that permit it; none for denied.
    by: Vec<String>,
    /// The policies that forbid it.
    #[serde(default)]
    forbidden: Vec<String>,
}

impl Case {
    fn audience(&self) -> Audience<'_> {
        Audience {
            recipients: &[],
            group: false,
            outside: self.outside,
            listed: self.listed,
        }
    }
}

fn unknown() -> String {
    "unknown".to_owned()
}

fn opportunity() -> String {
    "opportunity".to_owned()
}

fn email(name: &str) -> String {
    format!("{name}@example.com")
}

#[test]
fn the_shipped_policies_decide_as_the_table_says() {
    let text = std::fs::read_to_string(root().join("tests/data/access.json")).unwrap();
    let table: AccessTable = serde_json::from_str(&text).unwrap();
    let manifest = Manifest::read(&root().join("manifests/skill.toml")).unwrap();
    let people: Vec<Caller> = table.people.iter().map(Person::caller).collect();
    let access = Access::new(manifest.access.as_ref(), &people, "").unwrap();
    for case in &table.cases {
        let label = format!("{} {} of {}", case.who, case.deed, case.owner);
        let caller = people
            .iter()
            .find(|caller| caller.id.as_deref() == Some(&case.who))
            .unwrap_or_else(|| panic!("{label}: nobody of that name"));
        let record = RecordKey {
            kind: case.kind.clone(),
            id: "1".into(),
        };
        let attributes = Attributes {
            owner: match case.owner.as_str() {
                "unknown" => Owner::Unknown,
                "nobody" => Owner::None,
                name => Owner::Member(email(name)),
            },
            stage: None,
        };
        let proposer = case.proposer.as_deref().map(email).unwrap_or_default();
        let deed = match case.deed.as_str() {
            "approve" => AccessRequest::Approve {
                plan: "p",
                proposer: &proposer,
            },
            "create" | "link" | "change" | "delete" => AccessRequest::Write {
                verb: &case.deed,
                record: &record,
                attributes: &attributes,
                new: case.new,
                undo: case.undo,
                fields: &case.fields,
            },
            "message" | "email" | "log" => AccessRequest::Send {
                act: &case.deed,
                service: "any",
                audience: case.audience(),
            },
            "disclose" | "expand" => AccessRequest::Give {
                verb: &case.deed,
                record: &record,
                attributes: &attributes,
                new: case.new,
                fields: &case.fields,
                audience: case.audience(),
            },
            tool => AccessRequest::Act {
                tool,
                group: "reads",
            },
        };
        let ruling = access.decide(caller, deed);
        let decided = if case.by.is_empty() {
            &case.forbidden
        } else {
            &case.by
        };
        assert_eq!(ruling.policies, *decided, "{label}: {ruling:?}");
        assert_eq!(ruling.permitted, !case.by.is_empty(), "{label}: {ruling:?}");
        assert_eq!(
            ruling.approval,
            Approval::Required,
            "{label}: nothing is approved by itself"
        );
    }
    println!("{} cases", table.cases.len());
    assert!(table.cases.len() > 60);
}

#[tokio::test]
async fn schema_lists_exactly_the_actions() {
    let env = TestEnv::new().await;
    let schema =
        std::fs::read_to_string(root().join("manifests/access/schema.cedarschema")).unwrap();
    for tool in env.harness.tools() {
        assert!(
            schema.contains(&tool.name),
            "{} is missing in the schema",
            tool.name
        );
    }
    let named = schema.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    for name in named.filter(|word| word.starts_with("crm_")) {
        assert!(
            env.harness.tools().iter().any(|tool| tool.name == name),
            "the schema names {name}, which the component does not offer"
        );
    }
}
