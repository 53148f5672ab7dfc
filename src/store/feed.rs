//! The change feed: what changed, in the order in which it was committed.
//!
//! Numbers are committed in their order, so a reader that has seen one has seen all before it: SQLite has one writer at a
//! time, and on PostgreSQL a lock is held from the giving of a number to its commit.

use crate::model::{TenantId, UserId};
use jiff::Timestamp;

use super::audit;
use super::sql::{Statement, Tx, either, sql};
use super::{Result, Store, stamp};

/// A change that was committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its number in the feed, rising; internal to the instance.
    pub seq: i64,
    /// The tenant as it is stored; empty for none in particular.
    pub tenant: String,
    /// The tenant's revision after it.
    pub revision: i64,
    /// What kind of thing changed.
    pub kind: ChangeKind,
    /// Which one.
    pub key: String,
}

/// What kind of thing changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// A user's facts.
    User,
    /// Facts of several users; the key is a JSON array of their ids.
    Users,
    /// A resource's attributes.
    Resource,
    /// A service token.
    Token,
    /// Definitions, rules or settings.
    Documents,
    /// The tenant itself: there is one, it is suspended, or it goes on.
    Tenant,
    /// There is no such tenant any more.
    TenantGone,
    /// Something that this version does not know: written by a newer one.
    Other,
}

impl ChangeKind {
    fn as_str(self) -> &'static str {
        match self {
            ChangeKind::User => "user",
            ChangeKind::Users => "users",
            ChangeKind::Resource => "resource",
            ChangeKind::Token => "token",
            ChangeKind::Documents => "documents",
            ChangeKind::Tenant => "tenant",
            ChangeKind::TenantGone => "tenant_gone",
            ChangeKind::Other => "other",
        }
    }

    fn read(text: &str) -> Self {
        match text {
            "user" => ChangeKind::User,
            "users" => ChangeKind::Users,
            "resource" => ChangeKind::Resource,
            "token" => ChangeKind::Token,
            "documents" => ChangeKind::Documents,
            "tenant" => ChangeKind::Tenant,
            "tenant_gone" => ChangeKind::TenantGone,
            _ => ChangeKind::Other,
        }
    }
}

impl Store {
    /// Changes after `seq`, oldest first, at most `limit`.
    ///
    /// # Errors
    /// [`super::StoreError`] if the database cannot be read.
    pub async fn changes_since(&self, seq: i64, limit: i64) -> Result<Vec<Change>> {
        let after = sql("SELECT seq, tenant, revision, kind, key FROM changes WHERE seq > $1 ORDER BY seq LIMIT $2");
        self.changes(after.bind(seq).bind(limit)).await
    }

    /// Changes before `seq`, newest first, at most `limit`.
    ///
    /// # Errors
    /// [`super::StoreError`] if the database cannot be read.
    pub async fn changes_before(&self, seq: i64, limit: i64) -> Result<Vec<Change>> {
        let before =
            sql("SELECT seq, tenant, revision, kind, key FROM changes WHERE seq < $1 ORDER BY seq DESC LIMIT $2");
        self.changes(before.bind(seq).bind(limit)).await
    }

    async fn changes(&self, query: Statement<'_>) -> Result<Vec<Change>> {
        let rows: Vec<(i64, String, i64, String, String)> = query.fetch_all(&self.reader).await?;
        let change = |(seq, tenant, revision, kind, key): (i64, String, i64, String, String)| Change {
            seq,
            tenant,
            revision,
            kind: ChangeKind::read(&kind),
            key,
        };
        Ok(rows.into_iter().map(change).collect())
    }

    /// The number of the last change.
    ///
    /// # Errors
    /// [`super::StoreError`] if the database cannot be read.
    pub async fn last_change(&self) -> Result<i64> {
        let (seq,) = sql("SELECT COALESCE(MAX(seq), 0) FROM changes").fetch_one(&self.reader).await?;
        Ok(seq)
    }
}

impl Store {
    /// Has every process forget what it knows of a user, or everything, as if it had changed.
    ///
    /// # Errors
    /// [`super::StoreError`] if the database cannot be written.
    pub async fn forget(&self, whom: Option<(&TenantId, &UserId)>, at: Timestamp) -> Result<()> {
        let mut tx = self.begin(whom.map(|(tenant, _)| tenant)).await?;
        match whom {
            Some((tenant, user)) => append(&mut tx, Some(tenant), 0, ChangeKind::User, user.as_str(), at).await?,
            None => append(&mut tx, None, 0, ChangeKind::Other, "", at).await?,
        };
        tx.commit().await
    }
}

/// Notes a change in its own transaction, and tells its number. It comes last before the commit: on PostgreSQL it takes
/// the lock under which numbers are given, and holds it until then, so that they become visible in their order. There,
/// the commit tells all who listen.
pub(super) async fn append(
    tx: &mut Tx,
    tenant: Option<&TenantId>,
    revision: i64,
    kind: ChangeKind,
    key: &str,
    at: Timestamp,
) -> Result<i64> {
    audit::seal(tx).await?;
    let (seq,) = either(
        "INSERT INTO changes (tenant, revision, kind, key, at) VALUES ($1, $2, $3, $4, $5) RETURNING seq",
        "WITH locked AS MATERIALIZED (SELECT pg_advisory_xact_lock(0), pg_notify('sidegate_changes', ''))
         INSERT INTO changes (tenant, revision, kind, key, at) SELECT $1, $2, $3, $4, $5 FROM locked RETURNING seq",
    )
    .bind(tenant.map_or("", TenantId::as_str))
    .bind(revision)
    .bind(kind.as_str())
    .bind(key)
    .bind(stamp(at))
    .fetch_one(tx)
    .await?;
    Ok(seq)
}
