//! `init` against a CRM: it offers the CRM's own members as callers, and goes on where they cannot
//! be told.

use std::path::Path;
use std::process::{Output, Stdio};

use crm_harness::config::Operator;
use crm_stand_in::faults::Fault;
use crm_stand_in::twenty::keys;
use crm_tests::program::Program;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

/// Runs `init` in a folder with these answers to its questions.
async fn init(program: &Program, folder: &Path, key: &str, args: &[&str], answers: &str) -> Output {
    let mut all = vec!["init", "operator.toml"];
    all.extend(args);
    let mut child = program
        .command(&all)
        .current_dir(folder)
        .env("TWENTY_API_KEY", key)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    // A program that has stopped asking closes its end.
    let _ = input.write_all(answers.as_bytes()).await;
    drop(input);
    child.wait_with_output().await.unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn told(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {}", said(output));
    })
}

/// Answers of `init` about services: the CRM's address, a yes to it, its key, and no others.
const SERVICES: &str = "\ny\n\n\n\n";

#[tokio::test]
async fn init_offers_the_members_of_the_crm() {
    let program = Program::new().await;
    let folder = tempfile::tempdir().unwrap();
    // Robin and Sam by their numbers, Priya by her address and in capitals, and two who are not
    // there.
    let members = "99\n3, king\n3, lead, north\n4\nPRIYA@example.com, , viewer\nghost@example.com\nn\nnobody@example.com\ny\n\n";
    let answers = format!("{SERVICES}{members}");
    let output = init(&program, folder.path(), keys::FULL_KEY, &[], &answers).await;
    let asked = said(&output);
    assert_eq!(output.status.code(), Some(0), "{asked}");
    for line in [
        "  1  \"ingrid@example.com\"  \"Ingrid Solberg\"\n",
        "  2  \"priya@example.com\"   \"Priya Raman\"\n",
        "  3  \"robin@example.com\"   \"Robin Hale\"\n",
        "  4  \"sam@example.com\"     \"Sam Okafor\"\n",
        "  5  \"tomas@example.com\"   \"Tomás Vega\"\n",
        "A member: number or e-mail, name, role",
        "there is no member 99: write a number from 1 to 5, or an e-mail",
        "`king` is no role",
        "no member with the e-mail \"ghost@example.com\"",
    ] {
        assert!(asked.contains(line), "{line}: {asked}");
    }
    assert!(!asked.contains("dana@example.com"), "who has left: {asked}");
    assert!(!asked.contains(keys::FULL_KEY));
    let path = folder.path().join("operator.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let operator = Operator::parse(&text, &path).unwrap();
    let callers: Vec<_> = operator
        .callers
        .iter()
        .map(|(id, caller)| {
            (
                id.as_str(),
                caller.email.as_deref().unwrap(),
                caller.name.as_deref(),
                caller.role.as_deref().unwrap(),
                caller.teams.clone(),
            )
        })
        .collect();
    let north = vec!["north".to_owned()];
    assert_eq!(
        callers,
        [
            ("nobody", "nobody@example.com", None, "member", vec![]),
            (
                "priya",
                "priya@example.com",
                Some("Priya Raman"),
                "viewer",
                vec![]
            ),
            (
                "robin",
                "robin@example.com",
                Some("Robin Hale"),
                "lead",
                north
            ),
            (
                "sam",
                "sam@example.com",
                Some("Sam Okafor"),
                "member",
                vec![]
            ),
        ]
    );
    let told = told(&output);
    assert_eq!(told["members"].as_array().unwrap().len(), 5);
    assert_eq!(told["notMembers"], json!(["nobody"]));
    // What was written is used as it is: Sam's own are found.
    let operator = path.to_str().unwrap();
    let call = [
        "call",
        "follow_ups",
        "{}",
        "--operator",
        operator,
        "--caller",
        "sam",
    ];
    let mut command = program.command(&call);
    let output = command.env_remove("CRM_HARNESS_CALLER_EMAIL");
    let output = output.output().await.unwrap();
    let page: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(page["total"].as_u64().unwrap() > 0, "{page:#}");
    let tasks = page["tasks"].as_array().unwrap();
    let mine = |task: &Value| task["assignee"]["email"] == "sam@example.com";
    assert!(tasks.iter().all(mine), "{page:#}");
}

#[tokio::test]
async fn init_without_questions_tells_the_members() {
    let program = Program::new().await;
    let folder = tempfile::tempdir().unwrap();
    let url = program.twenty.url();
    let args = [
        "--url",
        &url,
        "--secret",
        "env:TWENTY_API_KEY",
        "--member",
        "Robin@Example.com,,lead",
        "--member",
        "ghost@example.com,Ghost",
        "--yes",
    ];
    let output = init(&program, folder.path(), keys::FULL_KEY, &args, "").await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let answer = told(&output);
    assert_eq!(answer["callers"], json!(["robin", "ghost"]));
    assert_eq!(answer["notMembers"], json!(["ghost"]));
    assert_eq!(answer["membersMore"], false);
    let robin = json!({"email": "robin@example.com", "name": "Robin Hale"});
    assert!(answer["members"].as_array().unwrap().contains(&robin));
    assert!(said(&output).contains("no member with the e-mail \"ghost@example.com\""));
    let text = std::fs::read_to_string(folder.path().join("operator.toml")).unwrap();
    assert!(
        text.contains("email = \"robin@example.com\"\nname = \"Robin Hale\"")
            && text.contains("name = \"Ghost\""),
        "{text}"
    );
    // A number is of a list that nobody has seen.
    let args = [
        "--url",
        &url,
        "--secret",
        "env:TWENTY_API_KEY",
        "--member",
        "3",
        "--yes",
        "--force",
    ];
    let output = init(&program, folder.path(), keys::FULL_KEY, &args, "").await;
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("`3` is no e-mail address"));
}

#[tokio::test]
async fn init_goes_on_where_no_members_are_told() {
    let program = Program::new().await;
    let refused = json!({ "fault": "partial-error", "only": "workspaceMembers", "message": "no permission", "code": "FORBIDDEN" });
    for (key, fault, why) in [
        (keys::REVOKED_KEY, None, "refuses the key"),
        (
            keys::FULL_KEY,
            Some(refused),
            "workspaceMember cannot be read",
        ),
        (
            keys::FULL_KEY,
            Some(json!({ "fault": "reset" })),
            "cannot be reached",
        ),
    ] {
        let faults = program.twenty.faults();
        faults.clear();
        if let Some(fault) = fault {
            faults.add(serde_json::from_value::<Fault>(fault).unwrap());
        }
        let folder = tempfile::tempdir().unwrap();
        let answers = format!("{SERVICES}1\nrobin@example.com, Robin Hale, lead\n\ny\n");
        let output = init(&program, folder.path(), key, &[], &answers).await;
        let asked = said(&output);
        assert_eq!(output.status.code(), Some(0), "{why}: {asked}");
        assert!(
            asked.contains("No members are told, so name them yourself"),
            "{asked}"
        );
        assert!(asked.contains(why), "{why}: {asked}");
        assert!(asked.contains("A member: e-mail, name, role"), "{asked}");
        assert!(asked.contains("`1` is no e-mail address"), "{asked}");
        let told = told(&output);
        assert_eq!(told["callers"], json!(["robin"]));
        assert_eq!(told["members"], json!([]));
        assert_eq!(told["notMembers"], json!([]));
    }
}
