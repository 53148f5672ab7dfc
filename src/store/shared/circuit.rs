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

    /// Whether the last answer did not come.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.failures.load(Ordering::Relaxed) > 0
    }

    /// Notes an answer; whether that closes it.
    pub(super) fn answered(&self) -> bool {
        // Most find it closed, and need not write what all read.
        self.is_in_doubt() && self.failures.swap(0, Ordering::Relaxed) >= FAILURES
    }

    /// Notes that none came; whether that opens it.
    pub(super) fn failed(&self) -> bool {
        let more = |failures: u32| Some(failures.saturating_add(1));
        self.failures.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more) == Ok(FAILURES - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_when_nobody_answers_and_closes_when_somebody_does() {
        let circuit = Circuit::default();
        for failure in 1..=FAILURES {
            assert!(!circuit.is_open());
            assert_eq!(circuit.failed(), failure == FAILURES);
        }
        assert!(circuit.is_open());
        assert!(!circuit.failed() && circuit.answered() && !circuit.answered(), "it opens and closes once");
        circuit.failed();
        assert!(!circuit.is_open(), "failures in a row");
    }
}
