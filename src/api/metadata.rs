//! What everybody may know of a tenant.

use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use crate::service::{Service, Tenant};
use crate::web::Reply;

/// What RFC 9728, section 2, has a resource say of itself.
#[derive(Serialize, JsonSchema)]
pub struct ProtectedResource<'a> {
    resource: String,
    authorization_servers: Vec<&'a str>,
    bearer_methods_supported: [&'static str; 1],
}

/// `/.well-known/oauth-protected-resource`: whose access tokens a tenant takes, of the resource at a path (RFC 9728,
/// section 3.2).
#[must_use]
pub fn protected_resource(service: &Service, tenant: &Tenant, path: &str) -> Reply {
    let body = ProtectedResource {
        resource: service.url_of(path),
        authorization_servers: tenant.settings.issuers.iter().map(|issuer| issuer.issuer.as_str()).collect(),
        bearer_methods_supported: ["header"],
    };
    Reply::json(StatusCode::OK, &body)
}
