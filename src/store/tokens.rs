//! Service tokens: only a keyed hash of each is kept.

use jiff::Timestamp;
use serde_json::json;
use sqlx::AssertSqlSafe;

use crate::model::{Author, Credential, Scopes, TenantId, TenantScope};

use super::audit::{self, Entry};
use super::feed::{self, ChangeKind};
use super::logins::time;
use super::sql::{Statement, Tx, either, sql};
use super::{Result, Store, StoreError, idempotency, stamp, tenants};

/// A token as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// What it stands for.
    pub credential: Credential,
    /// What it is for, in words.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    tenant: Option<String>,
    scopes: String,
    name: String,
    created_at: String,
    expires_at: Option<String>,
    revoked_at: Option<String>,
    last_used_at: Option<String>,
}

const COLUMNS: &str = "id, tenant, scopes, name, created_at, expires_at, revoked_at, last_used_at";

impl Store {
    /// Keeps a new token under its hash.
    ///
    /// # Errors
    /// The database's.
    pub async fn insert_token(&self, credential: &Credential, name: &str, hash: &[u8], author: &Author) -> Result<()> {
        let mut tx = self.begin(credential.tenant.one()).await?;
        insert(&mut tx, credential, name, hash, author).await?;
        let after =
            json!({ "name": name, "scopes": credential.scopes.to_string(), "expiresAt": credential.expires_at });
        conclude(tx, credential.tenant.one(), "token.create", &credential.id, Some(after), author).await
    }

    /// Keeps a new token in the place of another, which ends at `overlap`: the same scopes, name and lifetime; `None` if
    /// there is none of that id that still counts. With a tenant, only its own.
    ///
    /// # Errors
    /// [`StoreError::Rotated`], [`StoreError::Corrupt`], or the database's.
    pub async fn rotate_token(
        &self,
        tenant: Option<&TenantId>,
        id: &str,
        (fresh, hash): (&str, &[u8]),
        overlap: Timestamp,
        author: &Author,
    ) -> Result<Option<TokenRow>> {
        let Some(of) = self.token(tenant, id).await?.map(|token| token.credential.tenant) else { return Ok(None) };
        let mut tx = self.begin(of.one()).await?;
        let row: Option<Row> = select("WHERE id = $1 AND revoked_at IS NULL").bind(id).fetch_optional(&mut tx).await?;
        let Some(old) = row.map(read).transpose()? else { return Ok(None) };
        let ends_at = old.credential.expires_at;
        if ends_at.is_some_and(|end| end <= author.at) {
            return Ok(None);
        }
        let rotated: (Option<String>,) =
            sql("SELECT rotated_to FROM tokens WHERE id = $1").bind(id).fetch_one(&mut tx).await?;
        // Its end is not the one that it was made with.
        if let (Some(successor),) = rotated {
            return Err(StoreError::Rotated(successor));
        }
        let lifetime = ends_at.map(|end| end.duration_since(old.created_at));
        let expires_at = lifetime.map(|lifetime| author.at.saturating_add(lifetime).unwrap_or(Timestamp::MAX));
        let credential = Credential { id: fresh.to_owned(), expires_at, ..old.credential };
        insert(&mut tx, &credential, &old.name, hash, author).await?;
        sql("UPDATE tokens SET expires_at = $2, rotated_to = $3 WHERE id = $1")
            .bind(id)
            .bind(stamp(ends_at.map_or(overlap, |end| end.min(overlap))))
            .bind(fresh)
            .execute(&mut tx)
            .await?;
        let after = json!({ "by": fresh });
        conclude(tx, credential.tenant.one(), "token.rotate", id, Some(after), author).await?;
        Ok(Some(TokenRow { credential, created_at: author.at, last_used_at: None, ..old }))
    }

    /// The credential behind a hash, unless it was revoked. Whether it has expired is for the caller's clock.
    ///
    /// # Errors
    /// The database's, or [`StoreError::Corrupt`].
    pub async fn find_token(&self, hash: &[u8]) -> Result<Option<Credential>> {
        let row: Option<Row> =
            select("WHERE hash = $1 AND revoked_at IS NULL").bind(hash).fetch_optional(&self.reader).await?;
        row.map(|row| read(row).map(|token| token.credential)).transpose()
    }

    /// All tokens, oldest first, after the one of that id; with a tenant, only its own.
    ///
    /// # Errors
    /// The database's, or [`StoreError::Corrupt`].
    pub async fn list_tokens(&self, tenant: Option<&TenantId>, after: &str, limit: i64) -> Result<Vec<TokenRow>> {
        let rows: Vec<Row> = select("WHERE ($1 IS NULL OR tenant = $1) AND id > $2 ORDER BY id LIMIT $3")
            .bind(tenant.map(TenantId::as_str))
            .bind(after)
            .bind(limit)
            .fetch_all(&self.reader)
            .await?;
        rows.into_iter().map(read).collect()
    }

