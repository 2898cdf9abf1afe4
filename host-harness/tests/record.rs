//! The record: what is written, what never is, and what shows when somebody has been at it.

use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use crm_harness::audit::{Audit, Fault, Head, Notice, Reader, Row};
use crm_harness::clock::FixedClock;
use crm_harness::denial::{Denial, DenialCode};
use crm_harness::events::{
    AuditSink, Began, CallId, Decided, DisclosureEvent, Ended, Finished, Phase, Planned, Refused,
    RequestEnd, Ruled,
};
use rusqlite::Connection;
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use serde_json::{Value, json};

fn open(folder: &Path) -> Audit {
    Audit::open(
        folder,
        Arc::new(FixedClock(Duration::from_millis(1_772_323_200_000))),
    )
    .unwrap()
}

fn database(folder: &Path) -> Connection {
    Connection::open(folder.join("harness.sqlite3")).unwrap()
}

/// A call with one request.
fn call(audit: &Audit) {
    let call = CallId::new();
    audit
        .began(&Began {
            call,
            action: "demo_find",
            caller: Some("robin"),
            component: "c0",
            policy: "p0",
            permitted_by: &[],
        })
        .unwrap();
    audit.decided(&request(call)).unwrap();
    audit
        .finished(&Finished {
            call,
            phase: Phase::Read,
            destination: "service",
            rule: "service: POST /query",
            end: RequestEnd::Answered {
                status: 200,
                bytes: 5,
            },
            elapsed: Duration::from_millis(3),
        })
        .unwrap();
    audit
        .ended(&Ended {
            call,
            outcome: "done",
            sources: &[],
            requests: 1,
            refused: 0,
            elapsed: Duration::from_millis(4),
        })
        .unwrap();
}

fn request(call: CallId) -> Decided<'static> {
    Decided {
        call,
        phase: Phase::Read,
        destination: Some("service"),
        rule: Some("service: POST /query"),
        document: Some("find"),
        request_bytes: 12,
        refused: None,
    }
}

fn rows(folder: &Path) -> Vec<Row> {
    Reader::open(folder).unwrap().tail(1000).unwrap()
}

fn faults(folder: &Path) -> Vec<Fault> {
    Reader::open(folder).unwrap().verify(None).unwrap().faults
}

#[test]
fn audit_rows_of_a_call_form_a_chain() {
    let folder = tempfile::tempdir().unwrap();
    let audit = open(folder.path());
    call(&audit);
    call(&audit);
    let rows = rows(folder.path());
    let kinds: Vec<_> = rows.iter().map(|row| row.kind.as_str()).collect();
    assert_eq!(kinds, ["call", "request", "answer", "result"].repeat(2));
    assert_eq!(rows[0].at, 1_772_323_200_000);
    assert_eq!(
        rows[1].body,
        r#"{"phase":"read","destination":"service","rule":"service: POST /query","document":"find","bytes":12}"#
    );
    assert!(rows[..4].iter().all(|row| row.call == rows[0].call));
    let report = Reader::open(folder.path()).unwrap().verify(None).unwrap();
    assert_eq!((report.rows, report.faults), (8, vec![]));
    assert_eq!(report.head, rows[7].head());
}

#[test]
fn decision_is_stored_before_the_request_leaves() {
    let folder = tempfile::tempdir().unwrap();
    let audit = open(folder.path());
    audit.decided(&request(CallId::new())).unwrap();
    assert_eq!(rows(folder.path()).len(), 1);
}

