//! Values as cells of a table, so that each reads back as the very value that it was.
//!
//! A text stands as it is, unless it would read back as something else: then it stands as a JSON string, in quotes. A
//! column whose definition says that it holds strings never holds anything else, so there "12" needs no quotes.

use serde_json::error::Category;

use crate::model::Value;

/// What spreadsheets take for the start of a formula.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// What tells a spreadsheet that a text is one.
const TEXT: char = '\'';

/// What a cell says.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    /// Nothing: what there is stays.
    Empty,
    /// What there is goes.
    Null,
    /// A value.
    Value(Value<'static>),
}

/// Writes a value; `texts` says that the column holds strings.
pub(super) fn write(value: &Value<'_>, texts: bool) -> String {
    let json = || serde_json::to_string(value).unwrap_or_default();
    let Value::Str(text) = value else { return json() };
    let plain = if text.starts_with(FORMULA) { format!("{TEXT}{text}") } else { text.to_string() };
    match read(&plain, texts) {
        Ok(Cell::Value(Value::Str(back))) if back == *text => plain,
        _ => json(),
    }
}

/// Reads a cell.
///
/// # Errors
/// A code, and a sentence that says what would be right.
pub(super) fn read(text: &str, texts: bool) -> Result<Cell, (&'static str, String)> {
    let string = |text: &str| Ok(Cell::Value(Value::Str(text.to_owned().into())));
    if text.contains('\0') {
        return Err(("nul", "the cell holds a NUL, so this may be no text file".to_owned()));
    }
    match text.strip_prefix(TEXT) {
        Some(rest) if rest.starts_with(FORMULA) => return string(rest),
        _ => {}
    }
    match text {
        "" => return Ok(Cell::Empty),
        "null" => return Ok(Cell::Null),
        _ => {}
    }
    if text.starts_with('"') {
        return Value::parse(text).map_or_else(|_| string(text), |value| Ok(Cell::Value(value)));
    }
    if texts || !may_be_json(text) {
        return string(text);
    }
    match Value::parse(text) {
        Ok(value) => Ok(Cell::Value(value)),
        Err(error) if error.classify() == Category::Data || is_bracketed(text) => {
            let detail = format!("this is not JSON: {error}; a text that looks like that stands in quotes, as JSON");
            Err(("not_json", detail))
        }
        Err(_) if is_infinite(text) => {
            Err(("number_too_large", "this number is beyond what a double holds: write it as a JSON string".to_owned()))
        }
        Err(_) => string(text),
    }
}

/// Most cells are plain words, and need no reader of JSON to be told so.
fn may_be_json(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit() || "-{[tf".contains(first))
}

fn is_bracketed(text: &str) -> bool {
    text.starts_with('{') && text.ends_with('}') || text.starts_with('[') && text.ends_with(']')
}

fn is_infinite(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits.starts_with(|first: char| first.is_ascii_digit()) && text.parse().is_ok_and(|x: f64| !x.is_finite())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn string(text: &str) -> Value<'static> {
        Value::Str(text.to_owned().into())
    }

    #[test]
    fn cells_are_as_people_write_them() {
        for (text, value) in [
            ("pro", string("pro")),
            ("12", Value::Int(12)),
            ("-12", Value::Int(-12)),
            ("2.5", Value::Float(2.5)),
            ("1.0", Value::Float(1.0)),
            ("true", Value::Bool(true)),
            ("truely", string("truely")),
            ("007", string("007")),
            ("2026-01-31", string("2026-01-31")),
            ("\"12\"", string("12")),
            ("\"\"", string("")),
            ("\"null\"", string("null")),
            ("'=1+1", string("=1+1")),
            ("\"'=1+1\"", string("'=1+1")),
            ("'tis", string("'tis")),
            ("[1,\"a\"]", Value::parse("[1, \"a\"]").unwrap()),
            ("\"[1]\"", string("[1]")),
            ("\"a\\u0000b\"", string("a\0b")),
        ] {
            assert_eq!(write(&value, false), text);
            assert_eq!(read(text, false), Ok(Cell::Value(value)), "{text}");
        }
        assert_eq!(write(&string("12"), true), "12");
        assert_eq!(write(&string("-12"), true), "'-12");
        assert_eq!(write(&string("null"), true), "\"null\"");
        assert_eq!((read("", true), read("null", false)), (Ok(Cell::Empty), Ok(Cell::Null)));
        for (text, code) in
            [("1e999", "number_too_large"), ("{a}", "not_json"), ("{\"a\":1,\"a\":2}", "not_json"), ("a\0", "nul")]
        {
            assert_eq!(read(text, false).unwrap_err().0, code, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_text_reads_back_as_it_was(text in "([-=+@'\"\\[{\t\r\n,0-9eE.]|null|true|\\PC){0,6}", texts: bool) {
            let value = string(&text);
            prop_assert_eq!(read(&write(&value, texts), texts), Ok(Cell::Value(value)));
        }
    }
}
