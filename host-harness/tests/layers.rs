//! Holds the sources to their layers: no circle between files or folders, and no arrow upwards.

use std::path::Path;

use source_checks::layers::{Imports, Layers};

/// Rows of the drawing in the architecture page, from above; a file uses its own row and those
/// below. Plans ask the judge, never the component.
const LAYERS: Layers<'_> = Layers {
    rows: &[
        &["cli"],
        &["server"],
        &["harness"],
        &["plans", "trust"],
        &["runtime"],
        &["access", "judge"],
        &["config"],
        &["outbound"],
        &["observed", "audit"],
        &[
            "clock",
            "database",
            "denial",
            "digest",
            "events",
            "failure",
            "json_path",
            "proposal",
            "storage",
            "text",
            "words",
        ],
    ],
    neighbours: true,
    forbidden: &[("plans", "runtime")],
};

#[test]
fn sources_have_no_circles_and_no_upward_arrows() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let imports = Imports::read(&sources, "crm_harness").unwrap();
    let (files, arrows) = (imports.files(), imports.arrows());
    println!("{files} files, {arrows} arrows between them");
    assert!(files > 150 && arrows > 600, "the sources were not read");
    let mut wrong = imports.circles();
    wrong.extend(imports.upward(&LAYERS));
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
