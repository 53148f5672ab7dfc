//! A policy whose condition can never hold.

use std::collections::{HashMap, HashSet};

use crate::lang::ast::{CompareOp, Effect};
use crate::lang::{Code, Diagnostic, Severity};
use crate::model::{Definitions, Value};

use super::super::eval::compare;
use super::super::operand::Operand;
use super::super::program::{Node, NodeId, PathId, Policy, Program};
use super::possible::{Assumption, Possible, Truths};

/// Finds them, but for those that `explained` says enough about: findings within their conditions.
pub(super) fn check(program: &Program, definitions: &Definitions, explained: &[Diagnostic]) -> Vec<Diagnostic> {
    let mut possible = Possible::new(program, definitions, Assumption::Anything);
    let mut findings = Vec::new();
    for policy in &program.policies {
        let truths = possible.truths(policy.condition);
        let never = match policy.effect {
            Effect::Allow => !truths.may_be(Truths::TRUE),
            Effect::Deny => truths == Truths::FALSE,
        };
        let message = if never {
            format!("`{}` never applies: its condition is never {}", policy.name, needed(policy))
        } else if let Some(path) = contradiction(program, policy) {
            format!("`{}` never applies: no value of {path} is all that it asks for", policy.name)
        } else {
            continue;
        };
        if is_explained(program, policy, explained) {
            continue;
        }
        let finding = Diagnostic::at(Severity::Warning, Code::NeverApplies, policy.site, message);
        findings.push(finding.help("look at the comparisons that exclude each other, or leave the policy out"));
    }
    findings
}

fn is_explained(program: &Program, policy: &Policy, explained: &[Diagnostic]) -> bool {
    let places = explained.iter().filter_map(|finding| finding.labels.first()).map(|label| label.site);
    let mut found = false;
    program.visit(policy.condition, &mut HashSet::new(), &mut |id, _| {
        let here = program.sites.get(id.0 as usize);
        found |= here.is_some_and(|here| places.clone().any(|place| here.contains(place)));
    });
    found
}

fn needed(policy: &Policy) -> &'static str {
    match policy.effect {
        Effect::Allow => "true",
        Effect::Deny => "anything but false",
    }
}

/// What a condition asks of the value at one path.
type Demand<'p> = (CompareOp, &'p Value<'static>);

/// A path of which a condition asks what no value can give. An unknown value is still one for a deny.
fn contradiction<'p>(program: &'p Program, policy: &Policy) -> Option<&'p str> {
    let mut demands: HashMap<PathId, Vec<Demand<'p>>> = HashMap::new();
    collect(program, policy.condition, &mut demands);
    if policy.effect == Effect::Deny {
        return None;
    }
    let mut paths: Vec<_> =
        demands.into_iter().filter(|(_, demands)| excluded(demands)).map(|(path, _)| path).collect();
    paths.sort_by_key(|path| path.0);
    paths.first().and_then(|path| program.path(*path)).map(|path| path.text.as_str())
}

/// Gathers the comparisons of paths with literals that must all hold.
fn collect<'p>(program: &'p Program, id: NodeId, demands: &mut HashMap<PathId, Vec<Demand<'p>>>) {
    match program.node(id) {
        Some(Node::And(run)) => program.children(*run).iter().for_each(|child| collect(program, *child, demands)),
        Some(Node::Shared(_, inner)) => collect(program, *inner, demands),
        Some(Node::Compare(op, left, right)) => {
            if let (Some(Node::Path(path)), Some(Node::Const(value))) = (program.node(*left), program.node(*right)) {
                demands.entry(*path).or_default().push((*op, value));
            }
        }
        _ => {}
    }
}

/// Whether no value meets all demands.
fn excluded(demands: &[Demand<'_>]) -> bool {
    let meets = |value: &Value<'static>, (op, wanted): &Demand<'_>| {
        Operand::of(value)
            .zip(Operand::of(*wanted))
            .and_then(|(value, wanted)| compare(*op, Some(&value), Some(&wanted)))
            == Some(true)
    };
    let candidates = demands.iter().find_map(|(op, value)| match (op, value) {
        (CompareOp::Equal, value) => Some(std::slice::from_ref(*value)),
        (CompareOp::In, Value::List(items)) => Some(&**items),
        _ => None,
    });
    if let Some(candidates) = candidates {
        return !candidates.iter().any(|value| demands.iter().all(|demand| meets(value, demand)));
    }
    // Between a lower and an upper bound there must be room.
    let bound = |(op, value): &Demand<'_>| match op {
        CompareOp::Greater | CompareOp::GreaterOrEqual => {
            Some((true, *op == CompareOp::Greater, value.to_owned().clone()))
        }
        CompareOp::Less | CompareOp::LessOrEqual => Some((false, *op == CompareOp::Less, value.to_owned().clone())),
        _ => None,
    };
    let bounds: Vec<_> = demands.iter().filter_map(bound).collect();
    let lower = bounds.iter().filter(|(is_lower, ..)| *is_lower);
    lower.clone().any(|(_, strict, low)| {
        bounds.iter().filter(|(is_lower, ..)| !is_lower).any(|(_, strict_too, high)| {
            let op = if *strict || *strict_too { CompareOp::Less } else { CompareOp::LessOrEqual };
            !meets(low, &(op, high))
        })
    })
}
