//! `abs(n)`

use super::{Builtin, Operand, Parameter, Run, Type};

pub(super) const ABS: Builtin = Builtin {
    name: "abs",
    parameters: &[Parameter::Value(&[Type::Number])],
    returns: Type::Number,
    summary: "the number without its sign",
    examples: &["abs(-3) == 3", "abs(2.5) == 2.5"],
    run: Run::Values(run),
    check: None,
};

fn run<'v>(arguments: &[Operand<'v>]) -> Option<Operand<'v>> {
    match arguments {
        [Operand::Int(n)] => n.checked_abs().map(Operand::Int),
        [Operand::Float(x)] => Some(Operand::Float(x.abs())),
        _ => None,
    }
}
