//! What a condition may come to before any fact is known: an evaluation over sets of truths and of values.
//!
//! It errs on one side only: what may come out is always among what it says. So "can never be true" is sure, and
//! two parts of a condition that exclude each other may go unseen.

use std::collections::HashMap;

use crate::lang::ast::CompareOp;
use crate::model::{Definitions, Value};

use super::super::builtins::Run;
use super::super::eval::compare;
use super::super::operand::Operand;
use super::super::path::{ClockKey, Lookup, Path};
use super::super::program::{Children, Node, NodeId, Program};
use super::super::types::Type;
use super::field_of;

/// More pairs of values than these are not tried one by one.
const MAX_PAIRS: usize = 10_000;

/// A set of truths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Truths(u8);

impl Truths {
    pub(super) const NONE: Self = Self(0);
    pub(super) const FALSE: Self = Self(1);
    pub(super) const TRUE: Self = Self(2);
    pub(super) const UNKNOWN: Self = Self(4);
    const EITHER: Self = Self(3);

    pub(super) fn may_be(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn of(truth: Option<bool>) -> Self {
        match truth {
            Some(false) => Self::FALSE,
            Some(true) => Self::TRUE,
            None => Self::UNKNOWN,
        }
    }

    fn each(self) -> impl Iterator<Item = Option<bool>> {
        [Some(false), Some(true), None].into_iter().filter(move |truth| self.may_be(Self::of(*truth)))
    }

    /// All that a connective makes of one of these and one of those.
    fn with(self, other: Self, connective: fn(Option<bool>, Option<bool>) -> Option<bool>) -> Self {
        let pairs = self.each().flat_map(|a| other.each().map(move |b| connective(a, b)));
        pairs.fold(Self::NONE, |all, truth| all.or(Self::of(truth)))
    }
}

fn and(a: Option<bool>, b: Option<bool>) -> Option<bool> {
    super::super::operand::all([a, b].into_iter())
}

fn or(a: Option<bool>, b: Option<bool>) -> Option<bool> {
    super::super::operand::any([a, b].into_iter())
}

/// What is taken for granted of the paths.
#[derive(Clone, Copy)]
pub(super) enum Assumption<'a> {
    /// Nothing: each may hold a value, or none, or nobody knows.
    Anything,
    /// These hold nothing, all others a value that fits.
    Absent(&'a dyn Fn(&Path) -> bool),
}

/// A set of values.
#[derive(Clone)]
struct Values<'p> {
    /// Whether there may be no value.
    unknown: bool,
    /// Whether there may be one.
    known: bool,
    /// The values that there may be; none for any.
    among: Option<Vec<&'p Value<'static>>>,
}

impl<'p> Values<'p> {
    const ANY: Self = Self { unknown: false, known: true, among: None };

    fn one(value: &'p Value<'static>) -> Self {
        Self { among: Some(vec![value]), ..Self::ANY }
    }

    fn may_be_empty(&self) -> bool {
        let empty = |value: &&Value<'_>| matches!(value, Value::List(items) if items.is_empty());
        self.among.iter().flatten().any(empty)
    }
}

/// The evaluation.
pub(super) struct Possible<'p> {
    program: &'p Program,
    definitions: &'p Definitions,
    assumption: Assumption<'p>,
    /// `let`s are looked at once.
    memo: HashMap<NodeId, Truths>,
}

impl<'p> Possible<'p> {
    pub(super) fn new(program: &'p Program, definitions: &'p Definitions, assumption: Assumption<'p>) -> Self {
        Self { program, definitions, assumption, memo: HashMap::new() }
    }

