//! A request's way in. Refusals come in one order, the same everywhere: no such route (404, 405), no caller (401),
//! no such tenant (404), not allowed (403), then whatever the body is refused for.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::{Arc, Once};

use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_TYPE, HOST, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::{Bytes, Incoming};

use crate::api;
use crate::authzen;
use crate::model::{Caller, Scope};
use crate::service::{Asks, LastCaller, Of, Service, Tenant};
use crate::web::{Call, InstanceCall, PageCall, Params, Problem, Reply};

use super::body::Outgoing;
use super::client::Proxies;
use super::cors::Listed;
use super::listener::Serves;
use super::router::{Found, NotFound, Router};
use super::routes::{
    AUTHZEN_CONFIGURATION, Access, Endpoint, Family, InstanceEndpoint, Metadata, Operation, PROTECTED_RESOURCE, Page,
    PortalPage, Serve,
};
use super::server::Limits;
use super::{body, challenge, endpoints, grpc, idempotency, openapi, pages};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What all connections share.
pub(super) struct Gate {
    pub(super) service: Arc<Service>,
    pub(super) router: Router,
    pub(super) limits: Limits,
    pub(super) proxies: Proxies,
    /// Said that a proxy was refused that should not be.
    pub(super) said: Once,
}

/// Who is at the other end of a connection.
pub(super) struct Peer {
    /// What it may ask for here.
    pub(super) serves: Serves,
    /// The caller whom it had last.
    pub(super) last: LastCaller,
    /// Its address; a Unix socket has none.
    pub(super) address: Option<IpAddr>,
    /// The fingerprint of its certificate, if it has one that somebody vouches for.
    pub(super) certificate: Option<String>,
}

impl Peer {
    pub(super) fn new(serves: Serves, address: Option<IpAddr>) -> Self {
        Self { serves, last: LastCaller::default(), address, certificate: None }
    }
}

/// Who answers, once the tenant is known.
enum For {
    Api(Endpoint, Arc<Caller>),
    Metadata(Metadata),
    Page(Page),
    Portal(PortalPage),
}

/// Whether the body is taken as a file.
fn admitted_file(answers: &For) -> bool {
    matches!(answers, For::Api(Endpoint::ImportUsers, _))
}

/// A reply's form of errors, and the errors themselves.
pub(super) type Refusal = (Option<Family>, Problem);

