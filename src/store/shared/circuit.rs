//! A circuit breaker: who does not answer is not asked for a while, so that nobody waits for them.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// So many failures in a row open it.
const FAILURES: u32 = 3;

/// While it is open, one request in this time tries whether it may close.
const TRY_EVERY: Duration = Duration::from_millis(500);

pub(super) struct Circuit {
    since: Instant,
    /// Failures since the last answer.
    failures: AtomicU32,
    /// When the next may try, in milliseconds.
    next_try: AtomicU64,
}

impl Default for Circuit {
    fn default() -> Self {
        Self { since: Instant::now(), failures: AtomicU32::new(0), next_try: AtomicU64::new(0) }
    }
}

impl Circuit {
    pub(super) fn is_open(&self) -> bool {
        self.failures.load(Ordering::Relaxed) >= FAILURES
    }

    /// Whether one may ask now.
    pub(super) fn admits(&self, now: Instant) -> bool {
        if !self.is_open() {
            return true;
        }
        let (now, due) = (self.millis(now), self.next_try.load(Ordering::Relaxed));
        let then = self.after_a_while(now);
        now >= due && self.next_try.compare_exchange(due, then, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    pub(super) fn answered(&self) {
        // Most find it closed, and need not write what all read.
        if self.failures.load(Ordering::Relaxed) > 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
    }

    pub(super) fn failed(&self, now: Instant) {
        self.next_try.store(self.after_a_while(self.millis(now)), Ordering::Relaxed);
        let more = |failures: u32| Some(failures.saturating_add(1));
        let _ = self.failures.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
    }

    fn after_a_while(&self, now: u64) -> u64 {
        now.saturating_add(u64::try_from(TRY_EVERY.as_millis()).unwrap_or(u64::MAX))
    }

    fn millis(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.since).as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_answer_is_asked_once_in_a_while() {
        let circuit = Circuit::default();
        let at = |millis| circuit.since + Duration::from_millis(millis);
        for _ in 0..FAILURES {
            assert!(circuit.admits(at(0)));
            circuit.failed(at(0));
        }
        assert!(circuit.is_open() && !circuit.admits(at(499)));
        assert!(circuit.admits(at(500)), "one tries");
        assert!(!circuit.admits(at(501)), "and only one");
        circuit.failed(at(505));
        assert!(!circuit.admits(at(1004)) && circuit.admits(at(1005)));
        circuit.answered();
        assert!(!circuit.is_open() && circuit.admits(at(1006)) && circuit.admits(at(1006)));
    }
}
