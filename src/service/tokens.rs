//! Service tokens: opaque, shown once, kept as a keyed hash.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use sha2::Sha256;

use crate::model::{Author, Credential, Scopes, TenantId, TenantScope};
use crate::store::{Store, TokenRow};

use super::authenticate::certificate;
use super::{Result, Service, ServiceError, Tenant, entropy};

/// How a service token starts, so that people and scanners for leaked secrets know one.
pub(super) const PREFIX: &str = "sgt_";

/// How often one notes which tokens were used.
const NOTED_EVERY: Duration = Duration::from_secs(60);

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
        self.hash_of("", token)
    }

    /// The hash of what a token is to a tenant.
    #[must_use]
    pub fn hash_of(&self, tenant: &str, token: &str) -> [u8; 32] {
        let mut mac = self.0.clone();
        if !tenant.is_empty() {
            // No token and no tenant holds one.
            mac.update(tenant.as_bytes());
            mac.update(b"\n");
        }
        mac.update(token.as_bytes());
        mac.finalize().into_bytes().into()
    }
}

/// A token that was just made; its text is not to be had again.
pub struct IssuedToken {
    /// What the bearer sends; `None` for the holder of a certificate.
    pub token: Option<String>,
    /// What it stands for.
    pub row: TokenRow,
}

/// A token that is wanted.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// Where it counts.
    pub tenant: TenantScope,
    /// What it may do there.
    pub scopes: Scopes,
    /// What it is for, in words.
    pub name: String,
    /// When it ends, if it does.
    pub expires_at: Option<Timestamp>,
    /// The fingerprint of the client certificate that stands for it, instead of a text.
    pub certificate: Option<String>,
}

/// Makes a service token.
///
/// # Errors
/// The store's.
pub async fn issue_token(store: &Store, hasher: &TokenHasher, new: NewToken, author: &Author) -> Result<IssuedToken> {
    let (id, token) = fresh(author);
    let NewToken { tenant, scopes, name, expires_at, certificate: fingerprint } = new;
    let credential = Credential { id, tenant, scopes, expires_at };
    let (hash, token) = match fingerprint {
        None => (hasher.hash(&token), Some(token)),
        Some(fingerprint) => (hasher.hash(&certificate(credential.tenant.one(), &fingerprint)), None),
    };
    store.insert_token(&credential, &name, &hash, author).await?;
    let row = TokenRow { credential, name, created_at: author.at, revoked_at: None, last_used_at: None };
    Ok(IssuedToken { token, row })
}

/// Makes a service token in the place of another, which counts on for `overlap`. With a tenant, only of its own.
///
/// # Errors
/// [`ServiceError::NotFound`] if there is none of that id that still counts, [`ServiceError::Conflict`] if it was rotated
/// already, or the store's.
pub async fn rotate_token(
    store: &Store,
    hasher: &TokenHasher,
    tenant: Option<&TenantId>,
    id: &str,
    overlap: SignedDuration,
    author: &Author,
) -> Result<IssuedToken> {
    let (new_id, token) = fresh(author);
    let end = author.at.saturating_add(overlap).unwrap_or(author.at);
    let row = store.rotate_token(tenant, id, (&new_id, &hasher.hash(&token)), end, author).await?;
    Ok(IssuedToken { token: Some(token), row: row.ok_or(NO_TOKEN)? })
}

const NO_TOKEN: ServiceError = ServiceError::NotFound("there is no token of this id that still counts");

/// An id and a text.
fn fresh(author: &Author) -> (String, String) {
    (entropy::id(author.at).to_string(), format!("{PREFIX}{}", entropy::secret()))
}

impl Service {
    /// Makes a service token of a tenant.
    ///
    /// # Errors
    /// The store's.
    pub async fn create_token(&self, new: NewToken, author: &Author) -> Result<IssuedToken> {
        issue_token(&self.store, self.credentials.hasher(), new, author).await
    }

    /// Makes one in the place of another of a tenant.
    ///
    /// # Errors
    /// Those of [`rotate_token`].
    pub async fn rotate_token(
        &self,
        tenant: &Tenant,
        id: &str,
        overlap: SignedDuration,
        author: &Author,
    ) -> Result<IssuedToken> {
        let hasher = self.credentials.hasher();
        let issued = rotate_token(&self.store, hasher, Some(&tenant.id), id, overlap, author).await?;
        self.credentials.changed();
        Ok(issued)
    }

    /// Revokes a token of a tenant.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], or the store's.
    pub async fn revoke_token(&self, tenant: &Tenant, id: &str, author: &Author) -> Result<()> {
        let revoked = self.store.revoke_token(Some(&tenant.id), id, author).await?;
        if !revoked {
            return Err(NO_TOKEN);
        }
        self.credentials.changed();
        Ok(())
    }

    /// The tokens of a tenant, oldest first, after the one of that id.
    ///
    /// # Errors
    /// The store's.
    pub async fn tokens(&self, tenant: &Tenant, after: &str, limit: i64) -> Result<Vec<TokenRow>> {
        Ok(self.store.list_tokens(Some(&tenant.id), after, limit).await?)
    }

    /// One token of a tenant.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], or the store's.
    pub async fn token(&self, tenant: &Tenant, id: &str) -> Result<TokenRow> {
        let token = self.store.token(Some(&tenant.id), id).await?;
        token.ok_or(ServiceError::NotFound("there is no token of this id"))
    }

    /// Notes once a minute which tokens were used; never returns.
    pub async fn keep_noting_uses(&self) {
        loop {
            tokio::time::sleep(NOTED_EVERY).await;
            self.note_uses().await;
        }
    }

    pub(super) async fn note_uses(&self) {
        let used = self.credentials.used();
        if used.is_empty() {
            return;
        }
        if let Err(error) = self.store.tokens_used(&used, self.clock.now()).await {
            tracing::debug!(%error, "which tokens were used could not be noted");
        }
    }
}
