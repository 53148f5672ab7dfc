//! `subset(list, list)`

use super::super::operand::all;
use super::sets::{elements, members};
use super::{Builtin, Operand, Parameter, Run, Type};

pub(super) const SUBSET: Builtin = Builtin {
    name: "subset",
    parameters: &[Parameter::Value(&[Type::List]), Parameter::Value(&[Type::List])],
    returns: Type::Bool,
    summary: "whether every element of the first list is in the second; unknown if the first has more than 1,000",
    examples: &[r#"subset(["a"], ["a", "b"])"#, r#"subset([], ["a"])"#, r#"NOT subset(["a"], ["b"])"#],
    run: Run::Values(run),
    check: None,
};

fn run<'v>(arguments: &[Operand<'v>]) -> Option<Operand<'v>> {
    let [a, b] = arguments else { return None };
    all(members(elements(a)?, b)?).map(Operand::Bool)
}
