//! `len(x)`

use super::{Builtin, Operand, Parameter, Run, Type};

pub(super) const LEN: Builtin = Builtin {
    name: "len",
    parameters: &[Parameter::Value(&[Type::Text, Type::List])],
    returns: Type::Number,
    summary: "code points of a string, or elements of a list",
    examples: &["len(\"héllo\") == 5", "len([1, 2, 3]) == 3", "len([]) == 0"],
    run: Run::Values(run),
    check: None,
};

fn run<'v>(arguments: &[Operand<'v>]) -> Option<Operand<'v>> {
    let [value] = arguments else { return None };
    let len = match value {
        Operand::Text(text) => text.chars().count(),
        other => other.list_len()?,
    };
    i64::try_from(len).ok().map(Operand::Int)
}
