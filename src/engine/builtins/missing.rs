//! `missing(path)`

use super::{Builtin, Parameter, Read, Run, Type, has};

pub(super) const MISSING: Builtin = Builtin {
    name: "missing",
    parameters: &[Parameter::Path],
    returns: Type::Bool,
    summary: "whether no value stands at the path: the opposite of `has`",
    examples: &["missing(user.traits.nobody_set_this)", "NOT missing(subject.id)"],
    run: Run::Presence(run),
    check: None,
};

fn run(read: &Read<'_>) -> Option<bool> {
    has::run(read).map(|has| !has)
}