    /// What a condition may come to.
    pub(super) fn truths(&mut self, id: NodeId) -> Truths {
        let program = self.program;
        match program.node(id) {
            Some(Node::And(run)) => self.fold(*run, Truths::TRUE, and),
            Some(Node::Or(run)) => self.fold(*run, Truths::FALSE, or),
            Some(Node::Not(inner)) => {
                let truths = self.truths(*inner);
                truths.each().fold(Truths::NONE, |all, truth| all.or(Truths::of(truth.map(|truth| !truth))))
            }
            Some(Node::Compare(op, left, right)) => {
                let (left, right) = (self.values(*left), self.values(*right));
                self.compared(*op, &left, &right)
            }
            Some(Node::Shared(_, inner)) => {
                if let Some(truths) = self.memo.get(&id) {
                    return *truths;
                }
                let truths = self.truths(*inner);
                self.memo.insert(id, truths);
                truths
            }
            Some(Node::Like(text, _) | Node::Matches(text, _)) => self.either_of(&[*text]),
            Some(Node::Quantifier { all, list, condition, .. }) => {
                let list = self.values(*list);
                let of_none = if *all { Truths::TRUE } else { Truths::FALSE };
                let mut truths = if list.known { of_none.or(self.truths(*condition)) } else { Truths::NONE };
                if list.unknown {
                    truths = truths.or(Truths::UNKNOWN);
                }
                truths
            }
            Some(Node::Call(builtin, run)) if builtin.returns == Type::Bool => {
                let arguments = program.children(*run);
                match (builtin.run, arguments) {
                    (Run::Presence(run), [path]) if self.is_absent(*path) => {
                        Truths::of(run(&super::super::Read::Absent))
                    }
                    (Run::Provenance, [path]) if self.is_absent(*path) => Truths::FALSE,
                    (Run::Presence(run), [_]) if matches!(self.assumption, Assumption::Absent(_)) => {
                        Truths::of(run(&super::super::Read::Unusable))
                    }
                    (Run::Presence(_) | Run::Provenance, _) => Truths::EITHER.or(self.outage()),
                    _ => self.either_of(arguments),
                }
            }
            Some(_) => {
                let values = self.values(id);
                let known = match &values.among {
                    _ if !values.known => Truths::NONE,
                    None => Truths::EITHER,
                    Some(among) => among.iter().fold(Truths::NONE, |all, value| {
                        all.or(match value {
                            Value::Bool(truth) => Truths::of(Some(*truth)),
                            _ => Truths::UNKNOWN,
                        })
                    }),
                };
                if values.unknown { known.or(Truths::UNKNOWN) } else { known }
            }
            None => Truths::EITHER.or(Truths::UNKNOWN),
        }
    }

    fn fold(
        &mut self,
        run: Children,
        of_none: Truths,
        connective: fn(Option<bool>, Option<bool>) -> Option<bool>,
    ) -> Truths {
        let program = self.program;
        program.children(run).iter().fold(of_none, |truths, child| truths.with(self.truths(*child), connective))
    }

    /// Either truth, or unknown where an operand is.
    fn either_of(&mut self, operands: &[NodeId]) -> Truths {
        let values: Vec<Values<'p>> = operands.iter().map(|operand| self.values(*operand)).collect();
        let known = if values.iter().all(|values| values.known) { Truths::EITHER } else { Truths::NONE };
        if values.iter().any(|values| values.unknown) { known.or(Truths::UNKNOWN) } else { known }
    }

    fn compared(&self, op: CompareOp, left: &Values<'p>, right: &Values<'p>) -> Truths {
        let mut truths = Truths::NONE;
        // An OR of no equalities is false, whatever it would have asked for.
        let list = if op == CompareOp::Contains { left } else { right };
        if matches!(op, CompareOp::In | CompareOp::Contains) && list.may_be_empty() {
            truths = truths.or(Truths::FALSE);
        }
        if left.unknown || right.unknown {
            truths = truths.or(Truths::UNKNOWN);
        }
        if !left.known || !right.known {
            return truths;
        }
        let (Some(left), Some(right)) = (&left.among, &right.among) else { return truths.or(Truths::EITHER) };
        if left.len().saturating_mul(right.len()) > MAX_PAIRS {
            return truths.or(Truths::EITHER);
        }
        for (left, right) in left.iter().flat_map(|left| right.iter().map(move |right| (left, right))) {
            let (left, right) = (Operand::of(*left), Operand::of(*right));
            truths = truths.or(Truths::of(compare(op, left.as_ref(), right.as_ref())));
        }
        truths
    }

