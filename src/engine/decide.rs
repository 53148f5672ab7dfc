//! The decision: denies first, then allows, each in name order, until one applies.

use crate::lang::ast::Effect;
use crate::model::{Decision, Denial, Facts, Object, Permit, Query, Value};

use super::eval::Evaluation;
use super::program::{Policy, Program};

/// Decides a query. An unknown never grants and never lifts a deny.
#[must_use]
pub fn decide<'p>(program: &'p Program, query: &Query<'_>, facts: &Facts<'_>) -> Decision<'p> {
    let mut evaluation = Evaluation::new(program, query, facts);
    for id in program.index.candidates(&query.action.name, &query.resource.kind) {
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

/// An allow applies only when its condition is true, a deny unless it is false.
pub(super) fn applies(policy: &Policy, condition: Option<bool>) -> bool {
    match policy.effect {
        Effect::Allow => condition == Some(true),
        Effect::Deny => condition != Some(false),
    }
}

/// A path that a candidate reads from the store while the request carried a property of that name: the likely
/// reason why somebody wonders about this deny.
fn ignored_property<'p>(program: &'p Program, query: &Query<'_>) -> Option<&'p str> {
    let properties = &query.subject.properties;
    if properties.is_empty() {
        return None;
    }
    program
        .index
        .candidates(&query.action.name, &query.resource.kind)
        .filter_map(|id| program.policy(id))
        .flat_map(|policy| policy.stored.iter().filter_map(|path| program.path(*path)))
        .find(|path| path.stored_name().is_some_and(|name| carries(properties, name)))
        .map(|path| path.text.as_str())
}

fn carries(properties: &Object<'_>, name: &str) -> bool {
    let in_traits = match properties.get("traits") {
        Some(Value::Object(traits)) => traits.get(name).is_some(),
        _ => false,
    };
    in_traits || properties.get(name).is_some()
}