#[test]
fn every_way_of_tampering_shows() {
    type Tamper = fn(&Connection) -> rusqlite::Result<usize>;
    let cases: [(&str, Tamper, Fault); 5] = [
        (
            "a changed body",
            |db| db.execute("UPDATE audit SET body = '{}' WHERE seq = 3", []),
            Fault::Altered { seq: 3 },
        ),
        (
            "a changed time",
            |db| db.execute("UPDATE audit SET at = at + 1 WHERE seq = 2", []),
            Fault::Altered { seq: 2 },
        ),
        (
            "a row taken out",
            |db| db.execute("DELETE FROM audit WHERE seq = 4", []),
            Fault::Broken { seq: 5, after: 3 },
        ),
        (
            "the first rows taken out",
            |db| db.execute("DELETE FROM audit WHERE seq < 3", []),
            Fault::Broken { seq: 3, after: 0 },
        ),
        (
            "a row put in",
            |db| {
                db.execute(
                    "INSERT INTO audit SELECT 9, at, kind, call, body, hash, zeroblob(32) FROM audit WHERE seq = 8",
                    [],
                )
            },
            Fault::Altered { seq: 9 },
        ),
    ];
    for (name, tamper, expected) in cases {
        let folder = tempfile::tempdir().unwrap();
        let audit = open(folder.path());
        call(&audit);
        call(&audit);
        drop(audit);
        assert_eq!(
            tamper(&database(folder.path())).unwrap_or(0).min(1),
            1,
            "{name}"
        );
        assert!(
            faults(folder.path()).contains(&expected),
            "{name}: {:?}",
            faults(folder.path())
        );
    }
}

#[test]
fn cut_audit_tail_is_detected_at_start() {
    let folder = tempfile::tempdir().unwrap();
    let audit = open(folder.path());
    call(&audit);
    drop(audit);
    let kept = rows(folder.path())[3].head();
    database(folder.path())
        .execute("DELETE FROM audit WHERE seq > 2", [])
        .unwrap();
    assert_eq!(faults(folder.path()), [Fault::Cut { kept }]);
    drop(open(folder.path()));
    let gap = rows(folder.path()).pop().unwrap();
    assert_eq!((gap.seq, gap.kind.as_str()), (3, "gap"));
    assert!(gap.body.contains(&kept.to_string()), "{}", gap.body);
    // It stays a fault: nobody can heal a record by starting the harness again.
    drop(open(folder.path()));
    assert_eq!(faults(folder.path()), [Fault::Gap { seq: 3 }]);
}

#[test]
fn rewritten_audit_log_fails_against_a_kept_head() {
    let folder = tempfile::tempdir().unwrap();
    let audit = open(folder.path());
    call(&audit);
    let anchor = rows(folder.path())[3].head();
    drop(audit);
    for entry in folder.path().read_dir().unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    let audit = open(folder.path());
    call(&audit);
    call(&audit);
    let verify = |anchor| {
        Reader::open(folder.path())
            .unwrap()
            .verify(anchor)
            .unwrap()
            .faults
    };
    assert_eq!(verify(None), []);
    assert_eq!(verify(Some(anchor)), [Fault::Replaced { kept: anchor }]);
    let beyond = Head { seq: 99, ..anchor };
    assert_eq!(verify(Some(beyond)), [Fault::Cut { kept: beyond }]);
}

#[test]
fn what_cannot_be_written_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let audit = open(folder.path());
    call(&audit);
    database(folder.path())
        .execute_batch("ALTER TABLE audit RENAME TO elsewhere")
        .unwrap();
    let error = audit
        .decided(&request(CallId::new()))
        .unwrap_err()
        .to_string();
    assert!(error.contains("could not be put on record"), "{error}");
    // The request was not sent, so nothing says later that it was let through.
    database(folder.path())
        .execute_batch("ALTER TABLE elsewhere RENAME TO audit")
        .unwrap();
    call(&audit);
    assert_eq!(rows(folder.path()).len(), 8);
    assert_eq!(faults(folder.path()), []);
}

type Event = fn(&Audit, CallId) -> bool;

fn ended(audit: &Audit, call: CallId) -> bool {
    let event = Ended {
        call,
        outcome: "done",
        sources: &[],
        requests: 1,
        refused: 0,
        elapsed: Duration::ZERO,
    };
    audit.ended(&event).is_ok()
}

fn finished(audit: &Audit, call: CallId, phase: Phase) -> bool {
    let event = Finished {
        call,
        phase,
        destination: "service",
        rule: "service: POST /query",
        end: RequestEnd::FromMemory,
        elapsed: Duration::ZERO,
    };
    audit.finished(&event).is_ok()
}

