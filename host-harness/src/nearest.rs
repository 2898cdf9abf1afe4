//! The nearest known name, for errors about an unknown one.

/// A sentence that names what could have been meant, or else everything that is known.
#[must_use]
pub fn unknown<'a>(
    given: &str,
    known: impl Iterator<Item = &'a str> + Clone,
    what: &str,
) -> String {
    match closest(given, known.clone()) {
        Some(name) => format!("{what}: did you mean `{name}`?"),
        None => {
            let names: Vec<_> = known.map(|name| format!("`{name}`")).collect();
            if names.is_empty() {
                format!("{what}: there are none")
            } else {
                format!("{what}: known are {}", names.join(", "))
            }
        }
    }
}

/// The known name that is most like the given one, if any is like it.
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
