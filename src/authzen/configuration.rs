//! `/.well-known/authzen-configuration`: where what is asked (AuthZEN 1.0, section 9).

use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue};
use schemars::JsonSchema;
use serde::Serialize;

use crate::service::Service;
use crate::web::Reply;

/// What there is of a PDP; what is not named is not offered.
#[derive(Serialize, JsonSchema)]
pub struct Configuration {
    /// The base URL.
    policy_decision_point: String,
    access_evaluation_endpoint: String,
    access_evaluations_endpoint: String,
}

/// The metadata of the PDP at a path: a tenant's, or empty for the default tenant's.
#[must_use]
pub fn configuration(service: &Service, path: &str) -> Reply {
    let body = Configuration {
        policy_decision_point: service.url_of(path),
        access_evaluation_endpoint: service.url_of(&format!("{path}/access/v1/evaluation")),
        access_evaluations_endpoint: service.url_of(&format!("{path}/access/v1/evaluations")),
    };
    // Section 9.2.2 wants it to be kept for a while.
    let kept = (CACHE_CONTROL, HeaderValue::from_static("max-age=300"));
    let mut reply = Reply::json(StatusCode::OK, &body);
    reply.headers.push(kept);
    reply
}
