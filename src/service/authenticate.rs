//! From the text of a bearer token to the caller behind it.

use std::borrow::Cow;
use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use arc_swap::ArcSwapOption;
use moka::sync::Cache;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use crate::model::{Caller, Credential, Scope, Scopes, TenantId, TenantScope};

use super::Service;
use super::dev_tokens::DevTokens;
use super::issuers::{Found, Link, Unfit};
use super::limits::Failures;
use super::tenants::Tenant;
use super::tokens::{PREFIX, TokenHasher};

/// How many tokens are remembered.
const KNOWN_TOKENS: u64 = 10_000;

/// The id of the admin of the instance, whose token is in no table.
pub(super) const ADMIN: &str = "admin";

pub(super) struct Credentials {
    hasher: TokenHasher,
    /// Its hash, so that comparing takes the same time whatever the guess.
    admin: [u8; 32],
    dev_tokens: Option<DevTokens>,
    known: Cache<[u8; 32], Known>,
    /// Tokens that were used and are not remembered any more.
    used: Mutex<HashSet<String>>,
    pub(super) failures: Failures,
    /// Counts the changes of tokens that the feed told of.
    changes: AtomicU64,
}

impl Credentials {
    pub(super) fn new(hasher: TokenHasher, admin: &SecretString, dev_tokens: Option<DevTokens>, failures: u32) -> Self {
        let admin = hasher.hash(admin.expose_secret());
        let (known, changes) = (Cache::new(KNOWN_TOKENS), AtomicU64::new(0));
        Self { hasher, admin, dev_tokens, known, used: Mutex::default(), changes, failures: Failures::new(failures) }
    }

    pub(super) fn hasher(&self) -> &TokenHasher {
        &self.hasher
    }

    /// A keyed hash of a secret, under which it is kept or shown.
    pub(super) fn hash(&self, secret: &str) -> [u8; 32] {
        self.hasher.hash(secret)
    }

    /// Forgets what is known of tokens: one of them changed.
    pub(super) fn changed(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
        self.used.lock().unwrap_or_else(PoisonError::into_inner).extend(self.came());
        self.known.invalidate_all();
    }

    /// The ids of the service tokens that were used since somebody asked.
    pub(super) fn used(&self) -> Vec<String> {
        let mut used = std::mem::take(&mut *self.used.lock().unwrap_or_else(PoisonError::into_inner));
        used.extend(self.came());
        used.into_iter().collect()
    }

    /// Those of them that are remembered.
    fn came(&self) -> Vec<String> {
        let came = |known: &Known| known.used.load(Ordering::Relaxed) && known.used.swap(false, Ordering::Relaxed);
        let id = |known: Known| match known.caller.as_ref() {
            Caller::Service(credential) if came(&known) => Some(credential.id.clone()),
            _ => None,
        };
        self.known.iter().filter_map(|(_, known)| id(known)).collect()
    }

    fn admin() -> Credential {
        let scopes = [Scope::Admin].into_iter().collect::<Scopes>();
        Credential { id: ADMIN.to_owned(), tenant: TenantScope::Instance, scopes, expires_at: None }
    }
}

/// What somebody shows to be known by.
#[derive(Debug, Clone, Copy)]
pub enum Secret<'s> {
    /// A bearer token.
    Bearer(&'s str),
    /// A certificate, whose key the client has: its fingerprint.
    Certificate(&'s str),
    /// The cookie of a user who has signed in to the tenant's apps.
    Session(&'s str),
}

impl<'s> Secret<'s> {
    /// As it is remembered; `None` for a token with a blank, which would be told from nothing else.
    fn text(self) -> Option<Cow<'s, str>> {
        match self {
            Secret::Bearer(token) => (!token.contains(' ')).then_some(Cow::Borrowed(token)),
            Secret::Certificate(fingerprint) => Some(Cow::Owned(certificate(None, fingerprint))),
            Secret::Session(cookie) => Some(Cow::Owned(format!("session {cookie}"))),
        }
    }
}

/// Whether it is made of the alphabet of tokens (RFC 6750, section 2.1).
fn is_token(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte))
}

/// How a certificate is hashed, by those for whom it stands for a token. No token holds a blank.
pub(super) fn certificate(of: Option<&TenantId>, fingerprint: &str) -> String {
    format!("certificate {} {fingerprint}", of.map_or("", TenantId::as_str))
}

/// A caller who was found.
#[derive(Clone)]
struct Known {
    caller: Arc<Caller>,
    /// The link by which, if by one.
    link: Option<Link>,
    /// Whether they have come since somebody asked.
    used: Arc<AtomicBool>,
    /// How many changes of tokens, keys and trust were known before it was looked up: it counts until there is another.
    as_of: u64,
}

impl Known {
    fn new(caller: Caller, link: Option<Link>, as_of: u64) -> Self {
        Self { caller: Arc::new(caller), link, used: Arc::default(), as_of }
    }

    /// Notes that they have come. Most often it is noted already, and nothing is written that others read.
    fn come(&self) {
        if !self.used.load(Ordering::Relaxed) {
            self.used.store(true, Ordering::Relaxed);
        }
    }

    fn stands(&self, changes: u64) -> bool {
        self.as_of == changes && self.link.as_ref().is_none_or(|link| link.load(Ordering::Acquire))
    }
}

/// The caller whom a connection had last: most have one, who need not be looked up for every request.
#[derive(Default)]
pub struct LastCaller(ArcSwapOption<Last>);

struct Last {
    token: SecretString,
    known: Known,
}

