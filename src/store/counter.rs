//! A counter that many threads raise at once.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// More threads than this share counts, which is slower and never wrong.
const SHARDS: usize = 16;

/// A count that is kept in several places, so that threads that raise it do not take the cache line from each other.
#[derive(Debug, Default)]
pub struct Counter([Shard; SHARDS]);

/// Two cache lines: processors fetch them in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Shard(AtomicU64);

static THREADS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static SHARD: Cell<Option<usize>> = const { Cell::new(None) };
}

impl Counter {
    /// Raises it.
    pub fn add(&self, count: u64) {
        let shard = SHARD.get().unwrap_or_else(|| {
            let shard = THREADS.fetch_add(1, Ordering::Relaxed) % SHARDS;
            SHARD.set(Some(shard));
            shard
        });
        self.0[shard].0.fetch_add(count, Ordering::Relaxed);
    }

    /// What it counted so far.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.iter().map(|shard| shard.0.load(Ordering::Relaxed)).fold(0, u64::wrapping_add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_between_threads() {
        let counter = Counter::default();
        std::thread::scope(|scope| {
            for _ in 0..40 {
                scope.spawn(|| (0..1000).for_each(|_| counter.add(2)));
            }
        });
        assert_eq!(counter.get(), 80_000);
    }
}
