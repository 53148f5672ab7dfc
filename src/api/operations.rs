//! What those who run an instance ask it.

use http::StatusCode;
use serde::Serialize;

use crate::service::{Service, Status};
use crate::web::Reply;

/// The process is alive.
#[must_use]
pub fn healthz() -> Reply {
    #[derive(Serialize)]
    struct Body {
        status: &'static str,
    }
    Reply::json(StatusCode::OK, &Body { status: "ok" })
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
