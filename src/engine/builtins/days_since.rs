//! `days_since(time)`

pub(super) use super::time::check;
use super::{Builtin, Clock, Operand, Parameter, Run, Type, parse_time};

pub(super) const DAYS_SINCE: Builtin = Builtin {
    name: "days_since",
    parameters: &[Parameter::Value(&[Type::Time, Type::Text])],
    returns: Type::Number,
    summary: "whole 24-hour days since a time or such a string, rounded down; negative in the future",
    examples: &["days_since(env.time) == 0"],
    run: Run::Clock(run),
    check: Some(check),
};

fn run(since: &Operand<'_>, clock: Clock<'_>) -> Option<Operand<'static>> {
    whole_since(since, clock.now, 86_400)
}

/// Whole spans of so many seconds since a time or an RFC 3339 string, rounded down.
pub(super) fn whole_since(since: &Operand<'_>, now: jiff::Timestamp, seconds: i128) -> Option<Operand<'static>> {
    let since = match since {
        Operand::Time(at) => *at,
        Operand::Text(text) => parse_time(text)?,
        _ => return None,
    };
    let nanoseconds = now.as_nanosecond().checked_sub(since.as_nanosecond())?;
    let whole = nanoseconds.checked_div_euclid(seconds.checked_mul(1_000_000_000)?)?;
    i64::try_from(whole).ok().map(Operand::Int)
}
