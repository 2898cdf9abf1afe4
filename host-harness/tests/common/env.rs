//! A folder with all that the program needs to serve the guest that proposes, and the program
//! there.

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use crm_harness::config::Scope;
use crm_harness::config::tokens::stored;
use serde_json::{Value, json};

use super::server::{Answer, Server};

/// A folder with a component, its files and an operator file, in which the program runs.
pub(crate) struct TestEnv {
    folder: tempfile::TempDir,
}

impl TestEnv {
    /// A folder with the guest, an operator file that accepts it, and its one service at this
    /// origin. The callers: robin and jo are members, bolt's plans need no approval, wanda may not
    /// approve.
    pub(crate) fn new(service: &str) -> Self {
        Self::with(service, None)
    }

    /// The same, where the service takes a key, found where this says.
    fn with(service: &str, secret: Option<&str>) -> Self {
        let env = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        std::fs::create_dir(env.path("access")).unwrap();
        for (name, text) in [
            ("skill.toml", include_str!("proposer/skill.toml")),
            (
                "access/policies.cedar",
                include_str!("proposer/access/policies.cedar"),
            ),
            (
                "access/schema.cedarschema",
                include_str!("proposer/access/schema.cedarschema"),
            ),
        ] {
            std::fs::write(env.path(name), text).unwrap();
        }
        std::fs::write(env.path("guest.wasm"), super::proposer()).unwrap();
        if secret.is_some() {
            let asked = "origin-env = \"SERVICE_URL\"\n";
            let keyed =
                format!("{asked}secret-env = \"SERVICE_KEY\"\nsecret-prefix = \"Bearer \"\n");
            env.write("skill.toml", &env.read("skill.toml").replace(asked, &keyed));
        }
        let callers = [
            ("robin", "member"),
            ("jo", "member"),
            ("bolt", "robot"),
            ("wanda", "watcher"),
        ];
        let mut operator =
            format!("[destinations.service]\norigin = \"{service}\"\nallow-loopback = true\n");
        if let Some(secret) = secret {
            operator.push_str(&format!("secret = \"{secret}\"\n"));
        }
        for (name, role) in callers {
            operator.push_str(&format!(
                "[callers.{name}]\nemail = \"{name}@example.com\"\nrole = \"{role}\"\nelicitation = \"approve\"\n\
                 tokens = [\"{}\", \"{}\"]\n",
                stored(&token(name), Scope::Approve),
                stored(&token(&format!("{name}-agent")), Scope::Propose)
            ));
        }
        // An agent for which nobody says more.
        operator.push_str("[callers.pat]\nemail = \"pat@example.com\"\nrole = \"member\"\n");
        env.write("operator.toml", &operator);
        let trusted = env.run(&["trust", "--accept"]);
        assert!(trusted.status.success(), "{trusted:?}");
        env
    }

    /// A service that answers every write, and the folder for it.
    pub(crate) async fn beside_a_service() -> (Server, Self) {
        Self::beside(None).await
    }

    /// The same, where the service takes a key, found where this says.
    pub(crate) async fn beside_a_service_with_key(secret: &str) -> (Server, Self) {
        Self::beside(Some(secret)).await
    }

    async fn beside(secret: Option<&str>) -> (Server, Self) {
        let service =
            Server::start(|_| Answer::json("{\"data\":{\"createTask\":{\"id\":\"1\"}}}")).await;
        let env = Self::with(&service.origin(), secret);
        (service, env)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// The program with these arguments.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        // One built for release, where that is what is measured.
        let program = std::env::var_os("CRM_HARNESS_BIN");
        let program = program.unwrap_or_else(|| env!("CARGO_BIN_EXE_crm-harness").into());
        let mut command = Command::new(program);
        command
            .args(args)
            .current_dir(self.folder.path())
            .env_clear()
            .args(["--component", "guest.wasm"])
            .args(["--operator", "operator.toml"])
            .args(["--cache-dir", "code", "--data-dir", "data"]);
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).stdin(Stdio::null()).output().unwrap()
    }

    /// Starts the program, its standard streams as pipes.
    pub(crate) fn start(&self, args: &[&str]) -> Child {
        self.command(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// The record: a row a line.
    pub(crate) fn record(&self) -> Vec<Value> {
        let exported = self.run(&["audit", "export"]);
        assert!(exported.status.success(), "{exported:?}");
        let text = String::from_utf8(exported.stdout).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

/// A caller's token; as good as one that was drawn.
pub(crate) fn token(caller: &str) -> String {
    format!("ch_token-of-{caller}-that-is-as-long-as-it-should-be")
}

/// Arguments of `proposer_scheme` for a plan that makes one thing with this title.
pub(crate) fn scheme(title: &str) -> Value {
    let body = json!({
        "query": "mutation Make($id: UUID!, $title: String!) { createTask(data: { id: $id, title: $title }) { id } }",
        "variables": {"id": "0b7e7dee-1f0e-4b8e-9a31-94c6a7c1a001", "title": title},
    });
    json!({"what": {
        "words": "Make one thing",
        "about": [],
        "warnings": [],
        "steps": [{
            "id": format!("make-{}", title.replace(' ', "-")),
            "destination": "service",
            "method": "post",
            "path": "/graphql",
            "body": body.to_string(),
            "words": "make it",
            "timing": {"case": "in-order"},
            "slots": [], "changes": [], "basis": [], "disclosures": [],
        }],
    }})
}
