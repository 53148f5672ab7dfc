//! Service tokens: opaque, shown once, kept as a keyed hash.

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;

use crate::model::{Credential, Scopes, TenantScope};
use crate::store::Store;

use super::{Result, entropy};

/// How a service token starts, so that people and scanners for leaked secrets know one.
pub(super) const PREFIX: &str = "sgt_";

/// Hashes tokens with a key of the instance: a stolen database alone lets nobody test guesses.
#[derive(Clone)]
pub struct TokenHasher(Hmac<Sha256>);

impl TokenHasher {
    pub(super) fn new(key: &[u8]) -> Self {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
        Self(Hmac::new_from_slice(key).expect("a key of any length"))
    }

    /// The hash under which a token is kept.
    #[must_use]
    pub fn hash(&self, token: &str) -> [u8; 32] {
        let mut mac = self.0.clone();
        mac.update(token.as_bytes());
        mac.finalize().into_bytes().into()
    }
}

/// A token that was just made; its text is not to be had again.
pub struct IssuedToken {
    /// What the bearer sends.
    pub token: String,
    /// What it stands for.
    pub credential: Credential,
}

/// Makes a service token.
///
/// # Errors
/// The store's.
pub async fn issue_token(
    store: &Store,
    hasher: &TokenHasher,
    tenant: TenantScope,
    scopes: Scopes,
    expires_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<IssuedToken> {
    let token = format!("{PREFIX}{}", entropy::secret());
    let credential = Credential { id: entropy::id(now).to_string(), tenant, scopes, expires_at };
    store.insert_token(&credential, &hasher.hash(&token), now).await?;
    Ok(IssuedToken { token, credential })
}
