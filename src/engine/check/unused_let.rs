//! A `let` that nothing uses.

use crate::lang::{Code, Diagnostic, Severity};

use super::super::program::Program;

pub(super) fn check(program: &Program) -> Vec<Diagnostic> {
    let unused = program.lets.iter().filter(|declared| !declared.used).map(|declared| {
        let message = format!("nothing uses `{}`", declared.name);
        Diagnostic::at(Severity::Warning, Code::UnusedLet, declared.site, message).help("leave it out, or use it")
    });
    unused.collect()
}
