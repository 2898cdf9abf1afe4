//! `crm-harness trust`: shows a component and its manifest, and accepts them.

use std::fs;
use std::io::{IsTerminal as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use anyhow::{Context as _, anyhow};
use crm_harness::Skill;
use crm_harness::config::{Manifest, Operator, Pins};
use crm_harness::trust::{Asked, Change, write_pins};
use serde_json::{Value, json};

use super::args::Args;
use super::report::{End, Misuse};
use super::resolve::{self, data_dir};
use super::{ask, render};

/// A component and its manifest, and what they ask for.
pub(super) struct Looked {
    pub(super) pins: Pins,
    pub(super) asked: Asked,
    pub(super) manifest: Manifest,
    pub(super) component: Vec<u8>,
}

/// Reads the component and the manifest that the arguments name, without running anything.
pub(super) fn look(args: &Args) -> Result<Looked, Misuse> {
    let manifest = Manifest::read(&resolve::manifest(args)?)
        .map_err(|error| Misuse::new(error.code(), error))?;
    let component = resolve::read_component(&resolve::component(args)?)?;
    let cache = resolve::cache(args)?;
    let skill = Skill::load(
        &component,
        &manifest,
        manifest.limits.memory_mib,
        cache.as_deref(),
    )
    .map_err(|error| Misuse::new(error.code(), error))?;
    let inspection = skill.inspection();
    Ok(Looked {
        pins: Pins {
            component: inspection.sha256.clone(),
            manifest: manifest.sha256.clone(),
        },
        asked: Asked::by(&manifest, inspection),
        manifest,
        component,
    })
}

pub(super) fn run(args: &Args, accept: bool) -> Result<End, Misuse> {
    let Some(path) = &args.operator else {
        let message = "name the operator file with --operator: what is accepted is written there. `crm-harness init` makes one";
        return Err(anyhow!(message).into());
    };
    let operator = Operator::read(path).map_err(|error| Misuse::new(error.code(), error))?;
    let looked = look(args)?;
    let folder = data_dir(args)?;
    let before = operator.trust.as_ref();
    if before == Some(&looked.pins) {
        // Stored again, for an operator file that comes from another machine.
        looked
            .asked
            .keep(&folder, &looked.pins)
            .context("cannot keep what was accepted")?;
        report(args, "accepted", &looked, None, &[]);
        return Ok(End::Done);
    }
    let kept = before.and_then(|pins| Asked::kept(&folder, pins));
    let changes = kept.clone().unwrap_or_default().difference(&looked.asked);
    let accepted = accept
        || (std::io::stdin().is_terminal() && {
            tell(before, kept.is_some(), &changes);
            ask::yes("\nAccept this component and its skill.toml?")
        });
    let state = if accepted { "accepted" } else { "not accepted" };
    let known = kept.is_some();
    report(args, state, &looked, Some((before, known)), &changes);
    if !accepted {
        return Ok(End::Failed);
    }
    looked
        .asked
        .keep(&folder, &looked.pins)
        .context("cannot keep what was accepted")?;
    pin(path, &looked.pins)?;
    Ok(End::Done)
}

fn tell(before: Option<&Pins>, known: bool, changes: &[Change]) {
    render::print(&match (before, known) {
        (None, _) => "Nothing has been accepted yet. This is all that it asks for:\n\n".to_owned(),
        (Some(_), false) => "Another version was accepted, but on this machine nothing is known of it. This is all that this one asks for:\n\n".to_owned(),
        (Some(_), true) if changes.is_empty() => "Another version was accepted. It asked for the same; only its code differs.\n".to_owned(),
        (Some(_), true) => "Another version was accepted. What this one asks for differs in this:\n\n".to_owned(),
    });
    render::print(&render::table(&changes.iter().map(row).collect::<Vec<_>>()));
}

fn row(change: &Change) -> Vec<String> {
    match change {
        Change::Added { name, after } => vec!["+".into(), name.clone(), after.clone()],
        Change::Removed { name, before } => vec!["-".into(), name.clone(), before.clone()],
        Change::Changed {
            name,
            before,
            after,
        } => {
            vec!["~".into(), name.clone(), format!("{before}  ->  {after}")]
        }
    }
}

/// Prints the result. `before` is what had been accepted, and whether it is known here; none if it
/// was the same.
fn report(
    args: &Args,
    state: &str,
    looked: &Looked,
    before: Option<(Option<&Pins>, bool)>,
    changes: &[Change],
) {
    if args.json {
        let changes: Vec<Value> = changes
            .iter()
            .map(|change| match change {
                Change::Added { name, after } => {
                    json!({"case": "added", "name": name, "after": after})
                }
                Change::Removed { name, before } => {
                    json!({"case": "removed", "name": name, "before": before})
                }
                Change::Changed {
                    name,
                    before,
                    after,
                } => {
                    json!({"case": "changed", "name": name, "before": before, "after": after})
                }
            })
            .collect();
        render::print(&render::pretty(&json!({
            "accepted": state == "accepted",
            "component": looked.pins.component,
            "manifest": looked.pins.manifest,
            "changes": changes,
        })));
        return;
    }
    if let Some((before, known)) = before.filter(|_| !std::io::stdin().is_terminal()) {
        tell(before, known, changes);
    }
    render::print(&format!(
        "\n{state}\ncomponent  {}\nskill.toml {}\n",
        looked.pins.component, looked.pins.manifest
    ));
    if state != "accepted" {
        render::note("nothing was changed; accept it with `crm-harness trust --accept`");
    }
}

/// Writes pins into an operator file, atomically and with the mode that it had.
fn pin(path: &Path, pins: &Pins) -> Result<(), Misuse> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let text = write_pins(&text, pins).map_err(|error| anyhow!(error.message().to_owned()))?;
    let mode = fs::metadata(path).map_or(0o600, |meta| meta.mode() & 0o777);
    replace(path, &text, mode).with_context(|| {
        format!(
            "cannot write {}; write this into it:\n\n[trust]\ncomponent = \"{}\"\nmanifest = \"{}\"\n",
            path.display(),
            pins.component,
            pins.manifest
        )
    })?;
    Ok(())
}

/// Replaces a file's text atomically.
pub(super) fn replace(path: &Path, text: &str, mode: u32) -> std::io::Result<()> {
    // A symbolic link is followed, so that it stays one.
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let beside = path.with_extension(format!("new-{}", std::process::id()));
    let written = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&beside)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&beside, &path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}
