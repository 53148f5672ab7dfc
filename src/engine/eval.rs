//! Conditions to one of three values: `Some(true)`, `Some(false)`, or `None` for unknown.
//!
//! The recursion is bounded: the parser bounds nesting, and the resolver bounds what `let`s add to it.

use smallvec::SmallVec;

use crate::lang::ast::CompareOp;
use crate::model::{Facts, Query, Stored, Value};

use super::builtins::{Builtin, Clock, Run};
use super::check::field_of;
use super::operand::{self, Operand, all, any};
use super::path::{Lookup, Path};
use super::program::{Children, Node, NodeId, Program};
use super::read::{Read, Wall, World};
use super::steps::step;

/// So many quantifiers may stand within each other.
pub(super) const MAX_QUANTIFIERS: usize = 2;

/// A quantifier looks at no longer list.
pub(super) const MAX_ELEMENTS: usize = 1000;

/// So many conditions of `let`s are remembered without asking for memory, and so many values.
const CONDITIONS: usize = 256;
const VALUES: usize = 8;

/// What was evaluated, by its number. Nothing is there before the first of them.
struct Memo<T: Clone, const INLINE: usize> {
    known: SmallVec<[Option<T>; INLINE]>,
    count: usize,
}

impl<T: Clone, const INLINE: usize> Memo<T, INLINE> {
    fn new(count: usize) -> Self {
        Self { known: SmallVec::new(), count }
    }

    fn get(&self, number: u32) -> Option<&T> {
        self.known.get(number as usize)?.as_ref()
    }

    fn set(&mut self, number: u32, value: T) {
        if self.known.is_empty() {
            self.known.resize(self.count, None);
        }
        if let Some(slot) = self.known.get_mut(number as usize) {
            *slot = Some(value);
        }
    }
}

/// One decision's evaluation of a program.
pub(super) struct Evaluation<'d> {
    program: &'d Program,
    world: World<'d>,
    conditions: Memo<Option<bool>, CONDITIONS>,
    values: Memo<Option<Operand<'d>>, VALUES>,
    /// The elements that quantifiers look at, outermost first.
    variables: [Read<'d>; MAX_QUANTIFIERS],
}

impl<'d> Evaluation<'d> {
    pub(super) fn new(program: &'d Program, query: &'d Query<'d>, facts: &'d Facts<'d>) -> Self {
        let world = World { query, facts, zone: &program.zone, defaults: &program.defaults, wall: Wall::default() };
        Self {
            program,
            world,
            conditions: Memo::new(program.shared),
            values: Memo::new(program.shared_values),
            variables: [Read::Absent, Read::Absent],
        }
    }

    /// The truth of a condition.
    pub(super) fn truth(&mut self, id: NodeId) -> Option<bool> {
        let program = self.program;
        step();
        match program.node(id)? {
            Node::Or(run) => any(program.children(*run).iter().map(|child| self.truth(*child))),
            Node::And(run) => all(program.children(*run).iter().map(|child| self.truth(*child))),
            Node::Not(child) => self.truth(*child).map(|truth| !truth),
            Node::Compare(op, left, right) => {
                // Not as a pair: both would be moved once more, which is a tenth of a small decision.
                let left = self.value(*left);
                let right = self.value(*right);
                compare(*op, left.as_ref(), right.as_ref())
            }
            Node::Shared(number, inner) => {
                if let Some(known) = self.conditions.get(*number) {
                    return *known;
                }
                let truth = self.truth(*inner);
                self.conditions.set(*number, truth);
                truth
            }
            Node::Like(text, pattern) => match self.value(*text)? {
                Operand::Text(text) => Some(program.patterns.get(*pattern as usize)?.matches(&text)),
                _ => None,
            },
            Node::Matches(text, regex) => match self.value(*text)? {
                Operand::Text(text) => Some(program.regexes.get(*regex as usize)?.is_match(&text)),
                _ => None,
            },
            Node::Quantifier { all, depth, list, condition } => self.quantified(*all, *depth, *list, *condition),
            Node::Const(_)
            | Node::Path(_)
            | Node::Default(_)
            | Node::Call(..)
            | Node::Sum(_)
            | Node::Minus(_)
            | Node::Product(_)
            | Node::List(_)
            | Node::SharedValue(..) => match self.value(id)? {
                Operand::Bool(truth) => Some(truth),
                _ => None,
            },
        }
    }

