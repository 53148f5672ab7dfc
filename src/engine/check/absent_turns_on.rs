//! A deny that applies to everybody who lacks a trait, since a deny applies unless its condition is false.

use std::collections::HashSet;

use smol_str::SmolStr;

use crate::lang::ast::Effect;
use crate::lang::{Code, Diagnostic, Severity};
use crate::model::Definitions;

use super::super::path::{Lookup, Path, Step};
use super::super::program::{NodeId, Program};
use super::possible::{Assumption, Possible, Truths};

pub(super) fn check(program: &Program, definitions: &Definitions) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    for policy in program.policies.iter().filter(|policy| policy.effect == Effect::Deny) {
        let mut reads: Vec<(NodeId, &Path)> = Vec::new();
        program.walk(policy.condition, &mut HashSet::new(), &mut |id| {
            reads.extend(program.path_of(id).filter(|path| is_optional(path, definitions)).map(|path| (id, path)));
        });
        let mut tried: HashSet<Vec<SmolStr>> = HashSet::new();
        for (id, path) in reads {
            let field = field(path);
            if !tried.insert(field.clone()) {
                continue;
            }
            let is_absent = |other: &Path| other.lookup == Lookup::User && self::field(other) == field;
            let mut possible = Possible::new(program, definitions, Assumption::Absent(&is_absent));
            if !possible.truths(policy.condition).may_be(Truths::UNKNOWN) {
                continue;
            }
            let Some(site) = program.sites.get(id.0 as usize) else { continue };
            let text = format!("user.{}", field.join("."));
            let refuses = if policy.shadow { "would refuse" } else { "refuses" };
            let message = format!("`{}` {refuses} everybody who has no {text}", policy.name);
            findings.push(Diagnostic::at(Severity::Warning, Code::AbsentTurnsOn, *site, message).help(format!(
                "a deny applies unless its condition is false: write `{text} ?? default`, test `has({text})`, give the \
                 definition a default, or say that it is meant with `missing({text}) OR ...`"
            )));
        }
    }
    findings
}

/// Whether a path reads what a user may lack.
fn is_optional(path: &Path, definitions: &Definitions) -> bool {
    let has_default = super::field_of(path)
        .and_then(|(_, slug)| definitions.get(slug))
        .is_some_and(|definition| definition.default.is_some());
    path.lookup == Lookup::User && !has_default && field(path).first().is_some_and(|first| first != "id")
}

/// The steps that name the field: two within a bag, one for a profile field.
fn field(path: &Path) -> Vec<SmolStr> {
    let in_bag = matches!(path.steps.first(), Some(Step::Field(name)) if name == "traits" || name == "consents");
    let steps = path.steps.iter().take(if in_bag { 2 } else { 1 });
    let names = steps.filter_map(|step| match step {
        Step::Field(name) => Some(name.clone()),
        Step::Index(_) => None,
    });
    names.collect()
}
