//! The way in of reverse proxies, which ask whether a request of somebody else may pass.

use std::net::IpAddr;
use std::sync::Arc;

use http::StatusCode;
use http::header::AUTHORIZATION;
use http::request::Parts;
use hyper::body::Incoming;

use crate::model::{AccessToken, Caller, Object, TenantId, UserId};
use crate::proxy::{self, Fields};
use crate::service::{Asks, Of, Secret, Tenant, Unfit};
use crate::web::{Held, Problem, ProxyCall, Reply, SessionCookie, is_grpc};

use super::client::SECRET;
use super::gate::{Gate, Peer, Refusal};
use super::router::Found;
use super::{body, challenge};

/// Who asks, about whose tenant.
pub(super) struct Asker<'a> {
    pub(super) peer: &'a Peer,
    /// What it shows to be let ask.
    pub(super) secrets: Vec<&'a [u8]>,
    /// The tenant that it names.
    pub(super) tenant: Option<&'a str>,
}

/// A request that somebody asks about, whose tenant is known.
struct Visit<'a> {
    head: &'a Parts,
    of: Of<'a>,
    tenant: &'a Tenant,
    /// Who asks.
    peer: &'a Peer,
    /// Where the client is.
    address: Option<IpAddr>,
}

impl Gate {
    /// Answers a proxy that asks over HTTP.
    pub(super) async fn asked(
        &self,
        fields: Fields,
        found: Found<'_>,
        head: &Parts,
        body: Incoming,
        peer: &Peer,
    ) -> Result<Reply, Refusal> {
        // A proxy asks with the head of a request; what follows, if anything, is not ours.
        body::drain(body, self.limits.patience);
        let rest = rest(head, found.params.get("rest").unwrap_or_default());
        let secrets = head.headers.get_all(SECRET).iter().map(|value| value.as_bytes()).collect();
        let asker = Asker { peer, secrets, tenant: found.params.get("tenant") };
        match self.ask(fields, &asker, head, rest).await {
            Err(problem) if fields == Fields::Original => Err((Some(found.route.family), proxy::by_status(problem))),
            Err(problem) if is_grpc(&head.headers) => Ok(problem.into_grpc()),
            answer => answer.map_err(|problem| (Some(found.route.family), problem)),
        }
    }

    /// What a proxy is told of a request with that head, which is the question's own; `rest` is the path and the query that
    /// are asked about, where no field has them.
    pub(super) async fn ask(
        &self,
        fields: Fields,
        asker: &Asker<'_>,
        head: &Parts,
        rest: &str,
    ) -> Result<Reply, Problem> {
        if !self.proxies.may_ask(asker.peer.address, &asker.secrets) {
            let detail = match self.proxies.secret {
                Some(_) => "whoever asks here shows the proxies' secret, once, in X-Sidegate-Secret",
                None => "only proxies on this machine, and those of --trusted-proxies, may ask here",
            };
            return Err(self.misconfigured(detail));
        }
        let address = self.proxies.client_of_a_proxy(&head.headers);
        let name = match asker.tenant {
            None if !self.proxies.hosts.is_empty() => Some(self.tenant_of_host(head, fields)?),
            named => named,
        };
        let tenant = self.tenant(name).ok_or_else(Problem::no_such_tenant)?;
        tenant.admit(Asks::Page, None, address).map_err(Problem::too_many)?;
        let of = name.map_or(Of::Default, Of::Named);
        let caller = self.visitor(&Visit { head, of, tenant: &tenant, peer: asker.peer, address }).await?;
        let call = ProxyCall { service: &self.service, tenant: &tenant, head, caller, address, rest };
        Ok(Box::pin(proxy::answer(call, fields)).await)
    }

    /// A refusal that somebody can mend who looks after proxies: it is said to them once, since anybody may ask.
    fn misconfigured(&self, detail: &'static str) -> Problem {
        self.said.call_once(|| tracing::warn!("a proxy was refused, and others may be: {detail}"));
        Problem::new(StatusCode::FORBIDDEN, detail)
    }

    /// The tenant that a host is mapped to.
    fn tenant_of_host(&self, head: &Parts, fields: Fields) -> Result<&str, Problem> {
        let tenant = proxy::host(head, fields).and_then(|host| self.proxies.hosts.get(&host));
        let none = || Problem::new(StatusCode::NOT_FOUND, "this host is none of those that --hosts names");
        tenant.map(TenantId::as_str).ok_or_else(none)
    }

