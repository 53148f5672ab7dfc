//! `time(text)`

use crate::model::Value;

use super::{Builtin, Operand, Parameter, Run, Type};

pub(super) const TIME: Builtin = Builtin {
    name: "time",
    parameters: &[Parameter::Value(&[Type::Text])],
    returns: Type::Time,
    summary: "the moment that an RFC 3339 string with an offset names",
    examples: &[r#"time("2026-01-07T12:00:00Z") == time("2026-01-07T13:00:00+01:00")"#],
    run: Run::Values(run),
    check: Some(check),
};

fn run<'v>(arguments: &[Operand<'v>]) -> Option<Operand<'v>> {
    match arguments {
        [Operand::Text(text)] => parse(text).map(Operand::Time),
        _ => None,
    }
}

/// A moment of RFC 3339. A time without an offset is no moment.
pub(super) fn parse(text: &str) -> Option<jiff::Timestamp> {
    text.parse().ok()
}

fn check(arguments: &[Option<&Value<'static>>]) -> Result<(), String> {
    match arguments {
        [Some(Value::Str(text))] if parse(text).is_none() => {
            Err(format!("\"{text}\" is no time with an offset, such as 2026-01-07T12:00:00Z"))
        }
        _ => Ok(()),
    }
}