fn decided(audit: &Audit, call: CallId, phase: Phase) -> bool {
    let event = Decided {
        phase,
        ..request(call)
    };
    audit.decided(&event).is_ok()
}

fn refused(audit: &Audit, call: CallId) -> bool {
    let denial = Denial {
        code: DenialCode::Path,
        reason: "no".to_owned(),
        destination: None,
        nearest: None,
        fix: "no".to_owned(),
    };
    let refused = Refused {
        denial: &denial,
        sha256: [0; 32],
        url_bytes: 5,
    };
    let event = Decided {
        refused: Some(refused),
        ..request(call)
    };
    audit.decided(&event).is_ok()
}

fn planned(audit: &Audit, call: CallId, state: &str, ahead: bool) -> bool {
    let event = Planned {
        call,
        plan: "d0",
        state,
        steps: 1,
        by: None,
        ahead,
    };
    audit.planned(&event).is_ok()
}

fn shared(audit: &Audit, call: CallId) -> bool {
    let event = DisclosureEvent {
        call,
        plan: "d0",
        step: 2,
        event: "share",
        service: "service",
        message: None,
        record: None,
        fields: &[],
        recipients: &[],
        group: None,
        policies: &[],
        policy: "p0",
        certain: true,
    };
    audit.shared(&event).is_ok()
}

fn ruled(audit: &Audit, call: CallId) -> bool {
    let event = Ruled {
        call,
        by: None,
        plan: None,
        deed: "change",
        record: None,
        permitted: true,
        policies: &[],
    };
    audit.ruled(&event).is_ok()
}

