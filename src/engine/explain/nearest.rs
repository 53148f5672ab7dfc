//! The single fact that would turn the outcome, if there is one: each value that a candidate compares a path with is
//! tried in its place.

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::Serialize;
use smol_str::SmolStr;

use crate::lang::ast::CompareOp;
use crate::model::{Facts, Object, Query, Stored, Value};

use super::super::builtins::Run;
use super::super::decide::decide;
use super::super::eval::Evaluation;
use super::super::path::{Lookup, Path, Step};
use super::super::program::{Node, NodeId, PathId, Program};

/// So many changes are tried: each is a decision of its own.
const MAX_TRIES: usize = 500;

/// A fact that would turn the outcome.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Nearest<'p> {
    /// The path.
    pub path: &'p str,
    /// The value that would have to stand there; `null` for none.
    pub value: Value<'static>,
    /// What the decision would be.
    pub decision: bool,
    /// The policy that would decide, if one would.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<SmolStr>,
}

/// Looks for a fact that would turn the outcome.
#[must_use]
pub fn nearest<'p>(program: &'p Program, query: &Query<'_>, facts: &Facts<'_>) -> Option<Nearest<'p>> {
    let allowed = decide(program, query, facts).is_allow();
    let mut changes = Changes { program, seen: HashSet::new(), found: Vec::new() };
    for id in program.index.candidates(&query.action.name, &query.resource.kind) {
        changes.search(program.policy(id)?.condition);
        if changes.found.len() >= MAX_TRIES {
            break;
        }
    }
    // A value of the type that is there now is the nearest, and any value is nearer than the lack of one.
    let evaluation = Evaluation::new(program, query, facts);
    let now = |id: PathId| program.path(id).and_then(|path| evaluation.at(path).value()).and_then(|now| now.to_value());
    changes.found.sort_by_cached_key(|(id, value)| match (value, now(*id)) {
        (None, _) => 2,
        (Some(value), Some(now)) => u8::from(value.data_type() != now.data_type()),
        (Some(_), None) => 0,
    });
    changes.found.into_iter().take(MAX_TRIES).find_map(|(id, value)| {
        let path = program.path(id)?;
        let world = World::changed(query, facts, path, value.clone())?;
        let decision = decide(program, &world.query, &world.facts());
        (decision.is_allow() != allowed).then(|| Nearest {
            path: &path.text,
            value: value.unwrap_or(Value::Null),
            decision: !allowed,
            policy: decision.policy().map(|policy| policy.name.into()),
        })
    })
}

/// A path and what might stand there instead; `None` for nothing.
type Change = (PathId, Option<Value<'static>>);

/// The search for values that a condition asks for.
struct Changes<'p> {
    program: &'p Program,
    seen: HashSet<NodeId>,
    found: Vec<Change>,
}

impl Changes<'_> {
    fn search(&mut self, condition: NodeId) {
        let program = self.program;
        let mut nodes = Vec::new();
        program.visit(condition, &mut self.seen, &mut |id, _| nodes.push(id));
        self.condition(condition);
        for id in nodes {
            match program.node(id) {
                Some(Node::Compare(op, left, right)) => {
                    self.compared(*op, *left, *right);
                    self.compared(mirrored(*op), *right, *left);
                }
                Some(Node::Call(builtin, run)) => {
                    if let (Run::Presence(_), [path]) = (builtin.run, program.children(*run)) {
                        self.offer(*path, [Some(Value::Bool(true)), None]);
                    }
                }
                Some(Node::And(run) | Node::Or(run)) => {
                    program.children(*run).iter().for_each(|child| self.condition(*child));
                }
                Some(Node::Not(inner) | Node::Shared(_, inner)) => self.condition(*inner),
                Some(Node::Path(_)) => self.offer(id, [None]),
                Some(Node::Like(text, pattern)) => {
                    let fitting = program.patterns.get(*pattern as usize).map(|pattern| pattern.shortest());
                    self.offer(*text, [fitting.map(|text| Value::Str(text.into()))]);
                }
                _ => {}
            }
        }
    }

    /// What a path may be that stands for a condition by itself.
    fn condition(&mut self, id: NodeId) {
        if matches!(self.program.node(id), Some(Node::Path(_) | Node::Default(_))) {
            self.offer(id, [true, false].map(|truth| Some(Value::Bool(truth))));
        }
    }

    /// What would make a comparison hold, and what would not.
    fn compared(&mut self, op: CompareOp, side: NodeId, other: NodeId) {
        let Some(Node::Const(literal)) = self.program.node(other) else { return };
        let mut values = vec![literal.clone()];
        match (op, literal) {
            (CompareOp::In, Value::List(items)) => values.extend(items.iter().cloned()),
            (CompareOp::Contains, _) => values.push(Value::List([literal.clone()].into())),
            (_, Value::Int(n)) => {
                values.extend([n.checked_add(1), n.checked_sub(1)].into_iter().flatten().map(Value::Int))
            }
            (_, Value::Float(x)) => values.extend([x + 1.0, x - 1.0].map(Value::Float)),
            (_, Value::Bool(truth)) => values.push(Value::Bool(!truth)),
            _ => {}
        }
        self.offer(side, values.into_iter().map(Some));
    }

    /// Notes what could stand at the path that a node is, or has in front of its default.
    fn offer(&mut self, id: NodeId, values: impl IntoIterator<Item = Option<Value<'static>>>) {
        let path = match self.program.node(id) {
            Some(Node::Path(path)) => *path,
            Some(Node::Default(run)) => {
                match self.program.children(*run).first().map(|first| self.program.node(*first)) {
                    Some(Some(Node::Path(path))) => *path,
                    _ => return,
                }
            }
            _ => return,
        };
        for value in values {
            if !self.found.contains(&(path, value.clone())) {
                self.found.push((path, value));
            }
        }
    }
}

