//! Values of any column, between rows, JSON and arguments.

use std::borrow::Cow;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use sqlx::{ColumnIndex, Database, Decode, FromRow, Type, TypeInfo, ValueRef};

use super::super::sql::Argument;
use super::tables::Kind;

/// What stands in a column.
#[derive(Debug, Clone)]
pub(super) enum Cell {
    Null,
    Text(String),
    Number(i64),
    Bytes(Vec<u8>),
}

/// A row of any table.
pub(super) struct Cells(pub(super) Vec<Cell>);

impl<'r, R> FromRow<'r, R> for Cells
where
    R: sqlx::Row,
    usize: ColumnIndex<R>,
    String: Decode<'r, R::Database> + Type<R::Database>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
    Vec<u8>: Decode<'r, R::Database> + Type<R::Database>,
{
    fn from_row(row: &'r R) -> sqlx::Result<Self> {
        let cell = |place: usize| {
            let raw = row.try_get_raw(place)?;
            if raw.is_null() {
                return Ok(Cell::Null);
            }
            match raw.type_info().name() {
                "TEXT" => row.try_get(place).map(Cell::Text),
                "INTEGER" | "INT8" => row.try_get(place).map(Cell::Number),
                "BLOB" | "BYTEA" => row.try_get(place).map(Cell::Bytes),
                other => Err(sqlx::Error::ColumnDecode {
                    index: place.to_string(),
                    source: format!("{} has no columns of the type {other} here", R::Database::NAME).into(),
                }),
            }
        };
        (0..row.len()).map(cell).collect::<sqlx::Result<_>>().map(Self)
    }
}

impl Cell {
    /// As JSON: bytes in Base64.
    pub(super) fn to_json(&self) -> Value {
        match self {
            Cell::Null => Value::Null,
            Cell::Text(text) => text.as_str().into(),
            Cell::Number(number) => (*number).into(),
            Cell::Bytes(bytes) => BASE64_STANDARD.encode(bytes).into(),
        }
    }

    /// Reads what [`Cell::to_json`] wrote of a column of that kind.
    pub(super) fn from_json(value: Value, kind: Kind) -> Option<Self> {
        match (value, kind) {
            (Value::Null, _) => Some(Cell::Null),
            (Value::String(text), Kind::Text) => Some(Cell::Text(text)),
            (Value::Number(number), Kind::Number) => number.as_i64().map(Cell::Number),
            (Value::String(text), Kind::Bytes) => BASE64_STANDARD.decode(text).ok().map(Cell::Bytes),
            _ => None,
        }
    }

    /// As an argument in a column of that kind.
    pub(super) fn into_argument(self, kind: Kind) -> Argument<'static> {
        match (self, kind) {
            (Cell::Text(text), _) => Argument::Text(Some(Cow::Owned(text))),
            (Cell::Number(number), _) => Argument::Number(Some(number)),
            (Cell::Bytes(bytes), _) => Argument::Bytes(Some(Cow::Owned(bytes))),
            (Cell::Null, Kind::Text) => Argument::Text(None),
            (Cell::Null, Kind::Number) => Argument::Number(None),
            (Cell::Null, Kind::Bytes) => Argument::Bytes(None),
        }
    }
}
