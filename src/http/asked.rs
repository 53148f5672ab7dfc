//! The way in of reverse proxies, which ask whether a request of somebody else may pass.

use std::sync::Arc;

use http::StatusCode;
use http::header::AUTHORIZATION;
use http::request::Parts;
use hyper::body::Incoming;

use crate::model::Caller;
use crate::proxy;
use crate::service::{Asks, Of, Tenant, Unfit};
use crate::web::{Problem, ProxyCall, Reply, is_grpc};

use super::gate::{Gate, Peer, Refusal};
use super::router::Found;
use super::routes::ProxyEndpoint;
use super::{body, challenge};

impl Gate {
    /// Answers a proxy that asks over HTTP.
    pub(super) async fn asked(
        &self,
        endpoint: ProxyEndpoint,
        found: Found<'_>,
        head: &Parts,
        body: Incoming,
        peer: &Peer,
    ) -> Result<Reply, Refusal> {
        // A proxy asks with the head of a request; what follows, if anything, is not ours.
        body::drain(body, self.limits.patience);
        let rest = rest(head, found.params.get("rest").unwrap_or_default());
        match self.ask(endpoint, found.params.get("tenant"), head, rest, peer).await {
            Err(problem) if is_grpc(&head.headers) => Ok(problem.into_grpc()),
            answer => answer.map_err(|problem| (Some(found.route.family), problem)),
        }
    }

    /// What a proxy is told of a request with that head, which is the question's own, by the tenant of that name or the
    /// default one; `rest` is the path and the query that are asked about, where no field has them.
    pub(super) async fn ask(
        &self,
        endpoint: ProxyEndpoint,
        name: Option<&str>,
        head: &Parts,
        rest: &str,
        peer: &Peer,
    ) -> Result<Reply, Problem> {
        if !self.proxies.may_ask(peer.address) {
            let detail = "only proxies on this machine, and those of --trusted-proxies, may ask here";
            return Err(Problem::new(StatusCode::FORBIDDEN, detail));
        }
        let address = self.proxies.client_of_a_proxy(&head.headers);
        let tenant = self.tenant(name).ok_or_else(Problem::no_such_tenant)?;
        tenant.admit(Asks::Page, None, address).map_err(Problem::too_many)?;
        let caller = self.visitor(head, name, &tenant, peer, address).await?;
        let call = ProxyCall { service: &self.service, tenant: &tenant, head, caller, address, rest };
        Ok(match endpoint {
            ProxyEndpoint::AuthRequest => Box::pin(proxy::auth_request(call)).await,
            ProxyEndpoint::ForwardAuth => Box::pin(proxy::forward_auth(call)).await,
            ProxyEndpoint::ExtAuthz => Box::pin(proxy::ext_authz(call)).await,
        })
    }

    /// Whoever has shown an access token; another kind of credential is the app's own affair.
    async fn visitor(
        &self,
        head: &Parts,
        name: Option<&str>,
        tenant: &Tenant,
        peer: &Peer,
        address: Option<std::net::IpAddr>,
    ) -> Result<Option<Arc<Caller>>, Problem> {
        let refused = |why| challenge::refused(&self.service, name, why);
        if !head.headers.contains_key(AUTHORIZATION) {
            return Ok(None);
        }
        let token = match challenge::credential(head, None) {
            Ok(token) => token,
            Err(challenge::Refused::Missing) => return Ok(None),
            Err(why) => return Err(refused(why)),
        };
        let of = name.map_or(Of::Default, Of::Named);
        let (caller, _) = match self.service.authenticate(token, of, &peer.last, address).await {
            Ok(known) => known,
            Err(why) => return Err(refused(why.into())),
        };
        let stands_for_somebody = !matches!(caller.as_ref(), Caller::Service(_)) && caller.belongs_to(&tenant.id);
        if !stands_for_somebody {
            return Err(refused(Unfit::Unlinked.into()));
        }
        Ok(Some(caller))
    }
}

/// The rest of a path, from the slash before it, with the query.
fn rest<'h>(head: &'h Parts, rest: &str) -> &'h str {
    let start = head.uri.path().len().saturating_sub(rest.len() + 1);
    head.uri.path_and_query().and_then(|whole| whole.as_str().get(start..)).unwrap_or("/")
}
