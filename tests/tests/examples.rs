//! The examples do what their pages say: the small skill in the real harness, and the program that
//! embeds it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crm_harness::config::{Flags, Manifest};
use crm_harness::digest::hex;
use crm_harness::plans::{PlanState, render_text};
use crm_harness::text::Emphasis;
use crm_harness::{CallOutcome, Caller, Harness, Invocation, Parts, Reply, Setup};
use crm_stand_in::Running;
use crm_stand_in::faults::{Fault, FaultKind};
use crm_stand_in::twenty::keys::FULL_KEY;
use crm_stand_in::twenty::{Options, TwentyStandIn};
use crm_tests::{guest, pins, root};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const TITLE: &str = "Price list";
const TEXT: &str = "The new prices hold from January on.";

fn skill(file: &str) -> PathBuf {
    root().join("examples/small-skill").join(file)
}

fn manifest() -> Manifest {
    Manifest::read(&skill("skill.toml")).unwrap()
}

async fn stand_in() -> Running {
    let options = Options {
        rate_limit: false,
        ..Options::default()
    };
    TwentyStandIn::start(options).await.unwrap()
}

/// The small skill in a harness of its own.
struct NotesEnv {
    harness: Harness,
    crm: Running,
    caller: Caller,
}

impl NotesEnv {
    async fn new() -> Self {
        Self::with(manifest()).await
    }

    async fn with(manifest: Manifest) -> Self {
        let crm = stand_in().await;
        let url = crm.url();
        let environment = |name: &str| match name {
            "NOTES_URL" => Some(url.clone()),
            "NOTES_KEY" => Some(FULL_KEY.to_owned()),
            _ => None,
        };
        let flags = Flags {
            allow_loopback: true,
        };
        let setup = Setup::resolve(manifest, None, flags, &environment).unwrap();
        let parts = Parts {
            pause: Duration::from_millis(1),
            ..Parts::default()
        };
        Self {
            harness: Harness::load(&guest("small_skill"), setup, parts, None).unwrap(),
            crm,
            caller: Caller {
                email: Some("robin@example.com".to_owned()),
                ..Caller::default()
            },
        }
    }

    async fn call(&self, tool: &str, arguments: Value) -> CallOutcome {
        let invocation = Invocation {
            tool: tool.to_owned(),
            arguments,
            caller: self.caller.clone(),
            deadline: None,
        };
        self.harness.call(invocation).await.unwrap()
    }

    /// Proposes the note, and gives the plan's digest.
    async fn propose(&self) -> String {
        let added = json!({ "title": TITLE, "text": TEXT });
        let outcome = self.call("notes_add", added).await;
        let answer = outcome.result().unwrap();
        answer["plan"].as_str().unwrap().to_owned()
    }

    async fn approve(&self, plan: &str) -> PlanState {
        let plans = self.harness.plans();
        plans
            .approve(plan, &self.caller, false)
            .await
            .unwrap()
            .state
    }

    /// The notes with the title of these tests.
    fn added(&self) -> Vec<Value> {
        let mut notes = self.crm.records("note").unwrap();
        notes.retain(|note| note["title"] == TITLE);
        notes
    }
}

#[test]
fn documents_are_those_whose_hashes_are_listed() {
    let manifest = manifest();
    let listed = &manifest.destinations["crm"].documents;
    for document in listed {
        let path = skill("graphql").join(format!("{}.graphql", document.name));
        let text = fs::read(&path).unwrap();
        assert_eq!(
            hex(&Sha256::digest(text)),
            document.sha256,
            "{}",
            path.display()
        );
    }
    let files = fs::read_dir(skill("graphql")).unwrap().count();
    assert_eq!(files, listed.len());
}

#[tokio::test]
async fn notes_are_found_by_words_of_their_title() {
    let env = NotesEnv::new().await;
    let mut expected = env.crm.records("note").unwrap();
    expected.retain(|note| {
        let title = note["title"].as_str().unwrap_or_default();
        note["deletedAt"].is_null() && title.to_lowercase().contains("news")
    });
    let outcome = env.call("notes_find", json!({ "words": " NEWS " })).await;
    let answer = outcome.result().unwrap();
    assert_eq!(answer["total"], expected.len());
    let note = &answer["notes"][0];
    assert_eq!(note["title"], "Good news");
    assert_eq!(note["text"], expected[0]["bodyV2"]["markdown"]);
    let none = env.call("notes_find", json!({ "words": "zeppelin" })).await;
    assert_eq!(none.result().unwrap(), json!({ "notes": [], "total": 0 }));
}

#[tokio::test]
async fn limit_counts_notes_and_not_the_total() {
    let env = NotesEnv::new().await;
    let all = env
        .call("notes_find", json!({ "words": "e", "limit": 20 }))
        .await;
    let all = all.result().unwrap();
    let one = env
        .call("notes_find", json!({ "words": "e", "limit": 1 }))
        .await;
    let one = one.result().unwrap();
    assert!(all["notes"].as_array().unwrap().len() > 1, "{all:#}");
    assert_eq!(one["notes"], json!([all["notes"][0]]));
    assert_eq!(one["total"], all["total"]);
}

