//! Tenants that have data here, and the revision of each.

use crate::model::{Author, TenantId};
use jiff::Timestamp;

use super::sql::{Tx, sql};
use super::{Result, Store, StoreError, idempotency, stamp};

impl Store {
    /// All tenants that have data, with their revisions.
    ///
    /// # Errors
    /// [`StoreError`] if the database cannot be read or holds a tenant that is none.
    pub async fn tenants(&self) -> Result<Vec<(TenantId, i64)>> {
        let rows: Vec<(String, i64)> =
            sql("SELECT id, revision FROM tenants ORDER BY id").fetch_all(&self.reader).await?;
        let tenant = |(id, revision): (String, i64)| match TenantId::parse(&id) {
            Ok(tenant) => Ok((tenant, revision)),
            Err(why) => Err(StoreError::Corrupt { table: "tenants", column: "id", row: id, why: why.to_string() }),
        };
        rows.into_iter().map(tenant).collect()
    }

    /// Makes tenants known that have no data yet.
    ///
    /// # Errors
    /// The database's.
    pub async fn add_tenants(&self, tenants: &[TenantId], now: Timestamp) -> Result<()> {
        let known = self.tenants().await?;
        let fresh = tenants.iter().filter(|tenant| known.iter().all(|(id, _)| id != *tenant));
        for tenant in fresh {
            sql("INSERT INTO tenants (id, revision, created_at) VALUES ($1, 0, $2) ON CONFLICT DO NOTHING")
                .bind(tenant.as_str())
                .bind(stamp(now))
                .execute(&self.writer)
                .await?;
        }
        Ok(())
    }
}

/// Counts a change of the tenant's data, and tells the revision after it. The request that makes the change has its key
/// from here on: no other one makes it again.
pub(super) async fn bump(tx: &mut Tx, tenant: &TenantId, author: &Author) -> Result<i64> {
    idempotency::take(tx, tenant, author).await?;
    let (revision,) = sql("INSERT INTO tenants (id, revision, created_at) VALUES ($1, 1, $2)
         ON CONFLICT (id) DO UPDATE SET revision = tenants.revision + 1 RETURNING revision")
    .bind(tenant.as_str())
    .bind(stamp(author.at))
    .fetch_one(tx)
    .await?;
    Ok(revision)
}
