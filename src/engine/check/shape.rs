//! Conditions by what they say, not by where they stand: equal shapes mean the same.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::lang::ast::CompareOp;

use super::super::program::{Node, NodeId, Program};

/// What identifies a condition.
pub(super) type Shape = u64;

/// Shapes of the nodes of a program; each is made once.
pub(super) struct Shapes<'p> {
    program: &'p Program,
    made: HashMap<NodeId, Shape>,
}

impl<'p> Shapes<'p> {
    pub(super) fn new(program: &'p Program) -> Self {
        Self { program, made: HashMap::new() }
    }

    /// The shapes of all that must hold for a condition to hold. None at all: it always holds.
    pub(super) fn conjuncts(&mut self, id: NodeId) -> Vec<Shape> {
        let mut all = HashSet::new();
        self.collect(id, &mut all);
        let mut all: Vec<Shape> = all.into_iter().collect();
        all.sort_unstable();
        all
    }

    fn collect(&mut self, id: NodeId, into: &mut HashSet<Shape>) {
        let program = self.program;
        match program.node(id) {
            Some(Node::And(run)) => program.children(*run).iter().for_each(|child| self.collect(*child, into)),
            Some(Node::Shared(_, inner)) => self.collect(*inner, into),
            Some(Node::Const(crate::model::Value::Bool(true))) => {}
            _ => {
                into.insert(self.of(id));
            }
        }
    }

    /// The shape of a node.
    pub(super) fn of(&mut self, id: NodeId) -> Shape {
        if let Some(shape) = self.made.get(&id) {
            return *shape;
        }
        let program = self.program;
        let mut hash = DefaultHasher::new();
        if let Some(node) = program.node(id) {
            if let Node::Shared(_, inner) | Node::SharedValue(_, inner) = node {
                return self.of(*inner);
            }
            std::mem::discriminant(node).hash(&mut hash);
            match node {
                Node::Const(value) => format!("{value:?}").hash(&mut hash),
                Node::Path(path) => path.hash(&mut hash),
                Node::Compare(op, _, _) => format!("{op:?}").hash(&mut hash),
                Node::Call(builtin, _) => builtin.name.hash(&mut hash),
                Node::Like(_, pattern) => format!("{:?}", program.patterns.get(*pattern as usize)).hash(&mut hash),
                Node::Matches(_, regex) => {
                    program.regexes.get(*regex as usize).map(regex::Regex::as_str).hash(&mut hash);
                }
                Node::Quantifier { all, depth, .. } => (all, depth).hash(&mut hash),
                _ => {}
            }
            let mut below: Vec<Shape> = program.below(node).iter().map(|child| self.of(*child)).collect();
            let order_is_all_one = matches!(
                node,
                Node::And(_)
                    | Node::Or(_)
                    | Node::Product(_)
                    | Node::Compare(CompareOp::Equal | CompareOp::NotEqual, ..)
            );
            if order_is_all_one {
                below.sort_unstable();
            }
            below.hash(&mut hash);
        }
        let shape = hash.finish();
        self.made.insert(id, shape);
        shape
    }
}
