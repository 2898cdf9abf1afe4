//! `cargo xtask dist`: the OpenClaw plugin as an npm tarball with component, manifests and this
//! platform's harness in it, so that installing it downloads nothing, and the same parts beside it.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::toolchain::{Choice, Toolchain};
use crate::workspace::Workspace;
use crate::{component, programs};

/// Names and digests, in the format of `sha256sum`.
const SUMS: &str = "SHA256SUMS";
/// The folder of the programs in the package.
const BIN: &str = "bin";

/// Builds everything for release and packs it.
pub fn run(choice: Choice) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    let component = component::build_skill(&workspace, Toolchain::find(choice)?)?;
    eprintln!("Building the harness for release. The first time takes some minutes.");
    let harness = programs::release(&workspace)?.join("crm-harness");
    let folder = workspace.target().join("dist");
    let packed = pack(&workspace, &harness, &component.path, &folder)?;
    println!(
        "{}  {} KB",
        packed.display(),
        fs::metadata(&packed)?.len() / 1000
    );
    print!("{}", fs::read_to_string(folder.join(SUMS))?);
    println!(
        "\nInstall it: openclaw plugins install npm-pack:{}",
        packed.display()
    );
    Ok(ExitCode::SUCCESS)
}

/// Packs the plugin around a harness into a folder that is made anew; the tarball's path.
///
/// # Errors
/// When something cannot be read or written.
pub fn pack(
    workspace: &Workspace,
    harness: &Path,
    component: &Path,
    folder: &Path,
) -> Result<PathBuf> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let manifests = workspace.root().join("manifests");
    let package = package_json(&workspace.plugin().join("package.json"))?;
    let mut parts = vec![
        Part::read("LICENSE", &workspace.root().join("LICENSE"))?,
        Part::new(
            "package.json",
            format!("{}\n", serde_json::to_string_pretty(&package)?),
        ),
    ];
    let mut own = below(&workspace.plugin(), Path::new(""))?;
    let files = package.get("files").and_then(Value::as_array);
    let files: Vec<&str> = files
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    own.retain(|part| files.iter().any(|pattern| names(pattern, &part.name)));
    parts.extend(own);
    let mut run = below(&manifests.join("access"), &Path::new(BIN).join("access"))?;
    run.push(Part::read(&format!("{BIN}/crm-harness"), harness)?.program());
    run.push(Part::read(&format!("{BIN}/crm_skill.wasm"), component)?);
    for name in ["skill.toml", "operator.example.toml"] {
        run.push(Part::read(&format!("{BIN}/{name}"), &manifests.join(name))?);
    }
    parts.extend(run);
    parts.sort_by(|a, b| a.name.cmp(&b.name));
    parts.push(Part::new(SUMS, sums(&parts)));

    let of = |field: &str| {
        package
            .get(field)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let tarball = folder.join(format!("{}-{}.tgz", of("name"), of("version")));
    archive(&tarball, &parts)?;
    // The parts beside it, for whoever runs the harness without OpenClaw.
    let mut beside = vec![Part::read(
        &tarball.file_name().unwrap_or_default().to_string_lossy(),
        &tarball,
    )?];
    for part in parts {
        if let Some(name) = part.name.strip_prefix(&format!("{BIN}/")) {
            let part = Part {
                name: name.to_owned(),
                ..part
            };
            part.write(folder)?;
            beside.push(part);
        }
    }
    Part::new(SUMS, sums(&beside)).write(folder)?;
    Ok(tarball)
}

/// The package's own description, with the platform that it is for.
fn package_json(path: &Path) -> Result<Value> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut package: Value =
        serde_json::from_str(&text).with_context(|| format!("{} is no JSON", path.display()))?;
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    let processor = match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    };
    let members = package.as_object_mut();
    let members = members.with_context(|| format!("{} is no object", path.display()))?;
    members.insert("os".to_owned(), json!([system]));
    members.insert("cpu".to_owned(), json!([processor]));
    Ok(package)
}

/// A file of the package.
struct Part {
    name: String,
    bytes: Vec<u8>,
    program: bool,
}

impl Part {
    fn new(name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            name: name.to_owned(),
            bytes: bytes.into(),
            program: false,
        }
    }

    fn read(name: &str, path: &Path) -> Result<Self> {
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|mut file| file.read_to_end(&mut bytes))
            .with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Self::new(name, bytes))
    }

    fn program(mut self) -> Self {
        self.program = true;
        self
    }

    fn mode(&self) -> u32 {
        if self.program { 0o755 } else { 0o644 }
    }

    fn write(&self, folder: &Path) -> Result<()> {
        use std::os::unix::fs::PermissionsExt as _;
        let path = folder.join(&self.name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&path, &self.bytes)
            .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(self.mode())))
            .with_context(|| format!("cannot write {}", path.display()))
    }
}