/// Every event while nothing can be written: whether it is refused, and what of it is on record
/// once that is over.
#[test]
fn only_what_happened_is_written_later() {
    let cases: [(&str, Event, bool, &[&str]); 11] = [
        (
            "a request that is let through",
            |audit, call| decided(audit, call, Phase::Read),
            false,
            &[],
        ),
        (
            "a write that is let through",
            |audit, call| decided(audit, call, Phase::Perform),
            false,
            &[],
        ),
        ("a refusal", refused, false, &["refusal"]),
        (
            "an approval",
            |audit, call| planned(audit, call, "approved", true),
            false,
            &[],
        ),
        (
            "a plan that has moved",
            |audit, call| planned(audit, call, "done", false),
            false,
            &["plan"],
        ),
        ("what was given away", shared, false, &["shared"]),
        (
            "the answer to a read",
            |audit, call| finished(audit, call, Phase::Read),
            true,
            &["answer"],
        ),
        (
            "the answer to a write",
            |audit, call| finished(audit, call, Phase::Perform),
            false,
            &["answer"],
        ),
        ("a ruling", ruled, true, &["ruling"]),
        ("the end of a call", ended, false, &["result"]),
        (
            "a failing disk before a step",
            |audit, _| audit.settle().is_ok(),
            false,
            &[],
        ),
    ];
    for (name, event, taken, later) in cases {
        let folder = tempfile::tempdir().unwrap();
        let audit = open(folder.path());
        let broken = CallId::new();
        // Something waits in any case, so that there is something to write.
        assert!(ruled(&audit, broken));
        database(folder.path())
            .execute_batch("ALTER TABLE audit RENAME TO elsewhere")
            .unwrap();
        assert_eq!(event(&audit, broken), taken, "{name}");
        database(folder.path())
            .execute_batch("ALTER TABLE elsewhere RENAME TO audit")
            .unwrap();
        call(&audit);
        let rows = rows(folder.path());
        let broken = broken.to_string();
        let found: Vec<_> = rows.iter().filter(|row| row.call == broken).collect();
        let kinds: Vec<_> = found.iter().skip(1).map(|row| row.kind.as_str()).collect();
        assert_eq!(kinds, later, "{name}");
        if kinds == ["result"] {
            assert!(
                found[1].body.contains(r#""outcome":"record""#),
                "the result was withheld: {}",
                found[1].body
            );
        }
        assert_eq!(faults(folder.path()), [], "{name}");
    }
}

#[test]
fn a_locked_record_forgets_what_it_refused() {
    let folder = tempfile::tempdir().unwrap();
    let audit = open(folder.path());
    call(&audit);
    // Another process holds the head for longer than a writer waits.
    let head = std::fs::File::open(folder.path().join("audit.head")).unwrap();
    head.lock().unwrap();
    let broken = CallId::new();
    assert!(!decided(&audit, broken, Phase::Read));
    head.unlock().unwrap();
    call(&audit);
    assert_eq!(rows(folder.path()).len(), 8);
    assert_eq!(faults(folder.path()), []);
}

/// A record whose head lies where writing can be stopped while the database goes on: in memory,
/// behind a link.
fn with_sealable_head(folder: &Path) -> OwnedFd {
    let flags = MemfdFlags::ALLOW_SEALING;
    let head = memfd_create("audit.head", flags).unwrap();
    let place = format!("/proc/{}/fd/{}", std::process::id(), head.as_raw_fd());
    std::os::unix::fs::symlink(place, folder.join("audit.head")).unwrap();
    head
}

/// The program's own word about the record in a folder.
fn audit(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_crm-harness"))
        .arg("audit")
        .args(args)
        .arg("--data-dir")
        .arg(folder)
        .args(["--time-zone", "UTC"])
        .env_clear()
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8([&output.stdout[..], &output.stderr].concat()).unwrap()
}

/// A row that was written before something failed cannot be unwritten: what it says did not happen,
/// and the row after it says so.
#[test]
fn what_a_row_says_in_vain_is_taken_back() {
    let cases: [(&str, Event); 4] = [
        ("request", |audit, call| decided(audit, call, Phase::Read)),
        ("request", |audit, call| {
            decided(audit, call, Phase::Perform)
        }),
        ("plan", |audit, call| planned(audit, call, "approved", true)),
        ("result", ended),
    ];
    for (kind, event) in cases {
        let folder = tempfile::tempdir().unwrap();
        let head = with_sealable_head(folder.path());
        let audit_log = open(folder.path());
        call(&audit_log);
        let before = Reader::open(folder.path()).unwrap().verify(None).unwrap();
        assert_eq!(
            (before.faults, before.notices, before.rows),
            (vec![], vec![], 4)
        );
        fcntl_add_seals(&head, SealFlags::WRITE).unwrap();
        let broken = CallId::new();
        assert!(!event(&audit_log, broken), "{kind}: it is refused");
        // Whoever looks now is not misled, whatever becomes of the process.
        let read = rows(folder.path());
        let kinds: Vec<_> = read.iter().skip(4).map(|row| row.kind.as_str()).collect();
        assert_eq!(kinds[..2], [kind, "void"], "{kinds:?}");
        assert_eq!(read[5].body, r#"{"row":5}"#);
        assert!(
            read.iter()
                .skip(4)
                .all(|row| row.call == broken.to_string())
        );
        let report = Reader::open(folder.path()).unwrap().verify(None).unwrap();
        assert_eq!(report.faults, [], "{kind}");
        assert_eq!(report.notices, [Notice::Void { seq: 6, row: 5 }], "{kind}");

        let verified = said(&audit(folder.path(), &["verify"]));
        assert!(
            verified.contains("The audit log is complete")
                && verified.contains("row 6 takes row 5 back: what it says did not happen"),
            "{verified}"
        );
        let verified = audit(folder.path(), &["verify", "--json"]);
        let verified: Value = serde_json::from_slice(&verified.stdout).unwrap();
        assert_eq!(verified["whole"], true);
        assert_eq!(
            verified["notices"],
            json!(["row 6 takes row 5 back: what it says did not happen"])
        );
        let tail = said(&audit(folder.path(), &["tail"]));
        let line = tail.lines().find(|line| line.contains("  void  ")).unwrap();
        assert!(line.contains("what row 5 says did not happen"), "{line}");
        let exported = said(&audit(folder.path(), &["export", "--from", "6"]));
        let row: Value = serde_json::from_str(exported.lines().next().unwrap()).unwrap();
        assert_eq!(
            (&row["kind"], &row["body"]),
            (&json!("void"), &json!({"row": 5}))
        );

        // The next start goes on with a head that it can write, and nothing more is said of that
        // event.
        let kept = std::fs::read(folder.path().join("audit.head")).unwrap();
        drop(audit_log);
        std::fs::remove_file(folder.path().join("audit.head")).unwrap();
        std::fs::write(folder.path().join("audit.head"), kept).unwrap();
        call(&open(folder.path()));
        let after = rows(folder.path());
        let same = |row: &&Row| row.call == broken.to_string() && row.kind == kind;
        let told: Vec<_> = after.iter().filter(same).map(|row| &row.body).collect();
        let withheld = kind == "result";
        assert_eq!(told.len(), 1 + usize::from(withheld), "{told:?}");
        if withheld {
            assert!(told[1].contains(r#""outcome":"record""#), "{told:?}");
        }
        assert_eq!(faults(folder.path()), [], "{kind}");
    }
}

#[test]
fn an_emptied_head_is_a_fault() {
    for text in ["", "\n", "no head at all\n", "\0\0\0\0"] {
        let folder = tempfile::tempdir().unwrap();
        let audit = open(folder.path());
        call(&audit);
        drop(audit);
        std::fs::write(folder.path().join("audit.head"), text).unwrap();
        assert_eq!(faults(folder.path()), [Fault::HeadUnreadable], "{text:?}");
        // The next start goes on, and the fault stays on record.
        call(&open(folder.path()));
        assert_eq!(faults(folder.path()), [Fault::Gap { seq: 5 }], "{text:?}");
    }
}

#[test]
fn a_missing_head_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let audit = open(folder.path());
    call(&audit);
    drop(audit);
    std::fs::remove_file(folder.path().join("audit.head")).unwrap();
    let report = || Reader::open(folder.path()).unwrap().verify(None).unwrap();
    assert_eq!(
        (report().faults, report().notices),
        (vec![], vec![Notice::NoHead])
    );
    call(&open(folder.path()));
    assert_eq!(
        (report().faults, report().notices),
        (vec![], vec![Notice::HeadMade { seq: 5 }])
    );
}

#[test]
fn what_waits_to_be_written_is_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let audit = open(folder.path());
    database(folder.path())
        .execute_batch("ALTER TABLE audit RENAME TO elsewhere")
        .unwrap();
    let began = || {
        audit.began(&Began {
            call: CallId::new(),
            action: "demo_find",
            caller: None,
            component: "c0",
            policy: "p0",
            permitted_by: &[],
        })
    };
    let taken = (0..5_000).filter(|_| began().is_ok()).count();
    assert!(taken < 2_000, "{taken} calls began without a record");
    database(folder.path())
        .execute_batch("ALTER TABLE elsewhere RENAME TO audit")
        .unwrap();
    began().unwrap();
    drop(audit);
    assert_eq!(faults(folder.path()), []);
    let reader = Reader::open(folder.path()).unwrap();
    assert_eq!(reader.tail(5_000).unwrap().len(), taken + 1);
}

#[test]
fn several_processes_may_write_to_one_record() {
    let folder = tempfile::tempdir().unwrap();
    let one = open(folder.path());
    let other = open(folder.path());
    std::thread::scope(|scope| {
        for audit in [&one, &other] {
            scope.spawn(|| (0..50).for_each(|_| call(audit)));
        }
    });
    assert_eq!(rows(folder.path()).len(), 400);
    assert_eq!(faults(folder.path()), []);
}

#[test]
fn the_files_are_this_users_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let audit = open(folder.path());
    call(&audit);
    for entry in folder.path().read_dir().unwrap() {
        let entry = entry.unwrap();
        assert_eq!(
            entry.metadata().unwrap().permissions().mode() & 0o077,
            0,
            "{:?}",
            entry.path()
        );
    }
}