impl Gate {
    /// Answers a request, whatever it is.
    pub(super) async fn answer(
        &self,
        request: Request<Incoming>,
        peer: &Peer,
    ) -> Result<Response<Outgoing>, Infallible> {
        if grpc::is_check(&request) {
            return Ok(Box::pin(grpc::check(self, peer, request)).await);
        }
        let (head, body) = request.into_parts();
        let request_id = head.headers.get(REQUEST_ID).cloned();
        let listed = self.listed_origin(&head, peer);
        if let Some(preflight) = listed.as_ref().and_then(|listed| listed.preflight(&head)) {
            body::drain(body, self.limits.patience);
            return Ok(respond(preflight, request_id, listed, false));
        }
        let reply = match self.admit(&head, body, peer).await {
            Ok(reply) => reply,
            Err((Some(Family::AuthZen), problem)) => problem.into_message(),
            Err((Some(Family::Pages), problem)) => pages::problem(problem),
            Err((_, problem)) => problem.into_reply(head.uri.path(), |path| self.service.url_of(path)),
        };
        let secure = reply.content_type.starts_with("text/html") && self.service.is_reached_by_https();
        Ok(respond(reply, request_id, listed, secure))
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
        let found = match self.find(method, uri.path(), peer.serves) {
            Ok(found) => found,
            Err(refusal) => return Err(self.refuse(body, refusal)),
        };
        let family = Some(found.route.family);
        let address = self.proxies.client(peer.address, headers);
        let admitted = match found.route.serve {
            Serve::Public(operation) => {
                body::drain(body, self.limits.patience);
                return Ok(Box::pin(self.operation(operation, found.params.get("name"))).await);
            }
            Serve::Tenant(access, endpoint) => self
                .may(access, &found.params, head, (peer, address))
                .await
                .map(|(caller, tenant)| (tenant, For::Api(endpoint, caller))),
            Serve::Instance(endpoint) => {
                return self.instance(endpoint, found, head, body, (peer, address)).await;
            }
            Serve::Proxy(endpoint) => return Box::pin(self.asked(endpoint, found, head, body, peer)).await,
            Serve::Metadata(metadata) => self.open(&found.params, address, For::Metadata(metadata)),
            Serve::Page(page) => self.open(&found.params, address, For::Page(page)),
            Serve::Portal(page) => self.open(&found.params, address, For::Portal(page)),
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
                let (path, peer, idempotency) = (uri.path(), address, None);
                let call =
                    Call { service, tenant, caller, path, params, query, headers, body, upload, peer, idempotency };
                idempotency::answer(endpoint, call, head).await
            }
            For::Metadata(Metadata::ProtectedResource) => {
                Ok(api::protected_resource(service, tenant, uri.path().trim_start_matches(PROTECTED_RESOURCE)))
            }
            For::Metadata(Metadata::AuthZen) => {
                Ok(authzen::configuration(service, uri.path().trim_start_matches(AUTHZEN_CONFIGURATION)))
            }
            For::Page(page) => {
                let call = PageCall { service, tenant, params, query, headers, body, peer: address };
                Box::pin(pages::answer(page, call)).await.map_err(Problem::from)
            }
            For::Portal(page) => {
                let call = PageCall { service, tenant, params, query, headers, body, peer: address };
                Box::pin(pages::answer_portal(page, call)).await.map_err(Problem::from)
            }
        };
        outcome.map_err(|problem| (family, problem))
    }

    /// What is for those who run the instance.
    async fn instance(
        &self,
        endpoint: InstanceEndpoint,
        found: Found<'_>,
        head: &Parts,
        body: Incoming,
        (peer, address): (&Peer, Option<IpAddr>),
    ) -> Result<Reply, Refusal> {
        let family = Some(found.route.family);
        let caller = match self.may_run(head, peer, address).await {
            Ok(caller) => caller,
            Err(problem) => return Err(self.refuse(body, (family, problem))),
        };
        let body = match body::read(body, self.limits.patience).await {
            Ok(whole) => whole,
            Err((problem, rest)) => return Err(self.refuse(rest, (family, problem))),
        };
        let params = Params::decode(found.params.iter()).map_err(|problem| (family, problem))?;
        let (service, headers, body) = (&self.service, &head.headers, &body[..]);
        let call = InstanceCall { service, caller, params, headers, body, peer: address };
        Box::pin(endpoints::answer_instance(endpoint, call)).await.map_err(|problem| (family, problem))
    }

    async fn operation(&self, operation: Operation, name: Option<&str>) -> Reply {
        match operation {
            Operation::Problem => pages::kind_of_problem(name.unwrap_or_default()),
            Operation::Landing => pages::landing(),
            Operation::OpenApi => openapi::reply(&self.service),
            Operation::Docs => openapi::docs(&self.service),
            Operation::Stylesheet => pages::stylesheet(),
            Operation::Healthz => api::healthz(),
            Operation::Readyz => api::readyz(&self.service).await,
            Operation::Metrics => api::metrics(&self.service),
        }
    }

    /// The tenant of that name, or the default one.
    pub(super) fn tenant(&self, name: Option<&str>) -> Option<Arc<Tenant>> {
        match name {
            Some(id) => self.service.tenant(id),
            None => self.service.default_tenant(),
        }
    }

    /// A refusal of a request whose body nobody reads.
    fn refuse(&self, body: Incoming, refusal: Refusal) -> Refusal {
        body::drain(body, self.limits.patience);
        refusal
    }

    fn find<'r>(&'r self, method: &Method, path: &'r str, serves: Serves) -> Result<Found<'r>, Refusal> {
        self.router.find(method, path, serves).map_err(|why| match why {
            NotFound::Path => (None, Problem::new(StatusCode::NOT_FOUND, "there is nothing at this path")),
            NotFound::Method { route, allow } => {
                let detail = format!("this path takes {allow}");
                let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail);
                (Some(route.family), problem.with(ALLOW, challenge::header(&allow)))
            }
        })
    }

    /// What is open to everybody, for a tenant that there is.
    fn open(
        &self,
        params: &matchit::Params<'_, '_>,
        address: Option<IpAddr>,
        answers: For,
    ) -> Result<(Arc<Tenant>, For), Problem> {
        let tenant = self.tenant(params.get("tenant")).ok_or_else(Problem::no_such_tenant)?;
        tenant.admit(Asks::Page, None, address).map_err(Problem::too_many)?;
        match &tenant.suspended {
            Some(why) => Err(Problem::new(StatusCode::FORBIDDEN, why.clone())),
            None => Ok((tenant, answers)),
        }
    }

    /// An admin of the instance.
    async fn may_run(&self, head: &Parts, peer: &Peer, address: Option<IpAddr>) -> Result<Arc<Caller>, Problem> {
        let refused = |why| challenge::refused(&self.service, None, why);
        let token = challenge::credential(head, peer.certificate.as_deref()).map_err(refused)?;
        let caller = match self.service.authenticate(token, Of::Instance, &peer.last, address).await {
            Ok((caller, _)) => caller,
            Err(why) => return Err(refused(why.into())),
        };
        if caller.runs_the_instance() { Ok(caller) } else { Err(challenge::insufficient(Scope::Admin)) }
    }

    /// Who asks, for which tenant, and whether they may.
    async fn may(
        &self,
        access: Access,
        params: &matchit::Params<'_, '_>,
        head: &Parts,
        (peer, address): (&Peer, Option<IpAddr>),
    ) -> Result<(Arc<Caller>, Arc<Tenant>), Problem> {
        let refused = |why| challenge::refused(&self.service, params.get("tenant"), why);
        let token = challenge::credential(head, peer.certificate.as_deref()).map_err(refused)?;
        let of = params.get("tenant").map_or(Of::Default, Of::Named);
        let (caller, tenant) = match self.service.authenticate(token, of, &peer.last, address).await {
            Ok(known) => known,
            Err(why) => return Err(refused(why.into())),
        };
        if params.get("tenant").is_none() && tenant.is_none() {
            let detail =
                "there is no default tenant here: write /t/TENANT before this path, or see to --default-tenant";
            return Err(Problem::new(StatusCode::NOT_FOUND, detail));
        }
        let tenant = tenant.filter(|tenant| caller.belongs_to(&tenant.id)).ok_or_else(Problem::no_such_tenant)?;
        match (access, caller.as_ref()) {
            (Access::Scope(scope) | Access::Own(scope), Caller::Service(credential))
                if credential.scopes.permit(scope) => {}
            (Access::User | Access::Own(_), Caller::User { .. }) | (Access::Own(_), Caller::Client { .. }) => {}
            (Access::Scope(scope) | Access::Own(scope), _) => return Err(challenge::insufficient(scope)),
            (Access::User, Caller::Service(_) | Caller::Client { .. }) => {
                let detail = "this is for users with their own access tokens";
                return Err(Problem::new(StatusCode::FORBIDDEN, detail));
            }
        }
        let asks = if access.is_for_decisions() { Asks::Decision } else { Asks::Api };
        tenant.admit(asks, Some(&caller), address).map_err(Problem::too_many)?;
        match &tenant.suspended {
            Some(why) if !caller.runs_the_instance() && !access.is_for_decisions() => {
                Err(Problem::new(StatusCode::FORBIDDEN, why.clone()))
            }
            _ => Ok((caller, tenant)),
        }
    }
}

/// An answer as it goes out; `secure` is whether browsers reach us by https.
fn respond(reply: Reply, request_id: Option<HeaderValue>, listed: Option<Listed>, secure: bool) -> Response<Outgoing> {
    let mut response = Response::new(Outgoing::from(reply.body));
    *response.status_mut() = reply.status;
    let headers = response.headers_mut();
    if !reply.content_type.is_empty() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    }
    if !reply.headers.iter().any(|(name, _)| name == CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if reply.content_type.starts_with("text/html") {
        headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    }
    if secure {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Some(theirs) = request_id {
        headers.insert(REQUEST_ID, theirs);
    }
    headers.extend(reply.headers);
    if let Some(listed) = listed {
        listed.mark(headers);
    }
    response
}
