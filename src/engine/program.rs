//! The compiled form of a policy set: flat arenas of nodes, paths and policies that point at each other by number.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use regex::Regex;
use smol_str::SmolStr;

use crate::lang::ast::{CompareOp, Effect, Selector};
use crate::lang::{Site, Sources};
use crate::model::{Bag, Object, PolicyRef, Query, Slug, Value};

use super::builtins::Builtin;
use super::index::Index;
use super::path::Path;
use super::pattern::Pattern;
use super::routes::Routes;

/// A node of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct NodeId(pub(super) u32);

/// A path of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct PathId(pub(super) u32);

/// A policy: denies before allows, each by name, so that numbers go in the order of evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PolicyId(pub(super) u32);

/// A run of node numbers in `Program::children`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Children {
    pub(super) start: u32,
    pub(super) end: u32,
}

/// One step of an evaluation.
#[derive(Debug, Clone)]
pub(super) enum Node {
    Const(Value<'static>),
    Path(PathId),
    Or(Children),
    And(Children),
    Not(NodeId),
    Compare(CompareOp, NodeId, NodeId),
    /// The first that is there.
    Default(Children),
    Call(&'static Builtin, Children),
    /// Terms; those that are taken off are `Minus`.
    Sum(Children),
    Minus(NodeId),
    Product(Children),
    /// A string and the number of a pattern with `*`.
    Like(NodeId, u32),
    /// A string and the number of a regular expression.
    Matches(NodeId, u32),
    /// Whether a condition holds for all elements of a list, or for any; and how deep in other quantifiers it is.
    Quantifier {
        all: bool,
        depth: u8,
        list: NodeId,
        condition: NodeId,
    },
    /// A list with something to evaluate in it.
    List(Children),
    /// The condition of a `let`, evaluated once per decision and remembered under a number.
    Shared(u32, NodeId),
    /// The value of a `let`, likewise.
    SharedValue(u32, NodeId),
}

/// A policy as it is decided upon.
#[derive(Debug)]
pub(super) struct Policy {
    pub(super) shadow: bool,
    pub(super) effect: Effect,
    pub(super) name: SmolStr,
    /// Where its name stands.
    pub(super) site: Site,
    pub(super) action: Selector,
    pub(super) resource: Selector,
    pub(super) reason: Option<String>,
    /// `when AND NOT unless`
    pub(super) condition: NodeId,
    /// What stands in its `when`.
    pub(super) when: NodeId,
    /// What stands in its `unless`.
    pub(super) unless: Option<NodeId>,
}

/// The name of a `let`.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) name: SmolStr,
    /// Where it is declared.
    pub(super) site: Site,
    /// Whether something uses it.
    pub(super) used: bool,
}

/// A compiled policy set.
pub struct Program {
    pub(super) nodes: Vec<Node>,
    /// Where each node stands.
    pub(super) sites: Vec<Site>,
    pub(super) children: Vec<NodeId>,
    pub(super) paths: Vec<Path>,
    /// What is read from the store under a name that a request might carry too.
    pub(super) stored: HashMap<SmolStr, PathId>,
    pub(super) policies: Vec<Policy>,
    pub(super) index: Index,
    /// Policies that are watched and never counted.
    pub(super) shadows: Index,
    pub(super) routes: Routes,
    pub(super) patterns: Vec<Pattern>,
    pub(super) regexes: Vec<Regex>,
    /// How many conditions of `let`s are remembered in a decision.
    pub(super) shared: usize,
    /// How many values of `let`s are.
    pub(super) shared_values: usize,
    /// The names of `let`s, for those who look at them.
    pub(super) lets: Vec<Named>,
    pub(super) zone: jiff::tz::TimeZone,
    /// Time zones that policies name.
    pub(super) zones: HashMap<String, jiff::tz::TimeZone>,
    /// Whether something about a stored user is read.
    pub(super) reads_user: bool,
    /// The attributes of resources that are read.
    pub(super) resource_attributes: Vec<SmolStr>,
    /// Fields that users may write.
    pub(super) user_writable: HashMap<Slug, Bag>,
    /// Fields whose values are masked where they are not needed.
    pub(super) sensitive: HashMap<Slug, Bag>,
    /// Defaults of definitions, in the shape of a user's facts.
    pub(super) defaults: Object<'static>,
    pub(super) sources: Arc<Sources>,
    pub(super) revision: String,
}

impl Program {
    /// A hash of all that decides: the same on every machine with the same files.
    #[must_use]
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// The files that it was compiled from.
    #[must_use]
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// What requests are, by method, path and host.
    #[must_use]
    pub fn routes(&self) -> &Routes {
        &self.routes
    }

