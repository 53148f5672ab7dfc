//! A circuit breaker: who does not answer is not asked, so that nobody waits for them, until they answer one who tries.

use std::sync::atomic::{AtomicU32, Ordering};

/// So many failures in a row open it.
const FAILURES: u32 = 3;

#[derive(Default)]
pub(super) struct Circuit {
    /// Failures since the last answer.
    failures: AtomicU32,
}

impl Circuit {
    /// Whether one must not ask.
    pub(super) fn is_open(&self) -> bool {
        self.failures.load(Ordering::Relaxed) >= FAILURES
    }

    pub(super) fn answered(&self) {
        // Most find it closed, and need not write what all read.
        if self.failures.load(Ordering::Relaxed) > 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
    }

    pub(super) fn failed(&self) {
        let more = |failures: u32| Some(failures.saturating_add(1));
        let _ = self.failures.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_when_nobody_answers_and_closes_when_somebody_does() {
        let circuit = Circuit::default();
        for _ in 0..FAILURES {
            assert!(!circuit.is_open());
            circuit.failed();
        }
        assert!(circuit.is_open());
        circuit.answered();
        circuit.failed();
        assert!(!circuit.is_open(), "failures in a row");
    }
}
