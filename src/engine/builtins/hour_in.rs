//! `hour_in(time, zone)`

use jiff::civil::DateTime;

use super::{Builtin, Operand, Parameter, Run, Type};

pub(super) const HOUR_IN: Builtin = Builtin {
    name: "hour_in",
    parameters: &[Parameter::Value(&[Type::Time]), Parameter::Value(&[Type::Text])],
    returns: Type::Number,
    summary: "the hour of a time in a time zone, 0 to 23",
    examples: &[r#"hour_in(time("2026-01-07T23:30:00Z"), "Europe/Berlin") == 0"#],
    run: Run::Zone(run),
    check: None,
};

fn run(local: DateTime) -> Operand<'static> {
    Operand::Int(local.hour().into())
}
