//! `min(a, b)`

use super::super::operand::order;
use super::{Builtin, Operand, Parameter, Run, Type};

pub(super) const MIN: Builtin = Builtin {
    name: "min",
    parameters: &[Parameter::Value(&[Type::Number]), Parameter::Value(&[Type::Number])],
    returns: Type::Number,
    summary: "the lesser of two numbers",
    examples: &["min(1, 2.5) == 1"],
    run: Run::Values(run),
    check: None,
};

fn run<'v>(arguments: &[Operand<'v>]) -> Option<Operand<'v>> {
    let [a, b] = arguments else { return None };
    let order = if a.is_number() { order(a, b)? } else { return None };
    Some(if order.is_le() { a.clone() } else { b.clone() })
}
