//! From an action and a resource type to the policies that speak of them.

use std::collections::HashMap;

use smol_str::SmolStr;

use crate::lang::ast::Selector;

use super::program::PolicyId;

/// Policies by action and resource type. All tables are filled by us, so a quick hash without a key will do.
#[derive(Debug, Default)]
pub(super) struct Index {
    by_action: HashMap<SmolStr, ByType, foldhash::fast::FixedState>,
    any_action: ByType,
}

#[derive(Debug, Default)]
struct ByType {
    by_type: HashMap<SmolStr, Vec<PolicyId>, foldhash::fast::FixedState>,
    any_type: Vec<PolicyId>,
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

    /// The candidates for an action on a resource type, in the order of their numbers.
    pub(super) fn candidates(&self, action: &str, kind: &str) -> Candidates<'_> {
        let (named, named_any) = self.by_action.get(action).map_or((&[][..], &[][..]), |by_type| by_type.find(kind));
        let (any, any_any) = self.any_action.find(kind);
        Candidates([named, named_any, any, any_any])
    }
}

impl ByType {
    fn insert(&mut self, id: PolicyId, resource: &Selector) {
        let into = |list: &mut Vec<PolicyId>| {
            // A name given twice in one selector is still one policy.
            if list.last() != Some(&id) {
                list.push(id);
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

    fn find(&self, kind: &str) -> (&[PolicyId], &[PolicyId]) {
        (self.by_type.get(kind).map_or(&[], Vec::as_slice), &self.any_type)
    }
}

/// A merge of sorted lists that have no policy in common.
pub(super) struct Candidates<'i>([&'i [PolicyId]; 4]);

impl Iterator for Candidates<'_> {
    type Item = PolicyId;

    fn next(&mut self) -> Option<PolicyId> {
        let list = self.0.iter_mut().filter(|list| !list.is_empty()).min_by_key(|list| list.first().copied())?;
        let (first, rest) = list.split_first()?;
        *list = rest;
        Some(*first)
    }
}
