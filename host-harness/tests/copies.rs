//! Record and plans as a copy that cannot be written, with rows that only the write-ahead log
//! holds, and damaged.

mod common;

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use common::client::Client;
use common::env::{TestEnv, scheme};

/// Copies a data directory, as a backup of a running program does.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in from.read_dir().unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to.join(name));
        } else if !name.to_string_lossy().ends_with("-shm") {
            std::fs::copy(entry.path(), to.join(name)).unwrap();
        }
    }
}

fn close(path: &Path, directory: u32, file: u32) {
    set_permissions(path, Permissions::from_mode(directory)).unwrap();
    for entry in path.read_dir().unwrap() {
        let entry = entry.unwrap();
        let mode = if entry.file_type().unwrap().is_dir() {
            directory
        } else {
            file
        };
        set_permissions(entry.path(), Permissions::from_mode(mode)).unwrap();
    }
}

fn names(folder: &Path) -> Vec<String> {
    let names = folder.read_dir().unwrap();
    let mut names: Vec<_> = names
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// Makes a command see a folder as read-only; none where the system does not let a test do that.
type Protect = fn(&Command, &Path) -> Command;

/// By its mode, which holds for everybody but root.
fn by_mode(command: &Command, _folder: &Path) -> Command {
    let mut same = Command::new(command.get_program());
    same.args(command.get_args());
    same
}

/// By a mount that is read-only, which holds for root too.
fn by_mount(command: &Command, folder: &Path) -> Command {
    let mut mounted = Command::new("unshare");
    mounted
        .args(["--mount", "/bin/sh", "-c"])
        .arg("mount --bind \"$0\" \"$0\" && mount -o remount,ro,bind \"$0\" && exec \"$@\"")
        .arg(folder)
        .arg(command.get_program())
        .args(command.get_args())
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    mounted
}

fn protection() -> Option<Protect> {
    if !rustix::process::geteuid().is_root() {
        return Some(by_mode);
    }
    let folder = tempfile::tempdir().unwrap();
    let mut tried = by_mount(&Command::new("true"), folder.path());
    let works = tried.output().is_ok_and(|output| output.status.success());
    works.then_some(by_mount as Protect)
}

fn run(env: &TestEnv, protect: Protect, data: &Path, args: &[&str]) -> Output {
    let command = env.command(args);
    let given: Vec<_> = command.get_args().collect();
    let mut elsewhere = Command::new(command.get_program());
    for (position, argument) in given.iter().enumerate() {
        let before = position.checked_sub(1).map(|before| given[before]);
        let is_place = before.is_some_and(|before| before == "--data-dir");
        elsewhere.arg(if is_place { data.as_os_str() } else { argument });
    }
    protect(&elsewhere, data)
        .current_dir(env.path(""))
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_cannot_be_written_is_read() {
    let Some(protect) = protection() else {
        println!("left out: root may write everywhere, and may not mount here");
        return;
    };
    let (_service, env) = TestEnv::beside_a_service().await;
    let mut client = Client::begun(env.start(&["mcp", "--caller", "robin"]), json!({}));
    let proposed = client.call("proposer_scheme", scheme("one"));
    let plan = proposed["structuredContent"]["plan"].as_str().unwrap();
    // While the program runs, rows stand in the log alone.
    copy(&env.path("data"), &env.path("running"));
    assert!(names(&env.path("running")).contains(&"harness.sqlite3-wal".to_owned()));
    let live = text(&env.run(&["audit", "export"]));
    client.finish();
    copy(&env.path("data"), &env.path("ended"));
    assert!(!names(&env.path("ended")).contains(&"harness.sqlite3-wal".to_owned()));
    let ended = text(&env.run(&["audit", "export"]));
    for (name, rows) in [("running", &live), ("ended", &ended)] {
        let data = env.path(name);
        close(&data, 0o500, 0o400);
        let before = names(&data);
        let run = |args: &[&str]| {
            let args = [args, &["--caller", "robin"]].concat();
            run(&env, protect, &data, &args)
        };
        assert_eq!(text(&run(&["audit", "export"])), **rows, "{name}");
        let verified: Value =
            serde_json::from_str(&text(&run(&["audit", "verify", "--json"]))).unwrap();
        assert_eq!(
            (verified["rows"].as_u64(), &verified["notices"]),
            (Some(rows.lines().count() as u64), &json!([])),
            "{name}"
        );
        let told = text(&run(&["audit", "tail"]));
        assert!(told.contains("proposer_scheme"), "{name}: {told}");
        let listed: Value = serde_json::from_str(&text(&run(&["plan", "list", "--json"]))).unwrap();
        assert_eq!(listed[0]["plan"], plan, "{name}");
        let shown = run(&["plan", "show", plan]);
        assert!(
            String::from_utf8_lossy(&shown.stderr).contains("not on record"),
            "{shown:?}"
        );
        assert!(text(&shown).contains("one"), "{name}");
        // What would change something is refused, and says why.
        let approved = run(&["plan", "approve", plan]);
        assert_eq!(approved.status.code(), Some(2), "{name}: {approved:?}");
        assert_eq!(names(&data), before, "{name}: reading writes nothing");
        close(&data, 0o700, 0o600);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_without_its_head_says_so() {
    let (_service, env) = TestEnv::beside_a_service().await;
    assert!(
        env.run(&["call", "count_up", "--caller", "robin"])
            .status
            .success()
    );
    let head = env.path("data/audit.head");
    let verify = || {
        let output = env.run(&["audit", "verify", "--json"]);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code(), report)
    };
    std::fs::write(&head, "").unwrap();
    let (code, report) = verify();
    assert_eq!((code, &report["whole"]), (Some(1), &json!(false)));
    assert!(report["faults"][0].as_str().unwrap().contains("audit.head"));
    std::fs::remove_file(&head).unwrap();
    let (code, report) = verify();
    assert_eq!((code, &report["whole"]), (Some(0), &json!(true)));
    assert!(report["notices"][0].as_str().unwrap().contains("--head"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_database_is_named_with_a_way_out() {
    let (_service, env) = TestEnv::beside_a_service().await;
    assert!(
        env.run(&["call", "count_up", "--caller", "robin"])
            .status
            .success()
    );
    let mut cases = 0;
    for (name, commands) in [
        (
            "harness.sqlite3",
            [&["audit", "verify"][..], &["call", "count_up"]],
        ),
        (
            "plans.sqlite3",
            [&["plan", "list"][..], &["call", "count_up"]],
        ),
    ] {
        let path = env.path("data").join(name);
        let good = std::fs::read(&path).unwrap();
        let mut torn = good.clone();
        torn[100..4_000].fill(0xff);
        for bytes in [b"not a database at all".repeat(100), torn] {
            std::fs::write(&path, bytes).unwrap();
            for command in commands {
                let args = [command, &["--caller", "robin"]].concat();
                let output = env.run(&args);
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                assert!(!output.status.success(), "{name}: {output:?}");
                assert!(
                    said.contains(name) && said.contains("is damaged") && said.contains("backup"),
                    "{name}: {said}"
                );
                // The cause stands there once.
                let cause = ["not a database", "malformed"]
                    .iter()
                    .map(|cause| said.matches(cause).count())
                    .sum::<usize>();
                assert_eq!(cause, 1, "{name}: {said}");
                cases += 1;
            }
        }
        std::fs::write(&path, good).unwrap();
    }
    println!("{cases} cases: damaged databases");
}
