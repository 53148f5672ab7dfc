//! `replace(text, from, to)`

use super::{Builtin, LONGEST, Operand, Parameter, Run, Type};

pub(super) const REPLACE: Builtin = Builtin {
    name: "replace",
    parameters: &[Parameter::Value(&[Type::Text]), Parameter::Value(&[Type::Text]), Parameter::Value(&[Type::Text])],
    returns: Type::Text,
    summary: "the string with every occurrence of the second replaced by the third; unknown beyond 64 KiB",
    examples: &[r#"replace("a.b.c", ".", "-") == "a-b-c""#],
    run: Run::Values(run),
    check: None,
};

fn run<'v>(arguments: &[Operand<'v>]) -> Option<Operand<'v>> {
    match arguments {
        [Operand::Text(text), Operand::Text(from), Operand::Text(to)] if !from.is_empty() => {
            let times = text.matches(from.as_ref()).count();
            let kept = text.len().checked_sub(times.checked_mul(from.len())?)?;
            let whole = kept.checked_add(times.checked_mul(to.len())?)?;
            (whole <= LONGEST).then(|| Operand::Text(text.replace(from.as_ref(), to).into()))
        }
        _ => None,
    }
}
