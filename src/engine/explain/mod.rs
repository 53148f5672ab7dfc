//! Why a decision came out as it did: a second evaluation, made only when somebody asks.

mod causes;
mod nearest;
mod trace;
mod tree;

use schemars::JsonSchema;
use serde::Serialize;

use crate::lang::ast::Effect;
use crate::model::{Decision, Facts, Query};

use self::causes::Causes;
use self::trace::Tracer;
use super::decide::{applies, decide};
use super::eval::Evaluation;
use super::program::Program;

pub use self::causes::Unknown;
pub use self::nearest::{Nearest, nearest};
pub use self::trace::{Fact, Trace, Truth};
pub use self::tree::write_tree;

/// An explanation names so many unknowns; whoever mends those will ask again.
const MAX_UNKNOWNS: usize = 1000;

/// An explanation takes so many candidates apart.
const MAX_CANDIDATES: usize = 100;

/// Whose eyes an explanation is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reveal {
    /// Only values that the request brought itself.
    Request,
    /// Stored values too, but for the sensitive ones.
    Stored,
    /// Everything.
    Sensitive,
}

/// A decision with all that led to it.
#[derive(Debug)]
pub struct Explanation<'p> {
    /// The same as without an explanation.
    pub decision: Decision<'p>,
    /// All policies of the winning effect that apply, in name order.
    pub policies: Vec<&'p str>,
    /// What made the condition of a candidate unknown.
    pub unknowns: Vec<Unknown<'p>>,
    /// The policies that speak of the action and the type of the resource, denies first, each in name order.
    pub candidates: Vec<Candidate<'p>>,
    /// How many more candidates there are than are taken apart here.
    pub more_candidates: usize,
}

/// A policy that speaks of the action and the type of the resource.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Candidate<'p> {
    /// Its name.
    pub policy: &'p str,
    /// `allow` or `deny`.
    pub effect: &'static str,
    /// Whether it applies.
    pub applies: bool,
    /// The file that it stands in.
    pub file: &'p str,
    /// Line, from 1.
    pub line: usize,
    /// What its `when` came to.
    pub when: Trace<'p>,
    /// What its `unless` came to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unless: Option<Trace<'p>>,
}

/// Decides a query and says why.
#[must_use]
pub fn explain<'p>(program: &'p Program, query: &Query<'_>, facts: &Facts<'_>, reveal: Reveal) -> Explanation<'p> {
    let decision = decide(program, query, facts);
    let mut evaluation = Evaluation::new(program, query, facts);
    let mut tracer = Tracer::new(program, query, reveal);
    let mut policies = Vec::new();
    let mut unknowns: Vec<Unknown<'p>> = Vec::new();
    let mut candidates = Vec::new();
    let mut more_candidates: usize = 0;
    let winner = decision.policy().map(|policy| policy.name);
    let mut winning_effect = None;
    for id in program.index.candidates(&query.action.name, &query.resource.kind) {
        let Some(policy) = program.policy(id) else { continue };
        let condition = evaluation.truth(policy.condition);
        let applies = applies(policy, condition);
        if winner == Some(policy.name.as_str()) {
            winning_effect = Some(policy.effect);
        }
        let decides = winning_effect == Some(policy.effect) && applies;
        if decides {
            policies.push(policy.name.as_str());
        }
        if condition.is_none() {
            let room = MAX_UNKNOWNS.saturating_sub(unknowns.len());
            let found = Causes::of(program, &mut evaluation, policy.condition);
            unknowns.extend(found.into_iter().take(room).filter_map(|cause| cause.unknown(program, &policy.name)));
        }
        if candidates.len() >= MAX_CANDIDATES {
            more_candidates = more_candidates.saturating_add(1);
            continue;
        }
        candidates.push(Candidate {
            policy: &policy.name,
            effect: match policy.effect {
                Effect::Allow => "allow",
                Effect::Deny => "deny",
            },
            applies,
            file: program.sources.get(policy.site.source).map_or("", |source| source.name.as_str()),
            line: program.sources.position(policy.site).line,
            when: tracer.trace(&mut evaluation, policy.when),
            unless: policy.unless.map(|unless| tracer.trace(&mut evaluation, unless)),
        });
    }
    Explanation { decision, policies, unknowns, candidates, more_candidates }
}
