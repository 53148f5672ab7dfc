//! What everybody may know of a tenant.

use http::StatusCode;
use serde::Serialize;

use crate::service::{Service, Tenant};
use crate::web::Reply;

/// `/.well-known/oauth-protected-resource`: whose access tokens a tenant takes, of the resource at a path (RFC 9728,
/// section 3.2).
#[must_use]
pub fn protected_resource(service: &Service, tenant: &Tenant, path: &str) -> Reply {
    #[derive(Serialize)]
    struct Body<'a> {
        resource: String,
        authorization_servers: Vec<&'a str>,
        bearer_methods_supported: [&'static str; 1],
    }
    let body = Body {
        resource: service.url_of(path),
        authorization_servers: tenant.settings.issuers.iter().map(|issuer| issuer.issuer.as_str()).collect(),
        bearer_methods_supported: ["header"],
    };
    Reply::json(StatusCode::OK, &body)
}
