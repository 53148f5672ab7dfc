//! What those who run an instance ask it.

use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use crate::service::{Service, Status};
use crate::web::Reply;

/// That the process is alive.
#[derive(Serialize, JsonSchema)]
pub struct Health {
    status: &'static str,
}

/// The process is alive.
#[must_use]
pub fn healthz() -> Reply {
    Reply::json(StatusCode::OK, &Health { status: "ok" })
}

/// 200 when it can be asked, if with reasons to look at it; 503 when not.
pub async fn readyz(service: &Service) -> Reply {
    let readiness = service.readiness().await;
    let status = match readiness.status {
        Status::Ready | Status::Degraded => StatusCode::OK,
        Status::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    };
    Reply::json(status, &readiness)
}

/// OpenMetrics text.
#[must_use]
pub fn metrics(service: &Service) -> Reply {
    Reply {
        content_type: "application/openmetrics-text; version=1.0.0; charset=utf-8",
        body: service.metrics().into_bytes().into(),
        ..Reply::empty(StatusCode::OK)
    }
}
