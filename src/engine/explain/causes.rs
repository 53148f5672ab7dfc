//! What made a condition unknown: the paths to blame, past all that is known.

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::Serialize;

use super::super::check::field_of;
use super::super::eval::Evaluation;
use super::super::path::Lookup;
use super::super::program::{Node, NodeId, Program};
use super::super::read::Read;

/// A path that made the condition of a candidate unknown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Unknown<'p> {
    /// The candidate.
    pub policy: &'p str,
    /// The path.
    pub path: &'p str,
    /// The file in which it stands.
    pub file: &'p str,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1, in characters.
    pub column: usize,
    /// What would make it known.
    pub mend: String,
}

#[derive(Clone, Copy)]
enum Mend {
    Absent,
    NobodyStored,
    Unreachable,
    Unusable,
    Default,
    WrongType,
}

/// A path that made a condition unknown, by its node, and what would make it known.
pub(super) struct Cause(NodeId, Mend);

impl Cause {
    /// As explanations tell it; `None` for what has no place.
    pub(super) fn unknown<'p>(self, program: &'p Program, policy: &'p str) -> Option<Unknown<'p>> {
        let Node::Path(path_id) = program.node(self.0)? else { return None };
        let path = program.path(*path_id)?.text.as_str();
        let site = *program.sites.get(self.0.0 as usize)?;
        let position = program.sources.position(site);
        let mend = match self.1 {
            Mend::Absent => {
                let also = match program.path(*path_id).and_then(field_of) {
                    Some(_) => ", and a default in its definition stands in for it",
                    None => "",
                };
                format!("`{path} ?? default` says what holds without it, `has({path})` tests for it{also}")
            }
            Mend::NobodyStored => format!(
                "nobody has stored this user: `{path} ?? default` says what holds for strangers, `has({path})` keeps them apart"
            ),
            Mend::Unreachable => "it is known again when the store can be reached".to_owned(),
            Mend::Unusable => "an integer beyond 64 bits is no number here: store it as a string".to_owned(),
            Mend::Default => "its default is not of the type that is needed here".to_owned(),
            Mend::WrongType => "its value is not of the type that it is compared with or used as".to_owned(),
        };
        let file = program.sources.get(site.source).map_or("", |source| source.name.as_str());
        Some(Unknown { policy, path, file, line: position.line, column: position.column, mend })
    }
}

/// The search for what makes a condition unknown.
pub(super) struct Causes<'c, 'd> {
    program: &'d Program,
    evaluation: &'c mut Evaluation<'d>,
    found: Vec<Cause>,
    /// `let`s and paths that were met: each counts once, however many ways lead to it.
    seen: HashSet<NodeId>,
}

impl<'c, 'd> Causes<'c, 'd> {
    /// The paths that make a condition unknown.
    pub(super) fn of(program: &'d Program, evaluation: &'c mut Evaluation<'d>, condition: NodeId) -> Vec<Cause> {
        let mut causes = Self { program, evaluation, found: Vec::new(), seen: HashSet::new() };
        causes.search(condition);
        causes.found
    }

    /// Goes down to the paths that make a node unknown, past all that is known.
    fn search(&mut self, id: NodeId) {
        let program = self.program;
        let Some(node) = program.node(id) else { return };
        match node {
            Node::And(run) | Node::Or(run) => {
                for child in program.children(*run) {
                    if self.evaluation.truth(*child).is_none() {
                        self.search(*child);
                    }
                }
            }
            Node::Not(child) => self.search(*child),
            Node::Shared(_, child) | Node::SharedValue(_, child) => {
                if self.seen.insert(id) {
                    self.search(*child);
                }
            }
            Node::Compare(_, left, right) => {
                let sides = [*left, *right].map(|side| self.evaluation.value(side).is_none().then_some(side));
                if sides == [None, None] {
                    let before = self.found.len();
                    for side in [left, right] {
                        if let Some(Node::List(run)) = program.node(*side) {
                            self.elements(program.children(*run));
                        }
                    }
                    if self.found.len() == before {
                        self.wrong_types(id);
                    }
                }
                sides.into_iter().flatten().for_each(|side| self.search(side));
            }
            Node::Path(_) => {
                let mend = match self.evaluation.read(id) {
                    Read::Absent if self.is_of_a_stranger(id) => Mend::NobodyStored,
                    Read::Absent => Mend::Absent,
                    Read::Unreachable => Mend::Unreachable,
                    Read::Unusable => Mend::Unusable,
                    Read::Present(_) => Mend::WrongType,
                };
                self.note(id, mend);
            }
            Node::Default(run) => {
                // Those in front are absent, and the next stands in for them; the one that is not is the cause.
                let children = program.children(*run);
                let cause = children.iter().find(|child| !matches!(self.evaluation.read(**child), Read::Absent));
                match cause.or(children.last()).map(|cause| (*cause, program.node(*cause))) {
                    Some((_, Some(Node::Const(_)))) | None => {
                        children.iter().take(1).for_each(|first| self.note(*first, Mend::Default));
                    }
                    Some((cause, _)) => self.search(cause),
                }
            }
            Node::Call(_, run) | Node::Sum(run) | Node::Product(run) => {
                let before = self.found.len();
                self.elements(program.children(*run));
                if self.found.len() == before {
                    self.wrong_types(id);
                }
            }
            Node::Minus(child) | Node::Like(child, _) | Node::Matches(child, _) => self.search(*child),
            // An element is to blame, and elements have no place of their own: the paths around it are named.
            Node::Quantifier { list, .. } => {
                if self.evaluation.value(*list).is_none() {
                    self.search(*list);
                } else {
                    self.wrong_types(id);
                }
            }
            Node::List(run) => self.elements(program.children(*run)),
            Node::Const(_) => {}
        }
    }

    /// The elements of a list that have no value.
    fn elements(&mut self, elements: &[NodeId]) {
        for element in elements {
            if self.evaluation.value(*element).is_none() {
                self.search(*element);
            }
        }
    }

    /// Whether a path is one of a user whom nobody has stored.
    fn is_of_a_stranger(&self, id: NodeId) -> bool {
        let Some(Node::Path(path)) = self.program.node(id) else { return false };
        let is_user = self.program.path(*path).is_some_and(|path| path.lookup == Lookup::User);
        is_user && self.evaluation.is_stranger()
    }

    fn note(&mut self, path: NodeId, mend: Mend) {
        if self.seen.insert(path) {
            self.found.push(Cause(path, mend));
        }
    }

    /// Everything under here has a value, and the values do not go together.
    fn wrong_types(&mut self, id: NodeId) {
        let mut paths = Vec::new();
        self.program.walk(id, &mut HashSet::new(), &mut |node| paths.push(node));
        paths.into_iter().for_each(|path| self.note(path, Mend::WrongType));
    }
}
