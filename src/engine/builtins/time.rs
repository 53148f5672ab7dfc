//! `time(text)`

use crate::model::Value;

use super::{Builtin, Operand, Parameter, Run, Type};

pub(super) const TIME: Builtin = Builtin {
    name: "time",
    parameters: &[Parameter::Value(&[Type::Text])],
    returns: Type::Time,
    summary: "the moment that an RFC 3339 string with an offset names",
    examples: &[
        r#"time("2026-01-07T12:00:00Z") == time("2026-01-07T13:00:00+01:00")"#,
        r#"time("2026-01-07t12:00:00.5z") > time("2026-01-07 12:00:00-00:00")"#,
    ],
    run: Run::Values(run),
    check: Some(check),
};

fn run<'v>(arguments: &[Operand<'v>]) -> Option<Operand<'v>> {
    match arguments {
        [Operand::Text(text)] => parse_time(text).map(Operand::Time),
        _ => None,
    }
}

/// Reads a moment of RFC 3339 (section 5.6). A time without an offset is no moment.
#[must_use]
pub fn parse_time(text: &str) -> Option<jiff::Timestamp> {
    if is_rfc3339(text) { text.parse().ok() } else { None }
}

/// Whether a text has the shape that RFC 3339 gives to times; the parser takes the other ones of ISO 8601, too.
fn is_rfc3339(text: &str) -> bool {
    let shaped = |text: &str, shape: &str| {
        text.len() == shape.len()
            && text.bytes().zip(shape.bytes()).all(|(byte, like)| match like {
                b'0' => byte.is_ascii_digit(),
                b'T' => matches!(byte, b'T' | b't' | b' '),
                like => byte == like,
            })
    };
    let Some((moment, rest)) = text.split_at_checked("0000-00-00T00:00:00".len()) else { return false };
    let offset = match rest.strip_prefix('.') {
        Some(fraction) if fraction.starts_with(|c: char| c.is_ascii_digit()) => {
            fraction.trim_start_matches(|c: char| c.is_ascii_digit())
        }
        Some(_) => return false,
        None => rest,
    };
    shaped(moment, "0000-00-00T00:00:00")
        && (matches!(offset, "Z" | "z") || shaped(offset, "+00:00") || shaped(offset, "-00:00"))
}

pub(super) fn check(arguments: &[Option<&Value<'static>>]) -> Result<(), String> {
    match arguments {
        [Some(Value::Str(text))] if parse_time(text).is_none() => {
            Err(format!("\"{text}\" is no time with an offset, such as 2026-01-07T12:00:00Z"))
        }
        _ => Ok(()),
    }
}