#[tokio::test]
async fn wrong_argument_is_named() {
    let env = NotesEnv::new().await;
    let long = "x".repeat(121);
    for (tool, arguments, field) in [
        ("notes_find", json!({ "words": " % " }), "words"),
        ("notes_find", json!({ "words": "a", "limit": 0 }), "limit"),
        ("notes_find", json!({ "words": "a", "limit": 21 }), "limit"),
        ("notes_add", json!({ "title": long, "text": TEXT }), "title"),
        ("notes_add", json!({ "title": TITLE, "text": "" }), "text"),
    ] {
        let failure = env.call(tool, arguments).await.result().unwrap_err();
        let said = (failure["case"].as_str(), failure["field"].as_str());
        assert_eq!(said, (Some("invalid-input"), Some(field)), "{failure:#}");
    }
    assert_eq!(env.crm.requests().count(), 0);
}

#[tokio::test]
async fn note_is_shown_approved_and_written_once() {
    let env = NotesEnv::new().await;
    let added = json!({ "title": TITLE, "text": TEXT });
    let outcome = env.call("notes_add", added).await;
    let Reply::Proposed(proposed) = outcome.reply else {
        panic!("no plan: {:?}", outcome.reply);
    };
    assert_eq!(proposed.outcome.state, PlanState::Waiting);
    let shown = render_text::preview(&proposed.preview, &Emphasis::default());
    assert!(shown.starts_with("New note \"Price list\"\n"), "{shown}");
    for part in ["add_note", TITLE, TEXT, "The CRM at http://127.0.0.1:"] {
        assert!(shown.contains(part), "{part} is not in {shown}");
    }
    assert_eq!(env.crm.requests().count(), 0, "a proposal was sent");

    let plan = proposed.preview.plan.as_str();
    assert_eq!(env.approve(plan).await, PlanState::Done);
    let notes = env.added();
    assert_eq!(notes.len(), 1);
    assert_eq!(notes[0]["bodyV2"]["markdown"], TEXT);
    // The same call is the same plan, which is done.
    assert_eq!(env.propose().await, plan);
    assert_eq!(env.approve(plan).await, PlanState::Done);
    assert_eq!(env.added().len(), 1);
}

#[tokio::test]
async fn lost_answer_is_looked_up() {
    for (kind, after) in [
        (FaultKind::Reset, true),
        (FaultKind::Reset, false),
        (FaultKind::Status { code: 502 }, true),
        (FaultKind::NotJson, true),
        (FaultKind::LimitReached { only: None }, false),
    ] {
        let env = NotesEnv::new().await;
        let plan = env.propose().await;
        env.crm.faults().add(Fault {
            kind: kind.clone(),
            times: Some(1),
            skip: 0,
            after,
            operation: Some("AddNote".to_owned()),
            root: None,
        });
        assert_eq!(
            env.approve(&plan).await,
            PlanState::Done,
            "{kind:?} {after}"
        );
        assert_eq!(env.added().len(), 1, "{kind:?} {after}");
        let looked = env.crm.requests().all();
        let looked = looked.iter().filter(|sent| sent.body.contains("NoteById"));
        assert_eq!(looked.count(), 1, "{kind:?} {after}");
    }
}

#[tokio::test]
async fn unreadable_outcome_is_in_doubt() {
    let env = NotesEnv::new().await;
    let plan = env.propose().await;
    for operation in ["AddNote", "NoteById"] {
        env.crm.faults().add(Fault {
            kind: FaultKind::Reset,
            times: None,
            skip: 0,
            after: true,
            operation: Some(operation.to_owned()),
            root: None,
        });
    }
    assert_eq!(env.approve(&plan).await, PlanState::InDoubt);
    env.crm.faults().clear();
    let resumed = env.harness.plans().resume(&plan, &env.caller, false).await;
    assert_eq!(resumed.unwrap().state, PlanState::Done);
    assert_eq!(env.added().len(), 1);
}

#[tokio::test]
async fn refused_note_fails_with_the_reason() {
    let env = NotesEnv::new().await;
    let plan = env.propose().await;
    env.crm.faults().add(Fault {
        kind: FaultKind::PartialError {
            only: "createNote".to_owned(),
            message: "Titles are closed today".to_owned(),
            code: "BAD_USER_INPUT".to_owned(),
        },
        times: Some(1),
        skip: 0,
        after: false,
        operation: None,
        root: None,
    });
    let outcome = env.harness.plans().approve(&plan, &env.caller, false).await;
    let outcome = outcome.unwrap();
    assert_eq!(outcome.state, PlanState::Failed);
    let detail = outcome.steps[0].detail.as_deref().unwrap_or_default();
    assert!(detail.contains("Titles are closed today"), "{detail}");
    assert!(env.added().is_empty());
}

