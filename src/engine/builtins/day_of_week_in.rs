//! `day_of_week_in(time, zone)`

use jiff::civil::DateTime;

use super::{Builtin, Operand, Parameter, Run, Type};

pub(super) const DAY_OF_WEEK_IN: Builtin = Builtin {
    name: "day_of_week_in",
    parameters: &[Parameter::Value(&[Type::Time]), Parameter::Value(&[Type::Text])],
    returns: Type::Number,
    summary: "the day of the week of a time in a time zone, 1 (Monday) to 7",
    examples: &[r#"day_of_week_in(time("2026-01-07T23:30:00Z"), "Asia/Tokyo") == 4"#],
    run: Run::Zone(run),
    check: None,
};

fn run(local: DateTime) -> Operand<'static> {
    Operand::Int(local.weekday().to_monday_one_offset().into())
}
