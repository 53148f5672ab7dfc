//! A request that a reverse proxy asks about: what it is by the tenant's routes, and whether it may pass.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use crate::engine::{Program, Routed, Target};
use crate::model::{Action, Caller, Decision, Denial, Entity, Object, Query, RequestPath, Slug, Value};

use super::decide::{Wish, in_force};
use super::tenants::Tenant;
use super::{Result, Service};

/// The type of what no route names.
const HTTP: &str = "http";

/// Who is behind a request, as its subject.
#[derive(Debug, Clone)]
pub enum Visitor {
    /// Nobody is known.
    Anonymous,
    /// Whoever has shown an access token.
    Known(Arc<Caller>),
}

impl Visitor {
    /// The type and the id of the subject.
    #[must_use]
    pub fn subject(&self) -> (&'static str, &str) {
        const ANONYMOUS: (&str, &str) = ("anonymous", "anonymous");
        match self {
            Visitor::Anonymous => ANONYMOUS,
            Visitor::Known(caller) => caller.subject().unwrap_or(ANONYMOUS),
        }
    }
}

/// A request that a proxy asks about.
#[derive(Debug, Clone)]
pub struct Proxied<'r> {
    /// Its method.
    pub method: &'r str,
    /// The host that it is for, in lower case and without a port.
    pub host: String,
    /// Its path.
    pub path: RequestPath,
    /// The address of the client.
    pub address: Option<IpAddr>,
}

/// Whether a request may pass.
#[derive(Debug, Clone)]
pub struct Passage {
    /// Whether it may.
    pub allowed: bool,
    /// Why, or why not.
    pub reason: String,
    /// The profiling rule that asks for something first.
    pub asks: Option<String>,
}

impl Service {
    /// Decides about a request that a proxy asks about. An app may take it for another that is nearly the same: then that one
    /// must be allowed, too.
    pub async fn decide_proxied(&self, tenant: &Tenant, request: &Proxied<'_>, visitor: &Visitor) -> Passage {
        let whole: Vec<&str> = request.path.segments().collect();
        // Most apps answer HEAD as they do GET, and `/a/` as `/a`.
        let methods = if request.method == "HEAD" { &["HEAD", "GET"][..] } else { &[request.method] };
        let without_slash = whole.split_last().filter(|(last, rest)| last.is_empty() && !rest.is_empty());
        let paths = [Some(&whole[..]), without_slash.map(|(_, rest)| rest)];
        let routes = in_force(tenant).ok().map(Program::routes);
        let host = Some(&*request.host);
        let route = |method, segments| routes.and_then(|routes| routes.find(Target { method, host, segments }));
        let mut readings: Vec<Option<Routed<'_>>> = Vec::new();
        for reading in paths.into_iter().flatten().flat_map(|path| methods.iter().map(|method| route(*method, path))) {
            if readings.is_empty() || (reading.is_some() && !readings.contains(&reading)) {
                readings.push(reading);
            }
        }
        let mut passage = None;
        for reading in readings {
            let this = self.decide_reading(tenant, request, reading, visitor).await;
            if !this.allowed {
                return this;
            }
            passage = passage.or(Some(this));
        }
        passage.unwrap_or_else(|| Passage { allowed: false, reason: String::new(), asks: None })
    }

    async fn decide_reading(
        &self,
        tenant: &Tenant,
        request: &Proxied<'_>,
        routed: Option<Routed<'_>>,
        visitor: &Visitor,
    ) -> Passage {
        let text = |text: &str| Value::Str(Cow::Owned(text.to_owned()));
        let captures = routed.iter().flat_map(|routed| &routed.captures);
        let route: Object<'_> = captures.map(|(name, held)| (*name, text(held))).collect();
        let path = request.path.to_string();
        let mut context: Object<'_> = [
            ("method", text(request.method)),
            ("host", text(&request.host)),
            ("path", text(&path)),
            ("route", Value::Object(route)),
        ]
        .into_iter()
        .collect();
        if let Some(address) = request.address {
            context.set("ip".to_owned(), text(&address.to_canonical().to_string()));
        }
        let (action, kind, id) = match routed {
            Some(routed) => (Cow::Owned(routed.action.to_owned()), Cow::Owned(routed.resource.to_owned()), routed.id),
            None => (Cow::Borrowed(request.method), Cow::Borrowed(HTTP), path),
        };
        let (subject_kind, subject_id) = visitor.subject();
        let query = Query {
            subject: Entity { kind: subject_kind.into(), id: subject_id.into(), properties: Object::new() },
            action: Action { name: action, properties: Object::new() },
            resource: Entity { kind, id: id.into(), properties: Object::new() },
            context,
            now: self.now(),
        };
        let claims = match visitor {
            Visitor::Known(caller) => caller.claims(),
            Visitor::Anonymous => None,
        };
        let answer = self.decide(tenant, &query, Wish { claims, ..Wish::default() }).await;
        let reason = answer.decision.reason(&query.action.name, &query.resource.kind).to_string();
        let asks = match answer.decision {
            Decision::Deny(Denial::Incomplete { rule }) => Some(rule.to_owned()),
            _ => None,
        };
        Passage { allowed: answer.decision.is_allow(), reason, asks }
    }

    /// What an app is told of a visitor's traits: of each that the tenant names, its value as a text, or nothing.
    ///
    /// # Errors
    /// The store's: an app must not take what is not known for what is not there.
    pub async fn told_traits<'t>(
        &self,
        tenant: &'t Tenant,
        visitor: &Visitor,
    ) -> Result<Vec<(&'t Slug, Option<String>)>> {
        let named = &tenant.settings.proxies.traits;
        let record = match visitor.subject() {
            ("user", id) if !named.is_empty() => self.facts_that_count(tenant, id).await?,
            _ => None,
        };
        let value = |slug: &Slug| record.as_ref()?.traits().get(slug.as_str()).map(|value| value.to_value().to_text());
        Ok(named.iter().map(|slug| (slug, value(slug))).collect())
    }
}
