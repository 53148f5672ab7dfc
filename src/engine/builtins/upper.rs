//! `upper(text)`

use super::{Builtin, Operand, Parameter, Run, Type};

pub(super) const UPPER: Builtin = Builtin {
    name: "upper",
    parameter: Parameter::Value(&[Type::Text]),
    returns: Type::Text,
    summary: "the string in upper case, by Unicode and in no particular language",
    examples: &["upper(\"äb\") == \"ÄB\""],
    run: Run::Value(run),
};

fn run(value: Operand<'_>) -> Option<Operand<'_>> {
    match value {
        Operand::Text(text) => Some(Operand::Text(text.to_uppercase().into())),
        _ => None,
    }
}
