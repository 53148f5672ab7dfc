//! `subset(list, list)`

use super::super::operand::{all, contained};
use super::{Builtin, Operand, Parameter, Run, Type};

pub(super) const SUBSET: Builtin = Builtin {
    name: "subset",
    parameters: &[Parameter::Value(&[Type::List]), Parameter::Value(&[Type::List])],
    returns: Type::Bool,
    summary: "whether every element of the first list is in the second",
    examples: &[r#"subset(["a"], ["a", "b"])"#, r#"subset([], ["a"])"#, r#"NOT subset(["a"], ["b"])"#],
    run: Run::Values(run),
    check: None,
};

fn run<'v>(arguments: &[Operand<'v>]) -> Option<Operand<'v>> {
    let [a, b] = arguments else { return None };
    b.list_len()?;
    all(a.elements()?.map(|element| contained(element.as_ref(), b))).map(Operand::Bool)
}
