//! How far what is in memory can be trusted: as far as the change feed was read.
//!
//! While the feed cannot be read, another process may have changed anything. What is in memory then decides for a grace,
//! and says that it is stale; after it, nothing that was stored is known.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The feed is read five times a second: this long without it is an outage, and no pause of a busy machine.
const STALE_AFTER: Duration = Duration::from_secs(2);

/// How old what is in memory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Age {
    /// As new as the feed.
    Fresh,
    /// It still counts, and may be out of date.
    Stale,
    /// It does not count any more.
    Expired,
}

/// When the feed was last read.
pub(super) struct Heard {
    since: Instant,
    /// Milliseconds from then to the last reading.
    last: AtomicU64,
    grace: Duration,
}

impl Heard {
    /// Just now, with a grace for when there is no more of it.
    pub(super) fn now(grace: Duration) -> Self {
        Self { since: Instant::now(), last: AtomicU64::new(0), grace }
    }

    /// Notes that the feed was read, as it was at that moment.
    pub(super) fn at(&self, moment: Instant) {
        let millis = moment.saturating_duration_since(self.since).as_millis();
        self.last.fetch_max(u64::try_from(millis).unwrap_or(u64::MAX), Ordering::Release);
    }

    /// How long ago that was.
    pub(super) fn lag(&self, now: Instant) -> Duration {
        let last = Duration::from_millis(self.last.load(Ordering::Acquire));
        now.saturating_duration_since(self.since).saturating_sub(last)
    }

    /// Whether a credential that is known still counts: nobody could say that it was revoked. For twice as long as facts
    /// do, so that what needs none is still decided for those who are known.
    pub(super) fn trusts_credentials(&self, now: Instant) -> bool {
        self.lag(now) < self.grace.saturating_mul(2)
    }

    /// How old what is in memory is.
    pub(super) fn age(&self, now: Instant) -> Age {
        match self.lag(now) {
            lag if lag < STALE_AFTER => Age::Fresh,
            lag if lag < self.grace => Age::Stale,
            _ => Age::Expired,
        }
    }
}
