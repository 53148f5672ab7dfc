//! The decision: denies first, then allows, each in name order, until one applies.

use crate::lang::ast::Effect;
use crate::model::{Decision, Denial, Facts, Object, Permit, Query, Value};

use super::eval::Evaluation;
use super::program::{Policy, Program};

/// Decides a query. An unknown never grants and never lifts a deny.
#[must_use]
pub fn decide<'p>(program: &'p Program, query: &Query<'_>, facts: &Facts<'_>) -> Decision<'p> {
    let mut evaluation = Evaluation::new(program, query, facts);
    for id in program.index.relevant(&query.action.name, &query.resource.kind, &mut evaluation) {
        let Some(policy) = program.policy(id) else { continue };
        if applies(policy, evaluation.truth(policy.condition)) {
            return match policy.effect {
                Effect::Deny => Decision::Deny(Denial::Policy(policy.as_ref())),
                Effect::Allow => Decision::Allow(Permit::granted_by(policy.as_ref())),
            };
        }
    }
    Decision::Deny(Denial::NoAllow { ignored_property: ignored_property(program, query) })
}

/// The shadow policies that would apply: they are evaluated to be logged, and never counted.
#[must_use]
pub fn shadows<'p>(program: &'p Program, query: &Query<'_>, facts: &Facts<'_>) -> Vec<&'p str> {
    let mut evaluation = Evaluation::new(program, query, facts);
    let candidates = program.shadows.relevant(&query.action.name, &query.resource.kind, &mut evaluation);
    let applying = candidates.filter_map(|id| {
        let policy = program.policy(id)?;
        applies(policy, evaluation.truth(policy.condition)).then_some(policy.name.as_str())
    });
    applying.collect()
}

/// An allow applies only when its condition is true, a deny unless it is false.
pub(super) fn applies(policy: &Policy, condition: Option<bool>) -> bool {
    match policy.effect {
        Effect::Allow => condition == Some(true),
        Effect::Deny => condition != Some(false),
    }
}

/// So many properties of a request are looked at for a better reason; nobody sends more by hand.
const MOST_PROPERTIES: usize = 100;

/// A path that a policy reads from the store while the request carried a property of that name: the likely
/// reason why somebody wonders about this deny.
fn ignored_property<'p>(program: &'p Program, query: &Query<'_>) -> Option<&'p str> {
    let properties = &query.subject.properties;
    let in_traits = match properties.get("traits") {
        Some(Value::Object(traits)) => Some(traits),
        _ => None,
    };
    let names = properties.iter().chain(in_traits.into_iter().flat_map(Object::iter)).map(|(name, _)| name);
    let path = names.take(MOST_PROPERTIES).find_map(|name| program.stored.get(name))?;
    program.path(*path).map(|path| path.text.as_str())
}
