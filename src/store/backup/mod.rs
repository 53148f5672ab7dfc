//! Everything in the database as a file, and back into an empty one, of the same kind or of the other.
//!
//! A line of JSON says what it is, one line follows for each row, and the last line has the number of rows of each table
//! and a SHA-256 of all lines before it: what was cut off or altered is not taken.

mod cell;
mod restore;
mod tables;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::AssertSqlSafe;

use super::sql::{Tx, sql};
use super::{Result, Store};
use crate::model::hex;

use self::cell::{Cell, Cells};

pub use restore::{RestoreError, Restored};
pub use tables::{Kind, TABLES, Table};

/// The version of the file's own form.
const FORMAT: u32 = 1;

/// What the first line says that it is.
const MAGIC: &str = "backup";

/// Rows that are read at once. One with an entry of the audit trail may take megabytes, most take a hundred bytes.
const ROWS: i64 = 500;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    sidegate: String,
    format: u32,
    /// The version of the tables.
    schema: i64,
    at: Timestamp,
    /// Columns of each table, in the order of the cells.
    tables: BTreeMap<String, Vec<String>>,
}

/// The last line.
#[derive(Debug, Serialize, Deserialize)]
struct Footer {
    /// Rows of each table.
    rows: BTreeMap<String, u64>,
    /// Of all bytes before this line, in hexadecimal digits.
    sha256: String,
}

/// A backup as it is written: all of it of one moment, some rows of it in the memory at a time.
pub struct Backup {
    tx: Tx,
    schema: i64,
    at: Timestamp,
    hash: Sha256,
    rows: BTreeMap<String, u64>,
    stage: Stage,
}

enum Stage {
    Header,
    /// The table, and the key of the last row that was written.
    Rows(usize, Option<Vec<Cell>>),
    Over,
}

impl Store {
    /// Begins a backup of the whole database as it is now; whoever writes meanwhile is not kept waiting.
    ///
    /// # Errors
    /// The database's.
    pub async fn backup(&self, at: Timestamp) -> Result<Backup> {
        let mut tx = self.begin_read().await?;
        tx.without_hurry().await?;
        let schema = schema(&mut tx).await?;
        Ok(Backup { tx, schema, at, hash: Sha256::new(), rows: BTreeMap::new(), stage: Stage::Header })
    }
}

impl Backup {
    /// The next part of the file; `None` after the last.
    ///
    /// # Errors
    /// The database's.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        let mut out = Vec::new();
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Header => {
                line(&mut out, &header(self.schema, self.at));
                self.stage = Stage::Rows(0, None);
            }
            Stage::Rows(place, after) => match TABLES.get(place) {
                Some(table) => self.stage = self.write_rows(table, place, after.as_deref(), &mut out).await?,
                None => {
                    let sha256 = hex(&std::mem::take(&mut self.hash).finalize());
                    line(&mut out, &Footer { rows: self.rows.clone(), sha256 });
                    return Ok(Some(out));
                }
            },
            Stage::Over => return Ok(None),
        }
        self.hash.update(&out);
        Ok(Some(out))
    }

    /// How many rows are written so far.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.rows.values().sum()
    }

    async fn write_rows(
        &mut self,
        table: &Table,
        place: usize,
        after: Option<&[Cell]>,
        out: &mut Vec<u8>,
    ) -> Result<Stage> {
        let rows = read_rows(&mut self.tx, table, after).await?;
        *self.rows.entry(table.name.to_owned()).or_default() += rows.len() as u64;
        for Cells(cells) in &rows {
            let row: Vec<Value> = std::iter::once(table.name.into()).chain(cells.iter().map(Cell::to_json)).collect();
            line(out, &row);
        }
        let more = rows.len() as i64 == ROWS;
        let last = rows.into_iter().next_back().filter(|_| more);
        Ok(match last {
            Some(Cells(mut cells)) => {
                cells.truncate(table.key);
                Stage::Rows(place, Some(cells))
            }
            None => Stage::Rows(place + 1, None),
        })
    }
}

/// Rows after a key, in the order of keys: whatever the table's size, each step is one look into an index.
async fn read_rows(tx: &mut Tx, table: &Table, after: Option<&[Cell]>) -> Result<Vec<Cells>> {
    let key: Vec<&str> = table.columns.iter().take(table.key).map(|(name, _)| *name).collect();
    let (columns, name, key) = (table.list(), table.name, key.join(", "));
    let beyond = match after {
        None => String::new(),
        Some(_) => {
            let places: Vec<String> = (1..=table.key).map(|place| format!("${place}")).collect();
            format!("WHERE ({key}) > ({})", places.join(", "))
        }
    };
    let text = format!("SELECT {columns} FROM {name} {beyond} ORDER BY {key} LIMIT {ROWS}");
    let cells = after.unwrap_or_default().iter().cloned().zip(table.columns);
    let statement =
        cells.fold(sql(AssertSqlSafe(text)), |statement, (cell, (_, kind))| statement.bind(cell.into_argument(*kind)));
    statement.fetch_all(tx).await
}

fn header(schema: i64, at: Timestamp) -> Header {
    let columns = |table: &Table| table.columns.iter().map(|(name, _)| (*name).to_owned()).collect();
    let tables = TABLES.iter().map(|table| (table.name.to_owned(), columns(table))).collect();
    Header { sidegate: MAGIC.to_owned(), format: FORMAT, schema, at, tables }
}

/// The version of the tables.
async fn schema(tx: &mut Tx) -> Result<i64> {
    let (version,) = sql("SELECT MAX(version) FROM _sqlx_migrations").fetch_one(tx).await?;
    Ok(version)
}

fn line(out: &mut Vec<u8>, content: &impl Serialize) {
    // Our own types have string keys and no failing serialisers, and a vector takes all.
    let _ = serde_json::to_writer(&mut *out, content);
    out.push(b'\n');
}
