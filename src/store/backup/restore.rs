//! A backup back into an empty database: all of it, or nothing.

use std::collections::BTreeMap;
use std::io::BufRead;

use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::AssertSqlSafe;

use crate::model::hex;

use super::super::rows::{self, Into};
use super::super::sql::{Argument, Tx, either, sql};
use super::super::{Store, StoreError};
use super::cell::Cell;
use super::tables::{TABLES, Table};
use super::{FORMAT, Footer, Header, MAGIC, header, schema};

/// Rows that are written at once, and bytes of the file after which fewer are.
const ROWS: usize = 1000;
const BYTES: usize = 8 << 20;

/// What a restore brought back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// When the backup was made.
    pub at: jiff::Timestamp,
    /// Rows of each table.
    pub rows: BTreeMap<String, u64>,
}

/// Why nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The file is something else.
    #[error("this is no backup of sidegate: its first line says nothing of the kind")]
    NotABackup,
    /// The file is of another version of sidegate.
    #[error(
        "this backup has tables of the schema {theirs} (format {format}), and this version of sidegate has {ours}: restore \
         it with the version that made it, and start this one on what comes out"
    )]
    OtherVersion {
        /// The version of the file's form.
        format: u32,
        /// The version of its tables.
        theirs: i64,
        /// The version of the tables here.
        ours: i64,
    },
    /// There is something in the database.
    #[error(
        "the database is not empty, there are rows in `{0}`: a backup goes into an empty one only; name a data folder \
         without a database (--data), or a new PostgreSQL database (--database), that no server was started on"
    )]
    NotEmpty(&'static str),
    /// A line is not as a backup has it.
    #[error("line {line} of the backup is damaged: {why}")]
    Damaged {
        /// Which line.
        line: u64,
        /// What is wrong with it.
        why: String,
    },
    /// The file ends before its end.
    #[error("the backup is cut off after line {0}: its last line, with the number of rows, is missing")]
    Truncated(u64),
    /// The file is not as it was written.
    #[error("the backup was altered: {0}")]
    Altered(&'static str),
    /// The file cannot be read.
    #[error("the backup cannot be read")]
    Read(#[from] std::io::Error),
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

type Result<T> = std::result::Result<T, RestoreError>;

impl Store {
    /// Brings a backup back into this database, which must be empty: in one transaction, which ends well only if the file
    /// is whole. `progress` is told how many rows are in so far.
    ///
    /// # Errors
    /// [`RestoreError`] says what is wrong with the file or the database; then nothing has changed.
    pub async fn restore(&self, file: impl BufRead, progress: impl Fn(u64)) -> Result<Restored> {
        let mut lines = Lines { file, number: 0, line: Vec::new(), hash: Sha256::new() };
        if !lines.next()? {
            return Err(RestoreError::NotABackup);
        }
        let theirs: Header = serde_json::from_slice(&lines.line).map_err(|_| RestoreError::NotABackup)?;
        if theirs.sidegate != MAGIC {
            return Err(RestoreError::NotABackup);
        }
        let mut tx = self.begin(None).await?;
        tx.without_hurry().await?;
        let ours = schema(&mut tx).await?;
        if theirs.format != FORMAT || theirs.schema != ours || theirs.tables != header(ours, theirs.at).tables {
            return Err(RestoreError::OtherVersion { format: theirs.format, theirs: theirs.schema, ours });
        }
        must_be_empty(&mut tx).await?;
        let rows = write_rows(&mut tx, &mut lines, progress).await?;
        // Numbers that PostgreSQL gives go on after those that are there.
        either("SELECT 1", "SELECT setval(pg_get_serial_sequence('changes', 'seq'), (SELECT MAX(seq) FROM changes))")
            .execute(&mut tx)
            .await?;
        tx.commit().await?;
        Ok(Restored { at: theirs.at, rows })
    }
}

async fn must_be_empty(tx: &mut Tx) -> Result<()> {
    for table in TABLES {
        let text = format!("SELECT COUNT(*) FROM (SELECT 1 FROM {} LIMIT 1) AS one", table.name);
        let (count,): (i64,) = sql(AssertSqlSafe(text)).fetch_one(&mut *tx).await?;
        if count > 0 {
            return Err(RestoreError::NotEmpty(table.name));
        }
    }
    Ok(())
}

/// Writes all rows, and holds them against the last line.
async fn write_rows(
    tx: &mut Tx,
    lines: &mut Lines<impl BufRead>,
    progress: impl Fn(u64),
) -> Result<BTreeMap<String, u64>> {
    let mut counts: BTreeMap<String, u64> = TABLES.iter().map(|table| (table.name.to_owned(), 0)).collect();
    let mut batch = Batch { table: None, rows: Vec::new(), bytes: 0 };
    let mut sum = 0;
    loop {
        let before = lines.hash.clone();
        if !lines.next()? {
            return Err(RestoreError::Truncated(lines.number));
        }
        if lines.line.starts_with(b"{") {
            batch.write(tx).await?;
            let footer: Footer = serde_json::from_slice(&lines.line).map_err(|error| lines.damaged(&error))?;
            if footer.rows != counts {
                return Err(RestoreError::Altered("its last line counts other rows than there are"));
            }
            if footer.sha256 != hex(&before.finalize()) {
                return Err(RestoreError::Altered("its SHA-256 is not the one in its last line"));
            }
            if lines.next()? {
                return Err(RestoreError::Altered("something stands after its last line"));
            }
            return Ok(counts);
        }
        let (table, row) = lines.row()?;
        if batch.is_full_for(table) {
            batch.write(tx).await?;
            progress(sum);
        }
        batch.table = Some(table);
        batch.rows.push(row);
        batch.bytes += lines.line.len();
        sum += 1;
        *counts.entry(table.name.to_owned()).or_default() += 1;
    }
}

struct Batch {
    table: Option<&'static Table>,
    rows: Vec<Vec<Argument<'static>>>,
    bytes: usize,
}

impl Batch {
    fn is_full_for(&self, table: &Table) -> bool {
        let another = self.table.is_some_and(|before| before.name != table.name);
        another || self.rows.len() == ROWS || self.bytes > BYTES
    }

    async fn write(&mut self, tx: &mut Tx) -> Result<()> {
        let Some(table) = self.table else { return Ok(()) };
        self.bytes = 0;
        let into = Into { table: table.name, columns: &table.list(), then: "" };
        Ok(rows::insert(tx, &into, std::mem::take(&mut self.rows)).await?)
    }
}

/// The lines of a file, and the hash of all that were read.
struct Lines<F> {
    file: F,
    number: u64,
    line: Vec<u8>,
    hash: Sha256,
}

impl<F: BufRead> Lines<F> {
    /// Goes to the next line; whether there is one.
    fn next(&mut self) -> Result<bool> {
        self.line.clear();
        if self.file.read_until(b'\n', &mut self.line)? == 0 {
            return Ok(false);
        }
        if self.line.last() != Some(&b'\n') {
            return Err(RestoreError::Truncated(self.number));
        }
        self.number += 1;
        self.hash.update(&self.line);
        Ok(true)
    }

    /// The row on this line.
    fn row(&self) -> Result<(&'static Table, Vec<Argument<'static>>)> {
        let cells: Vec<Value> = serde_json::from_slice(&self.line).map_err(|error| self.damaged(&error))?;
        let mut cells = cells.into_iter();
        let name = cells.next();
        let table = name.as_ref().and_then(Value::as_str).and_then(|name| TABLES.iter().find(|t| t.name == name));
        let table = table.ok_or_else(|| self.damaged(&"it names no table"))?;
        if cells.len() != table.columns.len() {
            return Err(self.damaged(&format!("a row of {} has {} cells", table.name, table.columns.len())));
        }
        let cell = |(value, (name, kind)): (Value, &(&str, _))| {
            let cell = Cell::from_json(value, *kind);
            let cell = cell.ok_or_else(|| self.damaged(&format!("{}.{name} holds something else", table.name)))?;
            Ok(cell.into_argument(*kind))
        };
        Ok((table, cells.zip(table.columns).map(cell).collect::<Result<_>>()?))
    }

    fn damaged(&self, why: &dyn std::fmt::Display) -> RestoreError {
        RestoreError::Damaged { line: self.number, why: why.to_string() }
    }
}
