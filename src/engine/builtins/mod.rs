//! Builtin functions: one file each, with its parameter, examples that run as tests, and its code.
//!
//! Every function is total and cheap: what it cannot work with is unknown, and it never panics.

mod has;
mod len;
mod lower;
mod missing;
mod self_asserted;
mod upper;

use super::{Operand, Read, Type};

/// A function of the language.
#[derive(Debug)]
pub struct Builtin {
    /// Its name, which is reserved.
    pub name: &'static str,
    /// What it takes.
    pub parameter: Parameter,
    /// What it gives.
    pub returns: Type,
    /// One sentence for the table of functions.
    pub summary: &'static str,
    /// Expressions that are true.
    pub examples: &'static [&'static str],
    pub(super) run: Run,
}

/// What a function takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parameter {
    /// A path: the function asks what stands there, not only for its value.
    Path,
    /// Any expression that may be of one of these types.
    Value(&'static [Type]),
}

/// How a function runs.
#[derive(Debug, Clone, Copy)]
pub(super) enum Run {
    /// On where the value at a path came from, which the evaluation knows.
    Provenance,
    /// On what stands at a path.
    Presence(fn(&Read<'_>) -> Option<bool>),
    /// On a value.
    Value(for<'v> fn(Operand<'v>) -> Option<Operand<'v>>),
}

/// All functions, by name.
pub const ALL: &[&Builtin] =
    &[&has::HAS, &len::LEN, &lower::LOWER, &missing::MISSING, &self_asserted::SELF_ASSERTED, &upper::UPPER];

/// The function of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Builtin> {
    ALL.iter().copied().find(|builtin| builtin.name == name)
}
