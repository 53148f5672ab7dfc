//! Everything that lasts: SQL with one file per aggregate, a cache of users, and the feed of changes.
//!
//! Every function that touches a tenant's data takes the tenant first. SQL stands beside the mapping of its rows.
//! This room knows neither HTTP nor policies.

mod audit;
mod backup;
mod cache;
mod counter;
mod database;
mod documents;
mod erase;
mod error;
mod export;
mod feed;
mod fields;
mod idempotency;
mod import;
mod logins;
mod news;
mod portal;
mod prompts;
mod resources;
mod rows;
mod search;
mod sessions;
mod shared;
mod sidecars;
mod sql;
mod tenants;
mod tokens;
mod trouble;
mod users;
mod values;

use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::model::TenantId;

use self::audit::Trail;
use self::sql::{Begun, Pool, STATEMENT, Tx, Writer, sql};
use self::trouble::LastWrite;

pub use audit::{AuditFault, AuditHead, AuditKey, AuditVerdict};
pub use backup::{Backup, Kind, RestoreError, Restored, TABLES, Table};
pub use cache::{CacheStats, FactCache, Known, Name, Portable};
pub use counter::Counter;
pub use database::DatabaseAt;
pub use documents::{Document, DocumentKind, DocumentSet};
pub use erase::Erased;
pub use error::{Result, StoreError};
pub use feed::{Change, ChangeKind};
pub use fields::{Edited, StoredField, UserChanged};
pub use import::{IMPORTED, ImportRefusal, Imported, Outcome as ImportOutcome};
pub use logins::Report;
pub use news::News;
pub use prompts::{Outcome, Ticket};
pub use resources::{ResourceChanged, StoredResource};
pub use search::Listed;
pub use sessions::{AppSession, SessionEnded};
pub use shared::{RedisAt, Remembered, SealKey, Shared, SharedStats};
pub use sidecars::Sidecar;
pub use tenants::TenantRow;
pub use tokens::TokenRow;
pub use trouble::Trouble;
pub use values::{StoredValue, ValuePlace};

/// The database: SQLite, with one connection that writes and several that read, or PostgreSQL, with several for each.
#[derive(Debug, Clone)]
pub struct Store {
    writer: Writer,
    reader: Pool,
    audit_key: AuditKey,
}

impl Store {
    /// Asks the database for a sign of life: something that is in the file.
    ///
    /// # Errors
    /// [`StoreError`] if there is none.
    pub async fn ping(&self) -> Result<()> {
        sql("SELECT COUNT(*) FROM tenants").execute(&self.reader).await?;
        Ok(())
    }

    /// Why the last write failed, and how long ago; nothing, if it did not.
    #[must_use]
    pub fn refuses_writes(&self) -> Option<(Trouble, Duration)> {
        self.writer.last.failed()
    }

    /// Which database it is: a text of its own, as short as a name.
    ///
    /// # Errors
    /// The database's.
    pub async fn instance(&self) -> Result<String> {
        let (id,) = sql("SELECT id FROM instance").fetch_one(&self.reader).await?;
        Ok(id)
    }

    /// Writes what is in a log into the database, and closes all connections.
    pub async fn close(&self) {
        for pool in [&self.reader, &self.writer.pool] {
            match pool {
                Pool::Sqlite(pool) => pool.close().await,
                Pool::Postgres(pool) => pool.close().await,
            }
        }
    }

    /// A transaction that writes. It takes a lock at once, so that what it reads stays as it is: on SQLite the one write
    /// lock, on PostgreSQL the tenant's. Without a tenant, it is for what belongs to none in particular.
    async fn begin(&self, tenant: Option<&TenantId>) -> Result<Tx> {
        let begun = async {
            Ok(match &self.writer.pool {
                Pool::Sqlite(pool) => Begun::Sqlite(pool.begin_with("BEGIN IMMEDIATE").await.map_err(queued)?),
                Pool::Postgres(pool) => Begun::Postgres(pool.begin().await?),
            })
        };
        let begun = self.writer.last.noted(sql::in_time(STATEMENT, begun).await)?;
        let mut tx = self.transaction(begun, Some(self.writer.last.clone()));
        if let Begun::Postgres(_) = tx.inner {
            // Not together with BEGIN: if the lock is not to be had, sqlx would know of no transaction that it has to end.
            let lock = advisory_lock(tenant.map_or("", TenantId::as_str));
            sql("SELECT pg_advisory_xact_lock($1)").bind(lock).execute(&mut tx).await?;
        }
        Ok(tx)
    }

    /// A transaction that only reads: all that it reads is of one moment.
    async fn begin_read(&self) -> Result<Tx> {
        let begun = async {
            Ok(match &self.reader {
                Pool::Sqlite(pool) => Begun::Sqlite(pool.begin().await?),
                Pool::Postgres(pool) => {
                    Begun::Postgres(pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?)
                }
            })
        };
        Ok(self.transaction(sql::in_time(STATEMENT, begun).await?, None))
    }

    fn transaction(&self, inner: Begun, writes: Option<LastWrite>) -> Tx {
        Tx { inner, patience: STATEMENT, trail: Trail::new(self.audit_key.clone()), writes }
    }
}

/// On SQLite, whoever gets no connection to write has waited for those who have it, and wait themselves.
fn queued(error: sqlx::Error) -> StoreError {
    match error {
        sqlx::Error::PoolTimedOut => StoreError::Queued,
        error => error.into(),
    }
}

/// The number of a tenant's lock. Two that share one by chance wait for each other, and no more.
fn advisory_lock(tenant: &str) -> i64 {
    let digest = Sha256::digest(tenant);
    digest.iter().take(8).fold(0, |number, byte| number << 8 | i64::from(*byte))
}

/// A moment as rows hold it: always with nine digits, so that the order of texts is the order of moments.
fn stamp(at: jiff::Timestamp) -> String {
    format!("{at:.9}")
}
