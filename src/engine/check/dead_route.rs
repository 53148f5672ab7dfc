//! A route to something that no policy allows: every request that takes it is refused.

use crate::lang::ast::Effect;
use crate::lang::{Code, Diagnostic, Severity};

use super::super::program::Program;

pub(super) fn check(program: &Program) -> Vec<Diagnostic> {
    let allowed = |action: &str, resource: &str| {
        let mut candidates = program.index.candidates(action, resource).filter_map(|id| program.policy(id));
        candidates.any(|policy| policy.effect == Effect::Allow)
    };
    let dead = program.routes.iter().filter(|route| !allowed(&route.action, &route.resource));
    let finding = |route: &super::super::Route| {
        let message = format!("no policy allows `{}` on `{}`", route.action, route.resource);
        Diagnostic::at(Severity::Warning, Code::DeadRoute, route.site, message)
            .help("every request that takes this route is refused: write an allow for it, or leave the route out")
    };
    dead.map(finding).collect()
}
