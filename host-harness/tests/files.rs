//! Files that decide what happens, and what a process leaves open: nobody else changes the ones or
//! reads the other.

mod common;

use std::fs::{Permissions, set_permissions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::{Command, Output};

use command_fds::{CommandFdExt as _, FdMapping};
use serde_json::json;

use common::client::Client;
use common::env::TestEnv;

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn mode(path: &Path, mode: u32) {
    set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

const CALL: [&str; 4] = ["call", "count_up", "--caller", "robin"];

#[tokio::test(flavor = "multi_thread")]
async fn what_others_could_change_is_refused() {
    let (_service, env) = TestEnv::beside_a_service().await;
    env.write("own.cedar", &env.read("access/policies.cedar"));
    env.write("ca.pem", "");
    let operator = env.read("operator.toml");
    let granted = operator.replace(
        "allow-loopback = true\n",
        "allow-loopback = true\nca-file = \"ca.pem\"\n",
    );
    env.write(
        "operator.toml",
        &format!("{granted}[access]\npolicies = \"own.cedar\"\n"),
    );
    let good = env.run(&CALL);
    assert!(good.status.success(), "{}", said(&good));
    let mut cases = 0;
    for (name, modes) in [
        ("operator.toml", [0o646, 0o666]),
        ("skill.toml", [0o646, 0o666]),
        ("access", [0o757, 0o777]),
        ("access/policies.cedar", [0o646, 0o666]),
        ("access/schema.cedarschema", [0o646, 0o666]),
        ("own.cedar", [0o646, 0o666]),
        ("ca.pem", [0o646, 0o666]),
        ("guest.wasm", [0o646, 0o666]),
        (".", [0o757, 0o777]),
    ] {
        for exposed in modes {
            let path = env.path(name);
            let before = path.metadata().unwrap().mode();
            mode(&path, exposed);
            let refused = env.run(&CALL);
            assert_eq!(refused.status.code(), Some(2), "{name} {exposed:o}");
            assert!(
                said(&refused).contains("chmod go-w"),
                "{name}: {}",
                said(&refused)
            );
            mode(&path, before);
            cases += 1;
        }
    }
    assert!(env.run(&CALL).status.success());
    println!("{cases} cases: files and directories that others could change");
}

/// A folder that looks like this project, and is somebody's: what lies in it decides nothing.
#[test]
fn the_current_directory_decides_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for name in ["bin", "there/target/component", "there/manifests"] {
        std::fs::create_dir_all(at(name)).unwrap();
    }
    let program = at("bin/crm-harness");
    let built = env!("CARGO_BIN_EXE_crm-harness");
    if std::fs::hard_link(built, &program).is_err() {
        std::fs::copy(built, &program).unwrap();
    }
    let component = common::component(common::WIT, common::WAT, true);
    std::fs::write(at("there/target/component/crm_skill.wasm"), &component).unwrap();
    let manifest = "[skill]\nname = \"guest\"\npackage = \"test:guest@0.1.0\"\n";
    std::fs::write(at("there/manifests/skill.toml"), manifest).unwrap();
    let actions = |args: &[&str]| {
        Command::new(&program)
            .arg("actions")
            .args(args)
            .current_dir(at("there"))
            .env_clear()
            .env("HOME", folder.path())
            .output()
            .unwrap()
    };
    let nothing = actions(&[]);
    assert_eq!(nothing.status.code(), Some(2), "{}", said(&nothing));
    assert!(said(&nothing).contains("--manifest"), "{}", said(&nothing));
    // Named, it is used.
    let named = actions(&[
        "--manifest",
        "manifests/skill.toml",
        "--component",
        "target/component/crm_skill.wasm",
    ]);
    assert!(named.status.success(), "{}", said(&named));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_leaves_no_core_file() {
    let (_service, env) = TestEnv::beside_a_service().await;
    let child = env.start(&["mcp", "--caller", "robin"]);
    let process = child.id();
    let client = Client::begun(child, json!({}));
    let limits = std::fs::read_to_string(format!("/proc/{process}/limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core"));
    let values: Vec<_> = core.unwrap().split_whitespace().skip(4).take(2).collect();
    assert_eq!(values, ["0", "0"], "{limits}");
    // What must not be dumped belongs to root in /proc.
    let owner = std::fs::metadata(format!("/proc/{process}/environ")).unwrap();
    if rustix::process::geteuid().is_root() {
        println!("left out: root's processes belong to root, dumpable or not");
    } else {
        assert_eq!(owner.uid(), 0);
    }
    client.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_descriptor_with_a_secret_is_closed() {
    let (service, env) = TestEnv::beside_a_service_with_key("fd:7").await;
    let (reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(b"the-service-key\n").unwrap();
    drop(writer);
    let mut command = env.command(&["mcp", "--caller", "bolt"]);
    command
        .fd_mappings(vec![FdMapping {
            parent_fd: reader.into(),
            child_fd: 7,
        }])
        .unwrap();
    command
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let child = command.spawn().unwrap();
    let process = child.id();
    let mut client = Client::begun(child, json!({}));
    let answer = client.call("proposer_scheme", common::env::scheme("one"));
    assert_eq!(answer["isError"], false, "{answer}");
    let seen = service.seen();
    assert_eq!(seen[0].headers["authorization"], "Bearer the-service-key");
    match std::fs::read_dir(format!("/proc/{process}/fd")) {
        Ok(open) => {
            let pipe = |entry: std::io::Result<std::fs::DirEntry>| {
                let entry = entry.unwrap();
                let target = entry.path().read_link().unwrap_or_default();
                let pipe = target.to_string_lossy().starts_with("pipe:");
                (entry.file_name().to_string_lossy().into_owned(), pipe)
            };
            let pipes: Vec<_> = open.map(pipe).filter(|(_, pipe)| *pipe).collect();
            assert!(
                !pipes.iter().any(|(number, _)| number == "7"),
                "descriptor 7 is a pipe still: {pipes:?}"
            );
        }
        Err(error) => println!("left out: open files of a protected process are not told: {error}"),
    }
    client.finish();
}