/// Every file below a folder, under this name.
fn below(folder: &Path, name: &Path) -> Result<Vec<Part>> {
    let mut parts = Vec::new();
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let (path, name) = (entry.path(), name.join(entry.file_name()));
        if path.is_dir() {
            parts.extend(below(&path, &name)?);
        } else {
            parts.push(Part::read(&name.to_string_lossy(), &path)?);
        }
    }
    Ok(parts)
}

/// Returns true if a pattern of `files` in package.json matches a file: a name, a folder with all
/// below it, or `*.js` and the like.
fn names(pattern: &str, name: &str) -> bool {
    let below = |folder| {
        name.strip_prefix(folder)
            .is_some_and(|rest| rest.starts_with('/'))
    };
    match pattern.strip_prefix('*') {
        Some(end) => !name.contains('/') && name.ends_with(end),
        None => name == pattern || below(pattern),
    }
}

fn sums(parts: &[Part]) -> String {
    let lines = parts.iter().map(|part| {
        format!(
            "{}  {}\n",
            hex::encode(Sha256::digest(&part.bytes)),
            part.name
        )
    });
    lines.collect()
}

/// A tarball as npm makes them: everything in `package/`. The same parts make the same bytes.
fn archive(path: &Path, parts: &[Part]) -> Result<()> {
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    let mut tar = tar::Builder::new(GzEncoder::new(file, Compression::best()));
    for part in parts {
        let mut header = tar::Header::new_gnu();
        header.set_size(u64::try_from(part.bytes.len())?);
        header.set_mode(part.mode());
        header.set_mtime(0);
        let name = Path::new("package").join(&part.name);
        tar.append_data(&mut header, name, part.bytes.as_slice())?;
    }
    tar.into_inner()?.finish()?;
    Ok(())
}

/// Unpacks a tarball.
///
/// # Errors
/// When it cannot be read, or something cannot be written.
pub fn unpack(tarball: &Path, folder: &Path) -> Result<()> {
    let file = File::open(tarball).with_context(|| format!("cannot read {}", tarball.display()))?;
    tar::Archive::new(GzDecoder::new(file))
        .unpack(folder)
        .with_context(|| format!("cannot unpack {}", tarball.display()))
}

/// Checks that every file matches its digest, and that every file has one.
///
/// # Errors
/// Names the file that is not.
pub fn check_sums(folder: &Path, text: &str) -> Result<()> {
    let mut parts = below(folder, Path::new(""))?;
    // It cannot hold its own digest; tools of others leave reports behind.
    parts.retain(|part| part.name != SUMS && !part.name.starts_with("reports/"));
    parts.sort_by(|a, b| a.name.cmp(&b.name));
    let found = sums(&parts);
    for (found, told) in found.lines().zip(text.lines()) {
        ensure!(found == told, "{told}, but it is {found}");
    }
    ensure!(
        found.lines().count() == text.lines().count(),
        "{} files have a digest, {} are there",
        text.lines().count(),
        parts.len()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_package_names_is_packed() {
        for (pattern, name, expected) in [
            ("*.js", "index.js", true),
            ("*.js", "reports/index.js", false),
            ("skills", "skills/crm/SKILL.md", true),
            ("skills", "skills.md", false),
            ("tools.json", "tools.json", true),
            ("tools.json", "reports/tools.json", false),
        ] {
            assert_eq!(names(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn tarball_is_reproducible() {
        let folder = std::env::temp_dir().join(format!("dist-test-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let parts = || [Part::new("a.txt", "a\n"), Part::new("bin/b", "b").program()];
        archive(&folder.join("1.tgz"), &parts()).unwrap();
        archive(&folder.join("2.tgz"), &parts()).unwrap();
        let read = |name| fs::read(folder.join(name)).unwrap();
        assert_eq!(read("1.tgz"), read("2.tgz"));
        assert_eq!(
            sums(&parts()).lines().next(),
            // printf 'a\n' | sha256sum
            Some("87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7  a.txt")
        );
        let mut archive =
            tar::Archive::new(GzDecoder::new(File::open(folder.join("1.tgz")).unwrap()));
        let modes: Vec<_> = archive
            .entries()
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                (
                    entry.path().unwrap().display().to_string(),
                    entry.header().mode().unwrap(),
                )
            })
            .collect();
        assert_eq!(
            modes,
            [
                ("package/a.txt".to_owned(), 0o644),
                ("package/bin/b".to_owned(), 0o755)
            ]
        );
        fs::remove_dir_all(folder).unwrap();
    }
}