    /// The value of an expression; `None` where it is unknown.
    pub(super) fn value(&mut self, id: NodeId) -> Option<Operand<'d>> {
        let program = self.program;
        step();
        match program.node(id)? {
            Node::Const(value) => Operand::of(value),
            Node::Path(_) | Node::Default(_) => self.read(id).value(),
            Node::Call(builtin, run) => self.call(builtin, program.children(*run)),
            Node::Sum(run) => {
                let (first, rest) = program.children(*run).split_first()?;
                let mut sum = self.value(*first)?;
                for term in rest {
                    let (term, minus) = match program.node(*term)? {
                        Node::Minus(term) => (*term, true),
                        _ => (*term, false),
                    };
                    sum = operand::add(&sum, &self.value(term)?, minus)?;
                }
                Some(sum)
            }
            // Only within a sum.
            Node::Minus(_) => None,
            Node::Product(run) => {
                let (first, rest) = program.children(*run).split_first()?;
                let mut product = self.value(*first)?;
                for factor in rest {
                    product = operand::multiply(&product, &self.value(*factor)?)?;
                }
                Some(product)
            }
            Node::List(run) => {
                Some(Operand::Made(program.children(*run).iter().map(|child| self.read(*child)).collect()))
            }
            Node::SharedValue(number, inner) => {
                if let Some(known) = self.values.get(*number) {
                    return known.clone();
                }
                let value = self.value(*inner);
                self.values.set(*number, value.clone());
                value
            }
            Node::Or(_)
            | Node::And(_)
            | Node::Not(_)
            | Node::Compare(..)
            | Node::Like(..)
            | Node::Matches(..)
            | Node::Quantifier { .. }
            | Node::Shared(..) => self.truth(id).map(Operand::Bool),
        }
    }

    /// What stands at the path that a node is, or at the first of several. Anything else that has a value is present.
    pub(super) fn read(&mut self, id: NodeId) -> Read<'d> {
        let program = self.program;
        match program.node(id) {
            Some(Node::Path(path)) => match program.path(*path) {
                Some(Path { lookup: Lookup::Variable(depth), steps, .. }) => {
                    self.variables.get(usize::from(*depth)).cloned().map_or(Read::Absent, |element| element.step(steps))
                }
                // What users wrote while they still might is nobody's word now: unknown, so that it neither grants nor
                // lifts a deny.
                Some(path) if self.is_outdated(path) => Read::Unusable,
                Some(path) => self.world.read(path),
                None => Read::Absent,
            },
            Some(Node::Default(run)) => self.first_present(*run),
            _ => self.value(id).map_or(Read::Unusable, Read::Present),
        }
    }

    /// What stands at a path that is no variable's.
    pub(super) fn at(&self, path: &'d Path) -> Read<'d> {
        self.world.read(path)
    }

    /// Whether the subject is a user whom nobody has stored.
    pub(super) fn is_stranger(&self) -> bool {
        self.world.query.subject.user_id().is_some() && matches!(self.world.facts.user, Stored::Absent)
    }

    /// Whether a path reads what the user wrote in a field that is not the user's to write any more.
    fn is_outdated(&self, path: &Path) -> bool {
        let own = self.world.facts.self_asserted;
        !own.is_empty()
            && field_of(path)
                .is_some_and(|(bag, slug)| own.holds(bag, slug) && self.program.user_writable.get(slug) != Some(&bag))
    }

    fn call(&mut self, builtin: &Builtin, arguments: &[NodeId]) -> Option<Operand<'d>> {
        match (builtin.run, arguments) {
            (Run::Presence(run), [path]) => run(&self.read(*path)).map(Operand::Bool),
            (Run::Provenance, [path]) => self.self_asserted(*path).map(Operand::Bool),
            (Run::Clock(run), [since]) => {
                let clock = Clock { now: self.world.query.now, zone: self.world.zone };
                run(&self.value(*since)?, clock)
            }
            (Run::Zone(run), [at, zone]) => {
                let Operand::Time(at) = self.value(*at)? else { return None };
                let Some(Node::Const(Value::Str(zone))) = self.program.node(*zone) else { return None };
                Some(run(self.program.zones.get(zone.as_ref())?.to_datetime(at)))
            }
            (Run::Values(run), [a]) => run(&[self.value(*a)?]),
            (Run::Values(run), [a, b]) => run(&[self.value(*a)?, self.value(*b)?]),
            (Run::Values(run), [a, b, c]) => run(&[self.value(*a)?, self.value(*b)?, self.value(*c)?]),
            _ => None,
        }
    }

    /// Kleene's OR or AND over the elements of a list; unknown over what is no list, or a very long one.
    fn quantified(&mut self, all: bool, depth: u8, list: NodeId, condition: NodeId) -> Option<bool> {
        let list = self.value(list)?;
        let length = list.list_len().filter(|length| *length <= MAX_ELEMENTS)?;
        let mut outcome = Some(all);
        for place in 0..length {
            let element = match &list {
                Operand::List(items) => items.get(place).map_or(Read::Absent, Read::of),
                Operand::Made(items) => items.get(place).cloned().unwrap_or(Read::Absent),
                _ => Read::Absent,
            };
            if let Some(variable) = self.variables.get_mut(usize::from(depth)) {
                *variable = element;
            }
            match self.truth(condition) {
                Some(truth) if truth != all => return Some(!all),
                Some(_) => {}
                None => outcome = None,
            }
        }
        outcome
    }

    /// Whether the user wrote the field of a path; unknown in an outage.
    fn self_asserted(&mut self, id: NodeId) -> Option<bool> {
        let program = self.program;
        let Some(Node::Path(path)) = program.node(id) else { return None };
        let (bag, slug) = field_of(program.path(*path)?)?;
        match self.read(id) {
            Read::Unreachable => None,
            _ => Some(self.world.facts.self_asserted.holds(bag, slug)),
        }
    }

    /// `a ?? b ?? c`: a default stands in for what is absent, never for what an outage hides.
    fn first_present(&mut self, run: Children) -> Read<'d> {
        let mut links = self.program.children(run).iter().map(|link| self.read(*link));
        links.find(|read| !matches!(read, Read::Absent)).unwrap_or(Read::Absent)
    }
}

