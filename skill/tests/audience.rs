//! To whom messages go: members of the team, told by id, name or address, and nobody else.

mod common;
mod relay;

use crm_skill::failure::Failure;
use crm_skill::tezit::{Audience, audience};
use relay::*;
use serde_json::{Value, json};

/// A relay whose team is Mia, Noor and Ole, and where a search finds these.
fn team(found: Value) -> Services {
    Services::default()
        .answers(
            &format!("/teams/{TEAM}/members"),
            members(&[MIA, NOOR, OLE]),
        )
        .answers("/contacts/search", found)
}

fn with_email(id: &str, name: &str, email: &str) -> Value {
    let mut contact = contact(id, name);
    contact["email"] = json!(email);
    contact
}

fn resolve(services: &Services, to: &[&str]) -> Result<Audience, Failure> {
    let to: Vec<String> = to.iter().map(|name| (*name).to_owned()).collect();
    services.run(&all_set(), |ctx| audience(ctx, "to", &to))
}

/// An audience in short: `one ID NAME`, or `team` and who is named.
fn short(audience: &Audience) -> String {
    let one = |recipient: &crm_skill::tezit::Recipient| {
        format!(
            "{} {}",
            recipient.id,
            recipient.name.as_deref().unwrap_or("-")
        )
    };
    match audience {
        Audience::One(recipient) => format!("one {}", one(recipient)),
        Audience::Team(named) => {
            let named: Vec<String> = named.iter().map(one).collect();
            format!("team {}", named.join(", ")).trim_end().to_owned()
        }
    }
}

#[test]
fn a_member_is_found_by_id_name_or_address() {
    let noor = with_email(NOOR, "Noor Aziz", "Noor@Example.com");
    let noora = with_email(OLE, "Noora Aziz", "xnoor@example.com");
    for (to, found, expected) in [
        (NOOR, json!([]), format!("one {NOOR} -")),
        (
            "noor aziz",
            json!([noora, noor]),
            format!("one {NOOR} Noor Aziz"),
        ),
        (
            " Noor\u{200b}  Aziz ",
            json!([noor]),
            format!("one {NOOR} Noor Aziz"),
        ),
        ("Noor", json!([noor]), format!("one {NOOR} Noor Aziz")),
        ("Aziz, Noor", json!([noor]), format!("one {NOOR} Noor Aziz")),
        (
            "Noör Aziz",
            json!([noora, noor]),
            format!("one {NOOR} Noor Aziz"),
        ),
        (
            "noor@example.com",
            json!([noora, noor]),
            format!("one {NOOR} Noor Aziz"),
        ),
        (
            "Noor",
            json!([contact(STRANGER, "Noor"), noor]),
            format!("one {NOOR} Noor Aziz"),
        ),
        ("team", json!([]), "team".to_owned()),
        ("Team", json!([]), "team".to_owned()),
    ] {
        assert_eq!(
            short(&resolve(&team(found), &[to]).unwrap()),
            expected,
            "{to}"
        );
    }
}

/// Addresses several recipients through the team, each of them named once.
#[test]
fn several_recipients_mean_the_team() {
    let noor = json!([contact(NOOR, "Noor Aziz")]);
    for (to, expected) in [
        (vec![NOOR, OLE], format!("team {NOOR} -, {OLE} -")),
        (
            vec!["Noor", NOOR, "Noor Aziz"],
            format!("one {NOOR} Noor Aziz"),
        ),
        (vec![NOOR, "Noor"], format!("one {NOOR} Noor Aziz")),
        (vec!["team", NOOR], format!("team {NOOR} -")),
        (vec!["team", "team"], "team".to_owned()),
    ] {
        assert_eq!(
            short(&resolve(&team(noor.clone()), &to).unwrap()),
            expected,
            "{to:?}"
        );
    }
}

#[test]
fn nobody_outside_the_team_is_written_to() {
    let noor = with_email(NOOR, "Noor Aziz", "noor@example.com");
    let crowd: Vec<Value> = (0..50)
        .map(|at| contact(&format!("u{at}"), &format!("An {at}")))
        .collect();
    for (to, found, has) in [
        (STRANGER, json!([]), "nobody in the team has this user id"),
        (
            "Vera",
            json!([contact(STRANGER, "Vera")]),
            "only others at this relay",
        ),
        ("Nobody", json!([]), "nobody at this relay has such a name"),
        (
            "noor@other.example",
            json!([]),
            "addresses at other relays (user@host) are not written to",
        ),
        (
            &format!("{NOOR}@relay.example.com"),
            json!([noor]),
            "an address for other relays",
        ),
        ("Mia", json!([contact(MIA, "Mia Ek")]), "this is the caller"),
        (MIA, json!([]), "this is the caller"),
        ("N", json!([]), "one character"),
        ("  \u{200b} ", json!([]), "empty"),
        ("An", json!(crowd), "too many"),
    ] {
        let failure = resolve(&team(found), &[to]).unwrap_err();
        let told = shown(&failure);
        assert!(
            told.starts_with("invalid-input to: ") && told.contains(has),
            "{to}: {told}"
        );
    }
    let failure = resolve(&team(json!([])), &[NOOR, STRANGER]).unwrap_err();
    assert!(
        shown(&failure).starts_with("invalid-input to[1]: "),
        "{failure:?}"
    );
}

