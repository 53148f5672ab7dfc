//! Users as rows of a table (CSV, RFC 4180).

use std::io::{self, Read};

use csv::{ByteRecord, ReaderBuilder, WriterBuilder};

use crate::model::{Definitions, PortableField, PortableUser, UserId, Value};
use crate::service::tenants::Tenant;
use crate::service::traits::fault;

use super::cell::{self, Cell};
use super::columns::{Column, USER_ID, read_header};
use super::rows::Row;
use super::{MAX_LINE, Refusal};

/// What the reader takes of a file at once.
const BUFFER: usize = 64 << 10;

/// Writes the names of the columns.
pub(super) fn write_header(columns: &[Column], out: &mut Vec<u8>) {
    let names = columns.iter().map(|column| column.name.clone());
    write_record(std::iter::once(USER_ID.to_owned()).chain(names), out);
}

/// Writes a user as a row. The user's fields are in the order of their slugs.
pub(super) fn write_row(columns: &[Column], user: &PortableUser, out: &mut Vec<u8>) {
    let value = |column: &Column| {
        let place = user.fields.binary_search_by(|field| field.slug.cmp(&column.slug)).ok()?;
        user.fields.get(place)?.value.as_ref()
    };
    let cells = columns.iter().map(|column| value(column).map_or(String::new(), |v| cell::write(v, column.texts)));
    let id = cell::write(&Value::Str(user.id.as_str().into()), true);
    write_record(std::iter::once(id).chain(cells), out);
}

fn write_record(cells: impl Iterator<Item = String>, out: &mut Vec<u8>) {
    let mut writer = WriterBuilder::new().buffer_capacity(1 << 10).from_writer(out);
    // A vector takes all.
    let _ = writer.write_record(cells);
    let _ = writer.flush();
}

/// Reads a table row by row.
pub(super) struct Sheet<R> {
    reader: csv::Reader<Tape<R>>,
    columns: Vec<Option<Column>>,
    record: ByteRecord,
    /// The line that comes next.
    line: u64,
    over: bool,
}

impl<R: Read> Sheet<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(super) fn new(definitions: &Definitions, file: R) -> Result<Self, Vec<Refusal>> {
        let tape = Tape { file, left: 0, bytes: Vec::new(), passed: 0, start: 0 };
        let mut builder = ReaderBuilder::new();
        let reader = builder.has_headers(false).flexible(true).buffer_capacity(BUFFER).from_reader(tape);
        let mut sheet = Self { reader, columns: Vec::new(), record: ByteRecord::new(), line: 1, over: false };
        let line = match sheet.record() {
            Ok(Some(line)) => line,
            Ok(None) => {
                let detail = "the file is empty: its first line names the columns";
                return Err(vec![Refusal::new(1, "empty", detail)]);
            }
            Err(refused) => return Err(vec![refused]),
        };
        let text = |cell: &[u8]| String::from_utf8(cell.to_vec());
        let names: Result<Vec<String>, _> = sheet.record.iter().map(text).collect();
        let names =
            names.map_err(|_| vec![Refusal::new(line, "not_utf8", "the names of the columns are not UTF-8")])?;
        sheet.columns = read_header(definitions, &names, line)?;
        Ok(sheet)
    }

    /// The next row.
    pub(super) fn next(&mut self, tenant: &Tenant) -> Option<Row> {
        if self.over {
            return None;
        }
        let (line, user) = match self.record() {
            Ok(line) => (line?, Ok(())),
            Err(refused) => (refused.line, Err(vec![refused])),
        };
        let user = user.and_then(|()| self.user(tenant, line));
        Some(Row { line, bytes: self.record.as_slice().len(), user })
    }

    /// Reads a record, and tells the line on which it begins; `None` at the end.
    fn record(&mut self) -> Result<Option<u64>, Refusal> {
        // What the reader took before may be a part of this record.
        self.reader.get_mut().left = MAX_LINE + BUFFER;
        let read = self.reader.read_byte_record(&mut self.record);
        let end = self.reader.position().byte();
        let bytes = self.reader.get_mut().pass(end);
        // The end of the line before may be among them, and lines without anything on them.
        let before = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
        let line = self.line + count(before, b'\n');
        self.line += count(bytes.iter(), b'\n');
        match read {
            Ok(false) => Ok(None),
            Ok(true) if self.record.as_slice().len() > MAX_LINE => Err(too_long(line)),
            Ok(true) if !count(bytes.iter(), b'"').is_multiple_of(2) => {
                let detail = "a quote in this row is never closed: one that belongs to a cell stands twice, in a cell in \
                              quotes";
                Err(Refusal::new(line, "open_quote", detail))
            }
            Ok(true) => Ok(Some(line)),
            Err(error) => {
                // Nobody knows where the next one would begin.
                self.over = true;
                match error.into_kind() {
                    csv::ErrorKind::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => Err(too_long(line)),
                    other => Err(Refusal::new(line, "unreadable", format!("the file cannot be read: {other:?}"))),
                }
            }
        }
    }

    fn user(&self, tenant: &Tenant, line: u64) -> Result<PortableUser, Vec<Refusal>> {
        let (cells, columns) = (self.record.len(), self.columns.len());
        if cells != columns {
            let detail = format!("this row has {cells} cells, and there are {columns} columns");
            return Err(vec![Refusal::new(line, "ragged_row", detail)]);
        }
        let (mut id, mut fields, mut refused) = (None, Vec::new(), Vec::new());
        for (column, bytes) in self.columns.iter().zip(self.record.iter()) {
            let name = column.as_ref().map_or(USER_ID, |column| &column.name);
            let cell = std::str::from_utf8(bytes)
                .map_err(|error| ("not_utf8", format!("the cell is not UTF-8 after byte {}", error.valid_up_to())))
                .and_then(|text| cell::read(text, column.as_ref().is_none_or(|column| column.texts)));
            let read = match (column, cell) {
                (_, Err((code, detail))) => Err((code, detail)),
                (None, Ok(cell)) => read_id(&cell).map(|read| id = Some(read)),
                (Some(column), Ok(cell)) => read_field(tenant, column, cell).map(|field| fields.extend(field)),
            };
            if let Err((code, detail)) = read {
                refused.push(Refusal::of_column(line, name, code, detail));
            }
        }
        let Some(id) = id.filter(|_| refused.is_empty()) else { return Err(refused) };
        let (identities, consents, logins) = (Vec::new(), Vec::new(), Vec::new());
        Ok(PortableUser { id, created_at: None, fields, identities, consents, logins })
    }
}

