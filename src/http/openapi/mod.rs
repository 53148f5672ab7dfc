//! The OpenAPI 3.1 document: made once from the table of routes, what each endpoint's row says of it, and the types
//! that handlers read and write.

mod docs;
mod endpoints;
mod operation;
mod paths;
mod public;

use std::sync::LazyLock;

use http::StatusCode;
use serde_json::{Value, json};

use crate::service::Service;
use crate::web::Reply;

use self::paths::Parts;

pub(super) use self::docs::docs;

/// The media type of the document (OpenAPI Specification 3.1.1, "Media Type Registration").
const MEDIA_TYPE: &str = "application/vnd.oai.openapi+json;version=3.1";

const INTRODUCTION: &str = "An authorization sidecar: apps ask it for decisions, identity providers report \
             logins, admins keep traits, definitions and rules in it. Paths with `/t/{tenant}` \
             are there without it for the default tenant, too. The \
             `X-Request-ID` of a request comes back with its answer.";

/// The document, but for where the server is.
static DOCUMENT: LazyLock<Value> = LazyLock::new(make);

/// The document, of a server that is reached at a URL.
#[must_use]
pub fn openapi(server: &str) -> Value {
    let mut document = DOCUMENT.clone();
    if let Some(members) = document.as_object_mut() {
        members.insert("servers".to_owned(), json!([{ "url": server.trim_end_matches('/') }]));
    }
    document
}

/// `GET /openapi.json`
pub(super) fn reply(service: &Service) -> Reply {
    Reply { content_type: MEDIA_TYPE, ..Reply::json(StatusCode::OK, &openapi(&service.url_of("/"))) }
}

fn make() -> Value {
    let mut parts = Parts::default();
    let paths = parts.paths();
    let tags = TAGS.iter().map(|(name, about)| json!({ "name": name, "description": about }));
    let sessions = "An admin who is signed in to the tenant's portal.";
    json!({
        "openapi": "3.1.1",
        "info": {
            "title": "sidegate",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": env!("CARGO_PKG_DESCRIPTION"),
            "description": INTRODUCTION,
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "tags": tags.collect::<Value>(),
        "paths": paths,
        "components": {
            "schemas": parts.written.take_definitions(true),
            "responses": parts.refusals,
            "parameters": {
                "IfMatch": header("If-Match", IF_MATCH),
                "IfNoneMatch": header("If-None-Match", IF_NONE_MATCH),
                "IdempotencyKey": header("Idempotency-Key", IDEMPOTENCY_KEY),
            },
            "headers": {
                "ETag": { "description": "Names what there is, for `If-Match`.", "schema": { "type": "string" } },
                "Sidegate-Revision": {
                    "description": "The tenant's revision after the change, for `minRevision`.",
                    "schema": { "type": "string" },
                },
            },
            "securitySchemes": {
                "serviceToken": bearer("A service token (`sgt_...`) with the scope that is named."),
                "instanceToken": bearer("A service token of the instance with the scope `admin`."),
                "accessToken": bearer("A user's access token, of an issuer that the tenant trusts."),
                "portalSession": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "__Host-sidegate-{tenant}-portal",
                    "description": sessions,
                },
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "__Host-sidegate-{tenant}-session",
                    "description": "A user who has signed in to the tenant's apps; `__Secure-` with a cookie domain.",
                },
            },
        },
    })
}

const IF_MATCH: &str = "Changes only what has one of these entity tags; `*` is anything that is there (RFC \
             9110, section 13.1.1).";
const IF_NONE_MATCH: &str = "`*` changes nothing that is there already (RFC 9110, section 13.1.2).";
const IDEMPOTENCY_KEY: &str = "A request that comes again with the same key, such as a UUID, is carried out once, \
             and answered the same.";

fn header(name: &str, about: &str) -> Value {
    json!({ "name": name, "in": "header", "description": about, "schema": { "type": "string" } })
}

fn bearer(about: &str) -> Value {
    json!({ "type": "http", "scheme": "bearer", "description": about })
}

/// What operations are listed under.
const TAGS: [(&str, &str); 11] = [
    ("Decisions", "Whether a subject may."),
    ("Users", "Traits and profile fields of users, and what else is known of them."),
    ("Definitions", "What traits there are, and what they may be."),
    ("Resources", "Stored attributes of resources."),
    ("Profiling", "What to ask whom, and when."),
    ("Audit", "Who changed what."),
    ("Tenant", "Settings and service tokens of a tenant."),
    ("Instance", "For those who run the instance: its tenants."),
    ("Proxies", "Whether a request may pass; for reverse proxies on this machine, and those that are trusted."),
    ("Operations", "How the instance does, and what it says of itself."),
    ("Pages", "For people, with forms."),
];
