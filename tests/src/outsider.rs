//! The component of tests/guests/outsider in a harness of its own: with a stand-in Twenty as its
//! one service, or with a relay beside it, to which it may tell things.

use std::path::Path;

use crm_harness::config::{Flags, Manifest};
use crm_harness::{Harness, Parts, Setup};
use crm_stand_in::Running;
use crm_stand_in::relay::{self, RelayStandIn};
use crm_stand_in::twenty::keys::FULL_KEY;
use crm_stand_in::twenty::{Options, TwentyStandIn};

use crate::{cache, guest, root};

/// The harness and the service.
///
/// # Panics
/// Where they cannot be made: that is a failed test.
pub async fn outsider(parts: Parts) -> (Harness, Running) {
    let service = TwentyStandIn::start(Options::default()).await.unwrap();
    let harness = harness(
        "tests/guests/outsider/skill.toml",
        &service.url(),
        "",
        parts,
    );
    (harness, service)
}

/// The harness, the service that knows, and the one that tells.
///
/// # Panics
/// Where they cannot be made: that is a failed test.
pub async fn teller(parts: Parts) -> (Harness, Running, Running) {
    let service = TwentyStandIn::start(Options::default()).await.unwrap();
    let relay = RelayStandIn::start(relay::Options::default())
        .await
        .unwrap();
    let manifest = "tests/guests/outsider/messages.toml";
    let harness = harness(manifest, &service.url(), &relay.url(), parts);
    (harness, service, relay)
}

fn harness(manifest: &str, service: &str, relay: &str, parts: Parts) -> Harness {
    let environment = |name: &str| match name {
        "OUTSIDER_URL" => Some(service.to_owned()),
        "OUTSIDER_KEY" => Some(FULL_KEY.to_owned()),
        "OUTSIDER_TELLER_URL" => Some(relay.to_owned()),
        "OUTSIDER_TELLER_TOKEN" => Some(relay::token(relay::sample::ROBIN)),
        "OUTSIDER_GROUP" => Some(relay::sample::TEAM_ID.to_string()),
        _ => None,
    };
    let manifest = Manifest::read(&root().join(Path::new(manifest))).unwrap();
    let flags = Flags {
        allow_loopback: true,
    };
    let setup = Setup::resolve(manifest, None, flags, &environment).unwrap();
    Harness::load(&guest("outsider"), setup, parts, Some(cache())).unwrap()
}
