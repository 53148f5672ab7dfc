//! A request's way in. Refusals come in one order, the same everywhere: no such route (404, 405), no caller (401),
//! no such tenant (404), not allowed (403), then whatever the body is refused for.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use http::header::{
    ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HOST, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::{Bytes, Incoming};

use crate::api;
use crate::model::{Caller, Scope};
use crate::service::{LastCaller, Refused, Service, Tenant};
use crate::web::{Call, PageCall, Params, Problem, Reply};

use super::body::Outgoing;
use super::router::{Found, NotFound, Router};
use super::routes::{Access, Endpoint, Family, Operation, Page, PortalPage, Serve};
use super::server::Limits;
use super::{body, idempotency, pages};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What all connections share.
pub(super) struct Gate {
    pub(super) service: Arc<Service>,
    pub(super) router: Router,
    pub(super) limits: Limits,
}

/// Who is at the other end of a connection.
#[derive(Default)]
pub(super) struct Peer {
    /// The caller whom it had last.
    pub(super) last: LastCaller,
    /// Its address; a Unix socket has none.
    pub(super) address: Option<IpAddr>,
}

/// Who answers, once the tenant is known.
enum For {
    Api(Endpoint, Arc<Caller>),
    Page(Page),
    Portal(PortalPage),
}

/// Whether the body is taken as a file.
fn admitted_file(answers: &For) -> bool {
    matches!(answers, For::Api(Endpoint::ImportUsers, _))
}

/// A reply's form of errors, and the errors themselves.
type Refusal = (Option<Family>, Problem);

impl Gate {
    /// Answers a request, whatever it is.
    pub(super) async fn answer(
        &self,
        request: Request<Incoming>,
        peer: &Peer,
    ) -> Result<Response<Outgoing>, Infallible> {
        let (head, body) = request.into_parts();
        let request_id = head.headers.get(REQUEST_ID).cloned();
        let reply = match self.admit(&head, body, peer).await {
            Ok(reply) => reply,
            Err((Some(Family::AuthZen), problem)) => problem.into_message(),
            Err((Some(Family::Pages), problem)) => pages::problem(problem),
            Err((_, problem)) => problem.into_reply(head.uri.path()),
        };
        Ok(respond(reply, request_id))
    }

