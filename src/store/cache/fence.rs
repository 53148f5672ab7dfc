//! The number of the last known change of each key, for as many changes as are kept; for what is older, there is a floor.
//!
//! Keys are told apart by a hash: two that share one by chance are held to each other's changes, so that a reading is
//! made once more, which is never wrong.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// So many changes are kept: some megabytes.
pub(super) const KEPT: usize = 100_000;

pub(super) struct Fence(Mutex<Changes>);

struct Changes {
    last: HashMap<u64, i64>,
    /// In the order in which they came to be known, roughly that of their numbers.
    order: VecDeque<(i64, u64)>,
    /// All changes after this one are kept.
    floor: i64,
    /// What the floor was when it was last taken down: since then it may have risen for good.
    lowered: i64,
}

impl Fence {
    /// A fence of one who knows nothing of what changed before.
    pub(super) fn new(floor: i64) -> Self {
        Self(Mutex::new(Changes { last: HashMap::new(), order: VecDeque::new(), floor, lowered: floor }))
    }

    pub(super) fn raise(&self, hash: u64, seq: i64) {
        let mut changes = self.changes();
        changes.note(hash, seq);
        changes.order.push_back((seq, hash));
        while changes.order.len() > KEPT {
            changes.forget_first();
        }
    }

    /// Notes changes from before the floor, newest first, and takes the floor down to `floor`, after which they all are.
    /// Whether there is room for more.
    pub(super) fn lower(&self, earlier: impl IntoIterator<Item = (u64, i64)>, floor: i64) -> bool {
        let mut changes = self.changes();
        for (hash, seq) in earlier {
            if changes.order.len() == KEPT {
                return false;
            }
            changes.note(hash, seq);
            changes.order.push_front((seq, hash));
        }
        if changes.floor != changes.lowered {
            return false;
        }
        (changes.floor, changes.lowered) = (floor, floor);
        changes.order.len() < KEPT
    }

    /// Holds every key to a change.
    pub(super) fn raise_all(&self, seq: i64) {
        let mut changes = self.changes();
        changes.floor = changes.floor.max(seq);
    }

    pub(super) fn last(&self, hash: u64) -> i64 {
        let changes = self.changes();
        changes.last.get(&hash).copied().unwrap_or(i64::MIN).max(changes.floor)
    }

    fn changes(&self) -> MutexGuard<'_, Changes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Changes {
    fn note(&mut self, hash: u64, seq: i64) {
        let last = self.last.entry(hash).or_insert(seq);
        *last = seq.max(*last);
    }

    fn forget_first(&mut self) {
        let Some((seq, hash)) = self.order.pop_front() else { return };
        if self.last.get(&hash) == Some(&seq) {
            self.last.remove(&hash);
        }
        self.floor = self.floor.max(seq);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_held_to_its_own_changes_and_to_what_nobody_knows_any_more() {
        let fence = Fence::new(10);
        assert_eq!(fence.last(1), 10, "nobody knows what happened before");
        fence.raise(1, 11);
        fence.raise(2, 12);
        assert_eq!([1, 2, 3].map(|key| fence.last(key)), [11, 12, 10]);
        assert!(fence.lower([(3, 10), (1, 9), (4, 8)], 7));
        assert_eq!([1, 2, 3, 4, 5].map(|key| fence.last(key)), [11, 12, 10, 8, 7]);
        for seq in 0..KEPT as i64 {
            fence.raise(100 + seq as u64, 13 + seq);
        }
        assert_eq!([1, 5].map(|key| fence.last(key)), [12, 12], "the first ones are forgotten");
        assert_eq!(fence.last(100), 13);
        assert!(!fence.lower([(5, 12)], 11), "there is no room");
        assert!(!fence.lower([], 1), "it has risen for good");
        assert_eq!(fence.last(5), 12);
        fence.raise_all(1 << 40);
        assert_eq!(fence.last(100), 1 << 40);
    }
}
