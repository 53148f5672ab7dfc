//! One way to ask either database: a statement, its arguments, and rows that both can be read from.
//!
//! Two native pools behind a small type rather than sqlx's `Any`, which is slower by a third here and knows neither
//! LISTEN nor booleans on both. SQL is shared where both read it; [`either`] holds the few statements that differ.

use std::borrow::Cow;

use sqlx::postgres::{PgPool, PgRow};
use sqlx::sqlite::{SqlitePool, SqliteRow};
use sqlx::{Arguments, Database, FromRow, Postgres, SqlSafeStr, SqlStr, Sqlite, Transaction};

use super::Result;

/// Connections to one of the databases.
#[derive(Debug, Clone)]
pub(super) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// A transaction in one of them; gone without a trace if it is dropped.
pub(super) enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// Where a statement runs: by itself, or within a transaction.
pub(super) enum On<'c> {
    Pool(&'c Pool),
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
        match $on.into() {
            On::Pool(Pool::Sqlite(pool)) => {
                $make($statement.sqlite, arguments!(Sqlite, $statement.arguments)).$method(pool).await?$(.$then())?
            }
            On::Tx(Tx::Sqlite(tx)) => {
                $make($statement.sqlite, arguments!(Sqlite, $statement.arguments)).$method(&mut **tx).await?$(.$then())?
            }
            On::Pool(Pool::Postgres(pool)) => {
                $make($statement.postgres, arguments!(Postgres, $statement.arguments)).$method(pool).await?$(.$then())?
            }
            On::Tx(Tx::Postgres(tx)) => {
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
                Argument::Text(text) => arguments.add(text),
                Argument::Number(number) => arguments.add(number),
                Argument::Bytes(bytes) => arguments.add(bytes.as_deref()),
            };
            added.map_err(sqlx::Error::Encode)?;
        }
        arguments
    }};
}

impl<'q> Statement<'q> {
    /// Binds the next argument.
    pub(super) fn bind(mut self, argument: impl Into<Argument<'q>>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Runs it; how many rows it touched.
    pub(super) async fn execute(self, on: impl Into<On<'_>>) -> Result<u64> {
        Ok(run!(self, on, sqlx::query_with, execute, rows_affected))
    }

    /// All rows.
    pub(super) async fn fetch_all<R: Row>(self, on: impl Into<On<'_>>) -> Result<Vec<R>> {
        Ok(run!(self, on, sqlx::query_as_with, fetch_all))
    }

    /// The one row that there is.
    pub(super) async fn fetch_one<R: Row>(self, on: impl Into<On<'_>>) -> Result<R> {
        Ok(run!(self, on, sqlx::query_as_with, fetch_one))
    }

    /// The row, if there is one.
    pub(super) async fn fetch_optional<R: Row>(self, on: impl Into<On<'_>>) -> Result<Option<R>> {
        Ok(run!(self, on, sqlx::query_as_with, fetch_optional))
    }
}

impl Tx {
    /// Lets the transaction take as long as it takes: one over everything does.
    pub(super) async fn without_hurry(&mut self) -> Result<()> {
        let endless = "SELECT set_config('statement_timeout', '0', true),
                              set_config('idle_in_transaction_session_timeout', '0', true)";
        either("SELECT 1", endless).execute(self).await?;
        Ok(())
    }

    pub(super) async fn commit(self) -> Result<()> {
        match self {
            Tx::Sqlite(tx) => tx.commit().await?,
            Tx::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }
}

impl<'c> From<&'c Pool> for On<'c> {
    fn from(pool: &'c Pool) -> Self {
        On::Pool(pool)
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

impl<'q> From<&'q [u8]> for Argument<'q> {
    fn from(bytes: &'q [u8]) -> Self {
        Argument::Bytes(Some(Cow::Borrowed(bytes)))
    }
}
