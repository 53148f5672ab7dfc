//! Pages of other origins, which may ask the API if the tenant lists them (the Fetch standard, "CORS protocol"). They show
//! tokens, never cookies, so no answer says that credentials are allowed.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use crate::web::Reply;

use super::gate::{Gate, Peer};
use super::routes::Family;

/// What requests may carry, and what pages may read of answers.
const REQUEST_FIELDS: HeaderValue =
    HeaderValue::from_static("authorization, content-type, if-match, if-none-match, idempotency-key, x-request-id");
const ANSWER_FIELDS: HeaderValue = HeaderValue::from_static(
    "etag, idempotency-replayed, retry-after, sidegate-revision, sidegate-touched, www-authenticate, x-request-id",
);

/// For how many seconds a browser need not ask again.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// An origin that a tenant lists.
pub(super) struct Listed(HeaderValue);

impl Gate {
    /// The origin of the page that asks, if the tenant lists it and the path is one of an API.
    pub(super) fn listed_origin(&self, head: &Parts, peer: &Peer) -> Option<Listed> {
        let origin = head.headers.get(ORIGIN)?;
        let method = asked_for(head).unwrap_or_else(|| head.method.clone());
        let found = self.router.find(&method, head.uri.path(), peer.serves).ok()?;
        if !matches!(found.route.family, Family::Api | Family::AuthZen) {
            return None;
        }
        let tenant = self.tenant(found.params.get("tenant"))?;
        let listed = tenant.settings.cors_origins.iter().any(|listed| listed.as_bytes() == origin.as_bytes());
        listed.then(|| Listed(origin.clone()))
    }
}

impl Listed {
    /// The answer to a browser that asks whether a page may ask.
    pub(super) fn preflight(&self, head: &Parts) -> Option<Reply> {
        let method = HeaderValue::from_str(asked_for(head)?.as_str()).ok()?;
        let reply = Reply::empty(StatusCode::NO_CONTENT).with(ACCESS_CONTROL_ALLOW_METHODS, method);
        Some(reply.with(ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_FIELDS).with(ACCESS_CONTROL_MAX_AGE, MAX_AGE))
    }

    /// Says in an answer that the page may read it.
    pub(super) fn mark(self, headers: &mut HeaderMap) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, self.0);
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, ANSWER_FIELDS);
        headers.insert(VARY, HeaderValue::from_static("origin"));
    }
}

/// The method that a preflight asks for.
fn asked_for(head: &Parts) -> Option<Method> {
    let method = head.headers.get(ACCESS_CONTROL_REQUEST_METHOD).filter(|_| head.method == Method::OPTIONS)?;
    Method::from_bytes(method.as_bytes()).ok()
}
