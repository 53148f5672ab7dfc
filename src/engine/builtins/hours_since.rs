//! `hours_since(time)`

use super::days_since::{check, whole_since};
use super::{Builtin, Clock, Operand, Parameter, Run, Type};

pub(super) const HOURS_SINCE: Builtin = Builtin {
    name: "hours_since",
    parameters: &[Parameter::Value(&[Type::Time, Type::Text])],
    returns: Type::Number,
    summary: "whole hours since a time or such a string, rounded down; negative in the future",
    examples: &["hours_since(env.time) == 0"],
    run: Run::Clock(run),
    check: Some(check),
};

fn run(since: &Operand<'_>, clock: Clock<'_>) -> Option<Operand<'static>> {
    whole_since(since, clock.now, 3_600)
}
