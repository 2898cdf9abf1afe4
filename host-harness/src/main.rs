//! The `crm-harness` command.

fn main() {}
