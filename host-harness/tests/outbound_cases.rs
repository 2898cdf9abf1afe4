//! The corpora of outbound cases, run through the gate's own decisions.

use std::path::Path;

use crm_harness::outbound::policy::cases;

fn check(path: &Path) {
    let corpus = std::fs::read_to_string(path).unwrap();
    let report = cases::run(&corpus).unwrap();
    println!(
        "{}: {} passed, {} failed",
        path.display(),
        report.passed,
        report.failed.len()
    );
    assert!(report.failed.is_empty(), "{:#?}", report.failed);
    assert!(report.passed > 0);
}

#[test]
fn every_case_of_our_own_comes_out_as_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cases");
    for name in ["addresses", "first", "names", "outbound"] {
        check(&folder.join(format!("{name}.json")));
    }
}

#[test]
fn shared_corpus_comes_out_as_expected() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/cases/outbound.json");
    if path.exists() {
        check(&path);
    } else {
        println!("not run: there is no shared corpus beside the repository");
    }
}

#[test]
fn a_case_that_expects_the_contrary_is_reported() {
    let corpus = r#"[{"kind": "address", "given": {"ip": "8.8.8.8"}, "expected": "deny"}]"#;
    assert_eq!(cases::run(corpus).unwrap().failed.len(), 1);
}
