//! Lists the configured services in a sentence, so that a model need not call a tool to find out.

use crate::config::Caller;
use crate::harness::Harness;

/// Returns a sentence that lists the configured services and the others, by title; empty if the
/// skill has none.
///
/// A service that acts in a person's name needs a credential of the caller's own; without a caller
/// only the address counts.
#[must_use]
pub fn configured_services(harness: &Harness, caller: Option<&Caller>) -> String {
    let outbound = harness.outbound();
    let each = outbound.policy().destinations.iter().map(|destination| {
        let ready = caller.is_none_or(|caller| {
            outbound
                .credential(&destination.name, caller.id.as_deref())
                .is_ok()
        });
        let configured = destination.origin.is_some() && ready;
        (destination.title.as_str(), configured)
    });
    sentence(each)
}

/// Renders services, each given by its title and by true if it is configured.
fn sentence<'a>(services: impl Iterator<Item = (&'a str, bool)>) -> String {
    let (ready, missing): (Vec<_>, Vec<_>) = services.partition(|(_, configured)| *configured);
    let told = [("Configured", ready), ("Not configured", missing)]
        .into_iter()
        .filter(|(_, services)| !services.is_empty())
        .map(|(head, services)| {
            let titles: Vec<_> = services.into_iter().map(|(title, _)| title).collect();
            format!("{head}: {}.", titles.join(", "))
        });
    told.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentence_separates_configured_services() {
        for (services, text) in [
            (vec![], ""),
            (vec![("A", true)], "Configured: A."),
            (vec![("A", false)], "Not configured: A."),
            (
                vec![("A", true), ("B", false), ("C", true)],
                "Configured: A, C. Not configured: B.",
            ),
        ] {
            assert_eq!(sentence(services.into_iter()), text);
        }
    }
}
