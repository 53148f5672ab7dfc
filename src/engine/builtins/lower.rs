//! `lower(text)`

use super::{Builtin, Operand, Parameter, Run, Type};

pub(super) const LOWER: Builtin = Builtin {
    name: "lower",
    parameter: Parameter::Value(&[Type::Text]),
    returns: Type::Text,
    summary: "the string in lower case, by Unicode and in no particular language",
    examples: &["lower(\"ÄB\") == \"äb\""],
    run: Run::Value(run),
};

fn run(value: Operand<'_>) -> Option<Operand<'_>> {
    match value {
        Operand::Text(text) => Some(Operand::Text(text.to_lowercase().into())),
        _ => None,
    }
}
