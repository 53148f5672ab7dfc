//! `unix_time(seconds)`

use super::{Builtin, Operand, Parameter, Run, Type};

pub(super) const UNIX_TIME: Builtin = Builtin {
    name: "unix_time",
    parameters: &[Parameter::Value(&[Type::Number])],
    returns: Type::Time,
    summary: "the moment that lies so many seconds after 1970 began, as in the claims of tokens",
    examples: &[r#"unix_time(1767787200) == time("2026-01-07T12:00:00Z")"#],
    run: Run::Values(run),
    check: None,
};

fn run<'v>(arguments: &[Operand<'v>]) -> Option<Operand<'v>> {
    match arguments {
        [Operand::Int(seconds)] => jiff::Timestamp::from_second(*seconds).ok().map(Operand::Time),
        _ => None,
    }
}
