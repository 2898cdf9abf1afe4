//! Checks the layers of the crate: imports point downward, and no files or folders import each
//! other in a circle.

use std::path::Path;

use source_checks::layers::{Imports, Layers};

/// The files and folders of `src`, the highest layer first. Each may use those of lower layers
/// alone.
const LAYERS: Layers<'_> = Layers {
    rows: &[
        &["actions", "judge", "wasi"],
        &["tezit"],
        &["twenty", "workspace"],
        &["plan", "rest"],
        &["context"],
        &["hidden_fields"],
        &["day", "ids", "text"],
        &["failure", "markdown", "names", "transport"],
        &["bindings"],
    ],
    neighbours: false,
    forbidden: &[],
};

fn imports() -> Imports {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let imports = Imports::read(&sources, "crm_skill").unwrap();
    let (files, arrows) = (imports.files(), imports.arrows());
    println!("{files} files, {arrows} arrows between them");
    assert!(files > 50 && arrows > 100, "the sources were not read");
    imports
}

#[test]
fn imports_point_downward() {
    let upward = imports().upward(&LAYERS);
    assert!(upward.is_empty(), "{upward:#?}");
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let circles = imports().circles();
    assert!(circles.is_empty(), "{circles:#?}");
}
