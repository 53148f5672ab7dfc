//! `has(path)`

use super::{Builtin, Parameter, Read, Run, Type};

pub(super) const HAS: Builtin = Builtin {
    name: "has",
    parameters: &[Parameter::Path],
    returns: Type::Bool,
    summary: "whether a value stands at the path; null counts as none; unknown in an outage of the store",
    examples: &["has(subject.id)", "NOT has(user.traits.nobody_set_this)"],
    run: Run::Presence(run),
    check: None,
};

pub(super) fn run(read: &Read<'_>) -> Option<bool> {
    match read {
        Read::Present(_) | Read::Unusable => Some(true),
        Read::Absent => Some(false),
        Read::Unreachable => None,
    }
}
