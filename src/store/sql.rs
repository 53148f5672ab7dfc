//! One way to ask either database: a statement, its arguments, and rows that both can be read from.
//!
//! Two native pools behind a small type rather than sqlx's `Any`, which is slower by a third here and knows neither
//! LISTEN nor booleans on both. SQL is shared where both read it; [`either`] holds the few statements that differ.

use std::borrow::Cow;
use std::time::Duration;

use sqlx::postgres::{PgPool, PgRow};
use sqlx::sqlite::{SqlitePool, SqliteRow};
use sqlx::{Arguments, Database, FromRow, Postgres, SqlSafeStr, SqlStr, Sqlite, Transaction};

use super::audit::{Trail, seal};
use super::database::PATIENCE;
use super::trouble::{self, LastWrite};
use super::{Result, StoreError};

/// Connections to one of the databases.
#[derive(Debug, Clone)]
pub(super) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// Connections that write.
#[derive(Debug, Clone)]
pub(super) struct Writer {
    pub(super) pool: Pool,
    /// Where they note what came of it.
    pub(super) last: LastWrite,
}

/// A transaction in one of them; gone without a trace if it is dropped.
pub(super) struct Tx {
    pub(super) inner: Begun,
    /// How long each of its statements may take, and its end.
    pub(super) patience: Duration,
    /// What it will put into the audit trail.
    pub(super) trail: Trail,
    /// Where it notes what came of it, if it writes.
    pub(super) writes: Option<LastWrite>,
}

pub(super) enum Begun {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// Where a statement runs: by itself, or within a transaction.
pub(super) enum On<'c> {
    Pool(&'c Pool, Option<&'c LastWrite>),
    Tx(&'c mut Tx),
}

/// What rows are read into: the tuples of `String`, `i64` and so on that both databases can fill.
pub(super) trait Row: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

impl<T> Row for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

/// A statement and its arguments.
pub(super) struct Statement<'q> {
    sqlite: SqlStr,
    postgres: SqlStr,
    arguments: Vec<Argument<'q>>,
}

/// An argument, of the types that both databases have.
pub(super) enum Argument<'q> {
    Text(Option<Cow<'q, str>>),
    Number(Option<i64>),
    Bytes(Option<Cow<'q, [u8]>>),
}

/// A statement that both databases read.
pub(super) fn sql<'q>(text: impl SqlSafeStr) -> Statement<'q> {
    let text = text.into_sql_str();
    Statement { sqlite: text.clone(), postgres: text, arguments: Vec::new() }
}

/// A statement that each writes in its own way, with the same arguments.
pub(super) fn either<'q>(sqlite: impl SqlSafeStr, postgres: impl SqlSafeStr) -> Statement<'q> {
    Statement { sqlite: sqlite.into_sql_str(), postgres: postgres.into_sql_str(), arguments: Vec::new() }
}

/// Runs a method of sqlx's query on whichever database there is.
macro_rules! run {
    ($statement:ident, $on:ident, $make:path, $method:ident $(, $then:ident)?) => {
        match &mut $on {
            On::Pool(Pool::Sqlite(pool), _) => {
                $make($statement.sqlite, arguments!(Sqlite, $statement.arguments)).$method(pool).await?$(.$then())?
            }
            On::Tx(Tx { inner: Begun::Sqlite(tx), .. }) => {
                $make($statement.sqlite, arguments!(Sqlite, $statement.arguments)).$method(&mut **tx).await?$(.$then())?
            }
            On::Pool(Pool::Postgres(pool), _) => {
                $make($statement.postgres, arguments!(Postgres, $statement.arguments)).$method(pool).await?$(.$then())?
            }
            On::Tx(Tx { inner: Begun::Postgres(tx), .. }) => {
                $make($statement.postgres, arguments!(Postgres, $statement.arguments)).$method(&mut **tx).await?$(.$then())?
            }
        }
    };
}

macro_rules! arguments {
    ($database:ty, $arguments:expr) => {{
        let mut arguments = <$database as Database>::Arguments::default();
        for argument in $arguments {
            let added = match argument {
                Argument::Text(Some(text)) if text.contains('\0') => return Err(StoreError::Nul),
                Argument::Text(text) => arguments.add(text),
                Argument::Number(number) => arguments.add(number),
                Argument::Bytes(bytes) => arguments.add(bytes.as_deref()),
            };
            added.map_err(sqlx::Error::Encode)?;
        }
        arguments
    }};
}

/// What a statement may take from this side, too: a database whose machine is gone says nothing at all.
pub(super) const STATEMENT: Duration = PATIENCE.saturating_mul(2);

/// What it may take where everything is read or written: the end of a transaction over gigabytes takes minutes.
const UNHURRIED: Duration = Duration::from_secs(24 * 3600);

/// Bounds what a statement takes.
pub(super) async fn in_time<T>(patience: Duration, statement: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::time::timeout(patience, statement).await.unwrap_or(Err(StoreError::TimedOut))
}

impl On<'_> {
    fn patience(&self) -> Duration {
        match self {
            On::Pool(..) => STATEMENT,
            On::Tx(tx) => tx.patience,
        }
    }

    /// Notes what came of a statement, and hands it on.
    fn noted<T>(&self, outcome: Result<T>) -> Result<T> {
        match self {
            On::Pool(_, Some(writes)) => writes.noted(outcome),
            On::Tx(Tx { writes: Some(writes), .. }) => writes.noted(outcome),
            On::Pool(_, None) | On::Tx(_) => outcome,
        }
    }
}

