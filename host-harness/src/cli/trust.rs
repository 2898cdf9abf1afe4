//! `crm-harness trust`: shows a component and its manifest, and accepts them.

use std::fs;
use std::io::{IsTerminal as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use anyhow::{Context as _, anyhow};
use crm_harness::Skill;
use crm_harness::config::{Manifest, Operator, Pins};
use crm_harness::outbound::policy::documents::Effect;
use crm_harness::trust::{Difference, Direction, RequestedRights, write_pins};
use serde_json::{Value, json};

use super::args::Args;
use super::report::{End, Misuse};
use super::resolve::{self, data_dir};
use super::{ask, render};

/// A component and its manifest, and what they ask for.
pub(super) struct Looked {
    pub(super) pins: Pins,
    pub(super) asked: RequestedRights,
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
        asked: RequestedRights::by(&manifest, inspection),
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
    let kept = before.and_then(|pins| RequestedRights::kept(&folder, pins));
    let changes = kept.clone().unwrap_or_default().difference(&looked.asked);
    let accepted = accept
        || (std::io::stdin().is_terminal() && {
            tell(&looked, before, kept.is_some(), &changes);
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

fn tell(looked: &Looked, before: Option<&Pins>, known: bool, changes: &[Difference]) {
    let (Some(before), true) = (before, known) else {
        let begin = match before {
            None => "Nothing has been accepted yet",
            Some(_) => "Another version was accepted, but on this machine nothing is known of it",
        };
        let counts = counts(&looked.manifest);
        render::print(&format!(
            "{begin}. This is all that this one asks for ({counts}):\n\n"
        ));
        print_rows(changes.iter());
        return;
    };
    if changes.is_empty() {
        let code = before.component != looked.pins.component;
        let layout = before.manifest != looked.pins.manifest;
        let what = match (code, layout) {
            (true, false) => "its code differs",
            (false, _) => "the layout or the comments of skill.toml differ",
            (true, true) => "its code and the layout or the comments of skill.toml differ",
        };
        render::print(&format!(
            "Another version was accepted. It asked for the same; only {what}.\n"
        ));
        return;
    }
    render::print("Another version was accepted. What this one asks for differs in this:\n");
    for (direction, title) in [
        (Direction::Wider, "It may do more"),
        (Direction::Narrower, "It may do less"),
        (Direction::Unknown, "Look whether it may do more or less"),
    ] {
        let group = changes
            .iter()
            .filter(|change| change.direction == direction);
        let count = group.clone().count();
        if count > 0 {
            render::print(&format!("\n{title} ({count}):\n"));
            print_rows(group);
        }
    }
}

/// Returns how many documents and other routes there are that write.
pub(super) fn counts(manifest: &Manifest) -> String {
    let sections = || manifest.destinations.values();
    let documents = || sections().flat_map(|section| &section.documents);
    let writes = documents().filter(|document| document.effect == Effect::Mutation);
    let routes = sections().flat_map(|section| &section.routes);
    let routes = routes.filter(|route| route.write.is_some());
    format!(
        "trusted documents: {}, of which {} write; other routes that write: {}",
        documents().count(),
        writes.count(),
        routes.count()
    )
}

fn print_rows<'a>(changes: impl Iterator<Item = &'a Difference>) {
    let rows = changes.flat_map(|change| {
        let lines = change.lines().into_iter();
        lines.map(|line| vec![change.case.sign().to_owned(), line])
    });
    render::print(&render::table(&rows.collect::<Vec<_>>()));
}

/// Prints the result. `before` is what had been accepted, and whether it is known here; none if it
/// was the same.
fn report(
    args: &Args,
    state: &str,
    looked: &Looked,
    before: Option<(Option<&Pins>, bool)>,
    changes: &[Difference],
) {
    if args.json {
        let changes: Vec<Value> = changes
            .iter()
            .map(|change| {
                json!({
                    "case": change.case.as_str(),
                    "direction": change.direction.as_str(),
                    "key": change.key(),
                    "before": change.before,
                    "after": change.after,
                })
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
        tell(looked, before, known, changes);
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