impl LastCaller {
    fn get(&self, token: &str, tenant: Option<&Tenant>, changes: u64) -> Option<Arc<Caller>> {
        let last = self.0.load();
        let last = last.as_ref().filter(|last| last.known.stands(changes))?;
        // Another tenant may trust the same issuer, and know somebody else by the same token.
        if !matches!(*last.known.caller, Caller::Service(_))
            && !tenant.is_some_and(|t| last.known.caller.belongs_to(&t.id))
        {
            return None;
        }
        // A proxy may let many share a connection: comparing takes the same time whatever the guess.
        let same = last.token.expose_secret().as_bytes().ct_eq(token.as_bytes());
        bool::from(same).then(|| {
            last.known.come();
            last.known.caller.clone()
        })
    }

    fn set(&self, token: &str, known: &Known) {
        // A copy of its own, so that connections do not count references to one caller against each other.
        let known = Known { caller: Arc::new(Caller::clone(&known.caller)), ..known.clone() };
        self.0.store(Some(Arc::new(Last { token: token.into(), known })));
    }
}

/// What a request asks about: who is a caller depends on it, for whoever shows a token of an issuer.
#[derive(Debug, Clone, Copy)]
pub enum Of<'p> {
    /// The tenant of that name.
    Named(&'p str),
    /// The tenant at the root.
    Default,
    /// None in particular.
    Instance,
}

impl Service {
    /// The caller behind what a request shows, and the tenant that it asks about, if there is one. Whether the caller is one
    /// of it is not said. `peer` is whom its connection had last.
    ///
    /// # Errors
    /// [`Unfit`] says why there is none.
    pub async fn authenticate(
        &self,
        secret: Secret<'_>,
        of: Of<'_>,
        peer: &LastCaller,
        address: Option<IpAddr>,
    ) -> Result<(Arc<Caller>, Option<Arc<Tenant>>), Unfit> {
        // Before the tenant is looked at: what it trusts may be another thing a moment later, which then counts as a change.
        let changes = self.credentials.changes.load(Ordering::SeqCst);
        // It is looked up whether or not the caller is one of it: that takes the same time.
        let tenant = match of {
            Of::Named(name) => self.tenant(name),
            Of::Default => self.default_tenant(),
            Of::Instance => None,
        };
        let token = &*secret.text().ok_or(Unfit::Forged)?;
        let caller = match peer.get(token, tenant.as_deref(), changes) {
            Some(caller) if self.heard.trusts_credentials(Instant::now()) => caller,
            _ => Box::pin(self.look_up((secret, token), tenant.as_deref(), changes, (peer, address))).await?,
        };
        match caller.expires_at() {
            Some(end) if end <= self.clock.now() => Err(Unfit::Expired),
            _ => Ok((caller, tenant)),
        }
    }

    async fn look_up(
        &self,
        (secret, token): (Secret<'_>, &str),
        tenant: Option<&Tenant>,
        changes: u64,
        (last, address): (&LastCaller, Option<IpAddr>),
    ) -> Result<Arc<Caller>, Unfit> {
        let credentials = &self.credentials;
        // What a token of an issuer, or a certificate, says depends on the tenant.
        let of = tenant.filter(|_| !token.starts_with(PREFIX)).map_or("", |tenant| tenant.id.as_str());
        let hash = credentials.hasher.hash_of(of, token);
        let known = match credentials.known.get(&hash).filter(|known| known.stands(changes)) {
            Some(known) if self.heard.trusts_credentials(Instant::now()) => known,
            _ => {
                credentials.failures.may_try(address)?;
                let found = self.find_caller((secret, token), tenant).await;
                let Found { caller, link } = found.inspect_err(|unfit| {
                    // That nobody could be asked is no fault of theirs, and browsers keep cookies of sessions that are over.
                    let blameless = matches!(unfit, Unfit::Store(_) | Unfit::Unanswered | Unfit::TooMany(_));
                    if !blameless && !matches!(secret, Secret::Session(_)) {
                        credentials.failures.failed(address);
                    }
                })?;
                let known = Known::new(caller, link, changes);
                credentials.known.insert(hash, known.clone());
                known
            }
        };
        known.come();
        last.set(token, &known);
        Ok(known.caller)
    }

    async fn find_caller(&self, (secret, token): (Secret<'_>, &str), tenant: Option<&Tenant>) -> Result<Found, Unfit> {
        let credentials = &self.credentials;
        let found = |caller| Found { caller, link: None };
        if let Secret::Certificate(fingerprint) = secret {
            // Each tenant says for itself what a certificate stands for, and so does the instance.
            for of in [tenant.map(|tenant| &tenant.id), None] {
                let hash = credentials.hasher.hash(&certificate(of, fingerprint));
                if let Some(credential) = self.store.find_token(&hash).await? {
                    return Ok(found(Caller::Service(credential)));
                }
            }
            return Err(Unfit::Forged);
        }
        if let Secret::Session(cookie) = secret {
            return self.find_session(tenant.ok_or(Unfit::Forged)?, cookie).await;
        }
        if !is_token(token) {
            return Err(Unfit::Forged);
        }
        let hash = credentials.hasher.hash(token);
        if bool::from(hash.ct_eq(&credentials.admin)) {
            return Ok(found(Caller::Service(Credentials::admin())));
        }
        if token.starts_with(PREFIX) {
            let credential = self.store.find_token(&hash).await?.ok_or(Unfit::Forged)?;
            return Ok(found(Caller::Service(credential)));
        }
        if let Some(user) = credentials.dev_tokens.as_ref().and_then(|tokens| tokens.check(token)) {
            return Ok(found(user));
        }
        self.verify_access_token(tenant, token).await
    }
}
