//! Everything that lasts: SQL with one file per aggregate, a cache of users, and the feed of changes.
//!
//! Every function that touches a tenant's data takes the tenant first. SQL stands beside the mapping of its rows.
//! This room knows neither HTTP nor policies.

mod audit;
mod cache;
mod counter;
mod documents;
mod erase;
mod error;
mod feed;
mod fields;
mod logins;
mod names;
mod portal;
mod prompts;
mod resources;
mod tenants;
mod tokens;
mod users;

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, Transaction};

pub use cache::{CacheStats, FactCache, Known, Name};
pub use counter::Counter;
pub use documents::{DocumentKind, DocumentSet};
pub use erase::Erased;
pub use error::{Result, StoreError};
pub use feed::{Change, ChangeKind};
pub use fields::{Edited, StoredField, UserChanged};
pub use logins::Report;
pub use prompts::{Outcome, Ticket};
pub use resources::{ResourceChanged, StoredResource};
pub use tokens::TokenRow;
pub use users::Listed;

/// The database: SQLite in a file, with one connection that writes and several that read.
///
/// What is acknowledged is on the disk: the write-ahead log is synchronised at every commit.
#[derive(Debug, Clone)]
pub struct Store {
    writer: SqlitePool,
    reader: SqlitePool,
}

impl Store {
    /// Opens the database at `path`, makes it if it is not there, and brings its tables up to date.
    ///
    /// # Errors
    /// [`StoreError`] if the file cannot be opened or is not ours.
    pub async fn open(path: &Path) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            // What is erased is gone from the file, too.
            .pragma("secure_delete", "ON")
            .busy_timeout(Duration::from_secs(5));
        let pool =
            |connections| SqlitePoolOptions::new().max_connections(connections).acquire_timeout(Duration::from_secs(5));
        let _until_it_is_open = lock(path)?;
        let writer = pool(1).connect_with(options.clone()).await?;
        sqlx::migrate!("src/store/migrations/sqlite").run(&writer).await?;
        let reader = pool(4).connect_with(options.read_only(true)).await?;
        Ok(Self { writer, reader })
    }

    /// Asks the database for a sign of life: something that is in the file.
    ///
    /// # Errors
    /// [`StoreError`] if there is none.
    pub async fn ping(&self) -> Result<()> {
        sqlx::query("SELECT COUNT(*) FROM tenants").execute(&self.reader).await?;
        Ok(())
    }

    /// Writes what is in the log into the database, and closes both.
    pub async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }

    /// A transaction that writes. It takes the write lock at once, so that it cannot fail half-way for want of it.
    async fn begin(&self) -> Result<Transaction<'static, Sqlite>> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }
}

/// Keeps other processes from opening the database until it is dropped. Those that start at the same time do so one
/// after the other: SQLite's own locks neither cover the change of the journal's mode nor several migrations.
fn lock(path: &Path) -> Result<File> {
    let beside = path.with_extension("lock");
    let lock = || -> std::io::Result<File> {
        let file = File::options().create(true).append(true).mode(0o600).open(&beside)?;
        file.lock()?;
        Ok(file)
    };
    lock().map_err(|source| StoreError::Lock(beside.clone(), source))
}

/// A moment as rows hold it: always with nine digits, so that the order of texts is the order of moments.
fn stamp(at: jiff::Timestamp) -> String {
    format!("{at:.9}")
}
