//! Finds the nearest known name, for errors about an unknown one.

/// Returns a sentence that suggests the nearest known name, or else lists all of them.
#[must_use]
pub fn hint<'a>(given: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    if let Some(name) = closest(given, known.clone()) {
        return format!("Did you mean `{name}`?");
    }
    let names: Vec<_> = known.map(|name| format!("`{name}`")).collect();
    if names.is_empty() {
        "There are none.".to_owned()
    } else {
        format!("Known are {}.", names.join(", "))
    }
}

/// Returns the known name that is most similar to the given one, if any is similar.
#[must_use]
pub fn closest<'a>(given: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|name| {
            (
                strsim::jaro_winkler(&given.to_lowercase(), &name.to_lowercase()),
                name,
            )
        })
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typo_finds_its_name_otherwise_all_are_listed() {
        let known = || ["staleDays", "widen"].into_iter();
        assert_eq!(hint("stale_days", known()), "Did you mean `staleDays`?");
        assert_eq!(hint("q", known()), "Known are `staleDays`, `widen`.");
        assert_eq!(hint("q", std::iter::empty()), "There are none.");
    }
}
