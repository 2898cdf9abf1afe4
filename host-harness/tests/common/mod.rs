//! Tiny components, built from WIT and WebAssembly text, and harnesses around them.

#![allow(dead_code, reason = "each test file uses its own part")]

pub(crate) mod client;
pub(crate) mod env;
pub(crate) mod server;
pub(crate) mod web;

use std::path::Path;

use crm_harness::config::{Flags, Manifest};
use crm_harness::{Harness, Parts, Setup, StartError};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{PackageMetadata, Resolve};

/// The WIT package that every test guest exports.
pub(crate) const WIT: &str = include_str!("guest.wit");
/// The code of the test guest.
pub(crate) const WAT: &str = include_str!("guest.wat");

/// Builds a component from WIT and a core module; the texts of the package go into a section if
/// `docs` is set.
pub(crate) fn component(wit: &str, wat: &str, docs: bool) -> Vec<u8> {
    component_upon(Resolve::default(), wit, wat, docs)
}

/// The guest that proposes: see `proposer/`.
pub(crate) fn proposer() -> Vec<u8> {
    let contract = [
        include_str!("../../../wit/skill/types.wit"),
        include_str!("../../../wit/skill/plan.wit"),
        include_str!("../../../wit/skill/judge.wit"),
    ];
    let mut resolve = Resolve::default();
    resolve.push_str("skill.wit", &contract.concat()).unwrap();
    let wit = include_str!("proposer/guest.wit");
    let wat = include_str!("proposer/guest.wat");
    component_upon(resolve, wit, wat, true)
}

fn component_upon(mut resolve: Resolve, wit: &str, wat: &str, docs: bool) -> Vec<u8> {
    let package = resolve.push_str("guest.wit", wit).unwrap();
    let world = resolve.select_world(&[package], Some("guest")).unwrap();
    let mut module = wat::parse_str(wat).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    let mut bytes = ComponentEncoder::default()
        .validate(true)
        .module(&module)
        .unwrap()
        .encode()
        .unwrap();
    if docs {
        let payload = PackageMetadata::extract(&resolve, package)
            .encode()
            .unwrap();
        let id = resolve.id_of_package(package);
        append_section(&mut bytes, &format!("wit-docs:{id}"), &payload);
    }
    bytes
}

trait PackageName {
    fn id_of_package(&self, package: wit_parser::PackageId) -> String;
}

impl PackageName for Resolve {
    fn id_of_package(&self, package: wit_parser::PackageId) -> String {
        self.packages[package].name.to_string()
    }
}

/// Appends a custom section.
fn append_section(component: &mut Vec<u8>, name: &str, payload: &[u8]) {
    let mut content = leb(name.len());
    content.extend_from_slice(name.as_bytes());
    content.extend_from_slice(payload);
    component.push(0);
    component.extend(leb(content.len()));
    component.extend(content);
}

fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let byte = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(byte);
            return bytes;
        }
        bytes.push(byte | 0x80);
    }
}

/// A manifest for the guests, with these further lines.
pub(crate) fn manifest(more: &str) -> Manifest {
    let text = format!("[skill]\nname = \"guest\"\npackage = \"test:guest@0.1.0\"\n{more}");
    Manifest::parse(&text, Path::new("skill.toml")).unwrap()
}

/// A harness around a component under this manifest, without any grant.
pub(crate) fn load(component: &[u8], manifest: Manifest) -> Result<Harness, StartError> {
    let setup = Setup::resolve(manifest, None, Flags::default(), &|_| None).unwrap();
    Harness::load(component, setup, Parts::default(), None)
}

/// A harness around the usual guest.
pub(crate) fn guest(more: &str) -> Harness {
    load(&component(WIT, WAT, true), manifest(more)).unwrap()
}