#[tokio::test]
async fn unlisted_document_is_refused() {
    let words = json!({ "words": "news" });
    let added = json!({ "title": TITLE, "text": TEXT });
    for (document, tool, arguments, code) in [
        ("find_notes", "notes_find", words, "document"),
        ("add_note", "notes_add", added, "plan-gate"),
    ] {
        let mut manifest = manifest();
        let crm = manifest.destinations.get_mut("crm").unwrap();
        crm.documents.retain(|listed| listed.name != document);
        let env = NotesEnv::with(manifest).await;
        let failure = env.call(tool, arguments).await.result().unwrap_err();
        let said = (failure["case"].as_str(), failure["code"].as_str());
        assert_eq!(said, (Some("denied"), Some(code)), "{failure:#}");
        assert_eq!(env.crm.requests().count(), 0, "something arrived");
    }
}

#[tokio::test]
async fn viewer_finds_and_proposes_nothing() {
    let mut env = NotesEnv::new().await;
    env.caller.role = Some("viewer".to_owned());
    let found = env.call("notes_find", json!({ "words": "news" })).await;
    assert!(found.result().is_ok());
    let added = json!({ "title": TITLE, "text": TEXT });
    let failure = env.call("notes_add", added).await.result().unwrap_err();
    assert_eq!(failure["code"], "access");
}

/// A folder with all that the embedding program is given.
struct ProgramFiles {
    folder: tempfile::TempDir,
    options: embedding::Options,
}

impl ProgramFiles {
    /// With the skill's manifest after `changed`.
    fn new(crm: &Running, changed: impl Fn(&str) -> String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("access")).unwrap();
        for file in ["access/policies.cedar", "access/schema.cedarschema"] {
            write(&at(file), &fs::read(skill(file)).unwrap());
        }
        let manifest = changed(&fs::read_to_string(skill("skill.toml")).unwrap());
        write(&at("skill.toml"), manifest.as_bytes());
        let component = guest("small_skill");
        write(&at("skill.wasm"), &component);
        write(&at("key"), FULL_KEY.as_bytes());
        let pins = pins(&component, &Manifest::read(&at("skill.toml")).unwrap());
        let (url, key) = (crm.url(), at("key"));
        let operator = format!(
            "{pins}[destinations.crm]\norigin = \"{url}\"\nsecret = \"file:{}\"\nallow-loopback = true\n\
             [callers.robin]\nemail = \"robin@example.com\"\nrole = \"member\"\n",
            key.display()
        );
        write(&at("operator.toml"), operator.as_bytes());
        let options = embedding::Options {
            component: at("skill.wasm"),
            manifest: at("skill.toml"),
            operator: at("operator.toml"),
            data: at("data"),
            caller: "robin".to_owned(),
            title: TITLE.to_owned(),
            text: TEXT.to_owned(),
        };
        Self { folder, options }
    }

    /// Runs the program; its error, and everything that it printed.
    async fn run(&self) -> (Option<String>, String) {
        let mut printed = Vec::new();
        let done = embedding::run(&self.options, &mut printed).await;
        let error = done.err().map(|error| format!("{error:#}"));
        (error, String::from_utf8(printed).unwrap())
    }
}

/// Writes a file that nobody else can read or change.
fn write(path: &Path, bytes: &[u8]) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[tokio::test]
async fn embedding_shows_approves_and_tells() {
    let crm = stand_in().await;
    let before = crm.count("note").live;
    let program = ProgramFiles::new(&crm, str::to_owned);
    let (error, printed) = program.run().await;
    assert_eq!(error, None, "{printed}");
    let parts = [
        "Notes with this title: {\n  \"notes\": [],\n  \"total\": 0\n}\n",
        "New note \"Price list\"\n",
        TEXT,
        "  digest ",
        "done",
    ];
    let mut rest = printed.as_str();
    for part in parts {
        let (_, behind) = rest
            .split_once(part)
            .unwrap_or_else(|| panic!("{part}: {printed}"));
        rest = behind;
    }
    assert_eq!(crm.count("note").live, before + 1);
    assert!(program.folder.path().join("data/plans.sqlite3").is_file());

    // Once more: it finds the note, and the plan is done.
    let (error, printed) = program.run().await;
    assert_eq!(error, None, "{printed}");
    assert!(printed.contains("\"total\": 1"), "{printed}");
    assert_eq!(crm.count("note").live, before + 1);
}

#[tokio::test]
async fn embedding_approves_no_other_plan() {
    let crm = stand_in().await;
    let before = crm.count("note").live;
    let program = ProgramFiles::new(&crm, |text| text.replace("add_note", "burn_note"));
    let (error, printed) = program.run().await;
    let error = error.unwrap();
    assert!(
        error.contains("this program approves new notes alone"),
        "{error}"
    );
    assert!(printed.contains("New note"), "{printed}");
    assert_eq!(crm.count("note").live, before);
}

#[tokio::test]
async fn embedding_error_names_the_fix() {
    let crm = stand_in().await;
    let mut program = ProgramFiles::new(&crm, str::to_owned);
    program.options.caller = "sam".to_owned();
    let (error, printed) = program.run().await;
    let error = error.unwrap();
    assert!(error.contains("add [callers.sam]"), "{error}");
    assert_eq!(printed, "");
}
