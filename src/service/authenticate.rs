//! From the text of a bearer token to the caller behind it.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use arc_swap::ArcSwapOption;
use moka::sync::Cache;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use crate::model::{Caller, Credential, Scope, Scopes, TenantScope};

use super::Service;
use super::dev_tokens::DevTokens;
use super::issuers::{Found, Link, Unfit};
use super::limits::Failures;
use super::tenants::Tenant;
use super::tokens::{PREFIX, TokenHasher};

/// How many tokens are remembered.
const KNOWN_TOKENS: u64 = 10_000;

pub(super) struct Credentials {
    hasher: TokenHasher,
    /// Its hash, so that comparing takes the same time whatever the guess.
    admin: [u8; 32],
    dev_tokens: Option<DevTokens>,
    known: Cache<[u8; 32], Known>,
    failures: Failures,
    /// Counts the changes of tokens that the feed told of.
    changes: AtomicU64,
}

impl Credentials {
    pub(super) fn new(hasher: TokenHasher, admin: &SecretString, dev_tokens: Option<DevTokens>, failures: u32) -> Self {
        let admin = hasher.hash(admin.expose_secret());
        let (known, changes) = (Cache::new(KNOWN_TOKENS), AtomicU64::new(0));
        Self { hasher, admin, dev_tokens, known, changes, failures: Failures::new(failures) }
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
        self.known.invalidate_all();
    }

    /// The ids of the service tokens that were used since somebody asked.
    pub(super) fn used(&self) -> Vec<String> {
        let came = |known: &Known| known.used.load(Ordering::Relaxed) && known.used.swap(false, Ordering::Relaxed);
        let id = |known: Known| match known.caller.as_ref() {
            Caller::Service(credential) if came(&known) => Some(credential.id.clone()),
            _ => None,
        };
        self.known.iter().filter_map(|(_, known)| id(known)).collect()
    }

    fn admin() -> Credential {
        let scopes = [Scope::Admin].into_iter().collect::<Scopes>();
        Credential { id: "admin".to_owned(), tenant: TenantScope::Instance, scopes, expires_at: None }
    }
}

/// What somebody shows to be known by.
#[derive(Debug, Clone, Copy)]
pub enum Secret<'s> {
    /// A bearer token.
    Bearer(&'s str),
    /// A certificate, whose key the client has: its fingerprint.
    Certificate(&'s str),
}

impl<'s> Secret<'s> {
    /// As it is hashed and compared.
    fn text(self) -> Option<Cow<'s, str>> {
        match self {
            // The alphabet of RFC 6750, section 2.1.
            Secret::Bearer(token) => {
                let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
                token.bytes().all(is_token).then_some(Cow::Borrowed(token))
            }
            Secret::Certificate(fingerprint) => Some(Cow::Owned(certificate(fingerprint))),
        }
    }
}

/// How a certificate is hashed.
pub(super) fn certificate(fingerprint: &str) -> String {
    format!("{CERTIFICATE}{fingerprint}")
}

/// No token holds a blank.
const CERTIFICATE: &str = "certificate ";

/// A caller who was found.
#[derive(Clone)]
struct Known {
    caller: Arc<Caller>,
    /// The link by which, if by one.
    link: Option<Link>,
    /// Whether they have come since somebody asked.
    used: Arc<AtomicBool>,
}

impl Known {
    fn new(caller: Caller, link: Option<Link>) -> Self {
        Self { caller: Arc::new(caller), link, used: Arc::default() }
    }

    /// Notes that they have come. Most often it is noted already, and nothing is written that others read.
    fn come(&self) {
        if !self.used.load(Ordering::Relaxed) {
            self.used.store(true, Ordering::Relaxed);
        }
    }

    fn stands(&self) -> bool {
        self.link.as_ref().is_none_or(|link| link.load(Ordering::Acquire))
    }
}

/// The caller whom a connection had last: most have one, who need not be looked up for every request.
#[derive(Default)]
pub struct LastCaller(ArcSwapOption<Last>);

