//! `difference(list, list)`

use super::sets::{chosen, distinct};
use super::{Builtin, Operand, Parameter, Run, Type};

pub(super) const DIFFERENCE: Builtin = Builtin {
    name: "difference",
    parameters: &[Parameter::Value(&[Type::List]), Parameter::Value(&[Type::List])],
    returns: Type::List,
    summary: "the elements of the first list that are not in the second, each once; unknown beyond 1,000 elements",
    examples: &[r#"difference(["a", "b", "a"], ["b", "c"]) == ["a"]"#, r#"len(difference(["x", "y"], [])) == 2"#],
    run: Run::Values(run),
    check: None,
};

fn run<'v>(arguments: &[Operand<'v>]) -> Option<Operand<'v>> {
    let [a, b] = arguments else { return None };
    distinct(chosen(a, b, false)?)
}
