//! A question of a reverse proxy: may this request pass?

use std::net::IpAddr;
use std::sync::Arc;

use http::request::Parts;

use crate::model::Caller;
use crate::service::{Service, Tenant};

/// What a handler of such questions gets.
pub struct ProxyCall<'r> {
    /// The use cases.
    pub service: &'r Arc<Service>,
    /// The tenant.
    pub tenant: &'r Tenant,
    /// The head of the question; much of it is that of the request that is asked about.
    pub head: &'r Parts,
    /// Whoever has shown an access token, if somebody has.
    pub caller: Option<Arc<Caller>>,
    /// The address of the client.
    pub address: Option<IpAddr>,
    /// What the path of the question holds after that of the endpoint.
    pub rest: &'r str,
}
