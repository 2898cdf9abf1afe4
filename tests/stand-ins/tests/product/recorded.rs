//! Knowledge about the product's recordings that a comparison with a stand-in needs: the records of
//! the sample that stand for recorded ones, the order of recordings that build on each other, the
//! keys, and the places where the data decided.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crm_stand_in::twenty::keys::{FULL_KEY, READ_ONLY_KEY};
use crm_stand_in::twenty::sample::{
    BLOCKER_CASES, BlockerCase, HEALTHY, ROBIN, ROBIN_EMAIL, SAM, SAM_EMAIL, company_id, deal_id,
    person_id, task_id,
};
use serde_json::Value;

use super::exchange::Exchange;

/// A key that may not read the amounts of deals.
pub(crate) const WITHOUT_AMOUNTS: &str = "stand-in-key-without-amounts";

/// A folder of recordings, and the key that its exchanges are made with here.
pub(crate) struct Folder {
    pub name: &'static str,
    key: &'static str,
}

/// The folders of the product's own exchanges, and of those that found quirks out.
pub(crate) const FOLDERS: [Folder; 3] = [
    Folder {
        name: "twenty-product",
        key: FULL_KEY,
    },
    Folder {
        name: "twenty-field-permission",
        key: WITHOUT_AMOUNTS,
    },
    Folder {
        name: "twenty-next",
        key: FULL_KEY,
    },
];

impl Folder {
    /// The folder on disk, if recordings are present.
    pub(crate) fn path(&self) -> PathBuf {
        shared().join(self.name)
    }

    /// The key that an exchange is made with.
    pub(crate) fn key(&self, exchange: &str) -> &'static str {
        if REFUSED.contains(&exchange) {
            READ_ONLY_KEY
        } else {
            self.key
        }
    }

    /// Its exchanges in the order in which they are replayed.
    pub(crate) fn in_order(&self) -> Vec<Exchange> {
        let mut all = Exchange::read_all(&self.path());
        all.sort_by_key(|exchange| {
            let nth = IN_ORDER
                .iter()
                .position(|name| exchange.name.starts_with(name));
            (nth, exchange.query().contains("mutation "))
        });
        all
    }
}

/// The folder of all recordings, which are not part of the repository.
pub(crate) fn shared() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/recordings")
}

/// Exchanges with a key that may not do what they ask.
const REFUSED: [&str; 2] = ["gql-CreateCompany-1", "gql-CreateCompany-2"];

/// Exchanges that come after all others, in this order: each is about what the ones before it have
/// written.
const IN_ORDER: &[&str] = &[
    "gql-CreatePerson",
    "gql-UpdatePerson",
    "gql-CreateOpportunity",
    "gql-CreateTask",
    "gql-LinkTask",
    "gql-UpdateTask",
    "gql-RereadPerson-1",
    "gql-UpsertPerson-1-with-deletedAt",
    "gql-UpsertPerson-2",
    "gql-UpsertOpportunity-1-with-deletedAt",
    "amount-beyond-2-53",
    "amount-mended",
    "note-create",
    "note-link",
    "notes-of-opportunity",
    "search-notes",
    "note-delete-soft",
    "notes-after-soft-delete",
    "note-restore",
    "person-phone",
    "person-additional-emails",
    "person-by-additional-email",
    "search-by-additional-email",
    "person-twin-create",
    "deal-delete-soft",
    "deal-restore",
];

/// A deal with the finding of this code, one without, and one that cannot be judged.
fn case(code: &str) -> &'static BlockerCase {
    BLOCKER_CASES.iter().find(|case| case.code == code).unwrap()
}

