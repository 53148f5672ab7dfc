//! One-time links into the portal, and the sessions that they open. Only hashes are kept.

use jiff::Timestamp;

use crate::model::TenantId;

use super::sql::sql;
use super::{Result, Store, StoreError, stamp};

impl Store {
    /// Keeps a link or a session; ends those of the tenant that are over.
    ///
    /// # Errors
    /// The database's.
    pub async fn insert_grant(
        &self,
        tenant: &TenantId,
        kind: &str,
        hash: &[u8],
        actor: &str,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<()> {
        sql("DELETE FROM portal_grants WHERE tenant = $1 AND expires_at < $2")
            .bind(tenant.as_str())
            .bind(stamp(now))
            .execute(&self.writer)
            .await?;
        let inserted =
            sql("INSERT INTO portal_grants (hash, tenant, kind, actor, expires_at) SELECT $1, id, $3, $4, $5
             FROM tenants WHERE id = $2")
            .bind(hash)
            .bind(tenant.as_str())
            .bind(kind)
            .bind(actor)
            .bind(stamp(expires_at))
            .execute(&self.writer)
            .await?;
        if inserted == 0 { Err(StoreError::NoTenant) } else { Ok(()) }
    }

    /// Who a link or session was made for, if it still counts.
    ///
    /// # Errors
    /// The database's.
    pub async fn find_grant(
        &self,
        tenant: &TenantId,
        kind: &str,
        hash: &[u8],
        now: Timestamp,
    ) -> Result<Option<String>> {
        let row: Option<(String,)> =
            sql("SELECT actor FROM portal_grants WHERE hash = $1 AND tenant = $2 AND kind = $3 AND expires_at >= $4")
                .bind(hash)
                .bind(tenant.as_str())
                .bind(kind)
                .bind(stamp(now))
                .fetch_optional(&self.reader)
                .await?;
        Ok(row.map(|(actor,)| actor))
    }

    /// Ends a link or session; whether it was there. Of two who use a link at once, one is told so.
    ///
    /// # Errors
    /// The database's.
    pub async fn delete_grant(&self, tenant: &TenantId, hash: &[u8]) -> Result<bool> {
        let deleted = sql("DELETE FROM portal_grants WHERE hash = $1 AND tenant = $2")
            .bind(hash)
            .bind(tenant.as_str())
            .execute(&self.writer)
            .await?;
        Ok(deleted == 1)
    }
}
