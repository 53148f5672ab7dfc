//! A policy that says what another says already: a copy of it, or a case of it.

use std::collections::HashMap;

use crate::lang::ast::{Effect, Selector};
use crate::lang::{Code, Diagnostic, Severity};

use super::super::program::{Policy, Program};
use super::shape::{Shape, Shapes};

/// A policy with all that must hold for it to apply.
struct Entry<'p> {
    policy: &'p Policy,
    conjuncts: Vec<Shape>,
}

pub(super) fn check(program: &Program) -> Vec<Diagnostic> {
    let mut shapes = Shapes::new(program);
    let counted = program.policies.iter().filter(|policy| !policy.shadow);
    let entries: Vec<Entry<'_>> =
        counted.map(|policy| Entry { policy, conjuncts: shapes.conjuncts(policy.condition) }).collect();
    let mut frequency: HashMap<Shape, usize> = HashMap::new();
    for shape in entries.iter().flat_map(|entry| &entry.conjuncts) {
        let count = frequency.entry(*shape).or_default();
        *count = count.saturating_add(1);
    }
    // Each is found by the rarest thing that it asks for, so that few are compared with each other.
    let mut by_rarest: HashMap<Option<Shape>, Vec<&Entry<'_>>> = HashMap::new();
    for entry in &entries {
        let rarest = entry.conjuncts.iter().copied().min_by_key(|shape| frequency.get(shape));
        by_rarest.entry(rarest).or_default().push(entry);
    }
    let mut findings = Vec::new();
    for narrow in &entries {
        let keys = narrow.conjuncts.iter().copied().map(Some).chain([None]);
        let wider = keys.filter_map(|key| by_rarest.get(&key)).flatten();
        if let Some(finding) = wider.filter_map(|wide| covered(narrow, wide)).next() {
            findings.push(finding);
        }
    }
    findings
}

/// What there is to say of `narrow` if `wide` applies wherever it does.
fn covered(narrow: &Entry<'_>, wide: &Entry<'_>) -> Option<Diagnostic> {
    let (policy, other) = (narrow.policy, wide.policy);
    let outdone = other.effect == Effect::Deny && policy.effect == Effect::Allow;
    let covers = (policy.effect == other.effect || outdone)
        && policy.name != other.name
        && within(&policy.action, &other.action)
        && within(&policy.resource, &other.resource)
        && wide.conjuncts.iter().all(|shape| narrow.conjuncts.binary_search(shape).is_ok());
    if !covers {
        return None;
    }
    let same = policy.effect == other.effect
        && within(&other.action, &policy.action)
        && within(&other.resource, &policy.resource)
        && wide.conjuncts.len() == narrow.conjuncts.len();
    // Of two that are the same, the one that comes later is the copy.
    if same && policy.name < other.name {
        return None;
    }
    let (code, message) = match (same, outdone) {
        (true, _) => (Code::DuplicatePolicy, format!("`{}` says the same as `{}`", policy.name, other.name)),
        (_, true) => (
            Code::ShadowedPolicy,
            format!("`{}` never counts: `{}` denies all that it allows", policy.name, other.name),
        ),
        _ => {
            let verb = if policy.effect == Effect::Allow { "allows" } else { "denies" };
            let message = format!("`{}` makes no difference: `{}` {verb} all that it {verb}", policy.name, other.name);
            (Code::ShadowedPolicy, message)
        }
    };
    let finding = Diagnostic::at(Severity::Warning, code, policy.site, message);
    Some(finding.also(other.site, "the other one").help("leave one of them out, or narrow the wider one"))
}

/// Whether all that a selector names is named by another.
fn within(narrow: &Selector, wide: &Selector) -> bool {
    match (narrow, wide) {
        (_, Selector::Any) => true,
        (Selector::Any, Selector::Named(_)) => false,
        (Selector::Named(names), Selector::Named(others)) => {
            names.iter().all(|name| others.iter().any(|other| other.text == name.text))
        }
    }
}