    /// Whether a decision may read something about a stored user: else there is no need to look for one.
    #[must_use]
    pub fn reads_user(&self) -> bool {
        self.reads_user
    }

    /// Whether a decision about a query may read a stored attribute of its resource: one that the request does not
    /// supply itself.
    #[must_use]
    pub fn reads_resource(&self, query: &Query<'_>) -> bool {
        self.resource_attributes.iter().any(|name| query.resource.properties.get(name).is_none())
    }

    /// How many policies there are.
    #[must_use]
    pub fn policy_count(&self) -> usize {
        self.policies.len()
    }

    /// The names of the policies that read a field of a user.
    #[must_use]
    pub fn readers_of(&self, bag: Bag, slug: &str) -> Vec<&str> {
        let reads = |id: NodeId| match self.node(id) {
            Some(Node::Path(path)) => self.path(*path).is_some_and(|path| path.reads_field(bag, slug)),
            _ => false,
        };
        let is_reader = |policy: &&Policy| {
            let mut found = false;
            self.walk(policy.condition, &mut HashSet::new(), &mut |id| found |= reads(id));
            found
        };
        self.policies.iter().filter(is_reader).map(|policy| policy.name.as_str()).collect()
    }

    pub(super) fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id.0 as usize)
    }

    pub(super) fn path(&self, id: PathId) -> Option<&Path> {
        self.paths.get(id.0 as usize)
    }

    pub(super) fn policy(&self, id: PolicyId) -> Option<&Policy> {
        self.policies.get(id.0 as usize)
    }

    pub(super) fn children(&self, run: Children) -> &[NodeId] {
        self.children.get(run.start as usize..run.end as usize).unwrap_or(&[])
    }
}

impl Program {
    /// Calls `visit` with every path node under `id`; what is shared is visited once.
    pub(super) fn walk(&self, id: NodeId, seen: &mut HashSet<NodeId>, visit: &mut dyn FnMut(NodeId)) {
        self.visit(id, seen, &mut |id, node| {
            if matches!(node, Node::Path(_)) {
                visit(id);
            }
        });
    }

    /// Calls `visit` with every node under `id`, itself included; what is shared is visited once.
    pub(super) fn visit(&self, id: NodeId, seen: &mut HashSet<NodeId>, visit: &mut dyn FnMut(NodeId, &Node)) {
        let Some(node) = self.node(id) else { return };
        if matches!(node, Node::Shared(..) | Node::SharedValue(..)) && !seen.insert(id) {
            return;
        }
        visit(id, node);
        self.below(node).iter().for_each(|child| self.visit(*child, seen, visit));
    }

    /// The nodes right below a node, in the order in which they were written.
    pub(super) fn below(&self, node: &Node) -> Vec<NodeId> {
        match node {
            Node::Path(_) | Node::Const(_) => Vec::new(),
            Node::And(run)
            | Node::Or(run)
            | Node::Default(run)
            | Node::List(run)
            | Node::Call(_, run)
            | Node::Sum(run)
            | Node::Product(run) => self.children(*run).to_vec(),
            Node::Not(child)
            | Node::Minus(child)
            | Node::Like(child, _)
            | Node::Matches(child, _)
            | Node::Shared(_, child)
            | Node::SharedValue(_, child) => vec![*child],
            Node::Compare(_, left, right) | Node::Quantifier { list: left, condition: right, .. } => {
                vec![*left, *right]
            }
        }
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (policies, nodes) = (self.policies.len(), self.nodes.len());
        f.debug_struct("Program")
            .field("revision", &self.revision)
            .field("policies", &policies)
            .field("nodes", &nodes)
            .finish()
    }
}

impl Policy {
    pub(super) fn as_ref(&self) -> PolicyRef<'_> {
        PolicyRef { name: &self.name, reason: self.reason.as_deref() }
    }
}
