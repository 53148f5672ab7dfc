//! `years_since(date)`

use crate::model::Value;

use super::{Builtin, Clock, Operand, Parameter, Run, Type, parse_time};

pub(super) const YEARS_SINCE: Builtin = Builtin {
    name: "years_since",
    parameters: &[Parameter::Value(&[Type::Time, Type::Text])],
    returns: Type::Number,
    summary: "whole years since a date, a time or such a string, by the calendar of the tenant's time zone: an age",
    examples: &[r#"years_since("1990-01-08") == 35"#, r#"years_since("1990-01-07") == 36"#],
    run: Run::Clock(run),
    check: Some(check),
};

fn run(since: &Operand<'_>, clock: Clock<'_>) -> Option<Operand<'static>> {
    let since = match since {
        Operand::Time(at) => clock.zone.to_datetime(*at).date(),
        Operand::Text(text) => match parse_time(text) {
            Some(at) => clock.zone.to_datetime(at).date(),
            None => date(text)?,
        },
        _ => return None,
    };
    let today = clock.zone.to_datetime(clock.now).date();
    // Who was born on a 29th of February is a year older on the 1st of March.
    let before = (today.month(), today.day()) < (since.month(), since.day());
    let years = i64::from(today.year()).checked_sub(i64::from(since.year()))?;
    years.checked_sub(i64::from(before)).map(Operand::Int)
}

/// A date as forms and claims write it: 1990-01-31.
fn date(text: &str) -> Option<jiff::civil::Date> {
    if text.len() == "1990-01-31".len() { text.parse().ok() } else { None }
}

fn check(arguments: &[Option<&Value<'static>>]) -> Result<(), String> {
    match arguments {
        [Some(Value::Str(text))] if parse_time(text).is_none() && date(text).is_none() => {
            Err(format!("\"{text}\" is neither a date, such as 1990-01-31, nor a time, such as 2026-01-07T12:00:00Z"))
        }
        _ => Ok(()),
    }
}
