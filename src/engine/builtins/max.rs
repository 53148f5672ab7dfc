//! `max(a, b)`

use super::super::operand::order;
use super::{Builtin, Operand, Parameter, Run, Type};

pub(super) const MAX: Builtin = Builtin {
    name: "max",
    parameters: &[Parameter::Value(&[Type::Number]), Parameter::Value(&[Type::Number])],
    returns: Type::Number,
    summary: "the greater of two numbers",
    examples: &["max(1, 2.5) == 2.5"],
    run: Run::Values(run),
    check: None,
};

fn run<'v>(arguments: &[Operand<'v>]) -> Option<Operand<'v>> {
    let [a, b] = arguments else { return None };
    let order = if a.is_number() { order(a, b)? } else { return None };
    Some(if order.is_ge() { a.clone() } else { b.clone() })
}
