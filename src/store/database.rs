//! Which database, and opening it.

use std::fmt;
use std::fs::File;
use std::future::ready;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::Connection;
use sqlx::migrate::MigrateError;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use url::Url;

use super::sql::{Pool, Writer};
use super::trouble::{LastWrite, Trouble};
use super::{AuditKey, Result, Store, StoreError, users};

/// How long anything waits for a connection, a lock or an answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// How long a request waits for a connection: to a server that is away, sqlx tries all that time.
const CONNECT: Duration = Duration::from_secs(2);

/// How long a request waits for those that use SQLite's connections: whoever then waits for a lock, too, still hears why it
/// was in vain.
const QUEUE: Duration = Duration::from_secs(4);

/// Connections to PostgreSQL for writes, and as many for readings: writes that wait for a lock leave those alone.
const CONNECTIONS: u32 = 8;

/// The parameters that a URL of PostgreSQL may have.
const PARAMETERS: [&str; 18] = [
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "options",
    "password",
    "port",
    "ssl-ca",
    "ssl-cert",
    "ssl-key",
    "ssl-mode",
    "ssl-root-cert",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "statement-cache-capacity",
    "user",
];

/// Where the data is.
#[derive(Debug, Clone)]
pub enum DatabaseAt {
    /// SQLite, in a file.
    Sqlite(PathBuf),
    /// A PostgreSQL server.
    Postgres(Box<PgConnectOptions>),
}

impl DatabaseAt {
    /// Reads the URL of a PostgreSQL database: `postgres://user:password@host:port/database`.
    ///
    /// # Errors
    /// What is wrong with it, without the URL itself, which may hold a password.
    pub fn postgres(url: &str) -> std::result::Result<Self, String> {
        let url = Url::parse(url).map_err(|error| error.to_string())?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err("its scheme is neither postgres nor postgresql".to_owned());
        }
        if url.path().len() < 2 {
            return Err("it names no database".to_owned());
        }
        // sqlx leaves out what it does not know, and with it what a misspelt `sslmode` was to demand.
        let known = |name: &str| PARAMETERS.contains(&name) || name.starts_with("options[");
        if let Some((name, _)) = url.query_pairs().find(|(name, _)| !known(name)) {
            return Err(format!("it has a parameter `{name}`, and there are only {}", PARAMETERS.join(", ")));
        }
        let options = url.as_str().parse::<PgConnectOptions>().map_err(|error| error.to_string())?;
        Ok(Self::Postgres(Box::new(options)))
    }
}

impl fmt::Display for DatabaseAt {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DatabaseAt::Sqlite(path) => write!(f, "{} (SQLite)", path.display()),
            DatabaseAt::Postgres(options) => {
                let (host, port) = (options.get_host(), options.get_port());
                write!(f, "{host}:{port}/{} (PostgreSQL)", options.get_database().unwrap_or_default())
            }
        }
    }
}

impl Store {
    /// Opens a database, makes SQLite's file if it is not there, and brings the tables up to date. Processes that start
    /// at the same time do so one after the other.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be opened, is not ours, or belongs to a newer version.
    pub async fn open(at: &DatabaseAt, audit_key: AuditKey) -> Result<Self> {
        let last = LastWrite::default();
        let (pool, reader) = match at {
            DatabaseAt::Sqlite(path) => open_sqlite(path, last.clone()).await?,
            DatabaseAt::Postgres(options) => open_postgres(options).await?,
        };
        Ok(Self { writer: Writer { pool, last }, reader, audit_key })
    }
}

/// One connection that writes and several that read. What is acknowledged is on the disk: the write-ahead log is
/// synchronised at every commit.
///
/// After a write that failed, the next one gets a fresh connection. On a full disk, SQLite ends a transaction by itself, and
/// sqlx, which cannot roll it back then, counts it as open and refuses to begin another; and a connection that was opened
/// while the file was read-only never writes.
async fn open_sqlite(path: &Path, last: LastWrite) -> Result<(Pool, Pool)> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        // What is erased is gone from the file, too.
        .pragma("secure_delete", "ON")
        .busy_timeout(PATIENCE);
    // A file needs no test whether it is still there, and each costs a decision a turn of the connection's thread.
    let pool = || SqlitePoolOptions::new().acquire_timeout(QUEUE).test_before_acquire(false);
    let _until_it_is_open = open_private(&path.with_extension("lock"), |file| file.lock())?;
    // SQLite gives its side files the mode of the database, so that is made here, empty.
    open_private(path, |_| Ok(()))?;
    let fit = move |connection: &SqliteConnection| last.failed().is_none() && !connection.is_in_transaction();
    let writer = pool().max_connections(1).before_acquire(move |connection, _| Box::pin(ready(Ok(fit(connection)))));
    let writer = writer.connect_with(options.clone()).await?;
    sqlx::migrate!("src/store/migrations/sqlite").run(&writer).await.map_err(not_migrated)?;
    users::fold_names(&writer).await?;
    let reader = pool().max_connections(4).connect_with(options.read_only(true)).await?;
    Ok((Pool::Sqlite(writer), Pool::Sqlite(reader)))
}

/// Every session bounds what it waits for, so that a lock which is never given back ends in an error. Only a migration
/// may take its time, under the advisory lock that sqlx holds for it.
async fn open_postgres(options: &PgConnectOptions) -> Result<(Pool, Pool)> {
    let options = options.clone().application_name("sidegate");
    let mut migrating = PgConnection::connect_with(&options).await?;
    sqlx::migrate!("src/store/migrations/postgres").run(&mut migrating).await.map_err(not_migrated)?;
    migrating.close().await?;
    let millis = |time: Duration| format!("{}ms", time.as_millis());
    let options = options.options([
        ("lock_timeout", millis(PATIENCE)),
        // Later, so that a lock is told from a statement that takes too long.
        ("statement_timeout", millis(PATIENCE + Duration::from_secs(1))),
        ("idle_in_transaction_session_timeout", millis(PATIENCE)),
    ]);
    let pool = PgPoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(CONNECT);
    let writer = pool.clone().connect_with(options.clone()).await?;
    Ok((Pool::Postgres(writer), Pool::Postgres(pool.connect_with(options).await?)))
}

fn not_migrated(error: MigrateError) -> StoreError {
    match error {
        MigrateError::VersionMissing(version) => StoreError::Newer(version),
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)
            if Trouble::of(&error) != Trouble::Refuses =>
        {
            StoreError::Sql(error)
        }
        error => StoreError::Migrate(error),
    }
}

/// Opens a file for its owner's eyes only. Locked, one beside the database keeps other processes from opening that until
/// it is dropped: SQLite's own locks neither cover the change of the journal's mode nor several migrations.
fn open_private(path: &Path, then: impl FnOnce(&File) -> std::io::Result<()>) -> Result<File> {
    let open = || -> std::io::Result<File> {
        let file = File::options().create(true).append(true).mode(0o600).open(path)?;
        then(&file)?;
        Ok(file)
    };
    open().map_err(|source| StoreError::File(path.to_owned(), source))
}
