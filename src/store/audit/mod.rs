//! The audit trail: written in the transaction of the change, never changed afterwards, and chained so that it shows if
//! it was.

use crate::model::{AuditEntry, TenantId, Value};

use super::sql::sql;
use super::{Result, Store, StoreError};

mod chain;
mod seal;
mod verify;

pub use chain::AuditKey;
pub(super) use seal::{Entry, Trail, note, seal};
pub use verify::{AuditFault, AuditHead, AuditVerdict};

/// The columns that are shown.
#[derive(sqlx::FromRow)]
struct Columns {
    seq: i64,
    user_id: Option<String>,
    at: String,
    source: String,
    actor: String,
    credential: String,
    action: String,
    target: String,
    before: Option<String>,
    after: Option<String>,
    request_id: Option<String>,
    address: Option<String>,
    sensitive: i64,
}

impl Store {
    /// Entries with a smaller number than `before`, newest first, at most `limit`: of all, of one user, of one action.
    ///
    /// # Errors
    /// The database's, or [`StoreError::Corrupt`].
    pub async fn audit_before(
        &self,
        tenant: &TenantId,
        (user, action): (Option<&str>, Option<&str>),
        before: i64,
        limit: i64,
    ) -> Result<Vec<AuditEntry>> {
        // One user's entries have an index of their own, which an OR would keep from being used.
        let of_user = if user.is_some() { "user_id = $2" } else { "$2 IS NULL" };
        let text = format!(
            "SELECT seq, user_id, at, source, actor, credential, action, target, before, after, request_id, address,
                    sensitive
             FROM audit
             WHERE tenant = $1 AND {of_user} AND ($3 IS NULL OR action = $3) AND seq < $4 ORDER BY seq DESC LIMIT $5"
        );
        let rows: Vec<Columns> = sql(sqlx::AssertSqlSafe(text))
            .bind(tenant.as_str())
            .bind(user)
            .bind(action)
            .bind(before)
            .bind(limit)
            .fetch_all(&self.reader)
            .await?;
        let read = |row: Columns| {
            let seq = row.seq;
            let key = || format!("{tenant}/{seq}");
            let value = |column, text: Option<String>| {
                let parsed = text.map(|text| Value::parse(&text)).transpose();
                parsed.map_err(|error| StoreError::corrupt("audit", column, key(), error))
            };
            Ok(AuditEntry {
                seq,
                user_id: row.user_id,
                at: row.at.parse().map_err(|error: jiff::Error| StoreError::corrupt("audit", "at", key(), error))?,
                source: row
                    .source
                    .parse()
                    .map_err(|error: String| StoreError::corrupt("audit", "source", key(), error))?,
                actor: row.actor,
                credential: row.credential,
                action: row.action,
                target: row.target,
                before: value("before", row.before)?,
                after: value("after", row.after)?,
                request_id: row.request_id,
                address: row.address,
                sensitive: row.sensitive == 1,
            })
        };
        rows.into_iter().map(read).collect()
    }
}