impl<'q> Statement<'q> {
    /// Binds the next argument.
    pub(super) fn bind(mut self, argument: impl Into<Argument<'q>>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Runs it; how many rows it touched.
    pub(super) async fn execute(self, on: impl Into<On<'_>>) -> Result<u64> {
        let mut on = on.into();
        let outcome =
            in_time(on.patience(), async { Ok(run!(self, on, sqlx::query_with, execute, rows_affected)) }).await;
        on.noted(outcome)
    }

    /// All rows.
    pub(super) async fn fetch_all<R: Row>(self, on: impl Into<On<'_>>) -> Result<Vec<R>> {
        let mut on = on.into();
        let outcome = in_time(on.patience(), async { Ok(run!(self, on, sqlx::query_as_with, fetch_all)) }).await;
        on.noted(outcome)
    }

    /// The one row that there is.
    pub(super) async fn fetch_one<R: Row>(self, on: impl Into<On<'_>>) -> Result<R> {
        let mut on = on.into();
        let outcome = in_time(on.patience(), async { Ok(run!(self, on, sqlx::query_as_with, fetch_one)) }).await;
        on.noted(outcome)
    }

    /// The row, if there is one.
    pub(super) async fn fetch_optional<R: Row>(self, on: impl Into<On<'_>>) -> Result<Option<R>> {
        let mut on = on.into();
        let outcome = in_time(on.patience(), async { Ok(run!(self, on, sqlx::query_as_with, fetch_optional)) }).await;
        on.noted(outcome)
    }
}

impl Tx {
    /// Lets the transaction take as long as it takes: one over everything does.
    pub(super) async fn without_hurry(&mut self) -> Result<()> {
        let endless = "SELECT set_config('statement_timeout', '0', true),
                              set_config('idle_in_transaction_session_timeout', '0', true)";
        either("SELECT 1", endless).execute(&mut *self).await?;
        self.patience = UNHURRIED;
        Ok(())
    }

    pub(super) async fn commit(mut self) -> Result<()> {
        seal(&mut self).await?;
        let patience = self.patience;
        let committed = async {
            Ok(match self.inner {
                Begun::Sqlite(tx) => tx.commit().await,
                Begun::Postgres(tx) => tx.commit().await,
            })
        };
        let outcome = match in_time(patience, committed).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) if trouble::denies(&error) => Err(StoreError::Sql(error)),
            Ok(Err(error)) => Err(StoreError::Unconfirmed(error)),
            Err(_) => Err(StoreError::Unconfirmed(sqlx::Error::PoolTimedOut)),
        };
        let Some(writes) = self.writes else { return outcome };
        writes.noted(outcome)?;
        writes.succeeded();
        Ok(())
    }
}

impl<'c> From<&'c Pool> for On<'c> {
    fn from(pool: &'c Pool) -> Self {
        On::Pool(pool, None)
    }
}

impl<'c> From<&'c Writer> for On<'c> {
    fn from(writer: &'c Writer) -> Self {
        On::Pool(&writer.pool, Some(&writer.last))
    }
}

impl<'c> From<&'c mut Tx> for On<'c> {
    fn from(tx: &'c mut Tx) -> Self {
        On::Tx(tx)
    }
}

impl<'q> From<&'q str> for Argument<'q> {
    fn from(text: &'q str) -> Self {
        Argument::Text(Some(Cow::Borrowed(text)))
    }
}

impl<'q> From<&'q String> for Argument<'q> {
    fn from(text: &'q String) -> Self {
        Argument::Text(Some(Cow::Borrowed(text)))
    }
}

impl From<String> for Argument<'_> {
    fn from(text: String) -> Self {
        Argument::Text(Some(Cow::Owned(text)))
    }
}

impl<'q> From<Option<&'q str>> for Argument<'q> {
    fn from(text: Option<&'q str>) -> Self {
        Argument::Text(text.map(Cow::Borrowed))
    }
}

impl From<Option<String>> for Argument<'_> {
    fn from(text: Option<String>) -> Self {
        Argument::Text(text.map(Cow::Owned))
    }
}

impl From<i64> for Argument<'_> {
    fn from(number: i64) -> Self {
        Argument::Number(Some(number))
    }
}

impl From<Option<i64>> for Argument<'_> {
    fn from(number: Option<i64>) -> Self {
        Argument::Number(number)
    }
}

impl From<Vec<u8>> for Argument<'_> {
    fn from(bytes: Vec<u8>) -> Self {
        Argument::Bytes(Some(Cow::Owned(bytes)))
    }
}

impl<'q> From<&'q [u8]> for Argument<'q> {
    fn from(bytes: &'q [u8]) -> Self {
        Argument::Bytes(Some(Cow::Borrowed(bytes)))
    }
}
