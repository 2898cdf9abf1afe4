//! A stand-in for Twenty 2.21: `POST /graphql`, `POST /metadata` and `GET /healthz` over a sample
//! workspace in an SQLite database in memory. What is special about Twenty stands in `quirks`.
//!
//! It answers as the real server does, quirks included, and where it does not know what the real
//! server would answer it says so with status 501 instead of making something up; nothing is stored
//! then.
//!
//! It writes people, companies, opportunities, tasks, notes and their links over GraphQL. Timeline
//! activities, which a worker of the real server adds seconds after a write, are not written.

mod aggregate;
mod catalogue;
mod checked;
mod composite;
mod data;
mod database;
mod document;
mod documents;
mod errors;
mod filter;
mod graphql;
mod group;
mod hidden;
mod input;
mod introspect;
pub mod keys;
mod metadata;
mod mutation;
mod order;
mod query;
mod quirks;
mod root;
pub mod sample;
mod search_root;
mod select;
mod service;
mod standard;
mod state;
mod value;
mod write;
mod writer;

pub use service::{Options, TwentyStandIn};
