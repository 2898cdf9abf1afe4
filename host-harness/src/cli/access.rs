//! `crm-harness access`: what policy says, without a component doing anything.

use crm_harness::access::{Access, Attributes, Deed, RecordKey, Ruling};
use crm_harness::outbound::documents::Verb;
use serde_json::json;

use super::args::{AccessArgs, AccessCommand, Args};
use super::resolve::{caller, setup};
use super::{End, Misuse, render};

pub(super) fn run(args: &Args, command: &AccessCommand) -> Result<End, Misuse> {
    match command {
        AccessCommand::Explain(asked) => explain(args, asked),
    }
}

fn explain(args: &Args, asked: &AccessArgs) -> Result<End, Misuse> {
    let setup = setup(args)?;
    let caller = caller(args, &setup)?;
    let access = Access::of(&setup).map_err(|error| Misuse::new(error.code(), error))?;
    let record = RecordKey {
        kind: asked.kind.clone(),
        id: "any".to_owned(),
    };
    let email = caller.email.clone().unwrap_or_default().to_lowercase();
    let owner = match asked.owner.as_deref() {
        Some("none") => Some(None),
        Some(owner) => Some(Some(owner.to_lowercase())),
        None if asked.new => Some(Some(email)),
        None => None,
    };
    let attributes = Attributes {
        owner,
        stage: asked.stage.clone(),
    };
    let ruling = if Verb::ALL.iter().any(|verb| verb.as_str() == asked.deed) {
        access.decide(
            &caller,
            Deed::Write {
                verb: &asked.deed,
                record: &record,
                attributes: &attributes,
                new: asked.new,
                undo: asked.undo,
                fields: &asked.field,
            },
        )
    } else {
        // Its group counts only where there is no schema, and then reads alone are permitted.
        let deed = Deed::Act {
            tool: &asked.deed,
            group: "reads",
        };
        access.decide(&caller, deed)
    };
    let who = caller.named().unwrap_or("a caller without a name");
    tell(args, who, access.role(&caller), &ruling);
    Ok(if ruling.permitted {
        End::Done
    } else {
        End::Failed
    })
}

fn tell(args: &Args, who: &str, role: &str, ruling: &Ruling) {
    if args.json {
        render::print(&render::pretty(&json!(ruling)));
        return;
    }
    let verdict = if ruling.permitted {
        "permitted"
    } else {
        "denied"
    };
    let mut rows = vec![
        vec!["caller".to_owned(), who.to_owned()],
        vec![
            "role".to_owned(),
            if role.is_empty() { "none" } else { role }.to_owned(),
        ],
    ];
    let by = match (&ruling.undecided, ruling.policies.as_slice()) {
        (Some(why), _) => why.clone(),
        (None, []) => "no policy permits it".to_owned(),
        (None, policies) => policies.join(", "),
    };
    rows.push(vec![verdict.to_owned(), by]);
    if ruling.permitted {
        let approval = match ruling.approval {
            crm_harness::access::Approval::Required => "a person has to confirm a step",
            crm_harness::access::Approval::Auto => "policy has approved",
        };
        rows.push(vec!["approval".to_owned(), approval.to_owned()]);
    }
    render::print(&render::table(&rows));
}
