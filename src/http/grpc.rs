//! Envoy's gRPC `Check` (envoy.service.auth.v3): the same question as over HTTP, in a message.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;

use envoy_types::pb::envoy::config::core::v3::header_value_option::HeaderAppendAction;
use envoy_types::pb::envoy::config::core::v3::{HeaderValue as Field, HeaderValueOption};
use envoy_types::pb::envoy::service::auth::v3::check_response::HttpResponse;
use envoy_types::pb::envoy::service::auth::v3::{CheckRequest, CheckResponse, DeniedHttpResponse, OkHttpResponse};
use envoy_types::pb::envoy::r#type::v3::HttpStatus;
use envoy_types::pb::google::rpc::Status as Outcome;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, Request, StatusCode, Uri};
use hyper::Response;
use hyper::body::Incoming;
use tonic::server::{Grpc, UnaryService};
use tonic::{Code, Status};
use tonic_prost::ProstCodec;

use crate::proxy::Fields;
use crate::web::{Content, Problem, Reply, is_grpc};

use super::asked::Asker;
use super::body::Outgoing;
use super::client::SECRET;
use super::gate::{Gate, Peer};

/// The method, as gRPC names it.
const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";

/// The member of a check's `context_extensions` that names the tenant; without it, the default one decides.
const TENANT: &str = "tenant";

/// Whether a request is such a call.
pub(super) fn is_check(request: &Request<Incoming>) -> bool {
    request.uri().path() == CHECK && is_grpc(request.headers())
}

/// Answers one.
pub(super) async fn check(gate: &Gate, peer: &Peer, request: Request<Incoming>) -> Response<Outgoing> {
    Grpc::new(ProstCodec::default()).unary(Checking { gate, peer }, request).await.map(Outgoing::Message)
}

struct Checking<'g> {
    gate: &'g Gate,
    peer: &'g Peer,
}

type Answering<'g> = Pin<Box<dyn Future<Output = Result<tonic::Response<CheckResponse>, Status>> + Send + 'g>>;

impl<'g> UnaryService<CheckRequest> for Checking<'g> {
    type Response = CheckResponse;
    type Future = Answering<'g>;

    fn call(&mut self, request: tonic::Request<CheckRequest>) -> Answering<'g> {
        let (gate, peer) = (self.gate, self.peer);
        Box::pin(async move {
            let (metadata, _, message) = request.into_parts();
            let secrets = metadata.get_all(SECRET.as_str()).iter().map(|value| value.as_encoded_bytes()).collect();
            let attributes = message.attributes.unwrap_or_default();
            let tenant = attributes.context_extensions.get(TENANT).cloned();
            let http = attributes.request.and_then(|request| request.http);
            let http = http.ok_or_else(|| Status::invalid_argument("the check is about no HTTP request"))?;
            let head = head(&http.method, &http.host, http.headers)?;
            let asker = Asker { peer, secrets, tenant: tenant.as_deref() };
            let answer = gate.ask(Fields::Itself, &asker, &head, &http.path).await;
            let as_reply = |problem: Problem| match is_grpc(&head.headers) {
                true => problem.into_grpc(),
                false => problem.into_reply(head.uri.path(), |path| gate.service.url_of(path)),
            };
            Ok(tonic::Response::new(told(answer.unwrap_or_else(as_reply))))
        })
    }
}

/// The head of the request that is asked about. What cannot stand in one is no request.
fn head(method: &str, host: &str, fields: HashMap<String, String>) -> Result<http::request::Parts, Status> {
    let unusable = |what: &str| Status::invalid_argument(format!("the check holds {what} that no request has"));
    let mut builder =
        Request::builder().method(Method::from_bytes(method.as_bytes()).map_err(|_| unusable("a method"))?);
    builder = builder.uri(Uri::from_static("/")).header(http::header::HOST, host);
    for (name, value) in fields {
        // Those with a colon are no fields, and the host stands on its own.
        if name.starts_with(':') || name == "host" {
            continue;
        }
        builder = builder.header(name, value);
    }
    Ok(builder.body(()).map_err(|_| unusable("a field"))?.into_parts().0)
}

/// An answer, as a message.
fn told(reply: Reply) -> CheckResponse {
    let Reply { status, content_type, headers, body } = reply;
    let passes = status == StatusCode::OK;
    let content_type = (!content_type.is_empty()).then(|| (CONTENT_TYPE, HeaderValue::from_static(content_type)));
    let fields = headers.into_iter().chain(content_type.filter(|_| !passes)).map(|(name, value)| field(&name, &value));
    let body = match body {
        Content::Whole(whole) => String::from_utf8_lossy(&whole).into_owned(),
        Content::Parts(_) => String::new(),
    };
    let code = if passes { Code::Ok } else { Code::PermissionDenied };
    let outcome = Outcome { code: code as i32, ..Outcome::default() };
    let answer = if passes {
        HttpResponse::OkResponse(OkHttpResponse { headers: fields.collect(), ..OkHttpResponse::default() })
    } else {
        let status = Some(HttpStatus { code: i32::from(status.as_u16()) });
        HttpResponse::DeniedResponse(DeniedHttpResponse { status, headers: fields.collect(), body })
    };
    CheckResponse { status: Some(outcome), http_response: Some(answer), ..CheckResponse::default() }
}

/// A field that takes the place of whatever is there.
fn field(name: &HeaderName, value: &HeaderValue) -> HeaderValueOption {
    let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
    HeaderValueOption {
        header: Some(Field { key: name.to_string(), value, ..Field::default() }),
        append_action: HeaderAppendAction::OverwriteIfExistsOrAdd.into(),
        ..HeaderValueOption::default()
    }
}
