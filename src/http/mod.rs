//! HTTP: the only room that knows hyper and sockets. The table of routes, the order of refusals, the server.

mod body;
mod endpoints;
mod gate;
mod idempotency;
mod listener;
mod pages;
mod router;
mod routes;
mod server;
mod watchdog;

pub use listener::Listener;
pub use routes::{Access, Endpoint, Family, Operation, Page, PortalPage, ROUTES, Route, Serve};
pub use server::{Limits, serve};
