//! Tests of the relay where no recording shows its behaviour: its defects at their edges, tokens,
//! the limit, and what tests see of it.

#[allow(dead_code, reason = "each test uses its part")]
mod client;
#[path = "relay/messages.rs"]
mod messages;
#[path = "relay/people.rs"]
mod people;
#[path = "relay/service.rs"]
mod service;

use std::net::SocketAddr;

use client::{Answer, call};
use crm_stand_in::Running;
use crm_stand_in::relay::sample::{ROBIN, TEAM_ID};
use crm_stand_in::relay::{Options, RelayStandIn, Variant};
use serde_json::{Value, json};

async fn start(variant: Variant) -> Running {
    let options = Options {
        variant,
        rate_limit: false,
        ..Options::default()
    };
    RelayStandIn::start(options).await.unwrap()
}

/// The answer to `GET`.
async fn get(addr: SocketAddr, user: impl std::fmt::Display, path: &str) -> Value {
    let answer = call(addr, user, "GET", path, Value::Null).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

async fn share(addr: SocketAddr, more: Value) -> Answer {
    let mut body = json!({"teamId": TEAM_ID.to_string(), "surfaceText": "A word"});
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    call(addr, ROBIN, "POST", "/tez/share", body).await
}
