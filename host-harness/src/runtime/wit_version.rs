//! Compatibility of versions of a WIT package, by Semantic Versioning as Cargo reads it.
//!
//! | version | compatible with |
//! |---|---|
//! | `1.4.0` | every `1.x.y` |
//! | `0.1.0` | every `0.1.y` |
//! | `0.0.3` | itself |
//! | `0.2.0-rc.1`, and anything that is no version | the same text |
//!
//! Which of two compatible versions is newer does not matter: types are read from the component,
//! and values pass by name, so what only one side knows is not used.

use semver::Version;

/// Checks that two versions of a package work together.
pub(super) fn are_compatible(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    let (Ok(one), Ok(other)) = (Version::parse(one), Version::parse(other)) else {
        return false;
    };
    if !one.pre.is_empty() || !other.pre.is_empty() {
        return false;
    }
    let significant = |version: &Version| match (version.major, version.minor) {
        (0, 0) => (0, 0, version.patch),
        (0, minor) => (0, minor, 0),
        (major, _) => (major, 0, 0),
    };
    significant(&one) == significant(&other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_fit_as_semver_says() {
        for (one, other, expected) in [
            ("0.1.0", "0.1.0", true),
            ("0.1.0", "0.1.1", true),
            ("0.1.12", "0.1.3", true),
            ("1.0.0", "1.9.2", true),
            ("0.1.0", "0.1.1+build.7", true),
            ("0.1.0", "0.2.0", false),
            ("1.0.0", "2.0.0", false),
            ("0.9.0", "1.0.0", false),
            ("0.0.1", "0.0.2", false),
            ("0.2.0-rc.1", "0.2.0", false),
            ("0.2.0-rc.1", "0.2.0-rc.1", true),
            ("0.1", "0.1.0", false),
            ("", "0.1.0", false),
            ("next", "next", true),
        ] {
            assert_eq!(are_compatible(one, other), expected, "{one} {other}");
            assert_eq!(are_compatible(other, one), expected, "{other} {one}");
        }
    }
}
