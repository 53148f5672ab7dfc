//! Envoy's gRPC `Check`, as the bytes that go over HTTP/2: no gRPC library takes its time on the client's side.

use envoy_types::pb::envoy::config::core::v3::{HeaderValue, HeaderValueOption};
use envoy_types::pb::envoy::service::auth::v3::attribute_context::{HttpRequest, Request as Asked};
use envoy_types::pb::envoy::service::auth::v3::check_response::HttpResponse;
use envoy_types::pb::envoy::service::auth::v3::{AttributeContext, CheckRequest, CheckResponse, OkHttpResponse};
use http::HeaderMap;
use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use tonic_prost::prost::Message;

/// What Envoy asks about a request of a user.
pub fn question(token: &str) -> Vec<u8> {
    let fields = [("authorization", &*format!("Bearer {token}")), ("x-forwarded-proto", "https"), ("accept", "*/*")];
    let http = HttpRequest {
        method: "GET".to_owned(),
        host: "app.acme.example".to_owned(),
        path: "/reports/7?a=b".to_owned(),
        headers: fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        ..HttpRequest::default()
    };
    let attributes = AttributeContext {
        request: Some(Asked { http: Some(http), ..Asked::default() }),
        context_extensions: [("tenant".to_owned(), "acme".to_owned())].into(),
        ..AttributeContext::default()
    };
    framed(&CheckRequest { attributes: Some(attributes) })
}

/// A yes, as long as that of sidegate.
pub fn yes() -> Vec<u8> {
    let field = |(name, value): (&str, &str)| HeaderValueOption {
        header: Some(HeaderValue { key: name.to_owned(), value: value.to_owned(), ..HeaderValue::default() }),
        append_action: 2,
        ..HeaderValueOption::default()
    };
    let told = [("x-auth-subject", "alice"), ("x-auth-subject-type", "user"), ("x-auth-tenant", "acme")];
    let passes = OkHttpResponse { headers: told.map(field).into(), ..OkHttpResponse::default() };
    let status = Some(Default::default());
    framed(&CheckResponse { status, http_response: Some(HttpResponse::OkResponse(passes)), ..CheckResponse::default() })
}

pub fn request(question: &[u8]) -> Request<Full<Bytes>> {
    Request::post("http://localhost/envoy.service.auth.v3.Authorization/Check")
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(Full::new(Bytes::copy_from_slice(question)))
        .unwrap()
}

/// Whether an answer lets a request pass: `status` of the message has no code, and so has the call.
pub fn passes(body: &[u8], trailers: Option<&HeaderMap>) -> bool {
    let ended = trailers.and_then(|trailers| trailers.get("grpc-status")).is_some_and(|status| status == "0");
    ended && body.get(5..).is_some_and(|message| message.starts_with(b"\x0a\x00\x1a"))
}

/// A message on the wire: not compressed, and how long it is (gRPC over HTTP2, "Length-Prefixed-Message").
fn framed(message: &impl Message) -> Vec<u8> {
    let message = message.encode_to_vec();
    let length = u32::try_from(message.len()).unwrap();
    [&[0], &length.to_be_bytes()[..], &message].concat()
}
