//! The component of tests/guests/outsider in a harness of its own, with a stand-in Twenty as its one service.

use crm_harness::config::{Flags, Manifest};
use crm_harness::{Harness, Parts, Setup};
use crm_stand_in::Running;
use crm_stand_in::twenty::keys::FULL_KEY;
use crm_stand_in::twenty::{Options, TwentyStandIn};

use crate::{guest, root};

/// The harness and the service.
///
/// # Panics
/// Where they cannot be made: that is a failed test.
pub async fn outsider(parts: Parts) -> (Harness, Running) {
    let service = TwentyStandIn::start(Options::default()).await.unwrap();
    let url = service.url();
    let environment = |name: &str| match name {
        "OUTSIDER_URL" => Some(url.clone()),
        "OUTSIDER_KEY" => Some(FULL_KEY.to_owned()),
        _ => None,
    };
    let manifest = Manifest::read(&root().join("tests/guests/outsider/skill.toml")).unwrap();
    let flags = Flags {
        allow_loopback: true,
    };
    let setup = Setup::resolve(manifest, None, flags, &environment).unwrap();
    let harness = Harness::load(&guest("outsider"), setup, parts, None).unwrap();
    (harness, service)
}
