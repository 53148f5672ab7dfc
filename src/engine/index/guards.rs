//! What a condition asks for before anything else: that a path hold one of some values.

use smol_str::SmolStr;

use crate::lang::ast::CompareOp;
use crate::model::Value;

use super::super::operand::Operand;
use super::super::program::{Node, NodeId, PathId, Program};

/// A longer list of values is not worth its entries.
const MOST_KEYS: usize = 64;

/// A conjunct of a condition that says: this is one of these values. Where it is not, the condition is false; where
/// nobody can say, it is false or unknown.
pub(super) struct Guard {
    pub(super) subject: Subject,
    /// A node whose value is that of the subject.
    pub(super) node: NodeId,
    /// Scalars of one kind.
    pub(super) keys: Vec<Key>,
}

/// What is compared: a path, or a path with a default.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Subject {
    Path(PathId),
    Default(PathId, Key),
}

/// A scalar by which policies are found. Keys are equal if their values are.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Key {
    Bool(bool),
    Number(Number),
    Text(SmolStr),
}

/// A number, the same for integers and doubles that are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Number {
    Int(i64),
    /// The bits of a double that is no integer of 64 bits.
    Float(u64),
}

/// The kinds of keys. Values of different kinds are never equal and never unequal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    Number,
    Text,
}

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::Bool, Self::Number, Self::Text];
}

impl Key {
    fn of(value: &Value<'_>) -> Option<Self> {
        Some(match Operand::of(value)? {
            Operand::Bool(truth) => Key::Bool(truth),
            Operand::Text(text) => Key::Text(text.as_ref().into()),
            number => Key::Number(Number::of(&number)?),
        })
    }

    pub(super) fn kind(&self) -> Kind {
        match self {
            Key::Bool(_) => Kind::Bool,
            Key::Number(_) => Kind::Number,
            Key::Text(_) => Kind::Text,
        }
    }
}

impl Number {
    pub(super) fn of(operand: &Operand<'_>) -> Option<Self> {
        const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;
        match operand {
            Operand::Int(n) => Some(Number::Int(*n)),
            Operand::Float(x) if x.fract() == 0.0 && (-TWO_TO_63..TWO_TO_63).contains(x) => {
                Some(Number::Int(*x as i64))
            }
            Operand::Float(x) => Some(Number::Float(x.to_bits())),
            _ => None,
        }
    }
}

/// The guards of a condition: those of all parts that must hold for it to hold.
pub(super) fn of(program: &Program, condition: NodeId) -> Vec<Guard> {
    let mut guards = Vec::new();
    collect(program, condition, &mut guards);
    guards
}

fn collect(program: &Program, id: NodeId, guards: &mut Vec<Guard>) {
    let guard = match program.node(id) {
        Some(Node::And(run)) => {
            program.children(*run).iter().for_each(|child| collect(program, *child, guards));
            None
        }
        Some(Node::Shared(_, inner)) => {
            collect(program, *inner, guards);
            None
        }
        Some(Node::Compare(CompareOp::Equal, left, right)) => {
            equal(program, *left, *right).or_else(|| equal(program, *right, *left))
        }
        Some(Node::Compare(CompareOp::In, left, right)) => match program.node(*right) {
            Some(Node::Const(Value::List(items))) => guard(program, *left, items.iter()),
            _ => None,
        },
        // A condition that is just a path asks it for a truth.
        Some(Node::Path(_)) => guard(program, id, [&Value::Bool(true)]),
        Some(Node::Not(inner)) if matches!(program.node(*inner), Some(Node::Path(_))) => {
            guard(program, *inner, [&Value::Bool(false)])
        }
        _ => None,
    };
    guards.extend(guard);
}

fn equal(program: &Program, subject: NodeId, literal: NodeId) -> Option<Guard> {
    match program.node(literal)? {
        Node::Const(value) => guard(program, subject, [value]),
        _ => None,
    }
}

fn guard<'v>(program: &Program, node: NodeId, values: impl IntoIterator<Item = &'v Value<'static>>) -> Option<Guard> {
    let subject = match program.node(node)? {
        Node::Path(path) => Subject::Path(*path),
        Node::Default(run) => match program.children(*run) {
            [path, default] => match (program.node(*path)?, program.node(*default)?) {
                (Node::Path(path), Node::Const(default)) => Subject::Default(*path, Key::of(default)?),
                _ => return None,
            },
            _ => return None,
        },
        _ => return None,
    };
    let keys: Vec<Key> = values.into_iter().take(MOST_KEYS + 1).map(Key::of).collect::<Option<_>>()?;
    let kind = keys.first()?.kind();
    (keys.len() <= MOST_KEYS && keys.iter().all(|key| key.kind() == kind)).then_some(Guard { subject, node, keys })
}
