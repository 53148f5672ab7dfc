//! `union(list, list)`

use super::sets::{distinct, elements};
use super::{Builtin, Operand, Parameter, Run, Type};

pub(super) const UNION: Builtin = Builtin {
    name: "union",
    parameters: &[Parameter::Value(&[Type::List]), Parameter::Value(&[Type::List])],
    returns: Type::List,
    summary: "the elements of both lists, each once; unknown beyond 1,000 elements",
    examples: &[r#"union(["a", "b"], ["b", "c"]) == ["a", "b", "c"]"#],
    run: Run::Values(run),
    check: None,
};

fn run<'v>(arguments: &[Operand<'v>]) -> Option<Operand<'v>> {
    let [a, b] = arguments else { return None };
    distinct(elements(a)?.into_iter().chain(elements(b)?))
}
