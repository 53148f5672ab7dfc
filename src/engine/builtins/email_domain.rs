//! `email_domain(text)`

use super::{Builtin, Operand, Parameter, Run, Type};

pub(super) const EMAIL_DOMAIN: Builtin = Builtin {
    name: "email_domain",
    parameters: &[Parameter::Value(&[Type::Text])],
    returns: Type::Text,
    summary: "what stands after the last @, in lower case; unknown without one",
    examples: &[r#"email_domain("A@Example.COM") == "example.com""#],
    run: Run::Values(run),
    check: None,
};

fn run<'v>(arguments: &[Operand<'v>]) -> Option<Operand<'v>> {
    match arguments {
        [Operand::Text(text)] => {
            let (local, domain) = text.rsplit_once('@')?;
            (!local.is_empty() && !domain.is_empty()).then(|| Operand::Text(domain.to_lowercase().into()))
        }
        _ => None,
    }
}
