//! The users in a file, one after the other, whatever its format.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};

use crate::model::PortableUser;
use crate::service::tenants::Tenant;

use super::sheet::Sheet;
use super::{Format, MAX_LINE, Refusal, line};

/// What some programs put before UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What stands on a line.
pub(super) struct Row {
    /// Which line it begins on.
    pub(super) line: u64,
    /// How many bytes it takes.
    pub(super) bytes: usize,
    /// The user, or everything that is wrong.
    pub(super) user: Result<PortableUser, Vec<Refusal>>,
}

/// The rows of a file. Lines without anything on them are none.
pub(super) struct Rows<'t> {
    tenant: &'t Tenant,
    kind: Kind,
}

enum Kind {
    Lines {
        file: BufReader<File>,
        line: u64,
    },
    Sheet(Box<Sheet<BufReader<File>>>),
    /// A table whose header is of no use.
    Headless(Vec<Refusal>),
    Over,
}

impl<'t> Rows<'t> {
    /// Begins with a file.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn new(tenant: &'t Tenant, format: Format, file: File) -> std::io::Result<Self> {
        let mut file = BufReader::with_capacity(1 << 16, file);
        if file.fill_buf()?.starts_with(BYTE_ORDER_MARK) {
            file.consume(BYTE_ORDER_MARK.len());
        }
        let kind = match format {
            Format::Ndjson => Kind::Lines { file, line: 0 },
            Format::Csv => match Sheet::new(&tenant.definitions, file) {
                Ok(sheet) => Kind::Sheet(Box::new(sheet)),
                Err(refused) => Kind::Headless(refused),
            },
        };
        Ok(Self { tenant, kind })
    }

    /// The next row; `None` at the end.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn next(&mut self) -> std::io::Result<Option<Row>> {
        match &mut self.kind {
            Kind::Lines { file, line } => next_line(self.tenant, file, line),
            Kind::Sheet(sheet) => Ok(sheet.next(self.tenant)),
            Kind::Headless(refused) => {
                let refused = std::mem::take(refused);
                self.kind = Kind::Over;
                Ok(Some(Row { line: 1, bytes: 0, user: Err(refused) }))
            }
            Kind::Over => Ok(None),
        }
    }
}

fn next_line(tenant: &Tenant, file: &mut BufReader<File>, number: &mut u64) -> std::io::Result<Option<Row>> {
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        if file.by_ref().take(MAX_LINE as u64 + 2).read_until(b'\n', &mut bytes)? == 0 {
            return Ok(None);
        }
        *number += 1;
        let line = *number;
        let row = |user| Ok(Some(Row { line, bytes: bytes.len(), user }));
        let ended = bytes.last() == Some(&b'\n');
        if bytes.len() > MAX_LINE + usize::from(ended) {
            if !ended {
                file.skip_until(b'\n')?;
            }
            let detail = format!("a line holds at most {MAX_LINE} bytes: a user who takes more is several lines");
            return row(Err(vec![Refusal::new(line, "line_too_long", detail)]));
        }
        let text = match std::str::from_utf8(&bytes) {
            Ok(text) => text.trim_end_matches(['\n', '\r']),
            Err(error) => {
                let detail = format!("the line is not UTF-8 after byte {}", error.valid_up_to());
                return row(Err(vec![Refusal::new(line, "not_utf8", detail)]));
            }
        };
        if text.trim().is_empty() {
            continue;
        }
        let of_line = |faults: Vec<_>| faults.into_iter().map(|fault| Refusal::of_member(line, fault)).collect();
        return row(line::read(tenant, text).map_err(of_line));
    }
}
