//! What keeps a database from doing what it is asked, in words for those who can mend it.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::error::DatabaseError;
use sqlx::sqlite::SqliteError;

use super::{Result, StoreError};

/// What is wrong with a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// There is no room on its disk.
    Full,
    /// It takes no writes.
    ReadOnly,
    /// Somebody else holds a lock for longer than anybody waits.
    Locked,
    /// Its disk fails, or does so for a reason that the database does not tell.
    Disk,
    /// Nobody answers there, or not in time.
    Silent,
    /// It answers, and refuses for another reason.
    Refuses,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Trouble::Full => "the database's disk is full",
            Trouble::ReadOnly => "the database is read-only",
            Trouble::Locked => "the database is locked by somebody else",
            Trouble::Disk => "the database's disk cannot be written or read (is it read-only, or full?)",
            Trouble::Silent => "the database does not answer",
            Trouble::Refuses => "the database refuses",
        })
    }
}

impl Trouble {
    /// What a database's error stands for.
    pub(super) fn of(error: &sqlx::Error) -> Self {
        let sqlx::Error::Database(error) = error else { return Trouble::Silent };
        let code = error.code().unwrap_or_default();
        if let Some(code) = sqlite_code(&**error) {
            // The lowest byte of an extended code is the kind of error.
            return match code & 0xff {
                13 => Trouble::Full,
                8 => Trouble::ReadOnly,
                5 | 6 => Trouble::Locked,
                10 | 14 => Trouble::Disk,
                _ => Trouble::Refuses,
            };
        }
        match &*code {
            "53100" => Trouble::Full,
            "25006" => Trouble::ReadOnly,
            "55P03" | "40P01" => Trouble::Locked,
            "58030" => Trouble::Disk,
            // Taking too long, shutting down, starting up, having no connection left.
            "57014" | "57P01" | "57P02" | "57P03" | "53300" => Trouble::Silent,
            _ => Trouble::Refuses,
        }
    }

    /// What an error of the file system stands for.
    #[must_use]
    pub fn of_file(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Trouble::Full,
            io::ErrorKind::ReadOnlyFilesystem => Trouble::ReadOnly,
            _ => Trouble::Refuses,
        }
    }
}

/// SQLITE_IOERR_WRITE
const WRITE_FAILED: u32 = 778;

fn sqlite_code(error: &dyn DatabaseError) -> Option<u32> {
    error.try_downcast_ref::<SqliteError>()?.code()?.parse().ok()
}

/// Whether a commit that ended in this error has changed nothing. A connection that breaks leaves that open, and so does a
/// disk that fails to synchronise what it took.
pub(super) fn denies(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(said) = error else { return false };
    matches!(Trouble::of(error), Trouble::Full | Trouble::ReadOnly | Trouble::Locked)
        || sqlite_code(&**said) == Some(WRITE_FAILED)
}

/// What became of the last write.
#[derive(Debug, Clone, Default)]
pub(super) struct LastWrite(Arc<Mutex<Option<(Trouble, Instant)>>>);

impl LastWrite {
    /// Notes what came of a part of a write, and hands it on. A refusal for what was asked says nothing of others.
    pub(super) fn noted<T>(&self, outcome: Result<T>) -> Result<T> {
        match outcome.as_ref().map_err(StoreError::trouble) {
            Ok(_) | Err(Trouble::Refuses) => {}
            Err(trouble) => self.set(Some((trouble, Instant::now()))),
        }
        outcome
    }

    /// Notes that a write was committed.
    pub(super) fn succeeded(&self) {
        self.set(None);
    }

    /// Why the last write failed, and how long ago that was.
    pub(super) fn failed(&self) -> Option<(Trouble, Duration)> {
        let failed = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        failed.map(|(trouble, at)| (trouble, at.elapsed()))
    }

    fn set(&self, failed: Option<(Trouble, Instant)>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = failed;
    }
}

/// The error itself, without what sqlx says before it.
pub(super) fn said(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(said) => format!("{}: {said}", Trouble::of(error)),
        error => format!("{}: {error}", Trouble::of(error)),
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        StoreError::Sql(error)
    }
}