/// The same comparison with its sides changed, as far as it matters here.
fn mirrored(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::In => CompareOp::Contains,
        CompareOp::Contains => CompareOp::In,
        other => other,
    }
}

/// A question and facts with one of them changed.
struct World<'w> {
    query: Query<'w>,
    user: Changed<'w>,
    login: Changed<'w>,
    token: Option<Object<'w>>,
    unchanged: Facts<'w>,
}

/// A stored thing, and whether it was changed.
enum Changed<'w> {
    No(Stored<'w>),
    Yes(Object<'w>),
}

impl Changed<'_> {
    fn stored(&self) -> Stored<'_> {
        match self {
            Changed::No(stored) => *stored,
            Changed::Yes(object) => Stored::Present(object.into()),
        }
    }
}

impl<'w> World<'w> {
    /// `None` for what is not a matter of facts: who asks, for what, and when.
    fn changed(query: &Query<'w>, facts: &Facts<'w>, path: &Path, value: Option<Value<'w>>) -> Option<Self> {
        let mut world = Self {
            query: query.clone(),
            user: Changed::No(facts.user),
            login: Changed::No(facts.login),
            token: None,
            unchanged: *facts,
        };
        let steps = &*path.steps;
        match path.lookup {
            Lookup::User if !matches!(steps, [Step::Field(name), ..] if name == "id") => {
                world.user = changed_within(facts.user, steps, value)?;
            }
            Lookup::Login => world.login = changed_within(facts.login, steps, value)?,
            Lookup::Token => {
                let mut claims = facts.token.cloned().unwrap_or_default();
                set(&mut claims, steps, value)?;
                world.token = Some(claims);
            }
            Lookup::ResourceAttribute => {
                // The request's word stands before the store's: the whole of what is stored there goes with it.
                if let ([Step::Field(name), ..], Stored::Present(stored)) = (steps, facts.resource)
                    && query.resource.properties.get(name).is_none()
                    && let Some(stored) = stored.get(name)
                {
                    world.query.resource.properties.set(name.to_string(), stored.to_value());
                }
                set(&mut world.query.resource.properties, steps, value.or(Some(Value::Null)))?;
            }
            Lookup::SubjectProperty => set(&mut world.query.subject.properties, steps, value)?,
            Lookup::ActionProperty => set(&mut world.query.action.properties, steps, value)?,
            Lookup::Context => set(&mut world.query.context, steps, value)?,
            _ => return None,
        }
        Some(world)
    }

    fn facts(&self) -> Facts<'_> {
        let Facts { resource, token, self_asserted, .. } = self.unchanged;
        Facts {
            user: self.user.stored(),
            login: self.login.stored(),
            token: self.token.as_ref().or(token),
            resource,
            self_asserted,
        }
    }
}

/// What is stored, with a change; `None` in an outage, of which nobody knows what it hides.
fn changed_within<'w>(stored: Stored<'w>, steps: &[Step], value: Option<Value<'w>>) -> Option<Changed<'w>> {
    let mut object = match stored {
        Stored::Present(object) => object.to_object(),
        Stored::Absent => Object::new(),
        Stored::Unreachable => return None,
    };
    set(&mut object, steps, value)?;
    Some(Changed::Yes(object))
}

/// Sets or takes away what stands at some steps; `None` where the way leads through what is no object.
fn set<'w>(object: &mut Object<'w>, steps: &[Step], value: Option<Value<'w>>) -> Option<()> {
    let [Step::Field(name), rest @ ..] = steps else { return None };
    if rest.is_empty() {
        match value {
            Some(value) => object.set(name.to_string(), value),
            None => drop(object.remove(name)),
        }
        return Some(());
    }
    let mut inner = match object.get(name) {
        Some(Value::Object(inner)) => inner.clone(),
        None => Object::new(),
        Some(_) => return None,
    };
    set(&mut inner, rest, value)?;
    object.set(name.to_string(), Value::Object(inner));
    Some(())
}
