//! From the text of a bearer token to the caller behind it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use arc_swap::ArcSwapOption;
use moka::sync::Cache;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use crate::model::{Caller, Credential, Scope, Scopes, TenantScope};
use crate::store::StoreError;

use super::Service;
use super::dev_tokens::DevTokens;
use super::tokens::{PREFIX, TokenHasher};

/// How many tokens are remembered.
const KNOWN_TOKENS: u64 = 10_000;

/// Why a credential was not taken.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// There was none.
    #[error("the request carries no access token")]
    Missing,
    /// It is not known, has ended, or was revoked.
    #[error("the access token is unknown, expired or revoked")]
    Invalid,
    /// Nobody could be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

pub(super) struct Credentials {
    hasher: TokenHasher,
    /// Its hash, so that comparing takes the same time whatever the guess.
    admin: [u8; 32],
    dev_tokens: Option<DevTokens>,
    known: Cache<[u8; 32], Arc<Caller>>,
    /// Counts the changes of tokens that the feed told of.
    changes: AtomicU64,
}

impl Credentials {
    pub(super) fn new(hasher: TokenHasher, admin: &SecretString, dev_tokens: Option<DevTokens>) -> Self {
        let admin = hasher.hash(admin.expose_secret());
        Self { hasher, admin, dev_tokens, known: Cache::new(KNOWN_TOKENS), changes: AtomicU64::new(0) }
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

    fn admin() -> Credential {
        let scopes = [Scope::Admin].into_iter().collect::<Scopes>();
        Credential { id: "admin".to_owned(), tenant: TenantScope::Instance, scopes, expires_at: None }
    }
}

/// The caller whom a connection had last: most have one, who need not be looked up for every request.
#[derive(Default)]
pub struct LastCaller(ArcSwapOption<Last>);

struct Last {
    token: SecretString,
    /// How many changes of tokens were known when it was looked up.
    changes: u64,
    caller: Arc<Caller>,
}

impl LastCaller {
    fn get(&self, token: &str, changes: u64) -> Option<Arc<Caller>> {
        let last = self.0.load();
        let last = last.as_ref().filter(|last| last.changes == changes)?;
        // A proxy may let many share a connection: comparing takes the same time whatever the guess.
        let same = last.token.expose_secret().as_bytes().ct_eq(token.as_bytes());
        bool::from(same).then(|| last.caller.clone())
    }

    fn set(&self, token: &str, changes: u64, caller: &Arc<Caller>) {
        // A copy of its own, so that connections do not count references to one caller against each other.
        let caller = Arc::new(Caller::clone(caller));
        self.0.store(Some(Arc::new(Last { token: token.into(), changes, caller })));
    }
}

impl Service {
    /// The caller behind the bearer token of a request, and whom its connection had last.
    ///
    /// # Errors
    /// [`Refused`] says why there is none.
    pub async fn authenticate(&self, token: Option<&str>, last: &LastCaller) -> Result<Arc<Caller>, Refused> {
        let token = token.ok_or(Refused::Missing)?;
        let changes = self.credentials.changes.load(Ordering::SeqCst);
        let caller = match last.get(token, changes) {
            Some(caller) if self.heard.trusts_credentials(Instant::now()) => caller,
            _ => Box::pin(self.look_up(token, changes, last)).await?,
        };
        match caller.expires_at() {
            Some(end) if end <= self.clock.now() => Err(Refused::Invalid),
            _ => Ok(caller),
        }
    }

    async fn look_up(&self, token: &str, changes: u64, last: &LastCaller) -> Result<Arc<Caller>, Refused> {
        let credentials = &self.credentials;
        let hash = credentials.hasher.hash(token);
        if bool::from(hash.ct_eq(&credentials.admin)) {
            return Ok(Arc::new(Caller::Service(Credentials::admin())));
        }
        if !token.starts_with(PREFIX) {
            let user = credentials.dev_tokens.as_ref().and_then(|tokens| tokens.check(token));
            return user.map(Arc::new).ok_or(Refused::Invalid);
        }
        let caller = match credentials.known.get(&hash) {
            Some(known) if self.heard.trusts_credentials(Instant::now()) => known,
            _ => {
                let credential = self.store.find_token(&hash).await?.ok_or(Refused::Invalid)?;
                let caller = Arc::new(Caller::Service(credential));
                credentials.known.insert(hash, caller.clone());
                // Asked afterwards: if a token changed since the look-up began, its answer must not stay.
                if changes != credentials.changes.load(Ordering::SeqCst) {
                    credentials.known.invalidate(&hash);
                }
                caller
            }
        };
        last.set(token, changes, &caller);
        Ok(caller)
    }
}
