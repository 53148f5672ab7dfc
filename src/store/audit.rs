//! The audit trail: written in the transaction of the change, never changed afterwards.

use crate::model::{AuditEntry, Author, TenantId, UserId, Value};

use super::rows::{self, Into};
use super::sql::{Argument, Tx, sql};
use super::{Result, Store, StoreError, stamp};

/// An entry on its way in; who and when come from the author.
pub(super) struct Entry<'a> {
    pub(super) user: Option<&'a UserId>,
    pub(super) action: &'a str,
    pub(super) target: &'a str,
    /// JSON
    pub(super) before: Option<String>,
    /// JSON
    pub(super) after: Option<String>,
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
        type Row = (i64, Option<String>, String, String, String, String, String, Option<String>, Option<String>);
        // One user's entries have an index of their own, which an OR would keep from being used.
        let of_user = if user.is_some() { "user_id = $2" } else { "$2 IS NULL" };
        let text = format!(
            "SELECT seq, user_id, at, source, actor, action, target, before, after FROM audit
             WHERE tenant = $1 AND {of_user} AND ($3 IS NULL OR action = $3) AND seq < $4 ORDER BY seq DESC LIMIT $5"
        );
        let rows: Vec<Row> = sql(sqlx::AssertSqlSafe(text))
            .bind(tenant.as_str())
            .bind(user)
            .bind(action)
            .bind(before)
            .bind(limit)
            .fetch_all(&self.reader)
            .await?;
        let read = |(seq, user_id, at, source, actor, action, target, before, after): Row| {
            let row = || format!("{tenant}/{seq}");
            let value = |column, text: Option<String>| {
                let parsed = text.map(|text| Value::parse(&text)).transpose();
                parsed.map_err(|error| StoreError::corrupt("audit", column, row(), error))
            };
            Ok(AuditEntry {
                seq,
                user_id,
                at: at.parse().map_err(|error: jiff::Error| StoreError::corrupt("audit", "at", row(), error))?,
                source: source.parse().map_err(|error: String| StoreError::corrupt("audit", "source", row(), error))?,
                actor,
                action,
                target,
                before: value("before", before)?,
                after: value("after", after)?,
            })
        };
        rows.into_iter().map(read).collect()
    }
}

/// Adds an entry to the tenant's trail.
pub(super) async fn append(tx: &mut Tx, tenant: &TenantId, author: &Author, entry: Entry<'_>) -> Result<()> {
    append_all(tx, tenant, author, vec![entry]).await
}

/// Adds entries to the tenant's trail: the one way into it. The caller's transaction holds the write lock, so numbers
/// have no gaps.
pub(super) async fn append_all(tx: &mut Tx, tenant: &TenantId, author: &Author, entries: Vec<Entry<'_>>) -> Result<()> {
    let (last,): (i64,) = sql("SELECT COALESCE(MAX(seq), 0) FROM audit WHERE tenant = $1")
        .bind(tenant.as_str())
        .fetch_one(&mut *tx)
        .await?;
    let rows = entries.into_iter().zip(last + 1..).map(|(entry, seq)| row(tenant, author, entry, seq)).collect();
    rows::insert(tx, &INTO, rows).await
}

const INTO: Into<'_> = Into {
    table: "audit",
    columns: "tenant, seq, at, source, actor, action, user_id, target, before, after",
    then: "",
};

fn row<'r>(tenant: &'r TenantId, author: &'r Author, entry: Entry<'r>, seq: i64) -> Vec<Argument<'r>> {
    vec![
        tenant.as_str().into(),
        seq.into(),
        stamp(author.at).into(),
        author.source.as_str().into(),
        author.actor.as_str().into(),
        entry.action.into(),
        entry.user.map(UserId::as_str).into(),
        entry.target.into(),
        entry.before.into(),
        entry.after.into(),
    ]
}
