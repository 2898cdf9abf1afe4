//! `crm-harness access`: decisions of the policies, without running a component.

use crm_harness::Setup;
use crm_harness::access::{Access, AccessRequest, Audience, Decision};
use crm_harness::observed::{Attributes, Owner, RecordKey};
use crm_harness::outbound::policy::Destination;
use crm_harness::outbound::policy::documents::Verb;
use serde_json::json;

use super::args::{AccessArgs, AccessCommand, Args};
use super::render;
use super::report::{End, Misuse};
use super::resolve::{caller, setup};

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
        Some("none") => Owner::None,
        Some("unknown") => Owner::Unknown,
        Some(owner) => Owner::Member(owner.to_lowercase()),
        None if asked.new => Owner::Member(email),
        None => Owner::Unknown,
    };
    let attributes = Attributes {
        owner,
        stage: asked.stage.clone(),
    };
    let decision = if Verb::ALL.iter().any(|verb| verb.as_str() == asked.deed) {
        access.decide(
            &caller,
            AccessRequest::Write {
                verb: &asked.deed,
                record: &record,
                attributes: &attributes,
                new: asked.new,
                undo: asked.undo,
                fields: &asked.field,
            },
        )
    } else if GIVES.contains(&asked.deed.as_str()) {
        access.decide(
            &caller,
            AccessRequest::Give {
                verb: &asked.deed,
                record: &record,
                attributes: &attributes,
                new: asked.new,
                fields: &asked.field,
                audience: audience(asked),
            },
        )
    } else if let Some(service) = sends(&setup, &asked.deed) {
        let deed = AccessRequest::Send {
            act: &asked.deed,
            service,
            audience: audience(asked),
        };
        access.decide(&caller, deed)
    } else {
        // Its group counts only without a schema, and then only reads are permitted.
        let deed = AccessRequest::Act {
            tool: &asked.deed,
            group: "reads",
        };
        access.decide(&caller, deed)
    };
    let who = caller.named().unwrap_or("a caller without a name");
    tell(args, who, access.role(&caller), &decision);
    Ok(if decision.permitted {
        End::Done
    } else {
        End::Failed
    })
}

/// The actions on fields that are disclosed.
const GIVES: [&str; 2] = ["disclose", "expand"];

fn audience(asked: &AccessArgs) -> Audience<'_> {
    Audience {
        recipients: &asked.recipient,
        group: asked.group,
        outside: asked.outside,
        listed: asked.listed,
    }
}

/// Returns the service that an action such as `message` writes to.
fn sends<'s>(setup: &'s Setup, act: &str) -> Option<&'s str> {
    let writes = |destination: &&Destination| {
        let mut writes = destination
            .routes
            .iter()
            .filter_map(|route| route.write.as_ref());
        writes.any(|write| write.act == act)
    };
    let destination = setup.policy.destinations.iter().find(writes)?;
    Some(&destination.name)
}

fn tell(args: &Args, who: &str, role: &str, decision: &Decision) {
    if args.json {
        render::print(&render::pretty(&json!(decision)));
        return;
    }
    let verdict = if decision.permitted {
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
    let by = match (&decision.undecided, decision.policies.as_slice()) {
        (Some(why), _) => why.clone(),
        (None, []) => "no policy permits it".to_owned(),
        (None, policies) => policies.join(", "),
    };
    rows.push(vec![verdict.to_owned(), by]);
    if decision.permitted {
        let approval = match decision.approval {
            crm_harness::access::Approval::Required => "a person has to confirm a step",
            crm_harness::access::Approval::Auto => "policy has approved",
        };
        rows.push(vec!["approval".to_owned(), approval.to_owned()]);
    }
    render::print(&render::table(&rows));
}
