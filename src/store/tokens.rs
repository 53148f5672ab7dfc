//! Service tokens: only a keyed hash of each is kept.

use jiff::Timestamp;

use crate::model::{Credential, Scopes, TenantId, TenantScope};

use super::feed::{self, ChangeKind};
use super::sql::sql;
use super::{Result, Store, StoreError, stamp};

/// A token as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// What it stands for.
    pub credential: Credential,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

type Columns = (String, Option<String>, String, String, Option<String>, Option<String>);

impl Store {
    /// Keeps a new token under its hash.
    ///
    /// # Errors
    /// The database's.
    pub async fn insert_token(&self, credential: &Credential, hash: &[u8], now: Timestamp) -> Result<()> {
        let tenant = match &credential.tenant {
            TenantScope::Instance => None,
            TenantScope::One(tenant) => Some(tenant),
        };
        let mut tx = self.begin(tenant).await?;
        sql("INSERT INTO tokens (id, tenant, hash, scopes, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)")
            .bind(&credential.id)
            .bind(tenant.map(TenantId::as_str))
            .bind(hash)
            .bind(credential.scopes.to_string())
            .bind(stamp(now))
            .bind(credential.expires_at.map(stamp))
            .execute(&mut tx)
            .await?;
        feed::append(&mut tx, tenant, 0, ChangeKind::Token, &credential.id, now).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The credential behind a hash, unless it was revoked. Whether it has expired is for the caller's clock.
    ///
    /// # Errors
    /// The database's, or [`StoreError::Corrupt`].
    pub async fn find_token(&self, hash: &[u8]) -> Result<Option<Credential>> {
        let row: Option<Columns> = sql("SELECT id, tenant, scopes, created_at, expires_at, revoked_at FROM tokens
             WHERE hash = $1 AND revoked_at IS NULL")
        .bind(hash)
        .fetch_optional(&self.reader)
        .await?;
        row.map(|columns| read(columns).map(|token| token.credential)).transpose()
    }

    /// All tokens, oldest first; with a tenant, only its own.
    ///
    /// # Errors
    /// The database's, or [`StoreError::Corrupt`].
    pub async fn list_tokens(&self, tenant: Option<&TenantId>) -> Result<Vec<TokenRow>> {
        let rows: Vec<Columns> = sql("SELECT id, tenant, scopes, created_at, expires_at, revoked_at FROM tokens
             WHERE $1 IS NULL OR tenant = $1 ORDER BY created_at, id")
        .bind(tenant.map(TenantId::as_str))
        .fetch_all(&self.reader)
        .await?;
        rows.into_iter().map(read).collect()
    }

    /// Revokes a token; `false` if there is none of that id that still counts. With a tenant, only its own.
    ///
    /// # Errors
    /// The database's.
    pub async fn revoke_token(&self, tenant: Option<&TenantId>, id: &str, now: Timestamp) -> Result<bool> {
        let mut tx = self.begin(tenant).await?;
        let revoked = sql(
            "UPDATE tokens SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL AND ($3 IS NULL OR tenant = $3)",
        )
        .bind(id)
        .bind(stamp(now))
        .bind(tenant.map(TenantId::as_str))
        .execute(&mut tx)
        .await?;
        if revoked == 0 {
            return Ok(false);
        }
        feed::append(&mut tx, None, 0, ChangeKind::Token, id, now).await?;
        tx.commit().await?;
        Ok(true)
    }
}

fn read((id, tenant, scopes, created_at, expires_at, revoked_at): Columns) -> Result<TokenRow> {
    let corrupt = |column, why: String| StoreError::Corrupt { table: "tokens", column, row: id.clone(), why };
    let time = |column, text: &str| text.parse::<Timestamp>().map_err(|error| corrupt(column, error.to_string()));
    let scope = match &tenant {
        None => TenantScope::Instance,
        Some(text) => TenantScope::One(TenantId::parse(text).map_err(|error| corrupt("tenant", error.to_string()))?),
    };
    let scopes = Scopes::parse(&scopes).map_err(|error| corrupt("scopes", error.to_string()))?;
    let expires_at = expires_at.as_deref().map(|text| time("expires_at", text)).transpose()?;
    Ok(TokenRow {
        created_at: time("created_at", &created_at)?,
        revoked_at: revoked_at.as_deref().map(|text| time("revoked_at", text)).transpose()?,
        credential: Credential { id: id.clone(), tenant: scope, scopes, expires_at },
    })
}