/// What an operator makes of two values, either of which may be unknown.
pub(super) fn compare(op: CompareOp, left: Option<&Operand<'_>>, right: Option<&Operand<'_>>) -> Option<bool> {
    match (op, left, right) {
        // An OR of no equalities is false, whatever it would have asked for.
        (CompareOp::In, item, Some(list)) => return operand::contained(item, list),
        (CompareOp::Contains, Some(whole), part) => return operand::contains(whole, part),
        _ => {}
    }
    let (left, right) = (left?, right?);
    match op {
        CompareOp::Equal => operand::equal(left, right),
        CompareOp::NotEqual => operand::equal(left, right).map(|equal| !equal),
        CompareOp::Less => operand::order(left, right).map(|order| order.is_lt()),
        CompareOp::LessOrEqual => operand::order(left, right).map(|order| order.is_le()),
        CompareOp::Greater => operand::order(left, right).map(|order| order.is_gt()),
        CompareOp::GreaterOrEqual => operand::order(left, right).map(|order| order.is_ge()),
        CompareOp::In | CompareOp::Contains => None,
        // Both have nodes of their own: their right sides are made ready when a set is compiled.
        CompareOp::Like | CompareOp::Matches => None,
        CompareOp::StartsWith => match (left, right) {
            (Operand::Text(whole), Operand::Text(part)) => Some(whole.starts_with(part.as_ref())),
            _ => None,
        },
        CompareOp::EndsWith => match (left, right) {
            (Operand::Text(whole), Operand::Text(part)) => Some(whole.ends_with(part.as_ref())),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests;
