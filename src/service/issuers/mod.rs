//! Access tokens of users and clients, from the issuers that a tenant trusts: who signed them, for whom, and whose they are.

mod introspection;
mod jwt;
mod keys;
mod source;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::model::{AccessToken, Caller, Issuer, Object, SUBJECT, TenantId, UserId};
use crate::store::{Name, StoreError};

use super::Service;
use super::limits::TooMany;
use super::tenants::Tenant;

use self::introspection::introspect;
use self::jwt::Jwt;
use self::keys::KeySet;
use self::source::{At, Source};

pub(super) use self::jwt::{claims_of, text};

/// How often one looks whether keys should be read again.
const LOOK: Duration = Duration::from_secs(1);

/// Why an access token is not taken.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// It is no token of an issuer that the tenant trusts. Nothing more is said: nobody has vouched for it.
    #[error("the access token is unknown, expired or revoked")]
    Forged,
    /// It has ended.
    #[error("the access token has expired")]
    Expired,
    /// Its time has not come.
    #[error("the access token does not count yet (nbf)")]
    Early,
    /// It is for somebody else.
    #[error("the access token is meant for another audience (aud)")]
    Audience,
    /// Its subject is nobody here.
    #[error("the subject of the access token is none of this tenant's: no user has this identity linked")]
    Unlinked,
    /// Nobody vouches for it just now.
    #[error("the issuer of the access token does not answer, so it cannot be checked")]
    Unanswered,
    /// Too many there had nothing that counts to show.
    #[error("too many access tokens from this address did not count")]
    TooMany(TooMany),
    /// The store could not say whose it is.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whether the link still stands by which a user was found.
pub(super) type Link = Arc<AtomicBool>;

/// So many users are known by links at once.
const MAX_LINKS: usize = 100_000;

impl From<TooMany> for Unfit {
    fn from(too_many: TooMany) -> Self {
        Self::TooMany(too_many)
    }
}

/// A caller who was found.
pub(super) struct Found {
    pub(super) caller: Caller,
    /// For one who was found by a linked identity.
    pub(super) link: Option<Link>,
}

/// The keys of all issuers.
pub(super) struct Issuers {
    sources: Mutex<HashMap<At, Arc<Source>>>,
    /// Users who are known by a linked identity: what changes of them may end the link.
    links: Mutex<HashMap<(TenantId, String), Link>>,
}

impl Issuers {
    pub(super) fn new() -> Self {
        Self { sources: Mutex::default(), links: Mutex::default() }
    }

    fn source(&self, issuer: &Issuer) -> Arc<Source> {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        let at = At::from(issuer);
        sources.entry(at.clone()).or_insert_with(|| Arc::new(Source::new(at))).clone()
    }

    /// The sources that should be read again, by after how long each should; those that nobody trusts any more are
    /// forgotten. And whether keys were forgotten because they are too old.
    fn due(&self, trusted: impl FnOnce() -> HashMap<At, Duration>) -> (Vec<Arc<Source>>, bool) {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        if sources.is_empty() {
            return (Vec::new(), false);
        }
        let trusted = trusted();
        sources.retain(|at, _| trusted.contains_key(at));
        let forgotten = sources.values().filter(|source| source.forget_old()).count() > 0;
        let is_due = |(at, source): &(&At, &Arc<Source>)| trusted.get(at).is_some_and(|after| source.is_due(*after));
        (sources.iter().filter(is_due).map(|(_, source)| source.clone()).collect(), forgotten)
    }

    /// Notes that a user is found by a link.
    fn note_link(&self, tenant: &TenantId, user: &UserId) -> Link {
        let mut links = self.links();
        if links.len() >= MAX_LINKS {
            links.drain().for_each(|(_, link)| link.store(false, Ordering::Release));
        }
        let fresh = || Arc::new(AtomicBool::new(true));
        links.entry((tenant.clone(), user.to_string())).or_insert_with(fresh).clone()
    }

    /// A user has changed, and with them perhaps what their identities are.
    pub(super) fn user_changed(&self, tenant: &TenantId, user: &str) {
        let mut links = self.links();
        if links.is_empty() {
            return;
        }
        if let Some(link) = links.remove(&(tenant.clone(), user.to_owned())) {
            link.store(false, Ordering::Release);
        }
    }

    /// Anybody may have changed.
    pub(super) fn users_changed(&self) {
        self.links().drain().for_each(|(_, link)| link.store(false, Ordering::Release));
    }

    fn links(&self) -> MutexGuard<'_, HashMap<(TenantId, String), Link>> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service {
    /// The caller behind an access token of one of the tenant's issuers.
    pub(super) async fn verify_access_token(&self, tenant: Option<&Tenant>, token: &str) -> Result<Found, Unfit> {
        let jwt = Jwt::read(token);
        // Whoever comes to a tenant that there is not learns as much as from one that does not trust the issuer.
        let tenant = tenant.ok_or(Unfit::Forged)?;
        let issuers = &tenant.settings.issuers;
        let Some(jwt) = jwt else {
            return self.ask_issuers(tenant, token).await;
        };
        let issuer = issuers.iter().find(|issuer| issuer.issuer == jwt.issuer()).ok_or(Unfit::Forged)?;
        let keys = self.keys(issuer, &jwt).await?;
        let (claims, end) = jwt.verify(issuer, &keys)?;
        self.whose(tenant, issuer, claims, end).await
    }

