//! `concat(a, b)`

use super::{Builtin, LONGEST, Operand, Parameter, Run, Type};

pub(super) const CONCAT: Builtin = Builtin {
    name: "concat",
    parameters: &[Parameter::Value(&[Type::Text]), Parameter::Value(&[Type::Text])],
    returns: Type::Text,
    summary: "both strings, one after the other; unknown beyond 64 KiB",
    examples: &[r#"concat("a", "b") == "ab""#],
    run: Run::Values(run),
    check: None,
};

fn run<'v>(arguments: &[Operand<'v>]) -> Option<Operand<'v>> {
    match arguments {
        [Operand::Text(a), Operand::Text(b)] if a.len().checked_add(b.len())? <= LONGEST => {
            Some(Operand::Text(format!("{a}{b}").into()))
        }
        _ => None,
    }
}