/// Texts of recordings, and what is in the same relation to the rest of the sample.
fn stands_for(folder: &str) -> Vec<(&'static str, String)> {
    let mut all = vec![
        ("20202020-0687-4c41-b707-ed1bfca972a7", ROBIN.to_string()),
        ("20202020-463f-435b-828c-107e007a2711", SAM.to_string()),
        ("339296a2-cb2d-53c6-b1eb-e41652f34dc7", HEALTHY.to_string()),
        ("e84ee225-fa90-44bd-bfb1-c448d2b31b92", HEALTHY.to_string()),
        (
            "04403f13-9767-5d57-917e-369ebed554b4",
            deal_id(31).to_string(),
        ),
        (
            "561224de-3198-5240-b984-85fc959ed388",
            person_id(1).to_string(),
        ),
        (
            "8ecee963-f4d9-50b8-a057-909a64906999",
            person_id(2).to_string(),
        ),
        (
            "48446ea5-942e-5603-adc9-c29797a3c731",
            company_id(1).to_string(),
        ),
        (
            "787b5414-8eeb-5285-820d-c57049cac02d",
            task_id(2).to_string(),
        ),
        // A deal whose owner is gone, and one that nobody owns.
        (
            "205f1447-47d3-4582-a465-55572ffce841",
            case("no-owner").unknown.to_string(),
        ),
        (
            "2f3cee22-4ca7-461a-8a8e-fb426ac9c9cf",
            case("no-owner").fires.to_string(),
        ),
        (
            "Northwind fleet renewal 2027",
            "Line 4 sensor retrofit".to_owned(),
        ),
        ("Helios", "Acme".to_owned()),
        ("northwind", "acme".to_owned()),
        ("tim@apple.dev", ROBIN_EMAIL.to_owned()),
        ("jane.austen@apple.dev", SAM_EMAIL.to_owned()),
    ];
    if folder == "twenty-next" {
        // Records that the product's own exchanges made, in another workspace by now.
        all.push((
            "64947dcd-9b44-538a-94ad-8b87bd134bbe",
            deal_id(46).to_string(),
        ));
        all.push((
            "0499cd48-e90c-512d-91fa-78bb0cc20cc8",
            person_id(25).to_string(),
        ));
    }
    all
}

/// An exchange in the sample's words, and which strings stand for which.
pub(crate) fn translated(folder: &str, exchange: &Exchange) -> (Value, BTreeMap<String, String>) {
    let mut text = exchange.body.to_string();
    let mut echoes = BTreeMap::new();
    for (from, to) in stands_for(folder) {
        if text.contains(from) {
            text = text.replace(from, &to);
            echoes.insert(from.to_owned(), to);
        }
    }
    let body = serde_json::from_str(&text).expect("still JSON");
    (body, echoes)
}

/// Places at which the recorded workspace's data decided, and not the request: the exchange, the
/// place, and what differs there.
const OTHER_DATA: &[(&str, &str, &str)] = &[
    (
        "gql-Blockers",
        "/data/timelineActivities/edges/node/properties",
        "other changes had been recorded there",
    ),
    (
        "gql-Blockers-1",
        "/data/noteTargets/edges",
        "the deal has a note here",
    ),
    (
        "gql-GetOpportunity",
        "/data/noteTargets/edges",
        "the deal has a note here",
    ),
    (
        "gql-BlockersWiden",
        "/data/timelineActivities/edges",
        "contact and company have no history here",
    ),
    (
        "gql-BlockersWiden",
        "/data/noteTargets/edges",
        "contact and company have no notes here",
    ),
    (
        "gql-FollowUps-1",
        "/data/tasks/pageInfo/hasNextPage",
        "there are more tasks here",
    ),
    (
        "gql-GetCompany",
        "/data/timelineActivities/edges",
        "the company has no history here",
    ),
    (
        "gql-GetCompany",
        "/data/taskTargets",
        "the company has no task here",
    ),
    (
        "gql-GetPerson",
        "/data/timelineActivities/edges",
        "the person has no history here",
    ),
    (
        "gql-GetPerson",
        "/data/noteTargets/edges",
        "the person has no notes here",
    ),
    (
        "gql-GetTask",
        "/data/timelineActivities/edges",
        "the task has no history here",
    ),
    (
        "gql-Search-",
        "/data/search/pageInfo/hasNextPage",
        "there are more hits here",
    ),
    (
        "gql-SearchDetails-1",
        "/data/companies/edges",
        "other companies are in the sample",
    ),
    (
        "gql-SearchDetails-1",
        "/data/people/edges",
        "other people are in the sample",
    ),
    (
        "pipeline-by-stage-currency",
        "/data/opportunitiesGroupBy/sumAmountAmountMicros",
        "there are deals without an amount here",
    ),
    (
        "pipeline-by-stage-currency",
        "/data/opportunitiesGroupBy/avgAmountAmountMicros",
        "there are deals without an amount here",
    ),
    (
        "pipeline-by-month",
        "/data/opportunitiesGroupBy/sumAmountAmountMicros",
        "there are deals without an amount here",
    ),
    (
        "timeline-of-opportunity",
        "/data/timelineActivities/edges/node/workspaceMember",
        "a member did here what the API did there",
    ),
    (
        "timeline-of-opportunity",
        "/data/timelineActivities/edges/node/properties",
        "other changes had been recorded there",
    ),
];

/// The reason why a difference is none of the stand-in's, if it is not.
pub(crate) fn other_data(name: &str, difference: &str) -> Option<&'static str> {
    let fits = |(of, place, _): &&(&str, &str, &str)| {
        name.starts_with(of) && difference.starts_with(place)
    };
    OTHER_DATA.iter().find(fits).map(|(_, _, why)| *why)
}
