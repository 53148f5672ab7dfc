//! `hours_since(time)`

use super::{Builtin, Operand, Parameter, Run, Type, time};

pub(super) const HOURS_SINCE: Builtin = Builtin {
    name: "hours_since",
    parameters: &[Parameter::Value(&[Type::Time, Type::Text])],
    returns: Type::Number,
    summary: "whole hours since a time or such a string, rounded down; negative in the future",
    examples: &["hours_since(env.time) == 0"],
    run: Run::Clock(run),
    check: None,
};

const SECONDS: i128 = 3_600;

fn run(since: &Operand<'_>, now: jiff::Timestamp) -> Option<Operand<'static>> {
    let since = match since {
        Operand::Time(at) => *at,
        Operand::Text(text) => time::parse(text)?,
        _ => return None,
    };
    let nanoseconds = now.as_nanosecond().checked_sub(since.as_nanosecond())?;
    let whole = nanoseconds.div_euclid(SECONDS.checked_mul(1_000_000_000)?);
    i64::try_from(whole).ok().map(Operand::Int)
}
