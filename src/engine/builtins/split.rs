//! `split(text, separator)`

use super::{Builtin, Operand, Parameter, Read, Run, Type};

pub(super) const SPLIT: Builtin = Builtin {
    name: "split",
    parameters: &[Parameter::Value(&[Type::Text]), Parameter::Value(&[Type::Text])],
    returns: Type::List,
    summary: "the parts of a string between separators",
    examples: &[r#"split("a,b", ",") == ["a", "b"]"#, r#"len(split("", ",")) == 1"#],
    run: Run::Values(run),
    check: None,
};

fn run<'v>(arguments: &[Operand<'v>]) -> Option<Operand<'v>> {
    match arguments {
        [Operand::Text(text), Operand::Text(separator)] if !separator.is_empty() => {
            let parts = text.split(separator.as_ref()).map(|part| Read::Present(Operand::Text(part.to_owned().into())));
            Some(Operand::Made(parts.collect()))
        }
        _ => None,
    }
}
