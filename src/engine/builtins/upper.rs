//! `upper(text)`

use super::{Builtin, Operand, Parameter, Run, Type};

pub(super) const UPPER: Builtin = Builtin {
    name: "upper",
    parameters: &[Parameter::Value(&[Type::Text])],
    returns: Type::Text,
    summary: "the string in upper case, by Unicode and in no particular language",
    examples: &["upper(\"äb\") == \"ÄB\""],
    run: Run::Values(run),
    check: None,
};

fn run<'v>(arguments: &[Operand<'v>]) -> Option<Operand<'v>> {
    match arguments {
        [Operand::Text(text)] => Some(Operand::Text(text.to_uppercase().into())),
        _ => None,
    }
}
