//! The `crm-stand-in` command.

fn main() {}