    /// Answers a request, even if its client does not wait for it: it will ask again what became of it.
    pub(super) async fn answer_to_the_end(
        self: Arc<Self>,
        request: Request<Incoming>,
        peer: Arc<Peer>,
    ) -> Result<Response<Outgoing>, Infallible> {
        let answering = tokio::spawn(async move { self.answer(request, &peer).await });
        answering.await.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic()))
    }

    async fn admit(&self, head: &Parts, body: Incoming, peer: &Peer) -> Result<Reply, Refusal> {
        let Parts { method, uri, headers, .. } = head;
        if headers.get_all(HOST).iter().count() > 1 {
            let problem = Problem::bad_request("the request has more than one Host");
            return Err(self.refuse(body, (None, problem)));
        }
        let found = match self.find(method, uri.path()) {
            Ok(found) => found,
            Err(refusal) => return Err(self.refuse(body, refusal)),
        };
        let family = Some(found.route.family);
        let admitted = match found.route.serve {
            Serve::Public(operation) => {
                body::drain(body, self.limits.patience);
                return Ok(Box::pin(self.operation(operation)).await);
            }
            Serve::Tenant(access, endpoint) => self
                .may(access, &found.params, headers, &peer.last)
                .await
                .map(|(caller, tenant)| (tenant, For::Api(endpoint, caller))),
            Serve::Page(page) => {
                self.tenant(&found.params).ok_or_else(Problem::no_such_tenant).map(|t| (t, For::Page(page)))
            }
            Serve::Portal(page) => {
                self.tenant(&found.params).ok_or_else(Problem::no_such_tenant).map(|t| (t, For::Portal(page)))
            }
        };
        let (tenant, answers) = match admitted {
            Ok(admitted) => admitted,
            Err(problem) => return Err(self.refuse(body, (family, problem))),
        };
        let mut upload = None;
        let body = match *method {
            Method::GET | Method::HEAD | Method::DELETE => {
                body::drain(body, self.limits.patience);
                Bytes::new()
            }
            _ if admitted_file(&answers) => match body::spool(body, &self.service, self.limits.patience).await {
                Ok(file) => {
                    upload = Some(file);
                    Bytes::new()
                }
                Err((problem, rest)) => return Err(self.refuse(rest, (family, problem))),
            },
            _ => match body::read(body, self.limits.patience).await {
                Ok(whole) => whole,
                Err((problem, rest)) => return Err(self.refuse(rest, (family, problem))),
            },
        };
        let params = Params::decode(found.params.iter()).map_err(|problem| (family, problem))?;
        let (service, tenant, query, body) = (&self.service, tenant.as_ref(), uri.query().unwrap_or(""), &body[..]);
        let upload = upload.as_ref();
        let outcome = match answers {
            For::Api(endpoint, caller) => {
                let peer = peer.address;
                let call =
                    Call { service, tenant, caller, params, query, headers, body, upload, peer, idempotency: None };
                idempotency::answer(endpoint, call, head).await
            }
            For::Page(page) => {
                let call = PageCall { service, tenant, params, query, headers, body, peer: peer.address };
                Box::pin(pages::answer(page, call)).await.map_err(Problem::from)
            }
            For::Portal(page) => {
                let call = PageCall { service, tenant, params, query, headers, body, peer: peer.address };
                Box::pin(pages::answer_portal(page, call)).await.map_err(Problem::from)
            }
        };
        outcome.map_err(|problem| (family, problem))
    }

    async fn operation(&self, operation: Operation) -> Reply {
        match operation {
            Operation::Landing => pages::landing(),
            Operation::Stylesheet => pages::stylesheet(),
            Operation::Healthz => api::healthz(),
            Operation::Readyz => api::readyz(&self.service).await,
            Operation::Metrics => api::metrics(&self.service),
        }
    }

    /// The tenant that a path names, or the default one.
    fn tenant(&self, params: &matchit::Params<'_, '_>) -> Option<Arc<Tenant>> {
        match params.get("tenant") {
            Some(id) => self.service.tenant(id),
            None => self.service.default_tenant(),
        }
    }

    /// A refusal of a request whose body nobody reads.
    fn refuse(&self, body: Incoming, refusal: Refusal) -> Refusal {
        body::drain(body, self.limits.patience);
        refusal
    }

    fn find<'r>(&'r self, method: &Method, path: &'r str) -> Result<Found<'r>, Refusal> {
        self.router.find(method, path).map_err(|why| match why {
            NotFound::Path => (None, Problem::new(StatusCode::NOT_FOUND, "there is nothing at this path")),
            NotFound::Method { route, allow } => {
                let detail = format!("this path takes {allow}");
                let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail);
                (Some(route.family), with(problem, ALLOW, &allow))
            }
        })
    }

    /// Who asks, for which tenant, and whether they may.
    async fn may(
        &self,
        access: Access,
        params: &matchit::Params<'_, '_>,
        headers: &HeaderMap,
        last: &LastCaller,
    ) -> Result<(Arc<Caller>, Arc<Tenant>), Problem> {
        let caller = self.service.authenticate(bearer(headers), last).await.map_err(|why| challenge(&why))?;
        // The tenant is looked up whether or not the caller is one of it: that takes the same time.
        let tenant = self.tenant(params).filter(|tenant| caller.belongs_to(&tenant.id));
        let tenant = tenant.ok_or_else(Problem::no_such_tenant)?;
        match (access, caller.as_ref()) {
            (Access::Scope(scope), Caller::Service(credential)) if credential.scopes.permit(scope) => {}
            (Access::User, Caller::User { .. }) => {}
            (Access::Scope(scope), _) => return Err(insufficient(scope)),
            (Access::User, Caller::Service(_)) => {
                let detail = "this is for users with their own access tokens, not for service tokens";
                return Err(Problem::new(StatusCode::FORBIDDEN, detail));
            }
        }
        Ok((caller, tenant))
    }
}

/// The one bearer token of a request (RFC 6750, section 2.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn challenge(why: &Refused) -> Problem {
    match why {
        Refused::Missing => {
            let detail = "send an access token: Authorization: Bearer ...";
            with(Problem::new(StatusCode::UNAUTHORIZED, detail), WWW_AUTHENTICATE, "Bearer realm=\"sidegate\"")
        }
        Refused::Invalid => {
            let challenge = "Bearer realm=\"sidegate\", error=\"invalid_token\"";
            with(Problem::new(StatusCode::UNAUTHORIZED, why.to_string()), WWW_AUTHENTICATE, challenge)
        }
        Refused::Store(error) => {
            tracing::error!(%error, "a token could not be looked up");
            Problem::unavailable(format!("{}, so tokens cannot be checked", error.trouble()))
        }
    }
}

fn insufficient(scope: Scope) -> Problem {
    let scope = scope.as_str();
    let detail = format!("this needs a service token of the scope {scope}");
    let challenge = format!("Bearer realm=\"sidegate\", error=\"insufficient_scope\", scope=\"{scope}\"");
    with(Problem::new(StatusCode::FORBIDDEN, detail), WWW_AUTHENTICATE, &challenge)
}

fn with(problem: Problem, name: HeaderName, value: &str) -> Problem {
    problem.with(name, header(value))
}

/// A value that we wrote ourselves, in ASCII.
fn header(value: &str) -> HeaderValue {
    HeaderValue::from_str(value).unwrap_or(HeaderValue::from_static(""))
}

fn respond(reply: Reply, request_id: Option<HeaderValue>) -> Response<Outgoing> {
    let mut response = Response::new(Outgoing::from(reply.body));
    *response.status_mut() = reply.status;
    let headers = response.headers_mut();
    if !reply.content_type.is_empty() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if reply.content_type.starts_with("text/html") {
        headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Some(theirs) = request_id {
        headers.insert(REQUEST_ID, theirs);
    }
    headers.extend(reply.headers);
    response
}
