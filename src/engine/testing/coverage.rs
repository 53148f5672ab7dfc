//! What the tests of a set have seen: which policies decide, and both outcomes of each condition.

use std::collections::{HashMap, HashSet};

use crate::lang::Site;
use crate::model::{Facts, Query};

use super::super::eval::Evaluation;
use super::super::program::{Node, NodeId, Policy, Program};

/// A condition that no test has seen come out both ways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneSided<'p> {
    /// As it was written.
    pub text: &'p str,
    /// Its place.
    pub site: Site,
    /// The outcomes that no test has seen: `true`, `false` or both.
    pub never: Vec<&'static str>,
}

/// The outcomes of a condition that were seen.
#[derive(Default, Clone, Copy)]
struct Seen {
    true_: bool,
    false_: bool,
}

/// What was seen so far.
pub(super) struct Coverage<'p> {
    program: &'p Program,
    /// The policies that count.
    pub(super) policies: Vec<&'p Policy>,
    /// The conditions that they are made of: what AND, OR and NOT join, in `let`s too.
    pub(super) conditions: Vec<NodeId>,
    decided: HashSet<&'p str>,
    seen: HashMap<NodeId, Seen>,
}

impl<'p> Coverage<'p> {
    pub(super) fn new(program: &'p Program) -> Self {
        let policies: Vec<&Policy> = program.policies.iter().filter(|policy| !policy.shadow).collect();
        let mut found = HashSet::new();
        policies.iter().for_each(|policy| conditions(program, policy.condition, &mut found));
        let mut conditions: Vec<NodeId> = found.into_iter().collect();
        conditions.sort_by_key(|id| id.0);
        Self { program, policies, conditions, decided: HashSet::new(), seen: HashMap::new() }
    }

    /// Takes in what one expectation has seen.
    pub(super) fn note(&mut self, query: &Query<'_>, facts: &Facts<'_>, deciding: &[&'p str]) {
        self.decided.extend(deciding);
        let program = self.program;
        let mut evaluation = Evaluation::new(program, query, facts);
        let mut asked = HashSet::new();
        for id in program.index.candidates(&query.action.name, &query.resource.kind) {
            if let Some(policy) = program.policy(id) {
                conditions(program, policy.condition, &mut asked);
            }
        }
        for id in asked {
            let seen = self.seen.entry(id).or_default();
            match evaluation.truth(id) {
                Some(true) => seen.true_ = true,
                Some(false) => seen.false_ = true,
                None => {}
            }
        }
    }

    /// The policies that no test has seen decide.
    pub(super) fn uncovered(&self) -> Vec<&'p str> {
        let names = self.policies.iter().map(|policy| policy.name.as_str());
        names.filter(|name| !self.decided.contains(name)).collect()
    }

    /// The conditions that no test has seen come out both ways.
    pub(super) fn one_sided(&self) -> Vec<OneSided<'p>> {
        let program = self.program;
        let one_sided = self.conditions.iter().filter_map(|id| {
            let seen = self.seen.get(id).copied().unwrap_or_default();
            let never: Vec<&str> = [("true", seen.true_), ("false", seen.false_)]
                .iter()
                .filter(|(_, seen)| !seen)
                .map(|(is, _)| *is)
                .collect();
            let site = *program.sites.get(id.0 as usize)?;
            (!never.is_empty()).then(|| OneSided { text: program.sources.text(site), site, never })
        });
        one_sided.collect()
    }
}

/// The parts that AND, OR and NOT join, but for literals.
fn conditions(program: &Program, id: NodeId, into: &mut HashSet<NodeId>) {
    match program.node(id) {
        Some(Node::And(run) | Node::Or(run)) => {
            program.children(*run).iter().for_each(|child| conditions(program, *child, into));
        }
        Some(Node::Not(inner)) => conditions(program, *inner, into),
        // A `let` is noted itself, so that one that is used in many places is looked at once.
        Some(Node::Shared(_, inner)) if into.insert(id) => conditions(program, *inner, into),
        Some(Node::Shared(..) | Node::Const(_)) | None => {}
        Some(_) => {
            into.insert(id);
        }
    }
}
