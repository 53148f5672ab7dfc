//! `intersects(list, list)`

use super::super::operand::any;
use super::sets::{elements, members};
use super::{Builtin, Operand, Parameter, Run, Type};

pub(super) const INTERSECTS: Builtin = Builtin {
    name: "intersects",
    parameters: &[Parameter::Value(&[Type::List]), Parameter::Value(&[Type::List])],
    returns: Type::Bool,
    summary: "whether two lists have an element in common; unknown if the first has more than 1,000",
    examples: &[r#"intersects(["a", "b"], ["b", "c"])"#, r#"NOT intersects(["a"], [])"#],
    run: Run::Values(run),
    check: None,
};

fn run<'v>(arguments: &[Operand<'v>]) -> Option<Operand<'v>> {
    let [a, b] = arguments else { return None };
    any(members(elements(a)?, b)?).map(Operand::Bool)
}
