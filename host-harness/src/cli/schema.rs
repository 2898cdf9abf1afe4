//! `crm-harness schema`: prints the JSON Schema of a configuration file.

use crm_harness::config::schema::{manifest_schema, operator_schema};

use super::args::SchemaFile;
use super::render;
use super::report::{End, Misuse};

pub(super) fn run(file: SchemaFile) -> Result<End, Misuse> {
    let schema = match file {
        SchemaFile::Skill => manifest_schema(),
        SchemaFile::Operator => operator_schema(),
    };
    render::print(&render::pretty(&schema));
    Ok(End::Done)
}
