//! Tests of the whole program: it is started as users start it, and asked over real sockets.
//!
//! One binary, so that it is linked once. Large counts are for `tests/run --long`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // this is how tests fail

mod access;
mod allocations;
mod app_sign_in;
mod attacks;
mod attributes;
mod audit;
mod authzen;
mod backup;
mod bad_files;
mod bad_input;
mod check;
mod command_line;
mod complete_profile;
mod configuration;
mod cors;
mod decisions;
mod definitions;
mod durability;
mod explanations;
mod failures;
mod five_minutes;
mod fleet;
mod format;
mod freshness;
mod house;
mod idempotency;
mod import_export;
mod import_refusals;
mod isolation;
mod issuers;
mod language;
mod limits;
mod listening;
mod on_access;
mod openapi;
mod operations;
mod outages;
mod packaging;
mod packed;
mod profiling;
mod promotion;
mod proofs;
mod proxies;
mod races;
mod reload;
mod resources;
mod routes;
mod samples;
mod settings;
mod soak;
mod store;
mod support;
mod tenancy;
mod tenants;
mod tls;
mod tokens;
mod trait_edge;
mod users;