#[test]
fn a_name_that_fits_several_names_them() {
    let found = json!([
        contact(NOOR, "Noor Aziz"),
        contact(OLE, "Noor Berg"),
        contact(STRANGER, "Noor")
    ]);
    let Err(Failure::Ambiguous(ambiguity)) = resolve(&team(found), &["noor"]) else {
        panic!("two fit");
    };
    let labels: Vec<(&str, &str)> = ambiguity
        .candidates
        .iter()
        .map(|candidate| (candidate.ref_.id.as_str(), candidate.label.as_str()))
        .collect();
    assert_eq!(labels, [(NOOR, "Noor Aziz"), (OLE, "Noor Berg")]);

    // Two of the same name stay two, and one that fits better than others is the one.
    let twins = json!([contact(NOOR, "Noor"), contact(OLE, "noor")]);
    assert!(matches!(
        resolve(&team(twins), &["Noor"]),
        Err(Failure::Ambiguous(_))
    ));
}

#[test]
fn unconfirmed_address_matches_nobody() {
    // The fork answers without addresses, and its search may find those that only contain this one.
    let found = json!([contact(NOOR, "Joanne Aziz")]);
    let Err(Failure::Ambiguous(ambiguity)) = resolve(&team(found), &["anne@example.com"]) else {
        panic!("it is not known whose it is");
    };
    assert_eq!(ambiguity.candidates.len(), 1);
    assert!(ambiguity.reason.contains("does not tell whose"));
}

#[test]
fn name_inside_another_is_only_offered() {
    for (to, name) in [("anne", "Joanne Aziz"), ("No", "Noor Aziz")] {
        let found = json!([contact(NOOR, name)]);
        let Err(Failure::Ambiguous(ambiguity)) = resolve(&team(found), &[to]) else {
            panic!("{to} is taken for {name}");
        };
        assert_eq!(ambiguity.candidates[0].label, name);
        assert!(ambiguity.reason.contains("written otherwise"), "{to}");
    }
}

#[test]
fn the_team_is_read_once_and_names_side_by_side() {
    let services = team(json!([contact(NOOR, "Noor Aziz")]));
    resolve(&services, &["Noor", "Noor A", OLE, "Noor Az"]).unwrap();
    assert_eq!(services.rounds(), [1, 3]);
    assert_eq!(services.asked()[0], format!("/teams/{TEAM}/members"));
    assert_eq!(services.asked()[2], "/contacts/search?q=Noor%20A&limit=50");

    let services = team(json!([])).answers("/contacts/me", contact(MIA, "Mia Ek"));
    let unset = all_but(&["caller.relay-user"]);
    let said = services.run(&unset, |ctx| audience(ctx, "to", &[MIA.to_owned()]));
    assert!(shown(&said.unwrap_err()).contains("this is the caller"));
    assert_eq!(services.rounds(), [2]);
}

#[test]
fn there_are_limits_to_how_many_may_be_named() {
    let names: Vec<String> = (0..11).map(|at| format!("Name {at}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let services = team(json!([]));
    assert!(shown(&resolve(&services, &names).unwrap_err()).contains("at most 10"));
    assert_eq!(services.rounds(), [1]);
    let services = team(json!([]));
    assert!(shown(&resolve(&services, &[NOOR; 101]).unwrap_err()).contains("more than 100"));
    assert!(shown(&resolve(&services, &[]).unwrap_err()).contains("nobody is named"));
    assert!(services.rounds().is_empty());
    assert_eq!(
        short(&resolve(&team(json!([])), &[NOOR; 100]).unwrap()),
        format!("one {NOOR} -")
    );
}

#[test]
fn a_relay_that_fails_is_what_is_said() {
    for (status, body, expected) in [
        (
            403,
            refusal("FORBIDDEN", "Not a member of this team"),
            "denied permission",
        ),
        (
            401,
            refusal("UNAUTHORIZED", "Bearer token required"),
            "unauthenticated",
        ),
        (200, "{\"data\":{}}".to_owned(), "schema-mismatch data"),
    ] {
        let services = Services::default().says(&format!("/teams/{TEAM}/members"), status, &body);
        let told = shown(&resolve(&services, &[NOOR]).unwrap_err());
        assert!(told.starts_with(expected), "{told}");
    }
    let services = Services::default()
        .answers(&format!("/teams/{TEAM}/members"), members(&[MIA, NOOR]))
        .breaks("/contacts/search");
    assert!(shown(&resolve(&services, &["Noor"]).unwrap_err()).starts_with("unavailable"));
    let services = Services::default();
    let said = services.run(&all_but(&["tezit.team-id"]), |ctx| {
        audience(ctx, "to", &["team".to_owned()])
    });
    assert!(shown(&said.unwrap_err()).contains("TEZIT_TEAM_ID"));
}
