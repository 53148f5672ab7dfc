//! Policies of one action and type that ask one path for a value, found by the value that stands there: ten thousand
//! of them do not cost ten thousand evaluations.

use std::collections::{BTreeMap, HashMap, HashSet};

use foldhash::fast::FixedState;
use smol_str::SmolStr;

use crate::lang::ast::Effect;

use super::super::operand::Operand;
use super::super::program::{NodeId, PolicyId, Program};
use super::guards::{self, Guard, Key, Kind, Number, Subject};

/// Fewer policies than these are evaluated as fast as they are found.
const FEWEST: usize = 4;

/// Each group costs every decision a reading and a look-up, so there are no more of them for one action and type.
pub(super) const MOST: usize = 3;

/// The policies that ask one subject for a value.
#[derive(Debug)]
pub(super) struct Group {
    /// The subject.
    node: NodeId,
    bools: [Vec<PolicyId>; 2],
    numbers: HashMap<Number, Vec<PolicyId>, FixedState>,
    texts: HashMap<SmolStr, Vec<PolicyId>, FixedState>,
    /// The denies that ask for a value of another kind than bool, number and text: of those nobody can say that their
    /// condition is false. The last are all denies, for what is of no such kind or not there.
    denies: [Vec<PolicyId>; 4],
}

impl Group {
    /// The policies whose conditions may hold, or may be unknown if they deny: those that ask for this value, and
    /// denies of which nobody can say.
    pub(super) fn relevant(&self, value: Option<&Operand<'_>>) -> [&[PolicyId]; 2] {
        let [not_bool, not_number, not_text, all] = &self.denies;
        let (equal, unknown) = match value {
            Some(Operand::Bool(truth)) => {
                let [no, yes] = &self.bools;
                (Some(if *truth { yes } else { no }), not_bool)
            }
            Some(Operand::Text(text)) => (self.texts.get(text.as_ref()), not_text),
            Some(number @ (Operand::Int(_) | Operand::Float(_))) => {
                (Number::of(number).and_then(|number| self.numbers.get(&number)), not_number)
            }
            _ => (None, all),
        };
        [equal.map_or(&[], Vec::as_slice), unknown]
    }

    fn new(node: NodeId) -> Self {
        Self {
            node,
            bools: Default::default(),
            numbers: HashMap::default(),
            texts: HashMap::default(),
            denies: Default::default(),
        }
    }

    pub(super) fn subject(&self) -> NodeId {
        self.node
    }

    fn insert(&mut self, id: PolicyId, effect: Effect, guard: &Guard) {
        for key in &guard.keys {
            let list = match key {
                Key::Bool(truth) => {
                    let [no, yes] = &mut self.bools;
                    if *truth { yes } else { no }
                }
                Key::Number(number) => self.numbers.entry(*number).or_default(),
                Key::Text(text) => self.texts.entry(text.clone()).or_default(),
            };
            // A value given twice in a list is still one.
            if list.last() != Some(&id) {
                list.push(id);
            }
        }
        if effect == Effect::Deny {
            let own = guard.keys.first().map(Key::kind);
            let others = Kind::ALL.into_iter().map(Some).chain([None]);
            let lists = self.denies.iter_mut().zip(others).filter(|(_, kind)| *kind != own);
            lists.for_each(|(list, _)| list.push(id));
        }
    }
}

/// Puts policies into groups; those that are in none are left.
pub(super) fn group(program: &Program, policies: &[PolicyId]) -> (Vec<Group>, Vec<PolicyId>) {
    let mut groups = Vec::new();
    if policies.len() < FEWEST {
        return (groups, policies.to_vec());
    }
    let guarded = |id: &PolicyId| {
        let policy = program.policy(*id)?;
        Some((*id, policy.effect, guards::of(program, policy.condition)))
    };
    let mut left: Vec<(PolicyId, Effect, Vec<Guard>)> = policies.iter().filter_map(guarded).collect();
    while groups.len() < MOST {
        let Some(subject) = busiest(&left) else { break };
        let mut rest = Vec::new();
        let mut group: Option<Group> = None;
        for (id, effect, guards) in left {
            match guards.iter().find(|guard| guard.subject == subject) {
                Some(guard) => group.get_or_insert_with(|| Group::new(guard.node)).insert(id, effect, guard),
                None => rest.push((id, effect, guards)),
            }
        }
        groups.extend(group);
        left = rest;
    }
    (groups, left.into_iter().map(|(id, ..)| id).collect())
}

/// The subject by which most policies are told apart, if it is worth it.
fn busiest(policies: &[(PolicyId, Effect, Vec<Guard>)]) -> Option<Subject> {
    // By how many different values, too: a group in which all ask for the same tells nothing apart.
    let mut asked: BTreeMap<&Subject, (usize, HashSet<&Key>)> = BTreeMap::new();
    for guard in policies.iter().flat_map(|(_, _, guards)| guards) {
        let (count, keys) = asked.entry(&guard.subject).or_default();
        *count = count.saturating_add(1);
        keys.extend(&guard.keys);
    }
    let worth = asked.into_iter().filter(|(_, (count, _))| *count >= FEWEST);
    worth.max_by_key(|(_, (count, keys))| keys.len().saturating_mul(*count)).map(|(subject, _)| subject.clone())
}
