//! `cargo xtask component`: a crate built for wasm, made a component, with its WIT documentation on
//! board.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use cargo_metadata::{CrateType, Message};
use sha2::{Digest, Sha256};
use wasm_encoder::{ComponentSection, CustomSection};
use wit_component::{ComponentEncoder, DecodedWasm};
use wit_parser::{PackageMetadata, Resolve, World, WorldItem};

use crate::process;
use crate::toolchain::{Choice, TARGET, Toolchain};
use crate::workspace::Workspace;

/// The crate whose exports are the skill's.
pub const PACKAGE: &str = "crm-skill-component";

/// The profile in the root Cargo.toml that guests are built with.
const PROFILE: &str = "component";

/// Start of the names of the custom sections that carry a package's documentation; the package's id
/// follows.
const DOCS_SECTION: &str = "wit-docs:";

/// Builds the skill and describes it.
pub fn run(choice: Choice) -> Result<ExitCode> {
    let start = Instant::now();
    let workspace = Workspace::find()?;
    let toolchain = Toolchain::find(choice)?;
    let built = build_skill(&workspace, toolchain)?;
    println!("{}", built.path.display());
    println!("  size       {} bytes", built.bytes);
    println!("  sha256     {}", built.sha256);
    list("imports", &built.imports);
    list("exports", &built.exports);
    println!("  compiler   {}", toolchain.describe());
    println!("  time       {}", process::seconds(start));
    Ok(ExitCode::SUCCESS)
}

fn list(title: &str, names: &[String]) {
    let mut label = title;
    for name in names {
        println!("  {label:<10} {name}");
        label = "";
    }
}

/// Builds the skill's component to [`Workspace::component`].
pub fn build_skill(workspace: &Workspace, toolchain: Toolchain) -> Result<Built> {
    build(
        workspace,
        toolchain,
        PACKAGE,
        &workspace.root().join("wit/crm"),
        &workspace.component(),
    )
}

/// A component that was built.
pub struct Built {
    /// The component's file.
    pub path: PathBuf,
    /// Its size.
    pub bytes: usize,
    /// SHA-256 of the file, in hex.
    pub sha256: String,
    /// Names of the world's imports, versions included.
    pub imports: Vec<String>,
    /// Names of the world's exports.
    pub exports: Vec<String>,
}

/// Builds the cdylib `package` for wasm and writes it to `out` as a component.
///
/// `world` is the folder of the WIT package with its world; the documentation of that package and
/// of what it depends on (the `wasi` packages excepted) goes along. An `out` that is already the
/// same is not touched.
pub fn build(
    workspace: &Workspace,
    toolchain: Toolchain,
    package: &str,
    world: &Path,
    out: &Path,
) -> Result<Built> {
    let core = compile(workspace, toolchain, package, &["--lib"])?
        .pop()
        .with_context(|| {
            format!("{package} gave no wasm module; its Cargo.toml needs `crate-type = [\"cdylib\"]` under [lib]")
        })?;
    finish(package, &core.path, world, out)
}

/// Builds every cdylib example of `package` and writes them to `folder`, as
/// `<package>_<example>.wasm`.
pub fn build_examples(
    workspace: &Workspace,
    toolchain: Toolchain,
    package: &str,
    world: &Path,
    folder: &Path,
) -> Result<Vec<Built>> {
    compile(workspace, toolchain, package, &["--examples"])?
        .into_iter()
        .map(|module| {
            let out = folder.join(format!(
                "{}_{}.wasm",
                package.replace('-', "_"),
                module.name
            ));
            finish(package, &module.path, world, &out)
        })
        .collect()
}

fn finish(package: &str, core: &Path, world: &Path, out: &Path) -> Result<Built> {
    let core = fs::read(core).with_context(|| format!("cannot read {}", core.display()))?;
    let mut component = encode(&core).with_context(|| {
        format!(
            "{package} is no component; do its bindings come from the world in {}?",
            world.display()
        )
    })?;
    let (imports, exports) = world_of(&component)?;
    append_docs(&mut component, world)?;
    write_if_changed(out, &component)?;
    Ok(Built {
        path: out.to_owned(),
        bytes: component.len(),
        sha256: hex::encode(Sha256::digest(&component)),
        imports,
        exports,
    })
}

