//! The previous release beside this harness: its component, its manifest, and a data directory that
//! it wrote.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Output;

use crm_harness::config::Manifest;
use crm_tests::program::Program;
use crm_tests::root;
use serde_json::{Value, json};

/// The rule that the manifest of 0.1.0 lacks: who asks for the members of a group must not choose
/// the group.
const MISSING: &str = "path-settings = { \"1\" = \"setting tezit.team-id\" }\n";

fn release() -> PathBuf {
    root().join("tests/data/release-0.1.0")
}

/// The release's files in a folder of their own, with a data directory that can be written.
struct Release {
    folder: tempfile::TempDir,
    program: Program,
}

impl Release {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let packed = fs::read(release().join("crm_skill.wasm.gz")).unwrap();
        let mut component = Vec::new();
        flate2::read::GzDecoder::new(&packed[..])
            .read_to_end(&mut component)
            .unwrap();
        fs::write(folder.path().join("crm_skill.wasm"), component).unwrap();
        let text = fs::read_to_string(release().join("skill.toml")).unwrap();
        let members = "path = \"/teams/*/members\"\n";
        assert!(text.contains(members) && !text.contains("path-settings"));
        let mended = text.replace(members, &format!("{members}{MISSING}"));
        fs::write(folder.path().join("skill.toml"), mended).unwrap();
        for name in ["access", "data"] {
            let to = folder.path().join(name);
            fs::create_dir(&to).unwrap();
            private(&to, 0o700);
            for entry in fs::read_dir(release().join(name)).unwrap() {
                let entry = entry.unwrap();
                let copy = to.join(entry.file_name());
                fs::copy(entry.path(), &copy).unwrap();
                private(&copy, 0o600);
            }
        }
        let program = Program::new().await;
        Self { folder, program }
    }

    /// Runs a command under a manifest, with the release's component and data directory.
    async fn run(&self, manifest: &Path, arguments: &[&str]) -> (Output, Value) {
        let mut command = self.program.command(arguments);
        let output = command
            .env(
                "CRM_HARNESS_COMPONENT",
                self.folder.path().join("crm_skill.wasm"),
            )
            .env("CRM_HARNESS_MANIFEST", manifest)
            .env("CRM_HARNESS_DATA_DIR", self.folder.path().join("data"))
            .output()
            .await
            .unwrap();
        let told = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
        (output, told)
    }

    async fn ok(&self, manifest: &Path, arguments: &[&str]) -> Value {
        let (output, told) = self.run(manifest, arguments).await;
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {told:#} {error}");
        told
    }

    /// The release's own manifest, with the rule that it lacks.
    fn mended(&self) -> PathBuf {
        self.folder.path().join("skill.toml")
    }
}

fn private(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// The manifest of this version.
fn current() -> PathBuf {
    root().join("manifests/skill.toml")
}

#[test]
fn previous_manifest_is_refused_with_a_reason() {
    let error = Manifest::read(&release().join("skill.toml")).unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("destinations.tezit.routes[0].people.group"),
        "{error}"
    );
    assert!(error.contains("path-settings"), "{error}");
}

#[tokio::test]
async fn previous_component_reads_and_proposes() {
    let release = Release::new().await;
    let manifest = release.mended();
    let told = release
        .ok(&manifest, &["call", "search", r#"{"query":"depot"}"#])
        .await;
    assert!(told.to_string().contains("Northern depot"), "{told:#}");
    // Its documents do not tell owners as this harness reads them, which opens nothing.
    let follow_up =
        json!({"about": "Northern depot relaunch", "title": "Call", "due": "2030-03-01"});
    let (_, answer) = release
        .run(&manifest, &["call", "follow_up", &follow_up.to_string()])
        .await;
    let failure = &answer["failure"];
    assert_eq!(failure["code"], "access", "{answer:#}");
    let reason = failure["reason"].as_str().unwrap();
    assert!(reason.contains("did not say who owns"), "{reason}");
    // What is new has its proposer for an owner.
    let company = json!({"kind": "company", "name": "Previous & Sons"});
    let (_, told) = release
        .run(&manifest, &["call", "upsert", &company.to_string()])
        .await;
    assert_eq!(told["state"], "waiting", "{told:#}");
    let plan = told["plan"].as_str().unwrap();
    let before = release.program.count();
    let told = release.ok(&manifest, &["plan", "approve", plan]).await;
    assert_eq!(told["state"], "done", "{told:#}");
    assert_eq!(release.program.count(), before + 1);
}

#[tokio::test]
async fn patch_versions_of_a_package_fit() {
    let release = Release::new().await;
    let text = fs::read_to_string(release.mended()).unwrap();
    let written = release.folder.path().join("other.toml");
    let of_version = |version: &str| {
        let package = format!("claw:crm@{version}");
        fs::write(&written, text.replace("claw:crm@0.1.0", &package)).unwrap();
    };
    // A manifest of another patch version than the component's.
    of_version("0.1.7");
    let found = release
        .ok(&written, &["call", "search", r#"{"query":"depot"}"#])
        .await;
    assert!(found.to_string().contains("Northern depot"), "{found:#}");
    // Another minor version is another package.
    of_version("0.2.0");
    let (output, answer) = release.run(&written, &["inspect"]).await;
    let error = format!("{answer} {}", String::from_utf8_lossy(&output.stderr));
    assert!(!output.status.success(), "{error}");
    assert!(
        error.contains("claw:crm@0.1.0") && error.contains("claw:crm@0.2.0"),
        "{error}"
    );
}

#[tokio::test]
async fn previous_data_directory_is_read() {
    let release = Release::new().await;
    let manifest = current();
    let told = release.ok(&manifest, &["audit", "verify"]).await;
    assert_eq!(told["rows"], 61, "{told:#}");
    let plans = release.ok(&manifest, &["plan", "list"]).await;
    let plans = plans
        .as_array()
        .or(plans["plans"].as_array())
        .unwrap()
        .clone();
    let mut states: Vec<&str> = plans
        .iter()
        .map(|plan| plan["state"].as_str().unwrap())
        .collect();
    states.sort_unstable();
    // The one that waited has expired by now, or not: its time is the clock's.
    assert_eq!(states.len(), 3, "{plans:#?}");
    assert!(
        states.contains(&"done") && states.contains(&"denied"),
        "{states:?}"
    );
    for plan in &plans {
        let digest = plan["plan"].as_str().unwrap();
        let shown = release.ok(&manifest, &["plan", "show", digest]).await;
        let text = shown.to_string();
        assert!(
            text.contains("create_task") && text.contains("Follow-up"),
            "{shown:#}"
        );
        // Nothing of it can be sent: the service is elsewhere, or it is over.
        let (output, told) = release.run(&manifest, &["plan", "approve", digest]).await;
        let error = format!("{told} {}", String::from_utf8_lossy(&output.stderr));
        if plan["state"] != "done" {
            assert!(!output.status.success(), "{error}");
        }
    }
    assert_eq!(
        release.program.twenty.requests().count(),
        0,
        "nothing was sent"
    );
}
