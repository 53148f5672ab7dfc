//! `date_in(time, zone)`

use jiff::civil::DateTime;

use super::{Builtin, Operand, Parameter, Run, Type};

pub(super) const DATE_IN: Builtin = Builtin {
    name: "date_in",
    parameters: &[Parameter::Value(&[Type::Time]), Parameter::Value(&[Type::Text])],
    returns: Type::Text,
    summary: "the date of a time in a time zone, as 2026-01-31; dates compare as strings",
    examples: &[r#"date_in(time("2026-01-07T23:30:00Z"), "Asia/Tokyo") == "2026-01-08""#],
    run: Run::Zone(run),
    check: None,
};

fn run(local: DateTime) -> Operand<'static> {
    Operand::Text(local.date().to_string().into())
}
