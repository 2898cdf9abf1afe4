//! The exports of the CRM skill; compiled for wasm alone.
