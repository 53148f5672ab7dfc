//! `trim(text)`

use super::{Builtin, Operand, Parameter, Run, Type};

pub(super) const TRIM: Builtin = Builtin {
    name: "trim",
    parameters: &[Parameter::Value(&[Type::Text])],
    returns: Type::Text,
    summary: "the string without white space at its ends",
    examples: &[r#"trim("  a b ") == "a b""#],
    run: Run::Values(run),
    check: None,
};

fn run<'v>(arguments: &[Operand<'v>]) -> Option<Operand<'v>> {
    match arguments {
        [Operand::Text(text)] => Some(Operand::Text(text.trim().to_owned().into())),
        _ => None,
    }
}
