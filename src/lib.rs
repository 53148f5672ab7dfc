//! sidegate, an authorization sidecar: policies over user traits, decided beside the app.
//!
//! The rooms and what each may know of the others are described in `docs/ARCHITECTURE.md`.

pub mod account;
pub mod api;
pub mod app;
pub mod authzen;
pub mod cli;
pub mod engine;
pub mod http;
pub mod lang;
pub mod model;
pub mod portal;
pub mod profiling;
pub mod proxy;
pub mod service;
pub mod store;
pub mod web;
