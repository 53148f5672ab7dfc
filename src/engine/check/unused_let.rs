//! A `let` that nothing uses.

use crate::lang::{Code, Diagnostic, Severity};

use super::super::program::Program;

pub(super) fn check(program: &Program) -> Vec<Diagnostic> {
    let unused = program.unused_lets.iter().map(|(name, site)| {
        Diagnostic::at(Severity::Warning, Code::UnusedLet, *site, format!("nothing uses `{name}`"))
            .help("leave it out, or use it")
    });
    unused.collect()
}