struct Last {
    token: SecretString,
    /// How many changes of tokens were known when it was looked up.
    changes: u64,
    known: Known,
}

impl LastCaller {
    fn get(&self, token: &str, tenant: Option<&Tenant>, changes: u64) -> Option<Arc<Caller>> {
        let last = self.0.load();
        let last = last.as_ref().filter(|last| last.changes == changes && last.known.stands())?;
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

    fn set(&self, token: &str, changes: u64, known: &Known) {
        // A copy of its own, so that connections do not count references to one caller against each other.
        let known = Known { caller: Arc::new(Caller::clone(&known.caller)), ..known.clone() };
        self.0.store(Some(Arc::new(Last { token: token.into(), changes, known })));
    }
}

impl Service {
    /// The caller behind what a request to a tenant's path shows, and whom its connection had last. Whether there
    /// is such a tenant, and whether the caller is one of it, is not said.
    ///
    /// # Errors
    /// [`Unfit`] says why there is none.
    pub async fn authenticate(
        &self,
        secret: Secret<'_>,
        tenant: Option<&Tenant>,
        peer: &LastCaller,
        address: Option<IpAddr>,
    ) -> Result<Arc<Caller>, Unfit> {
        let token = &*secret.text().ok_or(Unfit::Forged)?;
        let changes = self.credentials.changes.load(Ordering::SeqCst);
        let caller = match peer.get(token, tenant, changes) {
            Some(caller) if self.heard.trusts_credentials(Instant::now()) => caller,
            _ => Box::pin(self.look_up(token, tenant, changes, (peer, address))).await?,
        };
        match caller.expires_at() {
            Some(end) if end <= self.clock.now() => Err(Unfit::Expired),
            _ => Ok(caller),
        }
    }

    async fn look_up(
        &self,
        token: &str,
        tenant: Option<&Tenant>,
        changes: u64,
        (last, address): (&LastCaller, Option<IpAddr>),
    ) -> Result<Arc<Caller>, Unfit> {
        let credentials = &self.credentials;
        let is_service = is_service(token);
        // What a token of an issuer says depends on whom the tenant trusts.
        let of = tenant.filter(|_| !is_service).map_or("", |tenant| tenant.id.as_str());
        let hash = credentials.hasher.hash_of(of, token);
        let known = match credentials.known.get(&hash).filter(Known::stands) {
            Some(known) if self.heard.trusts_credentials(Instant::now()) => known,
            _ => {
                credentials.failures.may_try(address)?;
                let known = match self.find_caller(token, tenant).await {
                    Ok(known) => known,
                    Err(unfit) => {
                        credentials.failures.failed(address);
                        return Err(unfit);
                    }
                };
                credentials.known.insert(hash, known.clone());
                // Asked afterwards: if a token changed since the look-up began, its answer must not stay.
                if changes != credentials.changes.load(Ordering::SeqCst) {
                    credentials.known.invalidate(&hash);
                }
                known
            }
        };
        known.come();
        last.set(token, changes, &known);
        Ok(known.caller)
    }

    async fn find_caller(&self, token: &str, tenant: Option<&Tenant>) -> Result<Known, Unfit> {
        let credentials = &self.credentials;
        let hash = credentials.hasher.hash(token);
        if bool::from(hash.ct_eq(&credentials.admin)) {
            return Ok(Known::new(Caller::Service(Credentials::admin()), None));
        }
        if is_service(token) {
            let credential = self.store.find_token(&hash).await?.ok_or(Unfit::Forged)?;
            return Ok(Known::new(Caller::Service(credential), None));
        }
        if let Some(user) = credentials.dev_tokens.as_ref().and_then(|tokens| tokens.check(token)) {
            return Ok(Known::new(user, None));
        }
        let Found { caller, link } = self.verify_access_token(tenant, token).await?;
        Ok(Known::new(caller, link))
    }
}

/// Whether it stands for a service token, whatever the tenant.
fn is_service(token: &str) -> bool {
    token.starts_with(PREFIX) || token.starts_with(CERTIFICATE)
}
