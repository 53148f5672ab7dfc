//! `self_asserted(path)`

use super::{Builtin, Parameter, Run, Type};

pub(super) const SELF_ASSERTED: Builtin = Builtin {
    name: "self_asserted",
    parameters: &[Parameter::Path],
    returns: Type::Bool,
    summary: "whether the user wrote this field about themselves; false for what nobody wrote",
    examples: &["NOT self_asserted(user.traits.plan)"],
    run: Run::Provenance,
    check: None,
};
