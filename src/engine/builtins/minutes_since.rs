//! `minutes_since(time)`

use super::days_since::{check, whole_since};
use super::{Builtin, Clock, Operand, Parameter, Run, Type};

pub(super) const MINUTES_SINCE: Builtin = Builtin {
    name: "minutes_since",
    parameters: &[Parameter::Value(&[Type::Time, Type::Text])],
    returns: Type::Number,
    summary: "whole minutes since a time or such a string, rounded down; negative in the future",
    examples: &["minutes_since(env.time) == 0"],
    run: Run::Clock(run),
    check: Some(check),
};

fn run(since: &Operand<'_>, clock: Clock<'_>) -> Option<Operand<'static>> {
    whole_since(since, clock.now, 60)
}
