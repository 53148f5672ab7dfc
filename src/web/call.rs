//! A request that may come in: its route is known, its caller was let through, its body is here.

use std::fs::File;
use std::net::IpAddr;
use std::sync::Arc;

use http::{HeaderMap, StatusCode};

use crate::model::{Author, Caller, IdempotencyKey, Origin, Precondition, ResourceId, Slug, TenantId, UserId};
use crate::service::{Service, Tenant};

use super::precondition::precondition;
use super::{Params, Problem};

/// What a handler gets.
pub struct Call<'r> {
    /// The use cases.
    pub service: &'r Arc<Service>,
    /// The tenant, which the caller belongs to.
    pub tenant: &'r Tenant,
    /// Who asks; the scope that the route wants is there.
    pub caller: Arc<Caller>,
    /// The path, as it was sent.
    pub path: &'r str,
    /// Parameters of the path, decoded.
    pub params: Params<'r>,
    /// The query, as it was sent.
    pub query: &'r str,
    /// The header fields.
    pub headers: &'r HeaderMap,
    /// The whole body.
    pub body: &'r [u8],
    /// The body, where it is taken as a file.
    pub upload: Option<&'r File>,
    /// The address of the peer, if it is a network's.
    pub peer: Option<IpAddr>,
    /// Its `Idempotency-Key`, if it has one.
    pub idempotency: Option<IdempotencyKey>,
}

impl Call<'_> {
    /// The user that the path names.
    ///
    /// # Errors
    /// 400 for what is no user id.
    pub fn user_id(&self) -> Result<UserId, Problem> {
        UserId::parse(self.params.get("userId")).map_err(|error| Problem::bad_request(error.to_string()))
    }

    /// The resource that the path names.
    ///
    /// # Errors
    /// 400 for what is no resource.
    pub fn resource_id(&self) -> Result<ResourceId, Problem> {
        let parsed = ResourceId::parse(self.params.get("type"), self.params.get("id"));
        parsed.map_err(|error| Problem::bad_request(error.to_string()))
    }

    /// The slug that the path names.
    ///
    /// # Errors
    /// 400 for what is no slug.
    pub fn slug(&self) -> Result<Slug, Problem> {
        Slug::parse(self.params.get("slug")).map_err(|error| Problem::bad_request(error.to_string()))
    }

    /// What its header demands of the thing that it would change.
    ///
    /// # Errors
    /// 400 for what is no list of entity tags.
    pub fn precondition(&self) -> Result<Precondition, Problem> {
        precondition(self.headers)
    }

    /// Who writes.
    #[must_use]
    pub fn author(&self) -> Author {
        let origin = Origin { idempotency: self.idempotency.clone(), ..origin(self.headers, self.peer) };
        self.service.author(&self.caller, origin)
    }

    /// Refuses parameters of the query that nobody asked for: a filter with a typing error must not mean "all".
    ///
    /// # Errors
    /// 400 for another one, for one that is given twice, or that holds what no database stores.
    pub fn only_params(&self, known: &[&str]) -> Result<(), Problem> {
        let mut seen = Vec::new();
        for (name, value) in url::form_urlencoded::parse(self.query.as_bytes()) {
            // A known one that ends with a dot stands for all that go on from there.
            if !known.iter().any(|known| name == *known || (known.ends_with('.') && name.starts_with(known))) {
                let only = if known.is_empty() { String::new() } else { format!(", only {}", known.join(", ")) };
                return Err(Problem::bad_request(format!("there is no parameter {name:?} here{only}")));
            }
            if seen.contains(&name) {
                return Err(Problem::bad_request(format!("the parameter {name:?} is given twice")));
            }
            if value.contains('\0') {
                return Err(Problem::bad_request(format!("the parameter {name:?} holds the character U+0000")));
            }
            seen.push(name);
        }
        Ok(())
    }

    /// A parameter of the query, decoded.
    #[must_use]
    pub fn query_param(&self, name: &str) -> Option<String> {
        query_param(self.query, name)
    }
}

/// What a handler of the instance gets.
pub struct InstanceCall<'r> {
    /// The use cases.
    pub service: &'r Arc<Service>,
    /// Who asks: an admin of the instance.
    pub caller: Arc<Caller>,
    /// Parameters of the path, decoded.
    pub params: Params<'r>,
    /// The header fields.
    pub headers: &'r HeaderMap,
    /// The whole body.
    pub body: &'r [u8],
    /// The address of the peer, if it is a network's.
    pub peer: Option<IpAddr>,
}

impl InstanceCall<'_> {
    /// The tenant that the path names.
    ///
    /// # Errors
    /// 404 for what cannot be one.
    pub fn tenant_id(&self) -> Result<TenantId, Problem> {
        TenantId::parse(self.params.get("id")).map_err(|error| Problem::new(StatusCode::NOT_FOUND, error.to_string()))
    }

    /// Who writes.
    #[must_use]
    pub fn author(&self) -> Author {
        self.service.author(&self.caller, origin(self.headers, self.peer))
    }
}

/// A request id is noted up to this many bytes.
const MAX_REQUEST_ID: usize = 128;

/// Where a request came from, as the audit trail notes it.
pub(super) fn origin(headers: &HeaderMap, peer: Option<IpAddr>) -> Origin {
    let id = headers.get("x-request-id").and_then(|id| id.to_str().ok());
    let request_id = id.filter(|id| !id.is_empty() && id.len() <= MAX_REQUEST_ID).map(str::to_owned);
    Origin { request_id, address: peer.map(|peer| peer.to_string()), ..Origin::default() }
}

/// A parameter of a query, decoded.
#[must_use]
pub fn query_param(query: &str, name: &str) -> Option<String> {
    url::form_urlencoded::parse(query.as_bytes()).find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}