    /// Who it is by an access token, by a session of ours, by what an identity proxy says; nobody with none of them. Two that
    /// name two users are no answer.
    async fn visitor(&self, visit: &Visit<'_>) -> Result<Option<Arc<Caller>>, Problem> {
        let ways = [self.by_token(visit).await?, self.by_session(visit).await?, self.by_identity_proxy(visit)?];
        let mut known = ways.into_iter().flatten();
        let Some(first) = known.next() else { return Ok(None) };
        if known.any(|other| other.subject() != first.subject()) {
            return Err(Problem::bad_request("access token, session and identity header name different users"));
        }
        Ok(Some(first))
    }

    /// Whoever has shown an access token; another kind of credential is the app's own affair.
    async fn by_token(&self, visit: &Visit<'_>) -> Result<Option<Arc<Caller>>, Problem> {
        let head = visit.head;
        let refused = |why| self.refused(visit, why);
        if !head.headers.contains_key(AUTHORIZATION) {
            return Ok(None);
        }
        let token = match challenge::credential(head, None) {
            Ok(token) => token,
            Err(challenge::Refused::Missing) => return Ok(None),
            Err(why) => return Err(refused(why)),
        };
        let caller = self.authenticated(visit, token).await.map_err(|why| refused(why.into()))?;
        let stands_for_somebody = caller.subject().is_some() && caller.belongs_to(&visit.tenant.id);
        if !stands_for_somebody {
            return Err(refused(Unfit::Unlinked.into()));
        }
        Ok(Some(caller))
    }

    /// Whoever has signed in here. Browsers keep the cookies of sessions that are over: these are nobody's.
    async fn by_session(&self, visit: &Visit<'_>) -> Result<Option<Arc<Caller>>, Problem> {
        let held = SessionCookie::of(visit.tenant).map(|cookie| cookie.held(&visit.head.headers));
        let Some(Held::One(cookie)) = held else { return Ok(None) };
        match self.authenticated(visit, Secret::Session(&cookie)).await {
            Ok(caller) if caller.belongs_to(&visit.tenant.id) => Ok(Some(caller)),
            Ok(_) | Err(Unfit::Forged | Unfit::Expired) => Ok(None),
            Err(why) => Err(self.refused(visit, why.into())),
        }
    }

    async fn authenticated(&self, visit: &Visit<'_>, secret: Secret<'_>) -> Result<Arc<Caller>, Unfit> {
        let known = self.service.authenticate(secret, visit.of, &visit.peer.last, visit.address).await?;
        Ok(known.0)
    }

    fn refused(&self, visit: &Visit<'_>, why: challenge::Refused) -> Problem {
        let name = match visit.of {
            Of::Named(name) => Some(name),
            Of::Default | Of::Instance => None,
        };
        challenge::refused(&self.service, name, why)
    }

    /// Whom an identity proxy names: it is believed if whoever asks has shown the proxies' secret.
    fn by_identity_proxy(&self, visit: &Visit<'_>) -> Result<Option<Arc<Caller>>, Problem> {
        let Visit { head, tenant, .. } = visit;
        let Some(header) = &tenant.settings.proxies.identity_header else { return Ok(None) };
        if self.proxies.secret.is_none() {
            let detail = "proxies.identityHeader counts only with SIDEGATE_PROXY_SECRET, which is not set";
            return Err(self.misconfigured(detail));
        }
        let unusable = |detail: &str| Problem::bad_request(format!("{header} {detail}"));
        let mut values = head.headers.get_all(header.as_str()).iter();
        let id = match (values.next(), values.next()) {
            (None, _) => return Ok(None),
            (Some(value), None) if value.is_empty() => return Ok(None),
            // Envoy makes one of two, with a comma between them.
            (Some(value), None) => {
                value.to_str().ok().filter(|id| !id.contains(',')).and_then(|id| UserId::parse(id).ok())
            }
            (Some(_), Some(_)) => return Err(unusable("is there twice")),
        };
        let id = id.ok_or_else(|| unusable("names nobody whom one could be"))?;
        let token = AccessToken { tenant: tenant.id.clone(), claims: Object::new(), expires_at: jiff::Timestamp::MAX };
        Ok(Some(Arc::new(Caller::User { id, token })))
    }
}

/// The rest of a path, from the slash before it, with the query.
fn rest<'h>(head: &'h Parts, rest: &str) -> &'h str {
    let start = head.uri.path().len().saturating_sub(rest.len() + 1);
    head.uri.path_and_query().and_then(|whole| whole.as_str().get(start..)).unwrap_or("/")
}