    fn values(&mut self, id: NodeId) -> Values<'p> {
        let program = self.program;
        match program.node(id) {
            Some(Node::Const(value)) => Values::one(value),
            Some(Node::Path(path)) => program.path(*path).map_or(Values::ANY, |path| self.at(path)),
            Some(Node::SharedValue(_, inner)) => self.values(*inner),
            Some(Node::Default(run)) => self.defaulted(program.children(*run)),
            Some(Node::Call(_, run) | Node::Sum(run) | Node::Product(run)) => self.made_of(program.children(*run)),
            Some(Node::Minus(inner)) => self.made_of(&[*inner]),
            // An unknown element is no unknown list, but what is asked about the list may be unknown.
            Some(Node::List(run)) => Values { known: true, ..self.made_of(program.children(*run)) },
            Some(_) => {
                let truths = self.truths(id);
                Values { unknown: truths.may_be(Truths::UNKNOWN), known: truths.may_be(Truths::EITHER), among: None }
            }
            None => Values { unknown: true, ..Values::ANY },
        }
    }

    /// Some value of these operands, if they all have one.
    fn made_of(&mut self, operands: &[NodeId]) -> Values<'p> {
        let mut made = Values::ANY;
        for operand in operands {
            let values = self.values(*operand);
            made.unknown |= values.unknown;
            made.known &= values.known;
        }
        // A sum may leave 64 bits, a function may not know what to do with its argument.
        made.unknown |= matches!(self.assumption, Assumption::Anything);
        made
    }

    fn defaulted(&mut self, children: &[NodeId]) -> Values<'p> {
        let mut all = Values { unknown: false, known: false, among: Some(Vec::new()) };
        for child in children {
            if self.is_absent(*child) {
                all.unknown |= children.last() == Some(child);
                continue;
            }
            let values = self.values(*child);
            all.known |= values.known;
            all.unknown |= values.unknown;
            all.among = match (all.among, values.among) {
                (Some(mut among), Some(more)) => {
                    among.extend(more);
                    Some(among)
                }
                _ => None,
            };
            if !values.unknown {
                break;
            }
        }
        all
    }

    /// What may stand at a path.
    fn at(&self, path: &Path) -> Values<'p> {
        let always = matches!(
            path.lookup,
            Lookup::SubjectType
                | Lookup::SubjectId
                | Lookup::ActionName
                | Lookup::ResourceType
                | Lookup::ResourceId
                | Lookup::Clock(ClockKey::Time | ClockKey::Hour | ClockKey::Minute)
                | Lookup::Clock(ClockKey::DayOfWeek | ClockKey::IsWeekend)
        );
        let among = self.allowed(path);
        match self.assumption {
            _ if always => Values::ANY,
            Assumption::Absent(is_absent) if is_absent(path) => Values { unknown: true, known: false, among: None },
            Assumption::Absent(_) => Values { among, ..Values::ANY },
            Assumption::Anything => Values { unknown: true, among, ..Values::ANY },
        }
    }

    /// All values that the definition of a field lets it have, if it says so.
    fn allowed(&self, path: &Path) -> Option<Vec<&'p Value<'static>>> {
        let (bag, slug) = field_of(path)?;
        let of_field = path.steps.len() == if bag == crate::model::Bag::Traits { 2 } else { 1 };
        let definition = self.definitions.get(slug).filter(|definition| definition.kind == bag && of_field)?;
        (!definition.allowed_values.is_empty()).then(|| definition.allowed_values.iter().collect())
    }

    fn is_absent(&self, id: NodeId) -> bool {
        match (self.assumption, self.program.path_of(id)) {
            (Assumption::Absent(is_absent), Some(path)) => is_absent(path),
            _ => false,
        }
    }

    /// Where nothing is taken for granted, the store may be away.
    fn outage(&self) -> Truths {
        match self.assumption {
            Assumption::Anything => Truths::UNKNOWN,
            Assumption::Absent(_) => Truths::NONE,
        }
    }
}
