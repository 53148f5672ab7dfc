//! What can go wrong with the store.

use super::trouble::{Trouble, said};

/// Shorthand of this room.
pub type Result<T> = std::result::Result<T, StoreError>;

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database could not be asked, or refused.
    #[error("{}", said(.0))]
    Sql(sqlx::Error),
    /// A file of the database could not be made, opened or locked.
    #[error("{0} cannot be opened")]
    File(std::path::PathBuf, #[source] std::io::Error),
    /// The database did not say whether a change was made.
    #[error("the database did not confirm a commit: {}", said(.0))]
    Unconfirmed(sqlx::Error),
    /// The database took longer than the caller could wait.
    #[error("the database did not answer in time")]
    TimedOut,
    /// Writes before this one took longer than it could wait.
    #[error("{}: writes before this one did not get through", Trouble::Locked)]
    Queued,
    /// What is known here is older than what was asked for.
    #[error("the revision that was asked for is not known here yet")]
    Behind,
    /// The tables could not be brought up to date.
    #[error("the tables cannot be brought up to date")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// The tables were brought further by a newer version.
    #[error(
        "its tables are those of a newer version of sidegate (schema {0}): run that one, or restore a backup of before"
    )]
    Newer(i64),
    /// A row holds what it cannot hold.
    #[error("corrupt row: {table}.{column} of {row}: {why}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row's key.
        row: String,
        /// What is wrong with it.
        why: String,
    },
    /// A text that PostgreSQL has no place for; refused on SQLite, too, so that both are asked for the same.
    #[error("a text with the character U+0000 can neither be stored nor looked for")]
    Nul,
    /// There is no such tenant, or not any more.
    #[error("there is no such tenant")]
    NoTenant,
    /// An id or a hash stands for a token already.
    #[error("this stands for a token already, or did: each certificate does so once")]
    TokenTaken,
    /// There is a token in the place of this one already.
    #[error("{0} is in its place already: rotate that one, or make another if that was revoked")]
    Rotated(String),
    /// A login was counted for another user.
    #[error("this loginId was used for another user")]
    LoginOfAnother,
    /// What a write expected to find has changed.
    #[error("it is not as If-Match or If-None-Match say")]
    Stale,
    /// Another request with the same `Idempotency-Key` has made its change.
    #[error("a request with this Idempotency-Key was carried out already")]
    KeyTaken,
    /// A user would have more traits than a user may.
    #[error("a user has at most {0} attributes")]
    TooManyTraits(usize),
}

impl StoreError {
    /// What is wrong with the database.
    #[must_use]
    pub fn trouble(&self) -> Trouble {
        match self {
            StoreError::Sql(error) | StoreError::Unconfirmed(error) => Trouble::of(error),
            StoreError::TimedOut => Trouble::Silent,
            StoreError::Queued => Trouble::Locked,
            StoreError::File(_, error) => Trouble::of_file(error),
            _ => Trouble::Refuses,
        }
    }

    pub(super) fn corrupt(table: &'static str, column: &'static str, row: String, why: impl std::fmt::Display) -> Self {
        Self::Corrupt { table, column, row, why: why.to_string() }
    }
}
