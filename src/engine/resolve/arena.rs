//! The nodes under construction, with what is known of each before it runs.

use std::collections::HashMap;

use crate::lang::Site;
use crate::model::Value;

use super::super::Type;
use super::super::eval::MAX_ELEMENTS;
use super::super::path::Path;
use super::super::program::{Children, Node, NodeId, PathId};

/// An expression may be this deep once its `let`s are put in: what evaluation may recurse.
pub(super) const MAX_DEPTH: u32 = 256;

/// An expression may evaluate this many nodes; the condition of a `let` counts once.
pub(super) const MAX_COST: u32 = 100_000;

/// A condition may take this many steps if its lists are as long as quantifiers take them.
pub(in super::super) const MAX_STEPS: u64 = 20_000_000;

/// Nodes, and beside each its type, depth and cost.
#[derive(Default)]
pub(super) struct Arena {
    pub(super) nodes: Vec<Node>,
    pub(super) sites: Vec<Site>,
    pub(super) children: Vec<NodeId>,
    pub(super) paths: Vec<Path>,
    path_ids: HashMap<Path, PathId>,
    known: Vec<Known>,
}

#[derive(Clone, Copy)]
struct Known {
    value_type: Type,
    depth: u32,
    cost: u32,
    steps: u64,
}

/// A node grew beyond what an evaluation may take.
pub(super) enum TooComplex {
    Depth,
    Cost,
    Steps,
}

impl Arena {
    /// Adds a node over `below`, of the type that its kind gives.
    pub(super) fn add(
        &mut self,
        node: Node,
        value_type: Type,
        site: Site,
        below: &[NodeId],
    ) -> Result<NodeId, TooComplex> {
        let below: Vec<Known> = below.iter().filter_map(|id| self.known.get(id.0 as usize).copied()).collect();
        let depth = below.iter().map(|known| known.depth).max().unwrap_or(0).saturating_add(1);
        let cost = below.iter().fold(1_u32, |sum, known| sum.saturating_add(known.cost));
        if depth > MAX_DEPTH {
            return Err(TooComplex::Depth);
        }
        if cost > MAX_COST {
            return Err(TooComplex::Cost);
        }
        // A quantifier's condition is evaluated for each element of its list.
        let times = |place: usize| match node {
            Node::Quantifier { .. } if place > 0 => MAX_ELEMENTS as u64,
            _ => 1,
        };
        let each = below.iter().enumerate().map(|(place, known)| known.steps.saturating_mul(times(place)));
        let own = match node {
            Node::Call(builtin, _) if builtin.pairs_elements() => MAX_ELEMENTS as u64,
            _ => 1,
        };
        let steps = each.fold(own, u64::saturating_add);
        if steps > MAX_STEPS {
            return Err(TooComplex::Steps);
        }
        // A `let` is evaluated once, but comparing its value costs its size each time.
        let cost = if matches!(node, Node::Shared(..)) { 1 } else { cost };
        let steps = if matches!(node, Node::Shared(..) | Node::SharedValue(..)) { 1 } else { steps };
        let id = NodeId(self.nodes.len() as u32);
        self.nodes.push(node);
        self.sites.push(site);
        self.known.push(Known { value_type, depth, cost, steps });
        Ok(id)
    }

    /// A run of children, for a node that has many.
    pub(super) fn run(&mut self, children: &[NodeId]) -> Children {
        let start = self.children.len() as u32;
        self.children.extend_from_slice(children);
        Children { start, end: self.children.len() as u32 }
    }

    /// The number of a path; equal paths have one.
    pub(super) fn path(&mut self, path: Path) -> PathId {
        if let Some(id) = self.path_ids.get(&path) {
            return *id;
        }
        let id = PathId(self.paths.len() as u32);
        self.paths.push(path.clone());
        self.path_ids.insert(path, id);
        id
    }

    pub(super) fn type_of(&self, id: NodeId) -> Type {
        self.known.get(id.0 as usize).map_or(Type::Any, |known| known.value_type)
    }

    /// The value of a node that is a literal.
    pub(super) fn constant(&self, id: NodeId) -> Option<&Value<'static>> {
        match self.nodes.get(id.0 as usize) {
            Some(Node::Const(value)) => Some(value),
            _ => None,
        }
    }

    pub(super) fn is_path(&self, id: NodeId) -> bool {
        matches!(self.nodes.get(id.0 as usize), Some(Node::Path(_)))
    }
}
