//! Databases for tests, of the kind that is wanted, and statements run in them past all code of the program.

use sqlx::postgres::PgConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use tempfile::TempDir;

use sidegate::store::{AuditKey, DatabaseAt, Store, StoreError};

use super::postgres::{self, Postgres};

/// A database of its own, without tables at first.
pub struct Database {
    _folder: TempDir,
    at: DatabaseAt,
}

impl Database {
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("sidegate-store-").tempdir().unwrap();
        let at = match postgres::wanted() {
            true => DatabaseAt::postgres(&Postgres::shared().database()).unwrap(),
            false => DatabaseAt::Sqlite(folder.path().join("sidegate.db")),
        };
        Self { _folder: folder, at }
    }

    pub fn at(&self) -> &DatabaseAt {
        &self.at
    }

    pub async fn open(&self) -> Store {
        open(&self.at).await.unwrap()
    }

    pub async fn execute(&self, statement: &str) {
        execute(&self.at, statement).await;
    }
}

/// Opens a database, with a key for its audit trails that all tests share.
pub async fn open(at: &DatabaseAt) -> Result<Store, StoreError> {
    Store::open(at, AuditKey::new(b"of the tests")).await
}

/// Runs statements in a database.
pub async fn execute(at: &DatabaseAt, statements: &str) {
    let statements = sqlx::raw_sql(AssertSqlSafe(statements.to_owned()));
    match at {
        DatabaseAt::Sqlite(path) => {
            let mut connection = sqlite(path).await;
            statements.execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        }
        DatabaseAt::Postgres(options) => {
            let mut connection = PgConnection::connect_with(options).await.unwrap();
            statements.execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        }
    }
}

/// Brings a database to the newest schema that a folder of migrations has.
pub async fn migrate(at: &DatabaseAt, migrations: &std::path::Path) {
    let migrator = sqlx::migrate::Migrator::new(migrations).await.unwrap();
    match at {
        DatabaseAt::Sqlite(path) => {
            let mut connection = sqlite(path).await;
            migrator.run(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        }
        DatabaseAt::Postgres(options) => {
            let mut connection = PgConnection::connect_with(options).await.unwrap();
            migrator.run(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        }
    }
}

/// The numbers in the first column of what a query finds.
pub async fn numbers(at: &DatabaseAt, query: &str) -> Vec<i64> {
    let query = sqlx::AssertSqlSafe(query.to_owned());
    match at {
        DatabaseAt::Sqlite(path) => {
            let mut connection = sqlite(path).await;
            let found = sqlx::query_scalar(query).fetch_all(&mut connection).await.unwrap();
            connection.close().await.unwrap();
            found
        }
        DatabaseAt::Postgres(options) => {
            let mut connection = PgConnection::connect_with(options).await.unwrap();
            let found = sqlx::query_scalar(query).fetch_all(&mut connection).await.unwrap();
            connection.close().await.unwrap();
            found
        }
    }
}

/// What statements have locked, until it is dropped.
pub struct Held {
    connection: Option<Connected>,
    runtime: tokio::runtime::Runtime,
}

enum Connected {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Held {
    pub fn new(at: &DatabaseAt, statements: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let statements = sqlx::raw_sql(AssertSqlSafe(statements.to_owned()));
        let connection = runtime.block_on(async {
            match at {
                DatabaseAt::Sqlite(path) => {
                    let mut connection = sqlite(path).await;
                    statements.execute(&mut connection).await.unwrap();
                    Connected::Sqlite(connection)
                }
                DatabaseAt::Postgres(options) => {
                    let mut connection = PgConnection::connect_with(options).await.unwrap();
                    statements.execute(&mut connection).await.unwrap();
                    Connected::Postgres(connection)
                }
            }
        });
        Self { connection: Some(connection), runtime }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let closed = match self.connection.take() {
            Some(Connected::Sqlite(connection)) => self.runtime.block_on(connection.close()),
            Some(Connected::Postgres(connection)) => self.runtime.block_on(connection.close()),
            None => Ok(()),
        };
        closed.unwrap();
    }
}

async fn sqlite(path: &std::path::Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).create_if_missing(true).connect().await.unwrap()
}