    /// The token of that id; with a tenant, only its own.
    ///
    /// # Errors
    /// The database's, or [`StoreError::Corrupt`].
    pub async fn token(&self, tenant: Option<&TenantId>, id: &str) -> Result<Option<TokenRow>> {
        let of = select("WHERE ($1 IS NULL OR tenant = $1) AND id = $2").bind(tenant.map(TenantId::as_str)).bind(id);
        let row: Option<Row> = of.fetch_optional(&self.reader).await?;
        row.map(read).transpose()
    }

    /// Revokes a token; `false` if there is none of that id that still counts. With a tenant, only its own.
    ///
    /// # Errors
    /// The database's.
    pub async fn revoke_token(&self, tenant: Option<&TenantId>, id: &str, author: &Author) -> Result<bool> {
        let Some(of) = self.token(tenant, id).await?.map(|token| token.credential.tenant) else { return Ok(false) };
        let mut tx = self.begin(of.one()).await?;
        // Its hash is free again: a certificate may come to stand for another token.
        let revoked = sql("UPDATE tokens SET revoked_at = $2, hash = $3 WHERE id = $1 AND revoked_at IS NULL")
            .bind(id)
            .bind(stamp(author.at))
            .bind(format!("revoked {id}").into_bytes())
            .execute(&mut tx)
            .await?;
        if revoked == 0 {
            return Ok(false);
        }
        conclude(tx, of.one(), "token.revoke", id, None, author).await?;
        Ok(true)
    }

    /// Notes that tokens were used. It is no change: nobody decides by it.
    ///
    /// # Errors
    /// The database's.
    pub async fn tokens_used(&self, ids: &[String], at: Timestamp) -> Result<()> {
        let ids = serde_json::to_string(ids).unwrap_or_default();
        either(
            "UPDATE tokens SET last_used_at = $2 WHERE id IN (SELECT value FROM json_each($1))",
            "UPDATE tokens SET last_used_at = $2 WHERE id IN (SELECT jsonb_array_elements_text($1::jsonb))",
        )
        .bind(ids)
        .bind(stamp(at))
        .execute(&self.writer)
        .await?;
        Ok(())
    }
}

async fn insert(tx: &mut Tx, credential: &Credential, name: &str, hash: &[u8], author: &Author) -> Result<()> {
    let inserted = sql("INSERT INTO tokens (id, tenant, hash, scopes, name, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING")
    .bind(&credential.id)
    .bind(credential.tenant.one().map(TenantId::as_str))
    .bind(hash)
    .bind(credential.scopes.to_string())
    .bind(name)
    .bind(stamp(author.at))
    .bind(credential.expires_at.map(stamp))
    .execute(tx)
    .await?;
    if inserted == 0 { Err(StoreError::TokenTaken) } else { Ok(()) }
}

/// Tells of a change: in the feed, and in the trail of the tenant, if it is one's. (Those of the instance have none.) The
/// tenant's data stay as they are, and so does their revision.
async fn conclude(
    mut tx: Tx,
    tenant: Option<&TenantId>,
    action: &str,
    id: &str,
    after: Option<serde_json::Value>,
    author: &Author,
) -> Result<()> {
    if let Some(tenant) = tenant {
        tenants::must_be(&mut tx, tenant).await?;
        idempotency::take(&mut tx, tenant, author).await?;
        let after = after.map(|after| after.to_string());
        audit::note(&mut tx, tenant, author, Entry { action, target: id, after, ..Entry::default() });
    }
    feed::append(&mut tx, tenant, 0, ChangeKind::Token, id, author.at).await?;
    tx.commit().await
}

fn select<'q>(which: &str) -> Statement<'q> {
    sql(AssertSqlSafe(format!("SELECT {COLUMNS} FROM tokens {which}")))
}

fn read(row: Row) -> Result<TokenRow> {
    let Row { id, tenant, scopes, name, created_at, expires_at, revoked_at, last_used_at } = row;
    let corrupt = |column, why: String| StoreError::Corrupt { table: "tokens", column, row: id.clone(), why };
    let at = |column, text: &str| time("tokens", column, text, || id.clone());
    let tenant = match &tenant {
        None => TenantScope::Instance,
        Some(text) => TenantScope::One(TenantId::parse(text).map_err(|error| corrupt("tenant", error.to_string()))?),
    };
    let scopes = Scopes::parse(&scopes).map_err(|error| corrupt("scopes", error.to_string()))?;
    let expires_at = expires_at.as_deref().map(|text| at("expires_at", text)).transpose()?;
    Ok(TokenRow {
        name,
        created_at: at("created_at", &created_at)?,
        revoked_at: revoked_at.as_deref().map(|text| at("revoked_at", text)).transpose()?,
        last_used_at: last_used_at.as_deref().map(|text| at("last_used_at", text)).transpose()?,
        credential: Credential { id: id.clone(), tenant, scopes, expires_at },
    })
}