/// A core module.
struct Module {
    /// The name of its target.
    name: String,
    path: PathBuf,
}

/// Runs cargo, which shows its own progress, and returns the core modules of the chosen targets.
fn compile(
    workspace: &Workspace,
    toolchain: Toolchain,
    package: &str,
    targets: &[&str],
) -> Result<Vec<Module>> {
    let mut cargo = toolchain.cargo();
    cargo
        .current_dir(workspace.root())
        .args(["build", "--locked", "--package", package])
        .args(targets)
        .args(["--profile", PROFILE, "--target", TARGET])
        .args(["--message-format", "json-render-diagnostics"])
        .args(toolchain.arguments())
        .stdout(Stdio::piped());
    if let Some(folder) = toolchain.subfolder() {
        cargo
            .arg("--target-dir")
            .arg(workspace.target().join(folder));
    }
    let mut child = cargo
        .spawn()
        .with_context(|| format!("cannot start `{}`", process::shown(&cargo)))?;
    let mut modules = Vec::new();
    if let Some(output) = child.stdout.take() {
        for message in Message::parse_stream(std::io::BufReader::new(output)) {
            if let Message::CompilerArtifact(artifact) =
                message.context("cannot read what cargo says")?
            {
                let wasm =
                    |file: &&cargo_metadata::camino::Utf8PathBuf| file.extension() == Some("wasm");
                let found = artifact.filenames.iter().find(wasm);
                if let Some(path) = found.filter(|_| is_module(&artifact.target)) {
                    modules.push(Module {
                        name: artifact.target.name.clone(),
                        path: path.clone().into_std_path_buf(),
                    });
                }
            }
        }
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("`{}` failed ({status})", process::shown(&cargo));
    }
    Ok(modules)
}

/// Returns true if a target is linked as a module: a cdylib, or an example that is one.
pub(crate) fn is_module(target: &cargo_metadata::Target) -> bool {
    target.is_cdylib() || (target.is_example() && target.crate_types.contains(&CrateType::CDyLib))
}

/// The component around a core module. There is no adapter: the module imports only what its world
/// names.
fn encode(core: &[u8]) -> Result<Vec<u8>> {
    ComponentEncoder::default()
        .validate(true)
        .module(core)?
        .encode()
}

fn world_of(component: &[u8]) -> Result<(Vec<String>, Vec<String>)> {
    let DecodedWasm::Component(resolve, world) = wit_component::decode(component)? else {
        bail!("the encoder gave a WIT package instead of a component");
    };
    let World {
        imports, exports, ..
    } = resolve
        .worlds
        .get(world)
        .context("the component has no world")?;
    let names = |items: &wit_parser::IndexMap<_, WorldItem>| {
        items
            .keys()
            .map(|key| resolve.name_world_key(key))
            .collect()
    };
    Ok((names(imports), names(exports)))
}

/// Appends one custom section for each package that is not WASI's.
///
/// A component's own types carry no documentation, and the field's section name `package-docs`
/// belongs to encoded WIT packages: tools refuse it in a component. What is `@unstable` is left
/// out, as it is of the bindings.
fn append_docs(component: &mut Vec<u8>, world: &Path) -> Result<()> {
    let mut resolve = Resolve::default();
    resolve
        .push_dir(world)
        .with_context(|| format!("cannot read the WIT packages of {}", world.display()))?;
    for (id, package) in resolve.packages.iter() {
        if package.name.namespace == "wasi" {
            continue;
        }
        let data = PackageMetadata::extract(&resolve, id).encode()?;
        let section = CustomSection {
            name: format!("{DOCS_SECTION}{}", package.name).into(),
            data: data.into(),
        };
        section.append_to_component(component);
    }
    Ok(())
}

/// Replaces the file in one step, so that nobody reads half of it.
fn write_if_changed(path: &Path, bytes: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    let fresh = path.with_extension(format!("{}.new", std::process::id()));
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
    }
    fs::write(&fresh, bytes).with_context(|| format!("cannot write {}", fresh.display()))?;
    fs::rename(&fresh, path).with_context(|| format!("cannot write {}", path.display()))
}
