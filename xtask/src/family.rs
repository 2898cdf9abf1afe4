//! The processes below one, by /proc (proc(5)): on Linux alone.

use std::fs;

use anyhow::{Context as _, Result};

/// A running process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its process id.
    pub id: u32,
    parent: u32,
    /// The name of its program.
    pub name: String,
}

/// Those that this one has started, those that they have started, and so on.
///
/// # Errors
/// Where there is no /proc.
pub fn below(id: u32) -> Result<Vec<Process>> {
    let mut all = Vec::new();
    for entry in fs::read_dir("/proc").context("processes can be found on Linux alone")? {
        // One that has ended meanwhile is none.
        if let Ok(stat) = fs::read_to_string(entry?.path().join("stat")) {
            all.extend(parsed(&stat));
        }
    }
    Ok(descendants(id, all))
}

fn descendants(id: u32, mut others: Vec<Process>) -> Vec<Process> {
    let mut found: Vec<Process> = Vec::new();
    let mut parents = vec![id];
    while let Some(parent) = parents.pop() {
        let (children, rest): (Vec<_>, Vec<_>) = others
            .into_iter()
            .partition(|process| process.parent == parent);
        parents.extend(children.iter().map(|child| child.id));
        found.extend(children);
        others = rest;
    }
    found
}

/// A line of /proc/PID/stat: `PID (NAME) STATE PARENT ...`; the name may hold anything.
fn parsed(stat: &str) -> Option<Process> {
    let (id, rest) = stat.split_once(" (")?;
    let (name, rest) = rest.rsplit_once(") ")?;
    let parent = rest.split(' ').nth(1)?;
    Some(Process {
        id: id.parse().ok()?,
        parent: parent.parse().ok()?,
        name: name.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(id: u32, parent: u32, name: &str) -> Process {
        Process {
            id,
            parent,
            name: name.to_owned(),
        }
    }

    #[test]
    fn a_process_is_read_whatever_its_name_is() {
        for (stat, expected) in [
            ("12 (node) S 7 12 12 0", Some(process(12, 7, "node"))),
            ("12 (a (b) c) S 7 12 12 0", Some(process(12, 7, "a (b) c"))),
            ("nonsense", None),
        ] {
            assert_eq!(parsed(stat), expected, "{stat}");
        }
    }

    #[test]
    fn descendants_are_found_in_any_order() {
        let all = vec![
            process(5, 4, "grandchild"),
            process(2, 1, "uncle"),
            process(4, 3, "child"),
            process(3, 1, "this"),
        ];
        let names: Vec<String> = descendants(3, all)
            .into_iter()
            .map(|process| process.name)
            .collect();
        assert_eq!(names, ["child", "grandchild"]);
    }
}
