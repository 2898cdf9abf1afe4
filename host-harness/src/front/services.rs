//! Which services are set up, so that nobody has to try in order to know.

use serde::Serialize;

use crate::config::Caller;
use crate::skill::harness::Harness;

/// A service of the skill's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Service {
    /// Its name, for people.
    pub title: String,
    /// Whether there is an address and a credential for it.
    pub configured: bool,
}

/// The services, in the order of their names there. A caller has credentials of their own where a service acts in a person's name; without one
/// the address alone counts.
#[must_use]
pub fn services(harness: &Harness, caller: Option<&Caller>) -> Vec<Service> {
    let outbound = harness.outbound();
    let each = outbound.policy().destinations.iter().map(|destination| {
        let ready = caller.is_none_or(|caller| {
            outbound
                .credential(&destination.name, caller.id.as_deref())
                .is_ok()
        });
        Service {
            title: destination.title.clone(),
            configured: destination.origin.is_some() && ready,
        }
    });
    each.collect()
}

/// The services in a sentence or two.
#[must_use]
pub fn told(services: &[Service]) -> String {
    let named = |configured: bool| {
        let titles = services
            .iter()
            .filter(|service| service.configured == configured)
            .map(|service| service.title.as_str());
        titles.collect::<Vec<_>>().join(", ")
    };
    let (ready, missing) = (named(true), named(false));
    match (ready.as_str(), missing.as_str()) {
        ("", "") => String::new(),
        (ready, "") => format!("Configured: {ready}."),
        ("", missing) => format!("Not configured: {missing}."),
        (ready, missing) => format!("Configured: {ready}. Not configured: {missing}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_services_are_told_by_whether_they_are_set_up() {
        let service = |title: &str, configured| Service {
            title: title.into(),
            configured,
        };
        for (services, text) in [
            (vec![], ""),
            (vec![service("A", true)], "Configured: A."),
            (vec![service("A", false)], "Not configured: A."),
            (
                vec![service("A", true), service("B", false), service("C", true)],
                "Configured: A, C. Not configured: B.",
            ),
        ] {
            assert_eq!(told(&services), text);
        }
    }
}
