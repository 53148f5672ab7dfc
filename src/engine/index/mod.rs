//! From an action and a resource type to the policies that speak of them, and on to those that a value picks out.

mod groups;
mod guards;

use std::collections::HashMap;

use smallvec::SmallVec;
use smol_str::SmolStr;

use crate::lang::ast::Selector;

use super::eval::Evaluation;
use super::program::{PolicyId, Program};
use groups::Group;

type Table<T> = HashMap<SmolStr, T, foldhash::fast::FixedState>;

/// Policies by action and resource type. All tables are filled by us, so a quick hash without a key will do.
#[derive(Debug, Default)]
pub(super) struct Index {
    by_action: Table<ByType>,
    any_action: ByType,
}

#[derive(Debug, Default)]
struct ByType {
    by_type: Table<Cell>,
    any_type: Cell,
}

/// The policies of one action and one type, in the order of their numbers.
#[derive(Debug, Default)]
struct Cell {
    all: Vec<PolicyId>,
    /// Some of them, by what they ask for.
    groups: Vec<Group>,
    /// The others.
    rest: Vec<PolicyId>,
}

impl Index {
    /// Enters a policy; policies come in the order of their numbers.
    pub(super) fn insert(&mut self, id: PolicyId, action: &Selector, resource: &Selector) {
        match action {
            Selector::Any => self.any_action.insert(id, resource),
            Selector::Named(names) => {
                for name in names {
                    self.by_action.entry(name.text.as_str().into()).or_default().insert(id, resource);
                }
            }
        }
    }

    /// Puts the policies, which are all there now, into groups.
    pub(super) fn group(&mut self, program: &Program) {
        for by_type in self.by_action.values_mut().chain([&mut self.any_action]) {
            for cell in by_type.by_type.values_mut().chain([&mut by_type.any_type]) {
                (cell.groups, cell.rest) = groups::group(program, &cell.all);
            }
        }
    }

    /// All candidates for an action on a resource type, in the order of their numbers.
    pub(super) fn candidates(&self, action: &str, kind: &str) -> Candidates<'_> {
        Candidates(self.cells(action, kind).map(|cell| cell.all.as_slice()).collect())
    }

    /// The candidates that may apply: those whose conditions cannot be false by the values that they ask for.
    pub(super) fn relevant(&self, action: &str, kind: &str, evaluation: &mut Evaluation<'_>) -> Candidates<'_> {
        let mut lists: Lists<'_> = SmallVec::new();
        let mut add = |list| {
            if !<[PolicyId]>::is_empty(list) {
                lists.push(list);
            }
        };
        for cell in self.cells(action, kind) {
            add(&cell.rest);
            for group in &cell.groups {
                let value = evaluation.value(group.subject());
                group.relevant(value.as_ref()).into_iter().for_each(&mut add);
            }
        }
        Candidates(lists)
    }

    fn cells(&self, action: &str, kind: &str) -> impl Iterator<Item = &Cell> {
        let named = self.by_action.get(action).map(|by_type| by_type.cells(kind));
        named.into_iter().chain([self.any_action.cells(kind)]).flatten()
    }
}

impl ByType {
    fn insert(&mut self, id: PolicyId, resource: &Selector) {
        let into = |cell: &mut Cell| {
            // A name given twice in one selector is still one policy.
            if cell.all.last() != Some(&id) {
                cell.all.push(id);
            }
        };
        match resource {
            Selector::Any => into(&mut self.any_type),
            Selector::Named(kinds) => {
                for kind in kinds {
                    into(self.by_type.entry(kind.text.as_str().into()).or_default());
                }
            }
        }
    }

    fn cells(&self, kind: &str) -> impl Iterator<Item = &Cell> {
        self.by_type.get(kind).into_iter().chain([&self.any_type])
    }
}

/// So many lists are merged without asking for memory: of four cells what is in no group, and two of each group.
const LISTS: usize = 4 * (1 + 2 * groups::MOST);

type Lists<'i> = SmallVec<[&'i [PolicyId]; LISTS]>;

/// A merge of sorted lists that have no policy in common.
pub(super) struct Candidates<'i>(Lists<'i>);

impl Iterator for Candidates<'_> {
    type Item = PolicyId;

    fn next(&mut self) -> Option<PolicyId> {
        // Most decisions have one list.
        let list = match self.0.as_mut_slice() {
            [only] => only,
            lists => lists.iter_mut().filter(|list| !list.is_empty()).min_by_key(|list| list.first().copied())?,
        };
        let (first, rest) = list.split_first()?;
        *list = rest;
        Some(*first)
    }
}
