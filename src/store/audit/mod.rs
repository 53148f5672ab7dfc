//! The audit trail: written in the transaction of the change, never changed afterwards, and chained so that it shows if
//! it was.

mod chain;
mod emptied;
mod seal;
mod verify;

use sqlx::AssertSqlSafe;

use crate::model::{AuditEntry, TenantId, Value};

use super::logins::time;
use super::sql::{Statement, sql};
use super::{Result, Store, StoreError};

use self::chain::Content;

pub use chain::AuditKey;
pub(super) use emptied::{ERASED, empty};
pub(super) use seal::{Entry, Trail, note, seal};
pub use verify::{AuditFault, AuditHead, AuditVerdict};

/// The action of an entry before which the head was not as this program had left it.
const UNVOUCHED: &str = "audit.unvouched";

/// The columns of [`Row`].
const COLUMNS: &str = "seq, at, source, actor, credential, action, user_id, target, before, after, request_id, address,
                       sensitive, salt, digest, link";

/// An entry as the table has it.
#[derive(sqlx::FromRow)]
struct Row {
    seq: i64,
    at: String,
    source: String,
    actor: String,
    credential: String,
    action: String,
    user_id: Option<String>,
    target: String,
    before: Option<String>,
    after: Option<String>,
    request_id: Option<String>,
    address: Option<String>,
    sensitive: i64,
    salt: Option<String>,
    digest: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
}

impl Row {
    /// What its digest is over.
    fn content(&self) -> Content<'_> {
        Content {
            at: &self.at,
            source: &self.source,
            actor: &self.actor,
            credential: &self.credential,
            action: &self.action,
            user: self.user_id.as_deref(),
            target: &self.target,
            before: self.before.as_deref(),
            after: self.after.as_deref(),
            request_id: self.request_id.as_deref(),
            address: self.address.as_deref(),
            sensitive: self.sensitive == 1,
        }
    }

    /// Whether what it held was taken out, and all of it.
    fn is_empty(&self) -> bool {
        let Self { before, after, target, request_id, address, salt, .. } = self;
        salt.is_none() && target.is_empty() && [before, after, request_id, address].into_iter().all(Option::is_none)
    }

    /// Whether it says what it said.
    fn is_unchanged(&self) -> bool {
        self.salt.as_ref().is_some_and(|salt| self.digest.as_deref() == Some(&self.content().digest(salt)[..]))
    }

    /// The entry, as it is shown.
    fn entry(self, tenant: &TenantId) -> Result<AuditEntry> {
        let seq = self.seq;
        let row = || format!("{tenant}/{seq}");
        let value = |column, text: Option<String>| {
            let parsed = text.map(|text| Value::parse(&text)).transpose();
            parsed.map_err(|error| StoreError::corrupt("audit", column, row(), error))
        };
        let source = self.source.parse();
        Ok(AuditEntry {
            seq,
            user_id: self.user_id,
            at: time("audit", "at", &self.at, row)?,
            source: source.map_err(|error: String| StoreError::corrupt("audit", "source", row(), error))?,
            actor: self.actor,
            credential: self.credential,
            action: self.action,
            target: self.target,
            before: value("before", self.before)?,
            after: value("after", self.after)?,
            request_id: self.request_id,
            address: self.address,
            sensitive: self.sensitive == 1,
        })
    }
}

/// Entries of the tenant that is bound first.
fn select<'q>(which: &str) -> Statement<'q> {
    sql(AssertSqlSafe(format!("SELECT {COLUMNS} FROM audit WHERE tenant = $1 AND {which}")))
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
        let which = format!("{of_user} AND ($3 IS NULL OR action = $3) AND seq < $4 ORDER BY seq DESC LIMIT $5");
        let rows: Vec<Row> = select(&which)
            .bind(tenant.as_str())
            .bind(user)
            .bind(action)
            .bind(before)
            .bind(limit)
            .fetch_all(&self.reader)
            .await?;
        rows.into_iter().map(|row| row.entry(tenant)).collect()
    }
}
