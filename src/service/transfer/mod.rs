//! Users in files: out as NDJSON or CSV, and in again.
//!
//! A file is read and written row by row, so that a million users take no more memory than a thousand.

mod cell;
mod columns;
mod export;
mod import;
mod line;
mod rows;
mod sheet;

use std::fs::File;
use std::sync::atomic::{AtomicU64, Ordering};

use schemars::JsonSchema;
use serde::Serialize;

use super::{Fault, Service, ServiceError};

pub use export::Export;
pub use import::{Import, ImportReport, OnError};

/// A line of NDJSON, or a row of CSV, holds at most this many bytes. A user who takes more is written as several, which
/// come in again as one.
pub const MAX_LINE: usize = 1 << 20;

/// Refusals that a report names; the others are counted.
pub const REFUSALS: usize = 100;

/// How users stand in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A JSON object on each line: all of a user.
    Ndjson,
    /// A table with a column for each profile field and each trait.
    Csv,
}

impl std::str::FromStr for Format {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "ndjson" => Ok(Format::Ndjson),
            "csv" => Ok(Format::Csv),
            other => Err(format!("there is no format {other:?}: it is ndjson or csv")),
        }
    }
}

/// Why a line was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Refusal {
    /// The line of the file, from 1 on.
    pub line: u64,
    /// The column of the table, by its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// JSON pointer (RFC 6901) to the member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// What is wrong, and what would be right.
    pub detail: String,
    /// A stable word for programs.
    pub code: &'static str,
}

impl Refusal {
    fn new(line: u64, code: &'static str, detail: impl Into<String>) -> Self {
        Self { line, column: None, pointer: None, detail: detail.into(), code }
    }

    fn of_member(line: u64, Fault { pointer, detail, code }: Fault) -> Self {
        Self { pointer: Some(pointer), ..Self::new(line, code, detail) }
    }

    fn of_column(line: u64, column: &str, code: &'static str, detail: impl Into<String>) -> Self {
        Self { column: Some(column.to_owned()), ..Self::new(line, code, detail) }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(column) = &self.column {
            write!(f, ", column {column}")?;
        }
        if let Some(pointer) = self.pointer.as_ref().filter(|pointer| !pointer.is_empty()) {
            write!(f, ", {pointer}")?;
        }
        write!(f, ": {}", self.detail)
    }
}

/// How far it has come, for those who wait.
#[derive(Debug, Default)]
pub struct Progress {
    checked: AtomicU64,
    done: AtomicU64,
}

impl Progress {
    /// Lines that were checked so far, where all of them are before any goes in.
    #[must_use]
    pub fn checked(&self) -> u64 {
        self.checked.load(Ordering::Relaxed)
    }

    /// Users who are through so far.
    #[must_use]
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }
}

impl Service {
    /// A file for a body that is too large for the memory: in the data folder, for nobody else to see, and gone once it
    /// is closed.
    ///
    /// # Errors
    /// [`ServiceError::NoRoom`] for one.
    pub fn spool(&self) -> Result<File, ServiceError> {
        tempfile::tempfile_in(self.folder.path()).map_err(ServiceError::NoRoom)
    }
}
