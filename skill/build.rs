//! Writes the trusted documents as they are sent, for `include_str!`: without the directives that
//! tell the harness about them.

#![warn(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use trusted_documents::Sources;

fn main() -> ExitCode {
    match write() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("cargo::error={error}");
            ExitCode::FAILURE
        }
    }
}

fn write() -> Result<(), Box<dyn Error>> {
    let graphql = Path::new("graphql");
    println!("cargo::rerun-if-changed={}", graphql.display());
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo has to set OUT_DIR")?);
    let sources = Sources::open(graphql)?;
    for folder in ["queries", "mutations"] {
        for file in sources.files(folder)? {
            let document = sources.read(&file)?;
            let stripped = out.join(file.strip_prefix(graphql)?);
            if let Some(folder) = stripped.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::write(stripped, document.text)?;
        }
    }
    Ok(())
}
