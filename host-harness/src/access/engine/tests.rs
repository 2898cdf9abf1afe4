//! Tests of the policy engine.

use super::*;

const SCHEMA: &str = r#"
entity Team;
entity Member in [Team] = { role: String, teams: Set<Team> };
entity Skill;
entity Record = { kind: String, owned: Bool, owner?: Member, stage?: String, new: Bool };
entity Plan = { proposer: Member };
action reads;
action demo_find in [reads] appliesTo { principal: [Member], resource: [Skill] };
action change appliesTo { principal: [Member], resource: [Record], context: { fields: Set<String>, undo: Bool } };
action approve appliesTo { principal: [Member], resource: [Plan] };
"#;

const POLICIES: &str = r#"
@id("own") @approval("auto")
permit (principal, action == Action::"change", resource) when { resource has owner && resource.owner == principal };
@id("team")
permit (principal, action == Action::"change", resource) when { resource has owner && resource.owner in principal.teams };
@id("no-prices")
forbid (principal, action == Action::"change", resource) when { context.fields.contains("price") };
"#;

fn caller(email: &str, teams: &[&str]) -> Caller {
    Caller {
        email: Some(email.to_owned()),
        teams: teams.iter().map(|team| (*team).to_owned()).collect(),
        ..Caller::default()
    }
}

fn access(policies: &str) -> Result<Access, AccessError> {
    let texts = PolicyTexts {
        schema: SCHEMA.into(),
        schema_path: "schema".into(),
        policies: policies.into(),
        policies_path: "policies".into(),
    };
    let people = [
        caller("robin@example.com", &["north"]),
        caller("kim@example.com", &["north"]),
    ];
    Access::new(Some(&texts), &people, "")
}

fn owned_by(email: &str) -> Owner {
    Owner::Member(email.to_owned())
}

fn change(who: &Caller, owner: Owner, fields: &[&str]) -> Decision {
    let attributes = Attributes { owner, stage: None };
    let record = RecordKey {
        kind: "item".into(),
        id: "1".into(),
    };
    let fields: Vec<_> = fields.iter().map(|field| (*field).to_owned()).collect();
    let deed = AccessRequest::Write {
        verb: "change",
        record: &record,
        attributes: &attributes,
        new: false,
        undo: false,
        fields: &fields,
    };
    access(POLICIES).unwrap().decide(who, deed)
}

#[test]
fn a_ruling_names_the_policies_that_made_it() {
    let robin = caller("Robin@example.com", &["north"]);
    let own = change(&robin, owned_by("robin@example.com"), &[]);
    // One policy that requires a person is enough.
    assert_eq!((own.permitted, own.approval), (true, Approval::Required));
    assert_eq!(own.policies, ["own", "team"], "robin is of robin's team");
    let alone = caller("robin@example.com", &[]);
    let own = change(&alone, owned_by("robin@example.com"), &[]);
    assert_eq!(
        (own.approval, own.policies),
        (Approval::Auto, vec!["own".to_owned()])
    );
    let nobody = change(&Caller::default(), Owner::None, &[]);
    assert!(!nobody.permitted && nobody.undecided.is_some());
    let kims = change(&robin, owned_by("kim@example.com"), &[]);
    assert_eq!((kims.permitted, kims.approval), (true, Approval::Required));
    assert_eq!(kims.policies, ["team"]);
    let forbidden = change(&robin, owned_by("kim@example.com"), &["price"]);
    assert_eq!(
        (forbidden.permitted, forbidden.policies),
        (false, vec!["no-prices".to_owned()])
    );
    let stranger = change(&robin, owned_by("lee@example.com"), &[]);
    assert_eq!((stranger.permitted, stranger.policies.len()), (false, 0));
    assert!(!change(&robin, Owner::None, &[]).permitted);
}

#[test]
fn record_of_unknown_owner_cannot_be_changed() {
    let decision = change(
        &caller("robin@example.com", &["north"]),
        Owner::Unknown,
        &[],
    );
    assert!(!decision.permitted);
    assert!(decision.undecided.unwrap().contains("did not say who owns"));
}

#[test]
fn action_outside_the_schema_is_denied() {
    let access = access(POLICIES).unwrap();
    let decision = access.decide(
        &caller("robin@example.com", &[]),
        AccessRequest::Act {
            tool: "demo_other",
            group: "reads",
        },
    );
    assert!(!decision.permitted && decision.undecided.unwrap().contains("demo_other"));
}

#[test]
fn without_policies_all_read_and_nobody_writes() {
    let access = Access::new(None, [], "").unwrap();
    let nobody = Caller::default();
    let read = access.decide(
        &nobody,
        AccessRequest::Act {
            tool: "demo_find",
            group: "reads",
        },
    );
    assert_eq!(
        (read.permitted, read.policies),
        (true, vec!["everyone-reads".to_owned()])
    );
    let propose = AccessRequest::Act {
        tool: "demo_do",
        group: "proposes",
    };
    assert!(!access.decide(&nobody, propose).permitted);
    let deed = AccessRequest::Approve {
        plan: "p",
        proposer: "robin@example.com",
    };
    assert!(
        !access
            .decide(&caller("robin@example.com", &[]), deed)
            .permitted
    );
}

#[test]
fn invalid_policies_are_refused_with_their_file() {
    for (policies, expected) in [
        ("permit (principal, action, resource);", "@id"),
        (
            "@id(\"a\") permit (principal, action, resource) when { ",
            "policies: ",
        ),
        (
            "@id(\"a\") permit (principal, action, resource); @id(\"a\") permit (principal, action, resource);",
            "two policies",
        ),
        (
            "@id(\"a\") @approval(\"maybe\") permit (principal, action, resource);",
            "@approval",
        ),
        (
            "@id(\"a\") permit (principal, action, resource) when { resource.colour == \"red\" };",
            "colour",
        ),
        (
            "@id(\"a\") permit (principal, action == Action::\"fly\", resource);",
            "fly",
        ),
    ] {
        let error = access(policies).unwrap_err().to_string();
        assert!(
            error.contains(expected) && error.contains("policies"),
            "{policies}: {error}"
        );
    }
}
