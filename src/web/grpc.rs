//! Refusals as gRPC clients read them: the outcome in header fields, and no body, which they would take for messages.

use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::{Problem, Reply};

const GRPC: &str = "application/grpc";
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

/// What a message may not hold as it is (gRPC over HTTP2, "Percent-Encoded").
const IN_A_MESSAGE: &AsciiSet = &CONTROLS.add(b'%');

/// Whether a request is a call over gRPC.
#[must_use]
pub fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(GRPC.as_bytes()))
}

impl Problem {
    /// The outcome of a call that did not begin. The status says the same to those who look at it first.
    #[must_use]
    pub fn into_grpc(self) -> Reply {
        let message = utf8_percent_encode(&self.detail, IN_A_MESSAGE).to_string();
        let mut reply = Reply::empty(self.status).with(GRPC_STATUS, HeaderValue::from(code(self.status)));
        reply.content_type = GRPC;
        reply.headers.extend(HeaderValue::try_from(message).ok().map(|message| (GRPC_MESSAGE, message)));
        reply.headers.extend(self.headers);
        reply
    }
}

/// The code of an outcome, as proxies and clients make it of a status (gRPC, "HTTP to gRPC Status Code Mapping").
fn code(status: StatusCode) -> u16 {
    const UNKNOWN: u16 = 2;
    const PERMISSION_DENIED: u16 = 7;
    const INTERNAL: u16 = 13;
    const UNAVAILABLE: u16 = 14;
    const UNAUTHENTICATED: u16 = 16;
    match status {
        StatusCode::BAD_REQUEST => INTERNAL,
        StatusCode::UNAUTHORIZED => UNAUTHENTICATED,
        StatusCode::FORBIDDEN => PERMISSION_DENIED,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => UNAVAILABLE,
        _ => UNKNOWN,
    }
}