type Wrong = (&'static str, String);

fn read_id(cell: &Cell) -> Result<UserId, Wrong> {
    let text = match cell {
        Cell::Value(Value::Str(text)) => text.as_ref(),
        _ => "",
    };
    UserId::parse(text).map_err(|error| ("bad_user_id", error.to_string()))
}

fn read_field(tenant: &Tenant, column: &Column, cell: Cell) -> Result<Option<PortableField>, Wrong> {
    let value = match cell {
        Cell::Empty => return Ok(None),
        Cell::Null => None,
        Cell::Value(value) => match fault(tenant, &column.slug, &value) {
            Some(fault) => return Err((fault.code, fault.detail)),
            None => Some(value),
        },
    };
    let sensitive = tenant.definitions.is_sensitive(column.slug.as_str());
    Ok(Some(PortableField { bag: column.bag, slug: column.slug.clone(), value, sensitive, origin: None }))
}

fn too_long(line: u64) -> Refusal {
    let detail = format!("a row holds at most {MAX_LINE} bytes; or is a quote in it never closed?");
    Refusal::new(line, "line_too_long", detail)
}

fn count<'b>(bytes: impl Iterator<Item = &'b u8>, wanted: u8) -> u64 {
    bytes.filter(|byte| **byte == wanted).count() as u64
}

/// A file of which only so much is read before somebody allows more, and which can be looked at as it was.
struct Tape<R> {
    file: R,
    left: usize,
    /// What was read, from here on, of which so much is in records already.
    bytes: Vec<u8>,
    passed: usize,
    start: u64,
}

impl<R> Tape<R> {
    /// What comes before `end` in the file, and was not passed before.
    fn pass(&mut self, end: u64) -> &[u8] {
        let from = self.passed;
        self.passed = usize::try_from(end.saturating_sub(self.start)).unwrap_or(usize::MAX).min(self.bytes.len());
        &self.bytes[from..self.passed]
    }
}

impl<R: Read> Read for Tape<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let most = buffer.len().min(self.left);
        let read = self.file.read(&mut buffer[..most])?;
        self.left -= read;
        self.bytes.drain(..self.passed);
        self.start += self.passed as u64;
        self.passed = 0;
        self.bytes.extend_from_slice(&buffer[..read]);
        Ok(read)
    }
}
