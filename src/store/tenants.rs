//! Tenants that have data here, and the revision of each.

use jiff::Timestamp;
use sqlx::AssertSqlSafe;

use crate::model::{Author, TenantId};

use super::audit::{self, Entry};
use super::backup::TABLES;
use super::feed::{self, ChangeKind};
use super::logins::time;
use super::sql::{Statement, Tx, sql};
use super::{Result, Store, StoreError, idempotency, stamp};

/// A tenant as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantRow {
    /// Its name.
    pub id: TenantId,
    /// How many changes of its data there were.
    pub revision: i64,
    /// When it came to be known.
    pub created_at: Timestamp,
    /// Since when it is suspended, if it is.
    pub suspended_at: Option<Timestamp>,
}

type Columns = (String, i64, String, Option<String>);

impl Store {
    /// All tenants that have data, by name.
    ///
    /// # Errors
    /// [`StoreError`] if the database cannot be read or holds a tenant that is none.
    pub async fn tenants(&self) -> Result<Vec<TenantRow>> {
        let rows: Vec<Columns> = select("ORDER BY id").fetch_all(&self.reader).await?;
        rows.into_iter().map(read).collect()
    }

    /// One of them.
    ///
    /// # Errors
    /// As for all.
    pub async fn tenant(&self, tenant: &TenantId) -> Result<Option<TenantRow>> {
        let row: Option<Columns> = select("WHERE id = $1").bind(tenant.as_str()).fetch_optional(&self.reader).await?;
        row.map(read).transpose()
    }

    /// Makes tenants known that have no data yet.
    ///
    /// # Errors
    /// The database's.
    pub async fn add_tenants(&self, tenants: &[TenantId], now: Timestamp) -> Result<()> {
        let known = self.tenants().await?;
        let fresh = tenants.iter().filter(|tenant| known.iter().all(|row| row.id != **tenant));
        for tenant in fresh {
            insert(tenant, now).execute(&self.writer).await?;
        }
        Ok(())
    }

    /// Makes a tenant, and tells whether there was none before.
    ///
    /// # Errors
    /// The database's.
    pub async fn create_tenant(&self, tenant: &TenantId, now: Timestamp) -> Result<bool> {
        let mut tx = self.begin(Some(tenant)).await?;
        if insert(tenant, now).execute(&mut tx).await? == 0 {
            return Ok(false);
        }
        feed::append(&mut tx, Some(tenant), 0, ChangeKind::Tenant, tenant.as_str(), now).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Suspends a tenant, or lets it go on; whether there is such a tenant.
    ///
    /// # Errors
    /// The database's.
    pub async fn suspend_tenant(&self, tenant: &TenantId, suspend: bool, author: &Author) -> Result<bool> {
        let mut tx = self.begin(Some(tenant)).await?;
        let changed =
            sql("UPDATE tenants SET suspended_at = CASE WHEN $2 IS NULL THEN NULL ELSE COALESCE(suspended_at, $2) END
             WHERE id = $1")
            .bind(tenant.as_str())
            .bind(suspend.then(|| stamp(author.at)))
            .execute(&mut tx)
            .await?;
        if changed == 0 {
            return Ok(false);
        }
        let revision = bump(&mut tx, tenant, author).await?;
        let action = if suspend { "tenant.suspend" } else { "tenant.resume" };
        audit::note(&mut tx, tenant, author, Entry { action, target: tenant.as_str(), ..Entry::default() });
        feed::append(&mut tx, Some(tenant), revision, ChangeKind::Tenant, tenant.as_str(), author.at).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Takes a tenant away with all of its data, its audit trail among them, and tells whether there was one. What the feed
    /// said of it goes, too, but for the word that it is gone.
    ///
    /// # Errors
    /// The database's.
    pub async fn delete_tenant(&self, tenant: &TenantId, now: Timestamp) -> Result<Option<i64>> {
        let mut tx = self.begin(Some(tenant)).await?;
        // Whatever refers to another table comes after it in the list.
        let with_data = TABLES.iter().rev().filter(|table| table.columns.iter().any(|(name, _)| *name == "tenant"));
        for table in with_data {
            sql(AssertSqlSafe(format!("DELETE FROM {} WHERE tenant = $1", table.name)))
                .bind(tenant.as_str())
                .execute(&mut tx)
                .await?;
        }
        if sql("DELETE FROM tenants WHERE id = $1").bind(tenant.as_str()).execute(&mut tx).await? == 0 {
            return Ok(None);
        }
        let seq = feed::append(&mut tx, Some(tenant), 0, ChangeKind::TenantGone, tenant.as_str(), now).await?;
        tx.commit().await?;
        Ok(Some(seq))
    }
}

fn select<'q>(which: &str) -> Statement<'q> {
    sql(AssertSqlSafe(format!("SELECT id, revision, created_at, suspended_at FROM tenants {which}")))
}

fn insert(tenant: &TenantId, now: Timestamp) -> Statement<'_> {
    sql("INSERT INTO tenants (id, revision, created_at) VALUES ($1, 0, $2) ON CONFLICT DO NOTHING")
        .bind(tenant.as_str())
        .bind(stamp(now))
}

fn read((id, revision, created_at, suspended_at): Columns) -> Result<TenantRow> {
    let corrupt = |column, why: String| StoreError::Corrupt { table: "tenants", column, row: id.clone(), why };
    let at = |column, text: &str| time("tenants", column, text, || id.clone());
    Ok(TenantRow {
        id: TenantId::parse(&id).map_err(|why| corrupt("id", why.to_string()))?,
        revision,
        created_at: at("created_at", &created_at)?,
        suspended_at: suspended_at.as_deref().map(|text| at("suspended_at", text)).transpose()?,
    })
}

/// Counts a change of the tenant's data, and tells the revision after it; there must be such a tenant. The request that
/// makes the change has its key from here on: no other one makes it again.
pub(super) async fn bump(tx: &mut Tx, tenant: &TenantId, author: &Author) -> Result<i64> {
    idempotency::take(tx, tenant, author).await?;
    let row: Option<(i64,)> = sql("UPDATE tenants SET revision = revision + 1 WHERE id = $1 RETURNING revision")
        .bind(tenant.as_str())
        .fetch_optional(tx)
        .await?;
    row.map(|(revision,)| revision).ok_or(StoreError::NoTenant)
}

/// Refuses a write for a tenant that there is not, or not any more: whoever was let in before it went leaves nothing.
pub(super) async fn must_be(tx: &mut Tx, tenant: &TenantId) -> Result<()> {
    let row: Option<(i64,)> =
        sql("SELECT revision FROM tenants WHERE id = $1").bind(tenant.as_str()).fetch_optional(tx).await?;
    row.map(|_| ()).ok_or(StoreError::NoTenant)
}