    /// The keys of an issuer, read anew if they are not known or do not have the one that a token names.
    async fn keys(&self, issuer: &Issuer, jwt: &Jwt<'_>) -> Result<Arc<KeySet>, Unfit> {
        let source = self.issuers.source(issuer);
        if let Some(keys) = source.known().filter(|keys| jwt.names_one_of(keys)) {
            return Ok(keys);
        }
        self.refresh(&source).await;
        source.known().ok_or(Unfit::Unanswered)
    }

    async fn refresh(&self, source: &Source) {
        match source.refresh(&self.fetch).await {
            // Keys that are gone vouch for nobody any more.
            Ok(true) => self.credentials.changed(),
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "the keys of an issuer cannot be read"),
        }
    }

    /// Reads keys again when their time has come; never returns.
    pub async fn keep_keys_fresh(self: &Arc<Self>) {
        loop {
            tokio::time::sleep(LOOK).await;
            let (due, forgotten) = self.issuers.due(|| in_use(&self.tenants()));
            if forgotten {
                self.credentials.changed();
            }
            for source in due {
                let service = self.clone();
                tokio::spawn(async move { service.refresh(&source).await });
            }
        }
    }

    /// Asks the issuers that can be asked about a token that is no JWT.
    async fn ask_issuers(&self, tenant: &Tenant, token: &str) -> Result<Found, Unfit> {
        let mut why = Unfit::Forged;
        for issuer in &tenant.settings.issuers {
            let Some(at) = &issuer.introspection else { continue };
            match introspect(&self.fetch, issuer, at, token, self.clock.now()).await {
                Ok((claims, end)) => return self.whose(tenant, issuer, claims, end).await,
                Err(Unfit::Forged) => {}
                Err(other) => why = other,
            }
        }
        Err(why)
    }

    /// Whose token it is: a primary issuer names users, the subjects of all others are found by linked identities.
    pub(super) async fn whose(
        &self,
        tenant: &Tenant,
        issuer: &Issuer,
        claims: Object<'static>,
        expires_at: Timestamp,
    ) -> Result<Found, Unfit> {
        let claim = |name: &str| claims.get(name).and_then(text);
        let subject = claim(SUBJECT).ok_or(Unfit::Forged)?.to_owned();
        let is_clients = is_clients(&subject, claim("client_id"), claim("azp"), claim("gty"));
        let named = match claim(&issuer.user_claim).filter(|_| issuer.primary) {
            _ if !issuer.primary => None,
            _ if is_clients => Some(subject.clone()),
            named => Some(named.ok_or(Unfit::Unlinked)?.to_owned()),
        };
        let token = AccessToken { tenant: tenant.id.clone(), claims, expires_at };
        if let Some(name) = named {
            let id = UserId::parse(&name).map_err(|_| Unfit::Unlinked)?;
            let caller = if is_clients { Caller::Client { id, token } } else { Caller::User { id, token } };
            return Ok(Found { caller, link: None });
        }
        let as_of = self.seen();
        let linked = self.store.find_identity(&tenant.id, issuer.provider(), &subject).await?;
        let id = linked.filter(|_| !is_clients).ok_or(Unfit::Unlinked)?;
        let link = self.link(tenant, &id, as_of);
        Ok(Found { caller: Caller::User { id, token }, link: Some(link) })
    }

    /// Stands until the user changes whom something led to that was read after a change of the feed.
    pub(super) fn link(&self, tenant: &Tenant, user: &UserId, as_of: i64) -> Link {
        let link = self.issuers.note_link(&tenant.id, user);
        // Asked afterwards: whoever takes in a change of the user notes it first, and ends the link then.
        if self.users.changed_after(&tenant.id, Name::user(user.as_str()), as_of) {
            link.store(false, Ordering::Release);
        }
        link
    }
}

/// What is trusted by whomever, and after how long it is read again: as soon as one of them wants.
fn in_use(tenants: &[Arc<Tenant>]) -> HashMap<At, Duration> {
    let mut trusted = HashMap::new();
    for issuer in tenants.iter().flat_map(|tenant| &tenant.settings.issuers) {
        let after = Duration::from_secs(issuer.refresh_seconds.into());
        let soonest = trusted.entry(At::from(issuer)).or_insert(after);
        *soonest = after.min(*soonest);
    }
    trusted
}

/// Whether a token was given to a client for itself: its subject is the client (RFC 9068, section 2.2), or it says so.
fn is_clients(subject: &str, client_id: Option<&str>, azp: Option<&str>, grant: Option<&str>) -> bool {
    client_id == Some(subject) || azp == Some(subject) || grant == Some("client-credentials")
}
