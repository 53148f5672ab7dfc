//! The number of the last known change, by stripe of keys.
//!
//! Several keys share a stripe, so a key may be held to a change of another: its reading is then made once more,
//! which is never wrong.

use std::sync::atomic::{AtomicI64, Ordering};

const STRIPES: usize = 1024;

pub(super) struct Fence(Box<[AtomicI64]>);

impl Default for Fence {
    fn default() -> Self {
        Self((0..STRIPES).map(|_| AtomicI64::new(0)).collect())
    }
}

impl Fence {
    pub(super) fn raise(&self, hash: u64, seq: i64) {
        self.stripe(hash).fetch_max(seq, Ordering::SeqCst);
    }

    pub(super) fn raise_all(&self, seq: i64) {
        self.0.iter().for_each(|stripe| {
            stripe.fetch_max(seq, Ordering::SeqCst);
        });
    }

    pub(super) fn last(&self, hash: u64) -> i64 {
        self.stripe(hash).load(Ordering::SeqCst)
    }

    fn stripe(&self, hash: u64) -> &AtomicI64 {
        &self.0[hash as usize % STRIPES]
    }
}
