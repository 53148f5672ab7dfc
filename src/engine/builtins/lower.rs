//! `lower(text)`

use super::{Builtin, Operand, Parameter, Run, Type};

pub(super) const LOWER: Builtin = Builtin {
    name: "lower",
    parameters: &[Parameter::Value(&[Type::Text])],
    returns: Type::Text,
    summary: "the string in lower case, by Unicode and in no particular language",
    examples: &["lower(\"ÄB\") == \"äb\""],
    run: Run::Values(run),
    check: None,
};

fn run<'v>(arguments: &[Operand<'v>]) -> Option<Operand<'v>> {
    match arguments {
        [Operand::Text(text)] => Some(Operand::Text(text.to_lowercase().into())),
        _ => None,
    }
}
