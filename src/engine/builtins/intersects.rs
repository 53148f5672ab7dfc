//! `intersects(list, list)`

use super::super::operand::{any, contained};
use super::{Builtin, Operand, Parameter, Run, Type};

pub(super) const INTERSECTS: Builtin = Builtin {
    name: "intersects",
    parameters: &[Parameter::Value(&[Type::List]), Parameter::Value(&[Type::List])],
    returns: Type::Bool,
    summary: "whether two lists have an element in common",
    examples: &[r#"intersects(["a", "b"], ["b", "c"])"#, r#"NOT intersects(["a"], [])"#],
    run: Run::Values(run),
    check: None,
};

fn run<'v>(arguments: &[Operand<'v>]) -> Option<Operand<'v>> {
    let [a, b] = arguments else { return None };
    b.list_len()?;
    any(a.elements()?.map(|element| contained(element.as_ref(), b))).map(Operand::Bool)
}
