//! HTTP: the only room that knows hyper and sockets. The table of routes, the order of refusals, the server.

mod asked;
mod body;
mod challenge;
mod client;
mod cors;
mod endpoints;
mod gate;
mod grpc;
mod idempotency;
mod listener;
mod openapi;
mod pages;
mod router;
mod routes;
mod server;
mod tls;
mod watchdog;

pub use client::Proxies;
pub use listener::{Listener, Serves};
pub use openapi::openapi;
pub use routes::{
    Access, Endpoint, Family, InstanceEndpoint, Metadata, Operation, Page, PortalPage, ROUTES, Route, Serve,
};
pub use server::{Limits, serve};
pub use tls::{Tls, TlsError, TlsFiles, certificates, fingerprint};
