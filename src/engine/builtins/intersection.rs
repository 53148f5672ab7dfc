//! `intersection(list, list)`

use super::sets::{chosen, distinct};
use super::{Builtin, Operand, Parameter, Run, Type};

pub(super) const INTERSECTION: Builtin = Builtin {
    name: "intersection",
    parameters: &[Parameter::Value(&[Type::List]), Parameter::Value(&[Type::List])],
    returns: Type::List,
    summary: "the elements of the first list that are in the second, too, each once; unknown beyond 1,000 elements",
    examples: &[r#"intersection(["a", "b"], ["b", "c"]) == ["b"]"#],
    run: Run::Values(run),
    check: None,
};

fn run<'v>(arguments: &[Operand<'v>]) -> Option<Operand<'v>> {
    let [a, b] = arguments else { return None };
    distinct(chosen(a, b, true)?)
}
