//! HTTP: the only room that knows hyper and sockets. The table of routes, the order of refusals, the server.

mod body;
mod gate;
mod router;
mod routes;
mod server;
mod watchdog;

pub use routes::{Access, Endpoint, Family, Operation, ROUTES, Route, Serve};
pub use server::{Limits, serve};
