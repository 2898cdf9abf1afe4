//! Which services are set up, in a sentence, so that nobody has to try in order to know.

use crate::config::Caller;
use crate::harness::Harness;

/// Which services are set up and which are not, by their names for people; empty where a skill has none.
///
/// A caller has credentials of their own where a service acts in a person's name; without a caller the address alone counts.
#[must_use]
pub fn told(harness: &Harness, caller: Option<&Caller>) -> String {
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

/// Names of services, each with whether it is set up.
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
    fn the_services_are_told_by_whether_they_are_set_up() {
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
